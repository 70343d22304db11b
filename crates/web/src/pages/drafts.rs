//! Keeping what is typed and not yet saved.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::post,
};

use crate::{
    Web,
    error::PageError,
    extract::Signed,
    forms::{Posted, Typed},
};
use base::{drafts, error::Error};

pub fn router() -> Router<Web> {
    Router::new().route("/drafts", post(keep)).route("/drafts/discard", post(discard))
}

/// A form's name, which is its address.
fn form(posted: &Posted) -> Result<String, Error> {
    let name = posted.get("draft").unwrap_or_default();
    let fine = name.starts_with('/') && !name.starts_with("//") && name.len() <= 200;
    if fine && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-".contains(&b)) {
        return Ok(name.to_owned());
    }
    Err(Error::field("/draft", "Name the form by its address."))
}

async fn keep(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let kept = posted.0.iter().filter(|(name, _)| name != "csrf" && name != "draft").cloned().collect::<Vec<_>>();
    drafts::keep(&web.app, &posted.signed.actor, &form(&posted)?, &kept).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn discard(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let form = form(&posted)?;
    drafts::forget(&web.app, &posted.signed.actor, &form).await?;
    Ok(Redirect::to(&form).into_response())
}

/// What was typed into a form and not saved, with its age in words; nothing where the record was
/// saved since.
pub async fn unsaved(
    web: &Web,
    signed: &Signed,
    form: &str,
    saved_at: Option<chrono::DateTime<chrono::Utc>>,
) -> Result<Option<(Typed, String)>, Error> {
    let Some((pairs, at)) = drafts::find(&web.app, &signed.actor, form).await? else { return Ok(None) };
    if saved_at.is_some_and(|saved| saved > at) {
        return Ok(None);
    }
    Ok(Some((Typed(pairs), super::view::ago(at, web.app.clock.now()))))
}
