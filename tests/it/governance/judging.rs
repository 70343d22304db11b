//! Judging anew: what comes to the same is passed over, and nothing hides behind that.

use chrono::TimeDelta;
use muster::{
    approvals::{RequestKind, ops},
    catalog::ops as catalog,
    integrations::{CredentialContent, Integration, ops as integrations},
    policy::{Mode, ViolationState, ops as policy},
};
use serde_json::json;
use uuid::Uuid;

use super::rule;
use crate::support::{TestApp, builders};

async fn due(test: &TestApp, id: Uuid) {
    sqlx::query("insert into judgements_due (integration_id) values ($1)")
        .bind(id)
        .execute(&mut test.owner().await)
        .await
        .expect("it waits");
}

async fn count(test: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut test.owner().await).await.expect("a count")
}

const EVENTS: &str = "select count(*) from audit_events where action like 'violation.%' or action like 'risk_score.%'";
const KNOWN: &str = "select count(*) from judgements";

#[tokio::test]
async fn what_comes_to_the_same_is_not_written_again() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    builders::publish(&test, rule(Mode::Warn)).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    policy::judge_due(&test.app).await.expect("judged");
    let (events, violations) = (count(&test, EVENTS).await, count(&test, "select count(*) from violations").await);
    assert!(events > 0 && violations > 0);
    due(&test, live.id).await;
    assert_eq!(policy::judge_due(&test.app).await.expect("judged"), 1);
    assert_eq!(count(&test, EVENTS).await, events);
    // What somebody is just changing is not passed over: what it comes to may be something else in a moment.
    let mut conn = test.owner().await;
    let mut holding = sqlx::Connection::begin(&mut conn).await.expect("begun");
    sqlx::query("select id from integrations where id = $1 for update")
        .bind(live.id)
        .execute(&mut *holding)
        .await
        .expect("held");
    due(&test, live.id).await;
    assert_eq!(policy::judge_due(&test.app).await.expect("looked"), 0);
    holding.rollback().await.expect("let go");
    assert_eq!(policy::judge_due(&test.app).await.expect("judged"), 1);
    // Days that pass change ages and terms, and none of what was found.
    test.clock.advance(TimeDelta::days(1));
    assert!(policy::begin_day(&test.app).await.expect("a day"));
    assert_eq!(policy::judge_due(&test.app).await.expect("judged"), 1);
    assert_eq!(count(&test, EVENTS).await, events);
    // Within four weeks each is forgotten once.
    let mut unknown = 0;
    for _ in 0..28 {
        test.clock.advance(TimeDelta::days(1));
        assert!(policy::begin_day(&test.app).await.expect("a day"));
        unknown += 1 - count(&test, KNOWN).await;
        policy::judge_due(&test.app).await.expect("judged");
    }
    assert_eq!(unknown, 1);
    let events = count(&test, EVENTS).await;
    // Where it is not known what the last judgement came to, everything is compared, and then it is known.
    sqlx::query("delete from judgements").execute(&mut test.owner().await).await.expect("unknown");
    due(&test, live.id).await;
    assert_eq!(policy::judge_due(&test.app).await.expect("judged"), 1);
    assert_eq!((count(&test, EVENTS).await, count(&test, KNOWN).await), (events, 1));
    // Another version of a rule finds something else.
    builders::publish(&test, muster::policy::RuleContent { title: "By the gateway".into(), ..rule(Mode::Warn) }).await;
    policy::judge_due(&test.app).await.expect("judged");
    let found = policy::violations_of(&test.app, &test.cli(), live.id).await.expect("violations");
    assert_eq!(found.iter().find(|one| one.finding.rule == "route-needed").map(|one| one.finding.version), Some(2));
}

#[tokio::test]
async fn what_goes_live_is_judged_there_and_its_way_back_is_not_passed_over() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    builders::publish(&test, rule(Mode::Warn)).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    policy::judge_due(&test.app).await.expect("judged");
    let state = async || {
        let all = policy::violations_of(&test.app, &test.cli(), live.id).await.expect("violations");
        let one = all.into_iter().find(|one| one.finding.rule == "route-needed").expect("it fired once");
        (one.state, one.times)
    };
    assert_eq!(state().await, (ViolationState::Open, 1));
    let change = async |route: Option<&str>| {
        let requester = test.page(&shop.requester).await;
        let now = integrations::find_integration(&test.app, &requester, "stripe-for-shop").await.expect("it");
        let content =
            muster::integrations::IntegrationContent { gateway_route: route.map(str::to_owned), ..now.content };
        let key = live.id.to_string();
        let request =
            ops::propose(&test.app, &requester, &key, RequestKind::Change, Some(content), Some("Needed.".into()));
        builders::approve(&test, &shop, request.await.expect("proposed").id).await;
    };
    change(Some("/pay")).await;
    assert_eq!(count(&test, KNOWN).await, 0, "nobody takes the judgement before for the last one");
    assert_eq!(state().await, (ViolationState::Fixed, 1));
    // The queue was not emptied meanwhile: the way back comes to what was known at first.
    change(None).await;
    assert_eq!(state().await, (ViolationState::Open, 2));
    policy::judge_due(&test.app).await.expect("judged");
    assert_eq!((state().await, count(&test, KNOWN).await), ((ViolationState::Open, 2), 1));
}

fn as_json(all: Vec<Integration>) -> Vec<serde_json::Value> {
    let mut all: Vec<_> = all.into_iter().map(|one| (one.id, serde_json::to_value(one).expect("JSON"))).collect();
    all.sort_by_key(|(id, _)| *id);
    all.into_iter().map(|(_, one)| one).collect()
}

#[tokio::test]
async fn integrations_are_the_same_whether_a_few_are_read_or_many() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let plain = builders::active(&test, &shop, "Stripe for Shop").await;
    let mut body = builders::integration("shop", "stripe.com pay", "payments");
    body["name"] = json!("Stripe for refunds");
    body["version"] = json!("1");
    let vendor = catalog::get_vendors(&test.app, &test.cli(), &[plain.vendor_id]).await.expect("a vendor").remove(0);
    body["upstreams"] = json!([{ "vendor": vendor.content.slug }, { "api": plain.content.api }]);
    body["environments"] = json!([
        { "environment": "test", "endpoints": ["https://test.stripe.com/v1"], "suspended_on": "2026-12-01" },
        { "environment": "production", "endpoints": ["https://api.stripe.com/v2", "https://api.stripe.com/v1"] }]);
    body["data_flows"] = json!([
        { "data_class": "user.name", "direction": "received", "environments": ["production"], "field_encryption": "hashed" },
        { "data_class": "user.contact.email", "direction": "sent", "legal_basis": "contract", "locations": ["IE"] }]);
    body["scopes"] =
        json!([{ "scope": "refunds.write" }, { "scope": "Charges.read", "justification": "To find them." }]);
    body["inbound_validation"] = json!(["signature"]);
    let token = test.token(&muster::identity::Permission::ALL).await;
    let made = test.api("POST", "/api/v1/integrations", &token, &[], Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let rich: Uuid = made.json()["integration"]["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let credential = CredentialContent {
        name: "stripe-live".into(),
        integrations: vec![rich.to_string(), plain.id.to_string()],
        vault_reference: Some("vault:kv/stripe".into()),
        created_on: Some("2026-11-01".parse().expect("a day")),
        ..CredentialContent::default()
    };
    integrations::create_credential(&test.app, &test.cli(), credential).await.expect("a credential");
    let facts = serde_json::from_value(json!({ "granted": [{ "scope": "admin", "granted_on": "2026-10-01" }] }));
    let facts: integrations::GrantFacts = facts.expect("what is granted");
    integrations::record_grants(&test.app, &test.cli(), plain.id, plain.revision, facts).await.expect("recorded");
    let ids = [plain.id, rich];
    let few = integrations::get_integrations(&test.app, &test.cli(), &ids).await.expect("a few");
    let many = integrations::load(&mut test.app.db.read().await.expect("a connection"), &ids).await.expect("many");
    let (few, many) = (as_json(few), as_json(many));
    assert_eq!(few, many);
    for part in ["upstreams", "environments", "data_flows", "scopes"] {
        assert_eq!(few[1]["content"][part].as_array().or(few[1][part].as_array()).map(Vec::len), Some(2), "{part}");
    }
    assert!(few.iter().all(|one| one["credentials"].as_array().is_some_and(|all| all.len() == 1)));
}
