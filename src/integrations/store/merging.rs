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

/// Names of integrations among these whose system uses the other API under the same name.
pub async fn clashes(conn: &mut PgConnection, ids: &[Uuid], api: Uuid) -> Result<Vec<String>, Error> {
    let names = sqlx::query_scalar!(
        "select i.name from integrations i join integrations o
             on o.api_id = $2 and o.system_id = i.system_id and o.name = i.name
         where i.id = any($1) order by i.name limit 10",
        ids,
        api
    );
    Ok(names.fetch_all(conn).await?)
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

/// Makes integrations depend on another vendor or API instead. A dependency that they have already goes.
pub async fn move_dependencies(
    conn: &mut PgConnection,
    ids: &[Uuid],
    (from, to): (Uuid, Uuid),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "delete from integration_upstreams u where u.integration_id = any($1)
             and (u.upstream_vendor_id = $2 or u.upstream_api_id = $2)
             and exists (select from integration_upstreams o where o.integration_id = u.integration_id
                 and (o.upstream_vendor_id = $3 or o.upstream_api_id = $3))",
        ids,
        from,
        to
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update integration_upstreams
         set upstream_vendor_id = case when upstream_vendor_id = $2 then $3 else upstream_vendor_id end,
             upstream_api_id = case when upstream_api_id = $2 then $3 else upstream_api_id end
         where integration_id = any($1) and (upstream_vendor_id = $2 or upstream_api_id = $2)",
        ids,
        from,
        to
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("update integrations set revision = revision + 1, updated_at = $2 where id = any($1)", ids, now)
        .execute(conn)
        .await?;
    Ok(())
}
