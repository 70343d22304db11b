//! Credentials: noted, rotated, marked compromised, revoked.

use chrono::NaiveDate;
use uuid::Uuid;

use crate::integrations::{
    Credential, CredentialContent, CredentialState, Rotation,
    store::{
        credentials, integrations,
        references::{self, Found, Name},
    },
};
use base::{
    app::App,
    audit::Event,
    check::Check,
    db::{Open, WriteTx},
    error::{Error, FieldErrors, same_revision},
    slugs,
};
use identity::{Actor, Permission};

/// The credential behind an id, a slug or a former slug.
pub async fn find_credential(app: &App, actor: &Actor, key: &str) -> Result<Credential, Error> {
    actor.require(Permission::Read)?;
    let mut conn = app.db.read().await?;
    let id = credentials::find(&mut conn, key).await?.ok_or(Error::NotFound("credential"))?;
    credentials::get(&mut conn, id).await?.ok_or(Error::NotFound("credential"))
}

/// Whole credentials by id, in the order asked for.
pub async fn get_credentials(app: &App, actor: &Actor, ids: &[Uuid]) -> Result<Vec<Credential>, Error> {
    actor.require(Permission::Read)?;
    let mut found = credentials::get_many(&mut *app.db.read().await?, ids).await?;
    found.sort_by_key(|credential| ids.iter().position(|id| *id == credential.id));
    Ok(found)
}

/// Credentials that need a rotation, by week from `from` on; -1 counts what is overdue.
pub async fn rotation_weeks(app: &App, actor: &Actor, from: NaiveDate) -> Result<Vec<(i32, i64)>, Error> {
    actor.require(Permission::Read)?;
    credentials::weeks(&mut *app.db.read().await?, from).await
}

/// Holder and integrations behind the names of a content.
struct Named {
    content: CredentialContent,
    holder: Option<Uuid>,
    integrations: Vec<Uuid>,
}

async fn resolve(tx: &mut WriteTx<Open>, mut content: CredentialContent) -> Result<Named, Error> {
    let name = |kind, key: &String| Name { kind, key: key.clone(), parent: String::new() };
    let mut names: Vec<Name> = content.integrations.iter().map(|key| name("integration", key)).collect();
    names.extend(content.holder.iter().map(|key| name("team", key)));
    let found = references::find(tx.conn(), &names).await?;
    let first =
        |n: usize| -> Option<&Found> { found.iter().find(|found| found.n == i64::try_from(n).unwrap_or(0) + 1) };
    let mut errors = FieldErrors::new();
    let mut integrations: Vec<(Uuid, String)> = Vec::new();
    for (n, key) in content.integrations.iter().enumerate() {
        match first(n) {
            Some(found) => integrations.push((found.id, found.slug.clone())),
            None => errors.add(format!("/integrations/{n}"), format!("There is no integration '{key}'.")),
        }
    }
    let mut holder = None;
    if let Some(key) = &content.holder {
        match first(content.integrations.len()) {
            Some(found) if found.state == "active" => holder = Some((found.id, found.slug.clone())),
            Some(_) => errors.add("/holder", "This team is retired. Choose another."),
            None => errors.add("/holder", format!("There is no team '{key}'.")),
        }
    }
    errors.finish()?;
    integrations.sort_by(|a, b| a.1.cmp(&b.1));
    integrations.dedup();
    content.integrations = integrations.iter().map(|(_, slug)| slug.clone()).collect();
    content.holder = holder.as_ref().map(|(_, slug)| slug.clone());
    let mut ids: Vec<Uuid> = integrations.into_iter().map(|(id, _)| id).collect();
    ids.sort_unstable();
    Ok(Named { content, holder: holder.map(|(id, _)| id), integrations: ids })
}

/// Refuses people outside the holder's team and the teams that own the integrations.
async fn may_touch(
    tx: &mut WriteTx<Open>,
    actor: &Actor,
    holder: Option<Uuid>,
    integrations: &[Uuid],
) -> Result<(), Error> {
    if actor.person().is_none() || actor.may(Permission::Steward) {
        return Ok(());
    }
    let owners = credentials::owners_of(tx.conn(), integrations).await?;
    if actor.is_in_team(holder.into_iter().chain(owners)) {
        return Ok(());
    }
    Err(Error::Forbidden("Only the holder's team and the teams that own its integrations change a credential.".into()))
}

/// Refuses to attach a credential to integrations, or to take it off them, for people and scripts outside each one's
/// teams; and to hand it to a holder, or take it from one, outside of both.
async fn may_link(
    tx: &mut WriteTx<Open>,
    actor: &Actor,
    before: (Option<Uuid>, &[Uuid]),
    after: (Option<Uuid>, &[Uuid]),
) -> Result<(), Error> {
    if actor.may(Permission::Steward) {
        return Ok(());
    }
    let changed: Vec<Uuid> = before
        .1
        .iter()
        .filter(|id| !after.1.contains(id))
        .chain(after.1.iter().filter(|id| !before.1.contains(id)))
        .copied()
        .collect();
    let teams = integrations::teams_of_many(tx.conn(), &changed).await?;
    for id in &changed {
        let own = teams.iter().filter(|(integration, _)| integration == id).map(|(_, team)| *team);
        if !actor.is_in_team(own) {
            return Err(Error::Forbidden(
                "A credential is attached to an integration, and taken off it, by that integration's teams alone."
                    .into(),
            ));
        }
    }
    let holder_moves = before.0 != after.0;
    let takes = after.0.is_none_or(|team| actor.is_in_team([team]));
    let gives = before.0.is_none_or(|team| actor.is_in_team([team]));
    if holder_moves && !(takes && gives) {
        return Err(Error::Forbidden(
            "A credential goes from one holder to another by someone in both teams, or by a governance lead.".into(),
        ));
    }
    Ok(())
}

/// Records a credential.
pub async fn create_credential(app: &App, actor: &Actor, content: CredentialContent) -> Result<Credential, Error> {
    actor.require(Permission::Propose)?;
    let mut content = content.checked()?;
    let today = app.today().await?;
    let mut tx = app.db.write(actor).await?;
    slugs::number(tx.conn(), "credential", &content.name, ("credential", &mut content.slug)).await?;
    let Named { content, holder, integrations } = resolve(&mut tx, content).await?;
    may_touch(&mut tx, actor, holder, &integrations).await?;
    may_link(&mut tx, actor, (None, &[]), (holder, &integrations)).await?;
    let now = tx.now();
    // Without a day and a fingerprint it is only planned.
    let planned = content.created_on.is_none() && content.fingerprint.is_none();
    let created_on = if planned { None } else { content.created_on.or(Some(today)) };
    let credential = Credential {
        id: Uuid::now_v7(),
        revision: 1,
        created_at: now,
        updated_at: now,
        state: if planned { CredentialState::Planned } else { CredentialState::Active },
        state_reason: None,
        rotated_on: None,
        next_rotation_on: None,
        holder_id: holder,
        integration_ids: integrations,
        same_fingerprint_elsewhere: Vec::new(),
        content: CredentialContent { created_on, ..content },
    }
    .with_dates();
    credentials::save(tx.conn(), &credential).await?;
    if let Some(fingerprint) = &credential.content.fingerprint {
        credentials::note_fingerprint(tx.conn(), credential.id, fingerprint, created_on.unwrap_or(today), now).await?;
    }
    tx.record(Event::created("credential.created", &credential)).await?.commit().await?;
    app.forget_counts();
    find_credential(app, actor, &credential.id.to_string()).await
}

/// Changes what is known of a credential, based on `revision`. A new fingerprint is a rotation.
pub async fn update_credential(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    content: CredentialContent,
) -> Result<Credential, Error> {
    actor.require(Permission::Propose)?;
    let content = content.checked()?;
    let mut tx = app.db.write(actor).await?;
    let before = credentials::lock(tx.conn(), id).await?.ok_or(Error::NotFound("credential"))?;
    may_touch(&mut tx, actor, before.holder_id, &before.integration_ids).await?;
    same_revision(revision, before.revision)?;
    if before.content.fingerprint.is_some() && content.fingerprint != before.content.fingerprint {
        return Err(Error::field("/fingerprint", "A new fingerprint is a rotation: record it as one."));
    }
    let Named { content, holder, integrations } = resolve(&mut tx, content).await?;
    let kept = (before.holder_id, before.integration_ids.as_slice());
    may_link(&mut tx, actor, kept, (holder, &integrations)).await?;
    let now = tx.now();
    let awake = before.state == CredentialState::Planned && content.created_on.is_some();
    let after = Credential {
        revision: revision + 1,
        updated_at: now,
        state: if awake { CredentialState::Active } else { before.state },
        holder_id: holder,
        integration_ids: integrations,
        content,
        ..before.clone()
    }
    .with_dates();
    if before.content == after.content {
        return Ok(before);
    }
    if after.state != CredentialState::Planned && after.content.created_on.is_none() {
        return Err(Error::field("/created_on", "Say when it was made: its age counts from there."));
    }
    credentials::save(tx.conn(), &after).await?;
    if before.content.slug != after.content.slug {
        base::slugs::remember(tx.conn(), "credential", &before.content.slug, id).await?;
    }
    if let (None, Some(fingerprint)) = (&before.content.fingerprint, &after.content.fingerprint) {
        let on = after.since().unwrap_or_else(|| now.date_naive());
        credentials::note_fingerprint(tx.conn(), id, fingerprint, on, now).await?;
    }
    tx.record(Event::changed("credential.updated", &before, &after)).await?.commit().await?;
    find_credential(app, actor, &id.to_string()).await
}

/// Changes the state of a credential by a transition of the model.
async fn step(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    action: &'static str,
    next: impl FnOnce(Credential, chrono::DateTime<chrono::Utc>) -> Result<Credential, Error>,
) -> Result<Credential, Error> {
    actor.require(Permission::Rotate)?;
    let mut tx = app.db.write(actor).await?;
    let before = credentials::lock(tx.conn(), id).await?.ok_or(Error::NotFound("credential"))?;
    may_touch(&mut tx, actor, before.holder_id, &before.integration_ids).await?;
    same_revision(revision, before.revision)?;
    let now = tx.now();
    let after = next(before.clone(), now)?;
    credentials::save(tx.conn(), &after).await?;
    if let Some(fingerprint) = after.content.fingerprint.as_ref()
        && before.content.fingerprint.as_ref() != Some(fingerprint)
    {
        let on = after.since().unwrap_or_else(|| now.date_naive());
        credentials::note_fingerprint(tx.conn(), id, fingerprint, on, now).await?;
    }
    tx.record(Event::changed(action, &before, &after)).await?.commit().await?;
    app.forget_counts();
    find_credential(app, actor, &id.to_string()).await
}

/// The new one is being brought in.
pub async fn begin_rotation(app: &App, actor: &Actor, id: Uuid, revision: i64) -> Result<Credential, Error> {
    step(app, actor, id, revision, "credential.rotation_begun", Credential::begin_rotation).await
}

/// The new one is in place. Refuses a fingerprint that this credential ever had.
pub async fn record_rotation(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    rotation: Rotation,
) -> Result<Credential, Error> {
    let today = app.today().await?;
    let on = rotation.rotated_on.unwrap_or(today);
    if on > today {
        return Err(Error::field("/rotated_on", "This lies in the future."));
    }
    let mut check = Check::new();
    check.day("/rotated_on", Some(on));
    check.day("/expires_on", rotation.expires_on);
    check.finish()?;
    step(app, actor, id, revision, "credential.rotated", |before, now| before.rotated(&rotation, on, now)).await
}

/// Somebody else may know it.
pub async fn mark_compromised(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    reason: &str,
) -> Result<Credential, Error> {
    let reason = super::suspend::needed(reason, "/reason", "Say how: whoever rotates it has to know.")?;
    step(app, actor, id, revision, "credential.compromised", |before, now| before.compromised(reason, now)).await
}

/// It no longer works.
pub async fn revoke_credential(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    reason: &str,
) -> Result<Credential, Error> {
    let reason = super::suspend::needed(reason, "/reason", "Say why it ended.")?;
    step(app, actor, id, revision, "credential.revoked", |before, now| before.revoked(reason, now)).await
}
