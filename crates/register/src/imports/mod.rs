//! What comes in from outside: OpenAPI documents of vendors. Reading is
//! pure and bounded; everything is written through the catalog's and identity's operations.

pub mod openapi;
pub mod uploads;

/// Tables that are written without an audit event.
pub const HOUSEKEEPING: &[&str] = &["import_uploads"];
