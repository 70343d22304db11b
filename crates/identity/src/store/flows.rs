//! Sign-ins under way at providers, and who somebody is there.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Identity;
use base::error::Error;

/// A sign-in that was begun.
pub struct Flow {
    pub provider: String,
    pub nonce: String,
    pub verifier: Vec<u8>,
    pub purpose: String,
    pub session: Option<Uuid>,
    pub person: Option<Uuid>,
    pub back: String,
}

/// How long somebody has at the provider.
const HOLDS: TimeDelta = TimeDelta::minutes(10);

/// Keeps a flow until the browser comes back.
pub async fn begin(
    conn: &mut PgConnection,
    (state_hash, browser_hash): (&[u8], &[u8]),
    flow: &Flow,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into sign_in_flows (state_hash, browser_hash, provider, nonce, verifier, purpose, session_id, person_id,
             back, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        state_hash,
        browser_hash,
        flow.provider,
        flow.nonce,
        flow.verifier,
        flow.purpose,
        flow.session,
        flow.person,
        flow.back,
        now,
        now + HOLDS,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a flow: whatever comes of it, it is not there a second time. `None` where there is none, where it is
/// another browser's or another provider's, or where it took too long.
pub async fn take(
    conn: &mut PgConnection,
    state_hash: &[u8],
    browser_hash: &[u8],
    provider: &str,
    now: DateTime<Utc>,
) -> Result<Option<Flow>, Error> {
    let row = sqlx::query!(
        r#"delete from sign_in_flows where state_hash = $1
           returning provider, nonce, verifier, purpose, session_id as session, person_id as person, back,
               (browser_hash = $2 and provider = $3 and expires_at > $4) as "fits!""#,
        state_hash,
        browser_hash,
        provider,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.filter(|row| row.fits).map(|row| Flow {
        provider: row.provider,
        nonce: row.nonce,
        verifier: row.verifier,
        purpose: row.purpose,
        session: row.session,
        person: row.person,
        back: row.back,
    }))
}

/// Removes what took too long.
pub async fn sweep(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<u64, Error> {
    let flows = sqlx::query!("delete from sign_in_flows where expires_at < $1", now).execute(&mut *conn).await?;
    let ceremonies =
        sqlx::query!("delete from passkey_ceremonies where expires_at < $1", now).execute(&mut *conn).await?;
    let held = sqlx::query!("delete from held_forms where created_at < $1::timestamptz - interval '1 hour'", now)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("delete from known_networks where last_at < $1::timestamptz - interval '90 days'", now)
        .execute(&mut *conn)
        .await?;
    let failures = sqlx::query!("delete from sign_in_failures where last_at < $1::timestamptz - interval '1 day'", now)
        .execute(conn)
        .await?;
    Ok(flows.rows_affected() + ceremonies.rows_affected() + held.rows_affected() + failures.rows_affected())
}

/// Who somebody is at a provider; locked.
pub async fn find_identity(conn: &mut PgConnection, issuer: &str, subject: &str) -> Result<Option<Identity>, Error> {
    let found = sqlx::query_as!(
        Identity,
        "select id, person_id, provider, issuer, subject, groups, state, barred, revision, created_at, updated_at, last_used_at
         from identities where issuer = $1 and subject = $2 for no key update",
        issuer,
        subject
    );
    Ok(found.fetch_optional(conn).await?)
}

/// One identity, locked.
pub async fn lock_identity(conn: &mut PgConnection, id: Uuid) -> Result<Option<Identity>, Error> {
    let found = sqlx::query_as!(
        Identity,
        "select id, person_id, provider, issuer, subject, groups, state, barred, revision, created_at, updated_at, last_used_at
         from identities where id = $1 for no key update",
        id
    );
    Ok(found.fetch_optional(conn).await?)
}

/// Whose a subject is.
pub async fn person_of(conn: &mut PgConnection, issuer: &str, subject: &str) -> Result<Option<Uuid>, Error> {
    let found =
        sqlx::query_scalar!("select person_id from identities where issuer = $1 and subject = $2", issuer, subject);
    Ok(found.fetch_optional(conn).await?)
}

/// Who a person is at their providers.
pub async fn identities_of(conn: &mut PgConnection, person: Uuid) -> Result<Vec<Identity>, Error> {
    let found = sqlx::query_as!(
        Identity,
        "select id, person_id, provider, issuer, subject, groups, state, barred, revision, created_at, updated_at, last_used_at
         from identities where person_id = $1 order by created_at",
        person
    );
    Ok(found.fetch_all(conn).await?)
}

/// Writes an identity.
pub async fn save_identity(conn: &mut PgConnection, one: &Identity) -> Result<(), Error> {
    sqlx::query!(
        "insert into identities (id, person_id, provider, issuer, subject, groups, state, revision, created_at,
             updated_at, last_used_at, barred)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (id) do update set provider = excluded.provider, groups = excluded.groups, state = excluded.state,
             barred = excluded.barred, revision = excluded.revision, updated_at = excluded.updated_at, last_used_at = excluded.last_used_at",
        one.id,
        one.person_id,
        one.provider,
        one.issuer,
        one.subject,
        &one.groups,
        one.state,
        one.revision,
        one.created_at,
        one.updated_at,
        one.last_used_at,
        one.barred,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whom a provider's service account made under its own id, and who has no account of the provider yet.
pub async fn provisioned(
    conn: &mut PgConnection,
    account: &str,
    external: &str,
    provider: &str,
) -> Result<Option<Uuid>, Error> {
    let found = sqlx::query_scalar!(
        "select p.id from people p where p.provisioned_by = $1 and p.external_id = $2
         and not exists (select from identities i where i.person_id = p.id and i.provider = $3)",
        account,
        external,
        provider
    );
    Ok(found.fetch_optional(conn).await?)
}

/// The service account of the provider that keeps somebody here, and its name for them.
pub async fn keeper_of(conn: &mut PgConnection, person: Uuid) -> Result<Option<(String, String)>, Error> {
    let found = sqlx::query!("select provisioned_by, external_id from people where id = $1", person);
    let found = found.fetch_optional(conn).await?;
    Ok(found.and_then(|row| Some((row.provisioned_by?, row.external_id?))))
}
