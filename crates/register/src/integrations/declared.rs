//! What integrations declare: their kinds of records, tables and constraints.

use base::feature::{Constraint, Feature, RecordKind};

use super::tables;

/// What this feature declares.
pub static FEATURE: Feature = Feature {
    records: &[
        RecordKind::of("integration")
            .named("select name from integrations where id = e.subject_id")
            .found("select id from integrations where slug = lower($1) or sort_key = $2")
            .at("integrations"),
        RecordKind::of("credential")
            .named("select name from credentials where id = e.subject_id")
            .found("select id from credentials where slug = lower($1) or sort_key = $2")
            .at("credentials"),
    ],
    tables: tables::ALL,
    constraints: &[
        Constraint::field("integrations_slug_key", "/slug", "This slug is taken. Choose another."),
        Constraint::field("credentials_slug_key", "/slug", "This slug is taken. Choose another."),
        Constraint::field(
            "integrations_use_key",
            "/name",
            "This system uses this API under that name already. Choose another name.",
        ),
        Constraint::field("integrations_version", "/version", "This version is not one of this API."),
        Constraint::field(
            "credential_rotations_never_again",
            "/fingerprint",
            "This credential had this fingerprint before: nothing was rotated.",
        ),
    ],
    ..Feature::named("integrations")
};
