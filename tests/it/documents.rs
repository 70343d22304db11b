//! Vendors' documents as their publishers ship them: whose they are, which API they describe, what they change.

use muster::{
    catalog::{
        Protocol, VendorContent,
        ops::{self, Delta, DocumentImport, Identity},
    },
    error::Error,
    foreign::Deadline,
    imports::openapi::{Channel, read},
};

use crate::support::{TestApp, builders::LIMITS};

fn document(text: &str, file: Option<&str>) -> DocumentImport {
    let deadline = Deadline::within(std::time::Duration::from_mins(1));
    read(text.as_bytes().to_vec(), file, Channel::Cli, &LIMITS, &deadline).expect("a document")
}

/// A document of a title, a server and GET paths.
fn yaml(title: &str, label: &str, server: &str, paths: &[&str]) -> String {
    let path = |path: &&str| format!("  {path}: {{get: {{summary: Reads}}}}\n");
    let paths = paths.iter().map(path).collect::<Vec<_>>().concat();
    format!(
        "openapi: 3.0.3\ninfo: {{title: {title}, version: '{label}'}}\nservers: [{{url: '{server}'}}]\npaths:\n{paths}"
    )
}

async fn apply(test: &TestApp, text: &str, identity: &Identity) -> Result<ops::ApplyOutcome, Error> {
    ops::apply_document(&test.app, &test.cli(), &document(text, None), identity).await
}

async fn vendor(test: &TestApp, name: &str, website: &str, aliases: &[&str]) -> uuid::Uuid {
    let content = VendorContent {
        name: name.into(),
        website: Some(website.into()).filter(|site: &String| !site.is_empty()),
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        ..VendorContent::default()
    };
    ops::create_vendor(&test.app, &test.cli(), content).await.expect("a vendor").id
}

fn of_vendor(name: &str) -> Identity {
    Identity { vendor: Some(name.into()), ..Identity::default() }
}

fn refusal(outcome: Result<ops::ApplyOutcome, Error>) -> String {
    outcome.expect_err("refused").to_string()
}

#[tokio::test]
async fn a_vendor_that_is_named_is_found_by_whatever_it_goes_by() {
    let test = TestApp::new().await;
    let blue = vendor(&test, "Blue Harbor", "https://www.blueharbor.example.io", &["BH Marine"]).await;
    let names = [
        "Blue Harbor",
        "blue harbor",
        "BLUE-HARBOR",
        "bh marine",
        "blueharbor",
        "https://api.example.io/x",
        "example.io",
    ];
    for (n, name) in names.iter().enumerate().filter(|(_, name)| **name != "blueharbor") {
        let text = yaml(&format!("Orders {n}"), "1", "/orders", &["/o"]);
        let outcome = apply(&test, &text, &of_vendor(name)).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(outcome.vendor_id, blue, "{name}");
    }
    // Twice the same new name is one vendor.
    let first = apply(&test, &yaml("Invoices", "1", "/i", &["/o"]), &of_vendor("Nordlicht")).await.expect("imported");
    let again = apply(&test, &yaml("Refunds", "1", "/r", &["/o"]), &of_vendor("NORDLICHT")).await.expect("imported");
    assert_eq!(first.vendor_id, again.vendor_id);
}

#[tokio::test]
async fn two_vendors_on_one_domain_are_asked_about_and_nothing_is_created() {
    let test = TestApp::new().await;
    let one = vendor(&test, "Lakeside", "https://lakeside-vendor.com", &[]).await;
    vendor(&test, "Lakeside Maps", "https://maps.lakeside-vendor.com", &[]).await;
    let text = yaml("Tiles", "1", "https://tiles.lakeside-vendor.com", &["/t"]);
    let events = test.events().await;
    let said = refusal(apply(&test, &text, &Identity::default()).await);
    assert!(said.contains("2 vendors here have the domain lakeside-vendor.com"), "{said}");
    assert!(said.contains("Lakeside Maps (lakeside-maps)"), "{said}");
    assert_eq!(test.events().await, events);
    let (read, nobody) = (document(&text, None), Identity::default());
    let preview = ops::preview_document(&test.app, &test.cli(), &read, &nobody).await.expect("a preview");
    assert_eq!((preview.asks.len(), preview.candidates.len()), (1, 2));
    let chosen = apply(&test, &text, &of_vendor("lakeside")).await.expect("imported");
    assert_eq!(chosen.vendor_id, one);
}

#[tokio::test]
async fn hosts_that_say_nothing_ask_with_a_true_reason_and_a_proposal() {
    let test = TestApp::new().await;
    let aws = "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod";
    let said = refusal(apply(&test, &yaml("Acme PDF", "1", aws, &["/x"]), &Identity::default()).await);
    assert!(said.contains("do not say whose API") && said.contains("'Acme PDF', by its title"), "{said}");
    let said =
        refusal(apply(&test, &yaml("Acme PDF", "1", "https://10.0.0.8/v1", &["/x"]), &Identity::default()).await);
    assert!(said.contains("'10.0.0.8'"), "{said}");
    let text = "openapi: 3.1.0\ninfo: {title: Payment notifications, version: '1', contact: {url: 'https://support.pay-vendor.com/'}}\nwebhooks:\n  DONE: {post: {summary: Done}}\n";
    let said = refusal(apply(&test, text, &Identity::default()).await);
    assert!(said.contains("names no server") && said.contains("by its contact"), "{said}");
    let outcome = apply(&test, text, &of_vendor("Pay Vendor")).await.expect("imported");
    let api = ops::find_api(&test.app, &test.cli(), &outcome.api_slug).await.expect("an API");
    assert_eq!(
        (api.content.protocol, api.content.slug.as_str()),
        (Protocol::Webhook, "pay-vendor-payment-notifications")
    );
}

#[tokio::test]
async fn the_first_host_that_says_something_names_the_vendor() {
    let test = TestApp::new().await;
    let text = "openapi: 3.0.3\ninfo: {title: OpenWidget Billing, version: '1'}\nservers:\n- {url: 'http://localhost:8080'}\n- {url: 'https://virtserver.swaggerhub.com/a/b/1'}\n- {url: 'https://sandbox.openwidget-qa.com'}\n- {url: 'https://api.openwidget.com/v1'}\npaths: {/i: {get: {}}}\n";
    let outcome = apply(&test, text, &Identity::default()).await.expect("imported");
    let found = ops::find_vendor(&test.app, &test.cli(), &outcome.vendor_id.to_string()).await.expect("a vendor");
    assert_eq!(
        (found.content.name.as_str(), found.content.website.as_deref()),
        ("OpenWidget", Some("https://openwidget.com"))
    );
    let version = ops::find_version(&test.app, &test.cli(), outcome.api_id, "1").await.expect("a version");
    assert_eq!(version.content.endpoints.len(), 4, "each server is an endpoint");
    // A vendor that was written down without a domain is the one of that name.
    let hubspot = vendor(&test, "HubSpot", "", &[]).await;
    let outcome = apply(&test, &yaml("Deals", "3", "https://api.hubapi.com", &["/d"]), &Identity::default()).await;
    assert_eq!(outcome.expect("imported").vendor_id, hubspot);
}

#[tokio::test]
async fn two_documents_of_one_title_do_not_replace_each_other() {
    let test = TestApp::new().await;
    let server = "https://api.crm-vendor.com";
    let (deals, tickets) =
        (yaml("Basic", "v3", server, &["/deals", "/deals/{id}"]), yaml("Basic", "v3", server, &["/tickets"]));
    let first = apply(&test, &deals, &Identity::default()).await.expect("imported");
    let events = test.events().await;
    let said = refusal(apply(&test, &tickets, &Identity::default()).await);
    assert!(said.contains("--api-slug") && said.contains("0 of its 2 operations"), "{said}");
    assert_eq!(test.events().await, events, "nothing was written");
    let apart = Identity { api_slug: Some("crm-tickets".into()), ..Identity::default() };
    let second = apply(&test, &tickets, &apart).await.expect("imported");
    assert_eq!(second.api_slug, "crm-tickets");
    assert_ne!(second.api_id, first.api_id);
    // From now on each finds its own.
    let more = yaml("Basic", "v3", server, &["/tickets", "/tickets/{id}"]);
    assert_eq!(apply(&test, &more, &Identity::default()).await.expect("imported").api_id, second.api_id);
    assert!(!apply(&test, &deals, &Identity::default()).await.expect("known").changed);
}

#[tokio::test]
async fn files_of_one_folder_with_one_title_become_apis_of_their_own() {
    let test = TestApp::new().await;
    let server = "https://chat.twilio-like.com";
    let files = [
        ("chat_v1.json", vec!["/v1/a", "/v1/b", "/v1/c"]),
        ("chat_v2.json", vec!["/v2/a"]),
        ("chat_v3.json", vec!["/v3/a", "/v3/b"]),
    ];
    let mut apis = Vec::new();
    for round in 0..2 {
        for (n, (file, paths)) in files.iter().enumerate() {
            let import = document(&yaml("Chat", "1.0.0", server, paths), Some(file));
            let outcome = ops::apply_document(&test.app, &test.cli(), &import, &Identity::default()).await;
            let outcome = outcome.unwrap_or_else(|error| panic!("{file}: {error}"));
            if round == 0 {
                apis.push(outcome.api_id);
                assert_eq!(outcome.summary.operations, Delta { added: paths.len(), removed: 0, changed: 0 }, "{file}");
            }
            assert_eq!((outcome.api_id, outcome.changed), (apis[n], round == 0), "{file}");
        }
    }
    apis.dedup();
    assert_eq!(apis.len(), 3);
}

#[tokio::test]
async fn what_vanishes_is_warned_of_and_a_date_decides_where_it_is_given() {
    let test = TestApp::new().await;
    let server = "https://api.duty-vendor.com";
    let (new, old) = (yaml("Incidents", "2", server, &["/a", "/b", "/c"]), yaml("Incidents", "2", server, &["/a"]));
    let at = |text: &str| Identity { published_at: Some(text.parse().expect("a moment")), ..Identity::default() };
    apply(&test, &new, &Identity::default()).await.expect("imported");
    let outcome = apply(&test, &old, &Identity::default()).await.expect("imported");
    assert_eq!(outcome.summary.operations, Delta { added: 0, removed: 2, changed: 0 });
    assert!(
        outcome.warnings[0].contains("2 operations of this version are gone: GET /b, GET /c"),
        "{:?}",
        outcome.warnings
    );
    let server = "https://api.other-vendor.com";
    let (new, old) = (yaml("Incidents", "2", server, &["/a", "/b", "/c"]), yaml("Incidents", "2", server, &["/a"]));
    apply(&test, &new, &at("2026-05-01T00:00:00Z")).await.expect("imported");
    assert!(refusal(apply(&test, &old, &at("2026-04-01T00:00:00Z")).await).contains("published before"));
}

#[tokio::test]
async fn a_label_that_goes_back_says_so() {
    let test = TestApp::new().await;
    let text = |label: &str, words: &str| {
        format!(
            "openapi: 3.0.1\ninfo: {{title: Accounts, version: {label}, description: {words}}}\nservers: [{{url: 'https://api.tw-vendor.com'}}]\npaths: {{/a: {{get: {{}}}}}}\n"
        )
    };
    apply(&test, &text("1.42.0", "Old words"), &Identity::default()).await.expect("imported");
    let outcome = apply(&test, &text("1.0.0", "New words"), &Identity::default()).await.expect("imported");
    assert!(outcome.warnings[0].contains("1.0.0 comes before 1.42.0"), "{:?}", outcome.warnings);
    let api = ops::find_api(&test.app, &test.cli(), &outcome.api_slug).await.expect("an API");
    assert_eq!(api.content.description.as_deref(), Some("Old words"));
}

#[tokio::test]
async fn twins_in_json_and_yaml_are_one_document() {
    let test = TestApp::new().await;
    let yaml = yaml("Twin", "1", "https://api.twin-vendor.com", &["/a"]);
    let json = r#"{"openapi":"3.0.3","info":{"title":"Twin","version":"1"},"servers":[{"url":"https://api.twin-vendor.com"}],"paths":{"/a":{"get":{"summary":"Reads"}}}}"#;
    assert!(apply(&test, &yaml, &Identity::default()).await.expect("imported").changed);
    for text in [json, &yaml, json, &yaml] {
        assert!(!apply(&test, text, &Identity::default()).await.expect("known").changed);
    }
}
