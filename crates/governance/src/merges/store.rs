//! Merges.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::{Merge, Undo};
use base::error::Error;
use register::catalog::MovedRecord;

struct Row {
    id: Uuid,
    kind: String,
    source_id: Uuid,
    target_id: Uuid,
    reason: String,
    state: String,
    moved: Json<Vec<MovedRecord>>,
    undo: Json<Undo>,
    merged_by: Uuid,
    merged_at: DateTime<Utc>,
    undone_by: Option<Uuid>,
    undone_at: Option<DateTime<Utc>>,
    revision: i64,
}

impl TryFrom<Row> for Merge {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            revision: row.revision,
            kind: row.kind.parse()?,
            source_id: row.source_id,
            target_id: row.target_id,
            reason: row.reason,
            state: row.state.parse()?,
            moved: row.moved.0,
            merged_by: row.merged_by,
            merged_at: row.merged_at,
            undone_by: row.undone_by,
            undone_at: row.undone_at,
            undo: row.undo.0,
        })
    }
}

pub async fn get(conn: &mut PgConnection, id: Uuid) -> Result<Option<Merge>, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, kind, source_id, target_id, reason, state, moved as "moved: Json<Vec<MovedRecord>>",
                  undo as "undo: Json<Undo>", merged_by, merged_at, undone_by, undone_at, revision
           from merges where id = $1"#,
        id
    );
    row.fetch_optional(conn).await?.map(Merge::try_from).transpose()
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Merge>, Error> {
    sqlx::query!("select id from merges where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    get(conn, id).await
}

/// The merges in effect that a record is the source or the target of, the newest first; at most 50.
pub async fn of(conn: &mut PgConnection, record: Uuid) -> Result<Vec<Merge>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, kind, source_id, target_id, reason, state, moved as "moved: Json<Vec<MovedRecord>>",
                  undo as "undo: Json<Undo>", merged_by, merged_at, undone_by, undone_at, revision
           from merges where state = 'merged' and (source_id = $1 or target_id = $1)
           order by merged_at desc limit 50"#,
        record
    );
    rows.fetch_all(conn).await?.into_iter().map(Merge::try_from).collect()
}

/// Whether something was merged into a record after this merge, and is not undone.
pub async fn is_followed(conn: &mut PgConnection, merge: &Merge) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from merges where state = 'merged' and target_id = $1 and id > $2) as "any!""#,
        merge.target_id,
        merge.id
    );
    Ok(found.fetch_one(conn).await?)
}

/// Inserts it, or writes what may change of it.
pub async fn save(conn: &mut PgConnection, merge: &Merge) -> Result<(), Error> {
    sqlx::query!(
        "insert into merges (id, kind, source_id, target_id, reason, state, moved, undo, merged_by, merged_at, undone_by,
             undone_at, revision)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         on conflict (id) do update set state = excluded.state, moved = excluded.moved, undo = excluded.undo,
             undone_by = excluded.undone_by, undone_at = excluded.undone_at, revision = excluded.revision",
        merge.id,
        merge.kind.key(),
        merge.source_id,
        merge.target_id,
        merge.reason,
        merge.state.key(),
        Json(&merge.moved) as _,
        Json(&merge.undo) as _,
        merge.merged_by,
        merge.merged_at,
        merge.undone_by,
        merge.undone_at,
        merge.revision,
    )
    .execute(conn)
    .await?;
    Ok(())
}
