//! Moves references from one vendor or API to another.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use base::{
    db::references::{Dependencies, Reference},
    error::Error,
};

/// Whose an API is.
pub const VENDOR_OF_API: Reference = Reference { table: "apis", column: "vendor_id" };
/// Whose application a system is.
pub const VENDOR_OF_SYSTEM: Reference = Reference { table: "systems", column: "vendor_id" };
/// The parent company.
pub const PARENT: Reference = Reference { table: "vendors", column: "parent_id" };
/// Whose a version is.
pub const API_OF_VERSION: Reference = Reference { table: "api_versions", column: "api_id" };
/// Where a vendor leads that was merged.
pub const MERGED_VENDOR: Reference = Reference { table: "vendors", column: "merged_into_id" };
/// Where an API leads that was merged.
pub const MERGED_API: Reference = Reference { table: "apis", column: "merged_into_id" };
/// What APIs depend on.
pub const UPSTREAMS: Dependencies = Dependencies { table: "api_upstreams", owner: "api_id", records: "apis" };

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

/// No API names these versions as its current one any more: they are about to be another API's.
pub async fn release_current(conn: &mut PgConnection, versions: &[Uuid]) -> Result<(), Error> {
    sqlx::query!("update apis set current_version_id = null where current_version_id = any($1)", versions)
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

/// Says into which vendor one was merged; none where that was undone.
pub async fn set_vendor_merged(conn: &mut PgConnection, id: Uuid, into: Option<Uuid>) -> Result<(), Error> {
    sqlx::query!("update vendors set merged_into_id = $2 where id = $1", id, into).execute(conn).await?;
    Ok(())
}

/// The same for APIs.
pub async fn set_api_merged(conn: &mut PgConnection, id: Uuid, into: Option<Uuid>) -> Result<(), Error> {
    sqlx::query!("update apis set merged_into_id = $2 where id = $1", id, into).execute(conn).await?;
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

/// Names the current version of an API again, as a new revision, where it has none now and the version is its own.
pub async fn restore_current(
    conn: &mut PgConnection,
    api: Uuid,
    version: Uuid,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "update apis set current_version_id = $2, revision = revision + 1, updated_at = $3
         where id = $1 and current_version_id is null
             and exists (select from api_versions v where v.id = $2 and v.api_id = $1)",
        api,
        version,
        now
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
