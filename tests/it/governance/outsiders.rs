//! Requests of others: who is in none of the teams concerned goes on with none of them.

use chrono::TimeDelta;
use muster::{
    approvals::{RequestKind, ops},
    error::Error,
    identity::Role,
    integrations::IntegrationContent,
    policy::{ExceptionContent, Grant, Mode, ops as policy},
};

use super::drafted;
use crate::support::{TestApp, builders};

fn assert_forbidden<T: std::fmt::Debug>(what: &str, result: Result<T, Error>) {
    assert!(matches!(result, Err(Error::Forbidden(_))), "{what}: {result:?}");
}

#[tokio::test]
async fn a_requester_of_another_team_goes_on_with_no_request() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let app = &test.app;
    let outsider = test.page(&test.person("Otto Outsider", &[Role::Requester]).await).await;
    let owner = test.page(&shop.requester).await;
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    let draft = ops::find_request(app, &owner, id).await.expect("it");
    let content = IntegrationContent { purpose: Some("For us.".into()), ..draft.content.clone() };
    assert_forbidden("edit", ops::edit_request(app, &outsider, id, 1, content.clone(), None).await);
    assert_forbidden("submit", ops::submit_request(app, &outsider, id, 1, None).await);
    assert_forbidden("rebase", ops::rebase_request(app, &outsider, id, 1).await);
    assert_forbidden("withdraw", ops::withdraw_request(app, &outsider, id, 1).await);
    ops::edit_request(app, &owner, id, 1, content, None).await.expect("its owner does");
    // What is in effect: neither a change, nor an end, nor other owners or tags.
    let live = builders::active(&test, &shop, "Stripe, live").await;
    let key = live.id.to_string();
    let change = IntegrationContent { purpose: Some("For us.".into()), ..live.content.clone() };
    let reason = || Some("Because.".to_owned());
    let proposed = ops::propose(app, &outsider, &key, RequestKind::Change, Some(change), reason()).await;
    assert_forbidden("change", proposed);
    assert_forbidden("retire", ops::propose(app, &outsider, &key, RequestKind::Retire, None, reason()).await);
    let tags = ops::Stewardship {
        integrations: vec![key.clone()],
        add_tags: vec!["ours".into()],
        ..ops::Stewardship::default()
    };
    assert_forbidden("tags", ops::steward(app, &outsider, tags.clone()).await);
    ops::steward(app, &owner, tags).await.expect("its owner does");
    // A request that changes the state alone keeps its content.
    let retiring = ops::propose(app, &owner, &key, RequestKind::Retire, None, reason()).await.expect("proposed");
    let other = IntegrationContent { purpose: Some("Another.".into()), ..retiring.content.clone() };
    let edited = ops::edit_request(app, &owner, retiring.id, retiring.revision, other, None).await;
    assert_eq!(super::pointers(edited), ["/content"]);
    assert_forbidden("end", ops::withdraw_request(app, &outsider, retiring.id, retiring.revision).await);
}

#[tokio::test]
async fn exceptions_are_asked_for_by_the_teams_and_granted_before_their_last_day() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    builders::publish(&test, super::rule(Mode::Warn)).await;
    builders::active(&test, &shop, "Stripe for Shop").await;
    let app = &test.app;
    let today = app.today().await.expect("a day");
    let asked = ExceptionContent {
        rule: "route-needed".into(),
        integration: "stripe-for-shop".into(),
        reason: "The second provider is being contracted.".into(),
        compensating_control: "Checkout falls back to invoices.".into(),
        ends_on: Some(today + TimeDelta::days(2)),
    };
    let outsider = test.page(&test.person("Otto Outsider", &[Role::Requester]).await).await;
    assert_forbidden("ask", policy::request_exception(app, &outsider, asked.clone()).await);
    let owner = test.page(&shop.requester).await;
    let one = policy::request_exception(app, &owner, asked).await.expect("asked");
    let lead = test.page(&test.person("Gina Lead", &[Role::GovernanceLead]).await).await;
    test.clock.advance(TimeDelta::days(3));
    let late = policy::decide_exception(app, &lead, one.id, one.revision, Grant::Yes, "Fine.").await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
    policy::decide_exception(app, &lead, one.id, one.revision, Grant::No, "Too late.").await.expect("denied");
}
