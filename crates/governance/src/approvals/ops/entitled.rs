//! Who may decide on a request: one rule, for the operation that decides, the page that offers it, and the next step.

use sqlx::PgConnection;
use uuid::Uuid;

use super::owner_teams;
use crate::approvals::{
    Request,
    store::stages::{self, Standing},
};
use base::{app::App, error::Error};
use identity::{Actor, Permission};
use register::integrations::Integration;

/// In whose name a person may decide on the open stage of a request now: `None` in their own, else that of someone who
/// delegated to them. Refuses, with the reason that people read: what is stale; who is not in the group; who asked,
/// submitted, edited, owns or owned lately, or minted the token that did; and who has decided.
pub(super) async fn entitled(
    app: &App,
    conn: &mut PgConnection,
    actor: &Actor,
    request: &Request,
    integration: &Integration,
) -> Result<Option<Uuid>, Error> {
    let Some(me) = actor.person() else {
        return Err(Error::Forbidden("A person decides, signed in on the page.".into()));
    };
    if request.is_stale(&integration.content) {
        return Err(Error::Conflict(
            "The integration changed since this was asked for. It has to be rebased first.".into(),
        ));
    }
    let Some(stage) = request.open_stage() else {
        request.refuse_decider(me, None)?;
        return Ok(None);
    };
    let groups: Vec<Uuid> = [Some(stage.review_group_id), stage.escalated_to].into_iter().flatten().collect();
    let owners = owner_teams(conn, request).await?;
    let (today, now) = (app.today().await?, app.clock.now());
    let names = stages::standing(conn, me, &groups, (request, &owners), (today, now)).await?;
    if names.is_empty() {
        return Err(Error::Forbidden(format!(
            "The group '{}' decides this stage; you are not in it.",
            stage.review_group
        )));
    }
    // Oneself, whether in the group or for someone of it.
    request.refuse_decider(me, None)?;
    let own = stages::standing_of(conn, me, (request, &owners), now).await?;
    if own.owner {
        return Err(Error::Forbidden("You are in a team that owns this; someone else decides.".into()));
    }
    if own.owned {
        let days = register::settings::ops::in_force(app).await?.ownership_days;
        return Err(Error::Forbidden(format!(
            "You were in a team that owned this within the last {days} days, or moved its owners; someone else decides."
        )));
    }
    let free = |name: &&Standing| name.person == me || !(name.owner || name.owned || request.took_part(name.person));
    let Some(name) = names.iter().find(free) else {
        return Err(Error::Forbidden(
            "Those who delegated to you asked for this, took part in it or own it; someone else decides.".into(),
        ));
    };
    let decided_for = (name.person != me).then_some(name.person);
    request.refuse_decider(me, decided_for)?;
    Ok(decided_for)
}

/// Why a person does not decide on a request now, for its page; nothing where they may, or where nothing waits for a
/// decision.
pub(super) async fn why_not(
    app: &App,
    actor: &Actor,
    request: &Request,
    integration: &Integration,
) -> Result<Option<String>, Error> {
    let Some(stage) = request.open_stage() else { return Ok(None) };
    if !actor.may(Permission::Decide) {
        return Ok(Some(format!("{} decides.", stage.review_group)));
    }
    match entitled(app, &mut *app.db.read().await?, actor, request, integration).await {
        Ok(_) => Ok(None),
        Err(Error::Forbidden(reason) | Error::Conflict(reason)) => Ok(Some(reason)),
        Err(other) => Err(other),
    }
}
