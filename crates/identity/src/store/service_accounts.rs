//! Service accounts.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{ServiceAccount, ServiceAccountContent};
use base::{error::Error, text};

struct Row {
    id: Uuid,
    slug: String,
    name: String,
    description: Option<String>,
    team_id: Option<Uuid>,
    scopes: Vec<String>,
    state: String,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for ServiceAccount {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
            content: ServiceAccountContent {
                slug: row.slug,
                name: row.name,
                description: row.description,
                team_id: row.team_id,
                scopes: row.scopes.iter().map(|s| s.parse()).collect::<Result<_, _>>()?,
                state: row.state.parse()?,
            },
        })
    }
}

pub async fn find(conn: &mut PgConnection, key: &str) -> Result<Option<ServiceAccount>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select id, slug, name, description, team_id, scopes, state, revision, created_at, updated_at
         from service_accounts where slug = $1 or id::text = $1",
        key
    );
    row.fetch_optional(conn).await?.map(ServiceAccount::try_from).transpose()
}

/// All of them, by name, 500 at most.
pub async fn all(conn: &mut PgConnection) -> Result<Vec<ServiceAccount>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select id, slug, name, description, team_id, scopes, state, revision, created_at, updated_at
         from service_accounts order by sort_key, id limit 500"
    );
    rows.fetch_all(conn).await?.into_iter().map(ServiceAccount::try_from).collect()
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<ServiceAccount>, Error> {
    sqlx::query!("select id from service_accounts where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    find(conn, &id.to_string()).await
}

pub async fn insert(conn: &mut PgConnection, account: &ServiceAccount) -> Result<(), Error> {
    let content = &account.content;
    let (sort_key, search, scopes) = keys(content);
    sqlx::query!(
        "insert into service_accounts (id, slug, name, description, team_id, scopes, state, revision,
                created_at, updated_at, sort_key, search)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        account.id,
        content.slug,
        content.name,
        content.description,
        content.team_id,
        &scopes,
        content.state.key(),
        account.revision,
        account.created_at,
        account.updated_at,
        sort_key,
        search,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn update(conn: &mut PgConnection, account: &ServiceAccount) -> Result<(), Error> {
    let content = &account.content;
    let (sort_key, search, scopes) = keys(content);
    sqlx::query!(
        "update service_accounts set slug = $2, name = $3, description = $4, team_id = $5, scopes = $6,
                state = $7, revision = $8, updated_at = $9, sort_key = $10, search = $11 where id = $1",
        account.id,
        content.slug,
        content.name,
        content.description,
        content.team_id,
        &scopes,
        content.state.key(),
        account.revision,
        account.updated_at,
        sort_key,
        search,
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn keys(content: &ServiceAccountContent) -> (String, String, Vec<String>) {
    let description = content.description.as_deref().unwrap_or_default();
    (
        text::sort_key(&content.name),
        text::search_text(&[&content.name, &content.slug, description]),
        content.scopes.iter().map(|scope| scope.key().to_owned()).collect(),
    )
}
