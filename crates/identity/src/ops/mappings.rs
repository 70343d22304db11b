//! What groups of providers give: shown before it is said, and in force at once for whoever has signed in.

use serde_json::json;
use uuid::Uuid;

use super::rights;
use crate::{
    Actor, FixedMapping, GroupKind, GroupMapping, Identity, Permission, Person, Role, Sensitive, Target,
    store::{access as sessions, flows, grants, groups, people},
};
use base::{app::App, audit::Event, check::Check, error::Error};

/// A mapping that somebody wants.
#[derive(Clone, Debug, Default)]
pub struct NewMapping {
    /// Key of the provider.
    pub provider: String,
    /// The group, exactly as the provider names it.
    pub group_name: String,
    /// `role:reviewer`, `team:SLUG` or `review_group:SLUG`.
    pub gives: String,
}

/// Whom a mapping would touch: who gets something, and who has it already.
#[derive(Clone, Debug, Default)]
pub struct Touched {
    /// People in the group who would get it.
    pub gain: Vec<Person>,
    /// People in the group who have it another way.
    pub have: Vec<Person>,
}

/// The mappings of the page, and those of the configuration file.
pub async fn mappings(app: &App, actor: &Actor) -> Result<(Vec<GroupMapping>, Vec<FixedMapping>), Error> {
    actor.require(Permission::ManagePeople)?;
    Ok((grants::mappings(&mut *app.db.read().await?, None).await?, crate::configuration(app).group_mappings.clone()))
}

async fn checked(app: &App, actor: &Actor, new: NewMapping) -> Result<(GroupMapping, Target), Error> {
    actor.require(Permission::ManagePeople)?;
    super::refuse_token(actor)?;
    let mut check = Check::new();
    let mut name = new.group_name.clone();
    check.required("/group_name", &mut name, 500);
    if crate::providers(app).get(&new.provider).is_none() {
        check.fault("/provider", "Choose one of the configured providers.");
    }
    let now = app.clock.now();
    let mut mapping = GroupMapping {
        id: Uuid::now_v7(),
        provider: new.provider.clone(),
        group_name: name,
        role: None,
        team_id: None,
        review_group_id: None,
        slug: None,
        name: None,
        state: "active".into(),
        created_by: actor.person(),
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    let target = match new.gives.split_once(':') {
        Some(("role", role)) => role.parse::<Role>().ok().map(Target::Role),
        Some(("team", slug)) => Some(Target::Team(slug.into())),
        Some(("review_group", slug)) => Some(Target::ReviewGroup(slug.into())),
        _ => None,
    };
    let mut conn = app.db.read().await?;
    match &target {
        None => check.fault("/gives", "Choose what the group gives."),
        Some(Target::Role(role)) => mapping.role = Some(role.key().into()),
        Some(Target::Team(slug) | Target::ReviewGroup(slug)) => {
            let kind = if matches!(target, Some(Target::Team(_))) { GroupKind::Team } else { GroupKind::ReviewGroup };
            let found = match groups::find(&mut conn, kind, slug).await? {
                Some(id) => groups::get(&mut conn, kind, id).await?,
                None => None,
            };
            match found {
                None => check.fault("/gives", "This team or review group is not here any more."),
                Some(group) => {
                    (mapping.slug, mapping.name) = (Some(group.content.slug), Some(group.content.name));
                    match kind {
                        GroupKind::Team => mapping.team_id = Some(group.id),
                        GroupKind::ReviewGroup => mapping.review_group_id = Some(group.id),
                    }
                }
            }
        }
    }
    check.finish()?;
    let target = target.ok_or_else(|| Error::internal("a mapping without a target"))?;
    Ok((mapping, target))
}

/// Whom a mapping would touch now: people of the provider who were in the group when they last signed in, or as
/// the provider keeps it here. Others follow when they sign in.
pub async fn preview_mapping(app: &App, actor: &Actor, new: NewMapping) -> Result<Touched, Error> {
    let (mapping, target) = checked(app, actor, new).await?;
    let mut conn = app.db.read().await?;
    let ids = grants::touched(&mut conn, &mapping.provider, &mapping.group_name, rights::told(app, &mapping.provider))
        .await?;
    let mut found = Touched::default();
    let members = match (mapping.team_id, mapping.review_group_id) {
        (Some(id), _) => groups::get(&mut conn, GroupKind::Team, id).await?.map(|group| group.content.members),
        (_, Some(id)) => groups::get(&mut conn, GroupKind::ReviewGroup, id).await?.map(|group| group.content.members),
        _ => None,
    };
    for person in people::get_many(&mut conn, &ids).await? {
        let has = match (&target, &members) {
            (Target::Role(role), _) => person.content.roles.contains(role),
            (_, Some(members)) => members.contains(&person.id),
            _ => false,
        };
        if has { found.have.push(person) } else { found.gain.push(person) }
    }
    Ok(found)
}

/// Says that a group gives something. Whoever is in it gets it now; nobody by a group that they are in themselves
/// gives rights to themselves.
pub async fn add_mapping(app: &App, actor: &Actor, new: NewMapping) -> Result<GroupMapping, Error> {
    actor.require_fresh(Sensitive::Administer, app.clock.now())?;
    let (mapping, target) = checked(app, actor, new).await?;
    let mut tx = app.db.write(actor).await?;
    people::lock_regrouping(tx.conn()).await?;
    let touched =
        grants::touched(tx.conn(), &mapping.provider, &mapping.group_name, rights::told(app, &mapping.provider))
            .await?;
    let grants_rights = !matches!(target, Target::Team(_));
    if grants_rights && actor.person().is_some_and(|me| touched.contains(&me)) {
        return Err(Error::Forbidden(
            "You are in this group yourself: nobody grants a right to themselves. Ask another admin.".into(),
        ));
    }
    grants::save_mapping(tx.conn(), &mapping).await?;
    let mut events = vec![Event::created("group_mapping.added", &mapping)];
    for person in touched {
        events.extend(rights::follow_groups(app, &mut tx, &mapping.provider, person).await?);
    }
    tx.commit_all(events).await?;
    crate::authorities(app).clear();
    app.forget_counts();
    Ok(mapping)
}

/// Takes a mapping back: what it alone gave ends now.
pub async fn retire_mapping(app: &App, actor: &Actor, id: Uuid) -> Result<(), Error> {
    actor.require(Permission::ManagePeople)?;
    super::refuse_token(actor)?;
    actor.require_fresh(Sensitive::Administer, app.clock.now())?;
    let mut tx = app.db.write(actor).await?;
    people::lock_regrouping(tx.conn()).await?;
    let before = grants::lock_mapping(tx.conn(), id).await?.ok_or(Error::NotFound("mapping"))?;
    let after =
        GroupMapping { state: "retired".into(), revision: before.revision + 1, updated_at: tx.now(), ..before.clone() };
    grants::save_mapping(tx.conn(), &after).await?;
    let mut events = vec![Event::changed("group_mapping.retired", &before, &after)];
    let told = rights::told(app, &before.provider);
    for person in grants::touched(tx.conn(), &before.provider, &before.group_name, told).await? {
        events.extend(rights::follow_groups(app, &mut tx, &before.provider, person).await?);
    }
    tx.commit_all(events).await?;
    crate::authorities(app).clear();
    app.forget_counts();
    Ok(())
}

/// Lets somebody tie an account of a provider again that an admin untied.
pub async fn allow_identity(app: &App, actor: &Actor, id: Uuid) -> Result<(), Error> {
    actor.require(Permission::ManagePeople)?;
    super::refuse_token(actor)?;
    actor.require_fresh(Sensitive::Administer, app.clock.now())?;
    let mut tx = app.db.write(actor).await?;
    let before = flows::lock_identity(tx.conn(), id).await?.ok_or(Error::NotFound("identity"))?;
    if actor.person() == Some(before.person_id) {
        return Err(Error::Forbidden(
            "Nobody allows themselves what another admin took away. Ask another admin.".into(),
        ));
    }
    let after = Identity { barred: false, revision: before.revision + 1, updated_at: tx.now(), ..before.clone() };
    flows::save_identity(tx.conn(), &after).await?;
    tx.record(Event::changed("identity.allowed", &before, &after)).await?.commit().await
}

/// Unties an account of a provider from its person: what came by it ends, and it signs in no more.
pub async fn unlink_identity(app: &App, actor: &Actor, id: Uuid) -> Result<(), Error> {
    super::refuse_token(actor)?;
    let mut tx = app.db.write(actor).await?;
    people::lock_regrouping(tx.conn()).await?;
    let before = flows::lock_identity(tx.conn(), id).await?.ok_or(Error::NotFound("identity"))?;
    if before.state != "active" {
        return Err(Error::NotFound("identity"));
    }
    if actor.person() == Some(before.person_id) {
        super::ways::require_recent(app, actor).await?;
    } else {
        actor.require(Permission::ManagePeople)?;
        actor.require_fresh(Sensitive::Administer, app.clock.now())?;
    }
    let after = Identity {
        state: "retired".into(),
        barred: actor.person() != Some(before.person_id),
        groups: Vec::new(),
        revision: before.revision + 1,
        updated_at: tx.now(),
        ..before.clone()
    };
    flows::save_identity(tx.conn(), &after).await?;
    let session = actor.authority.session.as_ref().map(|session| session.id);
    sessions::end_sessions_by(tx.conn(), before.person_id, &before.provider, session).await?;
    let mut events = vec![Event::changed("identity.unlinked", &before, &after)];
    events.extend(rights::follow_groups(app, &mut tx, &before.provider, before.person_id).await?);
    let detail = json!({ "provider": before.provider });
    events.push(Event::happened("person.unlinked", "person", Some(before.person_id), detail));
    tx.commit_all(events).await?;
    crate::authorities(app).clear();
    Ok(())
}
