//! Scores, their history, and overrides.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::policy::{Override, Part, RiskScore};
use base::error::Error;

struct Row {
    integration_id: Uuid,
    model_id: Uuid,
    model_version: i32,
    inherent: i32,
    residual: i32,
    band: String,
    parts: Json<Vec<Part>>,
    scored_at: DateTime<Utc>,
    revision: i64,
}

impl From<Row> for RiskScore {
    fn from(row: Row) -> Self {
        Self {
            integration_id: row.integration_id,
            revision: row.revision,
            model_id: row.model_id,
            model_version: row.model_version,
            inherent: row.inherent,
            residual: row.residual,
            band: row.band,
            parts: row.parts.0,
            scored_at: row.scored_at,
        }
    }
}

/// The scores of integrations.
pub async fn of_integrations(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<RiskScore>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select integration_id, model_id, model_version, inherent, residual, band, parts as "parts: Json<Vec<Part>>",
                  scored_at, revision from risk_scores where integration_id = any($1)"#,
        ids
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(RiskScore::from).collect())
}

/// The integrations of a vendor that are in use, with their names.
pub async fn of_vendor(conn: &mut PgConnection, vendor: Uuid) -> Result<Vec<(Uuid, String, String)>, Error> {
    let rows = sqlx::query!(
        "select i.id, i.slug, i.name from apis a join integrations i on i.api_id = a.id
         join risk_scores r on r.integration_id = i.id
         where a.vendor_id = $1 and i.state in ('active', 'suspended', 'deprecated') order by r.residual desc, i.id
         limit 500",
        vendor
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.id, row.slug, row.name)).collect())
}

/// Writes scores, and a line of the history of each whose numbers are others than before.
pub async fn save_many(conn: &mut PgConnection, all: &[RiskScore], moved: &[Uuid]) -> Result<(), Error> {
    if all.is_empty() {
        return Ok(());
    }
    let row = |score: &RiskScore| {
        json!({
            "integration_id": score.integration_id, "model_id": score.model_id, "model_version": score.model_version,
            "inherent": score.inherent, "residual": score.residual, "band": score.band, "parts": score.parts,
            "scored_at": score.scored_at, "revision": score.revision,
            "moved": moved.contains(&score.integration_id),
        })
    };
    let rows: Value = all.iter().map(row).collect();
    sqlx::query!(
        "with given as (
             select * from jsonb_to_recordset($1) as s (integration_id uuid, model_id uuid, model_version integer,
                 inherent integer, residual integer, band text, parts jsonb, scored_at timestamptz, revision bigint,
                 moved boolean)
         ), history as (
             insert into risk_history (integration_id, at, inherent, residual, model_version)
             select g.integration_id, g.scored_at, g.inherent, g.residual, g.model_version from given g where g.moved
         )
         insert into risk_scores (integration_id, model_id, model_version, inherent, residual, band, parts, scored_at, revision)
         select g.integration_id, g.model_id, g.model_version, g.inherent, g.residual, g.band, g.parts, g.scored_at,
                g.revision from given g
         on conflict (integration_id) do update set model_id = excluded.model_id, model_version = excluded.model_version,
             inherent = excluded.inherent, residual = excluded.residual, band = excluded.band, parts = excluded.parts,
             scored_at = excluded.scored_at, revision = excluded.revision",
        rows,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What scores were: moment, inherent, residual; oldest first.
pub async fn history(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<(Uuid, DateTime<Utc>, i32, i32)>, Error> {
    let rows = sqlx::query!(
        "select integration_id, at, inherent, residual from risk_history where integration_id = any($1)
         order by at limit 5000",
        ids
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    Ok(rows.map(|row| (row.integration_id, row.at, row.inherent, row.residual)).collect())
}

struct OverrideRow {
    id: Uuid,
    integration_id: Option<Uuid>,
    vendor_id: Option<Uuid>,
    residual: i32,
    reason: String,
    ends_on: NaiveDate,
    state: String,
    set_by: Uuid,
    set_at: DateTime<Utc>,
    lifted_by: Option<Uuid>,
    lifted_at: Option<DateTime<Utc>>,
    revision: i64,
}

impl TryFrom<OverrideRow> for Override {
    type Error = Error;
    fn try_from(row: OverrideRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            revision: row.revision,
            integration_id: row.integration_id,
            vendor_id: row.vendor_id,
            residual: row.residual,
            reason: row.reason,
            ends_on: row.ends_on,
            state: row.state.parse()?,
            set_by: row.set_by,
            set_at: row.set_at,
            lifted_by: row.lifted_by,
            lifted_at: row.lifted_at,
        })
    }
}

/// The overrides that are set on these integrations or vendors; whether one still holds follows from its last day.
pub async fn overrides(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Override>, Error> {
    let rows = sqlx::query_as!(
        OverrideRow,
        "select id, integration_id, vendor_id, residual, reason, ends_on, state, set_by, set_at, lifted_by, lifted_at, revision
         from risk_overrides where state = 'set' and (integration_id = any($1) or vendor_id = any($1))",
        ids
    );
    rows.fetch_all(conn).await?.into_iter().map(Override::try_from).collect()
}

/// What is set for a vendor, locked: `only` these, all where absent.
pub async fn overrides_to_move(
    conn: &mut PgConnection,
    vendor: Uuid,
    only: Option<&[Uuid]>,
) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select id from risk_overrides where state = 'set' and vendor_id = $1 and ($2::uuid[] is null or id = any($2))
         order by id for update",
        vendor,
        only as Option<&[Uuid]>
    );
    Ok(ids.fetch_all(conn).await?)
}

/// Sets overrides for another vendor.
pub async fn move_overrides(conn: &mut PgConnection, ids: &[Uuid], vendor: Uuid) -> Result<(), Error> {
    sqlx::query!("update risk_overrides set vendor_id = $2, revision = revision + 1 where id = any($1)", ids, vendor)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn lock_override(conn: &mut PgConnection, id: Uuid) -> Result<Option<Override>, Error> {
    let row = sqlx::query_as!(
        OverrideRow,
        "select id, integration_id, vendor_id, residual, reason, ends_on, state, set_by, set_at, lifted_by, lifted_at, revision
         from risk_overrides where id = $1 for update",
        id
    );
    row.fetch_optional(conn).await?.map(Override::try_from).transpose()
}

pub async fn save_override(conn: &mut PgConnection, one: &Override) -> Result<(), Error> {
    sqlx::query!(
        "insert into risk_overrides (id, integration_id, vendor_id, residual, reason, ends_on, state, set_by, set_at,
             lifted_by, lifted_at, revision)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (id) do update set state = excluded.state, lifted_by = excluded.lifted_by,
             lifted_at = excluded.lifted_at, revision = excluded.revision",
        one.id,
        one.integration_id,
        one.vendor_id,
        one.residual,
        one.reason,
        one.ends_on,
        one.state.key(),
        one.set_by,
        one.set_at,
        one.lifted_by,
        one.lifted_at,
        one.revision,
    )
    .execute(conn)
    .await?;
    Ok(())
}
