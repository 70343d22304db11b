//! A provider keeps its people and groups here (RFC 7644): what it says holds with the next request.

use muster::identity::{NewToken, Permission, Role, ServiceAccountContent, TokenOwner, ops};
use serde_json::{Value, json};

use crate::support::{
    Browser, Reply, TestApp,
    client::send,
    provider::{Bending, configured, with_providers},
};

struct Keeper {
    test: TestApp,
    token: String,
}

impl Keeper {
    async fn new() -> Self {
        let issuer = Bending::start().await.issuer();
        let test = TestApp::configured(|config| {
            let mut provider = configured("peer", &issuer, None);
            provider.scim_account = Some("peer-scim".into());
            with_providers(config, vec![provider]);
        })
        .await;
        let token = account(&test, "Peer SCIM", "peer-scim").await;
        Self { test, token }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        ask(&self.test, &self.token, method, path, body).await
    }

    async fn made(&self, path: &str, body: Value) -> String {
        let reply = self.ask("POST", path, Some(body)).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        assert_eq!(reply.header("content-type"), "application/scim+json");
        reply.json()["id"].as_str().expect("an id").to_owned()
    }
}

pub(super) async fn account(test: &TestApp, name: &str, slug: &str) -> String {
    let scopes = vec![Permission::Provision];
    let content =
        ServiceAccountContent { name: name.into(), slug: slug.into(), scopes: scopes.clone(), ..Default::default() };
    let account = ops::create_service_account(&test.app, &test.cli(), content).await.expect("an account");
    let new = NewToken { name: "scim".into(), scopes, expires_in_days: 30 };
    let minted = ops::mint_token(&test.app, &test.cli(), TokenOwner::ServiceAccount(account.id), new).await;
    minted.expect("a token").bearer.reveal().to_owned()
}

pub(super) async fn ask(test: &TestApp, token: &str, method: &str, path: &str, body: Option<Value>) -> Reply {
    let headers = [("authorization", format!("Bearer {token}")), ("content-type", "application/scim+json".to_owned())];
    let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    send(test.router.clone(), method, &format!("/scim/v2{path}"), &headers, body).await
}

fn patch(operations: Value) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

#[tokio::test]
async fn people_are_made_found_changed_and_disabled_at_once() {
    let keeper = Keeper::new().await;
    let ada = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@example.com",
        "externalId": "subject-1", "name": { "givenName": "Ada", "familyName": "Lovelace" }, "active": true });
    let id = keeper.made("/Users", ada.clone()).await;
    let again = keeper.ask("POST", "/Users", Some(ada)).await;
    assert_eq!((again.status.as_u16(), again.json()["scimType"].as_str()), (409, Some("uniqueness")));
    let found = keeper.ask("GET", "/Users?filter=userName%20eq%20%22ADA@example.com%22", None).await.json();
    assert_eq!(
        (found["totalResults"].as_i64(), found["Resources"][0]["displayName"].as_str()),
        (Some(1), Some("Ada Lovelace"))
    );
    let none = keeper.ask("GET", "/Users?filter=userName%20eq%20%22nobody%22", None).await.json();
    assert_eq!(none["totalResults"], 0);
    let bad = keeper.ask("GET", "/Users?filter=userName%20co%20%22a%22", None).await;
    assert_eq!((bad.status.as_u16(), bad.json()["scimType"].as_str()), (400, Some("invalidFilter")));
    // Signed in, then disabled by the provider: out with the next request, and no way back in.
    let person: uuid::Uuid = id.parse().expect("an id");
    let link = ops::mint_link(&keeper.test.app, &keeper.test.cli(), person).await.expect("a link");
    let spare = ops::mint_link(&keeper.test.app, &keeper.test.cli(), person).await.expect("a link");
    let browser = Browser::sign_in(keeper.test.router.clone(), &link.secret).await;
    assert_eq!(browser.get("/").await.status, 200);
    let off = patch(json!([{ "op": "replace", "path": "active", "value": false }]));
    assert_eq!(keeper.ask("PATCH", &format!("/Users/{id}"), Some(off)).await.json()["active"], false);
    assert_eq!(browser.get("/").await.header("location"), "/sign-in");
    assert!(!ops::link_holds(&keeper.test.app, &spare.secret).await.expect("looked"));
    let on = json!({ "userName": "ada@example.com", "displayName": "Ada King", "active": true });
    let whole = keeper.ask("PUT", &format!("/Users/{id}"), Some(on)).await.json();
    assert_eq!((whole["displayName"].as_str(), whole["active"].as_bool()), (Some("Ada King"), Some(true)));
    assert_eq!(browser.get("/").await.header("location"), "/sign-in", "an ended session stays ended");
    assert_eq!(keeper.ask("DELETE", &format!("/Users/{id}"), None).await.status, 204);
    assert_eq!(
        keeper.ask("GET", &format!("/Users/{id}"), None).await.json()["active"],
        false,
        "disabled, and on record"
    );
    let events: i64 = sqlx::query_scalar("select count(*) from audit_events where action = 'person.provisioned'")
        .fetch_one(&mut keeper.test.owner().await)
        .await
        .expect("counted");
    assert_eq!(events, 4);
}

#[tokio::test]
async fn a_group_gives_what_it_is_mapped_to_and_takes_it_away_at_once() {
    let keeper = Keeper::new().await;
    let test = &keeper.test;
    let admin = test.page(&test.person("Anna Admin", &[Role::Admin]).await).await;
    let new =
        ops::NewMapping { provider: "peer".into(), group_name: "reviewers".into(), gives: "role:reviewer".into() };
    ops::add_mapping(&test.app, &admin, new).await.expect("mapped");
    let ada = keeper.made("/Users", json!({ "userName": "ada@example.com", "externalId": "subject-1" })).await;
    let bob = keeper.made("/Users", json!({ "userName": "bob@example.com" })).await;
    let group = keeper.made("/Groups", json!({ "displayName": "reviewers", "members": [{ "value": ada }] })).await;
    let reviewers = async || -> Vec<String> {
        sqlx::query_scalar("select p.email from role_grants g join people p on p.id = g.person_id where g.role = 'reviewer' order by 1")
            .fetch_all(&mut test.owner().await)
            .await
            .expect("roles")
    };
    assert_eq!(reviewers().await, ["ada@example.com"]);
    let change = patch(json!([{ "op": "Add", "path": "members", "value": [{ "value": bob }] },
        { "op": "Remove", "path": format!("members[value eq \"{ada}\"]") }]));
    assert_eq!(keeper.ask("PATCH", &format!("/Groups/{group}"), Some(change)).await.status, 200);
    assert_eq!(reviewers().await, ["bob@example.com"]);
    let renamed = patch(json!([{ "op": "replace", "path": "displayName", "value": "others" }]));
    keeper.ask("PATCH", &format!("/Groups/{group}"), Some(renamed)).await;
    assert!(reviewers().await.is_empty(), "another name is another group");
    let back = json!({ "displayName": "reviewers", "members": [{ "value": ada }, { "value": bob }] });
    keeper.ask("PUT", &format!("/Groups/{group}"), Some(back)).await;
    assert_eq!(reviewers().await.len(), 2);
    assert_eq!(keeper.ask("DELETE", &format!("/Groups/{group}"), None).await.status, 204);
    assert!(reviewers().await.is_empty());
}

#[tokio::test]
async fn only_the_providers_own_account_provisions_and_only_its_own_people() {
    let keeper = Keeper::new().await;
    let test = &keeper.test;
    let other = account(test, "Other", "other").await;
    for path in ["/Users", "/Groups"] {
        let refused = ask(test, &other, "GET", path, None).await;
        assert_eq!(
            (refused.status.as_u16(), refused.json()["status"].as_str()),
            (403, Some("403")),
            "{}",
            refused.text()
        );
        let wide = test.token(&[Permission::ManagePeople, Permission::Read]).await;
        assert_eq!(ask(test, &wide, "GET", path, None).await.status, 403);
        let nobody = send(test.router.clone(), "GET", &format!("/scim/v2{path}"), &[], Vec::new()).await;
        assert_eq!(nobody.status, 401);
    }
    let admin = test.person("Anna Admin", &[Role::Admin]).await;
    assert_eq!(keeper.ask("GET", &format!("/Users/{}", admin.id), None).await.status, 404);
    assert_eq!(keeper.ask("DELETE", &format!("/Users/{}", admin.id), None).await.status, 404);
    let taken = keeper.ask("POST", "/Users", Some(json!({ "userName": admin.content.email }))).await;
    assert_eq!(taken.status, 409, "{}", taken.text());
    let smuggled = json!({ "displayName": "staff", "members": [{ "value": admin.id }] });
    assert_eq!(keeper.ask("POST", "/Groups", Some(smuggled)).await.status, 400);
    for (body, status) in [(json!({}), 400), (json!([]), 400), (json!({ "userName": "no address" }), 400)] {
        assert_eq!(keeper.ask("POST", "/Users", Some(body)).await.status, status);
    }
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"] {
        assert_eq!(keeper.ask("GET", path, None).await.status, 200);
    }
}

#[tokio::test]
async fn lists_count_all_whatever_part_is_asked_for() {
    let keeper = Keeper::new().await;
    for n in 0..5 {
        keeper.made("/Users", json!({ "userName": format!("p{n}@example.com"), "externalId": format!("s{n}") })).await;
    }
    for (question, here) in [
        ("", 5),
        ("?count=0", 0),
        ("?startIndex=4", 2),
        ("?startIndex=99", 0),
        ("?startIndex=2&count=2", 2),
        ("?startIndex=0&count=-1", 0),
    ] {
        let list = keeper.ask("GET", &format!("/Users{question}"), None).await.json();
        let shown = list["Resources"].as_array().map_or(0, Vec::len);
        assert_eq!((list["totalResults"].as_i64(), shown), (Some(5), here), "{question}: {list}");
        assert_eq!(list["itemsPerPage"].as_i64(), i64::try_from(here).ok(), "{question}: {list}");
    }
    for filter in [
        "urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"p3@example.com\"",
        "emails[type eq \"work\"].value eq \"p3@example.com\"",
        "externalId eq \"s3\"",
    ] {
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let found = keeper.ask("GET", &format!("/Users?filter={filter}"), None).await.json();
        assert_eq!(
            (found["totalResults"].as_i64(), found["Resources"][0]["externalId"].as_str()),
            (Some(1), Some("s3"))
        );
    }
}

#[tokio::test]
async fn a_leaver_is_out_however_the_provider_writes_it() {
    let keeper = Keeper::new().await;
    let urn = "urn:ietf:params:scim:schemas:core:2.0:User";
    for (n, operations) in [
        json!([{ "op": "replace", "path": format!("{urn}:active"), "value": false }]),
        json!([{ "op": "Replace", "path": "title", "value": "x" }, { "op": "Replace", "path": "active", "value": "False" }]),
        json!([{ "op": "replace", "value": { "nothing.of.ours": 1, "active": false } }]),
        json!([{ "op": "replace", "value": { format!("{urn}:active"): false } }]),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({ "userName": format!("p{n}@example.com"), "externalId": format!("s{n}") });
        let id = keeper.made("/Users", body).await;
        let reply = keeper.ask("PATCH", &format!("/Users/{id}"), Some(patch(operations.clone()))).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["active"]), (200, &json!(false)), "{operations}: {}", reply.text());
    }
}
