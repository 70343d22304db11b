//! What proves a local account: passwords, authenticator apps, recovery codes; and what was tried in vain.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use base::error::Error;

/// Somebody who may sign in by a password.
pub struct Account {
    pub person: Uuid,
    pub hash: Option<String>,
    pub has_app: bool,
}

/// The active person of an address, with what they have.
pub async fn by_email(conn: &mut PgConnection, email: &str) -> Result<Option<Account>, Error> {
    let found = sqlx::query_as!(
        Account,
        r#"select p.id as person, w.hash as "hash?",
                  exists (select from authenticator_apps a where a.person_id = p.id and a.confirmed_at is not null) as "has_app!"
           from people p left join passwords w on w.person_id = p.id
           where lower(p.email) = lower($1) and p.state = 'active' and not p.demo"#,
        email
    );
    Ok(found.fetch_optional(conn).await?)
}

/// What a person has to sign in with here.
#[derive(Clone, Debug, Default)]
pub struct Means {
    pub password_set_at: Option<DateTime<Utc>>,
    pub app_since: Option<DateTime<Utc>>,
    pub recovery_codes: i64,
    pub hash: Option<String>,
}

pub async fn means(conn: &mut PgConnection, person: Uuid) -> Result<Means, Error> {
    let found = sqlx::query_as!(
        Means,
        r#"select (select w.set_at from passwords w where w.person_id = $1) as password_set_at,
                  (select w.hash from passwords w where w.person_id = $1) as hash,
                  (select a.confirmed_at from authenticator_apps a where a.person_id = $1) as app_since,
                  (select count(*) from recovery_codes c where c.person_id = $1 and c.used_at is null) as "recovery_codes!""#,
        person
    );
    Ok(found.fetch_one(conn).await?)
}

/// Whether somebody has a passkey, or a password with an app.
pub async fn has_strong_way(conn: &mut PgConnection, person: Uuid) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"select (exists (select from passkeys k where k.person_id = $1 and k.state = 'active')
               or (exists (select from passwords w where w.person_id = $1)
                   and exists (select from authenticator_apps a where a.person_id = $1 and a.confirmed_at is not null)))
               as "has!""#,
        person
    );
    Ok(found.fetch_one(conn).await?)
}

/// Whether somebody has any way to sign in: a password, a passkey, an account of a provider.
pub async fn has_any_way(conn: &mut PgConnection, person: Uuid) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"select (exists (select from passwords w where w.person_id = $1)
               or exists (select from passkeys k where k.person_id = $1 and k.state = 'active')
               or exists (select from identities i where i.person_id = $1 and i.state = 'active')) as "has!""#,
        person
    );
    Ok(found.fetch_one(conn).await?)
}

/// Whether local accounts are open.
pub async fn is_open(conn: &mut PgConnection) -> Result<bool, Error> {
    Ok(sqlx::query_scalar!("select local_accounts from installation").fetch_one(conn).await?)
}

pub async fn set_password(conn: &mut PgConnection, person: Uuid, hash: &str, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "insert into passwords (person_id, hash, set_at) values ($1, $2, $3)
         on conflict (person_id) do update set hash = excluded.hash, set_at = excluded.set_at,
             revision = passwords.revision + 1",
        person,
        hash,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The sealed secret of an authenticator app, locked, with whether it is confirmed and its last step.
pub async fn lock_app(conn: &mut PgConnection, person: Uuid) -> Result<Option<(Vec<u8>, bool, i64)>, Error> {
    let row = sqlx::query!(
        "select secret, confirmed_at, last_step from authenticator_apps where person_id = $1 for update",
        person
    );
    let row = row.fetch_optional(conn).await?;
    Ok(row.map(|row| (row.secret, row.confirmed_at.is_some(), row.last_step)))
}

/// Begins an app anew: it counts once it is confirmed.
pub async fn begin_app(conn: &mut PgConnection, person: Uuid, secret: &[u8], now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "insert into authenticator_apps (person_id, secret, created_at) values ($1, $2, $3)
         on conflict (person_id) do update set secret = excluded.secret, confirmed_at = null, last_step = 0,
             created_at = excluded.created_at",
        person,
        secret,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes the step of a code that was used, and that the app is confirmed.
pub async fn use_app(conn: &mut PgConnection, person: Uuid, step: i64, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "update authenticator_apps set last_step = $2, confirmed_at = coalesce(confirmed_at, $3) where person_id = $1",
        person,
        step,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the app and the recovery codes away.
pub async fn remove_app(conn: &mut PgConnection, person: Uuid) -> Result<u64, Error> {
    sqlx::query!("delete from recovery_codes where person_id = $1", person).execute(&mut *conn).await?;
    let done = sqlx::query!("delete from authenticator_apps where person_id = $1", person).execute(conn).await?;
    Ok(done.rows_affected())
}

/// These recovery codes, and none from before.
pub async fn set_codes(
    conn: &mut PgConnection,
    person: Uuid,
    hashes: &[Vec<u8>],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!("delete from recovery_codes where person_id = $1", person).execute(&mut *conn).await?;
    sqlx::query!(
        "insert into recovery_codes (person_id, hash, made_at) select $1, h, $3 from unnest($2::bytea[]) h",
        person,
        hashes,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Uses a recovery code up; whether it was one.
pub async fn use_code(conn: &mut PgConnection, person: Uuid, hash: &[u8], now: DateTime<Utc>) -> Result<bool, Error> {
    let done = sqlx::query!(
        "update recovery_codes set used_at = $3 where person_id = $1 and hash = $2 and used_at is null",
        person,
        hash,
        now
    );
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// What is counted: an account that is tried, or an address that tries.
#[derive(Clone, Copy, Debug)]
pub enum Counted {
    /// An account from one network.
    Account,
    /// A network.
    Address,
    /// An account from anywhere.
    Everywhere,
}

impl Counted {
    fn key(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Address => "address",
            Self::Everywhere => "everywhere",
        }
    }
}

/// Until when something may not be tried.
pub async fn blocked_until(
    conn: &mut PgConnection,
    tried: &[(Counted, Vec<u8>)],
) -> Result<Option<DateTime<Utc>>, Error> {
    let kinds: Vec<String> = tried.iter().map(|(kind, _)| kind.key().to_owned()).collect();
    let keys: Vec<Vec<u8>> = tried.iter().map(|(_, key)| key.clone()).collect();
    let until = sqlx::query_scalar!(
        "select max(f.blocked_until) from sign_in_failures f
         join unnest($1::text[], $2::bytea[]) t (kind, key) on t.kind = f.kind and t.key = f.key",
        &kinds,
        &keys
    );
    Ok(until.fetch_one(conn).await?)
}

/// Counts an attempt before it is made, so that many at once do not all pass; after `free` of them each doubles the
/// wait, up to a quarter of an hour. `false` where nothing may be tried yet. Forgotten after a day without any.
pub async fn count_attempt(
    conn: &mut PgConnection,
    kind: Counted,
    key: &[u8],
    free: i32,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "insert into sign_in_failures as f (kind, key, count, last_at, blocked_until) values ($1, $2, 1, $4, $4)
         on conflict (kind, key) do update set count = f.count + 1, last_at = $4,
             blocked_until = case when f.count + 1 <= $3 then $4
                 else $4::timestamptz + make_interval(secs => least(power(2, least(f.count + 1 - $3, 20)), 900)) end
             where f.blocked_until <= $4",
        kind.key(),
        key,
        free,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Remembers that an account was signed in to from a network, by the hash of both.
pub async fn know_network(conn: &mut PgConnection, key: &[u8], now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "insert into known_networks (key, last_at) values ($1, $2) on conflict (key) do update set last_at = $2",
        key,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether an account was signed in to from a network within the last 90 days.
pub async fn is_known_network(conn: &mut PgConnection, key: &[u8]) -> Result<bool, Error> {
    let known = sqlx::query_scalar!(r#"select exists (select from known_networks where key = $1) as "known!""#, key);
    Ok(known.fetch_one(conn).await?)
}

/// Gives an attempt back that was none in vain.
pub async fn give_back(conn: &mut PgConnection, kind: Counted, key: &[u8], now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "update sign_in_failures set count = greatest(count - 1, 0), blocked_until = $3 where kind = $1 and key = $2",
        kind.key(),
        key,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets the failures of an account: its person has signed in.
pub async fn forget_failures(conn: &mut PgConnection, key: &[u8]) -> Result<(), Error> {
    sqlx::query!("delete from sign_in_failures where kind = 'account' and key = $1", key).execute(conn).await?;
    Ok(())
}

/// Keeps a form until its person has confirmed.
pub async fn hold_form(
    conn: &mut PgConnection,
    id: Uuid,
    session: Uuid,
    path: &str,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into held_forms (id, session_id, path, body, created_at) values ($1, $2, $3, $4, $5)",
        id,
        session,
        path,
        body,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A held form of a session: its path and its sealed body. It is there once.
pub async fn take_form(conn: &mut PgConnection, id: Uuid, session: Uuid) -> Result<Option<(String, Vec<u8>)>, Error> {
    let row =
        sqlx::query!("delete from held_forms where id = $1 and session_id = $2 returning path, body", id, session);
    Ok(row.fetch_optional(conn).await?.map(|row| (row.path, row.body)))
}
