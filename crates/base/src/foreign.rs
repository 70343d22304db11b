//! Reading what others wrote: off the threads that answer requests, a few at a time, and with a deadline that really
//! stops the work.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{runtime::RuntimeFlavor, sync::Semaphore};

use crate::{app::App, background::Stop, error::Error};

/// How long reading one input may take.
pub const DEADLINE: Duration = Duration::from_secs(20);
/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// Inputs that are read at once, at most: what each takes in memory is bounded, and so all of them are.
const AT_ONCE: usize = 2;

/// The places of the readers.
#[derive(Debug)]
pub struct Readers(Arc<Semaphore>);

impl Default for Readers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// How long a reader may go on. It asks often: at every entry, cell or part.
#[derive(Clone, Debug)]
pub struct Deadline {
    until: Instant,
    cancelled: Arc<AtomicBool>,
    stop: Stop,
}

impl Deadline {
    /// From now on.
    pub fn within(time: Duration) -> Self {
        Self { until: Instant::now() + time, cancelled: Arc::default(), stop: Stop::default() }
    }

    /// Whether the time is over, the client has gone, or the process stops.
    pub fn is_over(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) || self.stop.is_requested() || Instant::now() > self.until
    }

    /// Refuses to go on once the time is over.
    pub fn check(&self) -> Result<(), Error> {
        if self.is_over() { Err(overdue()) } else { Ok(()) }
    }
}

fn overdue() -> Error {
    Error::TooLarge(format!(
        "Reading this takes longer than {} s. Split it, or import it on the command line.",
        DEADLINE.as_secs()
    ))
}

/// Ends the work when no one waits for it any more.
struct Cancel(Arc<AtomicBool>);

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Reads foreign input on a thread that may be busy; the place is free again once the work has really ended. Says
/// that others are being read where no place gets free in time.
pub async fn read<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&Deadline) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let place = tokio::time::timeout(PATIENCE, Arc::clone(&app.readers.0).acquire_owned());
    let busy = || Error::Unavailable("Other files are being read. Try again in a moment.".into());
    let place = place.await.map_err(|_| busy())?.map_err(Error::internal)?;
    let deadline = Deadline { stop: app.stop.clone(), ..Deadline::within(DEADLINE) };
    let _cancel = Cancel(Arc::clone(&deadline.cancelled));
    let reading = tokio::task::spawn_blocking(move || {
        let _place = place;
        work(&deadline)
    });
    reading.await.map_err(Error::internal)?
}

/// Computes for a while without holding up the requests that share this thread. The work has a bound of its own.
pub fn compute<T>(work: impl FnOnce() -> T) -> T {
    match tokio::runtime::Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// For tests that measure memory: runs the present test again in a process of its own, where nothing else allocates.
/// Whether this is that process, which measures; the other one has seen it succeed.
pub fn alone() -> bool {
    const MARK: &str = "MUSTER_TEST_ALONE";
    let thread = std::thread::current();
    let name = thread.name().unwrap_or_default();
    // Tests that run one after the other run on the main thread.
    if std::env::var_os(MARK).is_some() || name == "main" {
        return true;
    }
    let mut test = std::process::Command::new(std::env::current_exe().unwrap_or_default());
    let outcome = test.args(["--exact", name, "--nocapture"]).env(MARK, "1").output();
    let passed = outcome
        .as_ref()
        .is_ok_and(|outcome| outcome.status.success() && String::from_utf8_lossy(&outcome.stdout).contains("1 passed"));
    assert!(passed, "{name}, alone: {outcome:?}");
    false
}

/// Does something; how much the process's memory peaked above what it was, in MiB, and the outcome. For tests of readers:
/// what is small as a file must stay small once it is read.
pub fn growth<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let now = |field: &str| -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or_default()
    };
    let before = now("VmHWM:").max(now("VmRSS:"));
    let outcome = work();
    (now("VmHWM:").saturating_sub(before) >> 10, outcome)
}
