//! The lists of campaigns and of their items.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use base::lists::{Filter, NAME_AND_TIME, Spec, Test};

/// The list of campaigns.
pub static CAMPAIGNS: Spec = Spec {
    kind: "campaign",
    from: "campaigns t left join review_groups g on g.id = t.review_group_id",
    columns: "t.id, t.title, t.state, t.starts_on, t.ends_on, g.name as group_name, t.follows_id as follows,
        (select count(*) from review_items r where r.campaign_id = t.id) as items,
        (select count(*) from review_items r where r.campaign_id = t.id and r.state in ('pending', 'escalated')) as open,
        t.launched_at, t.ended_at, t.updated_at, t.revision",
    filters: &[Filter::facet("state", "Stands at", Test::Equals("t.state"))],
    sorts: NAME_AND_TIME,
};

/// A campaign in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct CampaignRow {
    /// Immutable id.
    pub id: Uuid,
    /// What it is called.
    pub title: String,
    /// `planned`, `running` or `ended`.
    pub state: String,
    /// Its first day.
    pub starts_on: NaiveDate,
    /// Its last day.
    pub ends_on: NaiveDate,
    /// The review group that decides; the owners where null.
    pub group_name: Option<String>,
    /// The one before it.
    pub follows: Option<Uuid>,
    /// How many items it has.
    pub items: i64,
    /// How many of them wait.
    pub open: i64,
    /// When its items were made.
    pub launched_at: Option<DateTime<Utc>>,
    /// When the last was closed.
    pub ended_at: Option<DateTime<Utc>>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
}

/// The list of review items.
pub static REVIEW_ITEMS: Spec = Spec {
    kind: "review_item",
    from: "review_items t join campaigns c on c.id = t.campaign_id join integrations i on i.id = t.integration_id
        left join teams o on o.id = i.business_owner_id left join people p on p.id = t.decided_by",
    columns: "t.id, t.campaign_id, c.title as campaign, i.slug as integration, i.name as integration_name,
        o.slug as owner, o.name as owner_name, t.state, t.suggestion, t.findings, t.evidence, t.reason, t.own,
        p.name as decided_by_name, t.decided_at, t.request_id, t.escalated_at, c.ends_on, t.updated_at, t.revision",
    filters: &[
        Filter::facet("state", "Stands at", Test::Equals("t.state")),
        Filter::facet("suggestion", "Suggested", Test::Equals("t.suggestion")),
        Filter::facet(
            "with_findings",
            "Findings",
            Test::Equals("case when t.findings > 0 then 'some' else 'none' end"),
        ),
        Filter::facet("owner", "Owner", Test::Named("o.slug", "o.name")),
        Filter::facet(
            "own",
            "Certified own",
            Test::Equals("case when t.own then 'yes' when t.own is null then null else 'no' end"),
        ),
        Filter::facet("campaign", "Campaign", Test::Named("t.campaign_id::text", "c.title")),
        Filter::plain("integration", "Integration", Test::Equals("i.slug")),
    ],
    sorts: NAME_AND_TIME,
};

/// A review item in a list, with its evidence.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct ReviewItemRow {
    /// Immutable id.
    pub id: Uuid,
    /// The campaign.
    pub campaign_id: Uuid,
    /// What it is called.
    pub campaign: String,
    /// Slug of the integration.
    pub integration: String,
    /// Its name.
    pub integration_name: String,
    /// Slug of the team that answers for it.
    pub owner: Option<String>,
    /// Its name.
    pub owner_name: Option<String>,
    /// Where it stands.
    pub state: String,
    /// What is suggested.
    pub suggestion: String,
    /// How much there is to look at.
    pub findings: i32,
    /// What is known of it.
    #[schema(value_type = crate::campaigns::ItemEvidence)]
    pub evidence: serde_json::Value,
    /// Why it was decided so.
    pub reason: Option<String>,
    /// Whether who decided owns it.
    pub own: Option<bool>,
    /// Who decided.
    pub decided_by_name: Option<String>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// The change request that was opened.
    pub request_id: Option<Uuid>,
    /// When somebody else was asked.
    pub escalated_at: Option<DateTime<Utc>>,
    /// The campaign's last day.
    pub ends_on: NaiveDate,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
}
