//! Pages of recertification.

mod form;
mod item;
mod lists;
mod show;

use axum::{
    Router,
    routing::{get, post},
};

use crate::Web;

pub fn router() -> Router<Web> {
    Router::new()
        .route("/campaigns", get(lists::campaigns).post(form::plan))
        .route("/campaigns/new", get(form::new))
        .route("/campaigns/export", get(lists::export_campaigns))
        .route("/campaigns/{id}", get(show::show))
        .route("/campaigns/{id}/keep", post(show::keep))
        .route("/review-items", get(lists::items))
        .route("/review-items/export", get(lists::export_items))
        .route("/review-items/{id}", get(item::show))
        .route("/review-items/{id}/decide", post(item::decide))
        .route("/review-items/{id}/owner", post(item::owner))
}

/// The badge of where an item or a campaign stands.
pub fn state_class(state: &str) -> &'static str {
    match state {
        "pending" | "planned" | "running" => "review",
        "escalated" => "due",
        "keep" | "ended" => "active",
        "suspended" => "over",
        _ => "draft",
    }
}

/// Seconds as people read them: `90 s`, `12 min`, `3 h`.
pub fn span(seconds: i64) -> String {
    match seconds {
        0..=180 => format!("{seconds} s"),
        181..=7200 => format!("{} min", seconds / 60),
        7201..=172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
