//! Deciding, and what follows from it.

use uuid::Uuid;

use super::{locked, owner_teams};
use crate::{
    app::App,
    approvals::{
        NewDecision, Phase, Request,
        store::{requests, stages},
    },
    audit::Event,
    check::Check,
    db::{Recorded, WriteTx},
    error::Error,
    identity::{self, Actor, Permission, Via},
    integrations::{
        Integration,
        ops::{self as uses, Standing},
    },
};

/// Decides on the open stage of a request. A person does, signed in on a page, a member of the
/// stage's group who neither asked, nor edited, nor owns; never a token, whoever holds it. The last
/// approval brings the content into force in the same transaction.
pub async fn decide(app: &App, actor: &Actor, id: Uuid, new: NewDecision) -> Result<Request, Error> {
    actor.require(Permission::Decide)?;
    identity::ops::refuse_token(actor)?;
    let (Some(me), Via::Page) = (actor.person(), actor.via) else {
        return Err(Error::Forbidden("A person decides, signed in on the page.".into()));
    };
    let new = NewDecision { reason: reason(&new.reason)?, ..new };
    let mut tx = app.db.write(actor).await?;
    let (before, integration) = locked(&mut tx, id).await?;
    if before.is_stale(&integration.content) {
        return Err(Error::Conflict(
            "The integration changed since this was asked for. It has to be rebased first.".into(),
        ));
    }
    let owners = owner_teams(&mut tx, &integration, &before).await?;
    if let Some(stage) = before.open_stage() {
        let (member, owner) = stages::standing(tx.conn(), me, stage.review_group_id, &owners).await?;
        if !member {
            return Err(Error::Forbidden(format!(
                "The group '{}' decides this stage; you are not in it.",
                stage.review_group
            )));
        }
        if owner {
            return Err(Error::Forbidden("You are in a team that owns this; somebody else decides.".into()));
        }
    }
    let now = tx.now();
    let after = before.clone().decide(me, new, now)?;
    if let Some(decision) = after.decisions.last() {
        requests::insert_decision(tx.conn(), id, decision, actor.via.key()).await?;
    }
    requests::save(tx.conn(), &after, None).await?;
    let action = match after.phase {
        Phase::Approved(_) => "change_request.approved",
        Phase::Rejected { .. } => "change_request.rejected",
        Phase::ChangesRequested(_) => "change_request.changes_requested",
        _ => "change_request.stage_approved",
    };
    let tx = tx.record(Event::changed(action, &before, &after)).await?;
    let (tx, done) = match after.phase {
        Phase::Approved(_) => apply(tx, after, integration).await?,
        _ => (tx, after),
    };
    tx.commit().await?;
    app.forget_counts();
    Ok(done)
}

fn reason(text: &str) -> Result<String, Error> {
    let mut check = Check::new();
    let mut value = Some(text.to_owned());
    check.optional("/reason", &mut value, 4000);
    if value.is_none() {
        check.fault("/reason", "Say what convinced you, or what is missing.");
    }
    check.finish()?;
    Ok(value.unwrap_or_default())
}

/// Brings approved content into force.
async fn apply(
    mut tx: WriteTx<Recorded>,
    approved: Request,
    integration: Integration,
) -> Result<(WriteTx<Recorded>, Request), Error> {
    let state = approved.kind.outcome(integration.state)?;
    let action = match approved.kind.key() {
        "register" => "integration.activated",
        "change" => "integration.changed",
        "reactivate" => "integration.reactivated",
        "deprecate" => "integration.deprecated",
        _ => "integration.retired",
    };
    let content = if approved.kind.keeps_content() { integration.content.clone() } else { approved.content.clone() };
    let (_, event) =
        uses::apply_content(&mut tx, integration, content, &approved.refs, Standing::Approved(state), action).await?;
    let tx = tx.record(event).await?;
    let mut tx = tx;
    let now = tx.now();
    let done = approved.clone().applied(now)?;
    requests::save(tx.conn(), &done, None).await?;
    let tx = tx.record(Event::changed("change_request.applied", &approved, &done)).await?;
    Ok((tx, done))
}
