//! A request id on every line and answer; counts and durations by route.

use std::{cell::RefCell, time::Instant};

use anyhow::Context;
use axum::{
    Router,
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
    routing::get,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing::Instrument;

use identity::{Actor, Reading};

tokio::task_local! {
    static REQUEST_ID: String;
    static NOTED: RefCell<Noted>;
}

/// What turns out while a request is answered.
#[derive(Default)]
struct Noted {
    actor: Option<Actor>,
    /// Why the actor was refused, where the page says so itself.
    refused: Option<String>,
    /// Whether the browser's first language writes decimals with a comma.
    decimal_comma: bool,
}

/// Languages whose decimals have a comma, so that spreadsheets in them separate cells by semicolons.
const DECIMAL_COMMA: [&str; 33] = [
    "af", "be", "bg", "bs", "ca", "cs", "da", "de", "el", "es", "et", "eu", "fi", "fr", "gl", "hr", "hu", "id", "is",
    "it", "lt", "lv", "nb", "nl", "nn", "no", "pl", "pt", "ro", "ru", "sv", "tr", "uk",
];

fn decimal_comma(request: &Request) -> bool {
    let accepted = request.headers().get(axum::http::header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let first = accepted.and_then(|accepted| accepted.split([',', ';', '-']).next()).unwrap_or_default();
    // Spanish and Portuguese of the Americas differ among themselves; Mexico and Switzerland write a point.
    let point = accepted.is_some_and(|accepted| accepted.starts_with("es-MX") || accepted.starts_with("de-CH"));
    !point && DECIMAL_COMMA.contains(&first.trim().to_lowercase().as_str())
}

/// Whether the reader's spreadsheet expects semicolons between the cells of a CSV file, by the browser's language.
pub fn noted_decimal_comma() -> bool {
    NOTED.try_with(|cell| cell.borrow().decimal_comma).unwrap_or_default()
}

/// Notes who turned out to be asking, for the record of refusals.
pub fn note_actor(actor: &Actor) {
    // Outside of a request nobody asks for it.
    let _ = NOTED.try_with(|cell| cell.borrow_mut().actor = Some(actor.clone()));
}

/// Who is asking, once an extractor has found out.
pub fn noted_actor() -> Option<Actor> {
    NOTED.try_with(|cell| cell.borrow().actor.clone()).ok().flatten()
}

/// Notes that a page shows a refusal beside what was typed: it is answered and recorded as one.
pub fn note_refusal(reason: &str) {
    let _ = NOTED.try_with(|cell| cell.borrow_mut().refused = Some(reason.to_owned()));
}

/// The refusal that a page shows, if it does.
pub fn noted_refusal() -> Option<String> {
    NOTED.try_with(|cell| cell.borrow().refused.clone()).ok().flatten()
}

/// How whoever asks reads pages; the default where nobody is known to ask.
pub fn noted_reading() -> Reading {
    let read = NOTED.try_with(|cell| cell.borrow().actor.as_ref().map(|actor| actor.authority.reading));
    read.ok().flatten().unwrap_or_default()
}

/// The id of the request being answered; empty outside of one.
pub fn request_id() -> String {
    REQUEST_ID.try_with(Clone::clone).unwrap_or_default()
}

/// Gives the request its id, logs it, counts it.
pub async fn observe(request: Request, next: Next) -> Response {
    let id = uuid::Uuid::now_v7().to_string();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    // The route, not the path: a path may hold a sign-in link.
    let span = tracing::info_span!("request", request_id = %id, %method, %route);
    let begun = Instant::now();
    let noted = RefCell::new(Noted { decimal_comma: decimal_comma(&request), ..Noted::default() });
    let mut response =
        REQUEST_ID.scope(id.clone(), NOTED.scope(noted, next.run(request))).instrument(span.clone()).await;
    let seconds = begun.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    span.in_scope(|| tracing::debug!(status, seconds, "answered"));
    let labels = [("method", method.to_string()), ("route", route), ("status", status.to_string())];
    metrics::counter!("muster_http_requests_total", &labels).increment(1);
    metrics::histogram!("muster_http_request_seconds", &labels[..2]).record(seconds);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    response
}

/// Installs the recorder of the process.
pub fn install_metrics() -> anyhow::Result<PrometheusHandle> {
    let buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
    PrometheusBuilder::new().set_buckets(&buckets)?.install_recorder().context("the metrics recorder")
}

/// What the second, loopback listener answers.
pub fn metrics_router(handle: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(move || async move { handle.render() }))
}
