//! Passkeys: what the script asks for, and what it brings back, as JSON.

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{local::told, provider::flow_cookie, set_cookie, with_cookie};
use crate::{
    Web, csrf,
    error::PageError,
    extract::{Signed, arrival, cookie, cookie_name},
};
use base::error::Error;
use identity::{ops, secrets};

/// What the script sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Brought {
    credential: Value,
    #[serde(default)]
    name: String,
    #[serde(default)]
    back: String,
    #[serde(default)]
    form: String,
}

fn brought(body: &Bytes) -> Result<(Brought, Vec<u8>), Error> {
    if body.len() > 64 << 10 {
        return Err(Error::TooLarge("This is larger than any passkey's answer.".into()));
    }
    let brought: Brought =
        serde_json::from_slice(body).map_err(|_| Error::Conflict("This is no passkey's answer.".into()))?;
    let credential = serde_json::to_vec(&brought.credential).map_err(Error::internal)?;
    Ok((brought, credential))
}

/// Writes of scripts carry the form's token in a header.
fn check_token(signed: &Signed, headers: &HeaderMap) -> Result<(), Error> {
    csrf::check_token(&signed.session, headers.get("x-csrf-token").and_then(|token| token.to_str().ok()))
}

/// An error as the script shows it.
fn problem(error: Error) -> Result<Response, PageError> {
    let (text, status) = told(error)?;
    Ok((status, Json(json!({ "problem": text }))).into_response())
}

fn to(path: &str) -> Response {
    (StatusCode::OK, Json(json!({ "to": path }))).into_response()
}

pub async fn begin_sign_in(State(web): State<Web>) -> Result<Response, PageError> {
    let browser = secrets::generate()?;
    match ops::begin_passkey_sign_in(&web.app, &browser).await {
        Ok(options) => Ok(set_cookie(&web, flow_cookie(&web), &browser, Some(300), Json(options).into_response())),
        Err(error) => problem(error),
    }
}

pub async fn sign_in(State(web): State<Web>, parts: Parts, body: Bytes) -> Result<Response, PageError> {
    let done = async {
        let (brought, answer) = brought(&body)?;
        let browser = cookie(&parts.headers, flow_cookie(&web)).unwrap_or_default();
        let previous = cookie(&parts.headers, cookie_name(&web));
        let from = arrival(&parts);
        let secret = ops::finish_passkey_sign_in(&web.app, (browser, &answer), None, previous, from).await?;
        Ok((secret, brought.back))
    };
    match done.await {
        Ok((secret, back)) => Ok(with_cookie(&web, &secret, to(ops::safe_back(&back)))),
        Err(error) => problem(error),
    }
}

pub async fn confirm(State(web): State<Web>, signed: Signed, parts: Parts, body: Bytes) -> Result<Response, PageError> {
    let done = async {
        check_token(&signed, &parts.headers)?;
        let (brought, answer) = brought(&body)?;
        let browser = cookie(&parts.headers, flow_cookie(&web)).unwrap_or_default();
        let from = arrival(&parts);
        let present = Some(&signed.actor);
        let secret = ops::finish_passkey_sign_in(&web.app, (browser, &answer), present, None, from).await?;
        Ok((secret, brought.form))
    };
    match done.await {
        Ok((secret, form)) => Ok(with_cookie(&web, &secret, to(&super::confirm::go_on_path(Some(&form))))),
        Err(error) => problem(error),
    }
}

pub async fn begin_add(State(web): State<Web>, signed: Signed, headers: HeaderMap) -> Result<Response, PageError> {
    let done = async {
        check_token(&signed, &headers)?;
        ops::begin_passkey(&web.app, &signed.actor).await
    };
    match done.await {
        Ok(options) => Ok(Json(options).into_response()),
        Err(error) => problem(error),
    }
}

pub async fn add(
    State(web): State<Web>,
    signed: Signed,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PageError> {
    let done = async {
        check_token(&signed, &headers)?;
        let (brought, answer) = brought(&body)?;
        ops::add_passkey(&web.app, &signed.actor, &brought.name, &answer).await
    };
    match done.await {
        Ok(_) => Ok(to("/account?note=passkey_added")),
        Err(error) => problem(error),
    }
}
