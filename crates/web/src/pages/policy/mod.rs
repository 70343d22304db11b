//! Pages of rules and workflows, violations and exceptions.

mod exceptions;
mod form;
mod lists;
mod preview;
pub(super) mod publication;
mod risk;
mod violations;
mod workflow_form;

use axum::{
    Router,
    routing::{get, post},
};

use crate::Web;
use governance::policy::{RiskModelContent, RuleContent, WorkflowContent};
pub use risk::RiskCard;
pub use violations::Found;

use super::written;

pub fn router() -> Router<Web> {
    Router::new()
        .route("/rules", get(lists::rules).post(form::create))
        .route("/rules/new", get(form::new))
        .route("/rules/export", get(lists::export_rules))
        .route("/rules/{key}", get(publication::show::<RuleContent>).post(form::update))
        .route("/rules/{key}/edit", get(form::edit))
        .route("/rules/{key}/preview", get(preview::show))
        .route("/rules/{key}/preview.csv", get(preview::csv))
        .route("/rules/{key}/propose", post(publication::propose::<RuleContent>))
        .route("/rules/{key}/publish", post(publication::publish::<RuleContent>))
        .route("/rules/{key}/discard", post(publication::discard::<RuleContent>))
        .route("/rules/{key}/go-back", post(publication::go_back::<RuleContent>))
        .route("/workflows", get(lists::workflows).post(workflow_form::create))
        .route("/workflows/new", get(workflow_form::new))
        .route("/workflows/export", get(lists::export_workflows))
        .route("/workflows/{key}", get(publication::show::<WorkflowContent>).post(workflow_form::update))
        .route("/workflows/{key}/edit", get(workflow_form::edit))
        .route("/workflows/{key}/propose", post(publication::propose::<WorkflowContent>))
        .route("/workflows/{key}/publish", post(publication::publish::<WorkflowContent>))
        .route("/workflows/{key}/discard", post(publication::discard::<WorkflowContent>))
        .route("/workflows/{key}/go-back", post(publication::go_back::<WorkflowContent>))
        .route("/risk-models", get(lists::risk_models))
        .route(
            "/risk-models/{key}",
            get(publication::show::<RiskModelContent>).post(written::update::<RiskModelContent>),
        )
        .route("/risk-models/{key}/edit", get(written::edit::<RiskModelContent>))
        .route("/risk-models/{key}/file", get(written::file::<RiskModelContent>))
        .route("/risk-models/{key}/propose", post(publication::propose::<RiskModelContent>))
        .route("/risk-models/{key}/publish", post(publication::publish::<RiskModelContent>))
        .route("/risk-models/{key}/discard", post(publication::discard::<RiskModelContent>))
        .route("/risk-models/{key}/go-back", post(publication::go_back::<RiskModelContent>))
        .route("/integrations/{key}/risk", post(risk::override_integration))
        .route("/vendors/{key}/risk", post(risk::override_vendor))
        .route("/risk-overrides/{id}/lift", post(risk::lift))
        .route("/violations", get(lists::violations))
        .route("/violations/export", get(lists::export_violations))
        .route("/violations/{id}", get(violations::show))
        .route("/exceptions", get(lists::exceptions).post(exceptions::ask))
        .route("/exceptions/new", get(exceptions::new))
        .route("/exceptions/export", get(lists::export_exceptions))
        .route("/exceptions/{id}", get(exceptions::show))
        .route("/exceptions/{id}/decide", post(exceptions::decide))
        .route("/exceptions/{id}/revoke", post(exceptions::revoke))
}

/// The badge of a severity.
pub fn severity_class(severity: &str) -> &'static str {
    match severity {
        "critical" => "over",
        "high" => "due",
        "medium" => "review",
        _ => "draft",
    }
}

/// The badge of a rule's mode or a workflow's use.
pub fn mode_class(mode: &str) -> &'static str {
    match mode {
        "block" => "over",
        "warn" => "due",
        "in_use" => "active",
        "shadow" => "review",
        _ => "draft",
    }
}

/// The badge of where something stands.
pub fn standing_class(standing: &str) -> &'static str {
    match standing {
        "excepted" | "requested" | "proposed" => "review",
        "granted" | "published" | "fixed" => "active",
        "open" | "denied" | "revoked" | "ended" => "over",
        _ => "draft",
    }
}
