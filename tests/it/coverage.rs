//! Walks the OpenAPI document and the page routes: every door has its lock.

mod assessed;
mod doors;
mod matrix;
mod page_doors;
mod pages;
mod routes;
mod states;
mod world;

use axum::http::StatusCode;
use muster::{
    identity::{Permission, Role},
    web,
};

use crate::support::{TestApp, client::send};
use world::{World, body, fill, fresh, world};

/// Mutations that no token does, whatever its scopes: a person signs in for them.
const NO_TOKEN: &[&str] = &[
    "create_service_account",
    "update_service_account",
    "mint_token",
    "mint_link",
    "verify_vendor",
    "verify_api",
    "merge_vendor",
    "merge_api",
    "undo_merge",
];
/// What belongs to someone else here: a comment to who wrote it, answers to the vendor or team that was asked.
const OTHERS: &[&str] = &["withdraw_comment", "answer_assessment", "read_assessment_sheet", "submit_assessment"];
/// POSTs that write nothing.
const READS: &[&str] = &["vendor_duplicates", "preview_openapi", "check_expression"];

struct Operation {
    id: String,
    method: String,
    path: String,
}

fn operations(test: &TestApp) -> Vec<Operation> {
    let document = serde_json::to_value(web::openapi(&test.web)).expect("a document");
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
            found.push(Operation { id, method: method.to_uppercase(), path: path.clone() });
        }
    }
    assert!(found.len() > 50, "only {} operations", found.len());
    found
}

async fn call(test: &TestApp, operation: &Operation, world: &World, token: &str) -> crate::support::Reply {
    let path = match fresh(test, operation, world).await {
        Some(path) => path,
        None => fill(&operation.path, world),
    };
    if operation.method == "GET" {
        return test.api("GET", &path, token, &[], None).await;
    }
    if operation.id == "import_table" {
        let headers = [("authorization", format!("Bearer {token}")), ("content-type", "text/csv".to_owned())];
        return send(test.router.clone(), "POST", &path, &headers, b"name\nFrom a table\n".to_vec()).await;
    }
    if let Some(bytes) = assessed::bytes(&operation.id) {
        let headers =
            [("authorization", format!("Bearer {token}")), ("content-type", "application/octet-stream".to_owned())];
        return send(test.router.clone(), &operation.method, &path, &headers, bytes).await;
    }
    let verbs = [
        "/verify",
        "/merge",
        "/undo",
        "/current-version",
        "/submit",
        "/withdraw",
        "/rebase",
        "/suspend",
        "/grants",
        "/begin",
        "/rotation",
        "/compromise",
        "/revoke",
        "/discard",
        "/send",
        "/renew",
        "/retire",
        "/dismiss",
    ];
    let current = verbs.iter().fold(path.as_str(), |path, verb| path.trim_end_matches(verb)).to_owned();
    let all = test.token(&Permission::ALL).await;
    let etag = test.api("GET", &current, &all, &[], None).await.header("etag").to_owned();
    let etag = if etag.is_empty() { "\"1\"".to_owned() } else { etag };
    test.api(&operation.method, &path, token, &[("if-match", &etag)], Some(body(&operation.id))).await
}

#[tokio::test]
async fn every_endpoint_refuses_the_anonymous_and_ignores_cookies() {
    let test = TestApp::new().await;
    let world = world(&test).await;
    let browser = test.browser("Root", &Role::ALL[..1]).await;
    for operation in operations(&test) {
        let path = fill(&operation.path, &world);
        for headers in [
            vec![],
            vec![("cookie", browser.cookie.clone())],
            vec![("authorization", "Bearer muster_pat_wrong".to_owned())],
        ] {
            let reply = send(test.router.clone(), &operation.method, &path, &headers, Vec::new()).await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{} {path}", operation.method);
            assert_eq!(reply.header("content-type"), "application/problem+json", "{path}");
        }
    }
}

#[tokio::test]
async fn every_mutation_refuses_who_lacks_the_right_and_is_recorded_when_done() {
    let test = TestApp::mailing("smtp://127.0.0.1:9").await;
    let world = world(&test).await;
    let (reader, all) = (test.token(&[Permission::Read]).await, test.token(&Permission::ALL).await);
    for operation in operations(&test).iter().filter(|o| o.method != "GET") {
        let name = format!("{} {}", operation.method, operation.path);
        let refused = call(&test, operation, &world, &reader).await;
        let reads = READS.contains(&operation.id.as_str()) && operation.id == "vendor_duplicates";
        assert_eq!(refused.status == StatusCode::FORBIDDEN, !reads, "{name}: {} {}", refused.status, refused.text());
        let before = test.events().await;
        let done = call(&test, operation, &world, &all).await;
        let after = test.last_action().await;
        if NO_TOKEN.contains(&operation.id.as_str()) || OTHERS.contains(&operation.id.as_str()) {
            assert_eq!(done.status, StatusCode::FORBIDDEN, "{name}: {}", done.text());
            continue;
        }
        assert!(done.status.is_success(), "{name}: {} {}", done.status, done.text());
        if !READS.contains(&operation.id.as_str()) {
            assert!(test.events().await > before, "{name} left no event");
            assert!(!after.starts_with("attempt."), "{name}: {after}");
        }
    }
}

#[tokio::test]
async fn every_reading_endpoint_answers() {
    let test = TestApp::new().await;
    let world = world(&test).await;
    let all = test.token(&Permission::ALL).await;
    for operation in operations(&test).iter().filter(|o| o.method == "GET") {
        let reply = call(&test, operation, &world, &all).await;
        assert_eq!(reply.status, StatusCode::OK, "{}: {}", operation.path, reply.text());
    }
}

/// The page routes that take a POST.
fn page_posts() -> Vec<String> {
    let posts = routes::of_pages().into_iter().filter(|route| route.method == "POST").map(|route| route.path);
    posts.filter(|path| !path.starts_with("/sign-in/")).collect()
}

#[tokio::test]
async fn every_form_refuses_the_anonymous_other_sites_and_a_wrong_token() {
    let test = TestApp::new().await;
    let browser = test.browser("Root", &[Role::Admin, Role::Requester]).await;
    let id = uuid::Uuid::nil().to_string();
    for route in page_posts() {
        let path = route
            .replace("{kind}", "vendors")
            .replace("{key}", &id)
            .replace("{id}", &id)
            .replace("{version}", "x")
            .replace("{condition}", &id)
            .replace("{secret}", &id)
            .replace("{provider}", "nobody");
        if path.starts_with("/answer/") {
            // A vendor's page: its address is the key, and without one there is nothing.
            let headers = [("sec-fetch-site", "same-origin".to_owned())];
            let nothing = send(test.router.clone(), "POST", &path, &headers, Vec::new()).await;
            assert_eq!(nothing.status, StatusCode::NOT_FOUND, "{path}");
            continue;
        }
        if path.starts_with("/invitation/") {
            // Its address is the key as well.
            let headers = [
                ("sec-fetch-site", "same-origin".to_owned()),
                ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ];
            let nothing = send(test.router.clone(), "POST", &path, &headers, Vec::new()).await;
            assert_eq!(nothing.status, StatusCode::CONFLICT, "{path}");
            continue;
        }
        let here = ("sec-fetch-site", "same-origin".to_owned());
        let nobody = send(
            test.router.clone(),
            "POST",
            &path,
            &[here.clone(), ("content-type", "application/x-www-form-urlencoded".into())],
            Vec::new(),
        )
        .await;
        assert_eq!((nobody.status, nobody.header("location")), (StatusCode::SEE_OTHER, "/sign-in"), "{path}");
        let elsewhere =
            browser.post_raw(&path, &[("csrf", &browser.csrf)], &[("sec-fetch-site", "cross-site".into())]).await;
        assert_eq!(elsewhere.status, StatusCode::FORBIDDEN, "{path}");
        // Multipart: without a form there is none, and its token is looked at before anything else.
        if path == "/imports" {
            continue;
        }
        let wrong = browser.post_raw(&path, &[("csrf", "wrong")], &[here]).await;
        assert_eq!(wrong.status, StatusCode::FORBIDDEN, "{path}");
    }
}
