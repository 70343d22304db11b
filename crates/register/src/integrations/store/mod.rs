//! The SQL of integrations and credentials; private to the feature.

pub mod credentials;
pub mod integrations;
pub mod merging;
pub mod parts;
pub mod references;
pub mod suggestions;
mod whole;
