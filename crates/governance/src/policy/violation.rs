//! A violation: one rule, one integration, from its first sight on. Whether it is excepted follows
//! from the exceptions at every look.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Finding, Matched};
use base::{audit::Record, words};

words! {
    /// Where it stands.
    ViolationState, "/state" {
        /// The rule fires.
        Open = "open",
        /// It fired, and does no more.
        Fixed = "fixed",
    }
}

/// A violation.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Violation {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// The integration.
    pub integration_id: Uuid,
    /// What was found last.
    pub finding: Finding,
    /// Where it stands.
    pub state: ViolationState,
    /// When it was first seen.
    pub first_seen_at: DateTime<Utc>,
    /// Since when it is open, this time.
    pub opened_at: DateTime<Utc>,
    /// When it was fixed.
    pub fixed_at: Option<DateTime<Utc>>,
    /// How often it was opened.
    pub times: i32,
}

impl Record for Violation {
    const KIND: &'static str = "violation";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}

/// What happens to a violation when its rule was evaluated.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Seen for the first time.
    Opened(Violation),
    /// Seen again after it was fixed.
    Reopened(Violation),
    /// Still there, with other values.
    Changed(Violation),
    /// No longer there.
    Fixed(Violation),
}

impl Step {
    /// The violation after it.
    pub fn violation(&self) -> &Violation {
        match self {
            Self::Opened(v) | Self::Reopened(v) | Self::Changed(v) | Self::Fixed(v) => v,
        }
    }

    /// The violation after it, alone.
    pub fn into_violation(self) -> Violation {
        match self {
            Self::Opened(v) | Self::Reopened(v) | Self::Changed(v) | Self::Fixed(v) => v,
        }
    }
}

impl Violation {
    /// What follows from what was found, if anything.
    pub fn step(
        known: Option<&Self>,
        integration_id: Uuid,
        found: Option<&Finding>,
        now: DateTime<Utc>,
    ) -> Option<Step> {
        // Whether an exception holds is no part of what was found: it is asked at every look.
        let plain = |finding: &Finding| Finding { excepted_until: None, ..finding.clone() };
        match (known, found) {
            (None, Some(finding)) => Some(Step::Opened(Self {
                id: Uuid::now_v7(),
                revision: 1,
                integration_id,
                finding: plain(finding),
                state: ViolationState::Open,
                first_seen_at: now,
                opened_at: now,
                fixed_at: None,
                times: 1,
            })),
            (Some(known), Some(finding)) if known.state == ViolationState::Fixed => Some(Step::Reopened(Self {
                revision: known.revision + 1,
                finding: plain(finding),
                state: ViolationState::Open,
                opened_at: now,
                fixed_at: None,
                times: known.times + 1,
                ..known.clone()
            })),
            (Some(known), Some(finding)) if !same(&known.finding, finding) => {
                Some(Step::Changed(Self { revision: known.revision + 1, finding: plain(finding), ..known.clone() }))
            }
            (Some(known), None) if known.state == ViolationState::Open => Some(Step::Fixed(Self {
                revision: known.revision + 1,
                state: ViolationState::Fixed,
                fixed_at: Some(now),
                ..known.clone()
            })),
            _ => None,
        }
    }
}

/// Whether it is the same but for days that pass. Whether an exception holds is no part of what was found.
fn same(known: &Finding, found: &Finding) -> bool {
    known.version == found.version
        && known.mode == found.mode
        && known.severity == found.severity
        && known.title == found.title
        && known.failure == found.failure
        && known.remediation == found.remediation
        && known.review_groups == found.review_groups
        && (known.matched == found.matched || Matched::timeless(&known.matched) == Matched::timeless(&found.matched))
}
