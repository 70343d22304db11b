//! Letters that wait.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Kind, Letter};
use crate::error::Error;

pub struct Waiting {
    pub id: i64,
    pub recipient: String,
    pub subject: String,
    pub body: String,
    pub about_kind: String,
    pub about_id: Uuid,
    pub attempts: i32,
    pub notice: bool,
}

/// Puts a letter in the way; a notice to someone who wants none is left out.
pub async fn insert(conn: &mut PgConnection, letter: &Letter<'_>, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "insert into mails_due (recipient, subject, body, about_kind, about_id, next_at, notice)
         select $1, $2, $3, $4, $5, $6, $7
         where not ($7 and exists (select from people p join person_preferences w on w.person_id = p.id
             where lower(p.email) = lower($1) and not w.notices))",
        letter.to,
        letter.subject,
        letter.text,
        letter.about.0,
        letter.about.1,
        now,
        letter.kind == Kind::Notice
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The next letter, which nobody else takes until then.
pub async fn take(conn: &mut PgConnection, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Option<Waiting>, Error> {
    let letter = sqlx::query_as!(
        Waiting,
        "update mails_due set next_at = $2 where id =
             (select id from mails_due where next_at <= $1 order by next_at, id limit 1 for update skip locked)
         returning id, recipient, subject, body, about_kind, about_id, attempts, notice",
        now,
        until
    );
    Ok(letter.fetch_optional(conn).await?)
}

pub async fn remove(conn: &mut PgConnection, id: i64) -> Result<(), Error> {
    sqlx::query!("delete from mails_due where id = $1", id).execute(conn).await?;
    Ok(())
}

pub async fn later(conn: &mut PgConnection, id: i64, at: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!("update mails_due set attempts = attempts + 1, next_at = $2 where id = $1", id, at)
        .execute(conn)
        .await?;
    Ok(())
}
