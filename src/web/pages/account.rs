//! One's own account: sessions and tokens.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use uuid::Uuid;

use super::{Shell, html, view::ago};
use crate::{
    error::Error,
    identity::{NewToken, Permission, Token, TokenOwner, ops},
    web::{
        Web,
        error::PageError,
        extract::{Pairs, Signed},
        forms::Posted,
    },
};

pub fn router() -> Router<Web> {
    Router::new()
        .route("/account", get(show))
        .route("/account/tokens", post(mint))
        .route("/tokens/{id}/revoke", post(revoke))
        .route("/account/sessions/{id}/end", post(end_session))
}

/// A session as its owner sees it.
struct SessionView {
    id: Uuid,
    device: String,
    address: String,
    seen: String,
    current: bool,
}

/// A token as its owner sees it.
pub struct TokenView {
    pub id: Uuid,
    pub name: String,
    pub scopes: Vec<&'static str>,
    pub state: &'static str,
    pub class: &'static str,
    pub expires: String,
    pub used: String,
    pub holds: bool,
}

impl TokenView {
    /// A token looked at now.
    pub fn new(token: &Token, now: chrono::DateTime<chrono::Utc>) -> Self {
        let holds = token.holds(now);
        let state = match (holds, token.revoked_at) {
            (true, _) => "Active",
            (false, Some(_)) => "Revoked",
            (false, None) => "Expired",
        };
        Self {
            id: token.id,
            name: token.name.clone(),
            scopes: token.scopes.iter().map(|scope| scope.key()).collect(),
            state,
            class: if holds { "active" } else { "over" },
            expires: ago(token.expires_at, now),
            used: token.last_used_at.map_or_else(|| "never".into(), |at| ago(at, now)),
            holds,
        }
    }
}

#[derive(Template)]
#[template(path = "account/show.html")]
struct AccountPage {
    shell: Shell,
    email: String,
    scopes: Vec<(&'static str, &'static str)>,
    sessions: Vec<SessionView>,
    tokens: Vec<TokenView>,
    minted: Option<String>,
    errors: Vec<String>,
    name: String,
}

async fn page(web: &Web, signed: &Signed, pairs: &Pairs) -> Result<AccountPage, PageError> {
    let (actor, now) = (&signed.actor, web.app.clock.now());
    let me = actor.person().ok_or(Error::Unauthenticated)?;
    let sessions = ops::sessions(&web.app, actor).await?.into_iter().map(|row| SessionView {
        current: row.id == signed.session.id,
        id: row.id,
        device: row.user_agent.unwrap_or_else(|| "unknown device".into()),
        address: row.address.unwrap_or_default(),
        seen: ago(row.last_seen_at, now),
    });
    let tokens = ops::tokens(&web.app, actor, Some(TokenOwner::Person(me))).await?;
    Ok(AccountPage {
        shell: Shell::new(web, signed, "/account", "Your account", pairs).await?,
        email: actor.authority.email.clone(),
        scopes: actor.authority.permissions.iter().map(|p| (p.key(), p.label())).collect(),
        sessions: sessions.collect(),
        tokens: tokens.iter().map(|token| TokenView::new(token, now)).collect(),
        minted: None,
        errors: Vec::new(),
        name: String::new(),
    })
}

async fn show(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    html(&page(&web, &signed, &pairs).await?)
}

/// Reads the fields of a token form.
pub fn new_token(posted: &Posted) -> Result<NewToken, Error> {
    Ok(NewToken {
        name: posted.get("name").unwrap_or_default().to_owned(),
        scopes: posted.all("scopes").iter().map(|scope| scope.parse()).collect::<Result<Vec<Permission>, Error>>()?,
        expires_in_days: posted.get("expires_in_days").and_then(|days| days.parse().ok()).unwrap_or(0),
    })
}

async fn mint(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let me = posted.signed.actor.person().ok_or(Error::Unauthenticated)?;
    let minted = match new_token(&posted) {
        Ok(new) => ops::mint_token(&web.app, &posted.signed.actor, TokenOwner::Person(me), new).await,
        Err(error) => Err(error),
    };
    let mut page = page(&web, &posted.signed, &Pairs::default()).await?;
    match minted {
        Ok(minted) => page.minted = Some(minted.bearer.reveal().to_owned()),
        Err(Error::Invalid(errors)) => {
            page.errors = errors
                .as_slice()
                .iter()
                .map(|e| format!("{}: {}", crate::words::label(e.pointer.trim_start_matches('/')), e.message))
                .collect();
            page.name = posted.get("name").unwrap_or_default().to_owned();
            let mut response = html(&page)?;
            *response.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(response);
        }
        Err(other) => return Err(other.into()),
    }
    html(&page)
}

async fn revoke(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let token = ops::revoke_token(&web.app, &posted.signed.actor, id).await?;
    let back = match token.service_account_id {
        Some(account) => format!("/service-accounts/{account}?note=revoked"),
        None => "/account?note=revoked".into(),
    };
    Ok(Redirect::to(&back).into_response())
}

async fn end_session(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    ops::end_session(&web.app, &posted.signed.actor, id).await?;
    Ok(Redirect::to("/account?note=ended").into_response())
}
