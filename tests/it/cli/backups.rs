//! Backups: taken under writes, restored into an empty folder, compared; and what is refused.

use std::{
    collections::BTreeMap,
    fs::File,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use super::{drills::kills, *};

const PASSPHRASE: &str = "correct horse battery staple";

/// The rows of each table in a backup that is not encrypted, sorted.
fn tables(file: &Path) -> BTreeMap<String, Vec<String>> {
    let mut zip = zip::ZipArchive::new(File::open(file).expect("a file")).expect("a zip file");
    let names: Vec<String> = zip.file_names().map(|name| name.expect("a name").into_owned()).collect();
    let mut found = BTreeMap::new();
    for name in names.iter().filter(|name| name.starts_with("tables/")) {
        let mut text = String::new();
        zip.by_name(name).expect("an entry").read_to_string(&mut text).expect("text");
        let mut rows: Vec<String> = text.lines().map(str::to_owned).collect();
        rows.sort();
        found.insert(name.clone(), rows);
    }
    found
}

fn token(dir: &Path) -> String {
    let arguments = ["token", "create", "--name", "ci", "--service-account", "ci", "--scopes", "read,edit_catalog"];
    stdout(&run(dir, &arguments))
}

/// Gives a file of evidence for a vendor of the demonstration; its bytes.
fn evidence(dir: &Path) -> String {
    let arguments = ["token", "create", "--name", "e", "--service-account", "e", "--scopes", "read,govern"];
    let secret = stdout(&run(dir, &arguments));
    let server = Server::start(dir);
    let report: String = "a line of a report\n".repeat(40_000);
    let path = "/api/v1/evidence/files?name=pentest.txt&title=Pentest&vendor=stripe";
    assert_eq!(server.post(path, &secret, &report), 201);
    server.stop();
    report
}

/// The one line in which a command refuses.
fn refusal(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    said
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

#[test]
fn what_is_restored_is_what_was_backed_up() {
    let (dir, aside) = (data_dir(), data_dir());
    stdout(&run(dir.path(), &["demo"]));
    let secret = token(dir.path());
    let report = evidence(dir.path());
    let [first, second] = ["first.zip", "second.zip"].map(|name| aside.path().join(name));
    let said = stdout(&run(dir.path(), &["backup", text(&first), "--listen", "127.0.0.1:4999", "--json"]));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&first).expect("a file").permissions());
    assert_eq!(mode & 0o777, 0o600, "it holds the pepper");
    assert!(refusal(&run(dir.path(), &["backup", text(&first)])).contains("exists already"));

    let fresh = data_dir();
    stdout(&run(fresh.path(), &["restore", text(&first)]));
    let settings = std::fs::read_to_string(fresh.path().join("restored.toml")).expect("the configuration");
    assert_eq!(settings.trim(), "listen = \"127.0.0.1:4999\"\nlog_format = \"json\"");
    stdout(&run(fresh.path(), &["backup", text(&second)]));
    let (before, mut after) = (tables(&first), tables(&second));
    // The restore itself is on record, and its event comes after all others.
    let more = |name: &str, after: &BTreeMap<String, Vec<String>>| after[name].len() - before[name].len();
    assert_eq!(more("tables/audit_events.copy", &after), 1);
    assert!(after["tables/audit_pending.copy"].len() <= 1, "all that came before the restore has its position");
    for name in
        ["audit_events", "audit_positions", "audit_origins", "audit_pending"].map(|n| format!("tables/{n}.copy"))
    {
        let kept = after.remove(&name).expect("a table");
        let missing = before[&name].iter().filter(|row| !kept.contains(row)).count();
        assert!(missing == 0 || name.contains("pending"), "{name}: {missing} rows are missing");
    }
    for (name, rows) in &after {
        assert!(!before[name].is_empty() || rows.is_empty(), "{name} came from nowhere");
        assert_eq!(rows, &before[name], "{name}");
    }
    assert!(after.len() > 70, "{} tables", after.len());

    // It works: the token is valid, the digest is on record, and something can be changed.
    let server = Server::start(fresh.path());
    assert_eq!(server.post("/api/v1/vendors", &secret, r#"{"name":"After the restore"}"#), 201);
    let list = server.get("/api/v1/evidence?q=Pentest", &secret).1;
    let id = list.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("the evidence");
    assert_eq!(server.get(&format!("/api/v1/evidence/{id}/file"), &secret), (200, report));
    server.stop();
    let digest = said.split("\"sha256\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a digest");
    let third = aside.path().join("third.zip");
    stdout(&run(dir.path(), &["backup", text(&third)]));
    assert!(tables(&third)["tables/audit_events.copy"].iter().any(|row| row.contains(digest)), "{digest} is on record");
}

#[test]
fn a_lost_data_directory_comes_back_from_a_backup_taken_under_writes() {
    let aside = data_dir();
    let phrase = aside.path().join("phrase");
    std::fs::write(&phrase, PASSPHRASE).expect("written");
    let mut dir = data_dir();
    let mut secret = String::new();
    let (mut next, mut total) = (0, 0);
    for round in 0..kills().min(10) {
        let server = Server::start(dir.path());
        if round == 0 {
            secret = token(dir.path());
        }
        let (stop, answered) = (AtomicBool::new(false), AtomicUsize::new(next));
        let file = aside.path().join(format!("{round}.zip.age"));
        let certain = std::thread::scope(|scope| {
            let (server, secret, stop, answered) = (&server, &secret, &stop, &answered);
            scope.spawn(move || {
                for n in next.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let body = format!(r#"{{"name":"Written {n}","slug":"written-{n}"}}"#);
                    assert_eq!(server.post("/api/v1/vendors", secret, &body), 201, "written-{n}");
                    answered.store(n + 1, Ordering::Relaxed);
                }
            });
            while answered.load(Ordering::Relaxed) < next + 10 {
                std::thread::sleep(Duration::from_millis(5));
            }
            let certain = answered.load(Ordering::Relaxed);
            let arguments = ["backup", text(&file), "--passphrase-file", text(&phrase)];
            let output = run(dir.path(), &arguments);
            stop.store(true, Ordering::Relaxed);
            stdout(&output);
            certain
        });
        assert!(answered.load(Ordering::Relaxed) > certain, "writing goes on while a backup is taken");
        total += certain - next;
        let mut server = server;
        server.child.kill().expect("killed");
        server.child.wait().expect("gone");
        drop(dir);
        dir = data_dir();
        stdout(&run(dir.path(), &["restore", text(&file), "--passphrase-file", text(&phrase)]));
        let csv = stdout(&run(dir.path(), &["export", "vendors", "--format", "csv"]));
        let found = (0..1_000_000).take_while(|n| csv.contains(&format!(",written-{n},"))).count();
        assert!(found >= certain, "{found} of {certain} that were answered before the backup began");
        assert_eq!(csv.matches(",written-").count(), found, "one moment, without gaps");
        next = found;
    }
    println!("{} restores, {total} writes answered before a backup began, none lost", kills().min(10));
}

#[test]
fn what_cannot_be_restored_is_refused_and_nothing_is_left() {
    let (dir, aside) = (data_dir(), data_dir());
    let [plain, sealed, to_key, phrase, other] =
        ["plain.zip", "sealed.age", "to-key.age", "phrase", "other"].map(|name| aside.path().join(name));
    std::fs::write(&phrase, PASSPHRASE).expect("written");
    assert!(refusal(&run(dir.path(), &["backup", text(&plain)])).contains("no register"));
    stdout(&run(dir.path(), &["migrate"]));
    assert!(refusal(&run(dir.path(), &["backup", &format!("{}/", text(&phrase))])).contains("no folder"));
    stdout(&run(dir.path(), &["backup", text(&plain)]));
    stdout(&run(dir.path(), &["backup", text(&sealed), "--passphrase-file", text(&phrase)]));
    let holds = |output: Output| String::from_utf8_lossy(&output.stdout).contains("complete");
    assert!(holds(run(dir.path(), &["restore", "--check", text(&plain)])));
    assert!(holds(run(dir.path(), &["restore", "--check", text(&sealed), "--passphrase-file", text(&phrase)])));
    let key = age::x25519::Identity::generate();
    let keys = aside.path().join("keys");
    std::fs::write(&keys, age::secrecy::ExposeSecret::expose_secret(&key.to_string())).expect("written");
    stdout(&run(dir.path(), &["backup", text(&to_key), "--recipient", &key.to_public().to_string()]));
    assert!(holds(run(dir.path(), &["restore", "--check", text(&to_key), "--identity-file", text(&keys)])));
    assert!(refusal(&run(dir.path(), &["backup", text(&other), "--recipient", "age1nothing"])).contains("public key"));
    std::fs::write(&other, "another passphrase").expect("written");
    assert!(!std::fs::read(&sealed).expect("bytes").windows(13).any(|part| part == b"manifest.json"));

    let fresh = data_dir();
    let refused = |arguments: &[&str]| {
        let said = refusal(&run(fresh.path(), &[&["restore"][..], arguments].concat()));
        let left: Vec<_> =
            std::fs::read_dir(fresh.path()).expect("a folder").map(|e| e.expect("one").file_name()).collect();
        assert!(!left.iter().any(|name| name == "postgres" || name == "cluster.json"), "{left:?}");
        said
    };
    assert!(refused(&[text(&sealed)]).contains("is encrypted"));
    assert!(refused(&[text(&sealed), "--passphrase-file", text(&other)]).contains("does not decrypt"));
    assert!(refused(&[text(&to_key), "--passphrase-file", text(&phrase)]).contains("does not decrypt"));
    assert!(refused(&[text(&phrase)]).contains("is not a backup"));
    assert!(refused(&[text(&plain), "--passphrase-file", text(&phrase)]).contains("is not encrypted"));
    // Cut off, and one byte turned over somewhere in the middle.
    let bytes = std::fs::read(&plain).expect("bytes");
    std::fs::write(&other, &bytes[..bytes.len() - 100]).expect("written");
    assert!(refused(&[text(&other)]).contains("damaged"));
    let mut turned = bytes.clone();
    turned[bytes.len() / 2] ^= 1;
    std::fs::write(&other, &turned).expect("written");
    assert!(refused(&[text(&other)]).contains("damaged"));
    rewritten(&plain, &other, |name, text| Some(edited(name, text, "\"schema\":", "\"schema\":9")));
    assert!(refused(&[text(&other)]).contains("or newer"));
    rewritten(&plain, &other, |name, text| Some(edited(name, text, "\"rows\":1,", "\"rows\":2,")));
    assert!(refused(&[text(&other)]).contains("the backup says 2"));
    rewritten(&plain, &other, |name, text| {
        Some(edited(name, text, "\"table\":\"vendors\"", "\"table\":\"pg_authid\""))
    });
    assert!(refused(&[text(&other)]).contains("does not fit"));

    let said = muster(fresh.path(), &["backup", text(&fresh.path().join("never"))])
        .env("DATABASE_URL", "postgres://db/x")
        .output();
    assert!(refusal(&said.expect("runs")).contains("pg_dump"));
}

#[test]
fn a_register_is_never_restored_over() {
    let (dir, aside, fresh) = (data_dir(), data_dir(), data_dir());
    let plain = aside.path().join("plain.zip");
    stdout(&run(dir.path(), &["migrate"]));
    stdout(&run(dir.path(), &["backup", text(&plain)]));
    // A folder with a register is left alone; one where a restore was cut off is of use to a restore alone.
    assert!(refusal(&run(dir.path(), &["restore", text(&plain)])).contains("holds a register already"));
    // What an interrupted restore left is of use to another restore alone.
    stdout(&run(fresh.path(), &["restore", text(&plain)]));
    let cluster = fresh.path().join("cluster.json");
    let finished = std::fs::read_to_string(&cluster).expect("text");
    let marked = finished.replace("\"restoring\": false", "\"restoring\": true");
    assert_ne!(marked, finished);
    std::fs::write(&cluster, &marked).expect("written");
    assert!(refusal(&run(fresh.path(), &["migrate"])).contains("restore again"));
    stdout(&run(fresh.path(), &["restore", text(&plain)]));
    stdout(&run(fresh.path(), &["migrate"]));
    // A folder that was moved away names a cluster that is another register's by now: that one is not touched.
    let moved = data_dir();
    std::fs::write(moved.path().join("cluster.json"), marked).expect("written");
    assert!(refusal(&run(moved.path(), &["restore", text(&plain)])).contains("holds a register already"));
    stdout(&run(fresh.path(), &["migrate"]));
    std::fs::remove_dir_all(fresh.path().join("postgres")).expect("removed");
    std::fs::remove_file(fresh.path().join("cluster.json")).expect("removed");
    std::fs::write(fresh.path().join("pepper"), "0".repeat(64)).expect("written");
    assert!(refusal(&run(fresh.path(), &["restore", text(&plain)])).contains("another pepper"));
}

#[test]
fn a_backup_of_an_older_schema_is_brought_up_to_date() {
    let (dir, aside, fresh) = (data_dir(), data_dir(), data_dir());
    let [now, older] = ["now.zip", "older.zip"].map(|name| aside.path().join(name));
    stdout(&run(dir.path(), &["demo"]));
    stdout(&run(dir.path(), &["backup", text(&now)]));
    // As version 24 would have written it: without what migration 25 added.
    let mut lengths = BTreeMap::new();
    rewritten(&now, &older, |name, content| {
        let kept = match name {
            "tables/merges.copy" => return None,
            "tables/vendors.copy" | "tables/apis.copy" => {
                content.lines().flat_map(|row| [row.rsplit_once('\t').expect("a column").0, "\n"]).collect()
            }
            _ => content.to_owned(),
        };
        if name != "manifest.json" {
            lengths.insert(name.to_owned(), kept.clone());
            return Some(kept);
        }
        let mut manifest: serde_json::Value = serde_json::from_str(content).expect("JSON");
        manifest["schema"] = 24.into();
        let tables = manifest["tables"].as_array_mut().expect("tables");
        tables.retain(|table| table["table"] != "merges");
        for table in tables.iter_mut().filter(|table| table["table"] == "vendors" || table["table"] == "apis") {
            let columns = table["columns"].as_array_mut().expect("columns");
            assert_eq!(columns.pop(), Some("merged_into_id".into()));
            let text = &lengths[table["name"].as_str().expect("a name")];
            table["bytes"] = text.len().into();
            table["sha256"] = data_encoding::HEXLOWER.encode(&<sha2::Sha256 as sha2::Digest>::digest(text)).into();
        }
        Some(manifest.to_string())
    });
    stdout(&run(fresh.path(), &["restore", text(&older)]));
    let csv = |dir: &Path| stdout(&run(dir, &["export", "vendors", "--format", "csv"]));
    assert_eq!(csv(fresh.path()), csv(dir.path()));
}

fn edited(name: &str, text: &str, old: &str, new: &str) -> String {
    if name != "manifest.json" {
        return text.to_owned();
    }
    assert!(text.contains(old), "{old}");
    text.replacen(old, new, 1)
}

/// The backup with entries changed, the manifest last.
fn rewritten(from: &Path, to: &Path, mut change: impl FnMut(&str, &str) -> Option<String>) {
    let mut zip = zip::ZipArchive::new(File::open(from).expect("a file")).expect("a zip file");
    let mut out = zip::ZipWriter::new(File::create(to).expect("a file"));
    for n in 0..zip.len() {
        let mut entry = zip.by_index(n).expect("an entry");
        let name = entry.name().expect("a name").into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("read");
        let changed = match String::from_utf8(bytes) {
            Ok(text) => change(&name, &text).map(String::into_bytes),
            Err(raw) => Some(raw.into_bytes()),
        };
        if let Some(bytes) = changed {
            out.start_file(name, zip::write::SimpleFileOptions::default()).expect("begun");
            out.write_all(&bytes).expect("written");
        }
    }
    out.finish().expect("finished");
}
