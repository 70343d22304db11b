//! A real headless Chromium.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use muster::{identity::Person, web::server};
use serde_json::json;
use thirtyfour::prelude::*;
use tokio::net::TcpListener;

use super::TestApp;

/// Serves an application; its address.
pub async fn serve(test: &TestApp) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(server::serve(listener, test.router.clone(), 100, std::future::pending()));
    base
}

/// A listener at a name, so that the address is known before the application is made; passkeys and cookies of
/// providers want a name.
pub async fn named() -> (TcpListener, url::Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    (listener, format!("http://localhost:{port}").parse().expect("a URL"))
}

/// Serves an application at a listener of its own.
pub fn serve_at(test: &TestApp, listener: TcpListener) {
    tokio::spawn(server::serve(listener, test.router.clone(), 100, std::future::pending()));
}

/// Signs somebody in by a link, as they would.
pub async fn sign_in(test: &TestApp, chrome: &Chrome, base: &str, person: &Person) {
    let link = muster::identity::ops::mint_link(&test.app, &test.cli(), person.id).await.expect("a link");
    chrome.driver.goto(format!("{base}/sign-in/{}", link.secret)).await.expect("opened");
    chrome.click("form button").await;
    chrome.says("You are signed in").await;
}

/// A command of the Chrome `DevTools` protocol, through the driver's own endpoint for it.
#[derive(Debug)]
struct DevTools(&'static str, serde_json::Value);

impl thirtyfour::common::command::FormatRequestData for DevTools {
    fn format_request(&self, session: &thirtyfour::SessionId) -> thirtyfour::RequestData {
        thirtyfour::RequestData::new(reqwest::Method::POST, format!("/session/{session}/goog/cdp/execute"))
            .add_body(json!({ "cmd": self.0, "params": self.1 }))
    }
}

/// Browsers at once: more than two starve each other on two cores.
static TURNS: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(2);

pub struct Chrome {
    _turn: tokio::sync::SemaphorePermit<'static>,
    process: Child,
    pub driver: WebDriver,
    _profile: tempfile::TempDir,
    shots: PathBuf,
}

impl Chrome {
    pub async fn start() -> Self {
        let turn = TURNS.acquire().await.expect("a turn");
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
        // The driver first listens, then is asked: a refusal afterwards is a fault.
        let begun = std::time::Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_mins(1), "chromedriver does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let driver = WebDriver::new(&url, capabilities).await.expect("the browser starts");
        let shots = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&shots).expect("a folder");
        Self { _turn: turn, process, driver, _profile: profile, shots }
    }

    /// A picture of the page in each of the four looks; nothing may stick out sideways.
    pub async fn look(&self, name: &str) {
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

    /// A virtual authenticator that verifies its user, for passkeys.
    pub async fn authenticator(&self) {
        self.devtools("WebAuthn.enable", json!({})).await;
        let options = json!({ "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": true, "automaticPresenceSimulation": true });
        self.devtools("WebAuthn.addVirtualAuthenticator", json!({ "options": options })).await;
    }

    /// Clicks what downloads a file; its name and its bytes, once the browser has all of it.
    pub async fn download(&self, css: &str) -> (String, Vec<u8>) {
        let folder = tempfile::tempdir().expect("a folder");
        let to = json!({ "behavior": "allow", "downloadPath": folder.path() });
        self.devtools("Browser.setDownloadBehavior", to).await;
        self.click(css).await;
        let begun = std::time::Instant::now();
        loop {
            let files: Vec<PathBuf> =
                std::fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("one").path()).collect();
            // While it comes in, its name has another ending.
            if let [file] = files.as_slice()
                && file.extension().is_none_or(|ending| ending != "crdownload")
            {
                let name = file.file_name().expect("a name").to_string_lossy().into_owned();
                if !name.starts_with('.') {
                    return (name, std::fs::read(file).expect("bytes"));
                }
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "no download from {css}: {files:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn devtools(&self, command: &'static str, parameters: serde_json::Value) {
        self.driver.cmd(DevTools(command, parameters)).await.expect("DevTools");
    }

    pub async fn click(&self, css: &str) {
        self.driver.query(By::Css(css.to_owned())).first().await.expect(css).click().await.expect(css);
    }

    /// Types into a field, in place of what is there.
    pub async fn write(&self, id: &str, text: &str) {
        let field = self.driver.query(By::Id(id.to_owned())).first().await.expect(id);
        field.clear().await.expect(id);
        field.send_keys(text).await.expect(id);
    }

    /// The same, found by a selector.
    pub async fn write_in(&self, css: &str, text: &str) {
        let field = self.driver.query(By::Css(css.to_owned())).first().await.expect(css);
        field.clear().await.expect(css);
        field.send_keys(text).await.expect(css);
    }

    /// Chooses a word of a field.
    pub async fn choose(&self, id: &str, value: &str) {
        self.click(&format!("[id='{id}'] option[value='{value}']")).await;
    }

    /// What a script says.
    pub async fn ask(&self, script: &str) -> serde_json::Value {
        self.driver.execute(script, Vec::new()).await.expect(script).json().clone()
    }

    /// Waits until the page says so; all that it says. A page that is just being replaced is asked again.
    pub async fn says(&self, words: &str) -> String {
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
