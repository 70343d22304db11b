//! What every answer carries and every request must have.

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Web, error::Refused, telemetry};
use base::audit;

/// One policy for every page: nothing inline, nothing from elsewhere.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Headers of every answer.
pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    // A page whose address is a secret is stricter.
    let stricter = response.headers().get(header::REFERRER_POLICY).is_some_and(|value| value == "no-referrer");
    for (name, value) in fixed.into_iter().filter(|(name, _)| !(stricter && *name == header::REFERRER_POLICY)) {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Pages hold what only this person may see: nobody keeps a copy.
pub async fn page_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Keeps refused attempts of signed-in actors on record.
pub async fn refusals(State(web): State<Web>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let mut response = next.run(request).await;
    let mut reason = response.extensions().get::<Refused>().map(|refused| refused.0.clone());
    // A form that comes back with the refusal in it is one all the same.
    let shown = [StatusCode::OK, StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY, StatusCode::FORBIDDEN];
    if shown.contains(&response.status()) && reason.is_none() {
        reason = telemetry::noted_refusal();
        if reason.is_some() {
            *response.status_mut() = StatusCode::FORBIDDEN;
        }
    }
    if let (Some(reason), Some(actor)) = (reason, telemetry::noted_actor())
        && let Err(error) = audit::ops::refused(&web.app, &actor, method.as_str(), &route, &reason).await
    {
        tracing::warn!(%error, "a refused attempt could not be recorded");
    }
    response
}

/// The Host must be the public URL's or a loopback name: a page of another name that resolves to
/// us (DNS rebinding) gets nothing.
pub async fn host(State(web): State<Web>, request: Request, next: Next) -> Response {
    let named = request
        .headers()
        .get(header::HOST)
        .and_then(|value| value.to_str().ok())
        .or_else(|| request.uri().authority().map(axum::http::uri::Authority::as_str));
    if named.is_some_and(|named| known(&web, named)) {
        return next.run(request).await;
    }
    let text = format!("Unknown host. Muster answers at {} (MUSTER_PUBLIC_URL).\n", web.app.config.public_url);
    (StatusCode::MISDIRECTED_REQUEST, text).into_response()
}

fn known(web: &Web, named: &str) -> bool {
    let name = match named.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => named,
    };
    let public = &web.app.config.public_url;
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "localhost" | "127.0.0.1" | "[::1]") || public.host_str() == Some(name.as_str())
}
