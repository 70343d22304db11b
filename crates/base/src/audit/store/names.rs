//! What the subjects of events are called, and which records a person means by a name in a filter: as the features
//! declare their kinds of records.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Error,
    feature::{self, RecordKind},
    text,
};

/// SQL for the name of an event's subject.
pub fn of_subject() -> String {
    let mut sql = "case e.subject_kind".to_owned();
    for record in feature::records() {
        if let Some(name) = record.name {
            sql.push_str(&format!(" when '{}' then ({name})", record.kind));
        }
    }
    if feature::records().any(|record| record.name.is_some()) { sql + " end" } else { "null::text".into() }
}

/// The people and service accounts that someone means: by id, e-mail address, name or slug, whatever the case.
pub async fn actors(conn: &mut PgConnection, word: &str) -> Result<Vec<Uuid>, Error> {
    meant(conn, word, feature::records().filter(|record| record.acts)).await
}

/// The records that someone means: by id, name, title, key or slug, whatever the case.
pub async fn subjects(conn: &mut PgConnection, word: &str) -> Result<Vec<Uuid>, Error> {
    meant(conn, word, feature::records()).await
}

async fn meant(
    conn: &mut PgConnection,
    word: &str,
    records: impl Iterator<Item = &'static RecordKind>,
) -> Result<Vec<Uuid>, Error> {
    if let Ok(id) = Uuid::parse_str(word.trim()) {
        return Ok(vec![id]);
    }
    let parts: Vec<&str> = records.filter_map(|record| record.find).collect();
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    // Constant SQL of the features; the word is bound.
    let sql = format!("{} limit 200", parts.join(" union "));
    let found = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(word.trim()).bind(text::sort_key(word));
    Ok(found.fetch_all(conn).await?)
}
