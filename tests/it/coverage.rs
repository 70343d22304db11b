//! Walks the OpenAPI document and the page routes: every door has its lock.

use axum::http::StatusCode;
use muster::{
    catalog::ops,
    identity::{Permission, Role},
    web,
};
use serde_json::{Value, json};

use crate::support::{TestApp, builders, client::send};

/// Mutations that no token does, whatever its scopes: a person signs in for them.
const NO_TOKEN: &[&str] =
    &["create_service_account", "update_service_account", "mint_token", "mint_link", "verify_vendor", "verify_api"];
/// POSTs that write nothing.
const READS: &[&str] = &["vendor_duplicates", "preview_openapi"];

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

/// Ids to fill paths with.
struct World {
    vendor: String,
    api: String,
    version: String,
    class: String,
    system: String,
    team: String,
    group: String,
    person: String,
    account: String,
    comment: String,
    token: String,
    sha256: String,
    integration: String,
    request: String,
    credential: String,
    shop: builders::Shop,
}

async fn world(test: &TestApp) -> World {
    let all = test.token(&Permission::ALL).await;
    let shop = builders::shop(test).await;
    let outcome = ops::apply_document(
        &test.app,
        &test.cli(),
        &builders::read(&builders::document("stripe.com", "pay", "1")),
        &ops::Identity::default(),
    )
    .await
    .expect("imported");
    let made = async |path: &str, body: Value| {
        let reply = test.api("POST", path, &all, &[], Some(body)).await;
        assert_eq!(reply.status, 201, "{path}: {}", reply.text());
        reply.json()["id"].as_str().expect("an id").to_owned()
    };
    let team = made("/api/v1/teams", json!({ "name": "Growth" })).await;
    let version =
        ops::find_version(&test.app, &test.cli(), outcome.api_id, &outcome.version_slug).await.expect("a version");
    // A comment by a person, who alone may withdraw it.
    let ids = muster::identity::ops::service_accounts(&test.app, &test.cli()).await.expect("accounts");
    let system = made("/api/v1/systems", json!({ "name": "Messenger", "kind": "own", "team": team })).await;
    let registered = test
        .api(
            "POST",
            "/api/v1/integrations",
            &all,
            &[],
            Some(builders::integration(&system, "stripe.com pay", "payments")),
        )
        .await;
    assert_eq!(registered.status, 201, "{}", registered.text());
    let credential = json!({ "name": "stripe live", "created_on": "2027-01-01" });
    World {
        integration: registered.json()["integration"]["id"].as_str().expect("an id").to_owned(),
        request: registered.json()["request"]["id"].as_str().expect("an id").to_owned(),
        credential: made("/api/v1/credentials", credential).await,
        shop,
        system,
        group: made("/api/v1/review-groups", json!({ "name": "Privacy", "state": "retired" })).await,
        comment: made(&format!("/api/v1/comments/vendors/{}", outcome.vendor_id), json!({ "body": "hello" })).await,
        person: test.person("Somebody", &[]).await.id.to_string(),
        class: ops::find_data_class(&test.app, &test.cli(), "user.contact.email").await.expect("seeded").id.to_string(),
        account: ids[0].id.to_string(),
        token: muster::identity::ops::tokens(&test.app, &test.cli(), None).await.expect("tokens")[0].id.to_string(),
        sha256: version.document_sha256.expect("a document"),
        vendor: outcome.vendor_id.to_string(),
        api: outcome.api_id.to_string(),
        version: outcome.version_id.to_string(),
        team,
    }
}

fn fill(path: &str, world: &World) -> String {
    let key = [
        ("/vendors/", &world.vendor),
        ("/apis/", &world.api),
        ("/systems/", &world.system),
        ("/data-classes/", &world.class),
        ("/teams/", &world.team),
        ("/review-groups/", &world.group),
        ("/people/", &world.person),
        ("/service-accounts/", &world.account),
        ("/integrations/", &world.integration),
        ("/credentials/", &world.credential),
    ];
    let mut path = path
        .replace("{version}", &world.version)
        .replace("{sha256}", &world.sha256)
        .replace("/comments/{kind}/{key}", &format!("/comments/vendors/{}", world.vendor));
    path = path
        .replace("/comments/{id}", &format!("/comments/{}", world.comment))
        .replace("/tokens/{id}", &format!("/tokens/{}", world.token))
        .replace("/requests/{id}", &format!("/requests/{}", world.request))
        .replace("/tables/{kind}", "/tables/vendors");
    for (prefix, id) in key {
        path = path.replace(&format!("{prefix}{{key}}"), &format!("{prefix}{id}"));
    }
    assert!(!path.contains('{'), "nothing to fill {path} with");
    if path.ends_with("/record") { format!("{path}?at=2027-03-01T12:00:00Z") } else { path }
}

/// A body that a mutation takes. A new mutation without an entry here fails the test.
fn body(id: &str) -> Value {
    match id {
        "create_vendor" => json!({ "name": "Fresh vendor" }),
        "vendor_duplicates" => json!({ "name": "Stripe" }),
        "create_api" => json!({ "vendor": "stripe", "name": "Fresh API" }),
        "create_system" => json!({ "name": "Fresh system", "kind": "saas", "vendor": "stripe" }),
        "create_data_class" => json!({ "key": "user.fresh", "name": "Fresh", "sensitivity": "internal" }),
        "create_person" => json!({ "name": "Fresh", "email": "fresh@example.com" }),
        "create_team" | "create_review_group" => json!({ "name": "Fresh group" }),
        "create_service_account" => json!({ "name": "Fresh account", "scopes": ["read"] }),
        "create_version" => json!({ "label": "fresh" }),
        "mint_token" => json!({ "name": "x", "scopes": ["read"], "expires_in_days": 1 }),
        "update_credential"
        | "update_vendor"
        | "update_api"
        | "update_system"
        | "update_team"
        | "update_review_group"
        | "update_service_account"
        | "update_data_class"
        | "update_version" => json!({ "description": "changed" }),
        "update_settings" => json!({ "organisation": "Acme" }),
        "update_person" => json!({ "name": "Changed" }),
        "set_current_version" => json!({ "version": "1" }),
        "add_comment" => json!({ "body": "A comment" }),
        "import_openapi" | "preview_openapi" => builders::document("adyen.com", "pay", "1"),
        "import_table" => json!("name\nFrom a table\n"),
        "register_integration" => json!({ "system": "shop", "api": "stripe.com pay", "name": "Another" }),
        "steward_integrations" => json!({ "integrations": ["stripe-for-shop"], "add_tags": ["pay"] }),
        "suspend_integration" | "mark_compromised" | "revoke_credential" => json!({ "reason": "A leak" }),
        "record_grants" => json!({ "granted": [{ "scope": "charges.read" }] }),
        "create_credential" => json!({ "name": "Fresh credential", "created_on": "2027-02-01" }),
        "record_rotation" => json!({ "fingerprint": format!("sha256:{}", "ab".repeat(32)) }),
        "propose_request" => json!({ "kind": "change", "reason": "Needed", "content": { "purpose": "Another" } }),
        "edit_request" => json!({ "content": { "business_logic": "Called on checkout." } }),
        "submit_request" | "withdraw_request" | "rebase_request" | "begin_rotation" | "verify_vendor"
        | "verify_api" | "withdraw_comment" | "mint_link" | "revoke_token" => json!({}),
        other => panic!("no body for {other}: add one"),
    }
}

/// The path to something in the state that an operation needs, made for it alone.
async fn fresh(test: &TestApp, operation: &Operation, world: &World) -> Option<String> {
    use muster::{approvals, integrations};
    let (app, name) = (&test.app, uuid::Uuid::new_v4().to_string());
    let requester = test.page(&world.shop.requester).await;
    let id = match operation.id.as_str() {
        "suspend_integration" | "propose_request" => builders::active(test, &world.shop, &name).await.id,
        "edit_request" | "submit_request" | "withdraw_request" => {
            let start = integrations::ops::Start::AsGiven;
            approvals::ops::register(app, &requester, builders::content(&name), start).await.expect("registered").1.id
        }
        "rebase_request" => {
            let key = builders::active(test, &world.shop, &name).await.id.to_string();
            let kind = approvals::RequestKind::Change;
            let request = approvals::ops::propose(app, &requester, &key, kind, None, None).await.expect("proposed");
            let edit = approvals::ops::Stewardship {
                integrations: vec![key],
                add_tags: vec!["moved".into()],
                ..Default::default()
            };
            approvals::ops::steward(app, &requester, edit).await.expect("stewarded");
            request.id
        }
        "begin_rotation" | "record_rotation" | "mark_compromised" | "revoke_credential" => {
            let content = integrations::CredentialContent {
                name,
                created_on: Some("2027-01-01".parse().expect("a date")),
                ..Default::default()
            };
            integrations::ops::create_credential(app, &test.cli(), content).await.expect("noted").id
        }
        _ => return None,
    };
    Some(operation.path.replace("{key}", &id.to_string()).replace("{id}", &id.to_string()))
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
    let verbs = [
        "/verify",
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
    let test = TestApp::new().await;
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
        if NO_TOKEN.contains(&operation.id.as_str()) || operation.id == "withdraw_comment" {
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

/// The page routes that take a POST, read off the sources so that a new one is covered at once.
fn page_posts() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/pages")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("text");
            for line in text.lines().filter(|line| line.contains(".route(") && line.contains("post(")) {
                let route = line.split('"').nth(1).unwrap_or_default();
                let both = line.contains("$path");
                let routes = if both {
                    vec![
                        format!("/teams{}", if route.starts_with('/') { route } else { "" }),
                        format!("/review-groups{}", if route.starts_with('/') { route } else { "" }),
                    ]
                } else {
                    vec![route.to_owned()]
                };
                found.extend(routes.into_iter().filter(|route| !route.starts_with("/sign-in/")));
            }
        }
    }
    assert!(found.len() > 25, "{found:?}");
    found
}

#[tokio::test]
async fn every_form_refuses_the_anonymous_other_sites_and_a_wrong_token() {
    let test = TestApp::new().await;
    let browser = test.browser("Root", &[Role::Admin, Role::Requester]).await;
    let id = uuid::Uuid::nil().to_string();
    for route in page_posts() {
        let path =
            route.replace("{kind}", "vendors").replace("{key}", &id).replace("{id}", &id).replace("{version}", "x");
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
        if path == "/imports" {
            continue; // multipart; its token is tested with the journey of imports
        }
        let wrong = browser.post_raw(&path, &[("csrf", "wrong")], &[here]).await;
        assert_eq!(wrong.status, StatusCode::FORBIDDEN, "{path}");
    }
}
