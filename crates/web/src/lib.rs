//! HTTP: pages for people, an API for scripts, both over the same operations.

pub mod api;
mod conditional;
mod csrf;
mod error;
mod extract;
pub mod forms;
mod forwarded;
mod guard;
mod health;
mod idempotent;
mod limits;
mod listing;
pub mod pages;
mod scim;
pub mod server;
mod statics;
mod telemetry;

use std::time::Duration;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{StatusCode, header},
    middleware,
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    limit::RequestBodyLimitLayer,
    sensitive_headers::SetSensitiveRequestHeadersLayer,
    timeout::{RequestBodyDeadlineLayer, TimeoutLayer},
};

use base::app::App;
pub use limits::Limits;
pub use telemetry::{install_metrics, metrics_router};

/// What handlers share.
#[derive(Clone, Debug)]
pub struct Web {
    /// The application.
    pub app: App,
    /// Rate limits.
    pub limits: std::sync::Arc<Limits>,
    /// Whether the process is ready for requests.
    pub ready: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Web {
    /// Shared state for an application.
    pub fn new(app: App) -> Self {
        let limits = Limits::new(app.config.requests_per_minute);
        Self { app, limits: std::sync::Arc::new(limits), ready: std::sync::Arc::new(true.into()) }
    }
}

/// Every route with every layer.
pub fn router(web: Web) -> Router {
    let upload = usize::try_from(web.app.config.limits.upload).unwrap_or(16 << 20) + (1 << 20);
    let (api, document) = api::router(&web);
    let reader = api.clone().with_state(web.clone());
    let api = api.layer(middleware::from_fn(move |request, next| conditional::resolve(reader.clone(), request, next)));
    let pages = pages::router()
        .layer(middleware::from_fn_with_state(web.clone(), pages::hold))
        .layer(middleware::from_fn(csrf::same_origin))
        .layer(middleware::from_fn(guard::page_headers));
    Router::new()
        .merge(pages)
        .merge(api)
        .merge(scim::router())
        .merge(api::docs(&document))
        .merge(statics::router())
        .fallback(error::no_page)
        .with_state(web.clone())
        .layer(middleware::from_fn_with_state(web.clone(), guard::refusals))
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(upload))
        .layer(RequestBodyDeadlineLayer::new(Duration::from_mins(1)))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, Duration::from_mins(2)))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(middleware::from_fn_with_state(web.clone(), limits::per_peer))
        .layer(middleware::from_fn_with_state(web.clone(), forwarded::client))
        .layer(middleware::from_fn_with_state(web.clone(), guard::host))
        .layer(middleware::from_fn(guard::headers))
        .layer(CompressionLayer::new().gzip(true))
        .layer(middleware::from_fn(telemetry::observe))
        .layer(SetSensitiveRequestHeadersLayer::new([header::AUTHORIZATION, header::COOKIE]))
        .merge(health::router(web))
}

/// The OpenAPI document of the API, for tests and tools.
pub fn openapi(web: &Web) -> utoipa::openapi::OpenApi {
    api::router(web).1
}

/// A file that goes out as it came in: never shown by the browser, whatever it holds.
fn download(name: &str, bytes: Vec<u8>) -> axum::response::Response {
    use axum::response::IntoResponse;
    let plain: String =
        name.chars().map(|c| if c.is_ascii_graphic() && !"\"\\%;".contains(c) { c } else { '_' }).collect();
    let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20");
    let disposition = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, bytes).into_response()
}
