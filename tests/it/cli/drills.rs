//! Drills: PostgreSQL and Muster are killed while others write, and nothing that was answered is lost.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// How often a drill kills: `MUSTER_DRILL` where it is set (`scripts/drill`), else a few times.
pub fn kills() -> usize {
    std::env::var("MUSTER_DRILL").ok().and_then(|n| n.parse().ok()).unwrap_or(5)
}

#[test]
fn a_killed_postgresql_is_started_again_and_nothing_that_was_answered_is_lost() {
    let dir = data_dir();
    let server = Server::start(dir.path());
    let arguments = ["token", "create", "--name", "ci", "--service-account", "ci", "--scopes", "read,edit_catalog"];
    let token = stdout(&run(dir.path(), &arguments));
    let stop = std::sync::atomic::AtomicBool::new(false);
    let mut written = Vec::new();
    let mut longest = Duration::ZERO;
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut answered = Vec::new();
            for n in 0.. {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                let slug = format!("written-{n}");
                let body = format!(r#"{{"name":"Written {n}","slug":"{slug}"}}"#);
                if server.post("/api/v1/vendors", &token, &body) == 201 {
                    answered.push(slug);
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            answered
        });
        for n in 0..kills() {
            std::thread::sleep(Duration::from_millis(300));
            let file = std::fs::read_to_string(dir.path().join("postgres/postmaster.pid")).expect("a pid file");
            let pid = file.lines().next().expect("a pid").to_owned();
            assert!(Command::new("kill").args(["-KILL", &pid]).status().expect("kill").success(), "kill {n}");
            std::thread::sleep(Duration::from_millis(100));
            longest = longest.max(server.wait_ready(Duration::from_secs(10)));
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        written = writer.join().expect("the writer");
    });
    println!("{} kills, {} writes answered, ready again after {longest:?} at most", kills(), written.len());
    assert!(written.len() > kills(), "writing went on: {}", written.len());
    let csv = stdout(&run(dir.path(), &["export", "vendors", "--format", "csv"]));
    for slug in &written {
        assert!(csv.contains(&format!(",{slug},")), "{slug} was answered with 201 and is lost");
    }
    server.stop();
    let log = std::fs::metadata(dir.path().join("postgres.log")).expect("a log");
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&log.permissions()) & 0o777, 0o600, "rows may be named in it");
}

#[test]
fn a_postgresql_that_cannot_be_started_again_ends_the_process() {
    let dir = data_dir();
    let mut server = Server::start(dir.path());
    let control = dir.path().join("postgres/global/pg_control");
    let file = std::fs::read_to_string(dir.path().join("postgres/postmaster.pid")).expect("a pid file");
    std::fs::rename(&control, control.with_extension("aside")).expect("renamed");
    let pid = file.lines().next().expect("a pid").to_owned();
    assert!(Command::new("kill").args(["-KILL", &pid]).status().expect("kill").success());
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = server.child.try_wait().expect("asked") {
            break status;
        }
        assert!(begin.elapsed() < Duration::from_mins(1), "it goes on without a database");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(status.code(), Some(1));
}

#[test]
fn a_killed_muster_comes_back_with_all_that_it_had_answered() {
    let dir = data_dir();
    let first = Server::start(dir.path());
    let arguments = ["token", "create", "--name", "ci", "--service-account", "ci", "--scopes", "read,edit_catalog"];
    let token = stdout(&run(dir.path(), &arguments));
    first.stop();
    let (mut written, mut next, mut longest) = (Vec::new(), 0, Duration::ZERO);
    for n in 0..kills() {
        let begin = Instant::now();
        let server = Server::start(dir.path());
        longest = longest.max(begin.elapsed());
        let pid = server.child.id().to_string();
        let (from, count) = (next, AtomicUsize::new(0));
        next = std::thread::scope(|scope| {
            let (server, token, count) = (&server, &token, &count);
            let writer = scope.spawn(move || {
                let mut answered = Vec::new();
                // Until no answer comes.
                for n in from.. {
                    let slug = format!("written-{n}");
                    let body = format!(r#"{{"name":"Written {n}","slug":"{slug}"}}"#);
                    match server.post("/api/v1/vendors", token, &body) {
                        201 => {
                            answered.push(slug);
                            count.store(answered.len(), Ordering::Relaxed);
                        }
                        0 => return (answered, n + 1),
                        other => panic!("{slug}: {other}"),
                    }
                }
                (answered, from)
            });
            // However busy the machine is: something was answered before the kill, at another moment each time.
            while count.load(Ordering::Relaxed) < 2 && !writer.is_finished() {
                std::thread::sleep(Duration::from_millis(5));
            }
            std::thread::sleep(Duration::from_millis(37 * (u64::try_from(n).expect("a number") % 11)));
            assert!(Command::new("kill").args(["-KILL", &pid]).status().expect("kill").success(), "kill {n}");
            let (answered, beyond) = writer.join().expect("the writer");
            written.extend(answered);
            beyond
        });
        let mut server = server;
        server.child.wait().expect("gone");
    }
    println!("{} kills, {} writes answered, ready again after {longest:?} at most", kills(), written.len());
    assert!(written.len() > kills(), "writing went on: {}", written.len());
    let last = Server::start(dir.path());
    let csv = stdout(&run(dir.path(), &["export", "vendors", "--format", "csv"]));
    for slug in &written {
        assert!(csv.contains(&format!(",{slug},")), "{slug} was answered with 201 and is lost");
    }
    last.stop();
}
