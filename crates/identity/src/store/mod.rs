//! The SQL of identity.

pub mod access;
pub mod flows;
pub mod grants;
pub mod groups;
pub mod local;
pub mod passkeys;
pub mod people;
pub mod preferences;
pub mod review;
pub mod scim;
pub mod service_accounts;
pub mod tokens;

/// A row that the application could not have written.
pub(super) fn impossible(what: &str) -> base::error::Error {
    base::error::Error::internal(format!("impossible row: {what}"))
}
