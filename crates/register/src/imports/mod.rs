//! What comes in from outside: OpenAPI documents of vendors. Reading is
//! pure and bounded; everything is written through the catalog's and identity's operations.

pub mod openapi;
pub mod uploads;
use base::feature::Feature;

/// What this feature declares.
pub static FEATURE: Feature = Feature { housekeeping: &["import_uploads"], ..Feature::named("imports") };
