//! The bench behind `scripts/bench`: drives a running Muster, `pgbench -M prepared` with the very
//! statements that Muster sent (read from PostgreSQL's log), and a bare axum server with the same
//! bytes, in turns; prints requests a second, p50 and p99.
#![allow(clippy::print_stdout, clippy::expect_used, clippy::panic, clippy::unwrap_used, clippy::disallowed_methods)]
#![allow(clippy::zombie_processes, reason = "the server is waited for when it is dropped")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::too_many_lines)]

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

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

/// One answer: status and whole body; keeps the connection.
fn call(stream: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> (u16, usize) {
    stream.write_all(request).expect("sent");
    buffer.clear();
    let mut chunk = vec![0_u8; 65536];
    loop {
        let read = stream.read(&mut chunk).expect("read");
        assert!(read > 0, "closed");
        buffer.extend_from_slice(&chunk[..read]);
        let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&buffer[..end]).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        if let Some(length) = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()) {
            let length: usize = length.trim().parse().expect("a length");
            if buffer.len() >= end + 4 + length {
                return (status, end + 4);
            }
        } else if buffer.ends_with(b"0\r\n\r\n") || status == 204 {
            return (status, end + 4);
        }
    }
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("connected");
    stream.set_nodelay(true).expect("no delay");
    stream
}

/// Requests a second with p50 and p99 in milliseconds.
#[derive(Clone, Copy, Default)]
struct Measured {
    rate: f64,
    p50: f64,
    p99: f64,
}

fn drive(address: &'static str, make: &(dyn Fn(u64) -> Vec<u8> + Sync), seconds: u64) -> Measured {
    let stop = Arc::new(AtomicBool::new(false));
    let turn = AtomicU64::new(0);
    let begun = Instant::now();
    let mut times: Vec<f64> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let (stop, turn) = (stop.clone(), &turn);
                scope.spawn(move || {
                    let (mut stream, mut buffer, mut times) = (connect(address), Vec::new(), Vec::new());
                    while !stop.load(Ordering::Relaxed) {
                        let request = make(turn.fetch_add(1, Ordering::Relaxed));
                        let at = Instant::now();
                        let (status, body) = call(&mut stream, &request, &mut buffer);
                        assert!((200..300).contains(&status), "{status}: {}", String::from_utf8_lossy(&buffer[body..]));
                        times.push(at.elapsed().as_secs_f64() * 1000.0);
                    }
                    times
                })
            })
            .collect();
        std::thread::sleep(Duration::from_secs(seconds));
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker")).collect()
    });
    let passed = begun.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    Measured { rate: times.len() as f64 / passed, p50: at(0.5), p99: at(0.99) }
}

/// A statement with its parameters, as PostgreSQL logged it.
struct Statement {
    backend: String,
    sql: String,
    parameters: Vec<Option<String>>,
}

/// The statements in a part of the log.
fn statements(log: &str) -> Vec<Statement> {
    let mut found: Vec<Statement> = Vec::new();
    let mut open: Option<String> = None;
    let starts = |line: &str| line.len() > 20 && line.as_bytes()[..4].iter().all(u8::is_ascii_digit);
    let mut backend = String::new();
    let finish = |open: &mut Option<String>, found: &mut Vec<Statement>, backend: &str| {
        if let Some(sql) = open.take() {
            found.push(Statement { backend: backend.to_owned(), sql, parameters: Vec::new() });
        }
    };
    for line in log.lines() {
        if starts(line) {
            finish(&mut open, &mut found, &backend);
            let number = line.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
            backend = number.map(|(number, _)| number.to_owned()).unwrap_or_default();
            if let Some((_, sql)) = line.split_once("LOG:  execute ") {
                open = sql.split_once(": ").map(|(_, sql)| sql.to_owned());
            } else if let Some((_, sql)) = line.split_once("LOG:  statement: ") {
                open = Some(sql.to_owned());
            } else if let Some((_, list)) = line.split_once("DETAIL:  parameters: ")
                && let Some(last) = found.last_mut()
            {
                last.parameters = parameters(list);
            }
        } else if let Some(sql) = &mut open {
            sql.push('\n');
            sql.push_str(line.trim_start_matches('\t'));
        }
    }
    finish(&mut open, &mut found, &backend);
    found
}

/// `$1 = 'a', $2 = NULL` as values.
fn parameters(list: &str) -> Vec<Option<String>> {
    let (mut values, mut rest) = (Vec::new(), list);
    while let Some((_, after)) = rest.split_once(" = ") {
        if let Some(after) = after.strip_prefix("NULL") {
            values.push(None);
            rest = after;
            continue;
        }
        let text = after.strip_prefix('\'').unwrap_or(after);
        let (mut value, mut chars, mut used) = (String::new(), text.char_indices().peekable(), text.len());
        while let Some((at, c)) = chars.next() {
            if c == '\'' {
                if chars.peek().is_some_and(|(_, next)| *next == '\'') {
                    chars.next();
                } else {
                    used = at + 1;
                    break;
                }
            }
            value.push(c);
        }
        values.push(Some(value));
        rest = &text[used..];
    }
    values
}

/// A pgbench script of the statements: parameters stay parameters. Values that a new record makes
/// unique are made anew in each transaction.
fn script(statements: &[Statement], unique: &[String]) -> (String, Vec<(String, String)>) {
    let (mut text, mut variables) = (String::new(), Vec::new());
    if !unique.is_empty() {
        text.push_str("\\set r random(1, 4611686018427387903)\n");
    }
    for (s, statement) in statements.iter().enumerate() {
        let mut sql = statement.sql.trim_end_matches(';').replace("SELECT pg_catalog.set_config", "select set_config");
        for (n, value) in statement.parameters.iter().enumerate().rev() {
            let place = format!("${}", n + 1);
            let name = format!("p{s}_{n}");
            let with = match value {
                None => "null".to_owned(),
                Some(value) => {
                    let mut expression = format!(":{name}");
                    for (k, made) in unique.iter().enumerate().filter(|(_, made)| value.contains(made.as_str())) {
                        let fresh = if made.len() == 36 {
                            format!("(lpad(to_hex(:r::bigint + {k}), 32, '0')::uuid)::text")
                        } else {
                            "(:r)::text".to_owned()
                        };
                        expression = format!("replace({expression}::text, '{made}', {fresh})");
                    }
                    if expression.starts_with("replace") {
                        typed(&expression, value)
                    } else if is_moment(value) {
                        // Where nothing else says so, PostgreSQL would take it for a text.
                        format!("({expression})::timestamptz")
                    } else {
                        expression
                    }
                }
            };
            if let Some(value) = value {
                variables.push((name, value.clone()));
            }
            sql = replace_parameter(&sql, &place, &with);
        }
        let flat: Vec<&str> = sql.lines().map(str::trim).filter(|line| !line.starts_with("--")).collect();
        text.push_str(&flat.join(" "));
        text.push_str(";\n");
    }
    (text, variables)
}

/// Whether a logged value is a moment.
fn is_moment(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.len() > 19
        && bytes[4] == b'-'
        && bytes[10] == b' '
        && bytes[13] == b':'
        && bytes[..4].iter().all(u8::is_ascii_digit)
}

/// A made text in the type of what it stands for.
fn typed(expression: &str, value: &str) -> String {
    if value.len() == 36 && value.matches('-').count() == 4 {
        format!("({expression})::uuid")
    } else if value.starts_with('{') || value.starts_with('[') {
        format!("({expression})::jsonb")
    } else {
        format!("({expression})")
    }
}

/// Replaces `$1` but not the beginning of `$12`.
fn replace_parameter(sql: &str, place: &str, with: &str) -> String {
    let (mut out, mut rest) = (String::new(), sql);
    while let Some(at) = rest.find(place) {
        let after = &rest[at + place.len()..];
        out.push_str(&rest[..at]);
        out.push_str(if after.starts_with(|c: char| c.is_ascii_digit()) { place } else { with });
        rest = after;
    }
    out + rest
}

struct Raw {
    pgbench: PathBuf,
    dir: String,
    file: PathBuf,
    variables: Vec<(String, String)>,
}

impl Raw {
    fn run(&self, seconds: u64) -> Measured {
        let log = self.file.with_extension("log");
        let mut command = Command::new(&self.pgbench);
        command
            .args(["-n", "-M", "prepared", "-c", "16", "-j", "2", "-T", &seconds.to_string(), "-l"])
            .arg(format!("--log-prefix={}", log.display()))
            .args(["-h", &self.dir, "-U", "postgres"]);
        for (name, value) in &self.variables {
            command.arg("-D").arg(format!("{name}={value}"));
        }
        let output = command.arg("-f").arg(&self.file).arg("postgres").output().expect("pgbench");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains("number of failed transactions: 0"), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let rate = text.split("tps = ").nth(1).and_then(|rest| rest.split(' ').next()).and_then(|n| n.parse().ok());
        let mut times: Vec<f64> = Vec::new();
        for entry in std::fs::read_dir(self.file.parent().expect("a folder")).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.display().to_string().starts_with(&format!("{}.", log.display())) {
                let text = std::fs::read_to_string(&path).expect("a log");
                let micros = |line: &str| line.split(' ').nth(2).and_then(|n| n.parse::<f64>().ok());
                times.extend(text.lines().filter_map(micros).map(|us| us / 1000.0));
                std::fs::remove_file(path).expect("removed");
            }
        }
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times.get(((times.len().max(1) - 1) as f64 * share) as usize).copied().unwrap_or(0.0);
        Measured { rate: rate.unwrap_or(0.0), p50: at(0.5), p99: at(0.99) }
    }
}

fn psql(args: &Args, sql: &str) {
    let done = Command::new(Path::new(args.get("pg-bin")).join("psql"))
        .args(["-h", args.get("dir"), "-U", "postgres", "-q", "-c", sql, "postgres"])
        .stdout(Stdio::null())
        .status();
    assert!(done.expect("psql").success(), "{sql}");
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

/// Ends the server with the bench, however it ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(args: &Args) -> (Server, f64) {
    let begun = Instant::now();
    let child = Command::new(args.get("muster"))
        .args(["--data-dir", &format!("{}/data", args.get("dir")), "--log", "error"])
        .args(["--listen", ADDRESS, "--metrics-listen", "127.0.0.1:18081", "--requests-per-minute", "10000000"])
        .args(["serve"])
        .env("DATABASE_URL", args.get("url"))
        .stdout(Stdio::null())
        .spawn()
        .expect("muster");
    loop {
        if let Ok(mut stream) = TcpStream::connect(ADDRESS) {
            let request = format!("GET /readyz HTTP/1.1\r\nHost: {ADDRESS}\r\n\r\n");
            let mut buffer = Vec::new();
            if call(&mut stream, request.as_bytes(), &mut buffer).0 == 200 {
                return (Server(child), begun.elapsed().as_secs_f64() * 1000.0);
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Proportional memory of a process in MB; what it shares counts in parts.
fn memory(pid: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("Pss:")).unwrap_or("Pss: 0");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn postgres_memory(args: &Args) -> f64 {
    let pid = std::fs::read_to_string(Path::new(args.get("dir")).join("pg/postmaster.pid")).expect("a pid");
    let postmaster: u32 = pid.lines().next().and_then(|line| line.parse().ok()).expect("a pid");
    let children =
        std::fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children")).unwrap_or_default();
    memory(postmaster) + children.split_whitespace().filter_map(|pid| pid.parse().ok()).map(memory).sum::<f64>()
}

fn muster(args: &Args, words: &[&str]) -> String {
    let output = Command::new(args.get("muster"))
        .args(["--data-dir", &format!("{}/data", args.get("dir")), "--log", "error"])
        .args(["--listen", ADDRESS])
        .args(words)
        .env("DATABASE_URL", args.get("url"))
        .output()
        .expect("muster");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn get(path: &str, header: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {ADDRESS}\r\n{header}\r\n\r\n").into_bytes()
}

fn cookie(args: &Args) -> String {
    let link = muster(args, &["admin", "link", "bench@example.com", "--roles", "requester"]);
    let secret = link.rsplit('/').next().expect("a secret");
    let (mut stream, mut buffer) = (connect(ADDRESS), Vec::new());
    let request = format!(
        "POST /sign-in/{secret} HTTP/1.1\r\nHost: {ADDRESS}\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 0\r\n\r\n"
    );
    let (status, _) = call(&mut stream, request.as_bytes(), &mut buffer);
    let head = String::from_utf8_lossy(&buffer).into_owned();
    assert_eq!(status, 303, "{head}");
    let line = head.lines().find(|line| line.to_lowercase().starts_with("set-cookie:")).expect("a cookie");
    format!("Cookie: {}", line.split_once(':').expect("a value").1.split(';').next().expect("a value").trim())
}

/// A server that sends the same bytes and does nothing else.
fn bare(bytes: Vec<u8>, kind: String) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let body = axum::body::Bytes::from(bytes);
            let answer = move || {
                let (body, kind) = (body.clone(), kind.clone());
                async move { ([(axum::http::header::CONTENT_TYPE, kind)], body) }
            };
            let router = axum::Router::new().route("/", axum::routing::get(answer));
            let listener = tokio::net::TcpListener::bind(BARE).await.expect("an address");
            axum::serve(listener, router).await.expect("served");
        });
    });
    while TcpStream::connect(BARE).is_err() {
        std::thread::sleep(Duration::from_millis(5));
    }
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
