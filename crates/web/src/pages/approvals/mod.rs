//! Pages of change requests: the list, the screen to decide on, the form to edit.

mod beside;
mod conditions;
mod edit;
mod list;
mod moved;
mod show;
mod steps;

use axum::{
    Router,
    routing::{get, post},
};

use crate::Web;
pub use show::waited;

pub fn router() -> Router<Web> {
    Router::new()
        .route("/requests", get(list::index))
        .route("/requests/export", get(list::export))
        .route("/conditions", get(conditions::index))
        .route("/conditions/export", get(conditions::export))
        .route("/requests/{id}", get(show::show).post(edit::update))
        .route("/requests/{id}/edit", get(edit::edit))
        .route("/requests/{id}/submit", post(steps::submit))
        .route("/requests/{id}/withdraw", post(steps::withdraw))
        .route("/requests/{id}/rebase", post(steps::rebase))
        .route("/requests/{id}/decide", post(steps::decide))
        .route("/requests/{id}/conditions/{condition}/meet", post(steps::meet))
}
