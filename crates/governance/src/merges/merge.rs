//! A merge on record.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use base::{audit::Record, check::Check, error::Error, words};
use register::catalog::{Dropped, MovedRecord};

words! {
    /// What was merged.
    MergeKind, "/kind" {
        /// Two vendors.
        Vendor = "vendor",
        /// Two APIs.
        Api = "api",
    }
}

words! {
    /// Whether it is in effect.
    MergeState, "/state" {
        /// The source leads to the target.
        Merged = "merged",
        /// Both are what they were.
        Undone = "undone",
    }
}

/// What to merge into, and why.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMerge {
    /// Id or slug of the record that stays.
    pub into: String,
    /// Why the two are the same.
    pub reason: String,
}

impl NewMerge {
    /// Tidies and checks.
    pub fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        check.required("/into", &mut self.into, 100);
        check.required("/reason", &mut self.reason, 2000);
        check.finish()?;
        Ok(self)
    }
}

/// One record was merged into another of its kind.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Merge {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// What was merged.
    pub kind: MergeKind,
    /// The record that retired and leads to the other one.
    pub source_id: Uuid,
    /// The record that stayed.
    pub target_id: Uuid,
    /// Why the two are the same.
    pub reason: String,
    /// Whether it is in effect.
    pub state: MergeState,
    /// The records that referred to the source and refer to the target since.
    pub moved: Vec<MovedRecord>,
    /// Who merged them.
    pub merged_by: Uuid,
    /// When.
    pub merged_at: DateTime<Utc>,
    /// Who undid it.
    pub undone_by: Option<Uuid>,
    /// When.
    pub undone_at: Option<DateTime<Utc>>,
    /// What undoing it needs.
    #[serde(skip)]
    pub undo: Undo,
}

/// What undoing a merge needs to know.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Undo {
    /// The source's content before.
    pub source: Value,
    /// The target's content before.
    pub target_before: Value,
    /// The target's content after.
    pub target_after: Value,
    /// Slugs that lead to the target since.
    pub slugs: Vec<String>,
    /// What had been merged into the source before.
    pub followers: Vec<Uuid>,
    /// The version that each moved integration named before, and the one that it names since.
    pub versions: Vec<(Uuid, Uuid, Option<Uuid>)>,
    /// The current version of the source before.
    pub current_version: Option<Uuid>,
    /// The target's parent before.
    pub parent_before: Option<Uuid>,
    /// When and by whom the target was verified, where the merge ended that.
    pub verified: Option<(DateTime<Utc>, Uuid)>,
    /// Dependencies that went.
    pub dropped: Vec<Dropped>,
}

impl Record for Merge {
    const KIND: &'static str = "merge";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}
