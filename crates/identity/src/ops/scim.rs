//! A provider keeps its people and groups here: makes, changes, disables and regroups them, at once.

use serde_json::{Value, json};
use uuid::Uuid;

use super::rights;
use crate::{
    Actor, Permission, Person, PersonContent, PersonState,
    scim::{Fault, Filter, Group, Question, User},
    store::{flows, people, scim as store, service_accounts},
};
use base::{
    app::App,
    audit::{Event, Record},
    db::{Open, WriteTx},
    error::Error,
};
pub use store::Kept;

/// Resources of a page at most.
const MOST: i64 = 200;

/// Why something is refused: by the standard's words, or as any operation.
#[derive(Debug)]
pub enum Refused {
    /// By the standard's words.
    Fault(Fault),
    /// As any operation.
    Error(Error),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl<E: Into<Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// Whom a token provisions for: its service account, and the provider that names it.
struct Keeper {
    account: String,
    provider: String,
}

/// Refuses whoever is not the service account that a provider names, with the scope to provision.
async fn keeper(app: &App, actor: &Actor) -> Result<Keeper, Error> {
    actor.require(Permission::Provision)?;
    let nobody = || {
        Error::Forbidden(
            "Only the service account that a provider names as scim_account in the configuration file does this."
                .into(),
        )
    };
    let id = actor.service_account().ok_or_else(nobody)?;
    let account =
        service_accounts::find(&mut *app.db.read().await?, &id.to_string()).await?.ok_or_else(nobody)?.content.slug;
    let provider = crate::providers(app).all().find(|(one, _)| one.scim_account.as_ref() == Some(&account));
    let provider = provider.ok_or_else(nobody)?.0.key.clone();
    Ok(Keeper { account, provider })
}

/// The page that a question asks for.
fn page(question: &Question) -> (i64, i64) {
    let from = question.start_index.unwrap_or(1).max(1) - 1;
    (from, question.count.unwrap_or(100).clamp(0, MOST))
}

fn filter(question: &Question, known: &[&'static str]) -> Result<Option<Filter>, Fault> {
    question.filter.as_deref().filter(|text| !text.trim().is_empty()).map(|text| Filter::read(text, known)).transpose()
}

/// One page of the people that the provider keeps here, with how many there are.
pub async fn scim_users(app: &App, actor: &Actor, question: &Question) -> Result<(i64, Vec<Kept<User>>), Refused> {
    let keeper = keeper(app, actor).await?;
    let filter = filter(question, &["userName", "externalId", "id", "emails", "active"])?;
    Ok(store::users(&mut *app.db.read().await?, &keeper.account, filter.as_ref(), page(question)).await?)
}

async fn user(app: &App, keeper: &Keeper, id: Uuid) -> Result<Kept<User>, Refused> {
    let filter = Filter::of("id", id.to_string());
    let found = store::users(&mut *app.db.read().await?, &keeper.account, Some(&filter), (0, 1)).await?.1.pop();
    found.ok_or_else(|| Fault::gone("user").into())
}

/// One of them.
pub async fn scim_user(app: &App, actor: &Actor, id: Uuid) -> Result<Kept<User>, Refused> {
    let keeper = keeper(app, actor).await?;
    user(app, &keeper, id).await
}

fn content(user: &User, before: Option<&PersonContent>) -> Result<PersonContent, Refused> {
    let state = if user.active { PersonState::Active } else { PersonState::Disabled };
    let kept = before.cloned().unwrap_or_default();
    let content = PersonContent { name: user.name.clone(), email: user.email.clone(), state, ..kept };
    content.checked().map_err(|error| match error {
        Error::Invalid(errors) => {
            let texts: Vec<&str> = errors.as_slice().iter().map(|error| error.message.as_str()).collect();
            Fault::value(texts.join(" ")).into()
        }
        other => Refused::Error(other),
    })
}

/// A name or address that somebody has is the standard's uniqueness.
fn taken(error: Error) -> Refused {
    match error {
        Error::Invalid(errors) if errors.as_slice().iter().any(|error| error.pointer == "/email") => {
            Fault::taken("e-mail address").into()
        }
        Error::Invalid(errors) if errors.as_slice().iter().any(|error| error.pointer == "/userName") => {
            Fault::taken("userName").into()
        }
        Error::Invalid(errors) if errors.as_slice().iter().any(|error| error.pointer == "/externalId") => {
            Fault::taken("externalId").into()
        }
        other => other.into(),
    }
}

/// Makes a person. They have no right but to read until a group gives one.
pub async fn scim_create_user(app: &App, actor: &Actor, user: User) -> Result<Kept<User>, Refused> {
    let keeper = keeper(app, actor).await?;
    let content = content(&user, None)?;
    let same = Filter::of("userName", user.user_name.clone());
    if store::users(&mut *app.db.read().await?, &keeper.account, Some(&same), (0, 1)).await?.0 > 0 {
        return Err(Fault::taken("userName").into());
    }
    let mut tx = app.db.write(actor).await?;
    let now = tx.now();
    let person = Person { id: Uuid::now_v7(), revision: 1, created_at: now, updated_at: now, content };
    people::insert(tx.conn(), &person).await.map_err(taken)?;
    store::set_names(tx.conn(), person.id, &keeper.account, &user).await.map_err(taken)?;
    tx.record(Event::created("person.provisioned", &person)).await?.commit().await?;
    Ok(Kept { id: person.id, created: now, changed: now, revision: 1, what: user })
}

/// Changes a person to what `change` makes of them. Disabled, everything of theirs ends with the next request.
pub async fn scim_change_user(
    app: &App,
    actor: &Actor,
    id: Uuid,
    change: impl FnOnce(User) -> Result<User, Fault>,
) -> Result<Kept<User>, Refused> {
    let keeper = keeper(app, actor).await?;
    let mut tx = app.db.write(actor).await?;
    let before = people::lock(tx.conn(), id).await?;
    let known = user(app, &keeper, id).await?;
    let before = before.ok_or_else(|| Fault::gone("user"))?;
    let mut wanted = change(known.what.clone())?;
    // Who has signed in as a subject is not handed to another one.
    let known_there = flows::identities_of(tx.conn(), id).await?.iter().any(|one| one.provider == keeper.provider);
    if known_there && wanted.external_id != known.what.external_id {
        if wanted.active {
            return Err(Fault::stays("This person has signed in by this externalId: it stays.").into());
        }
        // Whatever else is said, who is to be disabled is.
        wanted.external_id.clone_from(&known.what.external_id);
    }
    if wanted == known.what {
        return Ok(known);
    }
    let now = tx.now();
    let content = content(&wanted, Some(&before.content))?;
    let after = Person { revision: before.revision + 1, updated_at: now, content, ..before.clone() };
    people::update(tx.conn(), &after).await.map_err(taken)?;
    store::set_names(tx.conn(), id, &keeper.account, &wanted).await.map_err(taken)?;
    let mut events = vec![Event::changed("person.provisioned", &before, &after)];
    if after.content.state == PersonState::Disabled {
        events.extend(super::shut_out::shut_out(&mut tx, id).await?);
    }
    tx.commit_all(events).await?;
    crate::authorities(app).clear();
    Ok(Kept { changed: now, revision: after.revision, what: wanted, ..known })
}

/// A person whom the provider takes away is disabled: the record keeps who they were.
pub async fn scim_remove_user(app: &App, actor: &Actor, id: Uuid) -> Result<(), Refused> {
    scim_change_user(app, actor, id, |user| Ok(User { active: false, ..user })).await.map(|_| ())
}

/// A provider's group, for the record.
#[derive(serde::Serialize)]
struct OnRecord<'a> {
    id: Uuid,
    revision: i64,
    provider: &'a str,
    display_name: &'a str,
    members: &'a [Uuid],
}

impl Record for OnRecord<'_> {
    const KIND: &'static str = "provider_group";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
    fn body(&self) -> Value {
        json!({ "id": self.id, "revision": self.revision, "provider": self.provider, "display_name": self.display_name,
            "members": self.members })
    }
}

fn on_record<'a>(keeper: &'a Keeper, kept: &'a Kept<Group>) -> OnRecord<'a> {
    OnRecord {
        id: kept.id,
        revision: kept.revision,
        provider: &keeper.provider,
        display_name: &kept.what.display_name,
        members: &kept.what.members,
    }
}

/// One page of the groups that the provider keeps here, with how many there are.
pub async fn scim_groups(app: &App, actor: &Actor, question: &Question) -> Result<(i64, Vec<Kept<Group>>), Refused> {
    let keeper = keeper(app, actor).await?;
    let filter = filter(question, &["displayName", "externalId", "id", "members"])?;
    Ok(store::groups(&mut *app.db.read().await?, &keeper.provider, filter.as_ref(), page(question)).await?)
}

/// One of them.
pub async fn scim_group(app: &App, actor: &Actor, id: Uuid) -> Result<Kept<Group>, Refused> {
    let keeper = keeper(app, actor).await?;
    let filter = Filter::of("id", id.to_string());
    let found = store::groups(&mut *app.db.read().await?, &keeper.provider, Some(&filter), (0, 1)).await?.1.pop();
    found.ok_or_else(|| Fault::gone("group").into())
}

/// Rights of everybody who came or went follow in the same transaction.
async fn follow(app: &App, tx: &mut WriteTx<Open>, keeper: &Keeper, people: Vec<Uuid>) -> Result<Vec<Event>, Error> {
    let mut people = people;
    people.sort_unstable();
    people.dedup();
    let mut events = Vec::new();
    for person in people {
        events.extend(rights::follow_groups(app, tx, &keeper.provider, person).await?);
    }
    Ok(events)
}

async fn refuse_strangers(tx: &mut WriteTx<Open>, keeper: &Keeper, members: &[Uuid]) -> Result<(), Refused> {
    if members.len() > 10_000 {
        return Err(Fault { status: 413, kind: None, detail: "At most 10,000 members.".into() }.into());
    }
    match store::strangers(tx.conn(), &keeper.account, members).await?.first() {
        Some(id) => Err(Fault::value(format!("{id} is nobody whom you keep here.")).into()),
        None => Ok(()),
    }
}

/// Makes a group.
pub async fn scim_create_group(app: &App, actor: &Actor, group: Group) -> Result<Kept<Group>, Refused> {
    let keeper = keeper(app, actor).await?;
    let same = Filter::of("displayName", group.display_name.clone());
    if store::groups(&mut *app.db.read().await?, &keeper.provider, Some(&same), (0, 1)).await?.0 > 0 {
        return Err(Fault::taken("displayName").into());
    }
    let mut tx = app.db.write(actor).await?;
    people::lock_regrouping(tx.conn()).await?;
    refuse_strangers(&mut tx, &keeper, &group.members).await?;
    let now = tx.now();
    let kept = Kept { id: Uuid::now_v7(), created: now, changed: now, revision: 1, what: group };
    store::save_group(tx.conn(), &keeper.provider, &kept).await?;
    let mut events = vec![Event::created("provider_group.made", &on_record(&keeper, &kept))];
    events.extend(follow(app, &mut tx, &keeper, kept.what.members.clone()).await?);
    tx.commit_all(events).await?;
    crate::authorities(app).clear();
    Ok(kept)
}

/// Changes a group to what `change` makes of it.
pub async fn scim_change_group(
    app: &App,
    actor: &Actor,
    id: Uuid,
    change: impl FnOnce(Group) -> Result<Group, Fault>,
) -> Result<Kept<Group>, Refused> {
    let keeper = keeper(app, actor).await?;
    let mut tx = app.db.write(actor).await?;
    people::lock_regrouping(tx.conn()).await?;
    let before = store::lock_group(tx.conn(), &keeper.provider, id).await?.ok_or_else(|| Fault::gone("group"))?;
    let wanted = change(before.what.clone())?;
    refuse_strangers(&mut tx, &keeper, &wanted.members).await?;
    let after = Kept { changed: tx.now(), revision: before.revision + 1, what: wanted, ..before.clone() };
    if after.what == before.what {
        return Ok(before);
    }
    store::save_group(tx.conn(), &keeper.provider, &after).await?;
    let mut events =
        vec![Event::changed("provider_group.changed", &on_record(&keeper, &before), &on_record(&keeper, &after))];
    let touched = before.what.members.iter().chain(&after.what.members).copied().collect();
    events.extend(follow(app, &mut tx, &keeper, touched).await?);
    tx.commit_all(events).await?;
    crate::authorities(app).clear();
    Ok(after)
}

/// Removes a group: what it gave ends.
pub async fn scim_remove_group(app: &App, actor: &Actor, id: Uuid) -> Result<(), Refused> {
    let keeper = keeper(app, actor).await?;
    let mut tx = app.db.write(actor).await?;
    people::lock_regrouping(tx.conn()).await?;
    let before = store::lock_group(tx.conn(), &keeper.provider, id).await?.ok_or_else(|| Fault::gone("group"))?;
    store::remove_group(tx.conn(), id).await?;
    let detail = json!({ "display_name": before.what.display_name, "members": before.what.members });
    let mut events = vec![Event::happened("provider_group.removed", "provider_group", Some(id), detail)];
    events.extend(follow(app, &mut tx, &keeper, before.what.members).await?);
    tx.commit_all(events).await?;
    crate::authorities(app).clear();
    Ok(())
}
