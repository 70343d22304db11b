//! Recertification: campaigns over a filter of integrations, items with the evidence beside them,
//! and what was decided.

mod campaign;
mod declared;
mod item;
pub mod ops;
mod store;
pub mod tables;

pub use campaign::{Campaign, CampaignContent, CampaignState, Periods, Reviewers};
pub use declared::FEATURE;
pub use item::{Decision, ItemEvidence, ItemState, OpenViolation, ReviewItem, ReviewVerdict};
