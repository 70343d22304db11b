//! A score on record, and what overrides it for a time.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Part;
use base::{audit::Record, check::Check, error::Error, words};

/// The risk of an integration as the model in force scores it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RiskScore {
    /// The integration.
    pub integration_id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// The model.
    pub model_id: Uuid,
    /// Its version.
    pub model_version: i32,
    /// What its factors add up to, 0 to 100.
    pub inherent: i32,
    /// The same less what mitigates.
    pub residual: i32,
    /// The name of the residual's range.
    pub band: String,
    /// What adds and what takes away; together the residual.
    pub parts: Vec<Part>,
    /// When it came to be this.
    pub scored_at: DateTime<Utc>,
}

impl Record for RiskScore {
    const KIND: &'static str = "risk_score";
    fn id(&self) -> Uuid {
        self.integration_id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}

words! {
    /// Whether an override is set.
    OverrideState, "/state" {
        /// It is; until its last day it holds.
        Set = "set",
        /// It was taken back.
        Lifted = "lifted",
    }
}

/// What somebody says the risk is, until a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Override {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// The integration, where it is one's.
    pub integration_id: Option<Uuid>,
    /// The vendor, where it is one's.
    pub vendor_id: Option<Uuid>,
    /// The residual risk, 0 to 100.
    pub residual: i32,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub ends_on: NaiveDate,
    /// Whether it is set.
    pub state: OverrideState,
    /// Who set it.
    pub set_by: Uuid,
    /// When.
    pub set_at: DateTime<Utc>,
    /// Who took it back.
    pub lifted_by: Option<Uuid>,
    /// When.
    pub lifted_at: Option<DateTime<Utc>>,
}

impl Record for Override {
    const KIND: &'static str = "risk_override";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}

impl Override {
    /// Whether it holds on a day.
    pub fn holds(&self, day: NaiveDate) -> bool {
        self.state == OverrideState::Set && day <= self.ends_on
    }
}

/// What is to hold instead of the score.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOverride {
    /// The residual risk, 0 to 100.
    pub residual: i32,
    /// Why.
    pub reason: String,
    /// The last day on which it holds; a year at most.
    pub ends_on: Option<NaiveDate>,
}

impl NewOverride {
    /// Tidies and checks; its last day.
    pub fn checked(self, today: NaiveDate) -> Result<(i32, String, NaiveDate), Error> {
        let mut check = Check::new();
        let mut reason = Some(self.reason);
        check.optional("/reason", &mut reason, 4000);
        if reason.is_none() {
            check.fault("/reason", "Say why the score is not what it should be.");
        }
        if !(0..=100).contains(&self.residual) {
            check.fault("/residual", "Give 0 to 100.");
        }
        match self.ends_on {
            None => check.fault("/ends_on", "Give the last day: no override is endless."),
            Some(day) if day < today => check.fault("/ends_on", "This day is past."),
            Some(day) if (day - today).num_days() > 366 => check.fault("/ends_on", "A year at most."),
            Some(_) => {}
        }
        check.finish()?;
        Ok((self.residual, reason.unwrap_or_default(), self.ends_on.unwrap_or(today)))
    }
}
