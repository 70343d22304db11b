//! Keeps the managed server running: one that ends by itself is started again.

use std::{
    process::Child,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio::sync::oneshot;

use super::{Cluster, process, user::Account};

/// How often the server is checked.
const CHECK: Duration = Duration::from_millis(50);
/// Pause after the first failed start; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Starts that fail one after the other before the supervisor gives up.
const ATTEMPTS: u32 = 6;
/// A server that lives shorter than this did not start.
const SHORTEST_LIFE: Duration = Duration::from_millis(500);

/// The server's process, shared with the thread that watches it.
#[derive(Debug)]
pub struct Server {
    child: Mutex<Option<Child>>,
    stopping: AtomicBool,
}

impl Server {
    /// A server that was started.
    pub fn new(child: Child) -> Arc<Self> {
        Arc::new(Self { child: Mutex::new(Some(child)), stopping: AtomicBool::new(false) })
    }

    /// Its process id; `None` while it is being started again.
    pub fn pid(&self) -> Option<u32> {
        self.child().as_ref().map(Child::id)
    }

    /// Leaves it running: it is no longer watched or stopped.
    pub fn release(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.child().take();
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// How the process ended, if it did.
    fn ended(&self) -> Option<String> {
        let mut child = self.child();
        match child.as_mut()?.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(status.to_string()),
            Err(error) => Some(error.to_string()),
        }
    }

    /// Stops the server, and waits for it.
    pub fn stop(&self, watcher: Option<JoinHandle<()>>) {
        self.stopping.store(true, Ordering::Relaxed);
        if let Some(watcher) = watcher {
            // A watcher that panicked has nothing left to stop.
            let _ = watcher.join();
        }
        let child = self.child().take();
        if let Some(child) = child {
            process::stop(child);
        }
    }
}

/// Watches the server on a thread of its own. The receiver hears of it once the server could not be started again.
pub fn watch(
    server: &Arc<Server>,
    cluster: Cluster,
    account: Account,
) -> anyhow::Result<(JoinHandle<()>, oneshot::Receiver<String>)> {
    let (give_up, given_up) = oneshot::channel();
    let server = Arc::clone(server);
    let thread = std::thread::Builder::new().name("postgres supervisor".into());
    let thread = thread.spawn(move || {
        if let Err(reason) = keep_running(&server, &cluster, &account) {
            // Nobody listens any more once the process stops.
            let _ = give_up.send(reason);
        }
    });
    Ok((thread.context("the supervisor's thread")?, given_up))
}

fn keep_running(server: &Server, cluster: &Cluster, account: &Account) -> Result<(), String> {
    let (mut failures, mut pause, mut started) = (0, FIRST_PAUSE, Instant::now());
    loop {
        std::thread::sleep(CHECK);
        if server.is_stopping() {
            return Ok(());
        }
        let Some(status) = server.ended() else { continue };
        if started.elapsed() >= SHORTEST_LIFE {
            (failures, pause) = (0, FIRST_PAUSE);
        } else {
            failures += 1;
        }
        tracing::warn!(%status, "PostgreSQL ended unexpectedly; starting it again");
        server.child().take();
        loop {
            if failures >= ATTEMPTS {
                return Err(format!("PostgreSQL could not be started again in {failures} attempts"));
            }
            if server.is_stopping() {
                return Ok(());
            }
            if failures > 0 {
                std::thread::sleep(pause);
                pause *= 2;
            }
            let begun = Instant::now();
            match process::start(cluster, account) {
                Ok(child) => {
                    tracing::info!(milliseconds = begun.elapsed().as_millis(), "PostgreSQL is running again");
                    *server.child() = Some(child);
                    started = Instant::now();
                    break;
                }
                Err(error) => {
                    failures += 1;
                    tracing::error!(error = format!("{error:#}"), attempt = failures, "PostgreSQL did not start");
                }
            }
        }
    }
}
