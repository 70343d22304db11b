//! A POST that is sent again is answered once: the answer to an Idempotency-Key is kept for a day.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Json};

use crate::error::Error;

/// An answer that was given before.
#[derive(Debug)]
pub struct Kept {
    /// HTTP status.
    pub status: u16,
    /// Headers that matter, by name.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// What a key says.
#[derive(Debug)]
pub enum Claim {
    /// Nobody used it yet; it is now ours.
    Fresh,
    /// It was answered.
    Answered(Kept),
    /// The same request is running, or its outcome was lost.
    Running,
    /// Another request had it.
    OtherRequest,
}

/// Claims a key for a request.
pub async fn claim(
    conn: &mut PgConnection,
    actor: &str,
    key: &str,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Claim, Error> {
    let fresh = sqlx::query!(
        "insert into idempotency_keys (actor, key, request_hash, created_at) values ($1, $2, $3, $4)
         on conflict do nothing",
        actor,
        key,
        hash,
        now
    )
    .execute(&mut *conn)
    .await?;
    if fresh.rows_affected() == 1 {
        return Ok(Claim::Fresh);
    }
    let row = sqlx::query!(
        r#"select request_hash, status, headers as "headers: Json<Vec<(String, String)>>", body
           from idempotency_keys where actor = $1 and key = $2"#,
        actor,
        key
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(Claim::Running) };
    if row.request_hash != hash {
        return Ok(Claim::OtherRequest);
    }
    Ok(match row.status {
        None => Claim::Running,
        Some(status) => Claim::Answered(Kept {
            status: u16::try_from(status).unwrap_or(500),
            headers: row.headers.0,
            body: row.body.unwrap_or_default(),
        }),
    })
}

/// Keeps the answer.
pub async fn keep(conn: &mut PgConnection, actor: &str, key: &str, kept: &Kept) -> Result<(), Error> {
    sqlx::query!(
        "update idempotency_keys set status = $3, headers = $4, body = $5 where actor = $1 and key = $2",
        actor,
        key,
        i16::try_from(kept.status).unwrap_or(500),
        Json(&kept.headers) as _,
        kept.body
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives a key back: nothing was written under it.
pub async fn release(conn: &mut PgConnection, actor: &str, key: &str) -> Result<(), Error> {
    sqlx::query!("delete from idempotency_keys where actor = $1 and key = $2 and status is null", actor, key)
        .execute(conn)
        .await?;
    Ok(())
}
