//! Settings of the organisation: its name, time zone, working hours, and how long sessions hold.

pub mod ops;
mod store;
mod working;

use base::feature::{Feature, RecordKind};
use chrono::NaiveTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use base::{audit::Record, check::Check, error::Error, words};
use identity::Sensitive;
pub use working::due;

/// What this feature declares.
pub static FEATURE: Feature = Feature {
    records: &[RecordKind::of("settings").named("select organisation from installation")],
    ..Feature::named("settings")
};

/// What an admin sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsContent {
    /// The organisation's name, 200 characters at most.
    pub organisation: String,
    /// IANA time zone: due and expiry days are days there.
    pub time_zone: String,
    /// Working days, 1 (Monday) to 7.
    pub working_days: Vec<i16>,
    /// When work begins.
    pub working_from: NaiveTime,
    /// When work ends.
    pub working_until: NaiveTime,
    /// Minutes after which an idle session ends, 5 to 10,080.
    pub session_idle_minutes: i32,
    /// Minutes after which any session ends, 5 to 43,200.
    pub session_absolute_minutes: i32,
    /// Id or slug of the review group that decides on change requests; where it is left out, the only
    /// group there is.
    #[serde(default)]
    pub approval_group: Option<String>,
    /// Days for which an exception from a rule of critical severity holds at most, 1 to 1,000.
    #[serde(default = "days::<30>")]
    pub exception_days_critical: i32,
    /// The same for high severity.
    #[serde(default = "days::<90>")]
    pub exception_days_high: i32,
    /// The same for medium severity.
    #[serde(default = "days::<180>")]
    pub exception_days_medium: i32,
    /// The same for low severity.
    #[serde(default = "days::<365>")]
    pub exception_days_low: i32,
    /// Days for which someone who owned an integration, or moved its owners, does not decide on it, 0 to 3,650.
    #[serde(default = "days::<90>")]
    pub ownership_days: i32,
    /// Whether accounts with a password or passkey of Muster's own are open.
    #[serde(default)]
    pub local_accounts: LocalAccounts,
    /// What needs a sign-in of the last 15 minutes with a second factor.
    #[serde(default)]
    pub strong_for: Vec<Sensitive>,
}

words! {
    /// Whether there are local accounts.
    #[derive(Default)]
    LocalAccounts, "/local_accounts" {
        /// Passwords, authenticator apps and passkeys sign in.
        #[default]
        Open = "open",
        /// Providers and one-time links alone.
        Closed = "closed",
    }
}

fn days<const N: i32>() -> i32 {
    N
}

impl SettingsContent {
    /// Tidies and checks; names every fault.
    pub fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        check.required("/organisation", &mut self.organisation, 200);
        if self.time_zone.parse::<chrono_tz::Tz>().is_err() {
            check.fault("/time_zone", "Give a time zone by its IANA name, such as Europe/Berlin.");
        }
        self.working_days.sort_unstable();
        self.working_days.dedup();
        if self.working_days.is_empty() || self.working_days.iter().any(|day| !(1..=7).contains(day)) {
            check.fault("/working_days", "Give days from 1 (Monday) to 7, at least one.");
        }
        if self.working_until <= self.working_from {
            check.fault("/working_until", "Work ends after it begins.");
        }
        if !(5..=10_080).contains(&self.session_idle_minutes) {
            check.fault("/session_idle_minutes", "Give 5 to 10080 minutes.");
        }
        if !(5..=43_200).contains(&self.session_absolute_minutes) {
            check.fault("/session_absolute_minutes", "Give 5 to 43200 minutes.");
        }
        let exceptions = [
            ("/exception_days_critical", self.exception_days_critical),
            ("/exception_days_high", self.exception_days_high),
            ("/exception_days_medium", self.exception_days_medium),
            ("/exception_days_low", self.exception_days_low),
        ];
        for (pointer, _) in exceptions.into_iter().filter(|(_, days)| !(1..=1000).contains(days)) {
            check.fault(pointer, "Give 1 to 1000 days.");
        }
        if !(0..=3650).contains(&self.ownership_days) {
            check.fault("/ownership_days", "Give 0 to 3650 days.");
        }
        self.strong_for.sort_unstable();
        self.strong_for.dedup();
        check.reference("/approval_group", &mut self.approval_group, 100);
        check.finish()?;
        Ok(self)
    }
}

/// The settings, with their revision.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Settings {
    /// Rises with each change.
    pub revision: i64,
    /// What an admin set.
    #[serde(flatten)]
    pub content: SettingsContent,
}

impl Record for Settings {
    const KIND: &'static str = "settings";
    fn id(&self) -> Uuid {
        Uuid::nil()
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}
