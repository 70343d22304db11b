//! What happens to an integration without a request: emergency suspension, and facts that vendors
//! report.

use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::integrations::{
    Integration,
    store::{
        credentials, integrations,
        parts::{self, GrantFact},
    },
};
use base::{
    app::App,
    audit::Event,
    check::Check,
    db::WriteTx,
    error::{Error, same_revision},
    text,
};
use identity::{Actor, Permission};

/// Stops an integration at once, with a reason. Reviewers and leads may, and the teams that own it.
pub async fn suspend(app: &App, actor: &Actor, id: Uuid, revision: i64, reason: &str) -> Result<Integration, Error> {
    let reason = needed(reason, "/reason", "Say why: everybody who meets it will ask.")?;
    let mut tx = app.db.write(actor).await?;
    let before = integrations::lock(tx.conn(), id).await?.ok_or(Error::NotFound("integration"))?;
    let owners = credentials::owners_of(tx.conn(), &[id]).await?;
    // An owner's own session is enough; a token needs the scope.
    let by_owner = actor.authority.token_id.is_none() && actor.may(Permission::Propose) && actor.is_in_team(owners);
    if !by_owner {
        actor.require(Permission::Suspend)?;
    }
    same_revision(revision, before.revision)?;
    let (after, event) = stop(&mut tx, &before, reason).await?;
    tx.record(event).await?.commit().await?;
    app.forget_counts();
    Ok(after)
}

/// The same for another feature that stops what it has locked, such as a campaign that nobody answered;
/// the event to be recorded.
pub async fn suspend_in<S>(tx: &mut WriteTx<S>, before: &Integration, reason: String) -> Result<Event, Error> {
    Ok(stop(tx, before, reason).await?.1)
}

async fn stop<S>(tx: &mut WriteTx<S>, before: &Integration, reason: String) -> Result<(Integration, Event), Error> {
    let (by, now) = (tx.actor().person(), tx.now());
    let after = before.clone().suspend(by, now, reason)?;
    integrations::save_state(tx.conn(), &after).await?;
    let event = Event::changed("integration.suspended", before, &after);
    Ok((after, event))
}

/// A reason that must be given.
pub(super) fn needed(text: &str, pointer: &str, advice: &str) -> Result<String, Error> {
    let mut check = Check::new();
    let mut value = Some(text.to_owned());
    check.optional(pointer, &mut value, 4000);
    if value.is_none() {
        check.fault(pointer, advice);
    }
    check.finish()?;
    Ok(value.unwrap_or_default())
}

/// A scope that the vendor grants.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantedScope {
    /// As it is sent.
    pub scope: String,
    /// Since when; today where absent.
    #[serde(default)]
    pub granted_on: Option<NaiveDate>,
    /// When it was last seen in use.
    #[serde(default)]
    pub last_used_on: Option<NaiveDate>,
}

/// All scopes that the vendor grants an integration now.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantFacts {
    /// The scopes; what is not among them is no longer granted.
    pub granted: Vec<GrantedScope>,
}

/// Takes up what a vendor grants. A scope that nobody approved stands out from then on.
pub async fn record_grants(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    facts: GrantFacts,
) -> Result<Integration, Error> {
    actor.require(Permission::Rotate)?;
    let mut check = Check::new();
    check.at_most("/granted", facts.granted.len(), 2000);
    let mut seen = std::collections::HashSet::new();
    for (n, fact) in facts.granted.iter().enumerate() {
        let at = format!("/granted/{n}/scope");
        check.identifier(&at, &fact.scope, 500);
        if fact.scope.trim().is_empty() {
            check.fault(&at, "Name a scope.");
        }
        if !seen.insert(fact.scope.as_str()) {
            check.fault(&at, "The same scope is listed twice.");
        }
        check.in_order(&format!("/granted/{n}/last_used_on"), fact.granted_on, fact.last_used_on);
    }
    check.finish()?;
    let today = app.today().await?;
    let mut tx = app.db.write(actor).await?;
    let before = integrations::lock(tx.conn(), id).await?.ok_or(Error::NotFound("integration"))?;
    let owners = credentials::owners_of(tx.conn(), &[id]).await?;
    super::may_rotate(actor, owners)?;
    same_revision(revision, before.revision)?;
    let name = &before.content.name;
    let granted_before =
        |scope: &str| before.grants.iter().find(|grant| grant.scope == scope).and_then(|g| g.granted_on);
    let rows: Vec<GrantFact> = facts
        .granted
        .into_iter()
        .map(|fact| GrantFact {
            sort_key: text::sort_key(&format!("{} {name}", fact.scope)),
            search: text::search_text(&[&fact.scope, name, &before.content.api, &before.content.system]),
            granted_on: fact.granted_on.or(granted_before(&fact.scope)).or(Some(today)),
            last_used_on: fact.last_used_on,
            scope: fact.scope,
        })
        .collect();
    let now = tx.now();
    parts::save_grants(tx.conn(), id, &rows, now).await?;
    let moved = Integration { revision: before.revision + 1, updated_at: now, ..before.clone() };
    integrations::save_state(tx.conn(), &moved).await?;
    let after = integrations::get(tx.conn(), id).await?.ok_or(Error::NotFound("integration"))?;
    if before.grants == after.grants {
        return Ok(before);
    }
    tx.record(Event::changed("integration.grants_recorded", &before, &after)).await?.commit().await?;
    Ok(after)
}
