//! Exceptions: asked for, granted or denied by a governance lead who did not ask, taken back, ended.

use chrono::NaiveDate;
use uuid::Uuid;

use crate::policy::{Exception, ExceptionContent, ExceptionState, RuleContent, exception::Grant, store::exceptions};
use base::{
    app::App,
    audit::Event,
    check::Check,
    db::{Open, WriteTx},
    error::{Error, same_revision},
    mail::{self, Letter},
};
use identity::{Actor, Permission, Sensitive, Via};
use register::{integrations, publications};

/// One exception.
pub async fn find_exception(app: &App, actor: &Actor, id: Uuid) -> Result<Exception, Error> {
    get_exceptions(app, actor, &[id]).await?.pop().ok_or(Error::NotFound("exception"))
}

/// Exceptions by id, in the order asked for.
pub async fn get_exceptions(app: &App, actor: &Actor, ids: &[Uuid]) -> Result<Vec<Exception>, Error> {
    actor.require(Permission::Read)?;
    let mut found = exceptions::get_many(&mut *app.db.read().await?, ids).await?;
    found.sort_by_key(|exception| ids.iter().position(|id| *id == exception.id));
    Ok(found)
}

/// The exceptions of an integration, newest first; of one rule, where one is named.
pub async fn exceptions_of(
    app: &App,
    actor: &Actor,
    integration: Uuid,
    rule: Option<Uuid>,
) -> Result<Vec<Exception>, Error> {
    let ids = exceptions::of_integration(&mut *app.db.read().await?, integration, rule).await?;
    get_exceptions(app, actor, &ids).await
}

/// Asks for an exception; where one holds already, for its extension, which is a decision of its own.
/// The owners and the system's team ask; so do those who govern.
pub async fn request_exception(app: &App, actor: &Actor, content: ExceptionContent) -> Result<Exception, Error> {
    actor.require(Permission::Propose)?;
    let today = app.today().await?;
    let content = content.checked(today)?;
    let mut tx = app.db.write(actor).await?;
    let integration =
        integrations::ops::integration_in(&mut tx, &content.integration).await.map_err(|error| match error {
            Error::NotFound(_) => Error::field("/integration", "There is no such integration."),
            other => other,
        })?;
    let teams = integrations::ops::teams_of(tx.conn(), integration.id).await?;
    if actor.person().is_some() && !actor.may(Permission::Steward) && !actor.is_in_team(teams) {
        return Err(Error::Forbidden("Only the teams of the integration and of its system ask for exceptions.".into()));
    }
    let (rule_id, rule) = rule_in_force(&mut tx, &content.rule).await?;
    let ends_on = content.ends_on.ok_or_else(|| Error::field("/ends_on", "Give the last day."))?;
    refuse_too_long(&mut tx, &rule, today, ends_on).await?;
    let known = exceptions::of_integration(tx.conn(), integration.id, Some(rule_id)).await?;
    let known = exceptions::get_many(tx.conn(), &known).await?;
    if known.iter().any(|exception| exception.state == ExceptionState::Requested) {
        return Err(Error::Conflict(
            "An exception from this rule is asked for already and waits for a decision.".into(),
        ));
    }
    let extends = known.iter().filter(|exception| exception.holds(today)).max_by_key(|e| e.ends_on).map(|e| e.id);
    let exception = Exception {
        id: Uuid::now_v7(),
        revision: 1,
        rule_id,
        rule: rule.key,
        integration_id: integration.id,
        integration: integration.content.slug,
        reason: content.reason,
        compensating_control: content.compensating_control,
        ends_on,
        extends,
        state: ExceptionState::Requested,
        requested_by: actor.person(),
        asked_through: actor.answers_for(),
        requested_at: tx.now(),
        decided_by: None,
        decided_at: None,
        decision_reason: None,
        ended_at: None,
    };
    let now = tx.now();
    exceptions::save(tx.conn(), &exception, actor.via.key(), now).await?;
    tx.record(Event::created("exception.requested", &exception)).await?.commit().await?;
    app.forget_counts();
    Ok(exception)
}

async fn rule_in_force<S>(tx: &mut WriteTx<S>, key: &str) -> Result<(Uuid, RuleContent), Error> {
    let rules = publications::ops::in_force::<RuleContent>(tx.conn()).await?;
    let found = rules.into_iter().find(|(id, _, rule)| rule.key == key || id.to_string() == key);
    found.map(|(id, _, rule)| (id, rule)).ok_or_else(|| Error::field("/rule", "No such rule is in force."))
}

/// Each severity has a longest period, by the settings.
async fn refuse_too_long<S>(
    tx: &mut WriteTx<S>,
    rule: &RuleContent,
    today: NaiveDate,
    ends_on: NaiveDate,
) -> Result<(), Error> {
    let longest = exceptions::longest(tx.conn(), rule.severity.key()).await?;
    if (ends_on - today).num_days() <= longest {
        return Ok(());
    }
    let last = today + chrono::Days::new(u64::try_from(longest).unwrap_or_default());
    Err(Error::field(
        "/ends_on",
        format!("A {} violation is excepted for {longest} days at most: {last} is the last day.", rule.severity.key()),
    ))
}

/// Grants or denies. A governance lead does, at a page, who did not ask; never a token.
pub async fn decide_exception(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    grant: Grant,
    why: &str,
) -> Result<Exception, Error> {
    let me = lead(app, actor)?;
    let why = reason(why)?;
    let today = app.today().await?;
    let mut tx = app.db.write(actor).await?;
    let before = exceptions::lock(tx.conn(), id).await?.ok_or(Error::NotFound("exception"))?;
    same_revision(revision, before.revision)?;
    if grant == Grant::Yes && before.ends_on < today {
        return Err(Error::Conflict("Its last day is past: it would never hold. Deny it, and ask anew.".into()));
    }
    let now = tx.now();
    let after = before.clone().decide(grant, me, why, now)?;
    exceptions::save(tx.conn(), &after, actor.via.key(), now).await?;
    let action = if grant == Grant::Yes { "exception.granted" } else { "exception.denied" };
    tx.record(Event::changed(action, &before, &after)).await?.commit().await?;
    app.forget_counts();
    Ok(after)
}

/// Takes a granted one back, at once.
pub async fn revoke_exception(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    why: &str,
) -> Result<Exception, Error> {
    let me = lead(app, actor)?;
    let why = reason(why)?;
    let mut tx = app.db.write(actor).await?;
    let before = exceptions::lock(tx.conn(), id).await?.ok_or(Error::NotFound("exception"))?;
    same_revision(revision, before.revision)?;
    let now = tx.now();
    let after = before.clone().revoke(me, why, now)?;
    exceptions::save(tx.conn(), &after, actor.via.key(), now).await?;
    tx.record(Event::changed("exception.revoked", &before, &after)).await?.commit().await?;
    app.forget_counts();
    Ok(after)
}

/// Records the ending of those that are past their last day, tells the owner, and has their integrations
/// judged anew. That they no longer hold does not wait for this.
pub async fn record_endings(app: &App) -> Result<usize, Error> {
    let today = app.today().await?;
    let actor = Actor::job("system:policy", Uuid::now_v7().to_string());
    let mut run = app.background.run("end exceptions", &app.stop);
    while run.goes_on() {
        let mut tx = app.db.write(&actor).await?;
        let Some(id) = exceptions::ended(tx.conn(), today, &run.resting()).await? else { break };
        run.settle(id, record_ending(app, tx, id).await);
    }
    if run.done() > 0 {
        app.forget_counts();
    }
    Ok(run.done())
}

async fn record_ending(app: &App, mut tx: WriteTx<Open>, id: Uuid) -> Result<(), Error> {
    let now = tx.now();
    let mut events = Vec::new();
    for before in exceptions::get_many(tx.conn(), &[id]).await? {
        let after = Exception { ended_at: Some(now), revision: before.revision + 1, ..before.clone() };
        exceptions::save(tx.conn(), &after, "page", now).await?;
        events.push(Event::changed("exception.ended", &before, &after));
    }
    for one in exceptions::endings(tx.conn(), &[id]).await? {
        let text = format!(
            "The exception of “{}” from the rule “{}” held until {} and has ended: the rule counts again.",
            one.integration, one.rule, one.ends_on
        );
        write_to_owner(app, &mut tx, &one, (format!("An exception has ended: {}", one.integration), text)).await?;
    }
    tx.commit_all(events).await.map(|_| ())
}

/// Reminds the owners of exceptions that end within two weeks, once each; how many. The letter goes to the
/// address of the team that answers for the integration, where mail is configured and it has one.
pub async fn remind_endings(app: &App) -> Result<usize, Error> {
    let today = app.today().await?;
    let actor = Actor::job("system:policy", Uuid::now_v7().to_string());
    let mut run = app.background.run("remind of exceptions", &app.stop);
    while run.goes_on() {
        let mut tx = app.db.write(&actor).await?;
        let Some(one) = exceptions::take_ending(tx.conn(), today, &run.resting()).await? else { break };
        run.settle(one.id, remind_of(app, tx, &one).await);
    }
    Ok(run.done())
}

async fn remind_of(app: &App, mut tx: WriteTx<Open>, one: &exceptions::Ending) -> Result<(), Error> {
    let text = format!("The exception of “{}” from the rule “{}” ends on {}.", one.integration, one.rule, one.ends_on);
    let subject = format!("An exception ends on {}: {}", one.ends_on, one.integration);
    let by = if write_to_owner(app, &mut tx, one, (subject, text)).await? { "letter" } else { "home page" };
    let detail = serde_json::json!({ "ends_on": one.ends_on, "by": by });
    tx.record(Event::happened("exception.reminded", "exception", Some(one.id), detail)).await?.commit().await
}

/// Puts a letter about an exception in the way of the team that answers for the integration; `false` where
/// no mail is configured or the team has no address.
async fn write_to_owner(
    app: &App,
    tx: &mut WriteTx<Open>,
    one: &exceptions::Ending,
    (subject, text): (String, String),
) -> Result<bool, Error> {
    let Some(to) = one.email.as_deref().filter(|_| app.config.post.is_some()) else { return Ok(false) };
    let address = app.config.public_url.join(&format!("exceptions/{}", one.id)).map_err(Error::internal)?;
    let text =
        format!("{text}\n\nMend what it is about, or ask for an extension, which is a new decision:\n{address}\n");
    let now = tx.now();
    mail::write(tx.conn(), Letter { to, subject, text, about: ("exception", one.id), kind: mail::Kind::Notice }, now)
        .await?;
    Ok(true)
}

pub(super) fn lead(app: &App, actor: &Actor) -> Result<Uuid, Error> {
    actor.require(Permission::Govern)?;
    actor.require_fresh(Sensitive::Decide, app.clock.now())?;
    identity::ops::refuse_token(actor)?;
    match (actor.person(), actor.via) {
        (Some(me), Via::Page) => Ok(me),
        _ => Err(Error::Forbidden("A person decides, signed in on the page.".into())),
    }
}

fn reason(text: &str) -> Result<String, Error> {
    let mut check = Check::new();
    let mut value = Some(text.to_owned());
    check.optional("/reason", &mut value, 4000);
    if value.is_none() {
        check.fault("/reason", "Say why.");
    }
    check.finish()?;
    Ok(value.unwrap_or_default())
}
