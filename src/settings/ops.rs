//! Reading and changing the settings.

use super::{Settings, SettingsContent, store};
use crate::{
    app::App,
    audit::Event,
    error::Error,
    identity::{Actor, Permission},
};

/// The settings. Everyone signed in may read them.
pub async fn get(app: &App, actor: &Actor) -> Result<Settings, Error> {
    actor.require(Permission::Read)?;
    store::get(&mut *app.db.read().await?).await
}

/// Changes the settings based on `revision`.
pub async fn update(app: &App, actor: &Actor, revision: i64, content: SettingsContent) -> Result<Settings, Error> {
    actor.require(Permission::ManageSettings)?;
    let content = content.checked()?;
    let mut tx = app.db.write(actor).await?;
    let before = store::lock(tx.conn()).await?;
    if before.revision != revision {
        return Err(Error::Stale { given: revision, current: before.revision });
    }
    if before.content == content {
        return Ok(before);
    }
    let after = Settings { revision: revision + 1, content };
    store::update(tx.conn(), &after).await?;
    tx.record(Event::changed("settings.updated", &before, &after)).await?.commit().await?;
    app.authorities.clear();
    Ok(after)
}
