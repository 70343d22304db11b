//! The facts that submissions and decisions judged.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::policy::Finding;
use base::error::Error;

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

/// What was judged at one moment of a request.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct JudgedFacts {
    /// The submission that it belongs to.
    pub round: i32,
    /// `submitted`, `edited`, `decided` or `applied`.
    pub moment: String,
    /// The decision, where it was one.
    pub decision_id: Option<Uuid>,
    /// When.
    pub at: DateTime<Utc>,
    /// What rules looked at. Names that came later are missing in older ones.
    #[schema(value_type = Object)]
    pub facts: Value,
    /// What they found.
    #[schema(value_type = Vec<Object>)]
    pub findings: Value,
}

/// What was judged of a request, oldest first; the last hundred moments.
pub async fn of_request(conn: &mut PgConnection, request: Uuid) -> Result<Vec<JudgedFacts>, Error> {
    let rows = sqlx::query_as!(
        JudgedFacts,
        "select * from (select round, moment, decision_id, at, facts, findings from request_facts
             where request_id = $1 order by at desc limit 100) f order by at",
        request
    );
    Ok(rows.fetch_all(conn).await?)
}
