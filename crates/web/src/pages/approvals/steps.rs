//! The steps of a request: submit, withdraw, rebase, decide.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use uuid::Uuid;

use super::{
    beside::next_one,
    show::{self, Typed, TypedCondition},
};
use crate::{Web, error::PageError, forms::Posted, telemetry::note_refusal};
use base::error::Error;
use governance::approvals::{NewCondition, NewDecision, ops};

/// Goes on with a note, or shows the request again with what is wrong.
async fn answered(
    web: &Web,
    posted: &Posted,
    id: Uuid,
    (done, typed): (Result<&'static str, Error>, Typed),
) -> Result<Response, PageError> {
    match done {
        Ok(note) => Ok(Redirect::to(&format!("/requests/{id}?note={note}")).into_response()),
        Err(Error::Forbidden(reason)) => {
            note_refusal(&reason);
            shown(web, posted, id, &Error::Forbidden(reason), (StatusCode::FORBIDDEN, typed)).await
        }
        Err(error @ (Error::Invalid(_) | Error::Conflict(_) | Error::Stale { .. })) => {
            let status = match error {
                Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
                _ => StatusCode::CONFLICT,
            };
            shown(web, posted, id, &error, (status, typed)).await
        }
        Err(other) => Err(other.into()),
    }
}

/// The request's page, with why a step was refused and what was typed.
async fn shown(
    web: &Web,
    posted: &Posted,
    id: Uuid,
    error: &Error,
    (status, typed): (StatusCode, Typed),
) -> Result<Response, PageError> {
    let mut page = show::page(web, &posted.signed, id, &crate::extract::Pairs::default()).await?;
    page.refused(error, typed);
    let mut response = super::super::html(&page)?;
    *response.status_mut() = status;
    Ok(response)
}

pub async fn submit(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let reason = posted.get("reason").map(str::to_owned).filter(|reason| !reason.trim().is_empty());
    let done = ops::submit_request(&web.app, &posted.signed.actor, id, posted.revision()?, reason).await;
    answered(&web, &posted, id, (done.map(|_| "submitted"), typed(&posted))).await
}

pub async fn withdraw(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let done = ops::withdraw_request(&web.app, &posted.signed.actor, id, posted.revision()?).await;
    answered(&web, &posted, id, (done.map(|_| "request_withdrawn"), Typed::default())).await
}

pub async fn rebase(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let done = ops::rebase_request(&web.app, &posted.signed.actor, id, posted.revision()?).await;
    answered(&web, &posted, id, (done.map(|_| "rebased"), Typed::default())).await
}

/// What was written: the reason, and the rows of conditions that say something, one beyond the most that fit.
fn typed(posted: &Posted) -> Typed {
    let field =
        |n: usize, name: &str| posted.get(&format!("conditions.{n}.{name}")).unwrap_or_default().trim().to_owned();
    let row = |n: usize| TypedCondition {
        text: field(n, "text"),
        owner: field(n, "owner"),
        due_on: field(n, "due_on"),
        timing: field(n, "timing"),
    };
    let conditions = (0..=20).map(row).filter(TypedCondition::says_something).collect();
    Typed { reason: posted.get("reason").unwrap_or_default().to_owned(), conditions, note: None }
}

fn condition(typed: &TypedCondition) -> NewCondition {
    NewCondition {
        text: typed.text.clone(),
        owner: typed.owner.clone(),
        due_on: typed.due_on.parse().ok(),
        timing: typed.timing.parse().unwrap_or_default(),
    }
}

pub async fn meet(
    State(web): State<Web>,
    Path((id, condition)): Path<(Uuid, Uuid)>,
    posted: Posted,
) -> Result<Response, PageError> {
    let note = posted.get("note").unwrap_or_default();
    let done = ops::meet_condition(&web.app, &posted.signed.actor, id, condition, note).await;
    let typed = Typed { note: Some((condition, note.to_owned())), ..Typed::default() };
    answered(&web, &posted, id, (done.map(|_| "condition_met"), typed)).await
}

pub async fn decide(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let text = |name: &str| posted.get(name).unwrap_or_default().to_owned();
    let typed = typed(&posted);
    let done = match text("verdict").parse() {
        Ok(verdict) => {
            let new = NewDecision {
                conditions: typed.conditions.iter().map(condition).collect(),
                ..NewDecision::new(verdict, text("reason"), text("content_hash"))
            };
            ops::decide(&web.app, &posted.signed.actor, id, new).await
        }
        Err(error) => Err(error),
    };
    let note = done.map(|request| match request.phase.key() {
        "rejected" => "rejected",
        "changes_requested" => "returned",
        "open" => "stage_approved",
        "approved" => "held",
        _ => "approved",
    });
    // The next one comes up; where none waits, one stays here.
    if let Ok(note) = &note
        && let Some((next, _)) = next_one(&web, &posted.signed, id).await?
    {
        return Ok(Redirect::to(&format!("/requests/{next}?note={note}&decided={id}")).into_response());
    }
    answered(&web, &posted, id, (note, typed)).await
}
