//! Stages: who decides in which, conditions, delegation, escalation.

use chrono::TimeDelta;
use muster::{
    approvals::{NewCondition, NewDecision, RequestKind, Timing, Verdict, ops},
    error::Error,
    identity::{GroupContent, GroupKind, Role, ops as people},
    integrations::{self, IntegrationState},
    policy::{Mode, RuleContent, WorkflowContent},
    publications::ops as publications,
};

use super::{decide, drafted, group, pointers, rule, stage, submit, workflow};
use crate::support::{TestApp, builders};

#[tokio::test]
async fn stages_wait_for_each_other_and_nobody_decides_in_two() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let privacy = test.person("Petra Privacy", &[Role::Reviewer]).await;
    group(&test, "Privacy", &privacy).await;
    let mut conn = test.owner().await;
    sqlx::query("insert into review_group_members (review_group_id, person_id) select id, $1 from review_groups where slug = 'privacy'")
        .bind(shop.reviewer.id)
        .execute(&mut conn)
        .await
        .expect("joined");
    let mut second = stage("Privacy", "privacy");
    second.condition = Some("data_flows.exists(f, f.sensitivity == 'confidential')".into());
    let board = test.person("Bo Board", &[Role::Reviewer]).await;
    group(&test, "Board", &board).await;
    let mut third = stage("Board", "board");
    third.condition = Some("integration.tags.exists(t, t == 'board')".into());
    builders::publish(&test, workflow(vec![stage("Security", "security"), second, third])).await;
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    let open = submit(&test, &shop, id).await.expect("submitted");
    let names: Vec<&str> = open.stages.iter().map(|stage| stage.name.as_str()).collect();
    assert_eq!(names, ["Security", "Privacy"]);
    let early = decide(&test, &privacy, id, Verdict::Approve).await;
    assert!(matches!(early, Err(Error::Forbidden(_))), "{early:?}");
    decide(&test, &shop.reviewer, id, Verdict::Approve).await.expect("the first stage");
    let twice = decide(&test, &shop.reviewer, id, Verdict::Approve).await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
    // A material edit voids both and begins anew.
    let requester = test.page(&shop.requester).await;
    let request = ops::find_request(&test.app, &requester, id).await.expect("it");
    let mut content = request.content.clone();
    content.purpose = Some("Something else.".into());
    let edited = ops::edit_request(&test.app, &requester, id, request.revision, content, None).await.expect("edited");
    assert_eq!((edited.round, edited.open_stage().map(|stage| stage.position)), (2, Some(1)));
    decide(&test, &shop.reviewer, id, Verdict::Approve).await.expect("the first stage again");
    let done = decide(&test, &privacy, id, Verdict::Approve).await.expect("the second stage");
    assert_eq!((done.phase.key(), done.decisions.len()), ("applied", 3));
}

#[tokio::test]
async fn a_stage_that_nobody_may_decide_is_refused_at_submission_by_name() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    // Two stages for one person are refused on save, and so are more approvals than there are reviewers.
    let both = workflow(vec![stage("Security", "security"), stage("Second look", "security")]);
    let one = test.cli();
    assert_eq!(pointers(publications::create(&test.app, &one, both.clone()).await), ["/stages/1/review_group"]);
    let mut two = stage("Security", "security");
    two.approvals = 2;
    assert_eq!(pointers(publications::create(&test.app, &one, workflow(vec![two])).await), ["/stages/0/review_group"]);
    // Where somebody has left since, it is refused at submission.
    let second = test.person("Sven Second", &[Role::Reviewer]).await;
    sqlx::query("insert into review_group_members (review_group_id, person_id) select id, $1 from review_groups where slug = 'security'")
        .bind(second.id)
        .execute(&mut test.owner().await)
        .await
        .expect("joined");
    builders::publish(&test, both).await;
    sqlx::query("delete from review_group_members where person_id = $1")
        .bind(second.id)
        .execute(&mut test.owner().await)
        .await
        .expect("left");
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    let refused = submit(&test, &shop, id).await;
    assert!(matches!(&refused, Err(Error::Conflict(text)) if text.contains("'Second look'")), "{refused:?}");
    // A group that is not there is refused on save; one that lost its people, at submission.
    let cli = test.cli();
    let content = WorkflowContent { key: "ghosts".into(), ..workflow(vec![stage("Ghosts", "ghosts")]) };
    let ghosts = publications::create(&test.app, &cli, content);
    assert_eq!(pointers(ghosts.await), ["/stages/0/review_group"]);
    builders::publish(&test, workflow(vec![stage("Security", "security")])).await;
    sqlx::query("delete from review_group_members").execute(&mut test.owner().await).await.expect("left");
    let refused = submit(&test, &shop, id).await;
    assert!(matches!(&refused, Err(Error::Conflict(text)) if text.contains("'Security'")), "{refused:?}");
}

#[tokio::test]
async fn a_rule_calls_in_a_group_and_its_stage_says_so() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let privacy = test.person("Petra Privacy", &[Role::Reviewer]).await;
    group(&test, "Privacy", &privacy).await;
    let mut settings = muster::settings::ops::get(&test.app, &test.cli()).await.expect("settings");
    settings.content.approval_group = Some("security".into());
    let revision = settings.revision;
    muster::settings::ops::update(&test.app, &test.cli(), revision, settings.content).await.expect("set");
    builders::publish(&test, RuleContent { review_groups: vec!["privacy".into()], ..rule(Mode::Warn) }).await;
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    let open = submit(&test, &shop, id).await.expect("submitted");
    assert_eq!(open.stages[1].called_in_by.as_deref(), Some("route-needed"));
    let view = ops::view_request(&test.app, &test.page(&privacy).await, id).await.expect("a view");
    let found = view.findings.iter().find(|finding| finding.rule == "route-needed").expect("it fires");
    assert_eq!(found.matched[0].path, "integration.gateway_route");
}

#[tokio::test]
async fn conditions_hold_an_approved_request_until_they_are_met() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    let open = submit(&test, &shop, id).await.expect("submitted");
    let reviewer = test.page(&shop.reviewer).await;
    let hash = open.phase.bound().expect("bound").content_hash.clone();
    let condition = |timing| NewCondition {
        text: "Limit the key to our addresses.".into(),
        owner: "payments".into(),
        due_on: Some("2027-06-01".parse().expect("a day")),
        timing,
    };
    let bare = NewDecision::new(Verdict::ApproveWithConditions, "If so.", &hash);
    assert_eq!(pointers(ops::decide(&test.app, &reviewer, id, bare.clone()).await), ["/conditions"]);
    let conditions = vec![condition(Timing::BeforeLive), condition(Timing::AfterLive)];
    let held = ops::decide(&test.app, &reviewer, id, NewDecision { conditions, ..bare }).await.expect("decided");
    assert_eq!((held.phase.key(), held.unmet().count()), ("approved", 1));
    let integration =
        integrations::ops::find_integration(&test.app, &reviewer, "stripe-for-shop").await.expect("an integration");
    assert_eq!(integration.state, IntegrationState::Proposed);
    let unmet = held.unmet().next().expect("one").id;
    let outsider = test.page(&test.person("Otto", &[Role::Requester]).await).await;
    let refused = ops::meet_condition(&test.app, &outsider, id, unmet, "Done.").await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    let owner = test.page(&shop.requester).await;
    let done = ops::meet_condition(&test.app, &owner, id, unmet, "Ticket 17.").await.expect("met");
    assert_eq!(done.phase.key(), "applied");
    let forced =
        sqlx::query("update change_requests set state = 'applied', closed_at = now() where state = 'approved'")
            .execute(&mut test.as_app().await)
            .await
            .expect("nothing left");
    assert_eq!(forced.rows_affected(), 0);
}

#[tokio::test]
async fn who_is_delegated_to_decides_and_no_separation_is_walked_around() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let delegate = test.person("Dora Delegate", &[Role::Reviewer]).await;
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    submit(&test, &shop, id).await.expect("submitted");
    assert!(matches!(decide(&test, &delegate, id, Verdict::Approve).await, Err(Error::Forbidden(_))));
    let away = test.page(&shop.reviewer).await;
    let today = test.app.today().await.expect("a day");
    let days = (today, today + TimeDelta::days(3));
    assert_eq!(pointers(ops::make_delegation(&test.app, &away, shop.requester.id, days, None).await), ["/to"]);
    let delegation = ops::make_delegation(&test.app, &away, delegate.id, days, None).await.expect("delegated");
    let done = decide(&test, &delegate, id, Verdict::Approve).await.expect("decided");
    assert_eq!((done.phase.key(), done.decisions[0].decided_for), ("applied", Some(shop.reviewer.id)));
    // The requester becomes a reviewer of the group and delegates: what they asked for, nobody decides for them.
    let mut conn = test.owner().await;
    for sql in [
        "insert into review_group_members (review_group_id, person_id) select id, $1 from review_groups where slug = 'security'",
        "insert into role_grants (person_id, role, granted_at) values ($1, 'reviewer', now())",
    ] {
        let _ = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).bind(shop.requester.id).execute(&mut conn).await;
    }
    sqlx::query(
        "insert into delegations (id, from_id, to_id, from_on, until_on, created_at, updated_at)
                 values (gen_random_uuid(), $1, $2, $3, $3, now(), now())",
    )
    .bind(shop.requester.id)
    .bind(delegate.id)
    .bind(today)
    .execute(&mut conn)
    .await
    .expect("delegated");
    ops::retire_delegation(&test.app, &away, delegation.id).await.expect("taken back");
    let other = drafted(&test, &shop, "Stripe for Shop again").await;
    submit(&test, &shop, other).await.expect("submitted");
    let refused = decide(&test, &delegate, other, Verdict::Approve).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
}

#[tokio::test]
async fn what_is_overdue_goes_up_the_chain() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let boss = test.person("Bea Boss", &[Role::Reviewer]).await;
    group(&test, "Heads", &boss).await;
    let mut first = stage("Security", "security");
    first.due_hours = Some(8);
    builders::publish(&test, workflow(vec![first])).await;
    let escalate = async |from: &str, to: &str| {
        let (cli, kind) = (test.cli(), GroupKind::ReviewGroup);
        let group = people::find_group(&test.app, &cli, kind, from).await.expect("a group");
        let content = GroupContent { escalates_to: Some(to.into()), ..group.content };
        people::update_group(&test.app, &cli, kind, group.id, group.revision, content).await
    };
    escalate("security", "heads").await.expect("a chain");
    assert_eq!(pointers(escalate("heads", "security").await), ["/escalates_to"]);
    assert_eq!(pointers(escalate("heads", "nobody").await), ["/escalates_to"]);
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    submit(&test, &shop, id).await.expect("submitted");
    assert_eq!(ops::escalate(&test.app).await.expect("looked"), 0);
    assert!(decide(&test, &boss, id, Verdict::Approve).await.is_err());
    test.clock.advance(TimeDelta::days(5));
    assert_eq!(ops::escalate(&test.app).await.expect("looked"), 1);
    assert_eq!(ops::escalate(&test.app).await.expect("once"), 0);
    assert_eq!(decide(&test, &boss, id, Verdict::Approve).await.expect("decided").phase.key(), "applied");
}

#[tokio::test]
async fn an_approved_request_whose_base_moved_is_rebased_and_approved_again() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    let requester = test.page(&shop.requester).await;
    let mut content = live.content.clone();
    content.purpose = Some("Refunds too.".into());
    let (key, why) = (live.id.to_string(), Some("Needed.".to_owned()));
    let change = ops::propose(&test.app, &requester, &key, RequestKind::Change, Some(content), why).await.expect("it");
    let open = submit(&test, &shop, change.id).await.expect("submitted");
    let condition = NewCondition {
        text: "Tell support.".into(),
        owner: "payments".into(),
        due_on: Some("2027-06-01".parse().expect("a day")),
        timing: Timing::BeforeLive,
    };
    let hash = open.phase.bound().expect("bound").content_hash.clone();
    let with =
        NewDecision { conditions: vec![condition], ..NewDecision::new(Verdict::ApproveWithConditions, "If so.", hash) };
    let held = ops::decide(&test.app, &test.page(&shop.reviewer).await, change.id, with).await.expect("held");
    let tags =
        ops::Stewardship { integrations: vec![key], add_tags: vec!["moved".into()], ..ops::Stewardship::default() };
    ops::steward(&test.app, &requester, tags).await.expect("moved");
    // What moved is shown before anybody rebases: then, now, and as proposed.
    let page = test.sign_in(&shop.requester).await.get(&format!("/requests/{}", change.id)).await.text();
    assert!(page.contains("Decided before") && page.contains("Register Stripe for Shop"), "what was decided earlier");
    let table = page.split_once("What moved meanwhile").expect("the table").1;
    let table = table.split_once("</table>").expect("its end").0;
    assert!(table.contains("<b>Tags</b>") && table.contains("moved") && table.contains("follows what"), "{table}");
    let unmet = held.unmet().next().expect("one").id;
    assert!(matches!(
        ops::meet_condition(&test.app, &requester, change.id, unmet, "Told.").await,
        Err(Error::Conflict(_))
    ));
    let (rebased, _) = ops::rebase_request(&test.app, &requester, change.id, held.revision).await.expect("rebased");
    assert_eq!((rebased.phase.key(), rebased.round), ("open", 2));
    let done = decide(&test, &shop.reviewer, change.id, Verdict::Approve).await.expect("decided");
    assert_eq!(done.phase.key(), "applied");
}

#[tokio::test]
async fn who_decides_is_reminded_before_it_is_due_once_it_is_overdue_and_when_it_goes_up() {
    let test = TestApp::mailing("smtp://127.0.0.1:9").await;
    let shop = builders::shop(&test).await;
    let boss = test.person("Bea Boss", &[Role::Reviewer]).await;
    group(&test, "Heads", &boss).await;
    let mut first = stage("Security", "security");
    first.due_hours = Some(40);
    builders::publish(&test, workflow(vec![first])).await;
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    let open = submit(&test, &shop, id).await.expect("submitted");
    let due = open.stages[0].due_at.expect("a time");
    let letters = async || -> Vec<(String, String)> {
        sqlx::query_as("select recipient, subject from mails_due order by id")
            .fetch_all(&mut test.owner().await)
            .await
            .expect("letters")
    };
    assert_eq!(ops::remind(&test.app).await.expect("looked"), 0, "there is time");
    let opened = open.stages[0].opened_at.expect("open");
    test.clock.advance((due - opened) * 4 / 5);
    assert_eq!(ops::remind(&test.app).await.expect("reminded"), 1);
    assert_eq!(ops::remind(&test.app).await.expect("once"), 0);
    let first = letters().await;
    assert!(first.iter().all(|(_, subject)| subject.starts_with("Waits for you")), "{first:?}");
    assert!(first.iter().any(|(to, _)| *to == shop.reviewer.content.email), "{first:?}");
    test.clock.advance((due - opened) * 2 / 5);
    assert_eq!(ops::remind(&test.app).await.expect("overdue"), 1);
    assert_eq!(ops::remind(&test.app).await.expect("once"), 0);
    assert!(letters().await.last().is_some_and(|(_, subject)| subject.starts_with("Overdue")), "{:?}", letters().await);
    // It goes up: the next group hears of it, and is reminded of its own time.
    let (cli, kind) = (test.cli(), GroupKind::ReviewGroup);
    let security = people::find_group(&test.app, &cli, kind, "security").await.expect("a group");
    let content = GroupContent { escalates_to: Some("heads".into()), ..security.content };
    people::update_group(&test.app, &cli, kind, security.id, security.revision, content).await.expect("a chain");
    let before = letters().await.len();
    assert_eq!(ops::escalate(&test.app).await.expect("looked"), 1);
    let up = letters().await.split_off(before);
    assert_eq!(up, [(boss.content.email.clone(), "Overdue: Register Stripe for Shop".to_owned())]);
    assert_eq!(ops::remind(&test.app).await.expect("looked"), 0, "its time has just begun");
}
