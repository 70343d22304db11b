//! Confirming that it is still they: a form that asked for it is held, and goes on afterwards as it was typed.

use askama::Template;
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Path, RawForm, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use uuid::Uuid;

use super::{
    html,
    local::{Fields, told},
    provider, with_cookie,
};
use crate::{
    Web, csrf,
    error::{PageError, StepUpNeeded},
    extract::{Pairs, Signed, cookie, cookie_name},
    pages::Shell,
};
use base::error::Error;
use identity::ops::{self, Purpose};

/// Largest form that is held, in bytes.
const LARGEST: usize = 256 << 10;

/// Holds a form whose operation asks for a fresh sign-in, and goes to the page that confirms.
pub async fn hold(State(web): State<Web>, request: Request, next: Next) -> Response {
    let is_form = request.method() == Method::POST
        && request
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    let size = request.headers().get(header::CONTENT_LENGTH).and_then(|n| n.to_str().ok()?.parse::<usize>().ok());
    if !is_form || size.is_some_and(|size| size > LARGEST) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST).await else {
        return PageError(Error::TooLarge("This form is too large.".into())).into_response();
    };
    let (headers, path) = (parts.headers.clone(), parts.uri.path().to_owned());
    let response = next.run(Request::from_parts(parts, Body::from(bytes.clone()))).await;
    if response.extensions().get::<StepUpNeeded>().is_none() {
        return response;
    }
    match held(&web, &headers, &path, &bytes).await {
        Ok(to) => Redirect::to(&to).into_response(),
        Err(error) => PageError(error).into_response(),
    }
}

async fn held(web: &Web, headers: &HeaderMap, path: &str, bytes: &Bytes) -> Result<String, Error> {
    let secret = cookie(headers, cookie_name(web)).ok_or(Error::Unauthenticated)?;
    let authority = ops::authenticate_session(&web.app, secret).await?;
    let session = authority.session.as_ref().ok_or(Error::Unauthenticated)?;
    let id = ops::hold_form(&web.app, session.id, path, bytes).await?;
    Ok(format!("/confirm?form={id}"))
}

/// Where it goes on.
pub(super) fn go_on_path(form: Option<&str>) -> String {
    match form.and_then(|id| id.parse::<Uuid>().ok()) {
        Some(id) => format!("/confirm/go-on?form={id}"),
        None => "/".into(),
    }
}

#[derive(Template)]
#[template(path = "account/confirm.html")]
struct ConfirmPage {
    shell: Shell,
    form: String,
    by_password: bool,
    by_passkey: bool,
    providers: Vec<(String, String)>,
    problem: Option<String>,
}

async fn page(web: &Web, signed: &Signed, form: &str, pairs: &Pairs) -> Result<ConfirmPage, PageError> {
    let means = ops::means(&web.app, &signed.actor).await?;
    let mine = ops::identities(&web.app, &signed.actor).await?;
    let known = identity::providers(&web.app).all().map(|(provider, _)| provider);
    let providers = known
        .filter(|provider| mine.iter().any(|one| one.provider == provider.key && one.state == "active"))
        .map(|provider| (provider.key.clone(), provider.name.clone()));
    Ok(ConfirmPage {
        shell: Shell::new(web, signed, "/account", "Confirm that it is you", pairs).await?,
        form: form.to_owned(),
        by_password: means.password_set_at.is_some() && means.app_since.is_some(),
        by_passkey: !ops::passkeys(&web.app, &signed.actor).await?.is_empty(),
        providers: providers.collect(),
        problem: None,
    })
}

pub async fn ask(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    html(&page(&web, &signed, pairs.get("form").unwrap_or_default(), &pairs).await?)
}

pub async fn by_password(State(web): State<Web>, signed: Signed, form: RawForm) -> Result<Response, PageError> {
    let fields = Fields::of(&form);
    csrf::check_token(&signed.session, Some(fields.get("csrf")))?;
    let typed = fields.get("password").to_owned();
    match ops::confirm_by_password(&web.app, &signed.actor, typed, fields.get("code")).await {
        Ok(secret) => {
            let next = Redirect::to(&go_on_path(Some(fields.get("form")))).into_response();
            Ok(with_cookie(&web, &secret, next))
        }
        Err(error) => {
            let (problem, status) = told(error)?;
            let mut page = page(&web, &signed, fields.get("form"), &Pairs::default()).await?;
            page.problem = Some(problem);
            let mut response = html(&page)?;
            *response.status_mut() = status;
            Ok(response)
        }
    }
}

pub async fn at_provider(
    State(web): State<Web>,
    signed: Signed,
    Path(key): Path<String>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    provider::go(&web, &key, Purpose::StepUp, Some(&signed), &go_on_path(pairs.get("form"))).await
}

#[derive(Template)]
#[template(path = "account/go_on.html")]
struct GoOnPage {
    shell: Shell,
    path: String,
    fields: Vec<(String, String)>,
}

/// The held form, as it was typed, with a button: nothing is done without one more press.
pub async fn go_on(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let id = pairs.get("form").and_then(|id| id.parse().ok()).unwrap_or_default();
    let (path, body) = match ops::take_form(&web.app, &signed.actor, id).await {
        Ok(held) => held,
        Err(Error::NotFound(_)) => return Ok(Redirect::to("/").into_response()),
        Err(other) => return Err(other.into()),
    };
    let fields = url::form_urlencoded::parse(&body).into_owned().filter(|(name, _)| name != "csrf").collect();
    let shell = Shell::new(&web, &signed, "/account", "It goes on", &pairs).await?;
    let mut response = html(&GoOnPage { shell, path, fields })?;
    *response.status_mut() = StatusCode::OK;
    Ok(response)
}
