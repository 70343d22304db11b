//! Saved views.

use uuid::Uuid;

use crate::approvals::{SavedView, ViewAudience, ViewContent, store::views as store};
use base::{
    app::App,
    audit::Event,
    db::{Open, WriteTx},
    error::{Error, same_revision},
    words::State,
};
use identity::{Actor, GroupKind, Permission, Role};

/// The views that the actor sees, of one list or of all.
pub async fn views(app: &App, actor: &Actor, list: Option<&str>) -> Result<Vec<SavedView>, Error> {
    actor.require(Permission::Read)?;
    store::seen_by(&mut *app.db.read().await?, actor.person(), &actor.authority.teams, list).await
}

/// Saves a view of one's own. For a team its members do; for everyone, governance leads and admins.
pub async fn save_view(app: &App, actor: &Actor, content: ViewContent) -> Result<SavedView, Error> {
    let me = may_save(actor)?;
    let mut tx = app.db.write(actor).await?;
    let (content, team_id) = resolve(&mut tx, actor, content.checked()?).await?;
    let now = tx.now();
    let view =
        SavedView { id: Uuid::now_v7(), revision: 1, owner_id: me, team_id, created_at: now, updated_at: now, content };
    store::save(tx.conn(), &view).await?;
    tx.record(Event::created("saved_view.created", &view)).await?.commit().await?;
    Ok(view)
}

/// Changes a view of one's own.
pub async fn update_view(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    content: ViewContent,
) -> Result<SavedView, Error> {
    let me = may_save(actor)?;
    let mut tx = app.db.write(actor).await?;
    let before = store::lock(tx.conn(), id).await?.ok_or(Error::NotFound("saved view"))?;
    if before.owner_id != me {
        return Err(Error::Forbidden("Only who saved a view changes it.".into()));
    }
    same_revision(revision, before.revision)?;
    let (content, team_id) = resolve(&mut tx, actor, content.checked()?).await?;
    if content.list != before.content.list {
        return Err(Error::field("/list", "A view stays with its list."));
    }
    if content == before.content {
        return Ok(before);
    }
    let after = SavedView { revision: revision + 1, updated_at: tx.now(), team_id, content, ..before.clone() };
    store::save(tx.conn(), &after).await?;
    tx.record(Event::changed("saved_view.updated", &before, &after)).await?.commit().await?;
    Ok(after)
}

/// Takes a view of one's own off the lists.
pub async fn retire_view(app: &App, actor: &Actor, id: Uuid) -> Result<SavedView, Error> {
    let seen = views(app, actor, None).await?;
    let view = seen.into_iter().find(|view| view.id == id).ok_or(Error::NotFound("saved view"))?;
    let content = ViewContent { state: State::Retired, ..view.content.clone() };
    update_view(app, actor, id, view.revision, content).await
}

/// Views are a person's, whoever may read; an auditor writes nothing, whatever else they are.
fn may_save(actor: &Actor) -> Result<Uuid, Error> {
    actor.require(Permission::Read)?;
    identity::ops::refuse_token(actor)?;
    if actor.authority.roles.contains(&Role::Auditor) {
        return Err(Error::Forbidden(
            "An auditor writes nothing, saved views included. Keep the page's address.".into(),
        ));
    }
    actor.person().ok_or_else(|| Error::Forbidden("Views are saved by people.".into()))
}

async fn resolve(
    tx: &mut WriteTx<Open>,
    actor: &Actor,
    content: ViewContent,
) -> Result<(ViewContent, Option<Uuid>), Error> {
    let roles = &actor.authority.roles;
    if content.audience == ViewAudience::Everyone
        && !roles.iter().any(|role| matches!(role, Role::GovernanceLead | Role::Admin))
    {
        return Err(Error::Forbidden("Views for everyone are saved by governance leads and admins.".into()));
    }
    let Some(key) = &content.team else { return Ok((content, None)) };
    let team = identity::ops::group_in(tx, GroupKind::Team, key)
        .await?
        .ok_or_else(|| Error::field("/team", format!("There is no team '{key}'.")))?;
    if !actor.is_in_team([team.id]) {
        return Err(Error::field("/team", "You are not in this team."));
    }
    Ok((ViewContent { team: Some(team.content.slug), ..content }, Some(team.id)))
}
