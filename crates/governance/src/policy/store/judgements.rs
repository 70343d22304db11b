//! What judgements came to, as one hash each.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use base::error::Error;

/// What a judgement came to: SHA-256.
pub type Digest = [u8; 32];

/// What the last judgements of these integrations came to, where that is known.
pub async fn of_integrations(conn: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, Digest>, Error> {
    let rows = sqlx::query!("select integration_id, digest from judgements where integration_id = any($1)", ids);
    let rows = rows.fetch_all(conn).await?.into_iter();
    Ok(rows.filter_map(|row| Some((row.integration_id, row.digest.try_into().ok()?))).collect())
}

/// Keeps what judgements came to. Violations and scores are what that says, and nobody else is changing them.
pub async fn save(conn: &mut PgConnection, all: &[(Uuid, Digest)]) -> Result<(), Error> {
    let ids: Vec<Uuid> = all.iter().map(|(id, _)| *id).collect();
    let digests: Vec<Vec<u8>> = all.iter().map(|(_, digest)| digest.to_vec()).collect();
    sqlx::query!(
        "insert into judgements as j (integration_id, digest) select * from unnest($1::uuid[], $2::bytea[])
         on conflict (integration_id) do update set digest = excluded.digest where j.digest <> excluded.digest",
        &ids,
        &digests
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets what the last judgement of an integration came to, so that the next one compares everything.
pub async fn forget(conn: &mut PgConnection, id: Uuid) -> Result<(), Error> {
    sqlx::query!("delete from judgements where integration_id = $1", id).execute(conn).await?;
    Ok(())
}
