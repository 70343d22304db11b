//! Stages and decisions: who decides on what, and what was decided.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::words;

words! {
    /// What somebody decides.
    Verdict, "/verdict" {
        /// It may be.
        Approve = "approve",
        /// Not like this.
        RequestChanges = "request_changes",
        /// No.
        Reject = "reject",
    }
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
    /// The content that was decided on.
    pub content_hash: String,
    /// The same without what is immaterial; an approval counts while this is the content's.
    pub material_hash: String,
    /// When.
    pub decided_at: DateTime<Utc>,
}

/// A decision to be made.
#[derive(Clone, Debug)]
pub struct NewDecision {
    /// What is decided.
    pub verdict: Verdict,
    /// Why; always needed.
    pub reason: String,
    /// The hash of the content that was looked at.
    pub content_hash: String,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Requester {
    /// A person.
    pub person: Option<Uuid>,
    /// A service account.
    pub service_account: Option<Uuid>,
}
