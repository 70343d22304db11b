//! Integrations: what they name, what is derived, tables in and out, lists.

use muster::{
    approvals::ops,
    catalog::{self, ApiContent, SystemContent},
    error::Error,
    identity::{Permission, Role},
    integrations::{self, IntegrationContent, ops::Start},
    tables::{Exporter, Layout, Mode, Notation, Table, import},
    words::State,
};
use serde_json::json;

use crate::support::{TestApp, builders};

async fn exported(test: &TestApp, table: &'static Table, notation: Notation, filter: &[(&str, &str)]) -> String {
    let pairs: Vec<(String, String)> = filter.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let mut exporter =
        Exporter::begin(&test.app, &test.cli(), table, notation, &pairs, Layout::default()).await.expect("begun");
    let mut all = Vec::new();
    while let Some(part) = exporter.next_chunk(&test.app, &test.cli()).await.expect("a part") {
        all.extend(part);
    }
    String::from_utf8(all).expect("text")
}

#[tokio::test]
async fn every_name_that_is_not_here_is_pointed_at() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let requester = test.page(&shop.requester).await;
    let content: IntegrationContent = serde_json::from_value(json!({
        "system": "nowhere", "api": "stripe.com pay", "version": "99", "backup_owner": "nobody",
        "data_flows": [{ "data_class": "user.contact.email" }, { "data_class": "user.nonsense" }]
    }))
    .expect("a content");
    let Err(Error::Invalid(errors)) = ops::register(&test.app, &requester, content, Start::AsGiven).await else {
        panic!("refused")
    };
    let pointers: Vec<&str> = errors.as_slice().iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/system", "/version", "/backup_owner", "/data_flows/1/data_class"]);
}

#[tokio::test]
async fn people_propose_for_their_own_teams() {
    let test = TestApp::new().await;
    builders::shop(&test).await;
    let stranger = test.page(&test.person("Sam", &[Role::Requester]).await).await;
    let refused = ops::register(&test.app, &stranger, builders::content("X"), Start::AsGiven).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    let lead = test.page(&test.person("Lea", &[Role::GovernanceLead]).await).await;
    ops::register(&test.app, &lead, builders::content("X"), Start::AsGiven).await.expect("stewards do for any");
}

#[tokio::test]
async fn an_export_comes_back_unchanged_and_a_changed_one_as_a_draft() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe, \"the\" one; for Shop").await;
    builders::active(&test, &shop, "Other").await;
    for notation in [Notation::Csv, Notation::Ndjson] {
        let text = exported(&test, &muster::approvals::tables::INTEGRATIONS, notation, &[]).await;
        let report = import(
            &test.app,
            &test.cli(),
            &muster::approvals::tables::INTEGRATIONS,
            notation,
            text.as_bytes(),
            Mode::Apply,
        )
        .await
        .expect("imported");
        assert_eq!((report.unchanged, report.wrong), (2, 0), "{notation:?}: {:?}", report.rows);
    }
    let text = exported(&test, &muster::approvals::tables::INTEGRATIONS, Notation::Ndjson, &[("q", "the one")]).await;
    assert_eq!(text.lines().count(), 1);
    let changed = text.replace("Takes card payments in the web shop.", "Takes payments.");
    let report = import(
        &test.app,
        &test.cli(),
        &muster::approvals::tables::INTEGRATIONS,
        Notation::Ndjson,
        changed.as_bytes(),
        Mode::Apply,
    )
    .await
    .expect("imported");
    assert_eq!((report.updated, report.wrong), (1, 0), "{:?}", report.rows);
    let request = ops::request_of(&test.app, &test.cli(), live.id).await.expect("asked").expect("a draft");
    assert_eq!(request.content.purpose.as_deref(), Some("Takes payments."));
    let now = integrations::ops::find_integration(&test.app, &test.cli(), &live.id.to_string()).await.expect("it");
    assert_eq!(now.content.purpose, live.content.purpose);
}

#[tokio::test]
async fn new_rows_are_proposed_all_or_none() {
    let test = TestApp::new().await;
    builders::shop(&test).await;
    let csv = "name,system,api,purpose,data_flows\nOne,shop,stripe.com pay,Pays,\"[{\"\"data_class\"\":\"\"user.contact.email\"\",\"\"locations\"\":[\"\"US\"\"]}]\"\nTwo,shop,nowhere,Pays,\n";
    let apply = async |text: &str| {
        import(
            &test.app,
            &test.cli(),
            &muster::approvals::tables::INTEGRATIONS,
            Notation::Csv,
            text.as_bytes(),
            Mode::Apply,
        )
        .await
    };
    let report = apply(csv).await.expect("read");
    assert_eq!((report.applied, report.created, report.wrong), (false, 1, 1));
    assert_eq!(report.rows[1].errors[0].pointer, "/api");
    let report = apply(&csv.replace("nowhere", "stripe.com pay")).await.expect("read");
    assert_eq!((report.applied, report.created), (true, 2), "{:?}", report.rows);
    let one = integrations::ops::find_integration(&test.app, &test.cli(), "one").await.expect("it");
    assert_eq!(one.state.key(), "proposed");
    assert!(one.content.data_flows[0].locations == ["US"]);
}

#[tokio::test]
async fn scopes_granted_but_not_approved_are_one_question() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    let token = test.token(&[Permission::Read, Permission::Rotate]).await;
    let etag = format!("\"{}\"", live.revision);
    let facts = json!({ "granted": [{ "scope": "charges.write" }, { "scope": "refunds.write", "last_used_on": "2027-02-20", "granted_on": "2027-01-01" }] });
    let path = "/api/v1/integrations/stripe-for-shop/grants";
    let done = test.api("PUT", path, &token, &[("if-match", &etag)], Some(facts)).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let found = test.api("GET", "/api/v1/scopes?granted=yes&approved=no&total=true", &token, &[], None).await;
    assert_eq!((&found.json()["total"], &found.json()["items"][0]["scope"]), (&json!(1), &json!("refunds.write")));
    // A scope that nobody uses any more.
    let unused = test.api("GET", "/api/v1/scopes?unused_for_days=5", &token, &[], None).await;
    assert_eq!(unused.json()["items"][0]["scope"], "refunds.write", "{}", unused.text());
}

#[tokio::test]
async fn gaps_are_a_worklist_with_suggested_owners_that_do_not_count() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let requester = test.page(&shop.requester).await;
    let bare = serde_json::from_value(json!({ "system": "shop", "api": "stripe.com pay" })).expect("a content");
    let (integration, _) = ops::register(&test.app, &requester, bare, Start::FromVersion).await.expect("registered");
    let token = test.token(&[Permission::Read]).await;
    let path = "/api/v1/integrations?gap=no_business_owner&facets=true";
    let found = test.api("GET", path, &token, &[], None).await;
    assert_eq!(found.json()["items"][0]["id"], integration.id.to_string());
    let suggested = integrations::ops::suggested_owners(&test.app, &requester, &[integration.id]).await.expect("some");
    assert_eq!((suggested[0].team.as_str(), suggested[0].source.as_str()), ("payments", "team of the system Shop"));
    assert_eq!(integration.content.business_owner, None);
}

#[tokio::test]
async fn a_class_that_becomes_more_sensitive_takes_its_integrations_along() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    builders::active(&test, &shop, "Stripe for Shop").await;
    let class = muster::catalog::ops::find_data_class(&test.app, &test.cli(), "user.contact.email").await.expect("it");
    let mut content = class.content.clone();
    content.sensitivity = muster::catalog::Sensitivity::Restricted;
    muster::catalog::ops::update_data_class(&test.app, &test.cli(), class.id, class.revision, content)
        .await
        .expect("set");
    let token = test.token(&[Permission::Read]).await;
    let found = test.api("GET", "/api/v1/integrations?sensitivity=restricted", &token, &[], None).await;
    assert_eq!(found.json()["items"].as_array().map(Vec::len), Some(1), "{}", found.text());
}

#[tokio::test]
async fn what_an_integration_uses_does_not_retire() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    let (app, cli) = (&test.app, test.cli());
    let refused = |error: Error| matches!(&error, Error::Conflict(text) if text.contains("Stripe for Shop"));
    let system = catalog::ops::find_system(app, &cli, "shop").await.expect("the system");
    let content = SystemContent { state: State::Retired, ..system.content };
    assert!(refused(catalog::ops::update_system(app, &cli, system.id, system.revision, content).await.unwrap_err()));
    let api = catalog::ops::find_api(app, &cli, &live.content.api).await.expect("the API");
    let content = ApiContent { state: State::Retired, ..api.content };
    assert!(refused(catalog::ops::update_api(app, &cli, api.id, api.revision, content).await.unwrap_err()));
}
