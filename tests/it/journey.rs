//! A person's journey in a real browser: sign in by link, import, find it by a typing error, read
//! its scopes, see the history; with screenshots, wide and narrow, light and dark.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use muster::{identity::Role, web::server};
use serde_json::json;
use thirtyfour::prelude::*;
use tokio::net::TcpListener;

use crate::support::{TestApp, builders::document};

/// A command of the Chrome `DevTools` protocol, through the driver's own endpoint for it.
#[derive(Debug)]
struct DevTools(&'static str, serde_json::Value);

impl thirtyfour::common::command::FormatRequestData for DevTools {
    fn format_request(&self, session: &thirtyfour::SessionId) -> thirtyfour::RequestData {
        thirtyfour::RequestData::new(reqwest::Method::POST, format!("/session/{session}/goog/cdp/execute"))
            .add_body(json!({ "cmd": self.0, "params": self.1 }))
    }
}

struct Chrome {
    process: Child,
    driver: WebDriver,
    _profile: tempfile::TempDir,
    shots: PathBuf,
}

impl Chrome {
    async fn start() -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
        let process = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect(
                "chromedriver is needed: scripts/test installs it (Debian: apt-get install chromium chromium-driver)",
            );
        let profile = tempfile::tempdir().expect("a folder");
        let mut capabilities = DesiredCapabilities::chrome();
        let user_data = format!("--user-data-dir={}", profile.path().display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            &user_data,
        ];
        for argument in arguments {
            capabilities.add_arg(argument).expect("an argument");
        }
        let url = format!("http://127.0.0.1:{port}");
        let driver = loop {
            match WebDriver::new(&url, capabilities.clone()).await {
                Ok(driver) => break driver,
                Err(error) if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() => {
                    panic!("the browser does not start: {error}")
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        let shots = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&shots).expect("a folder");
        Self { process, driver, _profile: profile, shots }
    }

    /// A picture of the page in each of the four looks; nothing may stick out sideways.
    async fn look(&self, name: &str) {
        for (width, theme) in [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")] {
            let height = if width == 390 { 844 } else { 960 };
            self.devtools(
                "Emulation.setDeviceMetricsOverride",
                json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false }),
            )
            .await;
            self.devtools(
                "Emulation.setEmulatedMedia",
                json!({ "features": [{ "name": "prefers-color-scheme", "value": theme }, { "name": "prefers-reduced-motion", "value": "reduce" }] }),
            )
            .await;
            let over: i64 = self
                .driver
                .execute(
                    "return document.documentElement.scrollWidth - document.documentElement.clientWidth",
                    Vec::new(),
                )
                .await
                .expect("measured")
                .convert()
                .expect("a number");
            assert!(over <= 0, "{name} sticks out by {over} pixels at {width}");
            self.driver.screenshot(&self.shots.join(format!("{name}-{width}-{theme}.png"))).await.expect("a picture");
        }
        self.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
    }

    async fn devtools(&self, command: &'static str, parameters: serde_json::Value) {
        self.driver.cmd(DevTools(command, parameters)).await.expect("DevTools");
    }

    async fn click(&self, css: &str) {
        self.driver.query(By::Css(css.to_owned())).first().await.expect(css).click().await.expect(css);
    }

    /// Waits until the page says so; all that it says. A page that is just being replaced is asked again.
    async fn says(&self, words: &str) -> String {
        let script = "return document.readyState === 'complete' ? document.querySelector('main').innerText : ''";
        let begun = std::time::Instant::now();
        loop {
            let said = match self.driver.execute(script, Vec::new()).await {
                Ok(answer) => answer.convert::<String>().unwrap_or_default(),
                Err(_) => String::new(),
            };
            if said.contains(words) {
                return said;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "the page does not say '{words}': {said}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Chrome {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_link_to_the_history() {
    let test = TestApp::new().await;
    let person = test.person("Ines Ortega", &[Role::Requester, Role::GovernanceLead]).await;
    let link = muster::identity::ops::mint_link(&test.app, &test.cli(), person.id).await.expect("a link");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(server::serve(listener, test.router.clone(), 100, std::future::pending()));

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
