//! Whoever shapes, owns, or answers for what is asked does not decide on it: the operation says why, and the database
//! refuses the same row, decided in one's own name or in another's.

use chrono::TimeDelta;
use muster::{
    approvals::{NewCondition, NewDecision, RequestKind, Timing, Verdict, ops},
    error::Error,
    identity::{
        GroupContent, GroupKind, NewToken, Permission, Person, Role, ServiceAccountContent, TokenOwner, ops as people,
    },
    integrations::IntegrationContent,
};
use uuid::Uuid;

use super::{decide, drafted, submit};
use crate::support::{TestApp, builders};

const INSERT: &str = "insert into request_decisions (id, request_id, position, round, decision, reason, decided_by,
        decided_for, content_hash, material_hash, decided_via, decided_at)
     select gen_random_uuid(), r.id, 1, r.round, 'approve', 'x', $2, $3, r.content_hash, r.material_hash, 'page', $4
     from change_requests r where r.id = $1";

/// Puts someone into the group Security and among those who steer.
async fn reviewer(test: &TestApp, name: &str, roles: &[Role]) -> Person {
    let person = test.person(name, &[&[Role::Reviewer], roles].concat()).await;
    join(test, GroupKind::ReviewGroup, "security", |members| members.push(person.id)).await;
    person
}

async fn join(test: &TestApp, kind: GroupKind, slug: &str, change: impl FnOnce(&mut Vec<Uuid>)) {
    let group = people::find_group(&test.app, &test.cli(), kind, slug).await.expect("a group");
    let mut content = GroupContent { members: group.content.members.clone(), ..group.content };
    change(&mut content.members);
    people::update_group(&test.app, &test.cli(), kind, group.id, group.revision, content).await.expect("changed");
}

async fn raw(test: &TestApp, id: Uuid, by: Uuid, decided_for: Option<Uuid>) -> Option<String> {
    let mut conn = test.as_app().await;
    let now = test.clock.now();
    let done = sqlx::query(INSERT).bind(id).bind(by).bind(decided_for).bind(now).execute(&mut conn).await;
    let error = done.expect_err("refused");
    error.as_database_error().and_then(|error| error.constraint()).map(str::to_owned)
}

/// Someone is refused by the operation in these words and by the database, and so is who decides in their name.
async fn barred(test: &TestApp, person: &Person, id: Uuid, words: &str, constraint: &str) {
    let refused = decide(test, person, id, Verdict::Approve).await;
    assert!(matches!(&refused, Err(Error::Forbidden(text)) if text.contains(words)), "{words}: {refused:?}");
    assert_eq!(raw(test, id, person.id, None).await.as_deref(), Some(constraint));
    let deputy = test.person("Dora Deputy", &[Role::Reviewer]).await;
    let today = test.app.today().await.expect("a day");
    let me = test.page(person).await;
    ops::make_delegation(&test.app, &me, deputy.id, (today, today), None).await.expect("delegated");
    let refused = decide(test, &deputy, id, Verdict::Approve).await;
    let wanted = "Those who delegated to you asked for this, took part in it or own it; someone else decides.";
    assert!(matches!(&refused, Err(Error::Forbidden(text)) if text == wanted), "{refused:?}");
    assert_eq!(raw(test, id, deputy.id, Some(person.id)).await.as_deref(), Some(constraint));
}

const TOOK_PART: &str = "You took part in this: you submitted or edited it, or minted the token that did.";

#[tokio::test]
async fn who_submits_or_edits_the_reason_does_not_decide() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let submits = reviewer(&test, "Sam Submits", &[Role::GovernanceLead]).await;
    let reasons = reviewer(&test, "Rosa Reasons", &[Role::GovernanceLead]).await;
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    let actor = test.page(&submits).await;
    let open = ops::submit_request(&test.app, &actor, id, 1, None).await.expect("submitted");
    barred(&test, &submits, id, TOOK_PART, "request_decisions_not_by_participant").await;
    // A word on why is an edit like any other, though no field changes: the hash moves with it.
    let actor = test.page(&reasons).await;
    let why = Some("The old one ends.".to_owned());
    let edited =
        ops::edit_request(&test.app, &actor, id, open.revision, open.content.clone(), why).await.expect("edited");
    let hash = |request: &muster::approvals::Request| request.phase.bound().expect("bound").content_hash.clone();
    assert_ne!(hash(&open), hash(&edited));
    barred(&test, &reasons, id, TOOK_PART, "request_decisions_not_by_participant").await;
    let stale = NewDecision::new(Verdict::Approve, "Fine.", hash(&open));
    let refused = ops::decide(&test.app, &test.page(&shop.reviewer).await, id, stale).await;
    assert!(matches!(&refused, Err(Error::Conflict(text)) if text.starts_with("It changed")), "{refused:?}");
    decide(&test, &shop.reviewer, id, Verdict::Approve).await.expect("someone else");
}

#[tokio::test]
async fn the_reason_that_was_decided_on_stands() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    submit(&test, &shop, id).await.expect("submitted");
    let forced = sqlx::query("update change_requests set reason = 'Another' where id = $1")
        .bind(id)
        .execute(&mut test.as_app().await)
        .await
        .expect_err("refused");
    let constraint = forced.as_database_error().and_then(|error| error.constraint());
    assert_eq!(constraint, Some("change_requests_bound_reason"));
}

#[tokio::test]
async fn who_minted_the_token_of_a_script_that_asked_does_not_decide() {
    let test = TestApp::new().await;
    let _shop = builders::shop(&test).await;
    let mints = reviewer(&test, "Mona Mints", &[Role::Admin]).await;
    let admin = test.page(&mints).await;
    let team = people::find_group(&test.app, &test.cli(), GroupKind::Team, "payments").await.expect("a team");
    let scopes = vec![Permission::Read, Permission::Propose];
    let content = ServiceAccountContent {
        name: "Deployer".into(),
        scopes: scopes.clone(),
        team_id: Some(team.id),
        ..ServiceAccountContent::default()
    };
    let account = people::create_service_account(&test.app, &test.cli(), content).await.expect("an account");
    let new = NewToken { name: "test".into(), scopes, expires_in_days: 30 };
    let minted =
        people::mint_token(&test.app, &admin, TokenOwner::ServiceAccount(account.id), new).await.expect("a token");
    let token = minted.bearer.reveal();
    let mut body = serde_json::to_value(builders::content("Stripe for Shop")).expect("JSON");
    body.as_object_mut().expect("an object").remove("slug");
    let made = test.api("POST", "/api/v1/integrations", token, &[], Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let id: Uuid =
        sqlx::query_scalar("select id from change_requests").fetch_one(&mut test.owner().await).await.expect("it");
    let submitted = test
        .api(
            "POST",
            &format!("/api/v1/requests/{id}/submit"),
            token,
            &[("if-match", "\"1\"")],
            Some(serde_json::json!({})),
        )
        .await;
    assert_eq!(submitted.status, 200, "{}", submitted.text());
    barred(&test, &mints, id, TOOK_PART, "request_decisions_not_by_participant").await;
}

#[tokio::test]
async fn who_owned_it_lately_does_not_decide_until_the_days_are_over() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let leaves = reviewer(&test, "Lea Leaves", &[]).await;
    join(&test, GroupKind::Team, "payments", |members| members.push(leaves.id)).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    join(&test, GroupKind::Team, "payments", |members| members.retain(|one| *one != leaves.id)).await;
    let change = async |purpose: &str| {
        let actor = test.page(&shop.requester).await;
        let content = IntegrationContent { purpose: Some(purpose.into()), ..live.content.clone() };
        let id = ops::propose(
            &test.app,
            &actor,
            &live.id.to_string(),
            RequestKind::Change,
            Some(content),
            Some("Why.".into()),
        )
        .await
        .expect("proposed")
        .id;
        submit(&test, &shop, id).await.expect("submitted");
        id
    };
    let id = change("Takes payments of another kind.").await;
    let words = "You were in a team that owned this within the last 90 days, or moved its owners";
    barred(&test, &leaves, id, words, "request_decisions_not_by_owner").await;
    // Ninety days after it was left, what is asked for then is theirs to decide like anyone's.
    let actor = test.page(&shop.requester).await;
    let open = ops::find_request(&test.app, &actor, id).await.expect("it");
    ops::withdraw_request(&test.app, &actor, id, open.revision).await.expect("withdrawn");
    test.clock.advance(TimeDelta::days(91));
    let id = change("Takes payments of a third kind.").await;
    decide(&test, &leaves, id, Verdict::Approve).await.expect("decided");
}

#[tokio::test]
async fn who_moves_the_owners_does_not_decide_afterwards() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let moves = reviewer(&test, "Mia Moves", &[Role::GovernanceLead]).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    let edit = ops::Stewardship {
        integrations: vec![live.content.slug.clone()],
        technical_owner: Some("backup".into()),
        ..ops::Stewardship::default()
    };
    assert_eq!(ops::steward(&test.app, &test.page(&moves).await, edit).await.expect("moved"), 1);
    let actor = test.page(&shop.requester).await;
    let request =
        ops::propose(&test.app, &actor, &live.id.to_string(), RequestKind::Retire, None, Some("Over.".into()))
            .await
            .expect("proposed");
    submit(&test, &shop, request.id).await.expect("submitted");
    barred(&test, &moves, request.id, "or moved its owners", "request_decisions_not_by_owner").await;
}

#[tokio::test]
async fn owners_are_moved_by_both_teams_or_a_lead() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    let edit = |to: &str| ops::Stewardship {
        integrations: vec![live.content.slug.clone()],
        technical_owner: Some(to.into()),
        ..ops::Stewardship::default()
    };
    let actor = test.page(&shop.requester).await;
    let refused = ops::steward(&test.app, &actor, edit("backup")).await;
    assert!(matches!(&refused, Err(Error::Forbidden(text)) if text.starts_with("An owner is replaced")), "{refused:?}");
    join(&test, GroupKind::Team, "backup", |members| members.push(shop.requester.id)).await;
    let actor = test.page(&shop.requester).await;
    assert_eq!(ops::steward(&test.app, &actor, edit("backup")).await.expect("in both"), 1);
}

#[tokio::test]
async fn an_approval_lapses_with_the_seat_it_was_given_from() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let other = reviewer(&test, "Omar Other", &[]).await;
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    let open = submit(&test, &shop, id).await.expect("submitted");
    let today = test.app.today().await.expect("a day");
    let condition = NewCondition {
        text: "Limit the key to our addresses.".into(),
        owner: "payments".into(),
        due_on: Some(today + TimeDelta::days(9)),
        timing: Timing::BeforeLive,
    };
    let hash = open.phase.bound().expect("bound").content_hash.clone();
    let yes =
        NewDecision { conditions: vec![condition], ..NewDecision::new(Verdict::ApproveWithConditions, "If so.", hash) };
    let held = ops::decide(&test.app, &test.page(&shop.reviewer).await, id, yes).await.expect("decided");
    assert_eq!(held.phase.key(), "approved");
    assert_eq!(ops::recount_lapsed(&test.app).await.expect("counted"), 0);
    join(&test, GroupKind::ReviewGroup, "security", |members| members.retain(|one| *one != shop.reviewer.id)).await;
    // What waits for the condition does not go live on an approval that is gone, by either way.
    let unmet = held.unmet().next().expect("one").id;
    let owner = test.page(&shop.requester).await;
    let refused = ops::meet_condition(&test.app, &owner, id, unmet, "Ticket 17.").await;
    assert!(matches!(&refused, Err(Error::Conflict(text)) if text.contains("left the review group")), "{refused:?}");
    let forced = sqlx::query("update change_requests set state = 'applied', closed_at = now() where id = $1")
        .bind(id)
        .execute(&mut test.as_app().await)
        .await
        .expect_err("refused");
    let constraint = forced.as_database_error().and_then(|error| error.constraint());
    assert_eq!(constraint, Some("change_requests_approved_by_decisions"));
    assert_eq!(ops::recount_lapsed(&test.app).await.expect("counted"), 1);
    assert_eq!(ops::recount_lapsed(&test.app).await.expect("counted"), 0);
    let reopened = ops::find_request(&test.app, &owner, id).await.expect("it");
    assert_eq!((reopened.phase.key(), reopened.decisions[0].lapsed), ("open", true));
    assert_eq!(test.last_action().await, "change_request.reopened");
    let again = decide(&test, &other, id, Verdict::Approve).await.expect("decided");
    assert_eq!(again.phase.key(), "approved", "the condition still holds it");
    assert_eq!(ops::recount_lapsed(&test.app).await.expect("counted"), 0, "another approval stands in its place");
    let done = ops::meet_condition(&test.app, &owner, id, unmet, "Ticket 17.").await.expect("met");
    assert_eq!(done.phase.key(), "applied");
}

#[tokio::test]
async fn what_is_based_on_the_past_is_not_decided_on() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    let actor = test.page(&shop.requester).await;
    let content = IntegrationContent { purpose: Some("Takes payments twice.".into()), ..live.content.clone() };
    let request =
        ops::propose(&test.app, &actor, &live.id.to_string(), RequestKind::Change, Some(content), Some("Why.".into()))
            .await
            .expect("proposed");
    submit(&test, &shop, request.id).await.expect("submitted");
    let edit = ops::Stewardship {
        integrations: vec![live.content.slug.clone()],
        add_tags: vec!["pci".into()],
        ..ops::Stewardship::default()
    };
    ops::steward(&test.app, &actor, edit).await.expect("tagged");
    let refused = decide(&test, &shop.reviewer, request.id, Verdict::Approve).await;
    assert!(matches!(&refused, Err(Error::Conflict(text)) if text.contains("rebased first")), "{refused:?}");
}

#[tokio::test]
async fn the_page_offers_a_decision_to_those_alone_who_may_make_it() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let submits = reviewer(&test, "Sam Submits", &[Role::GovernanceLead]).await;
    let owner = reviewer(&test, "Olaf Owner", &[]).await;
    join(&test, GroupKind::Team, "backup", |members| members.push(owner.id)).await;
    let outsider = test.person("Otto Outside", &[Role::Reviewer]).await;
    let deputy = test.person("Dora Deputy", &[Role::Reviewer]).await;
    let stand_in = test.person("Stan Standin", &[Role::Reviewer]).await;
    let today = test.app.today().await.expect("a day");
    for (from, to) in [(&owner, &deputy), (&shop.reviewer, &stand_in)] {
        let from = test.page(from).await;
        ops::make_delegation(&test.app, &from, to.id, (today, today), None).await.expect("delegated");
    }
    for (person, may) in [
        (&shop.requester, false),
        (&submits, false),
        (&owner, false),
        (&outsider, false),
        (&deputy, false),
        (&stand_in, true),
        (&shop.reviewer, true),
    ] {
        let name = person.content.name.clone();
        let id = drafted(&test, &shop, &format!("Stripe for {name}")).await;
        ops::submit_request(&test.app, &test.page(&submits).await, id, 1, None).await.expect("submitted");
        let page = test.sign_in(person).await.get(&format!("/requests/{id}")).await.text();
        let decided = decide(&test, person, id, Verdict::Approve).await;
        assert_eq!((page.contains("data-decide"), decided.is_ok()), (may, may), "{name}: {decided:?}");
        if let (false, Err(Error::Forbidden(reason))) = (may, &decided)
            && person.content.roles.contains(&Role::Reviewer)
        {
            let shown = page.replace("&#39;", "'");
            assert!(shown.contains(reason.as_str()), "{name} reads why: {reason}");
        }
    }
}

#[tokio::test]
async fn what_was_typed_with_a_decision_stays_when_it_is_refused() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    let open = submit(&test, &shop, id).await.expect("submitted");
    let hash = open.phase.bound().expect("bound").content_hash.clone();
    let browser = test.sign_in(&shop.reviewer).await;
    let path = format!("/requests/{id}/decide");
    let reply = browser
        .post(
            &path,
            &[
                ("content_hash", &hash),
                ("verdict", "approve_with_conditions"),
                ("reason", "Only with a limit."),
                ("conditions.1.text", "Limit the key."),
                ("conditions.1.owner", "payments"),
                ("conditions.1.due_on", "2027-02-30"),
                ("conditions.1.timing", "after_live"),
                ("conditions.4.owner", "backup"),
            ],
        )
        .await;
    assert_eq!(reply.status, 422);
    let page = reply.text();
    for kept in [
        "Only with a limit.",
        "<details class=\"with\" open>",
        "name=\"conditions.0.text\" maxlength=\"1000\" value=\"Limit the key.\"",
        "<option value=\"payments\" selected>",
        "value=\"2027-02-30\"",
        "<option value=\"after_live\" selected>",
        "<option value=\"backup\" selected>",
        "name=\"conditions.2.text\"",
    ] {
        assert!(page.contains(kept), "{kept}: {page}");
    }
}

#[tokio::test]
async fn a_reviewer_does_not_shorten_the_days_that_bar_them() {
    let test = TestApp::new().await;
    let both = test.page(&test.person("Max Mighty", &[Role::Admin, Role::Reviewer]).await).await;
    let admin = test.page(&test.person("Anna Admin", &[Role::Admin]).await).await;
    let set = muster::settings::ops::get(&test.app, &admin).await.expect("settings");
    let fewer = |days| muster::settings::SettingsContent { ownership_days: days, ..set.content.clone() };
    let refused = muster::settings::ops::update(&test.app, &both, set.revision, fewer(0)).await;
    assert!(matches!(&refused, Err(Error::Forbidden(text)) if text.contains("Another admin")), "{refused:?}");
    let more = muster::settings::ops::update(&test.app, &both, set.revision, fewer(120)).await.expect("more days");
    muster::settings::ops::update(&test.app, &admin, more.revision, fewer(30)).await.expect("another admin");
}
