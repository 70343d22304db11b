//! Forms of local accounts: name and password, the code, an invitation.

use askama::Template;
use axum::{
    extract::{Path, RawForm, State},
    http::{StatusCode, request::Parts},
    response::Response,
};

use super::{Asked, SignInPage, arrived, html, refused, with_cookie};
use crate::{
    Web,
    error::PageError,
    extract::{arrival, cookie, cookie_name},
    pages::{labelled, unprocessable},
};
use base::error::Error;
use identity::ops::{self, LinkFor, Step};

/// The pairs of a form that nobody is signed in for yet.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn of(form: &RawForm) -> Self {
        Self(url::form_urlencoded::parse(&form.0).into_owned().collect())
    }

    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }
}

/// What is said of a refusal, with its status; anything else is an error of ours.
pub(super) fn told(error: Error) -> Result<(String, StatusCode), PageError> {
    match error {
        Error::Invalid(errors) => {
            let texts: Vec<String> = errors.as_slice().iter().map(|error| error.message.clone()).collect();
            Ok((texts.join(" "), StatusCode::UNPROCESSABLE_ENTITY))
        }
        Error::TooMany(seconds) => {
            Ok((format!("Too many attempts. Try again in {seconds} s."), StatusCode::TOO_MANY_REQUESTS))
        }
        Error::StepUp => Ok((
            "Your sign-in is too old for this. Confirm that it is you at /confirm, or sign in again; then repeat it."
                .into(),
            StatusCode::FORBIDDEN,
        )),
        Error::Forbidden(text) => Ok((text, StatusCode::FORBIDDEN)),
        Error::Conflict(text) => Ok((text, StatusCode::CONFLICT)),
        other => Err(other.into()),
    }
}

pub async fn password(State(web): State<Web>, parts: Parts, form: RawForm) -> Result<Response, PageError> {
    let fields = Fields::of(&form);
    let previous = cookie(&parts.headers, cookie_name(&web));
    let from = arrival(&parts);
    let (email, back) = (fields.get("email"), fields.get("back"));
    let done = ops::sign_in_by_password(&web.app, email, fields.get("password").to_owned(), previous, from).await;
    match done {
        Ok(Step::Signed(secret)) => Ok(with_cookie(&web, &secret, arrived(back))),
        Ok(Step::Code(halfway)) => {
            let page = SignInPage::ways(&web, back).await?;
            html(&SignInPage { asked: Asked::Code(halfway), ..page })
        }
        Err(error) => {
            let (problem, status) = told(error)?;
            let page = SignInPage::ways(&web, back).await?;
            let mut response = html(&SignInPage { email: email.to_owned(), problem: Some(problem), ..page })?;
            *response.status_mut() = status;
            Ok(response)
        }
    }
}

pub async fn code(State(web): State<Web>, parts: Parts, form: RawForm) -> Result<Response, PageError> {
    let fields = Fields::of(&form);
    let previous = cookie(&parts.headers, cookie_name(&web));
    let (halfway, back) = (fields.get("halfway"), fields.get("back"));
    let from = arrival(&parts);
    match ops::sign_in_by_code(&web.app, halfway, fields.get("code"), previous, from).await {
        Ok(secret) => Ok(with_cookie(&web, &secret, arrived(back))),
        Err(error) => {
            let (problem, status) = told(error)?;
            let page = SignInPage::ways(&web, back).await?;
            let asked = Asked::Code(halfway.to_owned());
            let mut response = html(&SignInPage { asked, problem: Some(problem), ..page })?;
            *response.status_mut() = status;
            Ok(response)
        }
    }
}

#[derive(Template)]
#[template(path = "account/invitation.html")]
struct InvitationPage {
    /// Whether it is to begin anew, and not to begin.
    again: bool,
    secret: String,
    problems: Vec<String>,
}

pub async fn invitation(State(web): State<Web>, Path(secret): Path<String>) -> Result<Response, PageError> {
    let again = match ops::link_purpose(&web.app, &secret).await? {
        Some(LinkFor::Invitation) => false,
        Some(LinkFor::Reset) => true,
        _ => return html(&SignInPage { asked: Asked::Link(false), ..SignInPage::default() }),
    };
    html(&InvitationPage { again, secret, problems: Vec::new() })
}

pub async fn accept(
    State(web): State<Web>,
    Path(secret): Path<String>,
    parts: Parts,
    form: RawForm,
) -> Result<Response, PageError> {
    let fields = Fields::of(&form);
    let new = fields.get("password").to_owned();
    let done = if new == fields.get("again") {
        ops::accept_invitation(&web.app, &secret, new, arrival(&parts)).await
    } else {
        Err(Error::field("/again", "Both have to be the same."))
    };
    match done {
        Ok(session) => Ok(with_cookie(&web, &session, arrived("/account?note=welcome"))),
        Err(Error::Conflict(text)) => refused(&web, "/", text, StatusCode::CONFLICT).await,
        Err(error) => {
            let problems = labelled(error)?;
            let again = ops::link_purpose(&web.app, &secret).await? == Some(LinkFor::Reset);
            Ok(unprocessable(html(&InvitationPage { again, secret, problems })?))
        }
    }
}
