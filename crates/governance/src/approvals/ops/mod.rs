//! The verbs of change requests and saved views.

mod conditions;
mod decide;
mod delegations;
mod draft;
mod entitled;
mod letters;
mod lists;
mod next;
mod plan;
mod rows;
mod steward;
mod submit;
mod views;

pub use super::store::facts::JudgedFacts;
pub use conditions::{CONDITIONS, ConditionRow, meet_condition, remind_conditions};
pub use decide::decide;
pub use delegations::{delegations, make_delegation, retire_delegation};
pub use draft::{edit_request, open_draft_in, propose, register};
pub use letters::{escalate, recount_lapsed, remind};
pub use lists::{REQUESTS, RequestRow};
pub use next::{
    NextStep, RequestView, facts_of_request, find_request, get_requests, request_of, requests_of, view_request,
};
pub use rows::save_row;
pub use steward::{Stewardship, set_review_in, steward};
pub use submit::{rebase_request, submit_request, withdraw_request};
pub use views::{retire_view, save_view, update_view, views};

use uuid::Uuid;

use super::{Request, store::requests};
use base::{app::App, db::WriteTx, error::Error};
use identity::{Actor, Permission};
use register::integrations::{self, Integration};

/// The request and its integration, both locked, the integration first.
async fn locked<S>(tx: &mut WriteTx<S>, id: Uuid) -> Result<(Request, Integration), Error> {
    let seen = requests::get(tx.conn(), id).await?.ok_or(Error::NotFound("change request"))?;
    let integration = integrations::ops::integration_in(tx, &seen.integration_id.to_string()).await?;
    let request = requests::lock(tx.conn(), id).await?.ok_or(Error::NotFound("change request"))?;
    Ok((request, integration))
}

/// The teams that own what is live or what is proposed.
async fn owner_teams(conn: &mut sqlx::PgConnection, request: &Request) -> Result<Vec<Uuid>, Error> {
    let mut teams: Vec<Uuid> = request.refs.owners().collect();
    teams.extend(crate::approvals::store::stages::owning_teams(conn, request.integration_id).await?);
    teams.sort_unstable();
    teams.dedup();
    Ok(teams)
}

/// Refuses whoever may not go on with a request, for what is shown before anything is sent.
pub async fn refuse_stranger(app: &App, actor: &Actor, request: &Request) -> Result<(), Error> {
    may_continue(actor, request, &owner_teams(&mut *app.db.read().await?, request).await?)
}

/// Who asked, edited before, owns it, or is a steward may go on with a request.
fn may_continue(actor: &Actor, request: &Request, owners: &[Uuid]) -> Result<(), Error> {
    actor.require(Permission::Propose)?;
    let mine =
        actor.person().is_some_and(|me| request.requested_by.person == Some(me) || request.participants.contains(&me));
    if mine || actor.person().is_none() || actor.may(Permission::Steward) {
        return Ok(());
    }
    let teams = request.refs.system_team.into_iter().chain(owners.iter().copied());
    if actor.is_in_team(teams) {
        return Ok(());
    }
    Err(Error::Forbidden("Only who asked for it and the teams concerned go on with a request.".into()))
}
