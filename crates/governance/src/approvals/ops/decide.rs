//! Deciding, and what follows from it.

use chrono::NaiveDate;
use uuid::Uuid;

use super::{entitled::entitled, locked, plan};
use crate::{
    approvals::{
        Condition, NewCondition, NewDecision, Phase, Request, RequestKind, Verdict,
        store::{conditions, requests, stages},
    },
    policy::ops as policy,
};
use base::{
    app::App,
    audit::Event,
    check::Check,
    db::{Recorded, WriteTx},
    error::Error,
};
use identity::{Actor, GroupKind, Permission, Sensitive, Via};
use register::{
    integrations::{
        Integration,
        ops::{self as uses, Standing as As},
    },
    settings,
};

/// Decides on the open stage of a request. A person does, signed in on a page, who is in the stage's
/// group, or decides for somebody of it who is away; who neither asked, nor edited, nor owns; never a
/// token, whoever holds it. The last approval brings the content into force in the same transaction,
/// unless a condition has to be met before.
pub async fn decide(app: &App, actor: &Actor, id: Uuid, new: NewDecision) -> Result<Request, Error> {
    actor.require(Permission::Decide)?;
    identity::ops::refuse_token(actor)?;
    let (Some(me), Via::Page) = (actor.person(), actor.via) else {
        return Err(Error::Forbidden("A person decides, signed in on the page.".into()));
    };
    actor.require_fresh(Sensitive::Decide, app.clock.now())?;
    let today = app.today().await?;
    let new = checked(new, today)?;
    let mut tx = app.db.write(actor).await?;
    let (before, integration) = locked(&mut tx, id).await?;
    let decided_for = entitled(app, tx.conn(), actor, &before, &integration).await?;
    let asked = asked_for(&mut tx, &new).await?;
    let new = NewDecision { decided_for, ..new };
    let decision = new.id;
    let now = tx.now();
    let mut after = before.clone().decide(me, new, now)?;
    after.conditions.extend(asked.clone());
    let settings = settings::ops::in_force(app).await?;
    let next = after.open_stage().map(|stage| stage.position);
    for stage in after.stages.iter_mut().filter(|stage| Some(stage.position) == next && stage.opened_at.is_none()) {
        plan::open(stage, &settings, now);
    }
    if let Some(decision) = after.decisions.last() {
        requests::insert_decision(tx.conn(), id, decision, actor.via.key()).await?;
    }
    for condition in &asked {
        conditions::insert(tx.conn(), id, condition, now).await?;
    }
    stages::save(tx.conn(), id, after.round, &after.stages).await?;
    let judgement = plan::judged(app, &mut tx, &after, &integration).await?;
    plan::keep(&mut tx, &after, &judgement, "decided", Some(decision)).await?;
    requests::save(tx.conn(), &after, None).await?;
    let action = match after.phase {
        Phase::Approved(_) => "change_request.approved",
        Phase::Rejected { .. } => "change_request.rejected",
        Phase::ChangesRequested(_) => "change_request.changes_requested",
        _ => "change_request.stage_approved",
    };
    let tx = tx.record(Event::changed(action, &before, &after)).await?;
    let (tx, done) = match after.phase {
        Phase::Approved(_) if after.unmet().next().is_none() => apply(app, tx, after, integration).await?,
        _ => (tx, after),
    };
    tx.commit().await?;
    app.forget_counts();
    Ok(done)
}

fn checked(mut new: NewDecision, today: NaiveDate) -> Result<NewDecision, Error> {
    let mut check = Check::new();
    match reason(&new.reason, "/reason", "Say what convinced you, or what is missing.") {
        Ok(reason) => new.reason = reason,
        Err(Error::Invalid(errors)) => {
            errors.as_slice().iter().for_each(|error| check.fault(&error.pointer, error.message.clone()));
        }
        Err(other) => return Err(other),
    }
    let with = new.verdict == Verdict::ApproveWithConditions;
    if with && new.conditions.is_empty() {
        check.fault("/conditions", "Say what has to be done, by whom, and by when.");
    }
    if !with && !new.conditions.is_empty() {
        check.fault("/conditions", "Conditions belong to an approval with conditions.");
    }
    check.at_most("/conditions", new.conditions.len(), 20);
    for (n, condition) in new.conditions.iter_mut().enumerate() {
        check.required(&format!("/conditions/{n}/text"), &mut condition.text, 1000);
        check.required(&format!("/conditions/{n}/owner"), &mut condition.owner, 100);
        match condition.due_on {
            None => check.fault(&format!("/conditions/{n}/due_on"), "Give the day by which it has to be done."),
            Some(day) if day < today => check.fault(&format!("/conditions/{n}/due_on"), "This day is past."),
            Some(day) => check.day(&format!("/conditions/{n}/due_on"), Some(day)),
        }
    }
    check.finish()?;
    Ok(new)
}

/// The conditions of a decision, each with the team that it names.
async fn asked_for<S>(tx: &mut WriteTx<S>, new: &NewDecision) -> Result<Vec<Condition>, Error> {
    let mut all = Vec::new();
    for (n, condition) in new.conditions.iter().enumerate() {
        let NewCondition { text, owner, due_on, timing } = condition.clone();
        let team = identity::ops::group_in(tx, GroupKind::Team, &owner).await?;
        let team = team
            .ok_or_else(|| Error::field(&format!("/conditions/{n}/owner"), format!("There is no team '{owner}'.")))?;
        all.push(Condition {
            id: Uuid::now_v7(),
            decision_id: new.id,
            text,
            owner: team.content.slug,
            owner_id: team.id,
            due_on: due_on.unwrap_or_default(),
            timing,
            met_at: None,
            met_by: None,
            note: None,
        });
    }
    Ok(all)
}

pub(super) fn reason(text: &str, pointer: &str, ask: &str) -> Result<String, Error> {
    let mut check = Check::new();
    let mut value = Some(text.to_owned());
    check.optional(pointer, &mut value, 4000);
    if value.is_none() {
        check.fault(pointer, ask);
    }
    check.finish()?;
    Ok(value.unwrap_or_default())
}

/// Brings approved content into force. What rules block by now does not go live.
pub(super) async fn apply(
    app: &App,
    mut tx: WriteTx<Recorded>,
    approved: Request,
    integration: Integration,
) -> Result<(WriteTx<Recorded>, Request), Error> {
    approved.refuse_lapsed()?;
    let state = approved.kind.outcome(integration.state)?;
    let action = match approved.kind.key() {
        "register" => "integration.activated",
        "change" => "integration.changed",
        "reactivate" => "integration.reactivated",
        "deprecate" => "integration.deprecated",
        _ => "integration.retired",
    };
    let judgement = plan::judged(app, &mut tx, &approved, &integration).await?;
    plan::refuse_blocked(&approved, &judgement)?;
    let content = if approved.kind.keeps_content() { integration.content.clone() } else { approved.content.clone() };
    let (_, before) = uses::resolve_in(&mut tx, Some(&integration), integration.content.clone()).await?;
    if approved.kind == RequestKind::Change && super::steward::moved_seats(&before, &approved.refs) {
        let mut people = approved.participants.clone();
        people.extend(approved.requested_by.person);
        people.sort_unstable();
        people.dedup();
        let now = tx.now();
        stages::note_owner_move(tx.conn(), integration.id, &people, now).await?;
    }
    let (live, event) =
        uses::apply_content(&mut tx, integration, content, &approved.refs, As::Approved(state), action).await?;
    let mut tx = tx.record(event).await?;
    for event in policy::judge_and_settle(app, &mut tx, &live).await? {
        tx = tx.record(event).await?;
    }
    let now = tx.now();
    let done = approved.clone().applied(now)?;
    plan::keep(&mut tx, &done, &judgement, "applied", None).await?;
    requests::save(tx.conn(), &done, None).await?;
    let tx = tx.record(Event::changed("change_request.applied", &approved, &done)).await?;
    Ok((tx, done))
}
