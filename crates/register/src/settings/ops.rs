//! Reading and changing the settings.

use super::{Settings, SettingsContent, store};
use base::{
    app::App,
    audit::Event,
    error::{Error, same_revision},
    words::State,
};
use identity::{Actor, GroupKind, Permission, Role, Sensitive};

/// The settings. Everyone signed in may read them.
pub async fn get(app: &App, actor: &Actor) -> Result<Settings, Error> {
    actor.require(Permission::Read)?;
    store::get(&mut *app.db.read().await?).await
}

/// What is set, for operations that go by it who acts.
pub async fn in_force(app: &App) -> Result<SettingsContent, Error> {
    Ok(store::get(&mut *app.db.read().await?).await?.content)
}

/// The organisation's time zone.
pub async fn time_zone(app: &App) -> Result<chrono_tz::Tz, Error> {
    base::db::time_zone(&mut *app.db.read().await?).await
}

/// Changes the settings based on `revision`.
pub async fn update(app: &App, actor: &Actor, revision: i64, content: SettingsContent) -> Result<Settings, Error> {
    actor.require(Permission::ManageSettings)?;
    actor.require_fresh(Sensitive::Administer, app.clock.now())?;
    let content = content.checked()?;
    let mut tx = app.db.write(actor).await?;
    let before = store::lock(tx.conn()).await?;
    same_revision(revision, before.revision)?;
    let group = match &content.approval_group {
        None => None,
        Some(key) => {
            let found = identity::ops::group_in(&mut tx, GroupKind::ReviewGroup, key).await?;
            let fault = || Error::field("/approval_group", format!("There is no review group '{key}'."));
            Some(found.filter(|group| group.content.state == State::Active).ok_or_else(fault)?)
        }
    };
    let content = SettingsContent { approval_group: group.as_ref().map(|group| group.content.slug.clone()), ..content };
    if before.content == content {
        return Ok(before);
    }
    // How people sign in is said by someone who has signed in.
    if (before.content.strong_for != content.strong_for || before.content.local_accounts != content.local_accounts)
        && actor.authority.token_id.is_some()
    {
        return Err(Error::Forbidden("No token changes how people sign in. Use the page.".into()));
    }
    // Who decides on requests is a right: no one gives it to themselves.
    if before.content.approval_group != content.approval_group {
        identity::ops::refuse_token(actor)?;
        let mine = |group: &identity::Group| actor.person().is_some_and(|me| group.content.members.contains(&me));
        if group.as_ref().is_some_and(mine) {
            return Err(Error::Forbidden(
                "You are in this review group. Another admin makes it the one that decides.".into(),
            ));
        }
    }
    // Days that are lowered let former owners decide: a reviewer would free themselves, decide, and set them back.
    if content.ownership_days < before.content.ownership_days {
        identity::ops::refuse_token(actor)?;
        if actor.authority.roles.contains(&Role::Reviewer) {
            return Err(Error::Forbidden(
                "You are a reviewer, and fewer days would let you decide sooner. Another admin lowers them.".into(),
            ));
        }
    }
    // Who demands what they cannot do themselves has locked themselves out.
    if before.content.strong_for != content.strong_for
        && !content.strong_for.is_empty()
        && actor.authority.session.as_ref().is_some_and(|session| !session.strong)
    {
        return Err(Error::field(
            "/strong_for",
            "Sign in with a second factor yourself first: by a passkey, by password and code, or at a provider.",
        ));
    }
    let after = Settings { revision: revision + 1, content };
    store::update(tx.conn(), &after, group.map(|group| group.id)).await?;
    tx.record(Event::changed("settings.updated", &before, &after)).await?.commit().await?;
    identity::authorities(app).clear();
    app.zone.clear();
    Ok(after)
}
