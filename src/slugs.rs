//! Slugs may change; the old one keeps leading to its record.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;

/// Remembers that `slug` was the record's.
pub async fn remember(conn: &mut PgConnection, kind: &str, slug: &str, id: Uuid) -> Result<(), Error> {
    sqlx::query!(
        "insert into slug_history (kind, slug, record_id) values ($1, $2, $3)
         on conflict (kind, slug) do update set record_id = excluded.record_id",
        kind,
        slug,
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}
