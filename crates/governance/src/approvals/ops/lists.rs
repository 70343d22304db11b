//! The list of change requests.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use base::lists::{Filter, NAME_AND_TIME, Sort, Spec, Test};

/// The list of change requests.
pub static REQUESTS: Spec = Spec {
    kind: "change_request",
    from: "change_requests t join integrations i on i.id = t.integration_id join apis a on a.id = i.api_id
        join vendors v on v.id = a.vendor_id left join people p on p.id = t.requested_by
        left join service_accounts x on x.id = t.requested_by_account
        left join lateral (select k.review_group_id, k.due_at from request_stages k where k.request_id = t.id
            and k.round = t.round and k.opened_at is not null order by k.position desc limit 1) g on true
        left join review_groups w on w.id = g.review_group_id left join teams o on o.id = i.business_owner_id",
    columns: "t.id, t.title, t.kind, t.state, t.reason, t.round, t.waiting_since, t.submitted_at, t.closed_at,
        t.created_at, t.updated_at, t.revision, i.slug as integration, i.name as integration_name, v.name as vendor_name,
        coalesce(p.name, x.name) as requester_name, t.requested_by, o.name as owner_name,
        case t.state when 'open' then w.name when 'draft' then coalesce(p.name, x.name)
             when 'changes_requested' then coalesce(p.name, x.name) end as waiting_for",
    filters: &[
        Filter::facet("state", "State", Test::Equals("t.state")),
        Filter::facet("kind", "Asks to", Test::Equals("t.kind")),
        Filter::facet("waiting_for", "Waiting for", Test::Equals("case t.state when 'open' then w.name end")),
        Filter::facet("owner", "Owner", Test::Named("o.slug", "o.name")),
        Filter::facet("vendor", "Vendor", Test::Named("v.slug", "v.name")),
        Filter::plain("integration", "Integration", Test::Equals("i.slug")),
        Filter::plain("requested_by", "Requested by", Test::Equals("coalesce(t.requested_by, t.requested_by_account)::text")),
        Filter::plain(
            "participant",
            "Participant",
            Test::Within(
                "t.id in (select q.request_id from request_participants q where q.person_id::text = any({values}))",
            ),
        ),
        Filter::plain(
            "decider",
            "May decide",
            Test::Within(
                "t.id in (select q.id from change_requests q, people z
                  where z.id::text = any({values}) and q.state = 'open' and may_decide(q, z.id, {today}))",
            ),
        ),
        Filter::plain(
            "awaits_others_for",
            "Waits for others, and concerns",
            Test::Within(
                "t.id in (select q.id from change_requests q, people z
                  where z.id::text = any({values}) and q.state in ('open', 'approved')
                    and (q.requested_by = z.id
                        or exists (select from request_participants y where y.request_id = q.id and y.person_id = z.id)
                        or exists (select from request_decisions y where y.request_id = q.id and y.decided_by = z.id))
                    and not may_decide(q, z.id, {today}))",
            ),
        ),
        Filter::plain("group", "Review group", Test::Equals("w.slug")),
        Filter::plain(
            "decided_by",
            "Decided by",
            Test::Within(
                "t.id in (select d.request_id from request_decisions d where d.decided_by::text = any({values}))",
            ),
        ),
        Filter::plain(
            "team",
            "Team",
            Test::Within(
                "i.id in (select k.id from integrations k join systems s on s.id = k.system_id
                  join teams x on x.id in (k.business_owner_id, k.technical_owner_id, k.backup_owner_id, s.team_id)
                  where x.slug = any({values}))",
            ),
        ),
    ],
    sorts: &[
        Sort { name: "updated_at", column: "t.updated_at", cast: "timestamptz", label: "Last change" },
        NAME_AND_TIME[0],
        Sort {
            name: "waiting_since",
            column: "coalesce(t.waiting_since, t.updated_at)",
            cast: "timestamptz",
            label: "Waiting",
        },
    ],
};

/// A change request in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct RequestRow {
    /// Immutable id.
    pub id: Uuid,
    /// What it is called.
    pub title: String,
    /// What is asked for.
    pub kind: String,
    /// Where it is in its life.
    pub state: String,
    /// Why it is asked for.
    pub reason: Option<String>,
    /// How often it was submitted.
    pub round: i32,
    /// Since when somebody has to act.
    pub waiting_since: Option<DateTime<Utc>>,
    /// When it was submitted last.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub closed_at: Option<DateTime<Utc>>,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
    /// Slug of the integration.
    pub integration: String,
    /// Its name.
    pub integration_name: String,
    /// The vendor's name.
    pub vendor_name: String,
    /// Who asks.
    pub requester_name: Option<String>,
    /// Their id, when it is a person.
    pub requested_by: Option<Uuid>,
    /// The name of the team that answers for the integration.
    pub owner_name: Option<String>,
    /// Who must act next.
    pub waiting_for: Option<String>,
}
