//! Whether the process lives, and whether it can work.

use std::sync::atomic::Ordering;

use axum::{Router, extract::State, http::StatusCode, routing::get};

use super::Web;
use base::db::migrate;

/// Outside every layer: these answer whatever else is wrong.
pub fn router(web: Web) -> Router {
    Router::new().route("/livez", get(async || "alive\n")).route("/readyz", get(ready)).with_state(web)
}

async fn ready(State(web): State<Web>) -> (StatusCode, String) {
    if !web.ready.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".into());
    }
    match migrate::ready(&web.app.db).await {
        Ok(()) => (StatusCode::OK, "ready\n".into()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}
