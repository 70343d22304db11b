//! Authority as read from the database, kept for less than a second.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::Authority;

/// How long a reading holds. A revocation counts within a second, so this stays below one.
const HOLDS: Duration = Duration::from_millis(700);
/// Entries kept at most; the cache starts anew beyond.
const MOST: usize = 10_000;

/// Authorities by the hash of the session or the token that proved them.
#[derive(Debug, Default)]
pub struct Authorities(Mutex<HashMap<Vec<u8>, Reading>>);

/// When a reading was begun, and what it said.
type Reading = (Instant, Arc<Authority>);

impl Authorities {
    /// A fresh reading, if there is one.
    pub fn get(&self, proof: &[u8]) -> Option<Arc<Authority>> {
        let cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, authority) = cache.get(proof)?;
        (at.elapsed() < HOLDS).then(|| Arc::clone(authority))
    }

    /// Keeps a reading that was begun at `begun`.
    pub fn put(&self, proof: Vec<u8>, begun: Instant, authority: Arc<Authority>) {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= MOST {
            cache.clear();
        }
        cache.insert(proof, (begun, authority));
    }

    /// Forgets everything: somebody's rights changed here.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
