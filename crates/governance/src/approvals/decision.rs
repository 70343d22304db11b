//! Stages and decisions: who decides on what, and what was decided.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use base::words;

words! {
    /// What someone decides.
    Verdict, "/verdict" {
        /// It may be.
        Approve = "approve",
        /// It may be, and something has to be done for it.
        ApproveWithConditions = "approve_with_conditions",
        /// Not like this.
        RequestChanges = "request_changes",
        /// No.
        Reject = "reject",
    }
}

impl Verdict {
    /// Whether it counts for its stage.
    pub fn approves(self) -> bool {
        matches!(self, Self::Approve | Self::ApproveWithConditions)
    }
}

words! {
    /// When a condition has to be met.
    #[derive(Default)]
    Timing, "/timing" {
        /// Before it goes live: until then the request waits, approved.
        #[default]
        BeforeLive = "before_live",
        /// Afterwards, by its date.
        AfterLive = "after_live",
    }
}

/// What has to be done for an approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Condition {
    /// Immutable id.
    pub id: Uuid,
    /// The decision that it belongs to.
    pub decision_id: Uuid,
    /// What has to be done.
    pub text: String,
    /// Slug of the team that does it.
    pub owner: String,
    /// The team's id.
    pub owner_id: Uuid,
    /// By which day.
    pub due_on: NaiveDate,
    /// Before or after going live.
    pub timing: Timing,
    /// When it was met.
    pub met_at: Option<DateTime<Utc>>,
    /// Who says so.
    pub met_by: Option<Uuid>,
    /// What was done.
    pub note: Option<String>,
}

/// A condition to be set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewCondition {
    /// What has to be done.
    pub text: String,
    /// Id or slug of the team that does it.
    pub owner: String,
    /// By which day.
    pub due_on: Option<NaiveDate>,
    /// Before or after going live.
    pub timing: Timing,
}

/// One step on the way: so many approvals by one review group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stage {
    /// From 1 on.
    pub position: i32,
    /// Its name.
    pub name: String,
    /// The group that decides.
    pub review_group_id: Uuid,
    /// The group's name today.
    pub review_group: String,
    /// How many approvals it needs.
    pub approvals_needed: i32,
    /// Since when it is open.
    pub opened_at: Option<DateTime<Utc>>,
    /// Working hours after which it is overdue.
    #[serde(default)]
    pub due_hours: Option<i32>,
    /// When it becomes overdue.
    #[serde(default)]
    pub due_at: Option<DateTime<Utc>>,
    /// When those who decide are reminded of it.
    #[serde(default)]
    pub remind_at: Option<DateTime<Utc>>,
    /// The key of the rule that called it in.
    #[serde(default)]
    pub called_in_by: Option<String>,
    /// The group that decides as well, since it was overdue.
    #[serde(default)]
    pub escalated_to: Option<Uuid>,
    /// The name of that group today.
    #[serde(default)]
    pub escalated_group: Option<String>,
    /// Since when.
    #[serde(default)]
    pub escalated_at: Option<DateTime<Utc>>,
}

/// A decision on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// Immutable id.
    pub id: Uuid,
    /// The stage.
    pub position: i32,
    /// The submission that was decided on.
    pub round: i32,
    /// What was decided.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// By whom.
    pub decided_by: Uuid,
    /// For whom, where that was by delegation.
    #[serde(default)]
    pub decided_for: Option<Uuid>,
    /// The content that was decided on.
    pub content_hash: String,
    /// The same without what is immaterial; an approval counts while this is the content's.
    pub material_hash: String,
    /// When.
    pub decided_at: DateTime<Utc>,
    /// Whether it no longer counts: who made it was disabled or lost the seat before the request closed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lapsed: bool,
}

/// A decision to be made.
#[derive(Clone, Debug)]
pub struct NewDecision {
    /// The decision's id.
    pub id: Uuid,
    /// For whom, where that is by delegation.
    pub decided_for: Option<Uuid>,
    /// What is decided.
    pub verdict: Verdict,
    /// Why; always needed.
    pub reason: String,
    /// The hash of the content that was looked at.
    pub content_hash: String,
    /// What has to be done for an approval with conditions.
    pub conditions: Vec<NewCondition>,
}

impl NewDecision {
    /// A decision in one's own name, without conditions.
    pub fn new(verdict: Verdict, reason: impl Into<String>, content_hash: impl Into<String>) -> Self {
        Self {
            id: Uuid::now_v7(),
            decided_for: None,
            verdict,
            reason: reason.into(),
            content_hash: content_hash.into(),
            conditions: Vec::new(),
        }
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Requester {
    /// A person.
    pub person: Option<Uuid>,
    /// A service account.
    pub service_account: Option<Uuid>,
}
