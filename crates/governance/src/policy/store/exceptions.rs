//! Exceptions.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::policy::Exception;
use base::{error::Error, text};

struct Row {
    id: Uuid,
    rule_id: Uuid,
    rule: String,
    integration_id: Uuid,
    integration: String,
    reason: String,
    compensating_control: String,
    ends_on: NaiveDate,
    extends: Option<Uuid>,
    state: String,
    requested_by: Option<Uuid>,
    asked_through: Option<Uuid>,
    requested_at: DateTime<Utc>,
    decided_by: Option<Uuid>,
    decided_at: Option<DateTime<Utc>>,
    decision_reason: Option<String>,
    ended_at: Option<DateTime<Utc>>,
    revision: i64,
}

impl TryFrom<Row> for Exception {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            revision: row.revision,
            rule_id: row.rule_id,
            rule: row.rule,
            integration_id: row.integration_id,
            integration: row.integration,
            reason: row.reason,
            compensating_control: row.compensating_control,
            ends_on: row.ends_on,
            extends: row.extends,
            state: row.state.parse()?,
            requested_by: row.requested_by,
            asked_through: row.asked_through,
            requested_at: row.requested_at,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            decision_reason: row.decision_reason,
            ended_at: row.ended_at,
        })
    }
}

/// Exceptions by id, in no particular order.
pub async fn get_many(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Exception>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select e.id, e.rule_id, r.key as rule, e.integration_id, i.slug as integration, e.reason,
                  e.compensating_control, e.ends_on, e.extends, e.state, e.requested_by, e.asked_through, e.requested_at, e.decided_by,
                  e.decided_at, e.decision_reason, e.ended_at, e.revision
           from exceptions e join publications r on r.id = e.rule_id join integrations i on i.id = e.integration_id
           where e.id = any($1)"#,
        ids
    );
    rows.fetch_all(conn).await?.into_iter().map(Exception::try_from).collect()
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Exception>, Error> {
    sqlx::query!("select id from exceptions where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    Ok(get_many(conn, &[id]).await?.pop())
}

/// The exceptions of an integration, newest first; of one rule, where one is named.
pub async fn of_integration(
    conn: &mut PgConnection,
    integration: Uuid,
    rule: Option<Uuid>,
) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select id from exceptions where integration_id = $1 and ($2::uuid is null or rule_id = $2)
         order by requested_at desc, id desc limit 200",
        integration,
        rule
    );
    Ok(ids.fetch_all(conn).await?)
}

/// Until when exceptions hold: by integration and rule.
pub async fn holding(
    conn: &mut PgConnection,
    integrations: &[Uuid],
    today: NaiveDate,
) -> Result<HashMap<(Uuid, Uuid), NaiveDate>, Error> {
    let rows = sqlx::query!(
        r#"select integration_id, rule_id, max(ends_on) as "until!" from exceptions
           where integration_id = any($1) and state = 'granted' and ends_on >= $2 group by 1, 2"#,
        integrations,
        today
    );
    let rows = rows.fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| ((row.integration_id, row.rule_id), row.until)).collect())
}

/// Granted ones that are past their last day and whose ending is not recorded yet.
pub async fn ended(conn: &mut PgConnection, today: NaiveDate, skip: &[Uuid]) -> Result<Option<Uuid>, Error> {
    let id = sqlx::query_scalar!(
        "select id from exceptions where state = 'granted' and ended_at is null and ends_on < $1
           and id <> all($2)
         order by ends_on limit 1 for update skip locked",
        today,
        skip
    );
    Ok(id.fetch_optional(conn).await?)
}

/// The longest period in days that an exception of a severity may hold, from the settings.
pub async fn longest(conn: &mut PgConnection, severity: &str) -> Result<i64, Error> {
    let days = sqlx::query_scalar!(
        r#"select coalesce((exception_days ->> $1)::bigint, 90) as "days!" from installation"#,
        severity
    );
    Ok(days.fetch_one(conn).await?)
}

pub async fn save(conn: &mut PgConnection, exception: &Exception, via: &str, now: DateTime<Utc>) -> Result<(), Error> {
    let e = exception;
    sqlx::query!(
        "insert into exceptions (id, rule_id, integration_id, reason, compensating_control, ends_on, extends, state,
             requested_by, requested_at, decided_by, decided_at, decision_reason, decided_via, ended_at, revision,
             updated_at, sort_key, search, asked_through)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
         on conflict (id) do update set state = excluded.state, decided_by = excluded.decided_by,
             decided_at = excluded.decided_at, decision_reason = excluded.decision_reason,
             decided_via = coalesce(exceptions.decided_via, excluded.decided_via), ended_at = excluded.ended_at,
             revision = excluded.revision, updated_at = excluded.updated_at",
        e.id,
        e.rule_id,
        e.integration_id,
        e.reason,
        e.compensating_control,
        e.ends_on,
        e.extends,
        e.state.key(),
        e.requested_by,
        e.requested_at,
        e.decided_by,
        e.decided_at,
        e.decision_reason,
        e.decided_by.map(|_| via),
        e.ended_at,
        e.revision,
        now,
        text::sort_key(&format!("{} {}", e.rule, e.integration)),
        text::search_text(&[&e.rule, &e.integration, &e.reason, &e.compensating_control]),
        e.asked_through,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An exception that ends soon, and whom to tell.
pub struct Ending {
    pub id: Uuid,
    pub rule: String,
    pub integration: String,
    pub ends_on: NaiveDate,
    pub email: Option<String>,
}

/// What a letter about exceptions says, and where it goes; nothing of one that another has taken over from.
pub async fn endings(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Ending>, Error> {
    let rows = sqlx::query_as!(
        Ending,
        "select e.id, p.title as rule, i.name as integration, e.ends_on, t.email
         from exceptions e join publications p on p.id = e.rule_id join integrations i on i.id = e.integration_id
         left join teams t on t.id = i.business_owner_id where e.id = any($1)
           and not exists (select from exceptions o where o.rule_id = e.rule_id and o.integration_id = e.integration_id
                 and o.id <> e.id and o.state = 'granted' and o.ends_on > e.ends_on)",
        ids
    );
    Ok(rows.fetch_all(conn).await?)
}

/// The next granted exception that ends within two weeks and of which no one was reminded; marked as reminded of.
/// Those in `skip` are left out.
pub async fn take_ending(conn: &mut PgConnection, today: NaiveDate, skip: &[Uuid]) -> Result<Option<Ending>, Error> {
    let row = sqlx::query_as!(
        Ending,
        r#"update exceptions e set reminded_on = $1 from publications p, integrations i
               left join teams t on t.id = i.business_owner_id
           where e.id in (select x.id from exceptions x where x.state = 'granted' and x.ended_at is null
                   and x.reminded_on is null and x.ends_on between $1 and $1::date + 14 and x.id <> all($2)
                   and not exists (select from exceptions o where o.rule_id = x.rule_id
                       and o.integration_id = x.integration_id and o.id <> x.id and o.state = 'granted'
                       and o.ends_on > x.ends_on)
                   order by x.ends_on limit 1 for update skip locked)
             and p.id = e.rule_id and i.id = e.integration_id
           returning e.id, p.title as rule, i.name as integration, e.ends_on, t.email"#,
        today,
        skip
    );
    Ok(row.fetch_optional(conn).await?)
}
