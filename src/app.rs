//! What every operation needs: the database, the clock, the pepper, the caches.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, DurationRound, NaiveDate, TimeDelta, Utc};

use crate::{
    background::{Background, Stop},
    clock::Clock,
    config::Config,
    db::Db,
    error::Error,
    identity::{Authorities, Pepper, oidc::Providers},
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
    /// Which refused sign-ins were recorded this minute: apart from the others, so that strangers cannot fill that set.
    pub refused_sign_ins: Arc<Refusals>,
    /// Counts of the rail, for 30 seconds.
    pub rail: Arc<crate::dashboard::RailCache>,
    /// Totals and facets of lists, for some seconds.
    pub facets: Arc<crate::lists::FacetCache>,
    /// Compiled rules.
    pub rules: Arc<crate::policy::ops::RuleCache>,
    /// The organisation's time zone, for some seconds.
    pub zone: Arc<Zone>,
    /// The identity providers, with what is known of them.
    pub providers: Arc<Providers>,
    /// Background work that fails, and since when.
    pub background: Arc<Background>,
    /// Places for reading what others wrote.
    pub readers: Arc<crate::foreign::Readers>,
    /// Whether the process was told to stop.
    pub stop: Stop,
}

impl App {
    /// Puts the parts together.
    pub fn new(db: Db, clock: Clock, config: Config, pepper: Pepper) -> Self {
        Self {
            db,
            clock,
            providers: Arc::new(Providers::new(&config.providers)),
            config: Arc::new(config),
            pepper: Arc::new(pepper),
            authorities: Arc::default(),
            refusals: Arc::default(),
            refused_sign_ins: Arc::default(),
            rail: Arc::default(),
            facets: Arc::default(),
            rules: Arc::default(),
            zone: Arc::default(),
            background: Arc::default(),
            readers: Arc::default(),
            stop: Stop::default(),
        }
    }

    /// Forgets what is counted for pages: something changed here, and its author looks for it.
    pub fn forget_counts(&self) {
        self.rail.clear();
        self.facets.clear();
    }

    /// The day that it is in the organisation's time zone.
    pub async fn today(&self) -> Result<NaiveDate, Error> {
        let zone = if let Some(zone) = self.zone.get() {
            zone
        } else {
            let zone = crate::settings::ops::time_zone(self).await?;
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
