//! Systems.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::catalog::{System, SystemContent};
use base::{error::Error, text};

struct Row {
    id: Uuid,
    slug: String,
    name: String,
    description: Option<String>,
    kind: String,
    team_id: Option<Uuid>,
    team_slug: Option<String>,
    vendor_id: Option<Uuid>,
    vendor_slug: Option<String>,
    url: Option<String>,
    tags: Vec<String>,
    state: String,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for System {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
            team_id: row.team_id,
            vendor_id: row.vendor_id,
            content: SystemContent {
                slug: row.slug,
                name: row.name,
                description: row.description,
                kind: row.kind.parse()?,
                team: row.team_slug,
                vendor: row.vendor_slug,
                url: row.url,
                tags: row.tags,
                state: row.state.parse()?,
            },
        })
    }
}

/// Whole systems, in no particular order.
pub async fn get_many(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<System>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select s.id, s.slug, s.name, s.description, s.kind, s.team_id,
                  (select t.slug from teams t where t.id = s.team_id) as team_slug, s.vendor_id,
                  (select v.slug from vendors v where v.id = s.vendor_id) as vendor_slug, s.url, s.tags, s.state, s.revision, s.created_at, s.updated_at
           from systems s where s.id = any($1)"#,
        ids
    );
    rows.fetch_all(conn).await?.into_iter().map(System::try_from).collect()
}

pub async fn get(conn: &mut PgConnection, id: Uuid) -> Result<Option<System>, Error> {
    Ok(get_many(conn, &[id]).await?.pop())
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<System>, Error> {
    sqlx::query!("select id from systems where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    get(conn, id).await
}

/// The id behind an id, a slug or a former slug.
pub async fn find(conn: &mut PgConnection, key: &str) -> Result<Option<Uuid>, Error> {
    let id = sqlx::query_scalar!(
        r#"select id as "id!" from systems where slug = $1
           union all select id from systems where id = $2
           union all select record_id from slug_history where kind = 'system' and slug = $1 limit 1"#,
        key,
        Uuid::parse_str(key).ok()
    );
    Ok(id.fetch_optional(conn).await?)
}

pub async fn insert(conn: &mut PgConnection, system: &System) -> Result<(), Error> {
    let c = &system.content;
    let (sort_key, search) = keys(c);
    sqlx::query!(
        "insert into systems (id, slug, name, description, kind, team_id, vendor_id, url, tags, state, revision,
             created_at, updated_at, sort_key, search)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        system.id,
        c.slug,
        c.name,
        c.description,
        c.kind.key(),
        system.team_id,
        system.vendor_id,
        c.url,
        &c.tags,
        c.state.key(),
        system.revision,
        system.created_at,
        system.updated_at,
        sort_key,
        search,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn update(conn: &mut PgConnection, system: &System) -> Result<(), Error> {
    let c = &system.content;
    let (sort_key, search) = keys(c);
    sqlx::query!(
        "update systems set slug = $2, name = $3, description = $4, kind = $5, team_id = $6, vendor_id = $7,
             url = $8, tags = $9, state = $10, revision = $11, updated_at = $12, sort_key = $13, search = $14
         where id = $1",
        system.id,
        c.slug,
        c.name,
        c.description,
        c.kind.key(),
        system.team_id,
        system.vendor_id,
        c.url,
        &c.tags,
        c.state.key(),
        system.revision,
        system.updated_at,
        sort_key,
        search,
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn keys(c: &SystemContent) -> (String, String) {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    let search = text::search_text(&[
        &c.name,
        &c.slug,
        &part(&c.vendor),
        &part(&c.team),
        text::clip(&part(&c.description), 2000),
        &c.tags.join(" "),
    ]);
    (text::sort_key(&c.name), search)
}
