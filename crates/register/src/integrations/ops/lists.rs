//! The lists: integrations, data flows, scopes.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use base::lists::{Filter, NAME_AND_TIME, Sort, Spec, Test};

const STATE: Filter = Filter::facet("state", "State", Test::Equals("t.state"));
pub(super) const TAG: Filter = Filter::verbatim("tag", "Tag", Test::Overlaps("t.tags"));

/// What teams own or use through their systems; each of the four is an index.
const OF_TEAMS: &str = "(t.business_owner_id = any(array(select x.id from teams x where x.slug = any({values})))
    or t.technical_owner_id = any(array(select x.id from teams x where x.slug = any({values})))
    or t.backup_owner_id = any(array(select x.id from teams x where x.slug = any({values})))
    or t.system_id = any(array(select y.id from systems y join teams x on x.id = y.team_id where x.slug = any({values}))))";

/// The list of integrations.
pub static INTEGRATIONS: Spec = Spec {
    kind: "integration",
    from: "integrations t join systems s on s.id = t.system_id join apis a on a.id = t.api_id
        join vendors v on v.id = a.vendor_id left join teams o on o.id = t.business_owner_id
        left join risk_scores k on k.integration_id = t.id",
    columns:
        "t.id, t.slug, t.name, t.state, t.sensitivity, t.criticality, t.exposure, t.direction, t.next_review_on, t.tags,
        t.updated_at, t.revision, s.name as system_name, s.slug as system_slug, a.name as api_name, a.slug as api_slug,
        v.name as vendor_name, v.slug as vendor_slug, v.tier as vendor_tier, o.name as owner_name, o.slug as owner_slug,
        (select b.name from teams b where b.id = t.backup_owner_id) as backup_name,
        (select r.state from change_requests r where r.integration_id = t.id
         and r.state in ('draft', 'open', 'changes_requested', 'approved')) as review,
        (select min(c.next_rotation_on) from credential_uses u join credentials c on c.id = u.credential_id
         where u.integration_id = t.id and c.state = 'active') as next_rotation_on",
    filters: &[
        STATE,
        Filter::facet(
            "review",
            "Review",
            Test::Equals(
                "(select r.state from change_requests r where r.integration_id = t.id
                  and r.state in ('draft', 'open', 'changes_requested', 'approved'))",
            ),
        ),
        Filter::facet("sensitivity", "Sensitivity", Test::Equals("t.sensitivity")),
        Filter::facet("risk", "Risk", Test::Equals("k.band")),
        Filter::facet("criticality", "Criticality", Test::Equals("t.criticality")),
        Filter::facet(
            "rotation",
            "Rotation",
            Test::Overlaps(
                "array(select case when c.next_rotation_on < {today} then 'overdue' else 'due' end
                 from credential_uses u join credentials c on c.id = u.credential_id
                 where u.integration_id = t.id and c.state = 'active' and c.next_rotation_on <= {today} + 30)",
            ),
        ),
        Filter::facet(
            "gap",
            "Gap",
            Test::Overlaps(
                "(case when t.state = 'retired' then '{}'::text[] else array_remove(array[
                    case when t.business_owner_id is null then 'no_business_owner' end,
                    case when t.technical_owner_id is null then 'no_technical_owner' end,
                    case when t.backup_owner_id is null then 'no_backup_owner' end,
                    case when t.sensitivity is null then 'unclassified' end,
                    case when t.criticality = 'critical' and t.exit_plan is null then 'no_exit_plan' end,
                    case when v.verified_at is null then 'unverified_vendor' end], null) end)",
            ),
        ),
        Filter::facet("owner", "Owner", Test::Named("o.slug", "o.name")),
        Filter::facet("vendor", "Vendor", Test::Named("v.slug", "v.name")),
        Filter::facet("system", "System", Test::Named("s.slug", "s.name")),
        Filter::facet("direction", "Direction", Test::Equals("t.direction")),
        Filter::facet("exposure", "Exposure", Test::Equals("t.exposure")),
        TAG,
        Filter::plain("api", "API", Test::Equals("a.slug")),
        Filter::plain("vendor_tier", "Vendor tier", Test::Equals("v.tier::text")),
        Filter::plain("team", "Team", Test::Within(OF_TEAMS)),
        Filter::plain(
            "environment",
            "Environment",
            Test::Within(
                "t.id in (select e.integration_id from integration_environments e where e.environment = any({values}))",
            ),
        ),
        Filter::plain(
            "data_class",
            "Data class",
            Test::Within(
                "t.id in (select f.integration_id from data_flows f join data_classes d on d.id = f.data_class_id
                  where d.key = any({values}))",
            ),
        ),
        Filter::plain(
            "scope",
            "Scope",
            Test::Within("t.id in (select g.integration_id from scope_grants g where g.scope = any({values}))"),
        ),
        Filter::plain(
            "outside_eu",
            "Data outside the EU",
            Test::Equals(
                "case when exists (select from data_flows f where f.integration_id = t.id and f.outside_eea) then 'yes' else 'no' end",
            ),
        ),
        Filter::plain("next_review_before", "Next review before", Test::Before("t.next_review_on")),
        Filter::plain(
            "rate_limited",
            "Rate limit",
            Test::Equals("case when t.rate_limit is null then 'no' else 'yes' end"),
        ),
        Filter::plain(
            "gateway",
            "Gateway route",
            Test::Equals("case when t.gateway_route is null then 'no' else 'yes' end"),
        ),
    ],
    sorts: &[
        NAME_AND_TIME[0],
        NAME_AND_TIME[1],
        Sort {
            name: "next_review_on",
            column: "coalesce(t.next_review_on, 'infinity'::date)",
            cast: "date",
            label: "Next review",
        },
    ],
};

/// An integration in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct IntegrationRow {
    /// Immutable id.
    pub id: Uuid,
    /// Human slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Where it is in its life.
    pub state: String,
    /// Where its unclosed change request stands.
    pub review: Option<String>,
    /// The highest sensitivity of its data flows.
    pub sensitivity: Option<String>,
    /// How bad it is when it does not work.
    pub criticality: Option<String>,
    /// Who meets it.
    pub exposure: Option<String>,
    /// Who calls whom.
    pub direction: String,
    /// When it is looked at again.
    pub next_review_on: Option<NaiveDate>,
    /// The first day on which one of its credentials has to change.
    pub next_rotation_on: Option<NaiveDate>,
    /// Tags.
    pub tags: Vec<String>,
    /// The system's name.
    pub system_name: String,
    /// The system's slug.
    pub system_slug: String,
    /// The API's name.
    pub api_name: String,
    /// The API's slug.
    pub api_slug: String,
    /// The vendor's name.
    pub vendor_name: String,
    /// The vendor's slug.
    pub vendor_slug: String,
    /// The vendor's tier.
    pub vendor_tier: Option<i16>,
    /// The name of the team that answers for it.
    pub owner_name: Option<String>,
    /// Its slug.
    pub owner_slug: Option<String>,
    /// The name of the team that steps in.
    pub backup_name: Option<String>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
}

/// The list of data flows. Where a class stands in the tree does not matter here: filter by key.
pub static DATA_FLOWS: Spec = Spec {
    kind: "data_flow",
    from: "data_flows t join integrations i on i.id = t.integration_id join data_classes d on d.id = t.data_class_id
        join systems s on s.id = i.system_id join apis a on a.id = i.api_id join vendors v on v.id = a.vendor_id
        left join teams o on o.id = i.business_owner_id",
    columns: "t.id, d.key as data_class, d.name as data_class_name, d.sensitivity, d.regulations, t.direction,
        t.environments, t.legal_basis, t.locations, t.outside_eea, t.transfer_safeguard, t.retention_days,
        t.field_encryption, t.updated_at, i.slug as integration, i.name as integration_name, i.state,
        s.name as system_name, a.name as api_name, v.name as vendor_name, v.slug as vendor_slug, v.dpa_status,
        o.name as owner_name",
    filters: &[
        Filter::facet("sensitivity", "Sensitivity", Test::Equals("d.sensitivity")),
        Filter::facet("direction", "Direction", Test::Equals("t.direction")),
        Filter::facet("outside_eu", "Outside the EU", Test::Equals("case when t.outside_eea then 'yes' else 'no' end")),
        Filter::verbatim("location", "Country", Test::Overlaps("t.locations")),
        Filter::facet("regulation", "Regulation", Test::Overlaps("d.regulations")),
        Filter::facet("legal_basis", "Legal basis", Test::Equals("t.legal_basis")),
        Filter::facet("transfer_safeguard", "Safeguard", Test::Equals("t.transfer_safeguard")),
        Filter::facet("vendor", "Vendor", Test::Named("v.slug", "v.name")),
        Filter::facet("owner", "Owner", Test::Named("o.slug", "o.name")),
        Filter::facet("state", "State", Test::Equals("i.state")),
        Filter::facet("dpa_status", "DPA", Test::Equals("v.dpa_status")),
        Filter::plain("data_class", "Data class", Test::Below("d.key")),
        Filter::plain("system", "System", Test::Equals("s.slug")),
        Filter::plain("api", "API", Test::Equals("a.slug")),
        Filter::plain("integration", "Integration", Test::Equals("i.slug")),
        Filter::plain("vendor_tier", "Vendor tier", Test::Equals("v.tier::text")),
        Filter::plain("field_encryption", "Field encryption", Test::Equals("t.field_encryption")),
    ],
    sorts: NAME_AND_TIME,
};

/// A data flow in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct FlowRow {
    /// Immutable id.
    pub id: Uuid,
    /// Key of the data class.
    pub data_class: String,
    /// Its name.
    pub data_class_name: String,
    /// How bad a leak would be.
    pub sensitivity: String,
    /// Regulations that it falls under.
    pub regulations: Vec<String>,
    /// `sent`, `received` or `both`, seen from us.
    pub direction: String,
    /// Environments in which it flows; none stands for all.
    pub environments: Vec<String>,
    /// Why personal data may flow.
    pub legal_basis: Option<String>,
    /// Countries in which it is kept.
    pub locations: Vec<String>,
    /// Whether one of these is outside the European Economic Area.
    pub outside_eea: bool,
    /// What safeguards the transfer.
    pub transfer_safeguard: Option<String>,
    /// Days for which the vendor keeps it.
    pub retention_days: Option<i32>,
    /// How fields are protected.
    pub field_encryption: Option<String>,
    /// Slug of the integration.
    pub integration: String,
    /// Its name.
    pub integration_name: String,
    /// Its state.
    pub state: String,
    /// The system's name.
    pub system_name: String,
    /// The API's name.
    pub api_name: String,
    /// The vendor's name.
    pub vendor_name: String,
    /// The vendor's slug.
    pub vendor_slug: String,
    /// Where the vendor's data processing agreement stands.
    pub dpa_status: String,
    /// The name of the team that answers for the integration.
    pub owner_name: Option<String>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// The list of scopes: asked for, approved, granted, used.
pub static SCOPES: Spec = Spec {
    kind: "scope",
    from: "scope_grants t join integrations i on i.id = t.integration_id join systems s on s.id = i.system_id
        join apis a on a.id = i.api_id join vendors v on v.id = a.vendor_id left join teams o on o.id = i.business_owner_id",
    columns: "t.id, t.scope, t.justification, t.requested, t.approved_at, t.granted_on, t.last_used_on, t.updated_at,
        i.slug as integration, i.name as integration_name, i.state, s.name as system_name, a.name as api_name,
        a.slug as api_slug, v.name as vendor_name, v.slug as vendor_slug, o.name as owner_name",
    filters: &[
        Filter::facet("requested", "Requested", Test::Equals("case when t.requested then 'yes' else 'no' end")),
        Filter::facet("approved", "Approved", Test::Equals("case when t.approved_at is null then 'no' else 'yes' end")),
        Filter::facet("granted", "Granted", Test::Equals("case when t.granted_on is null then 'no' else 'yes' end")),
        Filter::facet("vendor", "Vendor", Test::Named("v.slug", "v.name")),
        Filter::facet("api", "API", Test::Named("a.slug", "a.name")),
        Filter::facet("owner", "Owner", Test::Named("o.slug", "o.name")),
        Filter::facet("state", "State", Test::Equals("i.state")),
        Filter::facet("justified", "Justified", Test::Equals("case when t.justification is null then 'no' else 'yes' end")),
        Filter::plain("scope", "Scope", Test::Equals("t.scope")),
        Filter::plain("system", "System", Test::Equals("s.slug")),
        Filter::plain("integration", "Integration", Test::Equals("i.slug")),
        Filter::plain("unused_for_days", "Unused for days", Test::OlderThan("coalesce(t.last_used_on, t.granted_on)")),
    ],
    sorts: NAME_AND_TIME,
};

/// A scope in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct GrantRow {
    /// Immutable id.
    pub id: Uuid,
    /// As it is sent.
    pub scope: String,
    /// Why it is needed.
    pub justification: Option<String>,
    /// Whether the integration asks for it.
    pub requested: bool,
    /// When it was approved.
    pub approved_at: Option<DateTime<Utc>>,
    /// Since when the vendor grants it.
    pub granted_on: Option<NaiveDate>,
    /// When it was last seen in use.
    pub last_used_on: Option<NaiveDate>,
    /// Slug of the integration.
    pub integration: String,
    /// Its name.
    pub integration_name: String,
    /// Its state.
    pub state: String,
    /// The system's name.
    pub system_name: String,
    /// The API's name.
    pub api_name: String,
    /// The API's slug.
    pub api_slug: String,
    /// The vendor's name.
    pub vendor_name: String,
    /// The vendor's slug.
    pub vendor_slug: String,
    /// The name of the team that answers for the integration.
    pub owner_name: Option<String>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}
