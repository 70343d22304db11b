//! What comes in from outside: vendors' OpenAPI documents, and tables as CSV or NDJSON. Reading is
//! pure and bounded; everything is written through the catalog's and identity's operations.

pub mod openapi;
pub mod tables;
pub mod uploads;
