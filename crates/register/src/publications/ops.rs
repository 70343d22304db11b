//! The verbs of what is published: draft, propose, publish by a second person, give up, go back.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Draft, Publication, Publishable, Published, Version, store};
use base::{
    app::App,
    audit::Event,
    db::{Lock, Open, WriteTx},
    error::{Error, FieldErrors, same_revision},
    words::State,
};
use identity::{Actor, GroupKind, Permission, Sensitive, Via, seats::unfilled};

/// One by its id or key.
pub async fn find<C: Publishable>(app: &App, actor: &Actor, key: &str) -> Result<Publication<C>, Error> {
    actor.require(Permission::Read)?;
    let mut conn = app.db.read().await?;
    let id = store::find(&mut conn, C::KIND, key).await?.ok_or(Error::NotFound(C::NOUN))?;
    store::get_many(&mut conn, &[id]).await?.pop().ok_or(Error::NotFound(C::NOUN))
}

/// Its versions, newest first.
pub async fn versions<C: Publishable>(app: &App, actor: &Actor, id: Uuid) -> Result<Vec<Version<C>>, Error> {
    actor.require(Permission::Read)?;
    store::versions(&mut *app.db.read().await?, id).await
}

/// What of a kind holds now, within whatever reads or writes: id, version, content.
pub async fn in_force<C: Publishable>(conn: &mut PgConnection) -> Result<Vec<(Uuid, i32, C)>, Error> {
    store::in_force(conn).await
}

/// Which versions of a kind hold now, within whatever reads or writes, in the order of their keys: what a version
/// says never changes, so that whoever knows it need not read it again.
pub async fn versions_in_force<C: Publishable>(conn: &mut PgConnection) -> Result<Vec<(Uuid, i32)>, Error> {
    store::versions_in_force(conn, C::KIND).await
}

/// What these versions say, in no particular order.
pub async fn contents<C: Publishable>(
    conn: &mut PgConnection,
    wanted: &[(Uuid, i32)],
) -> Result<Vec<(Uuid, i32, C)>, Error> {
    store::contents(conn, wanted).await
}

/// What a version of one says, within whatever reads or writes.
pub async fn content_of<C: Publishable>(conn: &mut PgConnection, id: Uuid, version: i32) -> Result<C, Error> {
    store::version(conn, id, version).await?.ok_or(Error::NotFound("version"))
}

/// Begins one, as a draft.
pub async fn create<C: Publishable>(app: &App, actor: &Actor, content: C) -> Result<Publication<C>, Error> {
    actor.require(Permission::Govern)?;
    let mut tx = app.db.write(actor).await?;
    let record = begin(&mut tx, content).await?;
    tx.record(Event::created(action::<C>(Step::Drafted), &record)).await?.commit().await?;
    app.forget_counts();
    Ok(record)
}

async fn begin<S, C: Publishable>(tx: &mut WriteTx<S>, content: C) -> Result<Publication<C>, Error> {
    let content = content.checked()?;
    if store::find(tx.conn(), C::KIND, content.key()).await?.is_some() {
        return Err(Error::field("/key", "This key is taken. Choose another."));
    }
    refuse_nobody(tx, &content).await?;
    let now = tx.now();
    let draft = Draft { content, edited_by: tx.actor().answers_for().into_iter().collect(), proposal: None };
    let record = Publication {
        id: Uuid::now_v7(),
        revision: 1,
        draft: Some(draft),
        published: None,
        created_at: now,
        updated_at: now,
    };
    store::save(tx.conn(), &record).await?;
    Ok(record)
}

/// Writes a draft within a transaction that writes others as well: begins it where nobody saw one by its
/// key, else edits what was seen at a revision. The event to be recorded; none where nothing changes.
pub async fn draft_in<C: Publishable>(
    tx: &mut WriteTx<Open>,
    content: C,
    seen: Option<(Uuid, i64)>,
) -> Result<Option<Event>, Error> {
    tx.actor().require(Permission::Govern)?;
    let Some((id, revision)) = seen else {
        let record = begin(tx, content).await?;
        return Ok(Some(Event::created(action::<C>(Step::Drafted), &record)));
    };
    let content = content.checked()?;
    let before = locked::<C>(tx, id, revision).await?;
    if before.draft.as_ref().is_some_and(|draft| draft.content == content) {
        return Ok(None);
    }
    refuse_nobody(tx, &content).await?;
    let (by, now) = (tx.actor().answers_for(), tx.now());
    let after = before.clone().edit(content, by, now)?;
    store::save(tx.conn(), &after).await?;
    Ok(Some(Event::changed(action::<C>(Step::Drafted), &before, &after)))
}

async fn locked<C: Publishable>(tx: &mut WriteTx<Open>, id: Uuid, revision: i64) -> Result<Publication<C>, Error> {
    let before = store::lock::<C>(tx.conn(), id).await?.ok_or(Error::NotFound(C::NOUN))?;
    same_revision(revision, before.revision)?;
    Ok(before)
}

/// Writes at its draft, based on `revision`.
pub async fn edit<C: Publishable>(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    content: C,
) -> Result<Publication<C>, Error> {
    actor.require(Permission::Govern)?;
    let content = content.checked()?;
    step(app, actor, id, revision, Step::Drafted, |before: Publication<C>, by, now| {
        if before.draft.as_ref().is_some_and(|draft| draft.content == content) {
            return Ok((before, None));
        }
        Ok((before.edit(content, by, now)?, None))
    })
    .await
}

/// Asks a second person to publish the draft.
pub async fn propose<C: Publishable>(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
) -> Result<Publication<C>, Error> {
    actor.require(Permission::Govern)?;
    let me = person(actor)?;
    step(app, actor, id, revision, Step::Proposed, |before: Publication<C>, _, now| {
        Ok((before.propose(me, now)?, None))
    })
    .await
}

/// Publishes what somebody else proposed. A person does, signed in on a page.
pub async fn publish<C: Publishable>(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
) -> Result<Publication<C>, Error> {
    actor.require(Permission::Govern)?;
    actor.require_fresh(Sensitive::Decide, app.clock.now())?;
    let me = person(actor)?;
    step(app, actor, id, revision, Step::Published, |before: Publication<C>, _, now| {
        let (after, version) = before.publish(me, now)?;
        Ok((after, Some(version)))
    })
    .await
}

/// Gives the draft up.
pub async fn discard<C: Publishable>(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
) -> Result<Publication<C>, Error> {
    actor.require(Permission::Govern)?;
    step(app, actor, id, revision, Step::Discarded, |before: Publication<C>, _, now| Ok((before.discard(now)?, None)))
        .await
}

/// Makes a draft of an earlier version; it is proposed and published as any other.
pub async fn go_back<C: Publishable>(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    to: i32,
) -> Result<Publication<C>, Error> {
    actor.require(Permission::Govern)?;
    let versions: Vec<Version<C>> = store::versions(&mut *app.db.read().await?, id).await?;
    let earlier = versions.into_iter().find(|version| version.version == to).ok_or(Error::NotFound("version"))?;
    edit(app, actor, id, revision, earlier.content).await
}

/// What Muster brings along is published at once, by nobody, where nothing of its kind is in force yet; how
/// many were added. Two that start at once seed once.
pub async fn seed<C: Publishable>(app: &App, actor: &Actor, contents: Vec<C>) -> Result<usize, Error> {
    actor.require(Permission::Govern)?;
    if !store::in_force::<C>(&mut *app.db.read().await?).await?.is_empty() {
        return Ok(0);
    }
    // Before the lock: compiling every rule takes seconds on a busy machine, and others wait for the lock.
    let mut sound = Vec::with_capacity(contents.len());
    for content in contents {
        let content = content.checked()?;
        content.ready()?;
        sound.push(content);
    }
    let mut tx = app.db.write(actor).await?;
    Lock::PublicationSeed.take_patiently(tx.conn()).await?;
    if !store::in_force::<C>(tx.conn()).await?.is_empty() {
        return Ok(0);
    }
    let mut events = Vec::new();
    for content in sound {
        if store::find(tx.conn(), C::KIND, content.key()).await?.is_some() {
            continue;
        }
        let now = tx.now();
        let version = Version {
            version: 1,
            content: content.clone(),
            edited_by: Vec::new(),
            proposed_by: None,
            published_by: None,
            published_at: now,
        };
        let record = Publication {
            id: Uuid::now_v7(),
            revision: 1,
            draft: None,
            published: Some(Published { version: 1, content }),
            created_at: now,
            updated_at: now,
        };
        store::save(tx.conn(), &record).await?;
        store::insert_version(tx.conn(), record.id, &version).await?;
        events.push(Event::created(action::<C>(Step::Published), &record));
    }
    let count = tx.commit_all(events).await?;
    app.forget_counts();
    Ok(count)
}

/// Refuses review groups that are not there, have retired, or have no active reviewer in them; and stages
/// that the reviewers there are cannot all decide.
async fn refuse_nobody<S, C: Publishable>(tx: &mut WriteTx<S>, content: &C) -> Result<(), Error> {
    let mut errors = FieldErrors::new();
    let mut wanted: Vec<(Vec<Uuid>, usize)> = Vec::new();
    let (named, now) = (content.groups(), tx.now());
    for named in &named {
        let (at, slug) = (named.pointer.as_str(), named.group.as_str());
        let group = identity::ops::group_in(tx, GroupKind::ReviewGroup, slug).await?;
        let Some(group) = group.filter(|group| group.content.state == State::Active) else {
            errors.add(at, format!("There is no active review group '{slug}'."));
            continue;
        };
        let people = identity::ops::reviewers_of(tx.conn(), group.id, now).await?;
        if people.is_empty() {
            errors.add(at, format!("No active reviewer is in the review group '{slug}': nobody could decide."));
        }
        wanted.push((people, named.approvals));
    }
    errors.finish()?;
    let Some(n) = content.twice().and_then(|twice| unfilled(&wanted, twice)) else { return Ok(()) };
    let (people, needed) = &wanted[n];
    Err(Error::field(
        &named[n].pointer,
        format!(
            "Nobody could decide this stage: it needs {needed} of the {} active reviewers of '{}' who are not needed for \
             another stage.",
            people.len(),
            named[n].group
        ),
    ))
}

/// A person at a page: no token proposes or publishes, whoever holds it.
fn person(actor: &Actor) -> Result<Uuid, Error> {
    identity::ops::refuse_token(actor)?;
    match (actor.person(), actor.via) {
        (Some(me), Via::Page) => Ok(me),
        _ => Err(Error::Forbidden("A person does this, signed in on the page.".into())),
    }
}

#[derive(Clone, Copy)]
enum Step {
    Drafted,
    Proposed,
    Published,
    Discarded,
}

fn action<C: Publishable>(step: Step) -> &'static str {
    match (C::KIND, step) {
        ("policy_rule", Step::Drafted) => "policy_rule.drafted",
        ("policy_rule", Step::Proposed) => "policy_rule.proposed",
        ("policy_rule", Step::Published) => "policy_rule.published",
        ("policy_rule", Step::Discarded) => "policy_rule.draft_discarded",
        ("workflow", Step::Drafted) => "workflow.drafted",
        ("workflow", Step::Proposed) => "workflow.proposed",
        ("workflow", Step::Published) => "workflow.published",
        ("workflow", Step::Discarded) => "workflow.draft_discarded",
        ("risk_model", Step::Drafted) => "risk_model.drafted",
        ("risk_model", Step::Proposed) => "risk_model.proposed",
        ("risk_model", Step::Published) => "risk_model.published",
        ("risk_model", Step::Discarded) => "risk_model.draft_discarded",
        (_, Step::Drafted) => "questionnaire.drafted",
        (_, Step::Proposed) => "questionnaire.proposed",
        (_, Step::Published) => "questionnaire.published",
        (_, Step::Discarded) => "questionnaire.draft_discarded",
    }
}

async fn step<C: Publishable>(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    step: Step,
    change: impl FnOnce(
        Publication<C>,
        Option<Uuid>,
        chrono::DateTime<chrono::Utc>,
    ) -> Result<(Publication<C>, Option<Version<C>>), Error>,
) -> Result<Publication<C>, Error> {
    let mut tx = app.db.write(actor).await?;
    let before = locked::<C>(&mut tx, id, revision).await?;
    let now = tx.now();
    let (after, version) = change(before.clone(), actor.person(), now)?;
    if after == before {
        return Ok(before);
    }
    // What is given up is not looked at again.
    let coming = after.draft.as_ref().map(|draft| &draft.content).or(version.as_ref().map(|version| &version.content));
    if let Some(content) = coming {
        refuse_nobody(&mut tx, content).await?;
    }
    if let (Step::Proposed | Step::Published, Some(content)) = (step, coming) {
        for (other, _, held) in store::in_force::<C>(tx.conn()).await? {
            if other != id {
                content.beside(&held)?;
            }
        }
    }
    if let Some(version) = &version {
        store::insert_version(tx.conn(), id, version).await?;
    }
    store::save(tx.conn(), &after).await?;
    tx.record(Event::changed(action::<C>(step), &before, &after)).await?.commit().await?;
    app.forget_counts();
    Ok(after)
}
