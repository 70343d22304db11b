//! In a real browser: at a certified provider, and by a passkey of a virtual authenticator.

use muster::{
    clock::Clock,
    identity::{Role, Sensitive, ops},
    settings,
};
use serde_json::json;

use crate::support::{
    TestApp, builders,
    chrome::{Chrome, named, serve_at, sign_in},
    provider::{Real, configured, with_providers},
};

async fn scene() -> (TestApp, Real, String, tempfile::NamedTempFile) {
    let (listener, base) = named().await;
    let address = base.as_str().trim_end_matches('/').to_owned();
    let accounts =
        json!([{ "sub": "ada", "name": "Ada Lovelace", "email": "ada@example.com", "groups": ["requesters"] }]);
    let real = Real::start(&address, &accounts);
    let secret = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(secret.path(), "a secret of tests\n").expect("written");
    let provider = configured("real", &real.issuer, Some(secret.path()));
    let test = TestApp::at(Clock::system(), |config| {
        config.public_url = base;
        with_providers(config, vec![provider]);
    })
    .await;
    serve_at(&test, listener);
    (test, real, address, secret)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certified_provider_signs_in_and_out_and_its_groups_give_and_take() {
    let (test, real, base, _secret) = scene().await;
    let admin = test.page(&test.person("Anna Admin", &[Role::Admin]).await).await;
    for (group, gives) in [("requesters", "role:requester"), ("leads", "role:governance_lead")] {
        let new = ops::NewMapping { provider: "real".into(), group_name: group.into(), gives: gives.into() };
        ops::add_mapping(&test.app, &admin, new).await.expect("mapped");
    }
    let chrome = Chrome::start().await;
    let enter = async || {
        chrome.driver.goto(format!("{base}/sign-in")).await.expect("opened");
        chrome.click("a[href='/sign-in/with/real']").await;
    };
    chrome.driver.goto(format!("{base}/sign-in")).await.expect("opened");
    chrome.look("sign-in-ways").await;
    enter().await;
    chrome.write("account", "ada").await;
    chrome.click("#enter").await;
    chrome.says("You are signed in").await;
    chrome.driver.goto(format!("{base}/account")).await.expect("opened");
    let account = chrome.says("How you sign in").await;
    assert!(
        account.contains("ada@example.com") && account.contains("Requester") && account.contains("The real"),
        "{account}"
    );
    chrome.look("account").await;
    // Out here and there.
    chrome.click("form[action='/sign-out'] button").await;
    chrome.says("You are still signed in at The real").await;
    chrome.look("leaving").await;
    chrome.click("a.btn.main").await;
    chrome.click("#sign-out").await;
    chrome.says("Sign in with The real").await;
    // Regrouped there, with a new key: at the next sign-in other rights.
    let ada = json!({ "sub": "ada", "name": "Ada Lovelace", "email": "ada@example.com", "groups": ["leads"] });
    real.control("accounts", ada).await;
    real.control("rotate", json!({})).await;
    enter().await;
    chrome.write("account", "ada").await;
    chrome.click("#enter").await;
    chrome.says("You are signed in").await;
    chrome.driver.goto(format!("{base}/account")).await.expect("opened");
    let account = chrome.says("How you sign in").await;
    assert!(account.contains("Governance lead") && !account.contains("Requester ·"), "{account}");
    let people: i64 = sqlx::query_scalar("select count(*) from people where email = 'ada@example.com'")
        .fetch_one(&mut test.owner().await)
        .await
        .expect("counted");
    assert_eq!(people, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_steps_up_at_the_provider_and_keeps_what_was_typed() {
    let (test, real, base, _secret) = scene().await;
    let shop = builders::shop(&test).await;
    let id = crate::governance::drafted(&test, &shop, "Stripe for Shop").await;
    crate::governance::submit(&test, &shop, id).await.expect("submitted");
    let admin = test.page(&test.person("Anna Admin", &[Role::Admin]).await).await;
    for gives in ["role:reviewer", "review_group:security"] {
        let new = ops::NewMapping { provider: "real".into(), group_name: "requesters".into(), gives: gives.into() };
        ops::add_mapping(&test.app, &admin, new).await.expect("mapped");
    }
    let mut set = settings::ops::get(&test.app, &test.cli()).await.expect("settings");
    set.content.strong_for = vec![Sensitive::Decide];
    settings::ops::update(&test.app, &test.cli(), set.revision, set.content).await.expect("demanded");
    let chrome = Chrome::start().await;
    chrome.driver.goto(format!("{base}/sign-in/with/real?back=/requests/{id}")).await.expect("opened");
    chrome.write("account", "ada").await;
    chrome.click("#enter").await;
    chrome.says("Your decision").await;
    chrome.write_in("textarea[name=reason]", "Looked at every flow.").await;
    chrome.click("button[value=approve]").await;
    chrome.says("Confirm that it is you").await;
    chrome.look("confirm").await;
    chrome.click("a[href^='/confirm/with/real']").await;
    chrome.write("account", "ada").await;
    chrome.click("#enter").await;
    chrome.says("Nothing has been done yet").await;
    chrome.look("go-on").await;
    chrome.click("main form button.main").await;
    chrome.says("Approved, and in force").await;
    let request = muster::approvals::ops::find_request(&test.app, &test.cli(), id).await.expect("it");
    assert_eq!(request.decisions[0].reason, "Looked at every flow.");
    // Somebody else at the provider does not confirm who is signed in here; nor does a weak class.
    sqlx::query("update sessions set authenticated_at = now() - interval '1 hour'")
        .execute(&mut test.owner().await)
        .await
        .expect("aged");
    let only = json!({ "sub": "ada", "name": "Ada Lovelace", "email": "ada@example.com", "groups": [], "only": "urn:test:pwd" });
    real.control("accounts", only).await;
    real.control("accounts", json!({ "sub": "eve", "name": "Eve", "email": "eve@example.com", "groups": [] })).await;
    for (account, words) in [("eve", "Signing in did not work"), ("ada", "did not confirm by a second factor")] {
        real.control("forget", json!({})).await;
        chrome.driver.goto(format!("{base}/confirm/with/real")).await.expect("opened");
        chrome.write("account", account).await;
        chrome.click("#enter").await;
        chrome.says(words).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passkey_is_added_signs_in_and_confirms() {
    let (listener, base) = named().await;
    let address = base.as_str().trim_end_matches('/').to_owned();
    let test = TestApp::at(Clock::system(), |config| config.public_url = base).await;
    serve_at(&test, listener);
    let person = test.person("Paul Passkey", &[Role::Admin]).await;
    let chrome = Chrome::start().await;
    chrome.authenticator().await;
    sign_in(&test, &chrome, &address, &person).await;
    chrome.driver.goto(format!("{address}/account")).await.expect("opened");
    chrome.write_in("input[placeholder=Laptop]", "Test key").await;
    chrome.click("[data-passkey=add]").await;
    chrome.says("Passkey added").await;
    chrome.look("account-passkey").await;
    chrome.click("form[action='/sign-out'] button").await;
    chrome.says("E-mail address").await;
    chrome.click("[data-passkey='sign-in']").await;
    chrome.says("Hello, Paul").await;
    let strong: (String, bool) = sqlx::query_as("select method, strong from sessions")
        .fetch_one(&mut test.owner().await)
        .await
        .expect("a session");
    assert_eq!(strong, ("passkey".to_owned(), true));
    let mut set = settings::ops::get(&test.app, &test.cli()).await.expect("settings");
    set.content.strong_for = vec![Sensitive::Administer];
    settings::ops::update(&test.app, &test.cli(), set.revision, set.content).await.expect("demanded");
    sqlx::query("update sessions set authenticated_at = now() - interval '1 hour'")
        .execute(&mut test.owner().await)
        .await
        .expect("aged");
    muster::identity::authorities(&test.app).clear();
    chrome.driver.goto(format!("{address}/people/new")).await.expect("opened");
    chrome.write_in("input[name=name]", "Nora New").await;
    chrome.write_in("input[name=email]", "nora@example.com").await;
    chrome.click("form.form button.main").await;
    chrome.says("Confirm that it is you").await;
    chrome.click("[data-passkey=confirm]").await;
    chrome.says("Nothing has been done yet").await;
    chrome.click("main form button.main").await;
    chrome.says("Nora New").await;
}

#[tokio::test]
async fn a_provider_that_is_down_leaves_local_accounts_and_sessions_working_and_says_so() {
    let peer = crate::support::provider::Bending::start().await;
    let issuer = peer.issuer();
    let test = TestApp::configured(|config| with_providers(config, vec![configured("peer", &issuer, None)])).await;
    let browser = test.browser("Rita Reader", &[Role::Requester]).await;
    peer.says(|said| said.down = true);
    let refused = ops::begin_at_provider(&test.app, "peer", ops::Purpose::SignIn, None, "/").await;
    assert!(matches!(&refused, Err(ops::Fault::Told(text)) if text.contains("does not answer")), "{refused:?}");
    let page = browser.get("/sign-in").await.text();
    assert!(page.contains("The peer did not answer when it was last asked."), "{page}");
    assert!(page.contains("name=\"password\""), "{page}");
    assert_eq!(browser.get("/").await.status, 200);
}
