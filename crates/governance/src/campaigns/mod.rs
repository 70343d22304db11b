//! Recertification: campaigns over a filter of integrations, items with the evidence beside them,
//! and what was decided.

mod campaign;
mod item;
pub mod ops;
mod store;
pub mod tables;

pub use campaign::{Campaign, CampaignContent, CampaignState, Periods, Reviewers};
pub use item::{Decision, ItemEvidence, ItemState, OpenViolation, ReviewItem, ReviewVerdict};
