//! How the use of third-party APIs is governed: rules and risk, assessments of vendors, approvals of changes, access
//! reviews, and merges of what was registered twice.

pub mod approvals;
pub mod assessments;
pub mod campaigns;
pub mod dashboard;
pub mod merges;
pub mod policy;
