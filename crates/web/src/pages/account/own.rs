//! What somebody signs in with: password, authenticator app, recovery codes, passkeys, accounts of providers.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use qrcodegen::{QrCode, QrCodeEcc};
use uuid::Uuid;

use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::Posted,
    pages::{Shell, html, labelled, sign_in, unprocessable, view::ago},
};
use base::error::Error;
use identity::{
    Identity, Passkey,
    ops::{self, Means},
};

pub fn router() -> Router<Web> {
    Router::new()
        .route("/account/password", post(set_password))
        .route("/account/app", post(begin_app))
        .route("/account/app/confirm", post(confirm_app))
        .route("/account/app/codes", post(renew_codes))
        .route("/account/app/remove", post(remove_app))
        .route("/account/passkeys/{id}/retire", post(retire_passkey))
        .route("/account/identities/{id}/unlink", post(unlink))
        .route("/account/link/{provider}", post(link))
}

/// A passkey or an account of a provider, with when it was last used.
pub struct Way {
    pub id: Uuid,
    pub name: String,
    pub used: String,
}

/// What the account page shows of signing in.
pub struct Ways {
    pub local: bool,
    pub means: Means,
    pub password_set: String,
    pub app_since: String,
    pub passkeys: Vec<Way>,
    pub passkeys_work: bool,
    pub identities: Vec<Way>,
    /// Providers that are not linked yet: key and name.
    pub linkable: Vec<(String, String)>,
}

impl Ways {
    pub async fn of(web: &Web, signed: &Signed) -> Result<Self, Error> {
        let (app, actor, now) = (&web.app, &signed.actor, web.app.clock.now());
        let means = ops::means(app, actor).await?;
        let age = |at: Option<chrono::DateTime<chrono::Utc>>| at.map_or_else(|| "never".to_owned(), |at| ago(at, now));
        let passkey = |one: Passkey| Way { id: one.id, name: one.name, used: age(one.last_used_at) };
        let mine = ops::identities(app, actor).await?;
        let active = |one: &&Identity| one.state == "active";
        let named = |key: &str| {
            identity::providers(app).get(key).map_or_else(|| key.to_owned(), |provider| provider.name.clone())
        };
        let linked = |key: &str| mine.iter().filter(active).any(|one| one.provider == key);
        Ok(Self {
            local: ops::local_accounts(app).await?,
            password_set: age(means.password_set_at),
            app_since: age(means.app_since),
            means,
            passkeys: ops::passkeys(app, actor).await?.into_iter().map(passkey).collect(),
            passkeys_work: ops::passkeys_work(app),
            linkable: identity::providers(app)
                .all()
                .filter(|(provider, _)| !linked(&provider.key))
                .map(|(provider, _)| (provider.key.clone(), provider.name.clone()))
                .collect(),
            identities: mine
                .iter()
                .filter(active)
                .map(|one| Way { id: one.id, name: named(&one.provider), used: age(one.last_used_at) })
                .collect(),
        })
    }
}

/// The account page again, with what is wrong with a way to sign in.
async fn refused(web: &Web, posted: &Posted, error: Error) -> Result<Response, PageError> {
    if let Error::TooMany(_) | Error::StepUp = error {
        return Err(error.into());
    }
    let mut page = super::page(web, &posted.signed, &Pairs::default()).await?;
    page.way_problems = labelled(error)?;
    Ok(unprocessable(html(&page)?))
}

async fn set_password(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let text = |name: &str| posted.get(name).unwrap_or_default().to_owned();
    let done = if text("password") == text("again") {
        ops::set_password(&web.app, &posted.signed.actor, text("present"), text("password")).await
    } else {
        Err(Error::field("/again", "Both have to be the same."))
    };
    match done {
        Ok(()) => Ok(Redirect::to("/account?note=password_set").into_response()),
        Err(error) => refused(&web, &posted, error).await,
    }
}

#[derive(Template)]
#[template(path = "account/app.html")]
struct AppPage {
    shell: Shell,
    secret: String,
    size: i32,
    /// The dark squares of the code, as a path.
    squares: String,
    problems: Vec<String>,
}

/// A QR code (ISO/IEC 18004) as the path of an SVG, and the length of its side.
fn squares(text: &str) -> Result<(String, i32), Error> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).map_err(Error::internal)?;
    let size = code.size();
    let dark = (0..size).flat_map(|y| (0..size).map(move |x| (x, y))).filter(|(x, y)| code.get_module(*x, *y));
    let path: Vec<String> = dark.map(|(x, y)| format!("M{} {}h1v1h-1z", x + 4, y + 4)).collect();
    Ok((path.concat(), size + 8))
}

async fn begin_app(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    match ops::begin_app(&web.app, &posted.signed.actor).await {
        Ok((address, secret)) => {
            let (squares, size) = squares(&address)?;
            let shell = Shell::new(&web, &posted.signed, "/account", "Authenticator app", &Pairs::default()).await?;
            html(&AppPage { shell, secret, size, squares, problems: Vec::new() })
        }
        Err(error) => refused(&web, &posted, error).await,
    }
}

#[derive(Template)]
#[template(path = "account/codes.html")]
struct CodesPage {
    shell: Shell,
    codes: Vec<String>,
}

async fn codes(web: &Web, posted: &Posted, codes: Result<Vec<String>, Error>) -> Result<Response, PageError> {
    match codes {
        Ok(codes) => {
            let shell = Shell::new(web, &posted.signed, "/account", "Recovery codes", &Pairs::default()).await?;
            html(&CodesPage { shell, codes })
        }
        Err(error) => refused(web, posted, error).await,
    }
}

async fn confirm_app(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let done = ops::confirm_app(&web.app, &posted.signed.actor, posted.get("code").unwrap_or_default()).await;
    codes(&web, &posted, done).await
}

async fn renew_codes(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let done = ops::renew_codes(&web.app, &posted.signed.actor, posted.get("code").unwrap_or_default()).await;
    codes(&web, &posted, done).await
}

async fn remove_app(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    match ops::remove_app(&web.app, &posted.signed.actor, posted.get("code").unwrap_or_default()).await {
        Ok(()) => Ok(Redirect::to("/account?note=app_removed").into_response()),
        Err(error) => refused(&web, &posted, error).await,
    }
}

async fn retire_passkey(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    ops::retire_passkey(&web.app, &posted.signed.actor, id).await?;
    Ok(Redirect::to("/account?note=passkey_retired").into_response())
}

async fn unlink(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    ops::unlink_identity(&web.app, &posted.signed.actor, id).await?;
    Ok(Redirect::to("/account?note=unlinked").into_response())
}

/// A page with a link to the provider: our policy lets no form lead to another site, and a link alone begins
/// nothing in somebody's name.
async fn link(State(web): State<Web>, Path(key): Path<String>, posted: Posted) -> Result<Response, PageError> {
    sign_in::offer_link(&web, &key, &posted.signed).await
}
