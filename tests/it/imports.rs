//! Vendors' documents: identity, ownership of fields, age, all or nothing.

use muster::{
    catalog::{
        ApiContent, Source,
        ops::{self, Identity},
    },
    error::Error,
    identity::{Permission, Role},
};
use serde_json::json;

use crate::support::{
    TestApp,
    builders::{document, read},
};

async fn apply(test: &TestApp, document: &serde_json::Value, identity: &Identity) -> Result<ops::ApplyOutcome, Error> {
    ops::apply_document(&test.app, &test.cli(), &read(document), identity).await
}

#[tokio::test]
async fn a_document_becomes_vendor_api_and_version() {
    let test = TestApp::new().await;
    let outcome =
        apply(&test, &document("stripe.com", "pay", "2024-06-20"), &Identity::default()).await.expect("imported");
    let vendor = ops::find_vendor(&test.app, &test.cli(), "stripe").await.expect("a vendor");
    assert_eq!(
        (vendor.content.name.as_str(), vendor.content.website.as_deref()),
        ("Stripe", Some("https://stripe.com"))
    );
    let version = ops::find_version(&test.app, &test.cli(), outcome.api_id, "2024-06-20").await.expect("a version");
    assert_eq!(version.content.endpoints[0].host_pattern, "api.stripe.com");
    assert_eq!(version.content.scopes.len(), 2);
    assert_eq!(version.content.operations[1].scopes, ["charges.write"]);
    assert!(version.content.operations[1].deprecated);
    let events = test.events().await;
    let again =
        apply(&test, &document("stripe.com", "pay", "2024-06-20"), &Identity::default()).await.expect("accepted");
    assert!(!again.changed && test.events().await == events, "the same document again changes nothing");
}

#[tokio::test]
async fn a_newer_document_updates_what_imports_own_and_leaves_what_people_wrote() {
    let test = TestApp::new().await;
    let (app, cli) = (&test.app, test.cli());
    let outcome = apply(&test, &document("stripe.com", "pay", "1"), &Identity::default()).await.expect("imported");
    let api = ops::find_api(app, &cli, &outcome.api_slug).await.expect("an API");
    let written = ApiContent { description: Some("What we use it for.".into()), ..api.content.clone() };
    ops::update_api(app, &cli, api.id, api.revision, written).await.expect("written");
    let mut version = ops::find_version(app, &cli, api.id, "1").await.expect("a version");
    version.content.scopes.push(serde_json::from_value(json!({ "name": "ours.only" })).expect("a scope"));
    ops::update_version(app, &cli, version.id, version.revision, version.content).await.expect("written");

    let mut newer = document("stripe.com", "pay", "1");
    newer["info"]["description"] = json!("The vendor's new words.");
    newer["info"]["license"]["name"] = json!("Apache-2.0");
    newer["paths"]["/refunds"] = json!({ "post": {} });
    apply(&test, &newer, &Identity::default()).await.expect("imported");
    let api = ops::find_api(app, &cli, &outcome.api_slug).await.expect("an API");
    assert_eq!(api.content.description.as_deref(), Some("What we use it for."));
    assert_eq!(api.content.licence.as_deref(), Some("Apache-2.0"));
    let version = ops::find_version(app, &cli, api.id, "1").await.expect("a version");
    assert_eq!(version.content.operations.len(), 3);
    let own: Vec<&str> =
        version.content.scopes.iter().filter(|s| s.source == Source::Person).map(|s| s.name.as_str()).collect();
    assert_eq!((own, version.content.scopes.len()), (vec!["ours.only"], 3));

    // The first document once more is an older one now.
    let events = test.events().await;
    let older = apply(&test, &document("stripe.com", "pay", "1"), &Identity::default()).await;
    assert!(matches!(older, Err(Error::Conflict(_))), "{older:?}");
    assert_eq!(test.events().await, events);
}

#[tokio::test]
async fn an_older_document_by_its_date_or_label_never_overwrites() {
    let test = TestApp::new().await;
    let at = |text: &str| Identity { published_at: Some(text.parse().expect("a moment")), ..Identity::default() };
    let mut second = document("a.com", "x", "1");
    second["info"]["description"] = json!("newer");
    apply(&test, &second, &at("2026-05-01T00:00:00Z")).await.expect("imported");
    let older = apply(&test, &document("a.com", "x", "1"), &at("2026-04-01T00:00:00Z")).await;
    assert!(matches!(older, Err(Error::Conflict(_))));
    // A lower label is a version of its own, and leaves the API's facts alone.
    let mut v2 = document("b.com", "x", "2.0");
    v2["info"]["title"] = json!("Two");
    let outcome = apply(&test, &v2, &Identity::default()).await.expect("imported");
    apply(&test, &document("b.com", "x", "1.0"), &Identity::default()).await.expect("imported");
    let api = ops::find_api(&test.app, &test.cli(), &outcome.api_slug).await.expect("an API");
    assert_eq!(api.content.name, "Two");
    assert_eq!(ops::versions(&test.app, &test.cli(), api.id).await.expect("versions").len(), 2);
}

#[tokio::test]
async fn a_document_that_does_not_say_whose_it_is_asks() {
    let test = TestApp::new().await;
    let mut nameless = document("x", "y", "1");
    nameless["info"].as_object_mut().expect("info").retain(|key, _| !key.starts_with("x-"));
    nameless["servers"] = json!([{ "url": "/v1" }]);
    let preview =
        ops::preview_document(&test.app, &test.cli(), &read(&nameless), &Identity::default()).await.expect("a preview");
    assert_eq!(preview.asks, ["vendor"]);
    let refused = apply(&test, &nameless, &Identity::default()).await;
    assert!(matches!(refused, Err(Error::Invalid(_))));
    let said = Identity { vendor: Some("Acme".into()), ..Identity::default() };
    assert!(apply(&test, &nameless, &said).await.expect("imported").changed);
}

#[tokio::test]
async fn a_vendor_written_down_before_is_found_by_its_domain() {
    let test = TestApp::new().await;
    let content = muster::catalog::VendorContent {
        name: "Stripe, Inc.".into(),
        website: Some("https://www.stripe.com".into()),
        ..Default::default()
    };
    let vendor = ops::create_vendor(&test.app, &test.cli(), content).await.expect("created");
    let outcome = apply(&test, &document("stripe.com", "pay", "1"), &Identity::default()).await.expect("imported");
    assert_eq!(outcome.vendor_id, vendor.id);
}

#[tokio::test]
async fn a_preview_writes_nothing_and_names_every_field() {
    let test = TestApp::new().await;
    let events = test.events().await;
    let preview =
        ops::preview_document(&test.app, &test.cli(), &read(&document("stripe.com", "pay", "1")), &Identity::default())
            .await
            .expect("a preview");
    let actions: Vec<&str> = preview.records.iter().map(|record| record.action.as_str()).collect();
    assert_eq!(actions, ["create", "create", "create"]);
    assert!(preview.records[1].changes.iter().any(|change| change.field == "licence" && change.after == "MIT"));
    assert_eq!(test.events().await, events);
}

#[tokio::test]
async fn over_the_api_a_hostile_document_is_a_problem_with_a_pointer() {
    let test = TestApp::new().await;
    let token = test.token(&[Permission::Read, Permission::EditCatalog]).await;
    let deep = format!("{{\"openapi\":\"3.0.0\",\"x\":{}{}}}", "[".repeat(80), "]".repeat(80));
    let headers = [("authorization", format!("Bearer {token}")), ("content-type", "application/json".into())];
    let reply = crate::support::client::send(
        test.router.clone(),
        "POST",
        "/api/v1/imports/openapi",
        &headers,
        deep.into_bytes(),
    )
    .await;
    assert_eq!((reply.status.as_u16(), reply.pointers()), (422, vec!["/document".to_owned()]));
    let large = vec![b' '; (18 << 20) + 1];
    let reply =
        crate::support::client::send(test.router.clone(), "POST", "/api/v1/imports/openapi", &headers, large).await;
    assert_eq!(reply.status.as_u16(), 413);
}

#[tokio::test]
async fn the_document_itself_is_kept_once_and_comes_back_as_it_was() {
    let test = TestApp::new().await;
    let original = document("stripe.com", "pay", "1").to_string();
    let outcome = apply(&test, &document("stripe.com", "pay", "1"), &Identity::default()).await.expect("imported");
    let version = ops::find_version(&test.app, &test.cli(), outcome.api_id, "1").await.expect("a version");
    let sha256 = version.document_sha256.expect("a document");
    let browser = test.browser("Ada", &[Role::Requester]).await;
    let reply = browser.get(&format!("/documents/{sha256}")).await;
    assert!(reply.header("content-disposition").starts_with("attachment"));
    assert_eq!(reply.text(), original);
}
