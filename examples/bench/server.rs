//! The servers that are measured: Muster itself, and a bare one that sends the same bytes.

use std::{
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    ADDRESS, Args, BARE,
    wire::{call, connect},
};

/// Ends the server with the bench, however it ends.
pub struct Server(pub Child);

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn start(args: &Args) -> (Server, f64) {
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
pub fn memory(pid: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("Pss:")).unwrap_or("Pss: 0");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

pub fn postgres_memory(args: &Args) -> f64 {
    let pid = std::fs::read_to_string(Path::new(args.get("dir")).join("pg/postmaster.pid")).expect("a pid");
    let postmaster: u32 = pid.lines().next().and_then(|line| line.parse().ok()).expect("a pid");
    let children =
        std::fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children")).unwrap_or_default();
    memory(postmaster) + children.split_whitespace().filter_map(|pid| pid.parse().ok()).map(memory).sum::<f64>()
}

pub fn muster(args: &Args, words: &[&str]) -> String {
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

pub fn get(path: &str, header: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {ADDRESS}\r\n{header}\r\n\r\n").into_bytes()
}

pub fn cookie(args: &Args) -> String {
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
pub fn bare(bytes: Vec<u8>, kind: String) {
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
