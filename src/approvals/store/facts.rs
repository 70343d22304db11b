//! The facts that submissions and decisions judged, and the conditions of approvals.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{approvals::Condition, error::Error, policy::Finding};

/// What was judged, and when.
pub struct Judged<'a> {
    pub request: Uuid,
    pub round: i32,
    pub moment: &'static str,
    pub decision: Option<Uuid>,
    pub at: DateTime<Utc>,
    pub facts: &'a crate::policy::Facts,
    pub findings: &'a [Finding],
}

pub async fn insert(conn: &mut PgConnection, judged: &Judged<'_>) -> Result<(), Error> {
    sqlx::query!(
        "insert into request_facts (request_id, round, moment, decision_id, at, facts, findings)
         values ($1, $2, $3, $4, $5, $6, $7)",
        judged.request,
        judged.round,
        judged.moment,
        judged.decision,
        judged.at,
        serde_json::to_value(judged.facts).map_err(Error::internal)?,
        serde_json::to_value(judged.findings).map_err(Error::internal)?,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn insert_condition(conn: &mut PgConnection, request: Uuid, condition: &Condition) -> Result<(), Error> {
    sqlx::query!(
        "insert into request_conditions (id, request_id, decision_id, text, owner_id, due_on, timing)
         values ($1, $2, $3, $4, $5, $6, $7)",
        condition.id,
        request,
        condition.decision_id,
        condition.text,
        condition.owner_id,
        condition.due_on,
        condition.timing.key(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn meet(conn: &mut PgConnection, condition: &Condition) -> Result<(), Error> {
    sqlx::query!(
        "update request_conditions set met_at = $2, met_by = $3, note = $4, revision = revision + 1 where id = $1",
        condition.id,
        condition.met_at,
        condition.met_by,
        condition.note,
    )
    .execute(conn)
    .await?;
    Ok(())
}
