//! Passkeys, and ceremonies under way.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    Passkey,
    passkey::{Ceremony, Kept},
};
use base::error::Error;

/// Keeps a ceremony until its answer comes.
pub async fn begin(
    conn: &mut PgConnection,
    ceremony: &Ceremony,
    (kind, browser, person): (&str, &[u8], Option<Uuid>),
) -> Result<(), Error> {
    sqlx::query!(
        "insert into passkey_ceremonies (challenge, kind, browser_hash, person_id, state, expires_at)
         values ($1, $2, $3, $4, $5, $6)",
        &ceremony.challenge,
        kind,
        browser,
        person,
        ceremony.state,
        ceremony.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a ceremony: it is not there a second time. `None` where there is none, or it is of another browser.
pub async fn take(
    conn: &mut PgConnection,
    challenge: &[u8],
    (kind, browser): (&str, &[u8]),
) -> Result<Option<(Vec<u8>, Option<Uuid>)>, Error> {
    let row = sqlx::query!(
        r#"delete from passkey_ceremonies where challenge = $1
           returning state, person_id, (kind = $2 and browser_hash = $3) as "fits!""#,
        challenge,
        kind,
        browser,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.filter(|row| row.fits).map(|row| (row.state, row.person_id)))
}

/// The passkeys of a person that are in use.
pub async fn of_person(conn: &mut PgConnection, person: Uuid) -> Result<Vec<(Passkey, Kept)>, Error> {
    let rows = sqlx::query!(
        "select id, person_id, name, credential_id, transports, static_state, dynamic_state, state, revision, created_at,
             updated_at, last_used_at
         from passkeys where person_id = $1 and state = 'active' order by created_at",
        person
    );
    let rows = rows.fetch_all(conn).await?;
    let whole = rows.into_iter().map(|row| {
        let passkey = Passkey {
            id: row.id,
            person_id: row.person_id,
            name: row.name,
            state: row.state,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
            last_used_at: row.last_used_at,
        };
        let kept = Kept {
            credential_id: row.credential_id,
            transports: u8::try_from(row.transports).unwrap_or_default(),
            static_state: row.static_state,
            dynamic_state: row.dynamic_state,
        };
        (passkey, kept)
    });
    Ok(whole.collect())
}

/// The passkey in use with this id, of an active person; locked, so that its counter is read and written once.
pub async fn lock(conn: &mut PgConnection, credential: &[u8]) -> Result<Option<(Passkey, Kept)>, Error> {
    let person = sqlx::query_scalar!(
        "select k.person_id from passkeys k join people p on p.id = k.person_id
         where k.credential_id = $1 and k.state = 'active' and p.state = 'active' and not p.demo for update of k",
        credential
    );
    let Some(person) = person.fetch_optional(&mut *conn).await? else { return Ok(None) };
    let all = of_person(conn, person).await?;
    Ok(all.into_iter().find(|(_, kept)| kept.credential_id == credential))
}

/// Writes a new passkey.
pub async fn insert(conn: &mut PgConnection, passkey: &Passkey, kept: &Kept) -> Result<(), Error> {
    sqlx::query!(
        "insert into passkeys (id, person_id, name, credential_id, transports, static_state, dynamic_state, state,
             revision, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        passkey.id,
        passkey.person_id,
        passkey.name,
        kept.credential_id,
        i16::from(kept.transports),
        kept.static_state,
        kept.dynamic_state,
        passkey.state,
        passkey.revision,
        passkey.created_at,
        passkey.updated_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that a passkey was used, with its counter.
pub async fn used(conn: &mut PgConnection, id: Uuid, dynamic: &[u8], now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!("update passkeys set dynamic_state = $2, last_used_at = $3 where id = $1", id, dynamic, now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes a passkey out of use.
pub async fn retire(conn: &mut PgConnection, passkey: &Passkey) -> Result<(), Error> {
    sqlx::query!(
        "update passkeys set state = 'retired', revision = $2, updated_at = $3 where id = $1",
        passkey.id,
        passkey.revision,
        passkey.updated_at
    )
    .execute(conn)
    .await?;
    Ok(())
}
