//! To a provider and back.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Redirect, Response},
};

use super::{html, refused, set_cookie, with_cookie};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed, arrival, cookie, cookie_name},
    pages::Shell,
};
use base::error::Error;
use identity::{
    oidc::Answer,
    ops::{self, Fault, Present, Purpose, Returned},
};

/// The cookie that binds a flow to its browser; `__Host-` needs https.
pub(super) fn flow_cookie(web: &Web) -> &'static str {
    if web.app.config.public_url.scheme() == "https" { "__Host-muster-flow" } else { "muster-flow" }
}

/// Sends the browser to the provider.
pub(super) async fn go(
    web: &Web,
    provider: &str,
    purpose: Purpose,
    signed: Option<&Signed>,
    back: &str,
) -> Result<Response, PageError> {
    let present = signed.and_then(|signed| {
        let person = signed.actor.person()?;
        Some(Present { person, session: &signed.session })
    });
    match ops::begin_at_provider(&web.app, provider, purpose, present, back).await {
        Ok(begun) => {
            let response = Redirect::to(begun.url.as_str()).into_response();
            Ok(set_cookie(web, flow_cookie(web), &begun.browser, Some(600), response))
        }
        Err(fault) => at_fault(web, provider, back, fault).await,
    }
}

#[derive(Template)]
#[template(path = "account/link.html")]
struct LinkPage {
    shell: Shell,
    provider: String,
    url: String,
}

/// Offers to tie an account of a provider to whoever is signed in.
pub(in crate::pages) async fn offer_link(web: &Web, key: &str, signed: &Signed) -> Result<Response, PageError> {
    ops::require_recent(&web.app, &signed.actor).await?;
    let person = signed.actor.person().ok_or(Error::Unauthenticated)?;
    let present = Some(Present { person, session: &signed.session });
    match ops::begin_at_provider(&web.app, key, Purpose::Link, present, "/account").await {
        Ok(begun) => {
            let provider =
                identity::providers(&web.app).get(key).map_or_else(|| key.to_owned(), |one| one.name.clone());
            let shell = Shell::new(web, signed, "/account", "Link an account", &Pairs::default()).await?;
            let response = html(&LinkPage { shell, provider, url: begun.url.into() })?;
            Ok(set_cookie(web, flow_cookie(web), &begun.browser, Some(600), response))
        }
        Err(fault) => at_fault(web, key, "/account", fault).await,
    }
}

/// Says what the person needs to know, and logs the rest.
async fn at_fault(web: &Web, provider: &str, back: &str, fault: Fault) -> Result<Response, PageError> {
    match fault {
        Fault::Refused(refusal) => {
            tracing::warn!(provider, why = refusal.0, "a sign-in was refused");
            metrics::counter!("muster_sign_ins_refused_total").increment(1);
            let text = "Signing in did not work. Begin again; if it stays so, ask an admin.";
            refused(web, back, text.into(), StatusCode::BAD_REQUEST).await
        }
        Fault::Told(text) => refused(web, back, text, StatusCode::CONFLICT).await,
        Fault::Error(error) => Err(error.into()),
    }
}

pub async fn begin(State(web): State<Web>, Path(provider): Path<String>, pairs: Pairs) -> Result<Response, PageError> {
    go(&web, &provider, Purpose::SignIn, None, pairs.get("back").unwrap_or("/")).await
}

/// A name that comes twice means two things to two readers; then it means nothing.
fn single(pairs: &Pairs, name: &str) -> Option<String> {
    let mut all = pairs.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone());
    let first = all.next();
    if all.next().is_some() { None } else { first }
}

pub async fn finish(
    State(web): State<Web>,
    Path(provider): Path<String>,
    pairs: Pairs,
    signed: Result<Signed, PageError>,
    parts: Parts,
) -> Result<Response, PageError> {
    let signed = signed.ok();
    let browser = cookie(&parts.headers, flow_cookie(&web)).unwrap_or_default();
    let state = single(&pairs, "state").unwrap_or_default();
    let answer = Answer { code: single(&pairs, "code"), iss: single(&pairs, "iss"), error: single(&pairs, "error") };
    let returned = Returned { provider: &provider, state: &state, browser, answer };
    let present = signed.as_ref().and_then(|signed| {
        let person = signed.actor.person()?;
        Some(Present { person, session: &signed.session })
    });
    let previous = cookie(&parts.headers, cookie_name(&web));
    let done = ops::finish_at_provider(&web.app, returned, present, previous, arrival(&parts)).await;
    let response = match done {
        Ok(arrived) => {
            let next = match arrived.purpose {
                Purpose::SignIn => super::arrived(&arrived.back),
                Purpose::Link => Redirect::to("/account?note=linked").into_response(),
                Purpose::StepUp => Redirect::to(&arrived.back).into_response(),
            };
            match arrived.secret {
                Some(secret) => with_cookie(&web, &secret, next),
                None => next,
            }
        }
        Err(fault) => at_fault(&web, &provider, "/", fault).await?,
    };
    Ok(set_cookie(&web, flow_cookie(&web), "", Some(0), response))
}
