//! A campaign: what is looked at again, by whom, until when, and what happens to what is late.

use chrono::{DateTime, Months, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use base::{audit::Record, check::Check, error::Error, words};
use register::integrations::Criticality;

words! {
    /// Who decides on the items.
    #[derive(Default)]
    Reviewers, "/reviewers" {
        /// The team that answers for each integration.
        #[default]
        Owner = "owner",
        /// A review group.
        Group = "group",
    }
}

words! {
    /// Where a campaign stands.
    CampaignState, "/state" {
        /// It begins on its first day.
        Planned = "planned",
        /// Items wait for decisions.
        Running = "running",
        /// Every item is closed.
        Ended = "ended",
    }
}

/// Months until the next review, by criticality; what was kept is due again then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Periods {
    /// Of critical ones.
    pub critical: u32,
    /// Of high ones.
    pub high: u32,
    /// Of medium ones, and where nothing is said.
    pub medium: u32,
    /// Of low ones.
    pub low: u32,
}

impl Default for Periods {
    fn default() -> Self {
        Self { critical: 6, high: 12, medium: 12, low: 24 }
    }
}

impl Periods {
    /// The day on which something is looked at again.
    pub fn next(&self, day: NaiveDate, criticality: Option<Criticality>) -> NaiveDate {
        let months = match criticality {
            Some(Criticality::Critical) => self.critical,
            Some(Criticality::High) => self.high,
            Some(Criticality::Medium) | None => self.medium,
            Some(Criticality::Low) => self.low,
        };
        day.checked_add_months(Months::new(months)).unwrap_or(day)
    }
}

/// What a governance lead writes of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignContent {
    /// What it is called.
    pub title: String,
    /// The integrations it is over: the filter of their list, such as `sensitivity=restricted`. Those in
    /// use where it names no state.
    #[serde(default)]
    pub filter: String,
    /// Who decides.
    #[serde(default)]
    pub reviewers: Reviewers,
    /// Slug of the review group, where one decides.
    #[serde(default)]
    pub review_group: Option<String>,
    /// Its first day; today where left out.
    #[serde(default)]
    pub starts_on: Option<NaiveDate>,
    /// Its last day.
    pub ends_on: Option<NaiveDate>,
    /// Slug of the review group that decides on what is late.
    #[serde(default)]
    pub escalates_to: Option<String>,
    /// Days after its last day on which what is still open is suspended; never where left out.
    #[serde(default)]
    pub suspend_after_days: Option<i32>,
    /// Whether what has not changed since its last certification, and has no findings, is closed by itself.
    #[serde(default)]
    pub auto_close: bool,
    /// Months after which the next one begins; none where left out.
    #[serde(default)]
    pub repeats_months: Option<i32>,
    /// When what was kept is due again.
    #[serde(default)]
    pub periods: Periods,
}

impl CampaignContent {
    /// Tidies and checks; names every fault.
    pub fn checked(mut self, today: NaiveDate) -> Result<Self, Error> {
        let mut check = Check::new();
        check.required("/title", &mut self.title, 200);
        self.filter = self.filter.trim().trim_start_matches('?').to_owned();
        check.identifier("/filter", &self.filter, 2000);
        check.reference("/review_group", &mut self.review_group, 100);
        check.reference("/escalates_to", &mut self.escalates_to, 100);
        match (self.reviewers, &self.review_group) {
            (Reviewers::Group, None) => check.fault("/review_group", "Name the review group that decides."),
            (Reviewers::Owner, Some(_)) => check.fault("/review_group", "The owners decide; leave this out."),
            _ => {}
        }
        let starts = self.starts_on.unwrap_or(today);
        self.starts_on = Some(starts);
        check.day("/starts_on", self.starts_on);
        check.day("/ends_on", self.ends_on);
        if starts < today {
            check.fault("/starts_on", "This day is past.");
        }
        match self.ends_on {
            None => check.fault("/ends_on", "Give the last day."),
            Some(ends) if ends <= starts => check.fault("/ends_on", "It ends after it begins."),
            Some(_) => {}
        }
        if self.suspend_after_days.is_some_and(|days| !(1..=365).contains(&days)) {
            check.fault("/suspend_after_days", "Give 1 to 365 days.");
        }
        if self.suspend_after_days.is_some() && self.escalates_to.is_none() {
            check.fault("/escalates_to", "Nothing is suspended before somebody else was asked: name who.");
        }
        let span = self.ends_on.map(|ends| (ends - starts).num_days()).unwrap_or_default();
        if self.repeats_months.is_some_and(|months| !(1..=60).contains(&months) || i64::from(months) * 28 < span) {
            check.fault("/repeats_months", "Give 1 to 60 months, longer than the campaign itself.");
        }
        let periods = [self.periods.critical, self.periods.high, self.periods.medium, self.periods.low];
        if periods.iter().any(|months| !(1..=60).contains(months)) {
            check.fault("/periods", "Give 1 to 60 months for each.");
        }
        check.finish()?;
        Ok(self)
    }

    /// The filter as pairs; what is in use where it names no state.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(self.filter.as_bytes())
            .into_owned()
            .filter(|(name, _)| name != "sort")
            .collect();
        if !pairs.iter().any(|(name, _)| name == "state") {
            pairs.extend(["active", "suspended", "deprecated"].map(|state| ("state".to_owned(), state.to_owned())));
        }
        pairs
    }
}

/// A campaign.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Campaign {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// Where it stands.
    pub state: CampaignState,
    /// The group that decides.
    pub review_group_id: Option<Uuid>,
    /// The group that decides on what is late.
    pub escalates_to_id: Option<Uuid>,
    /// The one before it, where it repeats.
    pub follows: Option<Uuid>,
    /// Who planned it; null when a script or the one before did.
    pub created_by: Option<Uuid>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When its items were made.
    pub launched_at: Option<DateTime<Utc>>,
    /// When the last item was closed.
    pub ended_at: Option<DateTime<Utc>>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// What was planned.
    #[serde(flatten)]
    pub content: CampaignContent,
}

impl Record for Campaign {
    const KIND: &'static str = "campaign";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}

impl Campaign {
    /// Its first day.
    pub fn starts_on(&self) -> NaiveDate {
        self.content.starts_on.unwrap_or_else(|| self.created_at.date_naive())
    }
    /// Its last day.
    pub fn ends_on(&self) -> NaiveDate {
        self.content.ends_on.unwrap_or_else(|| self.created_at.date_naive())
    }
}
