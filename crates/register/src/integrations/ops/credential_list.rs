//! The list of credentials.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::lists::TAG;
use base::lists::{Filter, NAME_AND_TIME, Sort, Spec, Test};

/// The list of credentials.
pub static CREDENTIALS: Spec = Spec {
    kind: "credential",
    from: "credentials t left join teams h on h.id = t.holder_id",
    columns:
        "t.id, t.slug, t.name, t.kind, t.environment, t.vault_reference, t.fingerprint, t.created_on, t.rotated_on,
        t.maximum_age, t.expires_on, t.next_rotation_on, t.tags, t.state, t.updated_at, t.revision,
        case when t.state = 'active' and t.next_rotation_on < {today} then 'overdue'
             when t.state = 'active' and t.next_rotation_on <= {today} + 30 then 'due' else t.state end as standing,
        {today} - coalesce(t.rotated_on, t.created_on) as age_days,
        h.name as holder_name, h.slug as holder_slug,
        array(select i.name from credential_uses u join integrations i on i.id = u.integration_id
              where u.credential_id = t.id order by i.sort_key) as integrations,
        exists (select from credentials o where o.fingerprint = t.fingerprint and o.id <> t.id
                and o.environment <> t.environment and o.state <> 'revoked') as same_fingerprint_elsewhere",
    filters: &[
        Filter::facet(
            "standing",
            "State",
            Test::Equals(
                "case when t.state = 'active' and t.next_rotation_on < {today} then 'overdue'
                      when t.state = 'active' and t.next_rotation_on <= {today} + 30 then 'due' else t.state end",
            ),
        ),
        Filter::facet("kind", "Kind", Test::Equals("t.kind")),
        Filter::facet("environment", "Environment", Test::Equals("t.environment")),
        Filter::facet("holder", "Holder", Test::Named("h.slug", "h.name")),
        Filter::facet(
            "vendor",
            "Vendor",
            Test::Overlaps(
                "array(select v.slug from credential_uses u join integrations i on i.id = u.integration_id
                 join apis a on a.id = i.api_id join vendors v on v.id = a.vendor_id where u.credential_id = t.id)",
            ),
        ),
        Filter::facet(
            "shared",
            "Shared",
            Test::Equals(
                "case when (select count(*) from credential_uses u where u.credential_id = t.id) > 1 then 'yes' else 'no' end",
            ),
        ),
        Filter::facet(
            "same_fingerprint",
            "Same in two environments",
            Test::Equals(
                "case when exists (select from credentials o where o.fingerprint = t.fingerprint and o.id <> t.id
                 and o.environment <> t.environment and o.state <> 'revoked') then 'yes' else 'no' end",
            ),
        ),
        TAG,
        Filter::plain(
            "vendor_tier",
            "Vendor tier",
            Test::Within(
                "t.id in (select u.credential_id from credential_uses u join integrations i on i.id = u.integration_id
                  join apis a on a.id = i.api_id join vendors v on v.id = a.vendor_id where v.tier::text = any({values}))",
            ),
        ),
        Filter::plain(
            "integration",
            "Integration",
            Test::Within(
                "t.id in (select u.credential_id from credential_uses u join integrations i on i.id = u.integration_id
                  where i.slug = any({values}))",
            ),
        ),
        Filter::plain(
            "team",
            "Team",
            Test::Within(
                "t.id in (select h.id from credentials h join teams x on x.id = h.holder_id where x.slug = any({values})
                  union select u.credential_id from credential_uses u join integrations i on i.id = u.integration_id
                  where i.business_owner_id = any(array(select x.id from teams x where x.slug = any({values})))
                  or i.technical_owner_id = any(array(select x.id from teams x where x.slug = any({values})))
                  or i.backup_owner_id = any(array(select x.id from teams x where x.slug = any({values}))))",
            ),
        ),
        Filter::plain("older_than_days", "Older than days", Test::OlderThan("coalesce(t.rotated_on, t.created_on)")),
        Filter::plain("rotation_before", "Rotation before", Test::Before("t.next_rotation_on")),
        Filter::plain("rotation_from", "Rotation from", Test::From("t.next_rotation_on")),
        Filter::plain("expires_before", "Expires before", Test::Before("t.expires_on")),
        Filter::plain("fingerprint", "Fingerprint", Test::Equals("t.fingerprint")),
    ],
    sorts: &[
        NAME_AND_TIME[0],
        NAME_AND_TIME[1],
        Sort {
            name: "next_rotation_on",
            column: "coalesce(t.next_rotation_on, 'infinity'::date)",
            cast: "date",
            label: "Next rotation",
        },
    ],
};

/// A credential in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct CredentialRow {
    /// Immutable id.
    pub id: Uuid,
    /// Human slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: String,
    /// Where it is used.
    pub environment: String,
    /// Where it is kept.
    pub vault_reference: Option<String>,
    /// Its fingerprint.
    pub fingerprint: Option<String>,
    /// When it was made.
    pub created_on: Option<NaiveDate>,
    /// When it was last rotated.
    pub rotated_on: Option<NaiveDate>,
    /// How old it may become.
    pub maximum_age: Option<String>,
    /// When the vendor ends it.
    pub expires_on: Option<NaiveDate>,
    /// When it has to change.
    pub next_rotation_on: Option<NaiveDate>,
    /// Tags.
    pub tags: Vec<String>,
    /// Its state; `due` and `overdue` follow from dates and stand in `standing`.
    pub state: String,
    /// Its state as it is today.
    pub standing: String,
    /// Days since it was made or rotated.
    pub age_days: Option<i32>,
    /// The holder's name.
    pub holder_name: Option<String>,
    /// The holder's slug.
    pub holder_slug: Option<String>,
    /// Names of the integrations that use it.
    pub integrations: Vec<String>,
    /// Whether another environment has a credential with the same fingerprint.
    pub same_fingerprint_elsewhere: bool,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
}
