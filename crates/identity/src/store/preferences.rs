//! How somebody wants pages to look and to write moments.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Notices, Preferences};
use base::error::Error;

/// What somebody has set; nothing set is the default.
pub async fn get(conn: &mut PgConnection, person: Uuid) -> Result<Preferences, Error> {
    let row =
        sqlx::query!("select time_zone, language, theme, notices from person_preferences where person_id = $1", person);
    let Some(row) = row.fetch_optional(conn).await? else { return Ok(Preferences::default()) };
    Ok(Preferences {
        time_zone: row.time_zone,
        language: row.language.parse()?,
        theme: row.theme.parse()?,
        notices: if row.notices { Notices::ByEmail } else { Notices::OnPages },
    })
}

/// Writes what somebody has set.
pub async fn save(
    conn: &mut PgConnection,
    person: Uuid,
    preferences: &Preferences,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into person_preferences (person_id, time_zone, language, theme, updated_at, notices)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (person_id) do update set time_zone = excluded.time_zone, language = excluded.language,
             theme = excluded.theme, updated_at = excluded.updated_at,
             notices = excluded.notices",
        person,
        preferences.time_zone,
        preferences.language.key(),
        preferences.theme.key(),
        now,
        preferences.notices == Notices::ByEmail
    )
    .execute(conn)
    .await?;
    Ok(())
}
