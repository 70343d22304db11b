//! Requests over kept connections, and how fast they are answered.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::CONNECTIONS;

/// One answer: status and whole body; keeps the connection.
pub fn call(stream: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> (u16, usize) {
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

pub fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("connected");
    stream.set_nodelay(true).expect("no delay");
    stream
}

/// Requests a second with p50 and p99 in milliseconds.
#[derive(Clone, Copy, Default)]
pub struct Measured {
    pub rate: f64,
    pub p50: f64,
    pub p99: f64,
}

pub fn drive(address: &'static str, make: &(dyn Fn(u64) -> Vec<u8> + Sync), seconds: u64) -> Measured {
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
