//! The bench behind `scripts/bench`: drives a running Muster, `pgbench -M prepared` with the very
//! statements that Muster sent (read from PostgreSQL's log), and a bare axum server with the same
//! bytes, in turns; prints requests a second, p50 and p99.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    reason = "a measuring instrument: it prints, or stops"
)]
#![allow(clippy::zombie_processes, reason = "the server is waited for when it is dropped")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates")]
#![allow(clippy::too_many_lines, reason = "one run from its start to its end")]

mod log;
mod raw;
mod server;
mod wire;

use std::{
    collections::BTreeMap,
    net::TcpStream,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use log::{Statement, script, statements};
use raw::{Raw, psql};
use server::{bare, cookie, get, memory, muster, postgres_memory, start};
use wire::{Measured, call, connect, drive};

const CONNECTIONS: usize = 16;
const ADDRESS: &str = "127.0.0.1:18080";
const BARE: &str = "127.0.0.1:18082";

struct Args(BTreeMap<String, String>);

impl Args {
    fn read() -> Self {
        let all: Vec<String> = std::env::args().skip(1).collect();
        Self(all.chunks(2).map(|pair| (pair[0].trim_start_matches("--").to_owned(), pair[1].clone())).collect())
    }
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or_else(|| panic!("--{name}"), String::as_str)
    }
}

/// What one request sends to PostgreSQL.
fn capture(args: &Args, request: &[u8]) -> Vec<Statement> {
    let log = Path::new(args.get("dir")).join("pg/log");
    psql(args, "alter system set log_statement = 'all'");
    psql(args, "alter system set log_parameter_max_length = -1");
    psql(args, "select pg_reload_conf()");
    std::thread::sleep(Duration::from_millis(300));
    let before = std::fs::read(&log).expect("the log").len();
    let (mut stream, mut buffer) = (connect(ADDRESS), Vec::new());
    let (status, _) = call(&mut stream, request, &mut buffer);
    assert!((200..300).contains(&status), "{}", String::from_utf8_lossy(&buffer));
    std::thread::sleep(Duration::from_millis(100));
    let text = std::fs::read(&log).expect("the log");
    psql(args, "alter system reset log_statement");
    psql(args, "select pg_reload_conf()");
    std::thread::sleep(Duration::from_millis(100));
    let all = statements(&String::from_utf8_lossy(&text[before..]));
    let quiet =
        ["audit_pending", "audit_positions", "pg_advisory", "alter system", "api_tokens", "sessions", "token_uses"];
    // Of a write only its own transaction: the sequencer of audit events works beside it.
    let writer = all.iter().find(|s| s.sql.contains("insert into integrations")).map(|s| s.backend.clone());
    all.into_iter()
        .filter(|s| writer.as_ref().is_none_or(|writer| *writer == s.backend))
        .filter(|s| s.sql.contains("insert into audit_events") || !quiet.iter().any(|word| s.sql.contains(word)))
        .filter(|s| !s.sql.contains("from installation") && !s.sql.starts_with("insert into api_token"))
        .collect()
}

/// What is measured: its name, the requests, what a new record makes unique, the least share of raw
/// PostgreSQL that is aimed at.
struct Case<'a> {
    name: &'static str,
    make: Box<dyn Fn(u64) -> Vec<u8> + Sync + 'a>,
    unique: fn(&[Statement]) -> Vec<String>,
    goal: f64,
}

fn nothing(_: &[Statement]) -> Vec<String> {
    Vec::new()
}

/// Ids that the request made, and the number in its name.
fn made(statements: &[Statement]) -> Vec<String> {
    let mut found: Vec<String> = vec!["bench-first".into()];
    let writes = statements.iter().filter(|s| s.sql.contains("insert into") || s.sql.contains("with event"));
    for value in writes.flat_map(|s| s.parameters.iter().flatten()) {
        for part in value.split(['"', '{', '}', ',', ' ']) {
            let is_new = part.len() == 36 && part.as_bytes()[14] == b'7' && part.matches('-').count() == 4;
            if is_new && !found.iter().any(|known| known == part) {
                found.push(part.to_owned());
            }
        }
    }
    // A v7 id begins with its milliseconds: what is older was there before.
    let time = |id: &String| i64::from_str_radix(&id[..13].replace('-', ""), 16).unwrap_or(0);
    let newest = found.iter().filter(|id| id.len() == 36).map(time).max().unwrap_or(0);
    found.retain(|id| id.len() != 36 || time(id) > newest - 2000);
    found
}

fn main() {
    let args = Args::read();
    let (seconds, rounds) =
        (args.get("seconds").parse().expect("a number"), args.get("rounds").parse().expect("a number"));
    let (server, started) = start(&args);
    std::thread::sleep(Duration::from_secs(2));
    let at_rest = memory(server.0.id());
    let token = format!(
        "Authorization: Bearer {}",
        muster(
            &args,
            &["token", "create", "--service-account", "bench", "--name", "bench", "--scopes", "read,propose"]
        )
    );
    let cookie = cookie(&args);
    let (mut stream, mut buffer) = (connect(ADDRESS), Vec::new());
    // A page in the middle of the list.
    let mut cursor = String::new();
    for _ in 0..20 {
        let path = format!("/api/v1/integrations?limit=50{cursor}");
        let (_, body) = call(&mut stream, &get(&path, &token), &mut buffer);
        let text = String::from_utf8_lossy(&buffer[body..]).into_owned();
        let next = text.split("\"next_cursor\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a cursor");
        cursor = format!("&cursor={next}");
    }
    let content = |n: u64| {
        format!(
            r#"{{"name":"bench-{n}","slug":"bench-{n}","system":"system-1","api":"api-1","version":"v1","purpose":"A bench.","initiated_by":"us","tls_minimum":"1.2","environments":[{{"environment":"production","endpoints":["https://api.example.com"]}}],"business_owner":"team-1","technical_owner":"team-1","backup_owner":"team-2","criticality":"low","exposure":"internal","data_flows":[{{"data_class":"user.name","locations":["IE"]}}],"scopes":[{{"scope":"orders.read"}}]}}"#
        )
    };
    let create = |name: String, body: String| {
        let body = body.replace("bench-0\"", &format!("{name}\""));
        format!(
            "POST /api/v1/integrations HTTP/1.1\r\nHost: {ADDRESS}\r\n{token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    let unique = std::process::id();
    let cases = [
        Case {
            name: "list page",
            make: Box::new(|_| get(&format!("/api/v1/integrations?limit=50{cursor}"), &token)),
            unique: nothing,
            goal: 0.5,
        },
        Case {
            name: "filtered search",
            make: Box::new(|_| {
                get("/api/v1/integrations?limit=50&state=active&sensitivity=restricted&q=system+12", &token)
            }),
            unique: nothing,
            goal: 0.0,
        },
        Case {
            name: "one object",
            make: Box::new(|_| get("/api/v1/integrations/integration-777", &token)),
            unique: nothing,
            goal: 0.5,
        },
        Case {
            name: "HTML list",
            make: Box::new(|_| get(&format!("/integrations?limit=50{cursor}"), &cookie)),
            unique: nothing,
            goal: 0.35,
        },
        Case {
            name: "create with audit",
            make: Box::new(|n| {
                if n == u64::MAX {
                    create("bench-first".into(), content(0))
                } else {
                    create(format!("b{unique}-{n}-{}", args.get("size")), content(0))
                }
            }),
            unique: made,
            goal: 0.6,
        },
    ];
    println!("\n## {} integrations\n", args.get("size"));
    println!("start to the first 200: {started:.0} ms; Muster at rest: {at_rest:.0} MB");
    println!(
        "\n| what | statements | Muster req/s (p50, p99 ms) | pgbench tps (p50, p99 ms) | share | goal | bare axum req/s |"
    );
    println!("|---|---|---|---|---|---|---|");
    let first = AtomicU64::new(1);
    for case in &cases {
        let request = (case.make)(0);
        // Once before, so that what is prepared and cached is so. The server closes idle connections.
        let mut stream = connect(ADDRESS);
        call(&mut stream, &request_or(case, &request, 1_000_000 + first.fetch_add(1, Ordering::Relaxed)), &mut buffer);
        let captured = capture(&args, &request_or(case, &request, u64::MAX));
        let file = Path::new(args.get("dir")).join("data").join(format!("{}.sql", case.name.replace(' ', "-")));
        let (text, variables) = script(&captured, &(case.unique)(&captured));
        std::fs::write(&file, text).expect("written");
        let raw = Raw {
            pgbench: Path::new(args.get("pg-bin")).join("pgbench"),
            dir: args.get("dir").into(),
            file,
            variables,
        };
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            let offset = (round + 1) * 10_000_000_u64;
            ours.push(drive(ADDRESS, &|n| (case.make)(n + offset), seconds));
            theirs.push(raw.run(seconds));
        }
        let (ours, theirs) = (median(ours), median(theirs));
        let goal = if case.goal > 0.0 { format!("{:.0} %", case.goal * 100.0) } else { "–".into() };
        println!(
            "| {} | {} | {:.0} ({:.1}, {:.1}) | {:.0} ({:.1}, {:.1}) | {:.0} % | {goal} | {} |",
            case.name,
            captured.len(),
            ours.rate,
            ours.p50,
            ours.p99,
            theirs.rate,
            theirs.p50,
            theirs.p99,
            ours.rate / theirs.rate * 100.0,
            if case.name == "list page" { bare_rate(&mut connect(ADDRESS), &request, seconds) } else { String::new() }
        );
    }
    println!(
        "\nafter the run: Muster {:.0} MB, PostgreSQL beside it {:.0} MB (proportional set sizes)",
        memory(server.0.id()),
        postgres_memory(&args)
    );
}

/// The request of a case; creates need a name of their own.
fn request_or(case: &Case<'_>, request: &[u8], n: u64) -> Vec<u8> {
    if case.name.starts_with("create") { (case.make)(n) } else { request.to_vec() }
}

fn bare_rate(stream: &mut TcpStream, request: &[u8], seconds: u64) -> String {
    let mut buffer = Vec::new();
    let (_, body) = call(stream, request, &mut buffer);
    bare(buffer[body..].to_vec(), "application/json".into());
    let plain = format!("GET / HTTP/1.1\r\nHost: {BARE}\r\n\r\n").into_bytes();
    format!("{:.0}", drive(BARE, &|_| plain.clone(), seconds).rate)
}

fn median(mut all: Vec<Measured>) -> Measured {
    all.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    all[all.len() / 2]
}
