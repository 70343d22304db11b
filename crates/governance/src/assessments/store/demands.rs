//! Demands for assessments.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::assessments::Demand;
use base::{error::Error, text};

struct Row {
    id: Uuid,
    questionnaire_id: Uuid,
    vendor_id: Uuid,
    cause: String,
    reference: String,
    state: String,
    note: Option<String>,
    assessment_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    revision: i64,
}

impl TryFrom<Row> for Demand {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            revision: row.revision,
            questionnaire_id: row.questionnaire_id,
            vendor_id: row.vendor_id,
            cause: row.cause.parse()?,
            reference: row.reference,
            state: row.state.parse()?,
            note: row.note,
            assessment_id: row.assessment_id,
            created_at: row.created_at,
        })
    }
}

pub async fn get(conn: &mut PgConnection, id: Uuid) -> Result<Option<Demand>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select id, questionnaire_id, vendor_id, cause, reference, state, note, assessment_id, created_at, revision
         from assessment_demands where id = $1",
        id
    );
    row.fetch_optional(conn).await?.map(Demand::try_from).transpose()
}

pub async fn get_many(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Demand>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select id, questionnaire_id, vendor_id, cause, reference, state, note, assessment_id, created_at, revision
         from assessment_demands where id = any($1)",
        ids
    );
    rows.fetch_all(conn).await?.into_iter().map(Demand::try_from).collect()
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Demand>, Error> {
    sqlx::query!("select id from assessment_demands where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    get(conn, id).await
}

/// Inserts a demand; `false` where the same one was made before.
pub async fn insert(
    conn: &mut PgConnection,
    demand: &Demand,
    after: Option<Uuid>,
    names: (&str, &str),
) -> Result<bool, Error> {
    let (questionnaire, vendor) = names;
    let done = sqlx::query!(
        "insert into assessment_demands (id, questionnaire_id, vendor_id, cause, reference, after_id, state,
             created_at, revision, updated_at, sort_key, search)
         values ($1, $2, $3, $4, $5, $6, 'open', $7, 1, $7, $8, $9)
         on conflict on constraint assessment_demands_once do nothing",
        demand.id,
        demand.questionnaire_id,
        demand.vendor_id,
        demand.cause.key(),
        demand.reference,
        after,
        demand.created_at,
        text::sort_key(&format!("{vendor} {questionnaire}")),
        text::search_text(&[vendor, questionnaire, &demand.reference]),
    );
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

pub async fn save(conn: &mut PgConnection, demand: &Demand, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "update assessment_demands set state = $2, note = $3, assessment_id = $4, revision = $5, updated_at = $6
         where id = $1",
        demand.id,
        demand.state.key(),
        demand.note,
        demand.assessment_id,
        demand.revision,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The open demands of a vendor, oldest first.
pub async fn open_of(conn: &mut PgConnection, vendor: Uuid) -> Result<Vec<Demand>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select id, questionnaire_id, vendor_id, cause, reference, state, note, assessment_id, created_at, revision
         from assessment_demands where vendor_id = $1 and state = 'open' order by created_at, id limit 100",
        vendor
    );
    rows.fetch_all(conn).await?.into_iter().map(Demand::try_from).collect()
}
