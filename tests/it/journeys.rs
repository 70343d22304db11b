//! The main journeys of people, in a real browser, with screenshots.

use muster::{
    approvals,
    identity::{Permission, Role},
    integrations::{CredentialContent, ops::Start},
};

use crate::support::{
    TestApp, builders,
    chrome::{Chrome, serve, sign_in},
};

/// Fills in who owns a registered integration, what goes where, and the scope that it needs.
pub async fn describe(chrome: &Chrome) {
    for (id, text) in [
        ("i-business_owner", "payments"),
        ("i-technical_owner", "payments"),
        ("i-backup_owner", "backup"),
        ("i-data_flows.0.data_class", "user.contact.email"),
        ("i-data_flows.0.locations", "IE, US"),
    ] {
        chrome.write(id, text).await;
    }
    chrome.choose("i-criticality", "high").await;
    chrome.choose("i-exposure", "customer_facing").await;
    chrome.click("[name='data_flows.0.legal_basis'] option[value='contract']").await;
    chrome.click(".scope input[value='charges.write']").await;
    chrome.write_in("[name='scopes.why:charges.write']", "To take payments.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::too_many_lines, reason = "one journey, told from its beginning to its end")]
async fn from_registering_to_the_history() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let base = serve(&test).await;
    let chrome = Chrome::start().await;
    sign_in(&test, &chrome, &base, &shop.requester).await;
    chrome.look("requester-home").await;

    chrome.driver.goto(format!("{base}/integrations/new")).await.expect("opened");
    chrome.write("i-system", "shop").await;
    chrome.write("i-api", "stripe.com pay").await;
    chrome.look("register").await;
    chrome.click("form.form button.main").await;
    let said = chrome.says("Registered as a draft").await;
    assert!(said.contains("BEFORE IT CAN BE SUBMITTED") || said.contains("Before it can be submitted"), "{said}");
    chrome.look("request-form").await;

    // What is typed is kept, also without saving.
    chrome.write("i-purpose", "Takes card payments in the web shop.").await;
    chrome.says("Kept as a draft").await;
    chrome
        .ask("window.onbeforeunload = null; document.querySelector('form.form').dispatchEvent(new Event('submit'))")
        .await;
    let here = chrome.driver.current_url().await.expect("an address").to_string();
    chrome.driver.goto(&here).await.expect("opened");
    chrome.says("what you typed").await;

    describe(&chrome).await;
    chrome.click("form.form button.main").await;
    // One thing is still missing, and it is a link to its field.
    let said = chrome.says("It leaves the EEA").await;
    assert!(said.contains("Saved."), "{said}");
    chrome.look("request-missing").await;
    chrome.click("[name='data_flows.0.transfer_safeguard'] option[value='standard_contractual_clauses']").await;
    chrome.click("form.form button.main").await;
    chrome.says("Submit for approval").await;
    chrome.click("form[action$='/submit'] button.main").await;
    chrome.says("Submitted.").await;
    chrome.look("request-submitted").await;
    let request = chrome.driver.current_url().await.expect("an address").path().to_owned();

    sign_in(&test, &chrome, &base, &shop.reviewer).await;
    chrome.look("reviewer-home").await;
    chrome.driver.goto(format!("{base}{request}")).await.expect("opened");
    chrome.says("Your decision").await;
    chrome.look("approval").await;
    chrome.write_in("form[action$='/decide'] textarea", "Narrow scope, and the DPA is signed.").await;
    chrome.click("button[value='approve']").await;
    chrome.says("Approved, and in force.").await;

    chrome.driver.goto(format!("{base}/integrations?state=active&sensitivity=confidential")).await.expect("opened");
    chrome.says("stripe.com pay for Shop").await;
    chrome.look("integrations").await;
    chrome.click("a.row-link[href^='/integrations/']").await;
    let said = chrome.says("What goes where").await;
    assert!(said.contains("charges.write") && said.contains("Integration activated"), "{said}");
    chrome.look("integration").await;
    let csv = test.token(&[Permission::Read]).await;
    let reply = test.api("GET", "/api/v1/integrations?state=active", &csv, &[("accept", "text/csv")], None).await;
    assert!(reply.text().contains("stripe.com pay for Shop") && reply.text().contains("user.contact.email"));
    chrome.driver.clone().quit().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_that_is_due_is_rotated() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let content = CredentialContent {
        name: "stripe-live".into(),
        holder: Some("payments".into()),
        vault_reference: Some("vault:kv/pay/stripe".into()),
        fingerprint: Some(format!("sha256:{}", "aa".repeat(32))),
        created_on: Some("2026-03-15".parse().expect("a date")),
        maximum_age: Some("P1Y".into()),
        ..CredentialContent::default()
    };
    let requester = test.page(&shop.requester).await;
    muster::integrations::ops::create_credential(&test.app, &requester, content).await.expect("noted");
    let base = serve(&test).await;
    let chrome = Chrome::start().await;
    sign_in(&test, &chrome, &base, &shop.requester).await;
    chrome.driver.goto(format!("{base}/credentials?standing=due")).await.expect("opened");
    chrome.says("in 14 days").await;
    chrome.look("credentials").await;
    chrome.click("a.row-link[href='/credentials/stripe-live']").await;
    chrome.says("Record a rotation").await;
    chrome.look("credential").await;
    chrome.write_in("input[name=fingerprint]", &format!("sha256:{}", "aa".repeat(32))).await;
    chrome.click("form[action$='/rotation'] button.main").await;
    chrome.says("nothing was rotated").await;
    chrome.write_in("input[name=fingerprint]", &format!("sha256:{}", "bb".repeat(32))).await;
    chrome.click("form[action$='/rotation'] button.main").await;
    let said = chrome.says("Rotation recorded.").await;
    assert!(said.contains("Credential rotated"), "{said}");
    chrome.driver.clone().quit().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_who_edit_the_same_lose_nothing() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let requester = test.page(&shop.requester).await;
    let made =
        approvals::ops::register(&test.app, &requester, builders::content("Stripe for Shop"), Start::AsGiven).await;
    let request = made.expect("registered").1;
    let base = serve(&test).await;
    let chrome = Chrome::start().await;
    sign_in(&test, &chrome, &base, &shop.requester).await;
    chrome.driver.goto(format!("{base}/requests/{}/edit", request.id)).await.expect("opened");
    chrome.write("i-purpose", "What I wrote.").await;
    let mut theirs = request.content.clone();
    theirs.purpose = Some("What they wrote.".into());
    approvals::ops::edit_request(&test.app, &requester, request.id, 1, theirs, None).await.expect("edited");
    chrome.click("form.form button.main").await;
    let said = chrome.says("Somebody changed this meanwhile").await;
    assert!(said.contains("What they wrote.") && said.contains("What I wrote."), "{said}");
    chrome.look("two-people").await;
    chrome.click("form.form button.main").await;
    chrome.says("Submit for approval").await;
    let after = approvals::ops::find_request(&test.app, &requester, request.id).await.expect("it");
    assert_eq!(after.content.purpose.as_deref(), Some("What I wrote."));
    chrome.driver.clone().quit().await.expect("closed");
}

/// A text that would run in every place where it is put in unescaped.
const PAYLOAD: &str = "\"><img src=x onerror=window.__ran=1><script>window.__ran=1</script>";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::too_many_lines, reason = "every place into which a text can be put")]
async fn no_stored_or_reflected_script_runs() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let lead = test.person(PAYLOAD, &[Role::GovernanceLead]).await;
    let actor = test.page(&lead).await;
    let mut content = builders::content(PAYLOAD);
    content.purpose = Some(PAYLOAD.into());
    content.business_logic = Some(PAYLOAD.into());
    content.exit_plan = Some(PAYLOAD.into());
    content.gateway_route = Some(PAYLOAD.into());
    content.tags = vec!["<img src=x onerror=window.__ran=1>".into()];
    content.scopes[0].scope = PAYLOAD.into();
    content.scopes[0].justification = Some(PAYLOAD.into());
    let (integration, request) =
        approvals::ops::register(&test.app, &actor, content, Start::AsGiven).await.expect("registered");
    approvals::ops::submit_request(&test.app, &actor, request.id, 1, Some(PAYLOAD.into())).await.expect("submitted");
    let credential = CredentialContent {
        name: PAYLOAD.into(),
        description: Some(PAYLOAD.into()),
        vault_reference: Some("vault:<img/src=x/onerror=window.__ran=1>".into()),
        integrations: vec![integration.content.slug.clone()],
        created_on: Some("2027-01-01".parse().expect("a date")),
        tags: vec!["<img src=x onerror=window.__ran=1>".into()],
        ..CredentialContent::default()
    };
    let credential = muster::integrations::ops::create_credential(&test.app, &actor, credential).await.expect("noted");
    for (kind, id) in [("integration", integration.id), ("change_request", request.id), ("credential", credential.id)] {
        let body = muster::catalog::NewComment { body: PAYLOAD.into() };
        muster::catalog::ops::add_comment(&test.app, &actor, kind, id, body).await.expect("added");
    }
    let view = approvals::ViewContent {
        list: "integrations".into(),
        name: PAYLOAD.into(),
        query: format!("q={PAYLOAD}"),
        ..approvals::ViewContent::default()
    };
    approvals::ops::save_view(&test.app, &actor, view).await.expect("saved");
    let base = serve(&test).await;
    let chrome = Chrome::start().await;
    sign_in(&test, &chrome, &base, &lead).await;
    let (slug, id, key) = (&integration.content.slug, request.id, &credential.content.slug);
    let reflected: String = url::form_urlencoded::byte_serialize(PAYLOAD.as_bytes()).collect();
    for path in [
        "/".into(),
        "/integrations".into(),
        format!("/integrations?q={reflected}&tag={reflected}&owner={reflected}&note={reflected}"),
        format!("/integrations/{slug}"),
        format!("/integrations/new?system={reflected}&api={reflected}&purpose={reflected}"),
        format!("/integrations/bulk?integrations={reflected}&add_tags={reflected}"),
        "/requests".into(),
        format!("/requests/{id}"),
        format!("/requests/{id}/edit"),
        "/credentials".into(),
        format!("/credentials/{key}"),
        format!("/credentials/{key}/edit"),
        "/data-flows".into(),
        "/scopes".into(),
        format!("/worklist?gap={reflected}"),
        "/audit".into(),
        format!("/search?q={reflected}"),
    ] {
        chrome.driver.goto(format!("{base}{path}")).await.expect("opened");
        assert_eq!(chrome.ask("return window.__ran ?? null").await, serde_json::Value::Null, "{path}");
        let planted = chrome.ask("return document.querySelectorAll('img[src=x], script:not([src])').length").await;
        assert_eq!(planted, 0, "{path}");
    }
    assert!(shop.requester.id != lead.id);
    chrome.driver.clone().quit().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_sets_how_pages_look_and_an_admin_sees_what_they_have_in_hand() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    crate::governance::drafted(&test, &shop, "Stripe for Shop").await;
    let base = serve(&test).await;
    let chrome = Chrome::start().await;
    sign_in(&test, &chrome, &base, &shop.requester).await;
    chrome.driver.goto(format!("{base}/account")).await.expect("opened");
    chrome.look("account-profile").await;
    chrome.write_in("input[name=time_zone]", "Asia/Tokyo").await;
    chrome.click("select[name=theme] option[value=dark]").await;
    chrome.click("form[action='/account/profile'] button").await;
    chrome.says("Pages look so from now on.").await;
    let scheme = "return getComputedStyle(document.documentElement).colorScheme";
    assert_eq!(chrome.ask(scheme).await, "dark");
    let admin = test.person("Anna Admin", &[Role::Admin]).await;
    sign_in(&test, &chrome, &base, &admin).await;
    assert_eq!(chrome.ask(scheme).await, "light dark", "theirs alone");
    chrome.driver.goto(format!("{base}/people/{}/edit", shop.requester.id)).await.expect("opened");
    chrome.ask("document.querySelector(\"[name='role_ends.0.until_on']\").value = '2027-04-30'").await;
    chrome.look("person-form").await;
    chrome.click("form.form button.main").await;
    chrome.says("Requester until 30 Apr 2027").await;
    chrome.look("person").await;
    chrome.driver.goto(format!("{base}/access-review")).await.expect("opened");
    chrome.says("until 30 Apr 2027").await;
    chrome.look("access-review").await;
    chrome.driver.clone().quit().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_browser_downloads_is_whole() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    // More than one chunk of a stream that the browser asks to be compressed.
    for n in 0..600 {
        let vendor = builders::vendor(&format!("Vendor {n}, with a comma"));
        muster::catalog::ops::create_vendor(&test.app, &test.cli(), vendor).await.expect("a vendor");
    }
    let base = serve(&test).await;
    let chrome = Chrome::start().await;
    sign_in(&test, &chrome, &base, &shop.requester).await;
    chrome.driver.goto(format!("{base}/vendors")).await.expect("opened");
    chrome.click("details.menu summary").await;
    let (name, bytes) = chrome.download(".menu-items a[href*='format=csv']").await;
    assert!(std::path::Path::new(&name).extension().is_some_and(|ending| ending == "csv"), "{name}");
    let rows =
        csv::Reader::from_reader(bytes.as_slice()).records().collect::<Result<Vec<_>, _>>().expect("a whole table");
    let named = |n: usize| rows.iter().any(|row| row.iter().any(|cell| cell == format!("Vendor {n}, with a comma")));
    assert!(rows.len() >= 601 && named(0) && named(599), "{} rows", rows.len());

    chrome.driver.goto(format!("{base}/vendors")).await.expect("opened");
    chrome.click("details.menu summary").await;
    let (_, bytes) = chrome.download(".menu-items a[href*='format=ndjson']").await;
    let lines = String::from_utf8(bytes).expect("text");
    assert!(
        lines
            .lines()
            .all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok_and(|row| row["name"].is_string()))
    );
    assert_eq!(lines.lines().count(), rows.len());
}
