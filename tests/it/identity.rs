//! People, sessions, links and tokens.

use muster::{
    error::Error,
    identity::{Actor, NewToken, Permission, PersonContent, Principal, Role, TokenOwner, ops},
};
use serde_json::json;

use crate::support::{Browser, TestApp, client::send};

async fn actor(test: &TestApp, browser: &Browser) -> Actor {
    let secret = browser.cookie.split_once('=').expect("a cookie").1;
    let authority = ops::authenticate_session(&test.app, secret).await.expect("signed in");
    Actor { authority, ..test.cli() }
}

#[tokio::test]
async fn a_link_signs_in_once_and_opening_it_uses_nothing_up() {
    let test = TestApp::new().await;
    let person = test.person("Ada", &[]).await;
    let link = ops::mint_link(&test.app, &test.cli(), person.id).await.expect("a link");
    let path = format!("/sign-in/{}", link.secret);
    for _ in 0..2 {
        let page = send(test.router.clone(), "GET", &path, &[], Vec::new()).await;
        assert!(page.text().contains("<button"), "{}", page.text());
    }
    Browser::sign_in(test.router.clone(), &link.secret).await;
    let again = send(test.router.clone(), "POST", &path, &[("sec-fetch-site", "same-origin".into())], Vec::new()).await;
    assert_eq!(again.status, 409);
    assert!(send(test.router.clone(), "GET", &path, &[], Vec::new()).await.text().contains("no longer works"));
}

#[tokio::test]
async fn a_link_ends_after_an_hour_and_a_session_when_idle() {
    let test = TestApp::new().await;
    let person = test.person("Ada", &[]).await;
    let link = ops::mint_link(&test.app, &test.cli(), person.id).await.expect("a link");
    test.clock.advance(chrono::TimeDelta::minutes(61));
    assert!(!ops::link_holds(&test.app, &link.secret).await.expect("looked"));
    let browser = test.sign_in(&person).await;
    assert_eq!(browser.get("/").await.status, 200);
    test.clock.advance(chrono::TimeDelta::hours(13));
    muster::identity::authorities(&test.app).clear();
    assert_eq!(browser.get("/").await.header("location"), "/sign-in");
}

#[tokio::test]
async fn an_admin_mints_links_for_people_but_never_for_admins() {
    let test = TestApp::new().await;
    let admin = test.browser("Root", &[Role::Admin]).await;
    let (plain, other) = (test.person("Plain", &[]).await, test.person("Other", &[Role::Admin]).await);
    let reply = admin.post(&format!("/people/{}/sign-in-links", plain.id), &[]).await;
    assert!(reply.text().contains("/sign-in/"), "{}", reply.text());
    assert_eq!(admin.post(&format!("/people/{}/sign-in-links", other.id), &[]).await.status, 403);
}

#[tokio::test]
async fn nobody_grants_a_role_to_themselves() {
    let test = TestApp::new().await;
    let person = test.person("Root", &[Role::Admin]).await;
    let browser = test.sign_in(&person).await;
    let me = actor(&test, &browser).await;
    let content = PersonContent { roles: vec![Role::Admin, Role::Reviewer], ..person.content.clone() };
    let refused = ops::update_person(&test.app, &me, person.id, 1, content).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    let mut conn = test.owner().await;
    let direct = sqlx::query(
        "insert into role_grants (person_id, role, granted_by, granted_at) values ($1, 'auditor', $1, now())",
    )
    .bind(person.id)
    .execute(&mut conn)
    .await;
    assert!(direct.is_err(), "the database refuses it too");
}

#[tokio::test]
async fn the_last_admin_stays_one() {
    let test = TestApp::new().await;
    let person = test.person("Root", &[Role::Admin]).await;
    let content = PersonContent { roles: vec![], ..person.content.clone() };
    let refused = ops::update_person(&test.app, &test.cli(), person.id, 1, content).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
}

#[tokio::test]
async fn a_disabled_person_is_out_at_the_next_request() {
    let test = TestApp::new().await;
    let person = test.person("Ada", &[Role::Requester]).await;
    let browser = test.sign_in(&person).await;
    assert_eq!(browser.get("/vendors").await.status, 200);
    let content = PersonContent { state: muster::identity::PersonState::Disabled, ..person.content.clone() };
    ops::update_person(&test.app, &test.cli(), person.id, 1, content).await.expect("disabled");
    assert_eq!(browser.get("/vendors").await.header("location"), "/sign-in");
}

#[tokio::test]
async fn an_auditor_reads_everything_and_writes_nothing() {
    let test = TestApp::new().await;
    let auditor = test.browser("Audra", &[Role::Auditor, Role::Requester, Role::Admin]).await;
    assert_eq!(auditor.get("/audit").await.status, 200);
    assert_eq!(
        auditor.post("/vendors", &[("name", "X"), ("dpa_status", "unknown"), ("state", "active")]).await.status,
        403
    );
    assert_eq!(auditor.get("/people/new").await.status, 403);
}

#[tokio::test]
async fn a_token_does_what_its_scopes_say_and_dies_when_revoked() {
    let test = TestApp::new().await;
    let token = test.token(&[Permission::Read]).await;
    assert_eq!(test.api("GET", "/api/v1/vendors", &token, &[], None).await.status, 200);
    assert_eq!(test.api("GET", "/api/v1/audit-events", &token, &[], None).await.status, 403);
    let id = ops::tokens(&test.app, &test.cli(), None).await.expect("tokens")[0].id;
    ops::revoke_token(&test.app, &test.cli(), id).await.expect("revoked");
    assert_eq!(test.api("GET", "/api/v1/vendors", &token, &[], None).await.status, 401);
}

#[tokio::test]
async fn a_token_expires_and_is_never_taken_from_a_url_or_with_a_cookie() {
    let test = TestApp::new().await;
    let token = test.token(&[Permission::Read]).await;
    let in_url =
        send(test.router.clone(), "GET", &format!("/api/v1/vendors?access_token={token}"), &[], Vec::new()).await;
    assert_eq!(in_url.status, 401);
    let browser = test.browser("Ada", &[]).await;
    assert_eq!(browser.get("/api/v1/vendors").await.status, 401, "the API ignores cookies");
    test.clock.advance(chrono::TimeDelta::days(31));
    muster::identity::authorities(&test.app).clear();
    assert_eq!(test.api("GET", "/api/v1/vendors", &token, &[], None).await.status, 401);
}

#[tokio::test]
async fn a_personal_token_is_never_wider_than_its_owner() {
    let test = TestApp::new().await;
    let person = test.person("Ada", &[Role::Requester]).await;
    let browser = test.sign_in(&person).await;
    let me = actor(&test, &browser).await;
    let new = |scopes: Vec<Permission>| NewToken { name: "mine".into(), scopes, expires_in_days: 7 };
    let wide =
        ops::mint_token(&test.app, &me, TokenOwner::Person(person.id), new(vec![Permission::ManagePeople])).await;
    assert!(matches!(wide, Err(Error::Invalid(_))), "{wide:?}");
    let minted = ops::mint_token(
        &test.app,
        &me,
        TokenOwner::Person(person.id),
        new(vec![Permission::Read, Permission::EditCatalog]),
    )
    .await
    .expect("minted");
    let secret = minted.bearer.reveal().to_owned();
    assert_eq!(test.api("POST", "/api/v1/vendors", &secret, &[], Some(json!({ "name": "A" }))).await.status, 201);
    let content = PersonContent { roles: vec![], ..person.content.clone() };
    ops::update_person(&test.app, &test.cli(), person.id, 1, content).await.expect("role taken");
    assert_eq!(test.api("POST", "/api/v1/vendors", &secret, &[], Some(json!({ "name": "B" }))).await.status, 403);
    let mut conn = test.owner().await;
    let widened = sqlx::query("update api_tokens set scopes = scopes || '{manage_people}'").execute(&mut conn).await;
    assert!(widened.is_err(), "the database refuses to widen it");
}

#[tokio::test]
async fn no_token_mints_a_token_or_widens_its_account() {
    let test = TestApp::new().await;
    let token = test.token(&[Permission::Read, Permission::ManagePeople]).await;
    let accounts = test.api("GET", "/api/v1/service-accounts", &token, &[], None).await.json();
    let id = accounts[0]["id"].as_str().expect("an id").to_owned();
    let mint = test
        .api(
            "POST",
            &format!("/api/v1/service-accounts/{id}/tokens"),
            &token,
            &[],
            Some(json!({ "name": "x", "scopes": ["read"], "expires_in_days": 1 })),
        )
        .await;
    assert_eq!(mint.status, 403);
    let widen = test
        .api(
            "PATCH",
            &format!("/api/v1/service-accounts/{id}"),
            &token,
            &[("if-match", "\"1\"")],
            Some(json!({ "scopes": ["read", "manage_people", "read_audit"] })),
        )
        .await;
    assert_eq!(widen.status, 403);
}

#[tokio::test]
async fn another_pepper_refuses_to_start() {
    let test = TestApp::new().await;
    ops::bind_pepper(&test.app).await.expect("bound at the first start");
    let other = muster::house::app(
        test.app.db.clone(),
        test.clock.clone(),
        (*test.app.config).clone(),
        muster::identity::Pepper::from_key([8; 32]),
    );
    assert!(matches!(ops::bind_pepper(&other).await, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn the_command_line_is_on_record_with_its_user() {
    let test = TestApp::new().await;
    test.person("Ada", &[]).await;
    assert_eq!(test.cli().authority.principal, Principal::System("system:cli"));
    let filter = muster::audit::AuditFilter { limit: 1, newest_first: true, ..Default::default() };
    let events = muster::audit::ops::list(&test.app, &test.cli(), &filter).await.expect("listed");
    assert_eq!((events[0].actor_name.as_deref(), events[0].os_user.as_deref()), (Some("system:cli"), Some("tester")));
}
