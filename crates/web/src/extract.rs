//! Who asks: a session's cookie on pages, a bearer token at the API, never the other way round.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, FromRef, FromRequestParts, RawQuery},
    http::{HeaderMap, header, request::Parts},
};

use super::{
    Web,
    error::{ApiError, PageError},
    telemetry::{note_actor, request_id},
};
use base::{error::Error, text};
use identity::{Actor, Arrival, Origin, Session, Via};

/// The session's cookie; `__Host-` needs https.
pub fn cookie_name(web: &Web) -> &'static str {
    if web.app.config.public_url.scheme() == "https" { "__Host-muster" } else { "muster" }
}

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// Where a request came from.
pub fn origin(parts: &Parts) -> Origin {
    let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Origin {
        address: parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip()),
        user_agent: agent.map(|agent| text::clip(agent, 300).to_owned()),
        os_user: None,
    }
}

/// Where a request of these parts comes from, and its id.
pub fn arrival(parts: &Parts) -> Arrival {
    Arrival { origin: origin(parts), request_id: request_id() }
}

/// A person on a page; others are sent to the sign-in page.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Who acts.
    pub actor: Actor,
    /// Their session.
    pub session: Session,
}

impl<S: Send + Sync> FromRequestParts<S> for Signed
where
    Web: FromRef<S>,
{
    type Rejection = PageError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let web = Web::from_ref(state);
        let secret = cookie(&parts.headers, cookie_name(&web)).ok_or(Error::Unauthenticated)?;
        let authority = identity::ops::authenticate_session(&web.app, secret).await?;
        let session = authority.session.clone().ok_or(Error::Unauthenticated)?;
        let actor = Actor { authority, via: Via::Page, request_id: request_id(), origin: origin(parts) };
        if let Some(person) = actor.person() {
            web.limits.actor(person)?;
        }
        note_actor(&actor);
        Ok(Self { actor, session })
    }
}

/// Whoever holds an API token. Cookies do not count, nor does a token in the URL.
#[derive(Debug, Clone)]
pub struct Caller(pub Actor);

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Web: FromRef<S>,
{
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if let Some(actor) = parts.extensions.get::<Actor>() {
            return Ok(Self(actor.clone()));
        }
        let web = Web::from_ref(state);
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token =
            header.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, token) = token.ok_or(Error::Unauthenticated)?;
        let origin = origin(parts);
        let authority = identity::ops::authenticate_token(&web.app, token.trim(), &origin).await?;
        if let Some(id) = authority.token_id {
            web.limits.actor(id)?;
        }
        let actor = Actor { authority, via: Via::Api, request_id: request_id(), origin };
        note_actor(&actor);
        parts.extensions.insert(actor.clone());
        Ok(Self(actor))
    }
}

/// The pairs of the URL's query, in their order.
#[derive(Debug, Clone, Default)]
pub struct Pairs(pub Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Pairs {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let RawQuery(query) = RawQuery::from_request_parts(parts, state).await?;
        let query = query.unwrap_or_default();
        Ok(Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()))
    }
}

impl Pairs {
    /// The first value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}
