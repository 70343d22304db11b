//! Signing in, confirming, and signing out: by link, by password and code, at a provider, by passkey.

mod confirm;
mod local;
mod passkey;
mod provider;

use askama::Template;
use axum::{
    Router,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};

use super::html;
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, arrival, cookie, cookie_name},
    forms::Posted,
};
use base::error::Error;
pub use confirm::hold;
use identity::{
    oidc,
    ops::{self, LinkFor},
};
pub(super) use provider::offer_link;

pub fn router() -> Router<Web> {
    Router::new()
        .route("/sign-in", get(ask))
        .route("/sign-in/password", post(local::password))
        .route("/sign-in/code", post(local::code))
        .route("/sign-in/passkey/begin", post(passkey::begin_sign_in))
        .route("/sign-in/passkey", post(passkey::sign_in))
        .route("/confirm/passkey", post(passkey::confirm))
        .route("/account/passkeys/begin", post(passkey::begin_add))
        .route("/account/passkeys", post(passkey::add))
        .route("/sign-in/with/{provider}", get(provider::begin))
        .route("/sign-in/callback/{provider}", get(provider::finish))
        .route("/sign-in/demo/{id}", post(as_demo))
        .route("/sign-in/{secret}", get(open).post(consume))
        .route("/invitation/{secret}", get(local::invitation).post(local::accept))
        .route("/confirm", get(confirm::ask).post(confirm::by_password))
        .route("/confirm/with/{provider}", get(confirm::at_provider))
        .route("/confirm/go-on", get(confirm::go_on))
        .route("/sign-out", post(sign_out))
}

/// A provider on the sign-in page.
struct Offered {
    key: String,
    name: String,
    answers: bool,
}

/// What stands on the sign-in page.
#[derive(Default)]
enum Asked {
    /// The ways there are.
    #[default]
    Ways,
    /// A link that works, or not.
    Link(bool),
    /// The second step.
    Code(String),
}

#[derive(Template, Default)]
#[template(path = "account/sign_in.html")]
struct SignInPage {
    asked: Asked,
    secret: String,
    people: Vec<ops::DemoPerson>,
    providers: Vec<Offered>,
    local: bool,
    back: String,
    email: String,
    problem: Option<String>,
    mark: &'static str,
}

impl SignInPage {
    async fn ways(web: &Web, back: &str) -> Result<Self, Error> {
        let offered = |(provider, answers): (&identity::Provider, bool)| Offered {
            key: provider.key.clone(),
            name: provider.name.clone(),
            answers,
        };
        Ok(Self {
            people: ops::demo_people(&web.app).await?,
            providers: identity::providers(&web.app).all().map(offered).collect(),
            local: ops::local_accounts(&web.app).await?,
            back: ops::safe_back(back).to_owned(),
            mark: crate::statics::mark(),
            ..Self::default()
        })
    }

    fn back_query(&self) -> String {
        let query: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("back", &self.back).finish();
        if self.back.is_empty() || self.back == "/" { String::new() } else { format!("?{query}") }
    }
}

/// The ways there are again, with what went wrong. Never more than the person needs to know.
async fn refused(web: &Web, back: &str, problem: String, status: StatusCode) -> Result<Response, PageError> {
    let page = SignInPage { problem: Some(problem), ..SignInPage::ways(web, back).await? };
    let mut response = html(&page)?;
    *response.status_mut() = status;
    Ok(response)
}

async fn ask(State(web): State<Web>, pairs: Pairs) -> Result<Response, PageError> {
    html(&SignInPage::ways(&web, pairs.get("back").unwrap_or("/")).await?)
}

/// Headers by which a request shows that a proxy passed it on.
const FORWARDED: [&str; 6] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];

/// Signs in as a person of the demonstration, where the server offers that and the request comes from this machine.
async fn as_demo(State(web): State<Web>, Path(id): Path<uuid::Uuid>, request: Request) -> Result<Response, PageError> {
    let (parts, _) = request.into_parts();
    if FORWARDED.iter().any(|name| parts.headers.contains_key(*name)) {
        let text = "The demonstration signs people in on this machine only, not through a proxy.";
        return Err(Error::Forbidden(text.into()).into());
    }
    let session = ops::sign_in_demo(&web.app, id, arrival(&parts)).await?;
    Ok(with_cookie(&web, &session, Redirect::to("/?note=welcome").into_response()))
}

/// Shows a button; opening alone uses nothing up, so that a mail scanner cannot.
async fn open(State(web): State<Web>, Path(secret): Path<String>) -> Result<Response, PageError> {
    let holds = match ops::link_purpose(&web.app, &secret).await? {
        Some(LinkFor::SignIn) => true,
        Some(_) => return Ok(Redirect::to(&format!("/invitation/{secret}")).into_response()),
        None => false,
    };
    let secret = if holds { secret } else { String::new() };
    html(&SignInPage { asked: Asked::Link(holds), secret, ..SignInPage::default() })
}

async fn consume(State(web): State<Web>, Path(secret): Path<String>, request: Request) -> Result<Response, PageError> {
    let (parts, _) = request.into_parts();
    let previous = cookie(&parts.headers, cookie_name(&web));
    let session = ops::sign_in(&web.app, &secret, previous, arrival(&parts)).await?;
    Ok(with_cookie(&web, &session, Redirect::to("/?note=welcome").into_response()))
}

/// Where somebody arrives who has signed in.
fn arrived(back: &str) -> Response {
    let back = ops::safe_back(back);
    Redirect::to(if back == "/" { "/?note=welcome" } else { back }).into_response()
}

fn with_cookie(web: &Web, value: &str, response: Response) -> Response {
    let age = if value.is_empty() { Some(0) } else { None };
    set_cookie(web, cookie_name(web), value, age, response)
}

/// A cookie of this browser, for us alone.
fn set_cookie(web: &Web, name: &str, value: &str, max_age: Option<u32>, mut response: Response) -> Response {
    let secure = if web.app.config.public_url.scheme() == "https" { "; Secure" } else { "" };
    let age = max_age.map(|age| format!("; Max-Age={age}")).unwrap_or_default();
    let line = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}");
    if let Ok(line) = HeaderValue::from_str(&line) {
        response.headers_mut().append(header::SET_COOKIE, line);
    }
    response
}

/// Ends the session here; at a provider where there is a place for that, as well.
async fn sign_out(State(web): State<Web>, _headers: HeaderMap, posted: Posted) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    let there = ops::provider_of_session(&web.app, actor).await?;
    ops::sign_out(&web.app, actor).await?;
    let mut next = Redirect::to("/sign-in").into_response();
    if let Some((provider, token)) = there
        && let Ok(known) = identity::providers(&web.app).known(&provider).await
    {
        let back = web.app.config.public_url.join("sign-in").map_err(Error::internal)?;
        if let Some(url) = oidc::sign_out_url(&known, token.as_deref(), &back) {
            next = leaving(&known.provider.name, url.as_str())?;
        }
    }
    Ok(with_cookie(&web, "", next))
}

#[derive(Template)]
#[template(path = "account/leaving.html")]
struct LeavingPage {
    provider: String,
    url: String,
}

/// A page with a link: our policy lets no form lead to another site.
fn leaving(provider: &str, url: &str) -> Result<Response, PageError> {
    html(&LeavingPage { provider: provider.to_owned(), url: url.to_owned() })
}
