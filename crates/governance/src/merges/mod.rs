//! Merging two vendors or two APIs that are the same: one stays, the other retires and leads to it, and what referred to
//! it follows. A merge is on record and can be undone.

mod merge;
pub mod ops;
mod store;

pub use merge::{Merge, MergeKind, MergeState, NewMerge, Undo};
