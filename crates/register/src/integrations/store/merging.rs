//! Moves integrations from one API to another, and their dependencies from one vendor or API to another.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use base::{
    db::references::{Dependencies, Reference},
    error::Error,
};

/// The API that an integration uses.
pub const API: Reference = Reference { table: "integrations", column: "api_id" };
/// What integrations depend on beside it.
pub const UPSTREAMS: Dependencies =
    Dependencies { table: "integration_upstreams", owner: "integration_id", records: "integrations" };

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
