//! The lists of rules, workflows, violations and exceptions.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use base::lists::{Filter, NAME_AND_TIME, Sort, Spec, Test};
use identity::{Actor, Permission};

const PUBLICATION_COLUMNS: &str = "t.id, t.key, t.title, t.mode, t.severity, t.version, t.updated_at, t.revision,
    case when t.proposed_by is not null then 'proposed' when t.draft is not null then 'draft' else 'published' end as standing,
    (select count(*) from violations x where x.rule_id = t.id and x.state = 'open') as open_violations";
const STANDING: Filter = Filter::facet(
    "standing",
    "Stands at",
    Test::Equals(
        "case when t.proposed_by is not null then 'proposed' when t.draft is not null then 'draft' else 'published' end",
    ),
);

/// The list of policy rules.
pub static RULES: Spec = Spec {
    kind: "policy_rule",
    from: "(select * from publications where kind = 'policy_rule') t",
    columns: PUBLICATION_COLUMNS,
    filters: &[
        Filter::facet("mode", "Mode", Test::Equals("t.mode")),
        Filter::facet("severity", "Severity", Test::Equals("t.severity")),
        STANDING,
    ],
    sorts: NAME_AND_TIME,
};

/// The list of workflows.
pub static WORKFLOWS: Spec = Spec {
    kind: "workflow",
    from: "(select * from publications where kind = 'workflow') t",
    columns: PUBLICATION_COLUMNS,
    filters: &[Filter::facet("mode", "Use", Test::Equals("t.mode")), STANDING],
    sorts: NAME_AND_TIME,
};

/// The list of risk models.
pub static RISK_MODELS: Spec = Spec {
    kind: "risk_model",
    from: "(select * from publications where kind = 'risk_model') t",
    columns: PUBLICATION_COLUMNS,
    filters: &[STANDING],
    sorts: NAME_AND_TIME,
};

/// A rule or workflow in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct PublicationRow {
    /// Immutable id.
    pub id: Uuid,
    /// Its key.
    pub key: String,
    /// Its title.
    pub title: String,
    /// Of a rule: `off`, `shadow`, `warn`, `block`. Of a workflow: `in_use` or `off`.
    pub mode: String,
    /// How grave a violation is.
    pub severity: String,
    /// The version in force; 0 where none is.
    pub version: i32,
    /// `draft`, `proposed` or `published`.
    pub standing: String,
    /// Violations that are open, excepted ones included.
    pub open_violations: i64,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
}

/// Where a violation stands on a day.
const VIOLATION_STANDING: &str = "case when t.state = 'fixed' then 'fixed' when exists (select from exceptions e
    where e.integration_id = t.integration_id and e.rule_id = t.rule_id and e.state = 'granted' and e.ends_on >= {today})
    then 'excepted' else 'open' end";

/// The list of violations that somebody sees: those of rules in shadow are for who governs.
pub fn violations_list(actor: &Actor) -> &'static Spec {
    if actor.may(Permission::Govern) { &ALL_VIOLATIONS } else { &VIOLATIONS }
}

/// The list of violations, without those of rules in shadow.
pub static VIOLATIONS: Spec = Spec {
    kind: "violation",
    from: "(select * from violations where mode <> 'shadow') t join publications r on r.id = t.rule_id
        join integrations i on i.id = t.integration_id
        join apis a on a.id = i.api_id join vendors v on v.id = a.vendor_id left join teams o on o.id = i.business_owner_id",
    ..VIOLATION_LIST
};

/// The list of all violations.
static ALL_VIOLATIONS: Spec = Spec { kind: "any_violation", ..VIOLATION_LIST };

const VIOLATION_LIST: Spec = Spec {
    kind: "violation",
    from: "violations t join publications r on r.id = t.rule_id join integrations i on i.id = t.integration_id
        join apis a on a.id = i.api_id join vendors v on v.id = a.vendor_id left join teams o on o.id = i.business_owner_id",
    columns: "t.id, r.key as rule, r.title as rule_title, t.severity, t.mode, t.failed, t.times, t.opened_at, t.fixed_at,
        t.first_seen_at, t.fingerprint, t.updated_at, t.revision, t.finding -> 'matched' as matched,
        t.finding ->> 'failure' as failure, i.slug as integration, i.name as integration_name, i.state as integration_state,
        v.name as vendor_name, o.name as owner_name,
        (select max(e.ends_on) from exceptions e where e.integration_id = t.integration_id and e.rule_id = t.rule_id
            and e.state = 'granted' and e.ends_on >= {today}) as excepted_until,
        case when t.state = 'fixed' then 'fixed' when exists (select from exceptions e
            where e.integration_id = t.integration_id and e.rule_id = t.rule_id and e.state = 'granted'
            and e.ends_on >= {today}) then 'excepted' else 'open' end as standing",
    filters: &[
        Filter::facet("standing", "Stands at", Test::Equals(VIOLATION_STANDING)),
        Filter::facet("severity", "Severity", Test::Equals("t.severity")),
        Filter::facet("mode", "Mode", Test::Equals("t.mode")),
        Filter::facet("rule", "Rule", Test::Named("r.key", "r.title")),
        Filter::facet("owner", "Owner", Test::Named("o.slug", "o.name")),
        Filter::facet("vendor", "Vendor", Test::Named("v.slug", "v.name")),
        Filter::facet("state", "Integration", Test::Equals("i.state")),
        Filter::plain("integration", "Integration", Test::Equals("i.slug")),
        Filter::plain("failed", "Not evaluated", Test::Equals("case when t.failed then 'yes' else 'no' end")),
        Filter::plain(
            "team",
            "Team",
            Test::Within(
                "t.integration_id in (select k.id from integrations k join systems s on s.id = k.system_id
                  join teams x on x.id in (k.business_owner_id, k.technical_owner_id, k.backup_owner_id, s.team_id)
                  where x.slug = any({values}))",
            ),
        ),
    ],
    sorts: &[
        Sort { name: "opened_at", column: "t.opened_at", cast: "timestamptz", label: "Opened" },
        NAME_AND_TIME[0],
        NAME_AND_TIME[1],
    ],
};

/// A violation in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct ViolationRow {
    /// Immutable id.
    pub id: Uuid,
    /// SHA-256 over rule and integration, in hexadecimal.
    pub fingerprint: String,
    /// The rule's key.
    pub rule: String,
    /// What it demands.
    pub rule_title: String,
    /// How grave it is.
    pub severity: String,
    /// What follows.
    pub mode: String,
    /// `open`, `excepted` or `fixed`, today.
    pub standing: String,
    /// The last day of the exception that holds.
    pub excepted_until: Option<NaiveDate>,
    /// The values that made it fire.
    #[schema(value_type = Vec<crate::policy::Matched>)]
    pub matched: serde_json::Value,
    /// Why it could not be evaluated.
    pub failure: Option<String>,
    /// Slug of the integration.
    pub integration: String,
    /// Its name.
    pub integration_name: String,
    /// Its state.
    pub integration_state: String,
    /// The vendor's name.
    pub vendor_name: String,
    /// The name of the team that answers for it.
    pub owner_name: Option<String>,
    /// When it was first seen.
    pub first_seen_at: DateTime<Utc>,
    /// Since when it is open.
    pub opened_at: DateTime<Utc>,
    /// When it was fixed.
    pub fixed_at: Option<DateTime<Utc>>,
    /// How often it was opened.
    pub times: i32,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
}

/// The list of exceptions.
pub static EXCEPTIONS: Spec = Spec {
    kind: "exception",
    from: "exceptions t join publications r on r.id = t.rule_id join integrations i on i.id = t.integration_id
        left join people p on p.id = t.requested_by left join people d on d.id = t.decided_by
        left join teams o on o.id = i.business_owner_id",
    columns:
        "t.id, r.key as rule, r.title as rule_title, r.severity, i.slug as integration, i.name as integration_name,
        t.reason, t.compensating_control, t.ends_on, t.extends, t.requested_at, t.decided_at, t.decision_reason,
        p.name as requester_name, d.name as decider_name, o.name as owner_name, t.updated_at, t.revision,
        case when t.state = 'granted' and t.ends_on < {today} then 'ended' else t.state end as standing",
    filters: &[
        Filter::facet(
            "standing",
            "Stands at",
            Test::Equals("case when t.state = 'granted' and t.ends_on < {today} then 'ended' else t.state end"),
        ),
        Filter::facet("severity", "Severity", Test::Equals("r.severity")),
        Filter::facet("rule", "Rule", Test::Named("r.key", "r.title")),
        Filter::facet("owner", "Owner", Test::Named("o.slug", "o.name")),
        Filter::plain("integration", "Integration", Test::Equals("i.slug")),
        Filter::plain("ends_before", "Ends before", Test::Before("t.ends_on")),
    ],
    sorts: &[
        Sort { name: "ends_on", column: "t.ends_on", cast: "date", label: "Last day" },
        NAME_AND_TIME[0],
        NAME_AND_TIME[1],
    ],
};

/// An exception in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct ExceptionRow {
    /// Immutable id.
    pub id: Uuid,
    /// The rule's key.
    pub rule: String,
    /// What it demands.
    pub rule_title: String,
    /// How grave a violation is.
    pub severity: String,
    /// Slug of the integration.
    pub integration: String,
    /// Its name.
    pub integration_name: String,
    /// `requested`, `granted`, `denied`, `revoked`, or `ended` today.
    pub standing: String,
    /// Why it cannot be mended now.
    pub reason: String,
    /// What keeps the risk small meanwhile.
    pub compensating_control: String,
    /// The last day on which it holds.
    pub ends_on: NaiveDate,
    /// The exception that it extends.
    pub extends: Option<Uuid>,
    /// Who asked.
    pub requester_name: Option<String>,
    /// When.
    pub requested_at: DateTime<Utc>,
    /// Who decided.
    pub decider_name: Option<String>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// Why.
    pub decision_reason: Option<String>,
    /// The name of the team that answers for the integration.
    pub owner_name: Option<String>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
}
