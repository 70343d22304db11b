//! The tables of integrations: what is exported of data flows, scopes and credentials.

use super::ops::{self, FlowRow, GrantRow};
use base::{
    actor::Actor,
    app::App,
    lists::Query,
    tables::{Reading, Table, rows, whole},
};

/// The tables of this feature.
pub static ALL: &[&Table] = &[&DATA_FLOWS, &SCOPES, &CREDENTIALS];

/// Data flows; export only.
pub static DATA_FLOWS: Table = Table {
    key: "data_flows",
    command: "data-flows",
    spec: &ops::DATA_FLOWS,
    columns: &[
        "id",
        "integration",
        "integration_name",
        "state",
        "system_name",
        "api_name",
        "vendor_name",
        "data_class",
        "sensitivity",
        "regulations",
        "direction",
        "environments",
        "legal_basis",
        "locations",
        "outside_eea",
        "transfer_safeguard",
        "retention_days",
        "field_encryption",
        "dpa_status",
        "owner_name",
    ],
    derived: &[],
    read: rows::<FlowRow>,
    import: None,
};

/// Scopes; export only.
pub static SCOPES: Table = Table {
    key: "scopes",
    command: "scopes",
    spec: &ops::SCOPES,
    columns: &[
        "id",
        "integration",
        "integration_name",
        "state",
        "system_name",
        "api_name",
        "vendor_name",
        "scope",
        "justification",
        "requested",
        "approved_at",
        "granted_on",
        "last_used_on",
        "owner_name",
    ],
    derived: &[],
    read: rows::<GrantRow>,
    import: None,
};

/// Credentials; export only.
pub static CREDENTIALS: Table = Table {
    key: "credentials",
    command: "credentials",
    spec: &ops::CREDENTIALS,
    columns: &[
        "id",
        "slug",
        "name",
        "kind",
        "environment",
        "vault_reference",
        "fingerprint",
        "holder",
        "created_on",
        "maximum_age",
        "expires_on",
        "integrations",
        "description",
        "tags",
    ],
    derived: &["state", "rotated_on", "next_rotation_on"],
    read: credentials,
    import: None,
};

fn credentials<'a>(app: &'a App, actor: &'a Actor, table: &'static Table, query: &'a Query) -> Reading<'a> {
    Box::pin(whole(app, actor, table, query, async |ids| ops::get_credentials(app, actor, ids).await))
}
