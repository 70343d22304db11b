//! What one person drafts and another publishes: policy rules, workflows, questionnaires. Every
//! published version is kept; what runs under an older one goes on under it.

pub mod ops;
mod publication;
mod store;

use base::feature::{Constraint, Feature};
pub use publication::{Draft, NamedGroup, Proposal, Publication, Publishable, Published, Version, Versions};

/// What this feature declares.
pub static FEATURE: Feature = Feature {
    constraints: &[
        Constraint::field("publications_key_key", "/key", "This key is taken. Choose another."),
        Constraint::forbidden(
            "publication_versions_by_another",
            "Somebody who neither wrote nor proposed it publishes it.",
        ),
    ],
    ..Feature::named("publications")
};
