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

/// Service names that APIs of both vendors have.
pub async fn shared_services(conn: &mut PgConnection, ids: &[Uuid], vendor: Uuid) -> Result<Vec<String>, Error> {
    let names = sqlx::query_scalar!(
        r#"select a.service_name as "name!" from apis a join apis o on o.vendor_id = $2 and o.service_name = a.service_name
           where a.id = any($1) order by 1 limit 10"#,
        ids,
        vendor
    );
    Ok(names.fetch_all(conn).await?)
}

/// Gives APIs to a vendor.
pub async fn move_apis(conn: &mut PgConnection, ids: &[Uuid], vendor: Uuid, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "update apis set vendor_id = $2, revision = revision + 1, updated_at = $3 where id = any($1)",
        ids,
        vendor,
        now
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

/// Drops dependencies on `from` of APIs that depend on `to` as well, or are it; what was dropped.
pub async fn drop_dependencies(
    conn: &mut PgConnection,
    ids: &[Uuid],
    (from, to): (Uuid, Uuid),
) -> Result<Vec<(Uuid, i32)>, Error> {
    let gone = sqlx::query!(
        "delete from api_upstreams u where u.api_id = any($1) and (u.upstream_vendor_id = $2 or u.upstream_api_id = $2)
             and (u.api_id = $3 or exists (select from api_upstreams o where o.api_id = u.api_id
                 and (o.upstream_vendor_id = $3 or o.upstream_api_id = $3)))
         returning u.api_id, u.position",
        ids,
        from,
        to
    );
    Ok(gone.fetch_all(conn).await?.into_iter().map(|row| (row.api_id, row.position)).collect())
}

/// Puts dependencies on a vendor or an API back where they were dropped and their place is still free.
pub async fn restore_dependencies(
    conn: &mut PgConnection,
    dropped: &[(Uuid, i32)],
    (vendor, api): (Option<Uuid>, Option<Uuid>),
) -> Result<(), Error> {
    let (ids, positions): (Vec<Uuid>, Vec<i32>) = dropped.iter().copied().unzip();
    sqlx::query!(
        "insert into api_upstreams (api_id, position, upstream_vendor_id, upstream_api_id)
         select x.id, x.position, $3, $4 from unnest($1::uuid[], $2::int[]) x (id, position)
         on conflict do nothing",
        &ids,
        &positions,
        vendor,
        api
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes APIs depend on another vendor or API instead.
pub async fn move_dependencies(conn: &mut PgConnection, ids: &[Uuid], (from, to): (Uuid, Uuid)) -> Result<(), Error> {
    sqlx::query!(
        "update api_upstreams set upstream_vendor_id = case when upstream_vendor_id = $2 then $3 else upstream_vendor_id end,
             upstream_api_id = case when upstream_api_id = $2 then $3 else upstream_api_id end
         where api_id = any($1) and (upstream_vendor_id = $2 or upstream_api_id = $2)",
        ids,
        from,
        to
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves the revision of APIs whose dependencies changed.
pub async fn touch(conn: &mut PgConnection, ids: &[Uuid], now: DateTime<Utc>) -> Result<(), Error> {
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
/// same label or slug.
pub async fn counterparts(conn: &mut PgConnection, versions: &[Uuid], api: Uuid) -> Result<Vec<(Uuid, Uuid)>, Error> {
    let rows = sqlx::query!(
        r#"select distinct on (v.id) v.id, coalesce(o.id, v.id) as "counterpart!" from api_versions v
           left join api_versions o on o.api_id = $2 and (o.label = v.label or o.slug = v.slug) and v.api_id <> $2
           where v.id = any($1) and (o.id is not null or v.api_id = $2)
           order by v.id, (o.label = v.label) desc nulls last"#,
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

/// Whether an API merge joins APIs of two vendors.
pub async fn merged_across_vendors(conn: &mut PgConnection) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from apis s join apis t on t.id = s.merged_into_id
               where s.vendor_id <> t.vendor_id) as "any!""#
    );
    Ok(found.fetch_one(conn).await?)
}

/// Names the current version of an API again, where it has none now and the version is still its own.
pub async fn restore_current(conn: &mut PgConnection, api: Uuid, version: Uuid) -> Result<(), Error> {
    sqlx::query!(
        "update apis set current_version_id = $2 where id = $1 and current_version_id is null
             and exists (select from api_versions v where v.id = $2 and v.api_id = $1)",
        api,
        version
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a vendor lies above another one in the hierarchy with others between them.
pub async fn is_above(conn: &mut PgConnection, upper: Uuid, lower: Uuid) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"with recursive up (id, depth) as (
               select parent_id, 1 from vendors where id = $2
               union all select v.parent_id, up.depth + 1 from up join vendors v on v.id = up.id
               where v.parent_id is not null and up.depth < 100)
           select exists (select from up where id = $1 and depth > 1) as "above!""#,
        upper,
        lower
    );
    Ok(found.fetch_one(conn).await?)
}
