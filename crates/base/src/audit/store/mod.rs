//! The record's SQL.

mod names;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{Connection, PgConnection, Postgres, QueryBuilder, types::Json};
use uuid::Uuid;

use super::{
    diff::Change,
    event::Event,
    ops::{AuditEvent, AuditFilter},
};

use crate::{
    actor::{Actor, Principal},
    db::Lock,
    error::Error,
};

/// The columns of several events.
#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    actions: Vec<&'static str>,
    kinds: Vec<&'static str>,
    subjects: Vec<Option<Uuid>>,
    revisions: Vec<Option<i64>>,
    changes: Vec<Value>,
    schemas: Vec<Option<i32>>,
    bodies: Vec<Option<Value>>,
}

impl Columns {
    fn of(events: Vec<Event>) -> Result<Self, Error> {
        let mut all = Self::default();
        for event in events {
            let (schema, body) = event.version.unzip();
            all.ids.push(Uuid::now_v7());
            all.actions.push(event.action);
            all.kinds.push(event.subject_kind);
            all.subjects.push(event.subject_id);
            all.revisions.push(event.revision);
            all.changes.push(serde_json::to_value(&event.changes).map_err(Error::internal)?);
            all.schemas.push(schema);
            all.bodies.push(body);
        }
        Ok(all)
    }
}

/// Writes events in their order; no record may come twice.
pub async fn insert(
    conn: &mut PgConnection,
    actor: &Actor,
    now: DateTime<Utc>,
    events: Vec<Event>,
) -> Result<(), Error> {
    let (kind, actor_id, actor_name) = match actor.authority.principal {
        Principal::Person(id) => ("person", Some(id), None),
        Principal::ServiceAccount(id) => ("service_account", Some(id), None),
        Principal::System(name) => ("system", None, Some(name)),
    };
    let origin = &actor.origin;
    let all = Columns::of(events)?;
    // One statement: the events, where they came from, their places in the queue of the sequencer, and
    // the versions, whose `valid_from` rises even when the clock does not.
    sqlx::query!(
        r#"with given as (
               select * from unnest($11::uuid[], $12::text[], $13::text[], $14::uuid[], $15::bigint[], $16::jsonb[],
                                    $17::integer[], $18::jsonb[])
                   with ordinality as g (id, action, kind, subject, revision, changes, schema, body, n)
           ), event as (
               insert into audit_events (id, at, actor_kind, actor_id, actor_name, token_id, via, request_id,
                                         action, subject_kind, subject_id, subject_revision, changes)
               select g.id, $1, $2, $3, $4, $5, $6, $7, g.action, g.kind, g.subject, g.revision, g.changes
               from given g order by g.n
               returning id, ordinal
           ), pending as (
               insert into audit_pending (event_id, ordinal) select id, ordinal from event
           ), origin as (
               insert into audit_origins (event_id, address, user_agent, os_user)
               select id, $8::text::inet, $9, $10 from event
               where num_nonnulls($8::text, $9::text, $10::text) > 0
           )
           insert into record_versions (kind, id, revision, valid_from, schema, body, event_id)
           select g.kind, g.subject, g.revision,
                  greatest($1, (select max(v.valid_from) + interval '1 microsecond' from record_versions v
                                where v.kind = g.kind and v.id = g.subject)),
                  g.schema, g.body, g.id
           from given g where g.schema is not null"#,
        now,
        kind,
        actor_id,
        actor_name,
        actor.authority.token_id,
        actor.via.key(),
        actor.request_id,
        origin.address.map(|address| address.to_string()),
        origin.user_agent.as_deref(),
        origin.os_user.as_deref(),
        &all.ids,
        &all.actions as &[&str],
        &all.kinds as &[&str],
        &all.subjects as &[Option<Uuid>],
        &all.revisions as &[Option<i64>],
        &all.changes,
        &all.schemas as &[Option<i32>],
        &all.bodies as &[Option<Value>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives positions to what was committed: whole transactions, in the order of the last ordinal of each. An ordinal is
/// drawn while the record is locked, so that a later change of the same record always comes later, whichever of the
/// two transactions began first. A transaction waits while an older one of this database is still writing events.
/// Positions that were given never change. One sequencer at a time: the lock comes before the statement whose snapshot
/// reads the last position.
///
/// What gets a position now holds from now on, so that an answer about the past never changes afterwards.
pub async fn sequence(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<u64, Error> {
    let mut tx = conn.begin().await?;
    Lock::Positions.take(&mut tx).await?;
    let done = sqlx::query!(
        r#"with writing as (
               select max(age(x.transactionid)) as oldest from pg_locks w
               join pg_locks x on x.pid = w.pid and x.virtualtransaction = w.virtualtransaction
                   and x.locktype = 'transactionid' and x.mode = 'ExclusiveLock' and x.granted
               where w.locktype = 'relation' and w.relation = 'audit_events'::regclass and w.mode = 'RowExclusiveLock'
                   and w.granted and w.database = (select oid from pg_database where datname = current_database())
           ), stood as (
               select xid, max(ordinal) as last, count(*) as events from audit_pending group by xid
           ), barred as (
               select min(s.last) as last from stood s, writing w
               where age((s.xid::text::bigint & 4294967295)::text::xid) < w.oldest
           ), next as (
               select xid, last, sum(events) over (order by last) - events as before from stood
               where last < coalesce((select last from barred), 9223372036854775807)
           ), ready as (
               delete from audit_pending p using next n where p.xid = n.xid and n.before < 5000
               returning p.event_id, p.ordinal, n.last
           ), last as (
               select position, valid_from from audit_positions order by position desc limit 1
           )
           insert into audit_positions (position, event_id, valid_from)
           select coalesce((select position from last), 0) + row_number() over (order by r.last, r.ordinal), r.event_id,
                  greatest($1, (select valid_from from last), max(e.at) over (order by r.last, r.ordinal))
           from ready r join audit_events e on e.id = r.event_id"#,
        now
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected())
}

pub async fn pending(conn: &mut PgConnection) -> Result<bool, Error> {
    Ok(sqlx::query_scalar!(r#"select exists (select from audit_pending) as "any!""#).fetch_one(conn).await?)
}

#[derive(sqlx::FromRow)]
struct Row {
    position: i64,
    id: Uuid,
    at: DateTime<Utc>,
    actor_kind: String,
    actor_id: Option<Uuid>,
    actor_name: Option<String>,
    token_id: Option<Uuid>,
    via: String,
    request_id: String,
    action: String,
    subject_kind: String,
    subject_id: Option<Uuid>,
    subject_name: Option<String>,
    subject_revision: Option<i64>,
    changes: Json<Vec<Change>>,
    address: Option<String>,
    user_agent: Option<String>,
    os_user: Option<String>,
}

pub async fn list(conn: &mut PgConnection, filter: &AuditFilter) -> Result<Vec<AuditEvent>, Error> {
    let mut sql = QueryBuilder::<Postgres>::new(format!(
        "select p.position, e.id, e.at, e.actor_kind, e.actor_id,
                coalesce(e.actor_name, person.name, account.name) as actor_name,
                e.token_id, e.via, e.request_id, e.action, e.subject_kind, e.subject_id,
                {} as subject_name, e.subject_revision, e.changes,
                host(o.address) as address, o.user_agent, o.os_user
         from audit_positions p join audit_events e on e.id = p.event_id
         left join audit_origins o on o.event_id = e.id
         left join people person on e.actor_kind = 'person' and person.id = e.actor_id
         left join service_accounts account on e.actor_kind = 'service_account' and account.id = e.actor_id
         where true",
        names::of_subject()
    ));
    if let Some(after) = filter.after {
        sql.push(" and p.position > ").push_bind(after);
    }
    if let Some(before) = filter.before {
        sql.push(" and p.position < ").push_bind(before);
    }
    for (column, value) in [
        ("e.action", &filter.action),
        ("e.subject_kind", &filter.subject_kind),
        ("e.via", &filter.via),
        ("e.request_id", &filter.request_id),
    ] {
        if let Some(value) = value {
            sql.push(format!(" and {column} = ")).push_bind(value.clone());
        }
    }
    if let Some(word) = &filter.subject {
        sql.push(" and e.subject_id = any(").push_bind(names::subjects(&mut *conn, word).await?).push(")");
    }
    if let Some(word) = &filter.actor {
        sql.push(" and e.actor_id = any(").push_bind(names::actors(&mut *conn, word).await?).push(")");
    }
    if let Some(id) = filter.subject_id {
        sql.push(" and e.subject_id = ").push_bind(id);
    }
    if let Some(id) = filter.actor_id {
        sql.push(" and e.actor_id = ").push_bind(id);
    }
    if let Some(from) = filter.from {
        sql.push(" and e.at >= ").push_bind(from);
    }
    if let Some(until) = filter.until {
        sql.push(" and e.at < ").push_bind(until);
    }
    let order = if filter.newest_first { "desc" } else { "asc" };
    sql.push(format!(" order by p.position {order} limit ")).push_bind(filter.limit);
    let rows: Vec<Row> = sql.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(AuditEvent::from).collect())
}

/// The history of one record, newest first.
pub async fn history(conn: &mut PgConnection, kind: &str, id: Uuid, limit: i64) -> Result<Vec<AuditEvent>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select coalesce(p.position, 0) as "position!", e.id, e.at, e.actor_kind, e.actor_id,
                  coalesce(e.actor_name, person.name, account.name) as actor_name,
                  e.token_id, e.via, e.request_id, e.action, e.subject_kind, e.subject_id,
                  null::text as subject_name, e.subject_revision, e.changes as "changes: Json<Vec<Change>>",
                  null::text as address, null::text as user_agent, null::text as os_user
           from audit_events e left join audit_positions p on p.event_id = e.id
           left join people person on e.actor_kind = 'person' and person.id = e.actor_id
           left join service_accounts account on e.actor_kind = 'service_account' and account.id = e.actor_id
           where e.subject_kind = $1 and e.subject_id = $2
           order by e.ordinal desc limit $3"#,
        kind,
        id,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(AuditEvent::from).collect())
}

/// The body of a record as it was at a moment: revision, since when, body.
pub async fn version_at(
    conn: &mut PgConnection,
    kind: &str,
    id: Uuid,
    at: DateTime<Utc>,
) -> Result<Option<(i64, DateTime<Utc>, serde_json::Value)>, Error> {
    let row = sqlx::query!(
        "select v.revision, p.valid_from, v.body from record_versions v join audit_positions p on p.event_id = v.event_id
         where v.kind = $1 and v.id = $2 and p.valid_from <= $3 order by v.revision desc limit 1",
        kind,
        id,
        at
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.revision, row.valid_from, row.body)))
}

impl From<Row> for AuditEvent {
    fn from(row: Row) -> Self {
        Self {
            position: row.position,
            id: row.id,
            at: row.at,
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            actor_name: row.actor_name,
            token_id: row.token_id,
            via: row.via,
            request_id: row.request_id,
            action: row.action,
            subject_kind: row.subject_kind,
            subject_id: row.subject_id,
            subject_name: row.subject_name,
            subject_revision: row.subject_revision,
            changes: row.changes.0,
            address: row.address,
            user_agent: row.user_agent,
            os_user: row.os_user,
        }
    }
}
