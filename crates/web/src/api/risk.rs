//! The risk of integrations and vendors, and the model that scores it.

use axum::{
    Json,
    extract::{Path, State},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::publication::publication;
use crate::{Web, error::ApiError, extract::Caller};
use governance::{
    policy::tables,
    policy::{
        RiskModelContent,
        ops::{self, PublicationRow, Risk},
    },
};

/// The routes.
pub fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new().merge(models::router()).routes(routes!(of_integration)).routes(routes!(of_vendor))
}

publication!(models, RiskModelContent, &ops::RISK_MODELS, &tables::RISK_MODELS, PublicationRow, "policy",
    paths: "/risk-models", "/risk-models/{key}", "/risk-models/{key}/versions", "/risk-models/{key}/discard", "/risk-models/{key}/history",
    ids: "list_risk_models", get "get_risk_model", "update_risk_model", "risk_model_versions", "discard_risk_model_draft", "risk_model_history");

#[utoipa::path(get, path = "/integrations/{key}/risk", tag = "policy", operation_id = "integration_risk",
    params(("key" = String, Path, description = "Id or slug of the integration")),
    responses((status = 200, body = Option<Risk>, description = "Its risk, how that comes about, and what it was; null until it was scored")))]
async fn of_integration(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Option<Risk>>, ApiError> {
    Ok(Json(ops::risk_of(&web.app, &actor, &key).await?))
}

#[utoipa::path(get, path = "/vendors/{key}/risk", tag = "policy", operation_id = "vendor_risk",
    params(("key" = String, Path, description = "Id or slug of the vendor")),
    responses((status = 200, body = Option<Risk>, description = "The highest risk of its integrations in use; null where there is none")))]
async fn of_vendor(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Option<Risk>>, ApiError> {
    Ok(Json(ops::risk_of_vendor(&web.app, &actor, &key).await?))
}
