//! The SQL of identity.

pub mod access;
pub mod groups;
pub mod people;
pub mod service_accounts;
pub mod tokens;

/// A row that the application could not have written.
pub(super) fn impossible(what: &str) -> crate::error::Error {
    crate::error::Error::internal(format!("impossible row: {what}"))
}
