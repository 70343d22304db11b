//! One error, two renderings: problem+json (RFC 9457) for scripts, a page for people.

use std::any::Any;

use askama::Template;
use axum::{
    extract::OriginalUri,
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::telemetry::request_id;
use base::error::Error;

/// An error of the API.
#[derive(Debug)]
pub struct ApiError(pub Error);

/// An error of a page.
#[derive(Debug)]
pub struct PageError(pub Error);

impl<E: Into<Error>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl<E: Into<Error>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// RFC 9457 problem details.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `about:blank`: the status says which kind of problem it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong and what to do.
    pub detail: String,
    /// The request's id, as in the log.
    pub request_id: String,
    /// Each invalid field with its RFC 6901 pointer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemField>,
}

/// One invalid field.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemField {
    /// RFC 6901 pointer.
    pub pointer: String,
    /// What is wrong and what to do.
    pub detail: String,
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::Unauthenticated => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) | Error::StepUp => StatusCode::FORBIDDEN,
        Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::Stale { .. } => StatusCode::PRECONDITION_FAILED,
        Error::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
        Error::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Error::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
        Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Logs a fault of ours once; adds what helps a client to try again.
fn finish(error: &Error, mut response: Response) -> Response {
    if let Error::Internal(source) = error {
        tracing::error!(error = format!("{source:#}"), "internal fault");
    }
    let retry = match error {
        Error::TooMany(seconds) => Some(*seconds),
        Error::Unavailable(_) => Some(2),
        _ => None,
    };
    if let Some(seconds) = retry {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if matches!(error, Error::Unauthenticated) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if matches!(error, Error::StepUp) {
        response.extensions_mut().insert(StepUpNeeded);
    }
    // For the layer that keeps refusals on record.
    if let Error::Forbidden(reason) = error {
        response.extensions_mut().insert(Refused(reason.clone()));
    }
    response
}

/// Marks an answer that asks to sign in once more.
#[derive(Clone, Copy, Debug)]
pub struct StepUpNeeded;

/// Marks an answer that refused a signed-in actor.
#[derive(Clone, Debug)]
pub struct Refused(pub String);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = status(&self.0);
        let errors = match &self.0 {
            Error::Invalid(errors) => errors
                .as_slice()
                .iter()
                .map(|error| ProblemField { pointer: error.pointer.clone(), detail: error.message.clone() })
                .collect(),
            _ => Vec::new(),
        };
        let problem = Problem {
            kind: "about:blank".into(),
            title: status.canonical_reason().unwrap_or_default().into(),
            status: status.as_u16(),
            detail: self.0.to_string(),
            request_id: request_id(),
            errors,
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        finish(&self.0, response)
    }
}

#[derive(Template)]
#[template(path = "errors/error.html")]
struct ErrorPage {
    status: u16,
    title: String,
    detail: String,
    request_id: String,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        if matches!(self.0, Error::Unauthenticated) {
            return Redirect::to("/sign-in").into_response();
        }
        let status = status(&self.0);
        let response = render(status, title(status), &self.0.to_string());
        finish(&self.0, response)
    }
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "Not here",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::UNPROCESSABLE_ENTITY => "That did not fit",
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => "Something changed",
        StatusCode::TOO_MANY_REQUESTS => "Too fast",
        StatusCode::SERVICE_UNAVAILABLE => "Busy",
        StatusCode::PAYLOAD_TOO_LARGE => "Too large",
        _ => "Something went wrong",
    }
}

fn render(status: StatusCode, title: &str, detail: &str) -> Response {
    let page =
        ErrorPage { status: status.as_u16(), title: title.into(), detail: detail.into(), request_id: request_id() };
    (status, Html(page.render().unwrap_or_else(|_| detail.to_owned()))).into_response()
}

/// No such address: a problem under `/api`, a page elsewhere.
pub async fn no_page(OriginalUri(uri): OriginalUri) -> Response {
    if uri.path().starts_with("/api/") {
        return ApiError(Error::NotFound("endpoint")).into_response();
    }
    PageError(Error::NotFound("page")).into_response()
}

/// A panic becomes an internal fault; its text goes to the log.
pub fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text =
        panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
    ApiError(Error::internal(format!("panic: {}", text.unwrap_or_default()))).into_response()
}
