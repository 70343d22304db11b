//! Submitting, withdrawing, rebasing.

use data_encoding::HEXLOWER;
use uuid::Uuid;

use super::{
    draft::checked_reason,
    letters::{self, Voided},
    locked, may_continue, owner_teams, plan,
};
use crate::approvals::{
    Asked, Binding, Merged, Phase, Request, RequestKind, bind,
    store::{requests, stages},
    three_way,
};
use base::{
    app::App,
    audit::Event,
    db::WriteTx,
    error::{Error, FieldErrors, same_revision},
};
use identity::{Actor, Permission};
use register::integrations::{self, Integration, ops as uses};

/// The content of a request with the texts and sensitivities that it refers to.
pub(super) async fn bound<S>(tx: &mut WriteTx<S>, request: &Request) -> Result<Binding, Error> {
    let offered = uses::offered_scopes_in(tx, request.refs.version).await?;
    let asked = Asked { kind: request.kind, reason: request.reason.as_deref() };
    bind(asked, &request.content, &request.refs, &offered)
}

/// Adds the person who acts, or who minted the token that does, to those who took part.
pub(super) fn take_part(actor: &Actor, participants: &mut Vec<Uuid>) {
    if let Some(person) = actor.answers_for()
        && !participants.contains(&person)
    {
        participants.push(person);
        participants.sort_unstable();
    }
}

/// Both hashes in hexadecimal.
pub(super) fn hex(binding: &Binding) -> (String, String) {
    (HEXLOWER.encode(&binding.full), HEXLOWER.encode(&binding.material))
}

/// Sends a request to its first stage. Refuses what is incomplete, naming every field; what is
/// stale; and a stage that nobody may decide, naming the stage.
pub async fn submit_request(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    reason: Option<String>,
) -> Result<Request, Error> {
    actor.require(Permission::Propose)?;
    let mut tx = app.db.write(actor).await?;
    let (mut before, integration) = locked(&mut tx, id).await?;
    let owners = owner_teams(tx.conn(), &before).await?;
    may_continue(actor, &before, &owners)?;
    same_revision(revision, before.revision)?;
    before.editable()?;
    before.kind.outcome(integration.state)?;
    if before.is_stale(&integration.content) {
        return Err(Error::Conflict("The integration changed since this was written. Rebase it first.".into()));
    }
    let unchanged = before.clone();
    take_part(actor, &mut before.participants);
    if reason.is_some() {
        before.reason = checked_reason(reason)?;
    }
    complete(&mut tx, &before).await?;
    let mut after = before.clone();
    // What it names now, with the sensitivities of now.
    (after.content, after.refs) = uses::resolve_in(&mut tx, Some(&integration), after.content).await?;
    let judgement = plan::judged(app, &mut tx, &after, &integration).await?;
    plan::refuse_blocked(&after, &judgement)?;
    let stages = plan::plan(app, &mut tx, &after, &owners, &judgement).await?;
    let binding = bound(&mut tx, &after).await?;
    let (full, material) = hex(&binding);
    let after = after.submit(full, material, stages, tx.now())?;
    requests::save(tx.conn(), &after, Some(&binding)).await?;
    stages::save(tx.conn(), id, after.round, &after.stages).await?;
    let owning: Vec<Uuid> = owners.iter().copied().chain(after.refs.owners()).collect();
    stages::note_owners(tx.conn(), id, &owning).await?;
    plan::keep(&mut tx, &after, &judgement, "submitted", None).await?;
    tx.record(Event::changed("change_request.submitted", &unchanged, &after)).await?.commit().await?;
    app.forget_counts();
    Ok(after)
}

/// Refuses what lacks something, naming every field.
async fn complete<S>(tx: &mut WriteTx<S>, request: &Request) -> Result<(), Error> {
    let mut errors = FieldErrors::new();
    if request.kind != RequestKind::Register && request.reason.as_deref().unwrap_or_default().trim().is_empty() {
        errors.add("/reason", "Say why: whoever decides reads this first.");
    }
    if request.kind == RequestKind::Change && request.content == request.base_content {
        errors.add("", "Nothing would change. Edit it first.");
    }
    if !request.kind.keeps_content() {
        let offered = uses::offered_scopes_in(tx, request.refs.version).await?;
        let names: Vec<String> = offered.into_iter().map(|scope| scope.name).collect();
        for missing in integrations::missing(&request.content, &names) {
            errors.add(missing.pointer, missing.message);
        }
    }
    errors.finish()
}

/// What is open stays whole and decidable, and is bound to its content as it is now. A material change
/// is judged anew and begins a new round.
pub(super) async fn rebound<S>(
    app: &App,
    tx: &mut WriteTx<S>,
    after: Request,
    integration: &Integration,
    owners: &[Uuid],
) -> Result<Request, Error> {
    if !matches!(after.phase, Phase::Open(_)) {
        requests::save(tx.conn(), &after, None).await?;
        return Ok(after);
    }
    complete(tx, &after).await?;
    let binding = bound(tx, &after).await?;
    let (full, material) = hex(&binding);
    let mut judgement = None;
    let mut stages = None;
    // What was approved and is open again begins anew, whatever changed.
    if after.is_voided_by(&material) || after.open_stage().is_none() {
        let why = if after.is_voided_by(&material) { Voided::Changed } else { Voided::Reopened };
        letters::tell_voided(app, tx, &after, why).await?;
        let judged = plan::judged(app, tx, &after, integration).await?;
        plan::refuse_blocked(&after, &judged)?;
        stages = Some(plan::plan(app, tx, &after, owners, &judged).await?);
        judgement = Some(judged);
    }
    let after = after.rebind(full, material, stages, tx.now());
    requests::save(tx.conn(), &after, Some(&binding)).await?;
    if let Some(judgement) = judgement {
        stages::save(tx.conn(), after.id, after.round, &after.stages).await?;
        let owning: Vec<Uuid> = owners.iter().copied().chain(after.refs.owners()).collect();
        stages::note_owners(tx.conn(), after.id, &owning).await?;
        plan::keep(tx, &after, &judgement, "edited", None).await?;
    }
    Ok(after)
}

/// Takes a request back.
pub async fn withdraw_request(app: &App, actor: &Actor, id: Uuid, revision: i64) -> Result<Request, Error> {
    actor.require(Permission::Propose)?;
    let mut tx = app.db.write(actor).await?;
    let (before, _) = locked(&mut tx, id).await?;
    let owners = owner_teams(tx.conn(), &before).await?;
    may_continue(actor, &before, &owners)?;
    same_revision(revision, before.revision)?;
    let after = before.clone().withdraw(tx.now())?;
    requests::save(tx.conn(), &after, None).await?;
    tx.record(Event::changed("change_request.withdrawn", &before, &after)).await?.commit().await?;
    app.forget_counts();
    Ok(after)
}

/// Brings a stale request onto what is in force now. Fields that the proposal did not touch follow;
/// those that both changed are named, and the proposal's value stands.
pub async fn rebase_request(app: &App, actor: &Actor, id: Uuid, revision: i64) -> Result<(Request, Merged), Error> {
    actor.require(Permission::Propose)?;
    let mut tx = app.db.write(actor).await?;
    let (before, integration) = locked(&mut tx, id).await?;
    let owners = owner_teams(tx.conn(), &before).await?;
    may_continue(actor, &before, &owners)?;
    same_revision(revision, before.revision)?;
    let stale = before.is_stale(&integration.content);
    // What was approved and waits for its conditions is reopened by a base that moved.
    let begun = if stale { before.clone().reopened() } else { before.clone() };
    begun.editable()?;
    if !stale {
        return Err(Error::Conflict("It is based on what is in force; there is nothing to rebase.".into()));
    }
    let (after, merged) = rebased(&mut tx, actor, &begun, &integration).await?;
    let after = rebound(app, &mut tx, after, &integration, &owners).await?;
    tx.record(Event::changed("change_request.rebased", &before, &after)).await?.commit().await?;
    app.forget_counts();
    Ok((after, merged))
}

async fn rebased<S>(
    tx: &mut WriteTx<S>,
    actor: &Actor,
    before: &Request,
    integration: &Integration,
) -> Result<(Request, Merged), Error> {
    let merged = three_way(&before.base_content, &integration.content, &before.content)?;
    let (content, refs) = uses::resolve_in(tx, Some(integration), merged.content.clone()).await?;
    let mut after = Request {
        revision: before.revision + 1,
        updated_at: tx.now(),
        base_revision: integration.revision,
        base_content: integration.content.clone(),
        content,
        refs,
        ..before.clone()
    };
    take_part(actor, &mut after.participants);
    Ok((after, merged))
}
