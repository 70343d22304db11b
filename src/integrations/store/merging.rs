//! Moves integrations from one API to another, and their dependencies from one vendor or API to another.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;

/// The integrations of an API, locked in one order.
pub async fn of_api(conn: &mut PgConnection, api: Uuid, only: Option<&[Uuid]>) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select id from integrations where api_id = $1 and ($2::uuid[] is null or id = any($2)) order by id for update",
        api,
        only as Option<&[Uuid]>
    );
    Ok(ids.fetch_all(conn).await?)
}

/// The integrations among these whose system uses the other API under the same name: id, name, and whether it is
/// retired.
pub async fn clashes(conn: &mut PgConnection, ids: &[Uuid], api: Uuid) -> Result<Vec<(Uuid, String, bool)>, Error> {
    let rows = sqlx::query!(
        r#"select i.id, i.name, i.state = 'retired' as "retired!" from integrations i join integrations o
             on o.api_id = $2 and o.system_id = i.system_id and o.name = i.name
           where i.id = any($1) order by i.name"#,
        ids,
        api
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.id, row.name, row.retired)).collect())
}

/// Whether a person owned one of these after a moment, or moved its owners, or asked for a change that is still open.
pub async fn stood_in(
    conn: &mut PgConnection,
    ids: &[Uuid],
    person: Uuid,
    since: DateTime<Utc>,
) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from past_owners p where p.integration_id = any($1) and p.person_id = $2 and p.until > $3)
               or exists (select from owner_moves m where m.integration_id = any($1) and m.person_id = $2 and m.moved_at > $3)
               or exists (select from change_requests r where r.integration_id = any($1)
                   and r.state in ('draft', 'open', 'changes_requested', 'approved')
                   and (r.requested_by = $2 or exists (select from request_participants x
                       where x.request_id = r.id and x.person_id = $2))) as "any!""#,
        ids,
        person,
        since
    );
    Ok(found.fetch_one(conn).await?)
}

/// The version of each integration that names one.
pub async fn versions_of(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<(Uuid, Uuid)>, Error> {
    let rows = sqlx::query!(
        r#"select id, version_id as "version!" from integrations where id = any($1) and version_id is not null"#,
        ids
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.id, row.version)).collect())
}

/// Lets the integrations name no version for a moment, so that versions can move.
pub async fn detach_versions(conn: &mut PgConnection, ids: &[Uuid]) -> Result<(), Error> {
    sqlx::query!("update integrations set version_id = null where id = any($1)", ids).execute(conn).await?;
    Ok(())
}

/// Gives integrations to an API, each with its version there. `words` are found by searches from now on.
pub async fn move_to_api(
    conn: &mut PgConnection,
    (ids, versions): (&[Uuid], &[Option<Uuid>]),
    (api, words): (Uuid, &str),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "update integrations i set api_id = $3, version_id = x.version, revision = i.revision + 1, updated_at = $5,
             search = case when position($4 in i.search) > 0 then i.search else i.search || ' ' || $4 end
         from unnest($1::uuid[], $2::uuid[]) x (id, version) where x.id = i.id",
        ids,
        versions as &[Option<Uuid>],
        api,
        words,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The integrations that depend on a vendor or an API beside the one that they use.
pub async fn dependents_on(conn: &mut PgConnection, upstream: Uuid, only: Option<&[Uuid]>) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select id from integrations where id in (select integration_id from integration_upstreams
             where upstream_vendor_id = $1 or upstream_api_id = $1)
           and ($2::uuid[] is null or id = any($2)) order by id for update",
        upstream,
        only as Option<&[Uuid]>
    );
    Ok(ids.fetch_all(conn).await?)
}

/// Drops dependencies on `from` of integrations that depend on `to` as well; what was dropped.
pub async fn drop_dependencies(
    conn: &mut PgConnection,
    ids: &[Uuid],
    (from, to): (Uuid, Uuid),
) -> Result<Vec<(Uuid, i32)>, Error> {
    let gone = sqlx::query!(
        "delete from integration_upstreams u where u.integration_id = any($1)
             and (u.upstream_vendor_id = $2 or u.upstream_api_id = $2)
             and exists (select from integration_upstreams o where o.integration_id = u.integration_id
                 and (o.upstream_vendor_id = $3 or o.upstream_api_id = $3))
         returning u.integration_id, u.position",
        ids,
        from,
        to
    );
    Ok(gone.fetch_all(conn).await?.into_iter().map(|row| (row.integration_id, row.position)).collect())
}

/// Puts dependencies on a vendor or an API back where they were dropped and their place is still free.
pub async fn restore_dependencies(conn: &mut PgConnection, dropped: &[(Uuid, i32)], to: Uuid) -> Result<(), Error> {
    let (ids, positions): (Vec<Uuid>, Vec<i32>) = dropped.iter().copied().unzip();
    sqlx::query!(
        "insert into integration_upstreams (integration_id, position, upstream_vendor_id, upstream_api_id)
         select x.id, x.position, (select v.id from vendors v where v.id = $3), (select a.id from apis a where a.id = $3)
         from unnest($1::uuid[], $2::int[]) x (id, position)
         on conflict do nothing",
        &ids,
        &positions,
        to
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes integrations depend on another vendor or API instead.
pub async fn move_dependencies(conn: &mut PgConnection, ids: &[Uuid], (from, to): (Uuid, Uuid)) -> Result<(), Error> {
    sqlx::query!(
        "update integration_upstreams
         set upstream_vendor_id = case when upstream_vendor_id = $2 then $3 else upstream_vendor_id end,
             upstream_api_id = case when upstream_api_id = $2 then $3 else upstream_api_id end
         where integration_id = any($1) and (upstream_vendor_id = $2 or upstream_api_id = $2)",
        ids,
        from,
        to
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves the revision of integrations whose dependencies changed.
pub async fn touch(conn: &mut PgConnection, ids: &[Uuid], now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!("update integrations set revision = revision + 1, updated_at = $2 where id = any($1)", ids, now)
        .execute(conn)
        .await?;
    Ok(())
}
