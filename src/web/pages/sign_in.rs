//! Signing in by a one-time link, and out.

use askama::Template;
use axum::{
    Router,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};

use super::html;
use crate::{
    identity::ops,
    web::{
        Web,
        error::PageError,
        extract::{cookie, cookie_name, origin},
        forms::Posted,
    },
};

pub fn router() -> Router<Web> {
    Router::new()
        .route("/sign-in", get(ask))
        .route("/sign-in/demo/{id}", post(as_demo))
        .route("/sign-in/{secret}", get(open).post(consume))
        .route("/sign-out", post(sign_out))
}

#[derive(Template)]
#[template(path = "account/sign_in.html")]
struct SignInPage {
    holds: Option<bool>,
    secret: String,
    people: Vec<ops::DemoPerson>,
}

async fn ask(State(web): State<Web>) -> Result<Response, PageError> {
    html(&SignInPage { holds: None, secret: String::new(), people: ops::demo_people(&web.app).await? })
}

/// Signs in as somebody of the demonstration, where the server shows it.
async fn as_demo(State(web): State<Web>, Path(id): Path<uuid::Uuid>, request: Request) -> Result<Response, PageError> {
    let (parts, _) = request.into_parts();
    let session = ops::sign_in_demo(&web.app, id, origin(&parts), crate::web::telemetry::request_id()).await?;
    Ok(with_cookie(&web, &session, Redirect::to("/?note=welcome").into_response()))
}

/// Shows a button; opening alone uses nothing up, so that a mail scanner cannot.
async fn open(State(web): State<Web>, Path(secret): Path<String>) -> Result<Response, PageError> {
    let holds = ops::link_holds(&web.app, &secret).await?;
    html(&SignInPage { holds: Some(holds), secret: if holds { secret } else { String::new() }, people: Vec::new() })
}

async fn consume(State(web): State<Web>, Path(secret): Path<String>, request: Request) -> Result<Response, PageError> {
    let (parts, _) = request.into_parts();
    let name = cookie_name(&web);
    let previous = cookie(&parts.headers, name);
    let session =
        ops::sign_in(&web.app, &secret, previous, origin(&parts), crate::web::telemetry::request_id()).await?;
    Ok(with_cookie(&web, &session, Redirect::to("/?note=welcome").into_response()))
}

fn with_cookie(web: &Web, value: &str, mut response: Response) -> Response {
    let secure = if web.app.config.public_url.scheme() == "https" { "; Secure" } else { "" };
    let age = if value.is_empty() { "; Max-Age=0" } else { "" };
    let line = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}", cookie_name(web));
    if let Ok(line) = HeaderValue::from_str(&line) {
        response.headers_mut().insert(header::SET_COOKIE, line);
    }
    response
}

async fn sign_out(State(web): State<Web>, _headers: HeaderMap, posted: Posted) -> Result<Response, PageError> {
    ops::sign_out(&web.app, &posted.signed.actor).await?;
    Ok(with_cookie(&web, "", Redirect::to("/sign-in").into_response()))
}
