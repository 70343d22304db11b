//! The tables of policy: what is exported of rules, workflows, risk models, violations and exceptions.

use super::ops::{self, ExceptionRow, PublicationRow, ViolationRow, violations_list};
use base::{
    actor::Actor,
    app::App,
    lists::Query,
    tables::{Reading, Table, rows, rows_of},
};

/// The tables of this feature.
pub static ALL: &[&Table] = &[&RULES, &WORKFLOWS, &RISK_MODELS, &VIOLATIONS, &EXCEPTIONS];

/// Policy rules; export only.
pub static RULES: Table = Table {
    key: "rules",
    command: "rules",
    spec: &ops::RULES,
    columns: &["id", "key", "title", "mode", "severity", "version", "standing", "open_violations", "updated_at"],
    derived: &[],
    read: rows::<PublicationRow>,
    import: None,
};

/// Workflows; export only.
pub static WORKFLOWS: Table = Table {
    key: "workflows",
    command: "workflows",
    spec: &ops::WORKFLOWS,
    columns: &["id", "key", "title", "mode", "severity", "version", "standing", "open_violations", "updated_at"],
    derived: &[],
    read: rows::<PublicationRow>,
    import: None,
};

/// The risk model; export only.
pub static RISK_MODELS: Table = Table {
    key: "risk_models",
    command: "risk-models",
    spec: &ops::RISK_MODELS,
    columns: &["id", "key", "title", "mode", "severity", "version", "standing", "open_violations", "updated_at"],
    derived: &[],
    read: rows::<PublicationRow>,
    import: None,
};

/// Violations; export only.
pub static VIOLATIONS: Table = Table {
    key: "violations",
    command: "violations",
    spec: &ops::VIOLATIONS,
    columns: &[
        "id",
        "fingerprint",
        "rule",
        "rule_title",
        "severity",
        "mode",
        "standing",
        "excepted_until",
        "matched",
        "failure",
        "integration",
        "integration_name",
        "integration_state",
        "vendor_name",
        "owner_name",
        "first_seen_at",
        "opened_at",
        "fixed_at",
        "times",
    ],
    derived: &[],
    read: violations,
    import: None,
};

/// Exceptions; export only.
pub static EXCEPTIONS: Table = Table {
    key: "exceptions",
    command: "exceptions",
    spec: &ops::EXCEPTIONS,
    columns: &[
        "id",
        "rule",
        "rule_title",
        "severity",
        "integration",
        "integration_name",
        "standing",
        "reason",
        "compensating_control",
        "ends_on",
        "requester_name",
        "requested_at",
        "decider_name",
        "decided_at",
        "decision_reason",
        "owner_name",
    ],
    derived: &[],
    read: rows::<ExceptionRow>,
    import: None,
};

/// Those of rules in shadow too, for a person who may see them.
fn violations<'a>(app: &'a App, actor: &'a Actor, _: &'static Table, query: &'a Query) -> Reading<'a> {
    Box::pin(rows_of::<ViolationRow>(app, actor, violations_list(actor), query))
}
