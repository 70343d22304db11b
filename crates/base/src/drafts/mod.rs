//! What somebody typed into a form and did not save: kept for them alone, for a month. And when they
//! looked last. Housekeeping, not the register.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use crate::{actor::Actor, app::App, error::Error};

/// Characters of one draft at most.
pub const MOST: usize = 256 * 1024;

/// Keeps what was typed.
pub async fn keep(app: &App, actor: &Actor, form: &str, fields: &[(String, String)]) -> Result<(), Error> {
    let size: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MOST || form.len() > 200 {
        return Err(Error::TooLarge("This draft is too large to be kept.".into()));
    }
    let Some(person) = actor.person() else { return Ok(()) };
    let now = app.clock.now();
    // A secret is not kept, not even for a moment.
    let fields: Vec<&(String, String)> =
        fields.iter().filter(|(_, value)| !crate::secret::looks_secret(value, crate::secret::Place::Prose)).collect();
    sqlx::query!(
        "insert into form_drafts (person_id, form, fields, updated_at) values ($1, $2, $3, $4)
         on conflict (person_id, form) do update set fields = excluded.fields, updated_at = excluded.updated_at",
        person,
        form,
        Json(&fields) as _,
        now
    )
    .execute(&mut *app.db.housekeeping().await?)
    .await?;
    Ok(())
}

/// What was typed last, and when.
pub async fn find(
    app: &App,
    actor: &Actor,
    form: &str,
) -> Result<Option<(Vec<(String, String)>, DateTime<Utc>)>, Error> {
    let Some(person) = actor.person() else { return Ok(None) };
    let row = sqlx::query!(
        r#"select fields as "fields: Json<Vec<(String, String)>>", updated_at from form_drafts
           where person_id = $1 and form = $2"#,
        person,
        form
    )
    .fetch_optional(&mut *app.db.read().await?)
    .await?;
    Ok(row.map(|row| (row.fields.0, row.updated_at)))
}

/// Forgets it: it was saved, or thrown away.
pub async fn forget(app: &App, actor: &Actor, form: &str) -> Result<(), Error> {
    let Some(person) = actor.person() else { return Ok(()) };
    sqlx::query!("delete from form_drafts where person_id = $1 and form = $2", person, form)
        .execute(&mut *app.db.housekeeping().await?)
        .await?;
    Ok(())
}

/// Removes what nobody came back to within a month.
pub async fn sweep(app: &App) -> Result<u64, Error> {
    let now = app.clock.now();
    let done = sqlx::query!("delete from form_drafts where updated_at < $1::timestamptz - interval '30 days'", now);
    Ok(done.execute(&mut *app.db.housekeeping().await?).await?.rows_affected())
}

/// Notes a visit; the one before it, where there was one more than an hour ago.
pub async fn visit(app: &App, actor: &Actor) -> Result<Option<DateTime<Utc>>, Error> {
    let Some(person) = actor.person() else { return Ok(None) };
    let now = app.clock.now();
    let previous = sqlx::query_scalar!(
        "insert into last_visits as v (person_id, at) values ($1, $2)
         on conflict (person_id) do update set at = excluded.at,
             previous = case when v.at < excluded.at - interval '1 hour' then v.at else v.previous end
         returning previous",
        person,
        now
    )
    .fetch_one(&mut *app.db.housekeeping().await?)
    .await?;
    Ok(previous)
}
