//! The SQL of change requests and saved views; private to the feature.

pub mod conditions;
pub mod delegations;
pub mod facts;
pub mod requests;
pub mod stages;
pub mod views;
