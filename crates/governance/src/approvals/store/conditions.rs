//! Conditions of approvals: set with a decision, met by a team, followed while they are open.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::approvals::Condition;
use base::{error::Error, text};

/// Writes a condition with its decision.
pub async fn insert(
    conn: &mut PgConnection,
    request: Uuid,
    condition: &Condition,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into request_conditions (id, request_id, decision_id, text, owner_id, due_on, timing, updated_at,
             sort_key, search)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        condition.id,
        request,
        condition.decision_id,
        condition.text,
        condition.owner_id,
        condition.due_on,
        condition.timing.key(),
        now,
        text::sort_key(&condition.text),
        text::search_text(&[&condition.text, &condition.owner]),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes that a condition is met.
pub async fn meet(conn: &mut PgConnection, condition: &Condition, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "update request_conditions set met_at = $2, met_by = $3, note = $4, revision = revision + 1, updated_at = $5
         where id = $1",
        condition.id,
        condition.met_at,
        condition.met_by,
        condition.note,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A condition that somebody is reminded of.
pub struct Due {
    pub id: Uuid,
    pub request: Uuid,
    pub title: String,
    pub text: String,
    pub team: Uuid,
    pub decided_by: Uuid,
    pub due_on: NaiveDate,
}

/// Open conditions that bind and are due by `soon`, of which nobody was reminded, or whose day is past and
/// nobody was reminded since; marked as reminded of.
pub async fn take_due(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    today: NaiveDate,
    soon: NaiveDate,
    skip: &[Uuid],
) -> Result<Option<Due>, Error> {
    let row = sqlx::query_as!(
        Due,
        r#"update request_conditions c set reminded_at = $1
           from change_requests r, request_decisions d
           where c.id in (
                   select k.id from request_conditions k
                   where k.met_at is null and k.due_on <= $3 and k.id <> all($4)
                     and (k.reminded_at is null or (k.due_on < $2 and our_day(k.reminded_at) <= k.due_on))
                     and exists (select from conditions_in_force f where f.id = k.id)
                   order by k.due_on, k.id limit 1 for update of k skip locked)
             and r.id = c.request_id and d.id = c.decision_id
           returning c.id, c.request_id as request, r.title, c.text, c.owner_id as team, d.decided_by, c.due_on"#,
        now,
        today,
        soon,
        skip,
    );
    Ok(row.fetch_optional(conn).await?)
}
