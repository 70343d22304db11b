//! Findings of assessments.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::assessments::Flagged;
use base::{error::Error, text};

struct Row {
    id: Uuid,
    assessment_id: Uuid,
    question: String,
    answer: String,
    severity: String,
    finding: String,
    remediation: Option<String>,
    compensating_control: Option<String>,
    state: String,
    opened_at: DateTime<Utc>,
    closed_by: Option<Uuid>,
    closed_at: Option<DateTime<Utc>>,
    note: Option<String>,
    revision: i64,
}

impl TryFrom<Row> for Flagged {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            revision: row.revision,
            assessment_id: row.assessment_id,
            question: row.question,
            answer: row.answer,
            severity: row.severity.parse()?,
            finding: row.finding,
            remediation: row.remediation,
            compensating_control: row.compensating_control,
            state: row.state.parse()?,
            opened_at: row.opened_at,
            closed_by: row.closed_by,
            closed_at: row.closed_at,
            note: row.note,
        })
    }
}

/// The findings of an assessment, those that were dropped left out.
pub async fn of_assessment(conn: &mut PgConnection, assessment: Uuid) -> Result<Vec<Flagged>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select id, assessment_id, question, answer, severity, finding, remediation, compensating_control, state,
                opened_at, closed_by, closed_at, note, revision
         from assessment_findings where assessment_id = $1 and state <> 'dropped' order by opened_at, id",
        assessment
    );
    rows.fetch_all(conn).await?.into_iter().map(Flagged::try_from).collect()
}

pub async fn get_many(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Flagged>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select id, assessment_id, question, answer, severity, finding, remediation, compensating_control, state,
                opened_at, closed_by, closed_at, note, revision
         from assessment_findings where id = any($1)",
        ids
    );
    rows.fetch_all(conn).await?.into_iter().map(Flagged::try_from).collect()
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Flagged>, Error> {
    sqlx::query!("select id from assessment_findings where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    Ok(get_many(conn, &[id]).await?.pop())
}

pub async fn save(conn: &mut PgConnection, one: &Flagged, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "insert into assessment_findings (id, assessment_id, question, answer, severity, finding, remediation,
             compensating_control, state, opened_at, closed_by, closed_at, note, revision, updated_at, sort_key, search)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
         on conflict (id) do update set answer = excluded.answer, state = excluded.state,
             compensating_control = excluded.compensating_control, closed_by = excluded.closed_by,
             closed_at = excluded.closed_at, note = excluded.note, revision = excluded.revision,
             updated_at = excluded.updated_at",
        one.id,
        one.assessment_id,
        one.question,
        one.answer,
        one.severity.key(),
        one.finding,
        one.remediation,
        one.compensating_control,
        one.state.key(),
        one.opened_at,
        one.closed_by,
        one.closed_at,
        one.note,
        one.revision,
        now,
        text::sort_key(&one.finding),
        text::search_text(&[&one.finding, one.remediation.as_deref().unwrap_or_default(), &one.question]),
    )
    .execute(conn)
    .await?;
    Ok(())
}
