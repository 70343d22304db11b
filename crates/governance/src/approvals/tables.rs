//! The tables of approvals: what is exported of requests and conditions, and integrations both ways, since an import of
//! them is a proposal.

use serde_json::{Map, Value};

use super::ops::{self, ConditionRow, RequestRow};
use base::{
    actor::{Actor, Permission},
    app::App,
    db::{Open, WriteTx},
    lists::Query,
    tables::{Import, Reading, Saving, Table, rows, whole},
};
use register::integrations;

/// The tables of this feature.
pub static ALL: &[&Table] = &[&INTEGRATIONS, &REQUESTS, &CONDITIONS];

/// Integrations with their parts. An import proposes them; nothing goes live by it.
pub static INTEGRATIONS: Table = Table {
    key: "integrations",
    command: "integrations",
    spec: &integrations::ops::INTEGRATIONS,
    columns: &[
        "id",
        "slug",
        "name",
        "system",
        "api",
        "version",
        "purpose",
        "business_logic",
        "business_owner",
        "technical_owner",
        "backup_owner",
        "criticality",
        "exposure",
        "initiated_by",
        "environments",
        "data_flows",
        "scopes",
        "rate_limit",
        "rate_limit_per",
        "gateway_route",
        "inbound_validation",
        "inbound_inspection",
        "tls_minimum",
        "peer_verification",
        "token_lifetime_minutes",
        "exit_plan",
        "upstreams",
        "next_review_on",
        "tags",
    ],
    derived: &["state", "direction", "sensitivity"],
    read: live,
    import: Some(Import { permission: Permission::Propose, save: save_integration, applied: |_| {} }),
};

/// Change requests; export only.
pub static REQUESTS: Table = Table {
    key: "requests",
    command: "requests",
    spec: &ops::REQUESTS,
    columns: &[
        "id",
        "title",
        "kind",
        "state",
        "integration",
        "integration_name",
        "vendor_name",
        "requester_name",
        "reason",
        "round",
        "submitted_at",
        "closed_at",
        "waiting_for",
        "waiting_since",
    ],
    derived: &[],
    read: rows::<RequestRow>,
    import: None,
};

/// Conditions of approvals; export only.
pub static CONDITIONS: Table = Table {
    key: "conditions",
    command: "conditions",
    spec: &ops::CONDITIONS,
    columns: &[
        "id",
        "request_id",
        "request",
        "text",
        "owner",
        "owner_name",
        "due_on",
        "timing",
        "standing",
        "met_at",
        "met_by_name",
        "note",
        "decided_by_name",
        "integration",
        "integration_name",
    ],
    derived: &[],
    read: rows::<ConditionRow>,
    import: None,
};

fn live<'a>(app: &'a App, actor: &'a Actor, table: &'static Table, query: &'a Query) -> Reading<'a> {
    Box::pin(whole(app, actor, table, query, async |ids| integrations::ops::get_integrations(app, actor, ids).await))
}

fn save_integration<'a>(
    app: &'a App,
    tx: &'a mut WriteTx<Open>,
    keys: &'a [String],
    fields: Map<String, Value>,
) -> Saving<'a> {
    Box::pin(ops::save_row(app, tx, keys, fields))
}
