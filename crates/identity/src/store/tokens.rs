//! API tokens.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Token, TokenOwner};
use base::error::Error;

struct Row {
    id: Uuid,
    name: String,
    person_id: Option<Uuid>,
    service_account_id: Option<Uuid>,
    scopes: Vec<String>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    revision: i64,
}

impl TryFrom<Row> for Token {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            name: row.name,
            person_id: row.person_id,
            service_account_id: row.service_account_id,
            scopes: row.scopes.iter().map(|s| s.parse()).collect::<Result<_, _>>()?,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
            revision: row.revision,
        })
    }
}

/// Stores a token with the code that its bearer authenticates by, and the person who minted it, where one did.
pub async fn insert(
    conn: &mut PgConnection,
    token: &Token,
    (mac, pepper_key_id): (&[u8], &str),
    minted_by: Option<Uuid>,
) -> Result<(), Error> {
    let scopes: Vec<String> = token.scopes.iter().map(|scope| scope.key().to_owned()).collect();
    sqlx::query!(
        "insert into api_tokens (id, name, person_id, service_account_id, mac, pepper_key_id, scopes, created_at, expires_at, revision, minted_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        token.id,
        token.name,
        token.person_id,
        token.service_account_id,
        mac,
        pepper_key_id,
        &scopes,
        token.created_at,
        token.expires_at,
        token.revision,
        minted_by,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Token>, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"select t.id, t.name, t.person_id, t.service_account_id, t.scopes, t.created_at, t.expires_at,
                  t.revoked_at, (select u.used_at from token_uses u where u.token_id = t.id) as last_used_at, t.revision
           from api_tokens t where t.id = $1 for update"#,
        id
    );
    row.fetch_optional(conn).await?.map(Token::try_from).transpose()
}

pub async fn revoke(conn: &mut PgConnection, token: &Token) -> Result<(), Error> {
    sqlx::query!(
        "update api_tokens set revoked_at = $2, revision = $3 where id = $1 and revoked_at is null",
        token.id,
        token.revoked_at,
        token.revision
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The tokens of one owner, or of all service accounts, newest first.
pub async fn of_owner(conn: &mut PgConnection, owner: Option<TokenOwner>) -> Result<Vec<Token>, Error> {
    let (person, account) = match owner {
        Some(TokenOwner::Person(id)) => (Some(id), None),
        Some(TokenOwner::ServiceAccount(id)) => (None, Some(id)),
        None => (None, None),
    };
    let rows = sqlx::query_as!(
        Row,
        r#"select t.id, t.name, t.person_id, t.service_account_id, t.scopes, t.created_at, t.expires_at,
                  t.revoked_at, u.used_at as "last_used_at?", t.revision
           from api_tokens t left join token_uses u on u.token_id = t.id
           where case when $1::uuid is not null then t.person_id = $1
                      when $2::uuid is not null then t.service_account_id = $2
                      else t.service_account_id is not null end
           order by t.created_at desc limit 500"#,
        person,
        account
    );
    rows.fetch_all(conn).await?.into_iter().map(Token::try_from).collect()
}

/// Notes the use, once a minute for each token.
pub async fn used(
    conn: &mut PgConnection,
    token: Uuid,
    at: DateTime<Utc>,
    address: Option<String>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into token_uses (token_id, used_at, address) values ($1, $2, $3::text::inet)
         on conflict (token_id) do update set used_at = excluded.used_at, address = excluded.address
         where token_uses.used_at < excluded.used_at - interval '1 minute'",
        token,
        at,
        address
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Binds the installation to this pepper at the first start; `false` when it has another.
pub async fn bind_pepper(conn: &mut PgConnection, key_id: &str) -> Result<bool, Error> {
    sqlx::query!("update installation set pepper_key_id = $1 where pepper_key_id is null", key_id)
        .execute(&mut *conn)
        .await?;
    let bound = sqlx::query_scalar!("select pepper_key_id from installation").fetch_one(conn).await?;
    Ok(bound.as_deref() == Some(key_id))
}
