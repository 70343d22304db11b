//! Writes on pages come from our own pages: by the browser's word, and by a token in the form.

use axum::{
    extract::Request,
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use subtle::ConstantTimeEq;

use super::error::PageError;
use base::error::Error;
use identity::Session;

/// Refuses a write that a browser says came from elsewhere.
pub async fn same_origin(request: Request, next: Next) -> Response {
    let reading = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if reading || from_here(request.headers()) {
        return next.run(request).await;
    }
    PageError(refusal()).into_response()
}

fn refusal() -> Error {
    Error::Forbidden("This did not come from a page of Muster. Open the page again and repeat it there.".into())
}

fn from_here(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(host)),
        // Neither header: no browser of today, and the form's token still has to fit.
        (None, _) => true,
        (Some(_), None) => false,
    }
}

/// Refuses a form whose token is not the session's.
pub fn check_token(session: &Session, token: Option<&str>) -> Result<(), Error> {
    let fits = token.is_some_and(|token| token.as_bytes().ct_eq(session.csrf.as_bytes()).into());
    if fits { Ok(()) } else { Err(refusal()) }
}
