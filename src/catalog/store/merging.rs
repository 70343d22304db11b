//! Moves references from one vendor or API to another.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;

/// The APIs of a vendor.
pub async fn apis_of(conn: &mut PgConnection, vendor: Uuid, only: Option<&[Uuid]>) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select id from apis where vendor_id = $1 and ($2::uuid[] is null or id = any($2)) order by id for update",
        vendor,
        only as Option<&[Uuid]>
    );
    Ok(ids.fetch_all(conn).await?)
}

/// Gives APIs to a vendor. One whose service name that vendor has already loses it, and imports match it by its title.
pub async fn move_apis(conn: &mut PgConnection, ids: &[Uuid], vendor: Uuid, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "update apis a set vendor_id = $2, revision = a.revision + 1, updated_at = $3,
             service_name = case when exists (select from apis o where o.vendor_id = $2
                 and o.service_name = a.service_name and o.id <> a.id) then null else a.service_name end
         where a.id = any($1)",
        ids,
        vendor,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives APIs among `ids` a service name back, where they have none and their vendor has it nowhere else.
pub async fn give_service_names(conn: &mut PgConnection, ids: &[Uuid], names: &[(Uuid, String)]) -> Result<(), Error> {
    let (apis, names): (Vec<Uuid>, Vec<String>) = names.iter().cloned().unzip();
    sqlx::query!(
        "update apis a set service_name = x.name from unnest($2::uuid[], $3::text[]) x (id, name)
         where a.id = x.id and a.id = any($1) and a.service_name is null
           and not exists (select from apis o where o.vendor_id = a.vendor_id and o.service_name = x.name)",
        ids,
        &apis,
        &names
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The systems of a vendor.
pub async fn systems_of(conn: &mut PgConnection, vendor: Uuid, only: Option<&[Uuid]>) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select id from systems where vendor_id = $1 and ($2::uuid[] is null or id = any($2)) order by id for update",
        vendor,
        only as Option<&[Uuid]>
    );
    Ok(ids.fetch_all(conn).await?)
}

pub async fn move_systems(
    conn: &mut PgConnection,
    ids: &[Uuid],
    vendor: Uuid,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "update systems set vendor_id = $2, revision = revision + 1, updated_at = $3 where id = any($1)",
        ids,
        vendor,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The vendors whose parent a vendor is, apart from the one that takes its place.
pub async fn children_of(
    conn: &mut PgConnection,
    vendor: Uuid,
    only: Option<&[Uuid]>,
    apart: Uuid,
) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select id from vendors where parent_id = $1 and ($2::uuid[] is null or id = any($2)) and id <> $3
         order by id for update",
        vendor,
        only as Option<&[Uuid]>,
        apart
    );
    Ok(ids.fetch_all(conn).await?)
}

pub async fn move_children(
    conn: &mut PgConnection,
    ids: &[Uuid],
    vendor: Uuid,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "update vendors set parent_id = $2, revision = revision + 1, updated_at = $3 where id = any($1)",
        ids,
        vendor,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The APIs that depend on a vendor or an API.
pub async fn dependents_on(conn: &mut PgConnection, upstream: Uuid, only: Option<&[Uuid]>) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select id from apis where id in (select api_id from api_upstreams
             where upstream_vendor_id = $1 or upstream_api_id = $1)
           and ($2::uuid[] is null or id = any($2)) order by id for update",
        upstream,
        only as Option<&[Uuid]>
    );
    Ok(ids.fetch_all(conn).await?)
}

/// Makes APIs depend on another vendor or API instead. A dependency that they have already, or on themselves, goes.
pub async fn move_dependencies(
    conn: &mut PgConnection,
    ids: &[Uuid],
    (from, to): (Uuid, Uuid),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "delete from api_upstreams u where u.api_id = any($1) and (u.upstream_vendor_id = $2 or u.upstream_api_id = $2)
             and (u.api_id = $3 or exists (select from api_upstreams o where o.api_id = u.api_id
                 and (o.upstream_vendor_id = $3 or o.upstream_api_id = $3)))",
        ids,
        from,
        to
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update api_upstreams set upstream_vendor_id = case when upstream_vendor_id = $2 then $3 else upstream_vendor_id end,
             upstream_api_id = case when upstream_api_id = $2 then $3 else upstream_api_id end
         where api_id = any($1) and (upstream_vendor_id = $2 or upstream_api_id = $2)",
        ids,
        from,
        to
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("update apis set revision = revision + 1, updated_at = $2 where id = any($1)", ids, now)
        .execute(conn)
        .await?;
    Ok(())
}

/// The versions of an API whose label and slug the other API has not taken.
pub async fn versions_to_move(
    conn: &mut PgConnection,
    (from, to): (Uuid, Uuid),
    only: Option<&[Uuid]>,
) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select v.id from api_versions v where v.api_id = $1 and ($3::uuid[] is null or v.id = any($3))
             and not exists (select from api_versions o where o.api_id = $2 and (o.label = v.label or o.slug = v.slug))
         order by v.id for update",
        from,
        to,
        only as Option<&[Uuid]>
    );
    Ok(ids.fetch_all(conn).await?)
}

pub async fn move_versions(conn: &mut PgConnection, ids: &[Uuid], api: Uuid, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!("update apis set current_version_id = null where current_version_id = any($1)", ids)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "update api_versions set api_id = $2, revision = revision + 1, updated_at = $3 where id = any($1)",
        ids,
        api,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The version of an API for each version of another one: itself where it belongs to that API, else the one of the
/// same label.
pub async fn counterparts(conn: &mut PgConnection, versions: &[Uuid], api: Uuid) -> Result<Vec<(Uuid, Uuid)>, Error> {
    let rows = sqlx::query!(
        r#"select v.id, coalesce(o.id, v.id) as "counterpart!" from api_versions v
           left join api_versions o on o.api_id = $2 and o.label = v.label and v.api_id <> $2
           where v.id = any($1) and (o.id is not null or v.api_id = $2)"#,
        versions,
        api
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.id, row.counterpart)).collect())
}

/// The comments on a record.
pub async fn comments_on(
    conn: &mut PgConnection,
    (kind, id): (&str, Uuid),
    only: Option<&[Uuid]>,
) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select id from comments where subject_kind = $1 and subject_id = $2 and ($3::uuid[] is null or id = any($3))
         order by id for update",
        kind,
        id,
        only as Option<&[Uuid]>
    );
    Ok(ids.fetch_all(conn).await?)
}

pub async fn move_comments(conn: &mut PgConnection, ids: &[Uuid], to: Uuid) -> Result<(), Error> {
    sqlx::query!("update comments set subject_id = $2, revision = revision + 1 where id = any($1)", ids, to)
        .execute(conn)
        .await?;
    Ok(())
}

/// Marks a vendor as merged into another, and what was merged into it before; the ids of the latter.
pub async fn merge_vendor(conn: &mut PgConnection, id: Uuid, into: Option<Uuid>) -> Result<Vec<Uuid>, Error> {
    sqlx::query!("update vendors set merged_into_id = $2 where id = $1", id, into).execute(&mut *conn).await?;
    let Some(into) = into else { return Ok(Vec::new()) };
    let before =
        sqlx::query_scalar!("update vendors set merged_into_id = $2 where merged_into_id = $1 returning id", id, into);
    Ok(before.fetch_all(conn).await?)
}

/// The same for APIs.
pub async fn merge_api(conn: &mut PgConnection, id: Uuid, into: Option<Uuid>) -> Result<Vec<Uuid>, Error> {
    sqlx::query!("update apis set merged_into_id = $2 where id = $1", id, into).execute(&mut *conn).await?;
    let Some(into) = into else { return Ok(Vec::new()) };
    let before =
        sqlx::query_scalar!("update apis set merged_into_id = $2 where merged_into_id = $1 returning id", id, into);
    Ok(before.fetch_all(conn).await?)
}

/// What was merged into a record before leads to it again.
pub async fn give_back(conn: &mut PgConnection, followers: &[Uuid], to: Uuid) -> Result<(), Error> {
    sqlx::query!(
        "with vendors_back as (update vendors set merged_into_id = $2 where id = any($1))
         update apis set merged_into_id = $2 where id = any($1)",
        followers,
        to
    )
    .execute(conn)
    .await?;
    Ok(())
}
