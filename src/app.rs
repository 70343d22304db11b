//! What every operation needs: the database, the clock, the pepper, the caches.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::{
    clock::Clock,
    config::Config,
    db::Db,
    identity::{Authorities, Pepper},
};

/// Shared by handlers, jobs and commands; cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// The database.
    pub db: Db,
    /// Time.
    pub clock: Clock,
    /// The checked configuration.
    pub config: Arc<Config>,
    /// What API tokens are hashed with.
    pub pepper: Arc<Pepper>,
    /// Who is who, for less than a second.
    pub authorities: Arc<Authorities>,
    /// Which refusals were recorded this minute.
    pub refusals: Arc<Refusals>,
    /// Counts of the rail, for 30 seconds.
    pub rail: Arc<crate::dashboard::RailCache>,
}

impl App {
    /// Puts the parts together.
    pub fn new(db: Db, clock: Clock, config: Config, pepper: Pepper) -> Self {
        Self {
            db,
            clock,
            config: Arc::new(config),
            pepper: Arc::new(pepper),
            authorities: Arc::default(),
            refusals: Arc::default(),
            rail: Arc::default(),
        }
    }
}

/// Refused attempts already on record in the present minute.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<(DateTime<Utc>, HashSet<String>)>);

impl Refusals {
    /// Whether this is the first of its kind in this minute.
    pub fn first_this_minute(&self, key: String, now: DateTime<Utc>) -> bool {
        let minute = now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now);
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.0 != minute {
            *seen = (minute, HashSet::new());
        }
        seen.1.len() < 10_000 && seen.1.insert(key)
    }
}
