//! Rules: what they hold back, exceptions, who publishes them, what is judged anew.

use chrono::TimeDelta;
use muster::{
    approvals::{RequestKind, Verdict, ops},
    catalog::{self, DpaStatus},
    error::Error,
    identity::Role,
    policy::{ExceptionContent, Grant, Mode, RuleContent, RuleTest, ViolationState, ops as policy},
    publications::ops as publications,
};
use serde_json::json;

use super::{decide, drafted, pointers, rule, submit};
use crate::support::{TestApp, builders};

#[tokio::test]
async fn a_blocking_rule_holds_a_request_until_an_exception_is_granted_and_again_when_it_ends() {
    let test = TestApp::mailing("smtp://127.0.0.1:9").await;
    let shop = builders::shop(&test).await;
    sqlx::query("update teams set email = 'payments@example.com'")
        .execute(&mut test.owner().await)
        .await
        .expect("an address");
    builders::publish(&test, rule(Mode::Block)).await;
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    assert_eq!(pointers(submit(&test, &shop, id).await), ["/rules/route-needed"]);
    let requester = test.page(&shop.requester).await;
    let asked = |ends_on: &str| ExceptionContent {
        rule: "route-needed".into(),
        integration: "stripe-for-shop".into(),
        reason: "The second provider is being contracted.".into(),
        compensating_control: "Checkout falls back to invoices.".into(),
        ends_on: Some(ends_on.parse().expect("a day")),
    };
    assert_eq!(pointers(policy::request_exception(&test.app, &requester, asked("2028-03-01")).await), ["/ends_on"]);
    assert_eq!(pointers(policy::request_exception(&test.app, &requester, asked("2027-02-01")).await), ["/ends_on"]);
    let today = test.app.today().await.expect("a day");
    let last = today + TimeDelta::days(10);
    let exception = policy::request_exception(&test.app, &requester, asked(&last.to_string())).await.expect("asked");
    // Asked for is not granted; who asks does not grant, not even as a lead.
    assert!(submit(&test, &shop, id).await.is_err());
    let mut both = requester.clone();
    let mut authority = (*both.authority).clone();
    authority.permissions = muster::identity::Permissions::all();
    both.authority = authority.into();
    let own = policy::decide_exception(&test.app, &both, exception.id, 1, Grant::Yes, "Mine.").await;
    assert!(matches!(own, Err(Error::Forbidden(_))), "{own:?}");
    let lead = test.page(&test.person("Gina Lead", &[Role::GovernanceLead]).await).await;
    policy::decide_exception(&test.app, &lead, exception.id, 1, Grant::Yes, "Ten days.").await.expect("granted");
    submit(&test, &shop, id).await.expect("submitted");
    let facts: i64 = sqlx::query_scalar("select count(*) from request_facts where request_id = $1")
        .bind(id)
        .fetch_one(&mut test.owner().await)
        .await
        .expect("facts");
    assert_eq!(facts, 1);
    assert_eq!(policy::remind_endings(&test.app).await.expect("reminded"), 1);
    assert_eq!(policy::remind_endings(&test.app).await.expect("once"), 0);
    // It ends; what was approved meanwhile does not go live under it.
    test.clock.advance(TimeDelta::days(11));
    assert_eq!(pointers(decide(&test, &shop.reviewer, id, Verdict::Approve).await), ["/rules/route-needed"]);
    assert_eq!(policy::record_endings(&test.app).await.expect("recorded"), 1);
    assert_eq!(policy::record_endings(&test.app).await.expect("once"), 0);
    let letters: Vec<(String, String)> = sqlx::query_as("select recipient, subject from mails_due order by id")
        .fetch_all(&mut test.owner().await)
        .await
        .expect("letters");
    assert!(letters.iter().all(|(to, _)| to == "payments@example.com"), "{letters:?}");
    let [(_, soon), (_, over)] = letters.as_slice() else { panic!("{letters:?}") };
    assert!(soon.starts_with("An exception ends on") && over.starts_with("An exception has ended"), "{letters:?}");
    let ended = policy::find_exception(&test.app, &lead, exception.id).await.expect("it");
    assert_eq!(ended.standing(test.app.today().await.expect("a day")), "ended");
    assert!(ended.ended_at.is_some());
}

#[tokio::test]
async fn what_rules_look_at_is_judged_anew_when_it_changes() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    policy::judge_due(&test.app).await.expect("judged");
    let lead = test.page(&test.person("Gina Lead", &[Role::GovernanceLead]).await).await;
    let of_dpa = async || {
        let all = policy::violations_of(&test.app, &lead, live.id).await.expect("violations");
        all.into_iter().find(|violation| violation.finding.rule == "personal-data-needs-dpa").expect("the rule fired")
    };
    let first = of_dpa().await;
    assert_eq!((first.state, first.times), (ViolationState::Open, 1));
    let set = async |status| {
        let vendor = catalog::ops::get_vendors(&test.app, &test.cli(), &[live.vendor_id]).await.expect("it").remove(0);
        let content = catalog::VendorContent { dpa_status: status, ..vendor.content };
        catalog::ops::update_vendor(&test.app, &test.cli(), vendor.id, vendor.revision, content).await.expect("set");
        policy::judge_due(&test.app).await.expect("judged")
    };
    assert!(set(DpaStatus::Signed).await > 0);
    assert_eq!(of_dpa().await.state, ViolationState::Fixed);
    set(DpaStatus::Requested).await;
    let again = of_dpa().await;
    assert_eq!((again.id, again.state, again.times), (first.id, ViolationState::Open, 2));
    assert_eq!(policy::judge_due(&test.app).await.expect("nothing waits"), 0);
    // A new day, and everything waits once.
    test.clock.advance(TimeDelta::days(1));
    assert!(policy::begin_day(&test.app).await.expect("looked"));
    assert!(!policy::begin_day(&test.app).await.expect("looked"));
    assert_eq!(policy::judge_due(&test.app).await.expect("judged"), 1);
}

#[tokio::test]
async fn a_rule_is_proved_by_its_cases_and_published_by_a_second_person() {
    let test = TestApp::new().await;
    let one = test.page(&test.person("Lena", &[Role::GovernanceLead]).await).await;
    let two = test.page(&test.person("Luis", &[Role::GovernanceLead]).await).await;
    let app = &test.app;
    let wrong = RuleContent { expression: "integration.gateway_rout == null".into(), ..rule(Mode::Warn) };
    assert_eq!(pointers(publications::create(app, &one, wrong).await), ["/expression"]);
    let failing =
        RuleContent { tests: vec![RuleTest { name: "x".into(), facts: json!({}), fires: true }], ..rule(Mode::Warn) };
    let draft = publications::create(app, &one, failing).await.expect("a draft");
    assert_eq!(pointers(publications::propose::<RuleContent>(app, &one, draft.id, 1).await), ["/tests", "/tests/0"]);
    let draft = publications::edit(app, &one, draft.id, 1, rule(Mode::Warn)).await.expect("mended");
    let proposed = publications::propose::<RuleContent>(app, &one, draft.id, draft.revision).await.expect("proposed");
    let own = publications::publish::<RuleContent>(app, &one, draft.id, proposed.revision).await;
    assert!(matches!(own, Err(Error::Forbidden(_))), "{own:?}");
    assert!(publications::publish::<RuleContent>(app, &test.cli(), draft.id, proposed.revision).await.is_err());
    let held = publications::publish::<RuleContent>(app, &two, draft.id, proposed.revision).await.expect("published");
    assert_eq!(held.published.as_ref().map(|published| published.version), Some(1));
    // Whoever edits afterwards cannot publish what somebody else proposes of it.
    let block = publications::edit(app, &two, held.id, held.revision, rule(Mode::Block)).await.expect("edited");
    let proposed = publications::propose::<RuleContent>(app, &one, held.id, block.revision).await.expect("proposed");
    let editor = publications::publish::<RuleContent>(app, &two, held.id, proposed.revision).await;
    assert!(matches!(editor, Err(Error::Forbidden(_))), "{editor:?}");
    let forged = "insert into publication_versions (publication_id, version, content, edited_by, proposed_by,
        published_by, published_at) values ($1, 2, '{}', '{}', $2, $2, now())";
    let mut conn = test.as_app().await;
    let refused = sqlx::query(forged).bind(held.id).bind(one.person()).execute(&mut conn).await.expect_err("refused");
    let constraint = refused.as_database_error().and_then(|error| error.constraint());
    assert_eq!(constraint, Some("publication_versions_by_another"));
    let rewritten = sqlx::query("update publication_versions set content = '{}'").execute(&mut conn).await;
    assert!(rewritten.is_err());
}

#[tokio::test]
async fn a_preview_says_where_a_rule_fires_and_which_approvals_it_would_have_stopped() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    builders::active(&test, &shop, "Stripe for Shop").await;
    drafted(&test, &shop, "Another").await;
    let lead = test.page(&test.person("Gina Lead", &[Role::GovernanceLead]).await).await;
    let shown = policy::preview(&test.app, &lead, None, &rule(Mode::Block)).await.expect("a preview");
    assert_eq!((shown.judged, shown.fired.len(), shown.owners), (2, 2, 1));
    assert_eq!((shown.decisions, shown.stopped.len(), shown.lacking.len()), (1, 1, 0));
    let lacking = RuleContent { expression: "vendor.tier < 0".into(), ..rule(Mode::Block) };
    let shown = policy::preview(&test.app, &lead, None, &lacking).await.expect("a preview");
    assert_eq!((shown.decisions, shown.lacking.len()), (1, 1));
    let requester = test.page(&shop.requester).await;
    assert!(policy::preview(&test.app, &requester, None, &lacking).await.is_err());
    // What was not kept then is said to lack, and is not read as if it had been empty.
    sqlx::query("alter table request_facts disable trigger user")
        .execute(&mut test.owner().await)
        .await
        .expect("older");
    sqlx::query("update request_facts set facts = facts #- '{vendor,country}'")
        .execute(&mut test.owner().await)
        .await
        .expect("older");
    let later = RuleContent { expression: "vendor.country == null".into(), ..rule(Mode::Block) };
    let shown = policy::preview(&test.app, &lead, None, &later).await.expect("a preview");
    assert_eq!((shown.stopped.len(), shown.lacking.len()), (0, 1));
}

#[tokio::test]
async fn what_is_to_end_is_not_held_back_by_rules() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    builders::publish(&test, rule(Mode::Block)).await;
    let requester = test.page(&shop.requester).await;
    let key = live.id.to_string();
    let retire = ops::propose(&test.app, &requester, &key, RequestKind::Retire, None, Some("Unused.".into())).await;
    builders::approve(&test, &shop, retire.expect("proposed").id).await;
    policy::judge_due(&test.app).await.expect("judged");
    let open = policy::violations_of(&test.app, &test.cli(), live.id).await.expect("violations");
    assert!(open.iter().all(|violation| violation.state == ViolationState::Fixed));
}

#[tokio::test]
async fn what_somebody_is_just_changing_is_judged_at_the_next_look() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    let request = ops::find_request(&test.app, &test.cli(), id).await.expect("it");
    let mut conn = test.owner().await;
    let mut holding = sqlx::Connection::begin(&mut conn).await.expect("begun");
    sqlx::query("select id from integrations where id = $1 for update")
        .bind(request.integration_id)
        .execute(&mut *holding)
        .await
        .expect("held");
    assert_eq!(policy::judge_due(&test.app).await.expect("looked"), 0);
    holding.rollback().await.expect("let go");
    assert_eq!(policy::judge_due(&test.app).await.expect("judged"), 1);
}

#[tokio::test]
async fn a_draft_is_given_up_also_when_what_is_in_force_names_nobody_any_more() {
    let test = TestApp::new().await;
    builders::shop(&test).await;
    let held = builders::publish(&test, super::workflow(vec![super::stage("Security", "security")])).await;
    let lead = test.page(&test.person("Gina Lead", &[Role::GovernanceLead]).await).await;
    let content = muster::policy::WorkflowContent {
        title: "Another".into(),
        ..held.published.clone().expect("in force").content
    };
    let draft = publications::edit(&test.app, &lead, held.id, held.revision, content).await.expect("a draft");
    sqlx::query("update review_groups set state = 'retired'").execute(&mut test.owner().await).await.expect("retired");
    publications::discard::<muster::policy::WorkflowContent>(&test.app, &lead, held.id, draft.revision)
        .await
        .expect("given up");
}
