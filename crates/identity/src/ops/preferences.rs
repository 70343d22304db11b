//! One's own profile: how pages look and write moments.

use serde_json::json;

use crate::{Actor, Preferences, store::preferences};
use base::{app::App, audit::Event, error::Error};

/// What the actor has set for themselves.
pub async fn preferences(app: &App, actor: &Actor) -> Result<Preferences, Error> {
    let me = actor.person().ok_or(Error::Unauthenticated)?;
    preferences::get(&mut *app.db.read().await?, me).await
}

/// Sets how pages look and write moments to the actor alone.
pub async fn set_preferences(app: &App, actor: &Actor, wanted: Preferences) -> Result<Preferences, Error> {
    super::refuse_token(actor)?;
    let me = actor.person().ok_or(Error::Unauthenticated)?;
    let wanted = wanted.checked()?;
    let mut tx = app.db.write(actor).await?;
    if preferences::get(tx.conn(), me).await? == wanted {
        return Ok(wanted);
    }
    let now = tx.now();
    preferences::save(tx.conn(), me, &wanted, now).await?;
    // That they did is on record; what they like is nobody's business.
    tx.record(Event::happened("person.preferences_set", "person", Some(me), json!(null))).await?.commit().await?;
    crate::authorities(app).clear();
    Ok(wanted)
}
