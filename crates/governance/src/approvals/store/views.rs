//! Saved views.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::approvals::{SavedView, ViewContent};
use base::error::Error;

struct Row {
    id: Uuid,
    list: String,
    name: String,
    query: String,
    audience: String,
    owner_id: Uuid,
    team_id: Option<Uuid>,
    team: Option<String>,
    state: String,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for SavedView {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            revision: row.revision,
            owner_id: row.owner_id,
            team_id: row.team_id,
            created_at: row.created_at,
            updated_at: row.updated_at,
            content: ViewContent {
                list: row.list,
                name: row.name,
                query: row.query,
                audience: row.audience.parse()?,
                team: row.team,
                state: row.state.parse()?,
            },
        })
    }
}

/// The views that somebody sees: their own, their teams', everyone's.
pub async fn seen_by(
    conn: &mut PgConnection,
    person: Option<Uuid>,
    teams: &[Uuid],
    list: Option<&str>,
) -> Result<Vec<SavedView>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select v.id, v.list, v.name, v.query, v.audience, v.owner_id, v.team_id,
                  (select t.slug from teams t where t.id = v.team_id) as team, v.state, v.revision, v.created_at, v.updated_at
           from saved_views v
           where v.state = 'active' and ($3::text is null or v.list = $3)
             and (v.audience = 'everyone' or v.owner_id = $1 or (v.audience = 'team' and v.team_id = any($2)))
           order by v.audience, lower(v.name), v.id limit 200"#,
        person,
        teams,
        list
    );
    rows.fetch_all(conn).await?.into_iter().map(SavedView::try_from).collect()
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<SavedView>, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"select v.id, v.list, v.name, v.query, v.audience, v.owner_id, v.team_id,
                  (select t.slug from teams t where t.id = v.team_id) as team, v.state, v.revision, v.created_at, v.updated_at
           from saved_views v where v.id = $1 for update"#,
        id
    );
    row.fetch_optional(conn).await?.map(SavedView::try_from).transpose()
}

pub async fn save(conn: &mut PgConnection, view: &SavedView) -> Result<(), Error> {
    let c = &view.content;
    sqlx::query!(
        "insert into saved_views (id, list, name, query, audience, owner_id, team_id, state, revision, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (id) do update set name = excluded.name, query = excluded.query, audience = excluded.audience,
             team_id = excluded.team_id, state = excluded.state, revision = excluded.revision, updated_at = excluded.updated_at",
        view.id,
        c.list,
        c.name,
        c.query,
        c.audience.key(),
        view.owner_id,
        view.team_id,
        c.state.key(),
        view.revision,
        view.created_at,
        view.updated_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}
