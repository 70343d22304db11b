//! Input that means harm, and ways around the rules.

use muster::{
    catalog::ops::{self, Identity},
    identity::{Permission, Role},
};
use serde_json::json;

use crate::support::{TestApp, builders, client::send};

#[tokio::test]
async fn odd_values_are_refused_and_never_a_fault_of_ours() {
    let test = TestApp::new().await;
    let token = test.token(&Permission::ALL).await;
    for path in [
        "/api/v1/vendors/%00",
        "/api/v1/vendors?vendor=%00",
        "/api/v1/vendors?country=%00",
        "/api/v1/vendors?q=%00%27",
        "/api/v1/vendors?certification_expires_before=%2B12345-01-01",
        "/api/v1/data-classes/user/record?at=-200000-01-01T00:00:00Z",
        "/api/v1/audit-events?from=-200000-01-01T00:00:00Z",
        "/api/v1/audit-events?action=%00",
        "/api/v1/apis?cursor=AAAA",
        "/api/v1/documents/zz",
    ] {
        let reply = test.api("GET", path, &token, &[], None).await;
        assert!(reply.status.is_client_error() || reply.status == 200, "{path}: {} {}", reply.status, reply.text());
    }
    for body in [
        json!({ "name": "A", "website": "https://a.example/\u{0}" }),
        json!({ "name": "A", "dpa_signed_on": "-200000-01-01" }),
        json!({ "name": "A", "dpa_expires_on": "+99999-01-01" }),
    ] {
        let reply = test.api("POST", "/api/v1/vendors", &token, &[], Some(body.clone())).await;
        assert_eq!(reply.status, 422, "{body}: {}", reply.text());
    }
}

#[tokio::test]
async fn a_version_written_by_hand_is_checked_in_all_its_parts() {
    let test = TestApp::new().await;
    let token = test.token(&[Permission::Read, Permission::EditCatalog]).await;
    let document = builders::read(&builders::document("stripe.com", "pay", "1"));
    let outcome = ops::apply_document(&test.app, &test.cli(), &document, &Identity::default()).await.expect("imported");
    let path = format!("/api/v1/apis/{}/versions", outcome.api_id);
    let secret = ["sk_live", "_4eC39HqLyjWDarjtT1zdp7dc"].concat();
    for (body, pointer) in [
        (json!({ "label": "a", "operations": [{ "method": "GET", "path": "/x\u{0}" }] }), "/operations/0/path"),
        (
            json!({ "label": "b", "operations": [{ "method": "GET", "path": "/x", "summary": secret }] }),
            "/operations/0/summary",
        ),
        (
            json!({ "label": "c", "operations": [{ "method": "GET", "path": "/x" }, { "method": "GET", "path": "/x" }] }),
            "/operations/1/path",
        ),
        (
            json!({ "label": "d", "endpoints": [{ "url": "https://x.example", "description": secret }] }),
            "/endpoints/0/description",
        ),
        (json!({ "label": "e", "scopes": [{ "name": "r" }, { "name": "r" }] }), "/scopes/1/name"),
    ] {
        let reply = test.api("POST", &path, &token, &[], Some(body)).await;
        assert_eq!((reply.status.as_u16(), reply.pointers()), (422, vec![pointer.to_owned()]), "{}", reply.text());
    }
}

#[tokio::test]
async fn a_token_is_no_ladder_to_a_session_or_a_role() {
    let test = TestApp::new().await;
    let token = test.token(&[Permission::Read, Permission::ManagePeople]).await;
    let made = test
        .api("POST", "/api/v1/people", &token, &[], Some(json!({ "name": "Puppet", "email": "p@example.com" })))
        .await;
    assert_eq!(made.status, 201);
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    let link = test.api("POST", &format!("/api/v1/people/{id}/sign-in-links"), &token, &[], None).await;
    assert_eq!(link.status, 403);
    let roles = json!({ "roles": ["admin", "reviewer"] });
    let path = format!("/api/v1/people/{id}");
    assert_eq!(test.api("PATCH", &path, &token, &[("if-match", "\"1\"")], Some(roles)).await.status, 403);
    let with = json!({ "name": "Other", "email": "o@example.com", "roles": ["admin"] });
    assert_eq!(test.api("POST", "/api/v1/people", &token, &[], Some(with)).await.status, 403);
    let group = json!({ "name": "Security", "members": [id] });
    assert_eq!(test.api("POST", "/api/v1/review-groups", &token, &[], Some(group)).await.status, 403);
}

#[tokio::test]
async fn a_link_minted_before_a_change_of_roles_no_longer_works() {
    let test = TestApp::new().await;
    let person = test.person("Ada", &[]).await;
    let link = muster::identity::ops::mint_link(&test.app, &test.cli(), person.id).await.expect("a link");
    let content = muster::identity::PersonContent { roles: vec![Role::Admin], ..person.content.clone() };
    muster::identity::ops::update_person(&test.app, &test.cli(), person.id, 1, content).await.expect("promoted");
    let path = format!("/sign-in/{}", link.secret);
    let used = send(test.router.clone(), "POST", &path, &[("sec-fetch-site", "same-origin".into())], Vec::new()).await;
    assert_eq!(used.status, 409);
}

#[tokio::test]
async fn whoever_imports_is_an_editor_and_verifies_nothing_of_it() {
    let test = TestApp::new().await;
    let person = test.person("Both", &[Role::Requester, Role::Reviewer]).await;
    let browser = test.sign_in(&person).await;
    let secret = browser.cookie.split_once('=').expect("a cookie").1;
    let authority = muster::identity::ops::authenticate_session(&test.app, secret).await.expect("signed in");
    let me = muster::identity::Actor { authority, ..test.cli() };
    let first = builders::read(&builders::document("stripe.com", "pay", "1"));
    let outcome = ops::apply_document(&test.app, &test.cli(), &first, &Identity::default()).await.expect("imported");
    let mut newer = builders::document("stripe.com", "pay", "1");
    newer["info"]["title"] = json!("Another name");
    ops::apply_document(&test.app, &me, &builders::read(&newer), &Identity::default()).await.expect("imported");
    let api = ops::find_api(&test.app, &me, &outcome.api_slug).await.expect("found");
    assert!(ops::verify_api(&test.app, &me, api.id, api.revision).await.is_err());
}

#[tokio::test]
async fn no_script_sets_what_a_reviewer_sets() {
    let test = TestApp::new().await;
    let token = test.token(&Permission::ALL).await;
    let body = json!({ "name": "A", "tier": 1, "dpa_status": "signed" });
    assert_eq!(test.api("POST", "/api/v1/vendors", &token, &[], Some(body)).await.status, 403);
}

#[tokio::test]
async fn a_huge_document_is_read_in_bounded_time() {
    let start = std::time::Instant::now();
    let schemes = vec!["\"a\""; 300_000].join(",");
    let text = format!(
        "{{\"swagger\":\"2.0\",\"info\":{{\"title\":\"t\",\"version\":\"1\"}},\"host\":\"h.example\",\"basePath\":\"/{}\",\"schemes\":[{schemes}]}}",
        "a".repeat(1 << 20)
    );
    let read = |text: String| {
        let deadline = muster::foreign::Deadline::within(std::time::Duration::from_mins(1));
        let channel = muster::imports::openapi::Channel::Web;
        muster::imports::openapi::read(text.into_bytes(), None, channel, &builders::LIMITS, &deadline)
    };
    let import = read(text);
    assert!(import.expect("reads").endpoints.len() <= 8);
    let paths: Vec<String> = (0..60_000).map(|n| format!("\"/p{n}\":{{\"get\":{{}}}}")).collect();
    let scopes: Vec<String> = (0..5000).map(|n| format!("\"s{n}\"")).collect();
    let text = format!(
        "{{\"openapi\":\"3.0.0\",\"info\":{{\"title\":\"t\",\"version\":\"1\"}},\"security\":[{{\"o\":[{}]}}],\"components\":{{\"securitySchemes\":{{\"o\":{{\"type\":\"oauth2\"}}}}}},\"paths\":{{{}}}}}",
        scopes.join(","),
        paths.join(",")
    );
    let import = read(text).expect("reads");
    assert_eq!(import.operations.len(), 50_000);
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[tokio::test]
async fn names_spelled_alike_are_paged_to_the_end() {
    let test = TestApp::new().await;
    let token = test.token(&[Permission::Read]).await;
    for name in ["Stripe", "Stripe Tax", "Stripe Radar"] {
        ops::create_vendor(&test.app, &test.cli(), builders::vendor(name)).await.expect("created");
    }
    let (mut path, mut seen) = ("/api/v1/vendors?q=stirpe&limit=1".to_owned(), 0);
    for _ in 0..5 {
        let reply = test.api("GET", &path, &token, &[], None).await;
        seen += reply.json()["items"].as_array().map_or(0, Vec::len);
        let Some(next) = reply.header("link").strip_prefix('<').and_then(|link| link.split('>').next()) else { break };
        path = next.to_owned();
    }
    assert_eq!(seen, 3);
}
