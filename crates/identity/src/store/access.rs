//! What proves an identity: sessions, sign-in links, and the authority behind a session or token.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Authority, Origin, Permission, Permissions, Principal, Proof, Reading, Role, Session};
use base::error::Error;

/// Whether this server shows the demonstration; its people are nobody otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demo {
    Shown,
    Hidden,
}

/// A session's authority; `None` where nothing valid stands behind the secret.
pub async fn by_session(
    conn: &mut PgConnection,
    hash: &[u8],
    now: DateTime<Utc>,
    demo: Demo,
) -> Result<Option<(Authority, DateTime<Utc>)>, Error> {
    let row = sqlx::query!(
        r#"select s.id, s.csrf, s.last_seen_at, s.authenticated_at, s.strong, i.strong_for, p.id as person_id, p.name, p.email,
                  coalesce(w.time_zone, i.time_zone) as "time_zone!", coalesce(w.language, 'en-GB') as "language!",
                  coalesce(w.theme, 'system') as "theme!",
                  array(select g.role from roles_on(our_day($2)) g where g.person_id = p.id) as "roles!",
                  array(select m.team_id from team_members m where m.person_id = p.id) as "teams!",
                  array(select m.review_group_id from review_group_members m where m.person_id = p.id) as "review_groups!"
           from sessions s join people p on p.id = s.person_id
           left join person_preferences w on w.person_id = p.id, installation i
           where s.token_hash = $1 and s.expires_at > $2 and p.state = 'active'
             and s.last_seen_at > $2 - make_interval(mins => i.session_idle_minutes) and (not p.demo or $3)"#,
        hash,
        now,
        demo == Demo::Shown
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let roles = row.roles.iter().map(|r| r.parse()).collect::<Result<Vec<Role>, _>>()?;
    let authority = Authority {
        principal: Principal::Person(row.person_id),
        name: row.name,
        email: row.email,
        permissions: Permissions::of_roles(&roles),
        roles,
        teams: row.teams,
        review_groups: row.review_groups,
        token_id: None,
        minted_by: None,
        reading: Reading {
            time_zone: row.time_zone.parse().unwrap_or_default(),
            language: row.language.parse()?,
            theme: row.theme.parse()?,
        },
        session: Some(Session {
            id: row.id,
            csrf: row.csrf,
            authenticated_at: row.authenticated_at,
            strong: row.strong,
            demanded: row.strong_for.iter().map(|one| one.parse()).collect::<Result<Vec<_>, _>>()?,
        }),
    };
    Ok(Some((authority, row.last_seen_at)))
}

/// A token's authority: its scopes, as far as its owner still has those rights.
pub async fn by_token(
    conn: &mut PgConnection,
    mac: &[u8],
    now: DateTime<Utc>,
    demo: Demo,
) -> Result<Option<Authority>, Error> {
    let row = sqlx::query!(
        r#"select t.id, t.scopes, t.person_id, t.service_account_id, t.minted_by,
                  coalesce(p.name, a.name) as "name!", p.email as "email?",
                  array(select g.role from roles_on(our_day($2)) g where g.person_id = t.person_id) as "roles!",
                  array(select m.team_id from team_members m where m.person_id = t.person_id
                        union select a.team_id where a.team_id is not null) as "teams!",
                  a.scopes as "account_scopes?"
           from api_tokens t
           left join people p on p.id = t.person_id
           left join service_accounts a on a.id = t.service_account_id
           where t.mac = $1 and t.revoked_at is null and t.expires_at > $2
             and coalesce(p.state, a.state) = 'active' and (p.demo is not true or $3)"#,
        mac,
        now,
        demo == Demo::Shown
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let roles = row.roles.iter().map(|r| r.parse()).collect::<Result<Vec<Role>, _>>()?;
    let scopes = |keys: &[String]| keys.iter().map(|s| s.parse::<Permission>()).collect::<Result<Permissions, _>>();
    let (principal, ceiling) = match (row.person_id, row.service_account_id) {
        (Some(id), None) => (Principal::Person(id), Permissions::of_roles(&roles)),
        (None, Some(id)) => (Principal::ServiceAccount(id), scopes(row.account_scopes.as_deref().unwrap_or_default())?),
        _ => return Err(super::impossible("a token with two owners or none")),
    };
    Ok(Some(Authority {
        principal,
        name: row.name,
        email: row.email.unwrap_or_default(),
        roles,
        teams: row.teams,
        review_groups: Vec::new(),
        permissions: scopes(&row.scopes)?.intersection(ceiling),
        token_id: Some(row.id),
        minted_by: row.minted_by,
        session: None,
        reading: Reading::default(),
    }))
}

/// Pushes the idle end of a session out.
pub async fn seen(conn: &mut PgConnection, session: Uuid, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!("update sessions set last_seen_at = $2 where id = $1", session, now).execute(conn).await?;
    Ok(())
}

/// A session to be made.
pub struct NewSession<'a> {
    pub id: Uuid,
    pub hash: &'a [u8],
    pub csrf: &'a str,
    pub person: Uuid,
    pub origin: &'a Origin,
    pub proof: &'a Proof,
}

pub async fn insert_session(conn: &mut PgConnection, new: NewSession<'_>, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "insert into sessions (id, token_hash, csrf, person_id, address, user_agent, created_at, last_seen_at, expires_at,
             authenticated_at, method, provider, acr, amr, strong, id_token)
         select $1, $2, $3, $4, $5::text::inet, $6, $7, $7, $7::timestamptz + make_interval(mins => session_absolute_minutes),
             coalesce(least($14, $7), $7), $8, $9, $10, $11, $12, $13
         from installation",
        new.id,
        new.hash,
        new.csrf,
        new.person,
        new.origin.address.map(|a| a.to_string()),
        new.origin.user_agent,
        now,
        new.proof.method,
        new.proof.provider,
        new.proof.acr,
        &new.proof.amr,
        new.proof.strong,
        new.proof.id_token,
        new.proof.authenticated_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes a new proof and a new secret to a session.
pub async fn confirm_session(
    conn: &mut PgConnection,
    session: Uuid,
    hash: &[u8],
    proof: &Proof,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "update sessions set token_hash = $2, authenticated_at = $3, method = $4, provider = coalesce($5, provider),
             acr = $6, amr = $7, strong = $8, id_token = coalesce($9, id_token), last_seen_at = $3 where id = $1",
        session,
        hash,
        now,
        proof.method,
        proof.provider,
        proof.acr,
        &proof.amr,
        proof.strong,
        proof.id_token,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The provider of a session, with its sealed token.
pub async fn provider_of(conn: &mut PgConnection, session: Uuid) -> Result<Option<(String, Option<Vec<u8>>)>, Error> {
    let row = sqlx::query!("select provider, id_token from sessions where id = $1", session);
    let row = row.fetch_optional(conn).await?;
    Ok(row.and_then(|row| Some((row.provider?, row.id_token))))
}

/// Ends the sessions of somebody, but one.
pub async fn end_sessions_of(conn: &mut PgConnection, person: Uuid, but: Option<Uuid>) -> Result<u64, Error> {
    let done = sqlx::query!("delete from sessions where person_id = $1 and id is distinct from $2", person, but);
    Ok(done.execute(conn).await?.rows_affected())
}

/// Ends the sessions of somebody that began at a provider, but one.
pub async fn end_sessions_by(
    conn: &mut PgConnection,
    person: Uuid,
    provider: &str,
    but: Option<Uuid>,
) -> Result<u64, Error> {
    let done = sqlx::query!(
        "delete from sessions where person_id = $1 and provider = $2 and id is distinct from $3",
        person,
        provider,
        but
    );
    Ok(done.execute(conn).await?.rows_affected())
}

/// Ends one session, by its id or by its secret's hash.
pub async fn end_session(
    conn: &mut PgConnection,
    person: Option<Uuid>,
    id: Option<Uuid>,
    hash: Option<&[u8]>,
) -> Result<u64, Error> {
    let done = sqlx::query!(
        "delete from sessions where (id = $1 or token_hash = $2) and ($3::uuid is null or person_id = $3)",
        id,
        hash,
        person
    );
    Ok(done.execute(conn).await?.rows_affected())
}

/// A running session as its owner sees it.
#[derive(Debug, Clone)]
pub struct SessionRow {
    pub id: Uuid,
    pub address: Option<String>,
    pub user_agent: Option<String>,
    pub method: String,
    pub provider: Option<String>,
    pub strong: bool,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

pub async fn sessions_of(conn: &mut PgConnection, person: Uuid, now: DateTime<Utc>) -> Result<Vec<SessionRow>, Error> {
    let rows = sqlx::query_as!(
        SessionRow,
        "select id, host(address) as address, user_agent, method, provider, strong, created_at, last_seen_at, expires_at
         from sessions where person_id = $1 and expires_at > $2 order by last_seen_at desc limit 100",
        person,
        now
    );
    Ok(rows.fetch_all(conn).await?)
}

pub async fn insert_link(
    conn: &mut PgConnection,
    id: Uuid,
    person: Uuid,
    hash: &[u8],
    (purpose, hours): (&str, i32),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into sign_in_links (id, person_id, token_hash, created_at, expires_at, purpose)
         values ($1, $2, $3, $4, $4::timestamptz + make_interval(hours => $5), $6)",
        id,
        person,
        hash,
        now,
        hours,
        purpose
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whom a link would sign in, if it still works.
pub async fn link_person(conn: &mut PgConnection, hash: &[u8], now: DateTime<Utc>) -> Result<Option<Uuid>, Error> {
    let person = sqlx::query_scalar!(
        "select l.person_id from sign_in_links l join people p on p.id = l.person_id
         where l.token_hash = $1 and l.used_at is null and l.expires_at > $2 and p.state = 'active'",
        hash,
        now
    );
    Ok(person.fetch_optional(conn).await?)
}

/// Whom a link is for, and for what, if it still works.
pub async fn link_purpose(
    conn: &mut PgConnection,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<(Uuid, String)>, Error> {
    let row = sqlx::query!(
        "select l.person_id, l.purpose from sign_in_links l join people p on p.id = l.person_id
         where l.token_hash = $1 and l.used_at is null and l.expires_at > $2 and p.state = 'active'",
        hash,
        now
    );
    Ok(row.fetch_optional(conn).await?.map(|row| (row.person_id, row.purpose)))
}

/// Uses a link up; the person it signs in, if it still held.
pub async fn consume_link(conn: &mut PgConnection, hash: &[u8], now: DateTime<Utc>) -> Result<Option<Uuid>, Error> {
    let person = sqlx::query_scalar!(
        "update sign_in_links l set used_at = $2 from people p
         where l.token_hash = $1 and l.used_at is null and l.expires_at > $2
           and p.id = l.person_id and p.state = 'active'
         returning l.person_id",
        hash,
        now
    );
    Ok(person.fetch_optional(conn).await?)
}

/// Removes what has ended.
pub async fn sweep(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<u64, Error> {
    let sessions = sqlx::query!("delete from sessions where expires_at < $1", now).execute(&mut *conn).await?;
    let keys =
        sqlx::query!("delete from idempotency_keys where created_at < $1::timestamptz - interval '24 hours'", now)
            .execute(&mut *conn)
            .await?;
    let uploads =
        sqlx::query!("delete from import_uploads where created_at < $1::timestamptz - interval '24 hours'", now)
            .execute(conn)
            .await?;
    Ok(sessions.rows_affected() + keys.rows_affected() + uploads.rows_affected())
}
