//! The binary as its operator uses it: started, doubled, killed, started again.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

mod backups;
mod drills;

const BINARY: &str = env!("CARGO_BIN_EXE_muster");

/// A data directory that another user can reach, removed at the end.
fn data_dir() -> tempfile::TempDir {
    let dir = tempfile::Builder::new().prefix("muster-cli-").tempdir().expect("a folder");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    std::fs::set_permissions(dir.path(), mode).expect("set");
    dir
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port()
}

fn muster(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(args).env("MUSTER_DATA_DIR", dir).env_remove("DATABASE_URL").env("MUSTER_LOG_FORMAT", "json");
    command
}

fn run(dir: &Path, args: &[&str]) -> Output {
    muster(dir, args).output().expect("runs")
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(dir: &Path) -> Self {
        let (port, metrics) = (free_port(), free_port());
        let child = muster(
            dir,
            &["serve", "--listen", &format!("127.0.0.1:{port}"), "--metrics-listen", &format!("127.0.0.1:{metrics}")],
        )
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
        let server = Self { child, port };
        let begin = Instant::now();
        while server.get("/readyz", "").0 != 200 {
            assert!(begin.elapsed() < Duration::from_mins(1), "it does not become ready");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// A GET by hand: status and body; status 0 where nobody answers.
    fn get(&self, path: &str, token: &str) -> (u16, String) {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return (0, String::new()) };
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        );
        let mut text = String::new();
        if stream.write_all(request.as_bytes()).is_err() || stream.read_to_string(&mut text).is_err() {
            return (0, String::new());
        }
        let status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        (status, text.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned())
    }

    /// A POST of JSON by hand: the status; 0 where no answer came.
    fn post(&self, path: &str, token: &str, body: &str) -> u16 {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return 0 };
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut text = String::new();
        if stream.write_all(request.as_bytes()).is_err() || stream.read_to_string(&mut text).is_err() {
            return 0;
        }
        text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    fn wait_ready(&self, most: Duration) -> Duration {
        let begin = Instant::now();
        while self.get("/readyz", "").0 != 200 {
            assert!(begin.elapsed() < most, "not ready after {most:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        begin.elapsed()
    }

    fn stop(mut self) -> Duration {
        let (pid, begin) = (self.child.id().to_string(), Instant::now());
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
        assert!(self.child.wait().expect("waits").success(), "SIGTERM ends it in order");
        begin.elapsed()
    }
}

#[test]
fn sigterm_ends_it_in_time_however_much_background_work_waits() {
    let dir = data_dir();
    let server = Server::start(dir.path());
    let file = dir.path().join("vendors.csv");
    let rows = (0..1900).map(|n| format!("Vendor {n},https://vendor-{n}.example\n")).collect::<Vec<_>>().concat();
    std::fs::write(&file, format!("name,website\n{rows}")).expect("written");
    stdout(&run(dir.path(), &["import", "csv", "vendors", file.to_str().expect("a path")]));
    let took = server.stop();
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn the_demonstration_is_not_served_where_others_could_reach_it() {
    let dir = data_dir();
    for setting in [["--public-url", "https://muster.example.com"], ["--trusted-proxies", "10.0.0.0/8"]] {
        let mut arguments = vec!["serve", "--demo"];
        arguments.extend(setting);
        let output = run(dir.path(), &arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
        assert!(said.contains("--demo"), "{said}");
    }
}

#[test]
fn from_the_first_start_to_a_kill_and_back() {
    let dir = data_dir();
    let server = Server::start(dir.path());
    let link = std::fs::read_to_string(dir.path().join("first-admin-link")).expect("the first admin's link");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(dir.path().join("first-admin-link")).expect("a file").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let path = link.trim().split_once("/sign-in/").map(|(_, secret)| format!("/sign-in/{secret}")).expect("a link");
    assert!(server.get(&path, "").1.contains("<button"));

    let second = run(
        dir.path(),
        &[
            "serve",
            "--listen",
            &format!("127.0.0.1:{}", free_port()),
            "--metrics-listen",
            &format!("127.0.0.1:{}", free_port()),
        ],
    );
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!((second.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains("another Muster uses"), "{said}");

    // Commands work beside the running server.
    let token = stdout(&run(
        dir.path(),
        &[
            "token",
            "create",
            "--name",
            "ci",
            "--service-account",
            "ci",
            "--scopes",
            "read,edit_catalog",
            "--expires",
            "30d",
        ],
    ));
    assert!(token.starts_with("muster_svc_") && token.lines().count() == 1, "{token}");
    let link = stdout(&run(dir.path(), &["admin", "link", "ada@example.com"]));
    assert!(link.contains("/sign-in/"), "{link}");
    let file = dir.path().join("doc.json");
    std::fs::write(&file, crate::support::builders::document("stripe.com", "pay", "1").to_string()).expect("written");
    let imported = stdout(&run(dir.path(), &["import", "openapi", file.to_str().expect("a path")]));
    assert!(imported.contains("1 new"), "{imported}");
    assert!(server.get("/api/v1/vendors?q=stirpe", &token).1.contains("stripe.com"));
    let csv = stdout(&run(dir.path(), &["export", "vendors", "--format", "csv"]));
    assert!(csv.starts_with("id,slug,name") && csv.contains("stripe"), "{csv}");

    // Killed without warning: what was answered is there, and the orphaned server is dealt with.
    let mut killed = server;
    killed.child.kill().expect("killed");
    killed.child.wait().expect("gone");
    let server = Server::start(dir.path());
    assert!(server.get("/api/v1/vendors", &token).1.contains("stripe.com"));
    server.stop();
    assert!(!dir.path().join("postgres/postmaster.pid").exists(), "its PostgreSQL stopped with it");

    // And without a server they bring the database up themselves.
    let out = stdout(&run(dir.path(), &["export", "apis", "--format", "ndjson"]));
    assert!(out.contains("\"service_name\":\"pay\""), "{out}");
    assert!(!dir.path().join("postgres/postmaster.pid").exists());
}

#[test]
fn two_that_start_at_once_share_one_cluster_and_migrate_once() {
    let dir = data_dir();
    let both: Vec<Child> = (0..2)
        .map(|_| muster(dir.path(), &["migrate"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts"))
        .collect();
    for child in both {
        let output = child.wait_with_output().expect("ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let kinds = stdout(&run(dir.path(), &["export", "data-classes", "--format", "csv"]));
    assert_eq!(kinds.lines().count(), 86, "the taxonomy was filled in once");
}

#[test]
fn every_fault_of_the_configuration_is_named_at_once() {
    let dir = data_dir();
    let output =
        run(dir.path(), &["serve", "--listen", "nowhere", "--public-url", "ftp://x", "--metrics-listen", "0.0.0.0:1"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    for name in ["listen:", "public-url:", "metrics-listen:"] {
        assert!(said.contains(name), "{name} in {said}");
    }
    assert!(!dir.path().join("postgres").exists(), "nothing was started");
}

#[test]
fn the_doctor_says_what_it_would_use_and_a_server_that_is_not_there_is_one_line() {
    let dir = data_dir();
    let doctor = stdout(&run(dir.path(), &["doctor"]));
    assert!(doctor.contains("managed here, PostgreSQL"), "{doctor}");
    let none = muster(dir.path(), &["doctor", "--json"])
        .env("PATH", "/nonexistent")
        .env("MUSTER_PG_SEARCH", "/nonexistent")
        .output()
        .expect("runs");
    assert!(stdout(&none).contains("fetched as a package"), "{}", stdout(&none));
    let wrong = muster(dir.path(), &["migrate"]).env("DATABASE_URL", "mysql://x").output().expect("runs");
    assert_eq!((wrong.status.code(), String::from_utf8_lossy(&wrong.stderr).lines().count()), (Some(1), 1));
    let refused =
        muster(dir.path(), &["doctor"]).env("DATABASE_URL", "postgres://x@127.0.0.1:1/x").output().expect("runs");
    assert_eq!(refused.status.code(), Some(1));
    // A provider that is not there is named with the reason; so is each fault of the file, all at once.
    let file = dir.path().join("muster.toml");
    let provider =
        "[[providers]]\nkey = \"okta\"\nname = \"Okta\"\nissuer = \"https://127.0.0.1:1\"\nclient_id = \"x\"\n";
    std::fs::write(&file, provider).expect("written");
    let config = file.to_str().expect("a path");
    let away = run(dir.path(), &["--config", config, "doctor"]);
    let said = String::from_utf8_lossy(&away.stdout).into_owned();
    assert!(away.status.code() == Some(1) && said.contains("okta (https://127.0.0.1:1"), "{said}");
    std::fs::write(&file, provider.replace("https", "ftp").replace("\"x\"", "\"\"")).expect("written");
    let faulty = run(dir.path(), &["--config", config, "doctor"]);
    let said = String::from_utf8_lossy(&faulty.stderr).into_owned();
    assert!(!faulty.status.success() && said.contains("issuer") && said.contains("client_id"), "{said}");
}

#[test]
fn a_refused_document_is_listed_with_its_reason_and_exit_code_2() {
    let dir = data_dir();
    let file = dir.path().join("bad.json");
    std::fs::write(&file, "{\"openapi\":\"3.0.0\"}").expect("written");
    let output = run(dir.path(), &["import", "openapi", file.to_str().expect("a path")]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("bad.json") && said.contains("info.title"), "{said}");
}

#[test]
fn governance_is_kept_in_files_and_what_differs_is_shown_first() {
    let dir = data_dir();
    let folder = dir.path().join("governance");
    let path = folder.to_str().expect("text");
    let fetched = stdout(&run(dir.path(), &["apply", "-f", path, "--fetch"]));
    assert!(fetched.contains("files in"), "{fetched}");
    let same = stdout(&run(dir.path(), &["apply", "-f", path, "--dry-run"]));
    assert!(same.contains("0 to write"), "{same}");
    let rule = folder.join("rules/vendor-is-verified.yaml");
    let text = std::fs::read_to_string(&rule).expect("a rule");
    std::fs::write(
        &rule,
        text.replace("severity: medium", "severity: high").replace("severity: low", "severity: high"),
    )
    .expect("changed");
    let differs = run(dir.path(), &["apply", "-f", path]);
    let told = String::from_utf8_lossy(&differs.stdout).into_owned();
    assert_eq!(differs.status.code(), Some(1), "{told}");
    assert!(
        told.contains("~ rule vendor-is-verified") && told.contains("→ high") && told.contains("nothing was written"),
        "{told}"
    );
    let written = stdout(&run(dir.path(), &["apply", "-f", path, "--yes"]));
    assert!(written.contains("1 drafts written"), "{written}");
    let again = stdout(&run(dir.path(), &["apply", "-f", path, "--yes"]));
    assert!(again.contains("0 to write"), "{again}");
    std::fs::write(folder.join("new.yaml"), "kind: rule\ntitle: Faulty\nexpression: vendor.nam == 1\n")
        .expect("written");
    let faulty = run(dir.path(), &["apply", "-f", path, "--yes"]);
    let told = String::from_utf8_lossy(&faulty.stderr).into_owned();
    assert!(!faulty.status.success() && told.contains("new.yaml/expression"), "{told}");
    // All of them or none: what cannot be written takes the others with it.
    let rule = |title: &str, group: &str| {
        format!(
            "kind: rule\ntitle: {title}\nseverity: low\nmode: shadow\nreview_groups: [{group}]\nexpression: vendor.name == 'X'\n"
        )
    };
    std::fs::write(folder.join("new.yaml"), rule("First of two", "")).expect("written");
    std::fs::write(folder.join("other.yaml"), rule("Second of two", "nobody-here")).expect("written");
    let refused = run(dir.path(), &["apply", "-f", path, "--yes"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("rule second-of-two"), "{told}");
    let left = run(dir.path(), &["apply", "-f", path, "--dry-run"]);
    let told = String::from_utf8_lossy(&left.stdout).into_owned();
    assert!(told.contains("+ rule first-of-two") && told.contains("+ rule second-of-two"), "{told}");
}
