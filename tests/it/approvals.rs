//! From a draft to what is in force, and who may not decide.

use muster::{
    approvals::{NewDecision, RequestKind, Verdict, ops},
    error::Error,
    identity::{GroupContent, GroupKind, Permission, Role, ops as people},
    integrations::{self, IntegrationState, ops::Start},
};
use serde_json::json;
use sqlx::Connection;

use crate::support::{TestApp, builders};

fn yes(hash: &str) -> NewDecision {
    NewDecision::new(Verdict::Approve, "Fine.", hash)
}

/// A submitted registration: its id and its hash.
async fn submitted(test: &TestApp, shop: &builders::Shop, name: &str) -> (uuid::Uuid, String) {
    let requester = test.page(&shop.requester).await;
    let (_, draft) =
        ops::register(&test.app, &requester, builders::content(name), Start::AsGiven).await.expect("registered");
    let open = ops::submit_request(&test.app, &requester, draft.id, 1, None).await.expect("submitted");
    (draft.id, open.phase.bound().expect("bound").content_hash.clone())
}

#[tokio::test]
async fn a_registration_comes_into_force_by_a_second_person() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let integration = builders::active(&test, &shop, "Stripe for Shop").await;
    assert_eq!(integration.state, IntegrationState::Active);
    assert_eq!(integration.content, {
        let mut content = builders::content("Stripe for Shop");
        content.slug = "stripe-for-shop".into();
        content.api = integration.content.api.clone();
        content
    });
    assert_eq!(integration.sensitivity.map(muster::catalog::Sensitivity::key), Some("confidential"));
    assert!(integration.grants[0].approved_at.is_some());
    let history = muster::audit::ops::history(&test.app, &test.cli(), "integration", integration.id).await.expect("it");
    let actions: Vec<&str> = history.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(actions, ["integration.activated", "integration.registered"]);
}

#[tokio::test]
async fn requester_editor_owner_outsider_and_token_do_not_decide() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let both = test.person("Rhea Both", &[Role::Requester, Role::Reviewer]).await;
    let owner = test.person("Olaf Owner", &[Role::Reviewer]).await;
    let outsider = test.person("Otto Outside", &[Role::Reviewer]).await;
    for (kind, slug, members) in [
        (GroupKind::ReviewGroup, "security", vec![shop.reviewer.id, both.id, owner.id]),
        (GroupKind::Team, "payments", vec![shop.requester.id, both.id]),
        (GroupKind::Team, "backup", vec![owner.id]),
    ] {
        let group = people::find_group(&test.app, &test.cli(), kind, slug).await.expect("a group");
        let content = GroupContent { members, ..group.content.clone() };
        people::update_group(&test.app, &test.cli(), kind, group.id, group.revision, content).await.expect("joined");
    }
    let (id, hash) = submitted(&test, &shop, "Stripe for Shop").await;
    // Somebody of the team edits it materially.
    let editor = test.page(&both).await;
    let request = ops::find_request(&test.app, &editor, id).await.expect("a request");
    let mut content = request.content.clone();
    content.purpose = Some("Takes card payments and refunds.".into());
    let edited = ops::edit_request(&test.app, &editor, id, request.revision, content, None).await.expect("edited");
    let new_hash = edited.phase.bound().expect("still open").content_hash.clone();
    assert_ne!(hash, new_hash);
    let requester = test.page(&shop.requester).await;
    for (person, who) in [(&shop.requester, "requester"), (&both, "editor"), (&owner, "owner"), (&outsider, "outsider")]
    {
        let refused = ops::decide(&test.app, &test.page(person).await, id, yes(&new_hash)).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{who}: {refused:?}");
    }
    let reviewer = test.page(&shop.reviewer).await;
    let old = ops::decide(&test.app, &reviewer, id, yes(&hash)).await;
    assert!(matches!(old, Err(Error::Conflict(_))), "{old:?}");
    let mut by_token = reviewer.clone();
    let mut authority = (*by_token.authority).clone();
    authority.token_id = Some(uuid::Uuid::new_v4());
    by_token.authority = authority.into();
    assert!(matches!(ops::decide(&test.app, &by_token, id, yes(&new_hash)).await, Err(Error::Forbidden(_))));
    assert!(matches!(ops::decide(&test.app, &test.cli(), id, yes(&new_hash)).await, Err(Error::Forbidden(_))));
    ops::decide(&test.app, &reviewer, id, yes(&new_hash)).await.expect("decided");
    assert!(ops::decide(&test.app, &requester, id, yes(&new_hash)).await.is_err());
}

#[tokio::test]
async fn the_database_refuses_the_same_people() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let (id, hash) = submitted(&test, &shop, "Stripe for Shop").await;
    let owner = test.person("Olaf Owner", &[Role::Reviewer]).await;
    let mut conn = test.as_app().await;
    let team = people::find_group(&test.app, &test.cli(), GroupKind::Team, "backup").await.expect("a team");
    let group = people::find_group(&test.app, &test.cli(), GroupKind::ReviewGroup, "security").await.expect("a group");
    for (table, column, of, who) in [
        ("team_members", "team_id", team.id, owner.id),
        ("review_group_members", "review_group_id", group.id, owner.id),
        ("review_group_members", "review_group_id", group.id, shop.requester.id),
    ] {
        let sql = format!("insert into {table} ({column}, person_id) values ($1, $2)");
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(of).bind(who).execute(&mut conn).await.expect("joined");
    }
    let insert = "insert into request_decisions (id, request_id, position, round, decision, reason, decided_by,
            content_hash, material_hash, decided_via, decided_at)
         select gen_random_uuid(), r.id, 1, r.round, 'approve', 'x', $2, decode($3, 'hex'), r.material_hash, $4, now()
         from change_requests r where r.id = $1";
    for (person, hash, via, constraint) in [
        (shop.requester.id, hash.clone(), "page", "request_decisions_not_by_participant"),
        (owner.id, hash.clone(), "page", "request_decisions_not_by_owner"),
        (shop.reviewer.id, hash.clone(), "api", "request_decisions_by_no_token"),
        (shop.reviewer.id, "00".repeat(32), "page", "request_decisions_on_open_content"),
    ] {
        let refused = sqlx::query(insert).bind(id).bind(person).bind(hash).bind(via).execute(&mut conn).await;
        let error = refused.expect_err("refused");
        assert_eq!(error.as_database_error().and_then(|error| error.constraint()), Some(constraint));
    }
    let forced =
        sqlx::query("update change_requests set state = 'approved' where id = $1").bind(id).execute(&mut conn).await;
    let error = forced.expect_err("refused");
    assert_eq!(error.as_database_error().and_then(|e| e.constraint()), Some("change_requests_approved_by_decisions"));
    conn.close().await.expect("closed");
}

#[tokio::test]
async fn of_many_racing_decisions_one_counts() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let (id, hash) = submitted(&test, &shop, "Stripe for Shop").await;
    let reviewer = test.page(&shop.reviewer).await;
    let requester = test.page(&shop.requester).await;
    // A thousand attempts, by those who may and those who may not, 25 at a time.
    let tries = (0..25).map(|n| {
        let (app, hash) = (test.app.clone(), hash.clone());
        let actors = [reviewer.clone(), requester.clone(), test.cli(), reviewer.clone()];
        tokio::spawn(async move {
            let mut done = 0;
            for m in 0..40 {
                done += usize::from(ops::decide(&app, &actors[(n + m) % 4], id, yes(&hash)).await.is_ok());
            }
            done
        })
    });
    let mut done = 0;
    for attempt in tries.collect::<Vec<_>>() {
        done += attempt.await.expect("no panic");
    }
    assert_eq!(done, 1);
    let request = ops::find_request(&test.app, &reviewer, id).await.expect("it");
    assert_eq!((request.phase.key(), request.decisions.len()), ("applied", 1));
}

#[tokio::test]
async fn what_is_incomplete_or_undecidable_is_refused_at_submission() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let requester = test.page(&shop.requester).await;
    let bare = serde_json::from_value(json!({ "system": "Shop", "api": "stripe.com pay" })).expect("a content");
    let (integration, draft) =
        ops::register(&test.app, &requester, bare, Start::FromVersion).await.expect("registered");
    assert_eq!(integration.content.name, "stripe.com pay for Shop");
    assert_eq!(integration.content.environments[0].endpoints, ["https://api.stripe.com/v1"]);
    assert!(integration.content.version.is_some());
    let Err(Error::Invalid(errors)) = ops::submit_request(&test.app, &requester, draft.id, 1, None).await else {
        panic!("incomplete")
    };
    let pointers: Vec<&str> = errors.as_slice().iter().map(|error| error.pointer.as_str()).collect();
    assert!(pointers.contains(&"/purpose") && pointers.contains(&"/data_flows"), "{pointers:?}");

    let (_, whole) =
        ops::register(&test.app, &requester, builders::content("Whole"), Start::AsGiven).await.expect("registered");
    let group = people::find_group(&test.app, &test.cli(), GroupKind::ReviewGroup, "security").await.expect("a group");
    let nobody = GroupContent { members: vec![shop.requester.id], ..group.content.clone() };
    people::update_group(&test.app, &test.cli(), GroupKind::ReviewGroup, group.id, group.revision, nobody)
        .await
        .expect("changed");
    let refused = ops::submit_request(&test.app, &requester, whole.id, 1, None).await;
    let Err(Error::Conflict(text)) = refused else { panic!("nobody may decide: {refused:?}") };
    assert!(text.contains("'Security'"), "{text}");
}

#[tokio::test]
async fn a_change_is_pending_until_approved_and_stale_when_its_base_moves() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    let requester = test.page(&shop.requester).await;
    let mut content = live.content.clone();
    content.purpose = Some("Takes card payments and refunds.".into());
    let key = live.id.to_string();
    let request =
        ops::propose(&test.app, &requester, &key, RequestKind::Change, Some(content), Some("Refunds.".into()))
            .await
            .expect("proposed");
    let second = ops::propose(&test.app, &requester, &key, RequestKind::Retire, None, None).await;
    assert!(matches!(second, Err(Error::Conflict(_))));
    let now = integrations::ops::find_integration(&test.app, &requester, &key).await.expect("it");
    assert_eq!(now.content.purpose, live.content.purpose);
    let edit = ops::Stewardship { integrations: vec![key.clone()], add_tags: vec!["pci".into()], ..Default::default() };
    assert_eq!(ops::steward(&test.app, &requester, edit).await.expect("stewarded"), 1);
    let stale = ops::submit_request(&test.app, &requester, request.id, request.revision, None).await;
    assert!(matches!(stale, Err(Error::Conflict(_))), "{stale:?}");
    let (rebased, merged) =
        ops::rebase_request(&test.app, &requester, request.id, request.revision).await.expect("rebased");
    assert_eq!((merged.taken, rebased.content.tags.len()), (vec!["tags".to_owned()], 2));
    builders::approve(&test, &shop, request.id).await;
    let after = integrations::ops::find_integration(&test.app, &requester, &key).await.expect("it");
    assert_eq!(after.content.purpose.as_deref(), Some("Takes card payments and refunds."));
    assert_eq!(after.content.tags, ["payments", "pci"]);
}

#[tokio::test]
async fn a_suspension_is_immediate_and_running_again_takes_a_request() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    let reviewer = test.page(&shop.reviewer).await;
    let none = integrations::ops::suspend(&test.app, &reviewer, live.id, live.revision, " ").await;
    assert!(matches!(none, Err(Error::Invalid(_))));
    let stopped = integrations::ops::suspend(&test.app, &reviewer, live.id, live.revision, "A key leaked.")
        .await
        .expect("stopped");
    assert_eq!(stopped.state, IntegrationState::Suspended);
    let outsider = test.page(&test.person("Otto", &[Role::Requester]).await).await;
    let refused = ops::propose(&test.app, &outsider, "stripe-for-shop", RequestKind::Reactivate, None, None).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
    let requester = test.page(&shop.requester).await;
    let request =
        ops::propose(&test.app, &requester, "stripe-for-shop", RequestKind::Reactivate, None, Some("Rotated.".into()))
            .await
            .expect("proposed");
    builders::approve(&test, &shop, request.id).await;
    let again = integrations::ops::find_integration(&test.app, &requester, "stripe-for-shop").await.expect("it");
    assert_eq!((again.state, again.suspension), (IntegrationState::Active, None));
}

#[tokio::test]
async fn a_script_registers_and_submits_and_a_reader_queries() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let token = test.token(&[Permission::Read, Permission::Propose]).await;
    let body = builders::integration("shop", "stripe.com pay", "payments");
    let made = test.api("POST", "/api/v1/integrations", &token, &[], Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let request = made.json()["request"]["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/requests/{request}/submit");
    let submitted = test.api("POST", &path, &token, &[("if-match", "\"1\"")], Some(json!({}))).await;
    assert_eq!(submitted.status, 200, "{}", submitted.text());
    let hash = submitted.json()["content_hash"].as_str().expect("a hash").to_owned();
    let id = request.parse().expect("an id");
    ops::decide(&test.app, &test.page(&shop.reviewer).await, id, yes(&hash)).await.expect("decided");
    let reader = test.token(&[Permission::Read]).await;
    let found = test.api("GET", "/api/v1/data-flows?sensitivity=confidential&outside_eu=yes", &reader, &[], None).await;
    assert_eq!(found.json()["items"][0]["integration"], "stripe-for-shop", "{}", found.text());
    let whole = test.api("GET", "/api/v1/integrations/stripe-for-shop", &reader, &[], None).await;
    assert_eq!(whole.json()["data_flows"][0]["locations"], json!(["IE", "US"]), "{}", whole.text());
}

#[tokio::test]
async fn what_is_open_stays_whole_and_decidable() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let (id, _) = submitted(&test, &shop, "Stripe for Shop").await;
    let requester = test.page(&shop.requester).await;
    let open = ops::find_request(&test.app, &requester, id).await.expect("it");
    let mut content = open.content.clone();
    content.purpose = None;
    let Err(Error::Invalid(errors)) = ops::edit_request(&test.app, &requester, id, open.revision, content, None).await
    else {
        panic!("an open request lost its purpose")
    };
    assert_eq!(errors.as_slice()[0].pointer, "/purpose");
    // The only reviewer would own it.
    let joined =
        GroupContent { name: "Reviewers' own".into(), members: vec![shop.reviewer.id], ..GroupContent::default() };
    people::create_group(&test.app, &test.cli(), GroupKind::Team, joined).await.expect("a team");
    let mut content = open.content.clone();
    content.technical_owner = Some("reviewers-own".into());
    let refused = ops::edit_request(&test.app, &requester, id, open.revision, content, None).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
}

#[tokio::test]
async fn a_token_suspends_only_with_its_scope_and_an_auditor_saves_no_view() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    let mut by_token = test.page(&shop.requester).await;
    let mut authority = (*by_token.authority).clone();
    authority.token_id = Some(uuid::Uuid::new_v4());
    by_token.authority = authority.into();
    let refused = integrations::ops::suspend(&test.app, &by_token, live.id, live.revision, "A leak.").await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    let auditor = test.page(&test.person("Ada", &[Role::Auditor]).await).await;
    let view =
        muster::approvals::ViewContent { list: "integrations".into(), name: "Mine".into(), ..Default::default() };
    assert!(matches!(ops::save_view(&test.app, &auditor, view).await, Err(Error::Forbidden(_))));
    let owner = test.page(&shop.requester).await;
    integrations::ops::suspend(&test.app, &owner, live.id, live.revision, "A leak.").await.expect("suspended");
}
