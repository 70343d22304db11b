//! Pages of integrations: lists, the record, registering, bulk edits, the worklist of gaps.

pub mod cells;
mod flows;
mod list;
pub mod new;
mod scopes;
mod show;
pub mod specs;
mod steward;
mod worklist;

use axum::{
    Router,
    routing::{get, post},
};

pub use show::page;

use crate::Web;

pub fn router() -> Router<Web> {
    Router::new()
        .route("/integrations", get(list::index).post(new::create))
        .route("/integrations/export", get(list::export))
        .route("/integrations/new", get(new::new))
        .route("/integrations/new/suggestions", get(new::suggestions))
        .route("/integrations/bulk", get(steward::choose).post(steward::apply))
        .route("/integrations/{key}", get(show::show))
        .route("/integrations/{key}/suspend", post(show::suspend))
        .route("/integrations/{key}/requests", post(show::propose))
        .route("/data-flows", get(flows::index))
        .route("/data-flows/export", get(flows::export))
        .route("/scopes", get(scopes::index))
        .route("/scopes/export", get(scopes::export))
        .route("/worklist", get(worklist::index))
}
