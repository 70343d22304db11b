//! Merging two vendors or two APIs that are the same: one stays, the other retires and leads to it, and what referred to
//! it follows. A merge is on record and can be undone.

mod merge;
pub mod ops;
mod store;

use base::feature::{Constraint, Feature, RecordKind};
pub use merge::{Merge, MergeKind, MergeState, NewMerge, Undo};

/// What this feature declares.
pub static FEATURE: Feature = Feature {
    records: &[
        RecordKind::of("merge").named("select coalesce(v.name, a.name) || ' into ' || coalesce(w.name, b.name) from merges t left join vendors v on v.id = t.source_id left join apis a on a.id = t.source_id left join vendors w on w.id = t.target_id left join apis b on b.id = t.target_id where t.id = e.subject_id"),
    ],
    constraints: &[
        Constraint::conflict("merged_away", "It names a vendor or an API that was merged into another one. Name that one instead; an open request is edited or rebased."),
    ],
    ..Feature::named("merges")
};
