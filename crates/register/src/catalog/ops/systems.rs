//! Systems.

use uuid::Uuid;

use crate::catalog::{
    System, SystemContent,
    store::{systems, vendors},
};
use base::{
    app::App,
    audit::Event,
    db::WriteTx,
    error::{Error, same_revision},
    slugs,
};
use identity::{Actor, GroupKind, Permission};

/// The system behind an id, a slug or a former slug.
pub async fn find_system(app: &App, actor: &Actor, key: &str) -> Result<System, Error> {
    actor.require(Permission::Read)?;
    let mut conn = app.db.read().await?;
    let id = systems::find(&mut conn, key).await?.ok_or(Error::NotFound("system"))?;
    systems::get(&mut conn, id).await?.ok_or(Error::NotFound("system"))
}

/// Whole systems by id, in the order asked for.
pub async fn get_systems(app: &App, actor: &Actor, ids: &[Uuid]) -> Result<Vec<System>, Error> {
    actor.require(Permission::Read)?;
    let mut found = systems::get_many(&mut *app.db.read().await?, ids).await?;
    found.sort_by_key(|system| ids.iter().position(|id| *id == system.id));
    Ok(found)
}

/// Creates a system.
pub async fn create_system(app: &App, actor: &Actor, content: SystemContent) -> Result<System, Error> {
    let mut tx = app.db.write(actor).await?;
    let (system, event) = create_in(&mut tx, content).await?;
    tx.record(event).await?.commit().await?;
    app.forget_counts();
    Ok(system)
}

/// The same within a transaction, for imports of many.
pub(super) async fn create_in<S>(tx: &mut WriteTx<S>, content: SystemContent) -> Result<(System, Event), Error> {
    tx.actor().require(Permission::EditCatalog)?;
    let mut content = content.checked()?;
    slugs::number(tx.conn(), "system", &content.name, ("system", &mut content.slug)).await?;
    let team = resolve_team(tx, &content).await?;
    if let Some(team) = &team
        && !(tx.actor().may(Permission::Steward) || tx.actor().is_in_team([team.id]))
    {
        return Err(not_yours(&team.content.name));
    }
    let (content, vendor_id) = resolve_vendor(tx, content).await?;
    let now = tx.now();
    let system = System {
        id: Uuid::now_v7(),
        revision: 1,
        created_at: now,
        updated_at: now,
        team_id: team.as_ref().map(|team| team.id),
        vendor_id,
        content: SystemContent { team: team.map(|team| team.content.slug), ..content },
    };
    systems::insert(tx.conn(), &system).await?;
    let event = Event::created("system.created", &system);
    Ok((system, event))
}

/// Changes a system based on `revision`.
pub async fn update_system(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    content: SystemContent,
) -> Result<System, Error> {
    let mut tx = app.db.write(actor).await?;
    let (system, event) = update_in(&mut tx, id, revision, content).await?;
    if let Some(event) = event {
        tx.record(event).await?.commit().await?;
        app.forget_counts();
    }
    Ok(system)
}

/// The same within a transaction; no event where nothing changes.
pub(super) async fn update_in<S>(
    tx: &mut WriteTx<S>,
    id: Uuid,
    revision: i64,
    content: SystemContent,
) -> Result<(System, Option<Event>), Error> {
    tx.actor().require(Permission::EditCatalog)?;
    let content = content.checked()?;
    let team = resolve_team(tx, &content).await?;
    let before = systems::lock(tx.conn(), id).await?.ok_or(Error::NotFound("system"))?;
    same_revision(revision, before.revision)?;
    // The team decides on everything that the system uses: it gives the system away, and another takes it.
    let new_team = team.as_ref().map(|team| team.id);
    if before.team_id != new_team && !tx.actor().may_move(before.team_id, new_team) {
        return Err(Error::Forbidden(
            "A system goes from one team to another by someone in both, or by a governance lead.".into(),
        ));
    }
    let (content, vendor_id) = resolve_vendor(tx, content).await?;
    let after = System {
        revision: revision + 1,
        updated_at: tx.now(),
        team_id: team.as_ref().map(|team| team.id),
        vendor_id,
        content: SystemContent { team: team.map(|team| team.content.slug), ..content },
        ..before.clone()
    };
    if before.content == after.content {
        return Ok((before, None));
    }
    systems::update(tx.conn(), &after).await?;
    if before.content.slug != after.content.slug {
        base::slugs::remember(tx.conn(), "system", &before.content.slug, id).await?;
    }
    let event = Event::changed("system.updated", &before, &after);
    Ok((after, Some(event)))
}

fn not_yours(team: &str) -> Error {
    Error::Forbidden(format!("You are not in the team '{team}'. Its people, or a governance lead, add systems to it."))
}

async fn resolve_team<S>(tx: &mut WriteTx<S>, content: &SystemContent) -> Result<Option<identity::Group>, Error> {
    let Some(key) = &content.team else { return Ok(None) };
    match identity::ops::group_in(tx, GroupKind::Team, key).await? {
        Some(team) if team.content.state == base::words::State::Retired => {
            Err(Error::field("/team", format!("The team '{key}' is retired. Choose another.")))
        }
        Some(team) => Ok(Some(team)),
        None => Err(Error::field("/team", format!("There is no team '{key}'."))),
    }
}

async fn resolve_vendor<S>(
    tx: &mut WriteTx<S>,
    content: SystemContent,
) -> Result<(SystemContent, Option<Uuid>), Error> {
    let Some(key) = &content.vendor else { return Ok((content, None)) };
    let id = vendors::find(tx.conn(), key)
        .await?
        .ok_or_else(|| Error::field("/vendor", format!("There is no vendor '{key}'.")))?;
    let slug = vendors::get(tx.conn(), id).await?.map(|vendor| vendor.content.slug);
    Ok((SystemContent { vendor: slug, ..content }, Some(id)))
}
