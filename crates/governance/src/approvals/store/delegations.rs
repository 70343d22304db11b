//! Delegations.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::approvals::Delegation;
use base::error::Error;

struct Row {
    id: Uuid,
    from_id: Uuid,
    to_id: Uuid,
    from_on: NaiveDate,
    until_on: NaiveDate,
    reason: Option<String>,
    state: String,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Delegation {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            revision: row.revision,
            from_id: row.from_id,
            to_id: row.to_id,
            from_on: row.from_on,
            until_on: row.until_on,
            reason: row.reason,
            state: row.state.parse()?,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// The delegations by or to somebody that are not past, newest first.
pub async fn of_person(conn: &mut PgConnection, person: Uuid, today: NaiveDate) -> Result<Vec<Delegation>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select id, from_id, to_id, from_on, until_on, reason, state, revision, created_at, updated_at
         from delegations where (from_id = $1 or to_id = $1) and until_on >= $2 and state = 'active'
         order by from_on desc, id desc",
        person,
        today
    );
    rows.fetch_all(conn).await?.into_iter().map(Delegation::try_from).collect()
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Delegation>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select id, from_id, to_id, from_on, until_on, reason, state, revision, created_at, updated_at
         from delegations where id = $1 for update",
        id
    );
    row.fetch_optional(conn).await?.map(Delegation::try_from).transpose()
}

/// Whether somebody is active and may decide at all on a day.
pub async fn may_decide(conn: &mut PgConnection, person: Uuid, day: NaiveDate) -> Result<bool, Error> {
    let may = sqlx::query_scalar!(
        r#"select exists (select from people p join roles_on($2) g on g.person_id = p.id and g.role = 'reviewer'
                  where p.id = $1 and p.state = 'active'
                  and not exists (select from roles_on($2) x where x.person_id = p.id and x.role = 'auditor')) as "may!""#,
        person,
        day
    );
    Ok(may.fetch_one(conn).await?)
}

pub async fn save(conn: &mut PgConnection, delegation: &Delegation) -> Result<(), Error> {
    let d = delegation;
    sqlx::query!(
        "insert into delegations (id, from_id, to_id, from_on, until_on, reason, state, revision, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (id) do update set state = excluded.state, revision = excluded.revision,
             updated_at = excluded.updated_at",
        d.id,
        d.from_id,
        d.to_id,
        d.from_on,
        d.until_on,
        d.reason,
        d.state.key(),
        d.revision,
        d.created_at,
        d.updated_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}
