//! Pages of vendors, APIs, systems and data classes.

mod apis;
mod data_classes;
mod merging;
mod specs;
mod systems;
mod vendors;

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use uuid::Uuid;

pub use vendors::page;

use super::{Shell, html};
use crate::{
    Web, api,
    error::PageError,
    extract::{Pairs, Signed},
    forms::{Choice, FormView, Posted},
};
use base::{
    error::Error,
    lists::{self, Query},
};
use identity::Actor;
use register::catalog::{NewComment, ops};

pub fn router() -> Router<Web> {
    Router::new()
        .merge(vendors::router())
        .merge(apis::router())
        .merge(systems::router())
        .merge(data_classes::router())
        .merge(merging::router())
        .route("/{kind}/{key}/comments", post(comment))
        .route("/comments/{id}/withdraw", post(withdraw))
}

#[derive(Template)]
#[template(path = "form.html")]
struct FormPage {
    shell: Shell,
    form: FormView,
}

/// Shows a form; with 422 when something in it is wrong.
pub(super) async fn form_page(
    web: &Web,
    signed: &Signed,
    path: &'static str,
    title: &str,
    form: FormView,
) -> Result<Response, PageError> {
    form_page_noted(web, signed, path, title, form, &Pairs::default()).await
}

/// The same with a note of what was just done.
pub(super) async fn form_page_noted(
    web: &Web,
    signed: &Signed,
    path: &'static str,
    title: &str,
    form: FormView,
    pairs: &Pairs,
) -> Result<Response, PageError> {
    let wrong = !form.errors.is_empty() || form.problem.is_some() || !form.theirs.is_empty() || !form.likely.is_empty();
    let shell = Shell::new(web, signed, path, title, pairs).await?;
    let mut response = html(&FormPage { shell, form })?;
    if wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// Vendors to choose from while typing: the first 500 by name.
async fn vendor_choices(web: &Web, actor: &Actor) -> Result<Vec<Choice>, Error> {
    let query = Query::parse(&ops::VENDORS, &[("state".into(), "active".into()), ("limit".into(), "500".into())], &[])?;
    let rows = lists::ops::list::<ops::VendorRow>(&web.app, actor, &ops::VENDORS, &query).await?.rows;
    Ok(rows.into_iter().map(|row| Choice { value: row.slug, label: row.name }).collect())
}

async fn comment(
    State(web): State<Web>,
    Path((kind, key)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    let (word, id) = api::subject(&web, actor, &kind, &key).await?;
    let body = posted.get("body").unwrap_or_default().replace("\r\n", "\n");
    ops::add_comment(&web.app, actor, word, id, NewComment { body }).await?;
    Ok(Redirect::to(&format!("/{kind}/{key}?note=commented#comments")).into_response())
}

async fn withdraw(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    ops::withdraw_comment(&web.app, &posted.signed.actor, id).await?;
    // Only an address within Muster is gone back to.
    let back = identity::ops::safe_back(posted.get("back").unwrap_or("/"));
    Ok(Redirect::to(&format!("{back}?note=withdrawn")).into_response())
}
