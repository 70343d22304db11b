//! Totals and facets, kept for some seconds: they count up to ten thousand rows for each facet.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{Count, Facet};

/// How long they are kept.
const KEPT: Duration = Duration::from_secs(20);
/// Questions kept at most.
const MOST: usize = 500;

/// The total and the facets of a question.
type Counted = Arc<(Count, Vec<Facet>)>;
/// Whoever holds it counts.
type Turn = Arc<tokio::sync::Mutex<()>>;

/// Totals and facets by what was asked.
#[derive(Debug, Default)]
pub struct FacetCache(Mutex<HashMap<String, Entry>>);

/// What is kept of one question.
#[derive(Debug, Default)]
struct Entry {
    counted: Option<(Instant, Counted)>,
    turn: Turn,
}

impl FacetCache {
    /// What is kept; else the lock of whoever counts, so that one request counts for all.
    pub fn get(&self, subject: &str) -> Result<Counted, Turn> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(subject) {
            all.clear();
        }
        let entry = all.entry(subject.to_owned()).or_default();
        match &entry.counted {
            Some((at, counted)) if at.elapsed() < KEPT => Ok(counted.clone()),
            _ => Err(entry.turn.clone()),
        }
    }

    /// Keeps what was counted from `begun` on.
    pub fn put(&self, subject: String, begun: Instant, counted: Counted) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(subject).or_default().counted = Some((begun, counted));
    }

    /// Forgets everything: something changed here, and its author looks for it.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
