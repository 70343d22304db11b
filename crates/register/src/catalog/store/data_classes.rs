//! Data classes.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::catalog::{DataClass, DataClassContent};
use base::{error::Error, text};

struct Row {
    id: Uuid,
    key: String,
    name: String,
    description: Option<String>,
    parent_id: Option<Uuid>,
    sensitivity: String,
    regulations: Vec<String>,
    source: String,
    state: String,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for DataClass {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
            parent_id: row.parent_id,
            source: row.source,
            content: DataClassContent {
                key: row.key,
                name: row.name,
                description: row.description,
                sensitivity: row.sensitivity.parse()?,
                regulations: row.regulations.iter().map(|r| r.parse()).collect::<Result<_, _>>()?,
                state: row.state.parse()?,
            },
        })
    }
}

/// Whole data classes, in no particular order.
pub async fn get_many(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<DataClass>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select id, key, name, description, parent_id, sensitivity, regulations, source, state, revision,
                created_at, updated_at
         from data_classes where id = any($1)",
        ids
    );
    rows.fetch_all(conn).await?.into_iter().map(DataClass::try_from).collect()
}

pub async fn get(conn: &mut PgConnection, id: Uuid) -> Result<Option<DataClass>, Error> {
    Ok(get_many(conn, &[id]).await?.pop())
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<DataClass>, Error> {
    sqlx::query!("select id from data_classes where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    get(conn, id).await
}

/// The id behind an id or a key.
pub async fn find(conn: &mut PgConnection, key: &str) -> Result<Option<Uuid>, Error> {
    let id = sqlx::query_scalar!(
        r#"select id as "id!" from data_classes where key = $1
           union all select id from data_classes where id = $2 limit 1"#,
        key,
        Uuid::parse_str(key).ok()
    );
    Ok(id.fetch_optional(conn).await?)
}

/// The ids behind keys.
pub async fn by_key(conn: &mut PgConnection, keys: &[String]) -> Result<Vec<Uuid>, Error> {
    Ok(sqlx::query_scalar!("select id from data_classes where key = any($1)", keys).fetch_all(conn).await?)
}

pub async fn any(conn: &mut PgConnection) -> Result<bool, Error> {
    Ok(sqlx::query_scalar!(r#"select exists (select from data_classes) as "any!""#).fetch_one(conn).await?)
}

pub async fn insert(conn: &mut PgConnection, class: &DataClass) -> Result<(), Error> {
    let c = &class.content;
    let (sort_key, search, regulations) = keys(c);
    sqlx::query!(
        "insert into data_classes (id, key, name, description, parent_id, sensitivity, regulations, source, state,
             revision, created_at, updated_at, sort_key, search)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        class.id,
        c.key,
        c.name,
        c.description,
        class.parent_id,
        c.sensitivity.key(),
        &regulations,
        class.source,
        c.state.key(),
        class.revision,
        class.created_at,
        class.updated_at,
        sort_key,
        search,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn update(conn: &mut PgConnection, class: &DataClass) -> Result<(), Error> {
    let c = &class.content;
    let (sort_key, search, regulations) = keys(c);
    sqlx::query!(
        "update data_classes set name = $2, description = $3, sensitivity = $4, regulations = $5, state = $6,
             revision = $7, updated_at = $8, sort_key = $9, search = $10
         where id = $1",
        class.id,
        c.name,
        c.description,
        c.sensitivity.key(),
        &regulations,
        c.state.key(),
        class.revision,
        class.updated_at,
        sort_key,
        search,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Active classes below one.
pub async fn children(conn: &mut PgConnection, id: Uuid) -> Result<Vec<String>, Error> {
    let keys = sqlx::query_scalar!(
        "select key from data_classes where parent_id = $1 and state = 'active' order by sort_key limit 20",
        id
    );
    Ok(keys.fetch_all(conn).await?)
}

fn keys(c: &DataClassContent) -> (String, String, Vec<String>) {
    let search = text::search_text(&[&c.name, &c.key, c.description.as_deref().unwrap_or_default()]);
    (c.key.clone(), search, c.regulations.iter().map(|r| r.key().to_owned()).collect())
}
