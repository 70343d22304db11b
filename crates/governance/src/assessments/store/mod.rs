//! The SQL of assessments.

pub mod assessments;
pub mod demands;
pub mod evidence;
pub mod findings;
pub mod merging;
pub mod vendors;
