//! What every operation needs: the database, the clock, the configuration, and what features bring along.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, DurationRound, NaiveDate, TimeDelta, Utc};

use crate::{
    background::{Background, Stop},
    clock::Clock,
    config::Config,
    db::Db,
    error::Error,
    slots::Slots,
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
    /// Which refusals were recorded this minute.
    pub refusals: Arc<Refusals>,
    /// How often something changed here that pages count.
    pub counts_changed: Arc<AtomicU64>,
    /// Totals and facets of lists, for some seconds.
    pub facets: Arc<crate::lists::FacetCache>,
    /// The organisation's time zone, for some seconds.
    pub zone: Arc<Zone>,
    /// Background work that fails, and since when.
    pub background: Arc<Background>,
    /// Places for reading what others wrote.
    pub readers: Arc<crate::foreign::Readers>,
    /// Whether the process was told to stop.
    pub stop: Stop,
    /// What features bring along.
    pub slots: Arc<Slots>,
}

impl App {
    /// Puts the parts together, with what features bring along.
    pub fn new(db: Db, clock: Clock, config: Config, slots: Slots) -> Self {
        Self {
            db,
            clock,
            config: Arc::new(config),
            refusals: Arc::default(),
            counts_changed: Arc::default(),
            facets: Arc::default(),
            zone: Arc::default(),
            background: Arc::default(),
            readers: Arc::default(),
            stop: Stop::default(),
            slots: Arc::new(slots),
        }
    }

    /// What a feature brought along. The list of features puts one of each type in, and a test at start asks for each.
    #[expect(clippy::panic, reason = "A missing slot is a mistake in the list of features, not of the input.")]
    pub fn slot<T: Send + Sync + 'static>(&self) -> &T {
        self.slots.get().unwrap_or_else(|| panic!("no feature brings a {}", std::any::type_name::<T>()))
    }

    /// Forgets what is counted for pages: something changed here, and its author looks for it.
    pub fn forget_counts(&self) {
        self.counts_changed.fetch_add(1, Ordering::Relaxed);
        self.facets.clear();
    }

    /// The day that it is in the organisation's time zone.
    pub async fn today(&self) -> Result<NaiveDate, Error> {
        let zone = if let Some(zone) = self.zone.get() {
            zone
        } else {
            let zone = crate::db::time_zone(&mut *self.db.read().await?).await?;
            self.zone.put(zone);
            zone
        };
        Ok(self.clock.now().with_timezone(&zone).date_naive())
    }
}

/// The organisation's time zone, read again after some seconds.
#[derive(Debug, Default)]
pub struct Zone(Mutex<Option<(Instant, chrono_tz::Tz)>>);

impl Zone {
    fn get(&self) -> Option<chrono_tz::Tz> {
        let kept = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.filter(|(at, _)| at.elapsed() < Duration::from_secs(5)).map(|(_, zone)| zone)
    }

    fn put(&self, zone: chrono_tz::Tz) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), zone));
    }

    /// Forgets it: it was set anew.
    pub fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
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
