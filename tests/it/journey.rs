//! A person's journey in a real browser: sign in by link, import, find it by a typing error, read
//! its scopes, see the history; with screenshots, wide and narrow, light and dark.

use muster::identity::Role;
use thirtyfour::prelude::*;

use crate::support::{
    TestApp,
    builders::document,
    chrome::{Chrome, serve},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_link_to_the_history() {
    let test = TestApp::new().await;
    let person = test.person("Ines Ortega", &[Role::Requester, Role::GovernanceLead]).await;
    let link = muster::identity::ops::mint_link(&test.app, &test.cli(), person.id).await.expect("a link");
    let base = serve(&test).await;

    let chrome = Chrome::start().await;
    let driver = &chrome.driver;
    driver.goto(format!("{base}/sign-in/{}", link.secret)).await.expect("opened");
    chrome.look("sign-in").await;
    chrome.click("form button").await;
    chrome.says("You are signed in").await;
    chrome.look("home-empty").await;

    driver.goto(format!("{base}/imports")).await.expect("opened");
    chrome.look("import").await;
    let file = tempfile::Builder::new().suffix(".json").tempfile().expect("a file");
    std::fs::write(file.path(), document("stripe.com", "payments", "2024-06-20").to_string()).expect("written");
    driver
        .find(By::Id("file"))
        .await
        .expect("a field")
        .send_keys(file.path().to_str().expect("a path"))
        .await
        .expect("chosen");
    chrome.click("form.form button.main").await;
    let preview = chrome.says("Vendor: Stripe").await;
    assert!(preview.contains("Vendor: Stripe") && preview.contains("2 scopes"), "{preview}");
    chrome.look("import-preview").await;
    chrome.click("form[action$='/apply'] button.main").await;
    chrome.says("Imported. Every change is on record.").await;
    chrome.look("api").await;

    driver.goto(format!("{base}/vendors?q=stirpe")).await.expect("opened");
    chrome.says("spelled alike").await;
    chrome.look("vendors").await;
    chrome.click("a.row-link[href='/vendors/stripe']").await;
    chrome.look("vendor").await;
    chrome.click("a.row-link[href^='/apis/']").await;
    chrome.click(".tabs a[href='?tab=scopes']").await;
    let scopes = chrome.says("Make charges").await;
    assert!(scopes.contains("charges.write") && scopes.contains("Make charges"), "{scopes}");
    chrome.look("scopes").await;
    let history = driver.find(By::Id("history")).await.expect("the history").text().await.expect("text");
    assert!(history.contains("API imported by Ines Ortega"), "{history}");

    driver.goto(format!("{base}/audit")).await.expect("opened");
    chrome.says("API version imported").await;
    chrome.look("audit").await;
    the_other_pages(&chrome, &base).await;
    the_palette_by_keyboard(&chrome, &base).await;
    chrome.driver.clone().quit().await.expect("closed");
}

async fn the_other_pages(chrome: &Chrome, base: &str) {
    let driver = &chrome.driver;
    for (path, name) in [
        ("/", "home"),
        ("/apis", "apis"),
        ("/data-classes", "data-classes"),
        ("/vendors/new", "vendor-new"),
        ("/account", "account"),
        ("/styles", "styles"),
        ("/people", "people"),
    ] {
        driver.goto(format!("{base}{path}")).await.expect("opened");
        chrome.look(name).await;
    }
}

async fn the_palette_by_keyboard(chrome: &Chrome, base: &str) {
    let driver = &chrome.driver;
    driver.goto(format!("{base}/")).await.expect("opened");
    driver.action_chain().key_down(Key::Control).send_keys("k").key_up(Key::Control).perform().await.expect("keys");
    driver
        .query(By::Css("#palette input"))
        .and_displayed()
        .first()
        .await
        .expect("the palette")
        .send_keys("strip")
        .await
        .expect("typed");
    driver
        .query(By::Css("#palette-results a[href='/vendors/stripe']"))
        .first()
        .await
        .expect("a suggestion")
        .click()
        .await
        .expect("followed");
    assert!(driver.current_url().await.expect("an address").path().ends_with("/vendors/stripe"));
}
