//! People: added, changed, disabled, listed.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Actor, Permission, Person, PersonContent, PersonState, Principal, Role, Sensitive, store::people};
use base::{
    app::App,
    audit::Event,
    error::{Error, same_revision},
    lists::{self, Filter, NAME_AND_TIME, Page, Query, Spec, Test, Values},
};

/// The list of people.
pub static PEOPLE: Spec = Spec {
    kind: "person",
    from: "people t",
    columns: "t.id, t.name, t.email, t.state, t.updated_at, t.revision,
        array(select g.role from roles_on(our_day(now())) g where g.person_id = t.id order by g.role) as roles,
        array(select m.name from teams m join team_members tm on tm.team_id = m.id where tm.person_id = t.id order by m.sort_key) as teams,
        array(select m.name from review_groups m join review_group_members rm on rm.review_group_id = m.id where rm.person_id = t.id order by m.sort_key) as review_groups",
    filters: &[
        Filter { name: "state", label: "State", test: Test::Equals("t.state"), values: Values::Words },
        Filter {
            name: "role",
            label: "Role",
            test: Test::Overlaps("array(select g.role from roles_on(our_day(now())) g where g.person_id = t.id)"),
            values: Values::Words,
        },
        Filter {
            name: "team",
            label: "Team",
            test: Test::Overlaps("array(select m.slug from teams m join team_members tm on tm.team_id = m.id where tm.person_id = t.id)"),
            values: Values::Words,
        },
        Filter {
            name: "review_group",
            label: "Review group",
            test: Test::Overlaps("array(select m.slug from review_groups m join review_group_members rm on rm.review_group_id = m.id where rm.person_id = t.id)"),
            values: Values::Words,
        },
    ],
    sorts: NAME_AND_TIME,
};

/// A person in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct PersonRow {
    /// Immutable id.
    pub id: Uuid,
    /// Full name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// `active` or `disabled`.
    pub state: String,
    /// Roles granted.
    pub roles: Vec<String>,
    /// Names of their teams.
    pub teams: Vec<String>,
    /// Names of their review groups.
    pub review_groups: Vec<String>,
    /// When anything of them last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
}

/// One page of people.
pub async fn list_people(app: &App, actor: &Actor, query: &Query) -> Result<Page<PersonRow>, Error> {
    actor.require(Permission::Read)?;
    lists::page(&mut *app.db.read().await?, &PEOPLE, query).await
}

/// One person.
pub async fn get_person(app: &App, actor: &Actor, id: Uuid) -> Result<Person, Error> {
    actor.require(Permission::Read)?;
    people::get(&mut *app.db.read().await?, id).await?.ok_or(Error::NotFound("person"))
}

/// Whole people by id, in the order asked for.
pub async fn get_people(app: &App, actor: &Actor, ids: &[Uuid]) -> Result<Vec<Person>, Error> {
    actor.require(Permission::Read)?;
    let mut found = people::get_many(&mut *app.db.read().await?, ids).await?;
    found.sort_by_key(|person| ids.iter().position(|id| *id == person.id));
    Ok(found)
}

/// The names of people by id, in the order asked for; people whose names are gone are left out.
pub async fn names(app: &App, actor: &Actor, ids: &[Uuid]) -> Result<Vec<String>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(get_people(app, actor, ids).await?.into_iter().map(|person| person.content.name).collect())
}

/// Adds a person.
pub async fn create_person(app: &App, actor: &Actor, content: PersonContent) -> Result<Person, Error> {
    actor.require(Permission::ManagePeople)?;
    actor.require_fresh(Sensitive::Administer, app.clock.now())?;
    let content = content.checked()?;
    refuse_past_ends(&content, None, app.today().await?)?;
    if !content.roles.is_empty() {
        super::refuse_token(actor)?;
    }
    let mut tx = app.db.write(actor).await?;
    let now = tx.now();
    let person = Person { id: Uuid::now_v7(), revision: 1, created_at: now, updated_at: now, content };
    people::insert(tx.conn(), &person).await?;
    people::set_roles(tx.conn(), person.id, &person.content, actor.person(), now).await?;
    tx.record(Event::created("person.created", &person)).await?.commit().await?;
    Ok(person)
}

/// Changes a person based on `revision`. Nobody changes their own roles upwards, nor their own
/// state: then nobody could undo it.
pub async fn update_person(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    content: PersonContent,
) -> Result<Person, Error> {
    actor.require(Permission::ManagePeople)?;
    actor.require_fresh(Sensitive::Administer, app.clock.now())?;
    let content = content.checked()?;
    let mut tx = app.db.write(actor).await?;
    people::lock_admins(tx.conn()).await?;
    let before = people::lock(tx.conn(), id).await?.ok_or(Error::NotFound("person"))?;
    same_revision(revision, before.revision)?;
    if actor.person() == Some(id) {
        let longer = |role: Role| {
            before.content.end_of(role).is_some_and(|end| content.end_of(role).is_none_or(|later| later > end))
        };
        let gained = content.roles.iter().any(|role| !before.content.roles.contains(role) || longer(*role));
        if gained || content.state != before.content.state {
            return Err(Error::Forbidden(
                "Nobody grants a role to themselves or disables themselves. Ask another admin.".into(),
            ));
        }
    }
    if before.content == content {
        return Ok(before);
    }
    refuse_past_ends(&content, Some(&before.content), app.today().await?)?;
    let readdressed = before.content.email != content.email;
    if before.content.roles != content.roles
        || before.content.role_ends != content.role_ends
        || before.content.state != content.state
        || readdressed
    {
        super::refuse_token(actor)?;
        // A link minted for who they were does not sign in who they become.
        let now = tx.now();
        people::end_links(tx.conn(), id, now).await?;
    }
    // An address is what links and e-mails go to: who changes an admin's becomes that admin.
    let is_admin = before.content.roles.contains(&Role::Admin) && actor.person() != Some(id);
    if readdressed && is_admin && !matches!(actor.authority.principal, Principal::System(_)) {
        return Err(Error::Forbidden(
            "Only the admin themselves, or whoever operates Muster, changes an admin's e-mail address.".into(),
        ));
    }
    let now = tx.now();
    let after = Person { revision: revision + 1, updated_at: now, content, ..before.clone() };
    let lasting = people::any_lasting_admin(tx.conn()).await?;
    people::update(tx.conn(), &after).await?;
    people::set_roles(tx.conn(), id, &after.content, actor.person(), now).await?;
    refuse_foreign_ends(tx.conn(), &after).await?;
    if lasting && !people::any_lasting_admin(tx.conn()).await? {
        return Err(Error::Conflict(
            "This is the last admin whose role does not end. Make somebody else an admin first.".into(),
        ));
    }
    let mut events = vec![Event::changed("person.updated", &before, &after)];
    if after.content.state == PersonState::Disabled {
        events.extend(super::shut_out::shut_out(&mut tx, id).await?);
    }
    tx.commit_all(events).await?;
    crate::authorities(app).clear();
    Ok(after)
}

/// Refuses ends that are past; those that stood there already stay.
fn refuse_past_ends(
    content: &PersonContent,
    before: Option<&PersonContent>,
    today: chrono::NaiveDate,
) -> Result<(), Error> {
    let known = |end| before.is_some_and(|before| before.role_ends.contains(end));
    match content.role_ends.iter().position(|end| end.until_on < today && !known(end)) {
        Some(n) => Err(Error::field(&format!("/role_ends/{n}/until_on"), "Give today or a later day.")),
        None => Ok(()),
    }
}

/// Refuses an end of what a provider's group gives: it ends with the group.
async fn refuse_foreign_ends(conn: &mut sqlx::PgConnection, after: &Person) -> Result<(), Error> {
    let written = people::get(conn, after.id).await?.ok_or(Error::NotFound("person"))?;
    match after.content.role_ends.iter().position(|end| !written.content.role_ends.contains(end)) {
        Some(n) => Err(Error::field(
            &format!("/role_ends/{n}/role"),
            "A provider's group gives this role; it ends with the group.",
        )),
        None => Ok(()),
    }
}
