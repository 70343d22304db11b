//! The catalog's SQL.

pub mod apis;
pub mod comments;
pub mod data_classes;
pub mod merging;
pub mod systems;
mod vendor_names;
pub mod vendors;
pub mod versions;
