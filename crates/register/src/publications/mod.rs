//! What one person drafts and another publishes: policy rules, workflows, questionnaires. Every
//! published version is kept; what runs under an older one goes on under it.

pub mod ops;
mod publication;
mod store;

pub use publication::{Draft, NamedGroup, Proposal, Publication, Publishable, Published, Version, Versions};
