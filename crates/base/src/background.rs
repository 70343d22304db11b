//! Background work, item by item: an item that fails is logged, counted and tried again after a growing pause, and
//! never holds up the others. Also the signal by which all of it stops.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use uuid::Uuid;

use crate::error::Error;

/// Pause after the first failure of an item; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// Failures after which an item is reported as an error instead of a warning.
const PERSISTENT: u32 = 5;
/// Failing items remembered at most; what exceeds it is simply tried more often.
const REMEMBERED: usize = 10_000;

/// Whether the process was told to stop. Cheap to clone and to ask.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Tells everything that asks to stop.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether to stop before the next item.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The items that fail, by task and item.
#[derive(Debug, Default)]
pub struct Background {
    failing: Mutex<HashMap<(&'static str, Uuid), Failure>>,
}

#[derive(Debug)]
struct Failure {
    times: u32,
    next: Instant,
}

impl Background {
    /// Starts a run of a task over its items.
    pub fn run<'a>(&'a self, task: &'static str, stop: &'a Stop) -> Run<'a> {
        Run { background: self, stop, task, done: 0 }
    }

    /// Records how a whole task went that has no items of its own.
    pub fn settle_task(&self, task: &'static str, result: Result<(), Error>) {
        // The nil id stands for the task itself.
        self.settle(task, Uuid::nil(), result);
    }

    /// Whether a whole task may be tried: it did not fail, or its pause is over.
    pub fn is_due(&self, task: &'static str) -> bool {
        !self.resting(task).contains(&Uuid::nil())
    }

    fn resting(&self, task: &'static str) -> Vec<Uuid> {
        let now = Instant::now();
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing.iter().filter(|((of, _), failure)| *of == task && failure.next > now).map(|((_, id), _)| *id).collect()
    }

    /// `true` where the item succeeded.
    fn settle(&self, task: &'static str, item: Uuid, result: Result<(), Error>) -> bool {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (task, item);
        let succeeded = match result {
            Ok(()) => {
                if failing.remove(&key).is_some() {
                    tracing::info!(task, %item, "background work succeeded again");
                }
                true
            }
            Err(error) => {
                let times = failing.get(&key).map_or(0, |failure| failure.times) + 1;
                let pause = (FIRST_PAUSE * 2_u32.saturating_pow(times - 1).min(1000)).min(LONGEST_PAUSE);
                if failing.len() < REMEMBERED || failing.contains_key(&key) {
                    failing.insert(key, Failure { times, next: Instant::now() + pause });
                }
                let (error, seconds) = (cause(&error), pause.as_secs());
                if times >= PERSISTENT {
                    tracing::error!(task, %item, times, error, "background work keeps failing; next attempt in {seconds} s");
                } else {
                    tracing::warn!(task, %item, times, error, "background work failed; next attempt in {seconds} s");
                }
                metrics::counter!("muster_background_failures_total", "task" => task).increment(1);
                false
            }
        };
        let count = failing.keys().filter(|(of, _)| *of == task).count();
        metrics::gauge!("muster_background_failing_items", "task" => task)
            .set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
        succeeded
    }
}

/// What an operator can act on: an internal error shows its cause, as a log may.
fn cause(error: &Error) -> String {
    match error {
        Error::Internal(source) => format!("{source:#}"),
        other => other.to_string(),
    }
}

/// One run of a task over its items.
#[derive(Debug)]
pub struct Run<'a> {
    background: &'a Background,
    stop: &'a Stop,
    task: &'static str,
    done: usize,
}

impl Run<'_> {
    /// Whether to take another item: not once the process was told to stop.
    pub fn goes_on(&self) -> bool {
        !self.stop.is_requested()
    }

    /// Items that failed and whose pause is not over: leave them out.
    pub fn resting(&self) -> Vec<Uuid> {
        self.background.resting(self.task)
    }

    /// Records how one item went.
    pub fn settle(&mut self, item: Uuid, result: Result<(), Error>) {
        if self.background.settle(self.task, item, result) {
            self.done += 1;
        }
    }

    /// Items that succeeded in this run.
    pub fn done(&self) -> usize {
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_that_fails_rests_alone_and_is_forgotten_once_it_succeeds() {
        let (background, stop) = (Background::default(), Stop::default());
        let (bad, good) = (Uuid::now_v7(), Uuid::now_v7());
        let mut run = background.run("test", &stop);
        run.settle(bad, Err(Error::internal("broken")));
        run.settle(good, Ok(()));
        assert_eq!((run.done(), run.resting()), (1, vec![bad]));
        assert!(background.run("another", &stop).resting().is_empty(), "each task has its own");
        run.settle(bad, Ok(()));
        assert!(run.resting().is_empty());
        stop.request();
        assert!(!run.goes_on());
    }
}
