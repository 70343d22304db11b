//! Teams and review groups.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Actor, Group, GroupContent, GroupKind, Permission, Sensitive,
    group::{ReviewGroup, Team},
    store::groups,
};
use base::{
    app::App,
    audit::Event,
    db::WriteTx,
    error::{Error, FieldErrors, same_revision},
    lists::{self, Filter, NAME_AND_TIME, Page, Query, Spec, Test, Values},
    slugs,
    words::State,
};

const STATE: Filter = Filter { name: "state", label: "State", test: Test::Equals("t.state"), values: Values::Words };

pub static TEAMS: Spec = Spec {
    kind: "team",
    from: "teams t",
    columns: "t.id, t.slug, t.name, t.description, t.state, t.updated_at, t.revision,
        (select count(*) from team_members m where m.team_id = t.id) as members",
    filters: &[STATE],
    sorts: NAME_AND_TIME,
};
pub static REVIEW_GROUPS: Spec = Spec {
    kind: "review_group",
    from: "review_groups t",
    columns: "t.id, t.slug, t.name, t.description, t.state, t.updated_at, t.revision,
        (select count(*) from review_group_members m where m.review_group_id = t.id) as members",
    filters: &[STATE],
    sorts: NAME_AND_TIME,
};

/// The list of teams, or of review groups.
pub fn groups_list_spec(kind: GroupKind) -> &'static Spec {
    match kind {
        GroupKind::Team => &TEAMS,
        GroupKind::ReviewGroup => &REVIEW_GROUPS,
    }
}

fn noun(kind: GroupKind) -> &'static str {
    match kind {
        GroupKind::Team => "team",
        GroupKind::ReviewGroup => "review group",
    }
}

/// The group behind an id or a slug, also a former slug.
pub async fn find_group(app: &App, actor: &Actor, kind: GroupKind, key: &str) -> Result<Group, Error> {
    actor.require(Permission::Read)?;
    let mut conn = app.db.read().await?;
    let id = groups::find(&mut conn, kind, key).await?.ok_or(Error::NotFound(noun(kind)))?;
    groups::get(&mut conn, kind, id).await?.ok_or(Error::NotFound(noun(kind)))
}

/// A team or review group in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct GroupRow {
    /// Immutable id.
    pub id: Uuid,
    /// Human slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// `active` or `retired`.
    pub state: String,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
    /// How many people are in it.
    pub members: i64,
}

/// One page of teams or review groups.
pub async fn list_groups(app: &App, actor: &Actor, kind: GroupKind, query: &Query) -> Result<Page<GroupRow>, Error> {
    actor.require(Permission::Read)?;
    lists::page(&mut *app.db.read().await?, groups_list_spec(kind), query).await
}

/// Whole groups by id, in the order asked for.
pub async fn get_groups(app: &App, actor: &Actor, kind: GroupKind, ids: &[Uuid]) -> Result<Vec<Group>, Error> {
    actor.require(Permission::Read)?;
    let mut conn = app.db.read().await?;
    let mut found = groups::get_many(&mut conn, kind, ids).await?;
    found.sort_by_key(|group| ids.iter().position(|id| *id == group.id));
    Ok(found)
}

/// One group.
pub async fn get_group(app: &App, actor: &Actor, kind: GroupKind, id: Uuid) -> Result<Group, Error> {
    actor.require(Permission::Read)?;
    groups::get(&mut *app.db.read().await?, kind, id).await?.ok_or(Error::NotFound(noun(kind)))
}

/// Makes a group.
pub async fn create_group(app: &App, actor: &Actor, kind: GroupKind, content: GroupContent) -> Result<Group, Error> {
    let mut tx = app.db.write(actor).await?;
    let (group, event) = create_group_in(&mut tx, kind, content).await?;
    tx.record(event).await?.commit().await?;
    crate::authorities(app).clear();
    Ok(group)
}

/// The same within a transaction, for imports of many.
pub async fn create_group_in<S>(
    tx: &mut WriteTx<S>,
    kind: GroupKind,
    content: GroupContent,
) -> Result<(Group, Event), Error> {
    let actor = tx.actor().clone();
    actor.require(Permission::ManagePeople)?;
    actor.require_fresh(Sensitive::Administer, tx.now())?;
    let mut content = content.checked(kind)?;
    let word = if kind == GroupKind::Team { "team" } else { "review_group" };
    slugs::number(tx.conn(), word, &content.name, ("group", &mut content.slug)).await?;
    refuse_own_membership(&actor, &[], &content.members, kind)?;
    if !content.members.is_empty() {
        super::refuse_token(&actor)?;
    }
    refuse_unknown(tx, &content.members).await?;
    let now = tx.now();
    let (content, escalates_to) = resolve_escalation(tx, None, content).await?;
    let group = Group { id: Uuid::now_v7(), revision: 1, created_at: now, updated_at: now, content };
    groups::insert(tx.conn(), kind, &group).await?;
    if kind == GroupKind::ReviewGroup {
        groups::set_escalation(tx.conn(), group.id, escalates_to).await?;
    }
    let event = match kind {
        GroupKind::Team => Event::created("team.created", &Team(&group)),
        GroupKind::ReviewGroup => Event::created("review_group.created", &ReviewGroup(&group)),
    };
    Ok((group, event))
}

/// The review group that a content escalates to, by its slug; refuses what is not there, and circles: a
/// chain ends somewhere.
async fn resolve_escalation<S>(
    tx: &mut WriteTx<S>,
    id: Option<Uuid>,
    content: GroupContent,
) -> Result<(GroupContent, Option<Uuid>), Error> {
    let Some(key) = &content.escalates_to else { return Ok((content, None)) };
    let found = group_in(tx, GroupKind::ReviewGroup, key).await?.filter(|to| to.content.state == State::Active);
    let to = found.ok_or_else(|| Error::field("/escalates_to", format!("There is no active review group '{key}'.")))?;
    if let Some(id) = id
        && groups::escalates_back(tx.conn(), to.id, id).await?
    {
        return Err(Error::field("/escalates_to", "This chain comes back to the group itself. It has to end."));
    }
    Ok((GroupContent { escalates_to: Some(to.content.slug), ..content }, Some(to.id)))
}

/// Where letters to people go, as far as they are active.
pub async fn addresses_of(conn: &mut sqlx::PgConnection, people: &[Uuid]) -> Result<Vec<String>, Error> {
    groups::addresses_of(conn, people).await
}

/// The active people of teams.
pub async fn members_of(conn: &mut sqlx::PgConnection, teams: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    groups::members(conn, teams).await
}

/// The active reviewers of a review group at a moment: who decides in it.
pub async fn reviewers_of(
    conn: &mut sqlx::PgConnection,
    review_group: Uuid,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Vec<Uuid>, Error> {
    groups::reviewers(conn, review_group, now).await
}

/// The active people who have a role at a moment.
pub async fn holders_of(
    conn: &mut sqlx::PgConnection,
    role: crate::Role,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Vec<Uuid>, Error> {
    groups::holders(conn, role, now).await
}

/// The group behind an id or a slug, within a transaction.
pub async fn group_in<S>(tx: &mut WriteTx<S>, kind: GroupKind, key: &str) -> Result<Option<Group>, Error> {
    match groups::find(tx.conn(), kind, key).await? {
        Some(id) => groups::get(tx.conn(), kind, id).await,
        None => Ok(None),
    }
}

/// Changes a group based on `revision`.
pub async fn update_group(
    app: &App,
    actor: &Actor,
    kind: GroupKind,
    id: Uuid,
    revision: i64,
    content: GroupContent,
) -> Result<Group, Error> {
    let mut tx = app.db.write(actor).await?;
    let (group, event) = update_group_in(&mut tx, kind, id, revision, content).await?;
    if let Some(event) = event {
        tx.record(event).await?.commit().await?;
        crate::authorities(app).clear();
    }
    Ok(group)
}

/// The same within a transaction; no event where nothing changes.
pub async fn update_group_in<S>(
    tx: &mut WriteTx<S>,
    kind: GroupKind,
    id: Uuid,
    revision: i64,
    content: GroupContent,
) -> Result<(Group, Option<Event>), Error> {
    let actor = tx.actor().clone();
    actor.require(Permission::ManagePeople)?;
    actor.require_fresh(Sensitive::Administer, tx.now())?;
    let content = content.checked(kind)?;
    let before = groups::lock(tx.conn(), kind, id).await?.ok_or(Error::NotFound(noun(kind)))?;
    same_revision(revision, before.revision)?;
    let (content, escalates_to) = resolve_escalation(tx, Some(id), content).await?;
    if before.content == content {
        return Ok((before, None));
    }
    refuse_own_membership(&actor, &before.content.members, &content.members, kind)?;
    refuse_moved_rights(tx, &actor, kind, &before, &content, escalates_to).await?;
    refuse_unknown(tx, &content.members).await?;
    if content.state == State::Retired && kind == GroupKind::Team {
        let systems = groups::systems_of_team(tx.conn(), id).await?;
        if !systems.is_empty() {
            return Err(Error::Conflict(format!(
                "This team still has systems: {}. Give them to another team first.",
                systems.join(", ")
            )));
        }
    }
    let after = Group { revision: revision + 1, updated_at: tx.now(), content, ..before.clone() };
    groups::update(tx.conn(), kind, &after).await?;
    if kind == GroupKind::ReviewGroup {
        groups::set_escalation(tx.conn(), id, escalates_to).await?;
    }
    if before.content.slug != after.content.slug {
        let word = if kind == GroupKind::Team { "team" } else { "review_group" };
        base::slugs::remember(tx.conn(), word, &before.content.slug, id).await?;
    }
    let event = match kind {
        GroupKind::Team => Event::changed("team.updated", &Team(&before), &Team(&after)),
        GroupKind::ReviewGroup => Event::changed("review_group.updated", &ReviewGroup(&before), &ReviewGroup(&after)),
    };
    Ok((after, Some(event)))
}

/// Members, state, address and escalation of a group say who has which rights: no token changes them, no one changes
/// them in their own favour, and no group is emptied that decides on something.
async fn refuse_moved_rights<S>(
    tx: &mut WriteTx<S>,
    actor: &Actor,
    kind: GroupKind,
    before: &Group,
    content: &GroupContent,
    escalates_to: Option<Uuid>,
) -> Result<(), Error> {
    let old = &before.content;
    let of_people = old.members != content.members || old.state != content.state;
    let of_names = old.slug != content.slug || old.escalates_to != content.escalates_to;
    if of_people || (kind == GroupKind::ReviewGroup && of_names) {
        super::refuse_token(actor)?;
    }
    if kind == GroupKind::Team {
        return Ok(());
    }
    if let (Some(me), Some(to)) = (actor.person(), escalates_to)
        && old.escalates_to != content.escalates_to
        && groups::get(tx.conn(), kind, to).await?.is_some_and(|to| to.content.members.contains(&me))
    {
        return Err(Error::Forbidden("You are in the group that this would escalate to. Ask another admin.".into()));
    }
    if old.slug != content.slug && groups::had_slug(tx.conn(), before.id, &content.slug).await? {
        return Err(Error::field(
            "/slug",
            "Another review group had this slug: workflows and rules that name it would go to this one. Choose another.",
        ));
    }
    let empty = content.members.is_empty() || content.state == State::Retired;
    if empty && !old.members.is_empty() && old.state == State::Active {
        let waiting = groups::decides_on(tx.conn(), before.id).await?;
        if waiting > 0 {
            return Err(Error::Conflict(format!(
                "This group still decides on {waiting} requests or is the group of the settings. Name another one first."
            )));
        }
    }
    Ok(())
}

/// Membership of a review group is a right; no one gives it to themselves.
fn refuse_own_membership(actor: &Actor, before: &[Uuid], after: &[Uuid], kind: GroupKind) -> Result<(), Error> {
    if kind == GroupKind::ReviewGroup && after.iter().any(|member| !before.contains(member)) {
        super::refuse_token(actor)?;
    }
    let Some(me) = actor.person() else { return Ok(()) };
    if kind == GroupKind::ReviewGroup && after.contains(&me) && !before.contains(&me) {
        return Err(Error::Forbidden("Nobody adds themselves to a review group. Ask another admin.".into()));
    }
    Ok(())
}

async fn refuse_unknown<S>(tx: &mut WriteTx<S>, members: &[Uuid]) -> Result<(), Error> {
    let unknown = groups::unknown_people(tx.conn(), members).await?;
    let mut errors = FieldErrors::new();
    for id in unknown {
        let at = members.iter().position(|member| *member == id).unwrap_or(0);
        errors.add(format!("/members/{at}"), format!("There is no person {id}."));
    }
    errors.finish()
}
