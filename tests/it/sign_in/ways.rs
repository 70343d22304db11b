//! Ways to sign in that come and go: linked, untied, allowed again, and what a new beginning takes away.

use muster::identity::{
    Role, Session,
    ops::{self, Fault, LinkFor, Present, Purpose},
};
use serde_json::json;

use super::bent::Scene;
use crate::support::{Browser, TestApp};

async fn session(test: &TestApp, browser: &Browser) -> Session {
    muster::identity::authorities(&test.app).clear();
    let secret = browser.cookie.split_once('=').expect("a cookie").1;
    let authority = ops::authenticate_session(&test.app, secret).await.expect("signed in");
    authority.session.clone().expect("a session")
}

async fn strings(test: &TestApp, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(&mut test.owner().await).await.expect("rows")
}

fn told(outcome: Result<ops::Arrived, Fault>) -> String {
    match outcome {
        Err(Fault::Told(text)) => text,
        other => panic!("not told: {other:?}"),
    }
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one story from its beginning to its end")]
async fn an_account_of_a_provider_is_linked_and_what_an_admin_unties_is_tied_again_by_leave_alone() {
    let scene = Scene::new().await;
    let test = &scene.test;
    let (person, other) = (test.person("Lola Local", &[Role::Requester]).await, test.person("Olga Other", &[]).await);
    let (browser, theirs) = (test.sign_in(&person).await, test.sign_in(&other).await);
    // The page sends the browser there; nothing is linked by that alone.
    let offered = browser.post("/account/link/peer", &[]).await.text();
    assert!(offered.contains(&format!("href=\"{}", scene.peer.issuer())), "{offered}");
    let identities = || strings(test, "select state || ' ' || barred from identities order by created_at");
    assert!(identities().await.is_empty());
    let link = async |browser: &Browser, person: uuid::Uuid| {
        let session = session(test, browser).await;
        scene.arrive((Purpose::Link, Some(Present { person, session: &session })), |_, _| {}, None).await
    };
    let arrived = link(&browser, person.id).await.expect("linked");
    assert!(arrived.secret.is_none() && arrived.back == "/account", "the present session goes on");
    assert_eq!(identities().await, ["active false"]);
    assert!(browser.get("/account").await.text().contains("The peer"));
    assert_eq!(scene.bent(|_, _| {}, None).await.expect("signed in").purpose, Purpose::SignIn);
    assert_eq!(
        strings(test, "select count(*)::text from people where name like 'Lola%'").await,
        ["1"],
        "no second person"
    );
    // A subject is one person's.
    assert!(told(link(&theirs, other.id).await).contains("somebody else here"));
    // Another session than the one that began it does not get it.
    let (one, two) = (session(test, &browser).await, session(test, &theirs).await);
    let mixed = Present { person: person.id, session: &two };
    let begun = ops::begin_at_provider(
        &test.app,
        "peer",
        Purpose::Link,
        Some(Present { person: person.id, session: &one }),
        "/account",
    );
    let begun = begun.await.expect("begun");
    let state = super::parameter(&begun.url, "state");
    let answer = muster::identity::oidc::Answer { code: Some("x".into()), ..Default::default() };
    let returned = ops::Returned { provider: "peer", state: &state, browser: &begun.browser, answer };
    let origin = muster::identity::Arrival::default();
    ops::finish_at_provider(&test.app, returned, Some(mixed), None, origin).await.expect_err("mixed up");
    // Untied by oneself, it can be tied again by oneself.
    let id = strings(test, "select id::text from identities").await.remove(0);
    browser.post(&format!("/account/identities/{id}/unlink"), &[]).await;
    assert_eq!(identities().await, ["retired false"]);
    assert!(super::reason(scene.bent(|_, _| {}, None).await).contains("out of use"));
    link(&browser, person.id).await.expect("tied again");
    // Untied by an admin, by leave alone; not by one's own leave.
    let admin = test.browser("Anna Admin", &[Role::Admin]).await;
    let page = admin.get(&format!("/people/{}", person.id)).await.text();
    assert!(page.contains(&format!("/people/{}/identities/{id}/unlink", person.id)), "{page}");
    admin.post(&format!("/people/{}/identities/{id}/unlink", person.id), &[]).await;
    assert_eq!(identities().await, ["retired true"]);
    // Untying it once more makes it no tie of one's own.
    assert_eq!(browser.post(&format!("/account/identities/{id}/unlink"), &[]).await.status, 404);
    assert_eq!(identities().await, ["retired true"]);
    assert!(told(link(&browser, person.id).await).contains("Ask them to allow it again"));
    let allow = format!("/people/{}/identities/{id}/allow", person.id);
    assert_eq!(browser.post(&allow, &[]).await.status, 403);
    assert!(admin.get(&format!("/people/{}", person.id)).await.text().contains("Allow it again"));
    admin.post(&allow, &[]).await;
    link(&browser, person.id).await.expect("allowed again");
    assert_eq!(identities().await, ["active false"]);
}

#[tokio::test]
async fn a_new_beginning_takes_every_way_that_an_intruder_may_have_added() {
    let scene = Scene::new().await;
    let test = &scene.test;
    let person = test.person("Rosa Reset", &[Role::Requester]).await;
    let browser = test.sign_in(&person).await;
    let session = session(test, &browser).await;
    let present = Present { person: person.id, session: &session };
    let map = ops::NewMapping { provider: "peer".into(), group_name: "staff".into(), gives: "role:reviewer".into() };
    let admin = test.page(&test.person("Anna Admin", &[Role::Admin]).await).await;
    ops::add_mapping(&test.app, &admin, map).await.expect("mapped");
    let groups = |_: &mut serde_json::Value, claims: &mut serde_json::Value| claims["groups"] = json!(["staff"]);
    scene.arrive((Purpose::Link, Some(present)), groups, None).await.expect("linked");
    sqlx::query(
        "insert into passkeys (id, person_id, name, credential_id, transports, static_state, dynamic_state, created_at, updated_at)
         values (gen_random_uuid(), $1, 'Their key', '\\x01', 0, '\\x', '\\x', now(), now())",
    )
    .bind(person.id)
    .execute(&mut test.owner().await)
    .await
    .expect("a passkey");
    let held = || {
        strings(
            test,
            "select role from role_grants g join people p on p.id = g.person_id where p.name = 'Rosa Reset' order by 1",
        )
    };
    let new = muster::identity::NewToken {
        name: "theirs".into(),
        scopes: vec![muster::identity::Permission::Read],
        expires_in_days: 30,
    };
    let owner = muster::identity::TokenOwner::Person(person.id);
    let minted = ops::mint_token(&test.app, &test.page(&person).await, owner, new).await.expect("a token");
    let token = minted.bearer.reveal().to_owned();
    assert_eq!(test.api("GET", "/api/v1/me", &token, &[], None).await.status, 200);
    assert_eq!(held().await, ["requester", "reviewer"]);
    // An invitation is for whoever has no way yet.
    let refused = ops::mint_link_for(&test.app, &test.cli(), person.id, LinkFor::Invitation).await.expect("a link");
    let origin = muster::identity::Arrival::default;
    let password = "correct horse battery staple".to_owned();
    let invited = ops::accept_invitation(&test.app, &refused.secret, password.clone(), origin()).await;
    assert!(invited.is_err_and(|error| error.to_string().contains("a way to sign in already")));
    let reset = ops::mint_link_for(&test.app, &test.cli(), person.id, LinkFor::Reset).await.expect("a link");
    ops::accept_invitation(&test.app, &reset.secret, password, origin()).await.expect("begun anew");
    assert_eq!(
        strings(test, "select state from passkeys union all select state from identities").await,
        ["retired", "retired"]
    );
    assert_eq!(held().await, ["requester"], "what came by the account has ended as well");
    let versions = strings(test, "select kind from record_versions where kind in ('passkey', 'identity') order by 1");
    assert_eq!(versions.await, ["identity", "identity", "passkey"], "each has its version");
    assert_eq!(browser.get("/").await.header("location"), "/sign-in");
    assert_eq!(test.api("GET", "/api/v1/me", &token, &[], None).await.status, 401, "its token as well");
}

#[tokio::test]
async fn a_start_brings_rights_to_what_the_file_says_and_records_a_source_that_moved() {
    let scene = Scene::new().await;
    let test = &scene.test;
    let admin = test.page(&test.person("Anna Admin", &[Role::Admin]).await).await;
    let map = |group: &str| ops::NewMapping {
        provider: "peer".into(),
        group_name: group.into(),
        gives: "role:reviewer".into(),
    };
    ops::add_mapping(&test.app, &admin, map("staff")).await.expect("mapped");
    scene.bent(|_, claims| claims["groups"] = json!(["staff"]), None).await.expect("signed in");
    let held = || strings(test, "select role || ' ' || sources::text from role_grants where role = 'reviewer'");
    assert_eq!(held().await, ["reviewer {provider:peer}"]);
    assert_eq!(ops::reconcile_groups(&test.app).await.expect("looked"), 1);
    let before = test.events().await;
    assert_eq!(ops::reconcile_groups(&test.app).await.expect("looked"), 1);
    assert_eq!(test.events().await, before, "nothing moved, nothing is recorded");
    // Granted in Muster as well, and then the mapping goes behind Muster's back: the right stays, its source moves.
    let sql = "update role_grants set sources = array_append(sources, 'muster') where role = 'reviewer'";
    sqlx::query(sql).execute(&mut test.owner().await).await.expect("granted");
    sqlx::query("update group_mappings set state = 'retired'").execute(&mut test.owner().await).await.expect("gone");
    ops::reconcile_groups(&test.app).await.expect("reconciled");
    assert_eq!(held().await, ["reviewer {muster}"]);
    assert_eq!(test.last_action().await, "person.rights_followed");
}

#[tokio::test]
async fn whom_a_provider_made_here_is_known_by_what_it_calls_them() {
    let scene = Scene::with(Some("peer-scim")).await;
    let test = &scene.test;
    let token = super::scim::account(test, "Peer SCIM", "peer-scim").await;
    let made = json!({ "userName": "ada@example.com", "externalId": "subject-1" });
    let made = super::scim::ask(test, &token, "POST", "/Users", Some(made)).await.json();
    let groups = |_: &mut serde_json::Value, claims: &mut serde_json::Value| claims["groups"] = json!(["staff"]);
    scene.bent(groups, None).await.expect("signed in");
    assert_eq!(strings(test, "select person_id::text from identities").await, [made["id"].as_str().expect("an id")]);
    assert_eq!(strings(test, "select count(*)::text from people").await, ["1"], "no second person");
    // What a token tells of groups counts for nothing where the provider keeps them here: in the preview neither.
    let admin = test.page(&test.person("Anna Admin", &[Role::Admin]).await).await;
    let map = || ops::NewMapping { provider: "peer".into(), group_name: "staff".into(), gives: "role:reviewer".into() };
    let touched = ops::preview_mapping(&test.app, &admin, map()).await.expect("a preview");
    assert_eq!((touched.gain.len(), touched.have.len()), (0, 0));
    let members = json!({ "displayName": "staff", "members": [{ "value": made["id"] }] });
    super::scim::ask(test, &token, "POST", "/Groups", Some(members)).await;
    assert_eq!(ops::preview_mapping(&test.app, &admin, map()).await.expect("a preview").gain.len(), 1);
}
