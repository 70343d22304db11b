//! What holds for every answer: headers, hosts, limits, problems.

use std::collections::BTreeSet;

use muster::{
    identity::{Permission, Role},
    web::{self, Web},
};
use serde_json::json;

use crate::support::{TestApp, client::send};

#[tokio::test]
async fn pages_carry_a_strict_policy_and_are_not_kept() {
    let test = TestApp::new().await;
    let browser = test.browser("Ada", &[Role::Requester]).await;
    for path in [
        "/",
        "/vendors",
        "/apis",
        "/systems",
        "/data-classes",
        "/people",
        "/teams",
        "/review-groups",
        "/imports",
        "/account",
        "/search?q=x",
        "/vendors/new",
        "/apis/new",
        "/systems/new",
        "/styles",
    ] {
        let reply = browser.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe-"), "{path}: {policy}");
        assert_eq!(
            (reply.header("x-content-type-options"), reply.header("cache-control")),
            ("nosniff", "no-store"),
            "{path}"
        );
        assert!(!reply.header("x-request-id").is_empty());
    }
}

#[tokio::test]
async fn another_host_gets_nothing() {
    let test = TestApp::new().await;
    for host in ["evil.example", "127.0.0.1.evil.example", ""] {
        let reply = send(test.router.clone(), "GET", "/", &[("host", host.into())], Vec::new()).await;
        assert_eq!(reply.status, 421, "{host}");
    }
    for host in ["localhost:9", "127.0.0.1:8080", "[::1]:8080"] {
        assert_eq!(
            send(test.router.clone(), "GET", "/sign-in", &[("host", host.into())], Vec::new()).await.status,
            200,
            "{host}"
        );
    }
}

#[tokio::test]
async fn writes_carry_the_revision_and_a_stale_one_is_refused() {
    let test = TestApp::new().await;
    let token = test.token(&[Permission::Read, Permission::EditCatalog]).await;
    let made = test.api("POST", "/api/v1/vendors", &token, &[], Some(json!({ "name": "A" }))).await;
    assert_eq!((made.status.as_u16(), made.header("etag")), (201, "\"1\""));
    let path = made.header("location").to_owned();
    let patch = json!({ "country": "DE" });
    assert_eq!(test.api("PATCH", &path, &token, &[], Some(patch.clone())).await.status, 428);
    assert_eq!(test.api("PATCH", &path, &token, &[("if-match", "\"1\"")], Some(patch)).await.header("etag"), "\"2\"");
    assert_eq!(
        test.api("PATCH", &path, &token, &[("if-match", "\"1\"")], Some(json!({ "country": "FR" }))).await.status,
        412
    );
    let removed =
        test.api("PATCH", &path, &token, &[("if-match", "\"2\"")], Some(json!({ "country": null }))).await.json();
    assert!(removed["country"].is_null());
}

#[tokio::test]
async fn conditions_hold_as_the_standard_writes_them() {
    let test = TestApp::new().await;
    let token = test.token(&Permission::ALL).await;
    let made = test.api("POST", "/api/v1/vendors", &token, &[], Some(json!({ "name": "A" }))).await;
    let path = made.header("location").to_owned();
    let patch = async |tag: &str, country: &str| {
        test.api("PATCH", &path, &token, &[("if-match", tag)], Some(json!({ "country": country }))).await
    };
    // A proxy that compresses makes the tag weak; it is the same revision.
    assert_eq!(patch("W/\"1\"", "DE").await.header("etag"), "\"2\"");
    let any = patch("*", "FR").await;
    assert_eq!(any.header("etag"), "\"3\"", "{} {}", any.status, any.text());
    assert_eq!(patch("\"1\", W/\"3\"", "IT").await.header("etag"), "\"4\"");
    for (tag, status) in [
        ("\"1\", \"2\"", 412),
        ("W/\"3\"", 412),
        ("\"of-another-server\"", 412),
        ("4", 422),
        ("\"4", 422),
        ("\"4\" \"5\"", 422),
        ("", 422),
    ] {
        let reply = patch(tag, "ES").await;
        assert_eq!(reply.status.as_u16(), status, "{tag}: {}", reply.text());
        assert_eq!(reply.header("content-type"), "application/problem+json", "{tag}");
    }
    // A verb below a record is held against the record, and what is not there is not there.
    let verify = test.api("POST", &format!("{path}/verify"), &token, &[("if-match", "*")], None).await;
    assert_eq!(verify.status, 403, "a token verifies nothing: {}", verify.text());
    let gone = test.api("PATCH", "/api/v1/vendors/nothing", &token, &[("if-match", "*")], Some(json!({}))).await;
    assert_eq!(gone.status, 404, "{}", gone.text());
    let stranger = test.api("PATCH", &path, "muster_pat_wrong", &[("if-match", "*")], Some(json!({}))).await;
    assert_eq!(stranger.status, 401);
}

#[tokio::test]
async fn a_condition_says_nothing_to_those_without_a_token_and_nothing_of_methods_that_are_not_there() {
    let test = TestApp::new().await;
    let token = test.token(&Permission::ALL).await;
    let document = serde_json::to_value(web::openapi(&test.web)).expect("a document");
    let paths = document["paths"].as_object().expect("paths");
    let mut writes = 0;
    for (address, methods) in paths {
        let path: Vec<&str> = address.split('/').map(|part| if part.starts_with('{') { "0" } else { part }).collect();
        let path = path.join("/");
        for method in ["POST", "PUT", "PATCH", "DELETE"].iter().filter(|m| methods.get(m.to_lowercase()).is_some()) {
            writes += 1;
            for tag in ["", "7", "*", "\"1\", \"2\""] {
                let headers = [("if-match", tag.to_owned()), ("content-type", "application/json".into())];
                let reply = send(test.router.clone(), method, &path, &headers, b"{}".to_vec()).await;
                assert_eq!(reply.status, 401, "{method} {path} {tag}: {}", reply.text());
                assert_eq!(reply.header("content-type"), "application/problem+json", "{method} {path} {tag}");
            }
        }
        for tag in ["", "*"] {
            let reply = test.api("TRACE", &path, &token, &[("if-match", tag)], None).await;
            assert_eq!(reply.status, 405, "TRACE {path} {tag}: {}", reply.text());
        }
    }
    assert!(writes > 60, "{writes}");
    // Where a record has no address of its own, the write itself says what it takes.
    let dismiss = format!("/api/v1/assessment-demands/{}/dismiss", uuid::Uuid::new_v4());
    let body = Some(json!({ "note": "Of little weight." }));
    let reply = test.api("POST", &dismiss, &token, &[("if-match", "*")], body).await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (422, "application/problem+json"));
}

/// Two routers with one path lose an operation of the document when they are merged.
#[tokio::test]
async fn every_operation_that_is_described_is_in_the_document() {
    let test = TestApp::new().await;
    let document = serde_json::to_value(web::openapi(&test.web)).expect("a document");
    let described = regex::Regex::new(r#"#\[utoipa::path\((\w+),\s*path = "([^"]+)""#).expect("an expression");
    let mut found = 0;
    for (file, text) in crate::architecture::sources("crates/web/src/api") {
        for one in described.captures_iter(&text) {
            found += 1;
            let operation = &document["paths"][format!("/api/v1{}", &one[2])][&one[1]];
            assert!(operation.is_object(), "{} {} of {}", &one[1], &one[2], file.display());
        }
    }
    assert!(found > 80, "{found}");
}

#[tokio::test]
async fn a_list_that_is_asked_with_an_empty_word_says_so() {
    let test = TestApp::new().await;
    let token = test.token(&[Permission::Read]).await;
    for name in ["sort", "limit", "cursor", "total", "facets"] {
        for accept in ["application/json", "text/csv"] {
            let reply = test.api("GET", &format!("/api/v1/vendors?{name}="), &token, &[("accept", accept)], None).await;
            assert_eq!(reply.status, 422, "{name} as {accept}: {}", reply.text());
            assert_eq!(reply.json()["errors"][0]["pointer"], format!("/{name}"));
        }
    }
    let auditor = test.token(&[Permission::Read, Permission::ReadAudit]).await;
    for name in ["until", "from", "after", "actor", "subject_id", "limit"] {
        let reply = test.api("GET", &format!("/api/v1/audit-events?{name}="), &auditor, &[], None).await;
        assert_eq!((reply.status.as_u16(), reply.pointers()), (422, vec![format!("/{name}")]), "{}", reply.text());
    }
}

#[tokio::test]
async fn the_document_can_be_read_by_generators_of_clients() {
    fn walk(value: &serde_json::Value, at: &str) {
        match value {
            serde_json::Value::Object(fields) => {
                assert!(fields.get("items") != Some(&json!(false)) && !fields.contains_key("prefixItems"), "{at}");
                let parts = fields.get("allOf").and_then(|parts| parts.as_array()).cloned().unwrap_or_default();
                let types: BTreeSet<String> =
                    parts.iter().filter_map(|part| part.get("type")).map(ToString::to_string).collect();
                assert!(types.len() < 2, "{at}: nothing is of all these types: {types:?}");
                fields.iter().for_each(|(key, value)| walk(value, &format!("{at}/{key}")));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| walk(item, at)),
            _ => {}
        }
    }
    let test = TestApp::new().await;
    let document = serde_json::to_value(muster::web::openapi(&test.web)).expect("a document");
    walk(&document, "");
    let verdicts = &document["components"]["schemas"];
    assert_ne!(verdicts["Verdict"], verdicts["ConclusionVerdict"], "each set of words has a component of its own");
    assert!(verdicts["ConclusionVerdict"]["enum"].as_array().is_some_and(|words| words.contains(&json!("blocker"))));
}

#[tokio::test]
async fn a_repeated_post_with_its_key_is_answered_once() {
    let test = TestApp::new().await;
    let token = test.token(&[Permission::Read, Permission::EditCatalog]).await;
    let post = async |key: &str, name: &str| {
        test.api("POST", "/api/v1/vendors", &token, &[("idempotency-key", key)], Some(json!({ "name": name }))).await
    };
    let (first, again) = (post("k1", "A").await, post("k1", "A").await);
    assert_eq!((first.status.as_u16(), first.body.clone()), (201, again.body.clone()));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(post("k1", "B").await.status, 422, "another request");
    assert_eq!(post("k2", "").await.status, 422);
    assert_eq!(post("k2", "C").await.status, 201, "a refusal does not use the key up");
}

#[tokio::test]
async fn wrong_bodies_are_problems_with_pointers() {
    let test = TestApp::new().await;
    let token = test.token(&[Permission::Read, Permission::EditCatalog]).await;
    for (body, pointer) in [
        (json!({ "name": "A", "colour": 1 }), "/colour"),
        (json!({ "name": 7 }), "/name"),
        (json!({}), "/name"),
        (
            json!({ "name": "A", "certifications": [{ "name": "x", "expires_on": "soon" }] }),
            "/certifications/0/expires_on",
        ),
        (json!({ "name": "A", "website": "ftp://x" }), "/website"),
        (json!({ "name": "a\u{0}b" }), "/name"),
    ] {
        let reply = test.api("POST", "/api/v1/vendors", &token, &[], Some(body.clone())).await;
        assert_eq!(
            (reply.status.as_u16(), reply.pointers()),
            (422, vec![pointer.to_owned()]),
            "{body}: {}",
            reply.text()
        );
        assert_eq!(reply.header("content-type"), "application/problem+json");
    }
    let headers = [("authorization", format!("Bearer {token}")), ("content-type", "application/json".to_owned())];
    let broken = send(test.router.clone(), "POST", "/api/v1/vendors", &headers, b"{\"name\":".to_vec()).await;
    assert_eq!(broken.status, 422);
    let form = send(test.router.clone(), "POST", "/api/v1/vendors", &headers[..1], b"name=A".to_vec()).await;
    assert_eq!(form.status, 422);
    let missing = test.api("GET", "/api/v1/nothing", &token, &[], None).await;
    assert_eq!((missing.status.as_u16(), missing.header("content-type")), (404, "application/problem+json"));
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_back() {
    let test = TestApp::new().await;
    let token = test.token(&[Permission::Read]).await;
    let slow = Web { limits: std::sync::Arc::new(web::Limits::new(8)), ..test.web.clone() };
    let router = web::router(slow);
    let headers = [("authorization", format!("Bearer {token}"))];
    let mut last = None;
    for _ in 0..4 {
        last = Some(send(router.clone(), "GET", "/api/v1/me", &headers, Vec::new()).await);
    }
    let last = last.expect("an answer");
    assert_eq!(last.status, 429);
    assert!(last.header("retry-after").parse::<u64>().expect("seconds") > 0);
}

#[tokio::test]
async fn the_docs_page_loads_nothing_from_elsewhere() {
    let test = TestApp::new().await;
    let page = send(test.router.clone(), "GET", "/api/v1/docs/", &[], Vec::new()).await;
    assert_eq!(page.status, 200);
    assert!(!page.text().contains("https://") && !page.text().contains("<script>"), "{}", page.text());
    let document = send(test.router.clone(), "GET", "/api/v1/openapi.json", &[], Vec::new()).await.json();
    assert_eq!(document["openapi"], "3.1.0");
}

#[tokio::test]
async fn a_script_in_any_text_is_shown_as_text() {
    let test = TestApp::new().await;
    let browser = test.browser("<script>alert(1)</script>", &[Role::Requester]).await;
    let bad = "<script>alert(2)</script>";
    let made = browser
        .post(
            "/vendors",
            &[
                ("name", bad),
                ("description", bad),
                ("legal_name", bad),
                ("tags", bad),
                ("dpa_status", "unknown"),
                ("state", "active"),
            ],
        )
        .await;
    assert_eq!(made.status, 303, "{}", made.text());
    let slug = made.header("location").split('?').next().expect("a path").to_owned();
    for path in [slug.as_str(), "/vendors", "/people", "/search?q=%3Cscript%3E", "/vendors?q=%3Cscript%3Ealert"] {
        assert!(!browser.get(path).await.text().contains("<script>alert"), "{path}");
    }
}
