//! Moves assessments, demands for them, and evidence from one vendor to another.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;

/// The assessments of a vendor.
pub async fn assessments_of(conn: &mut PgConnection, vendor: Uuid, only: Option<&[Uuid]>) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select id from assessments where vendor_id = $1 and ($2::uuid[] is null or id = any($2)) order by id for update",
        vendor,
        only as Option<&[Uuid]>
    );
    Ok(ids.fetch_all(conn).await?)
}

/// Titles of questionnaires that both vendors are being asked.
pub async fn both_under_way(conn: &mut PgConnection, ids: &[Uuid], vendor: Uuid) -> Result<Vec<String>, Error> {
    let titles = sqlx::query_scalar!(
        "select distinct q.title from assessments s join assessments o on o.vendor_id = $2
             and o.questionnaire_id = s.questionnaire_id and o.integration_id is not distinct from s.integration_id
             and o.state in ('draft', 'sent', 'answering', 'submitted', 'reviewed')
         join publications q on q.id = s.questionnaire_id
         where s.id = any($1) and s.state in ('draft', 'sent', 'answering', 'submitted', 'reviewed') order by 1",
        ids,
        vendor
    );
    Ok(titles.fetch_all(conn).await?)
}

pub async fn move_assessments(
    conn: &mut PgConnection,
    ids: &[Uuid],
    vendor: Uuid,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "update assessments set vendor_id = $2, revision = revision + 1, updated_at = $3 where id = any($1)",
        ids,
        vendor,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The demands on a vendor, apart from those that the other vendor has as well.
pub async fn demands_of(
    conn: &mut PgConnection,
    (from, to): (Uuid, Uuid),
    only: Option<&[Uuid]>,
) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select d.id from assessment_demands d where d.vendor_id = $1 and ($3::uuid[] is null or d.id = any($3))
             and not exists (select from assessment_demands o where o.vendor_id = $2
                 and o.questionnaire_id = d.questionnaire_id and o.cause = d.cause and o.reference = d.reference
                 and o.after_id is not distinct from d.after_id)
         order by d.id for update",
        from,
        to,
        only as Option<&[Uuid]>
    );
    Ok(ids.fetch_all(conn).await?)
}

pub async fn move_demands(
    conn: &mut PgConnection,
    ids: &[Uuid],
    vendor: Uuid,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "update assessment_demands set vendor_id = $2, revision = revision + 1, updated_at = $3 where id = any($1)",
        ids,
        vendor,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The evidence of a vendor.
pub async fn evidence_of(conn: &mut PgConnection, vendor: Uuid, only: Option<&[Uuid]>) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select id from evidence where vendor_id = $1 and ($2::uuid[] is null or id = any($2)) order by id for update",
        vendor,
        only as Option<&[Uuid]>
    );
    Ok(ids.fetch_all(conn).await?)
}

pub async fn move_evidence(
    conn: &mut PgConnection,
    ids: &[Uuid],
    vendor: Uuid,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "update evidence set vendor_id = $2, revision = revision + 1, updated_at = $3 where id = any($1)",
        ids,
        vendor,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
