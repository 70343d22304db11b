//! The organisation's settings.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::{Body, patched},
    resource,
};
use crate::{Web, conditional, error::ApiError, extract::Caller};
use register::settings::{Settings, SettingsContent, ops};

/// The route of the settings.
pub fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(get_settings, update_settings))
}

#[utoipa::path(get, path = "/settings", tag = "settings",
    responses((status = 200, body = Settings, description = "The settings")))]
async fn get_settings(State(web): State<Web>, Caller(actor): Caller) -> Result<Response, ApiError> {
    let settings = ops::get(&web.app, &actor).await?;
    Ok(resource::record(StatusCode::OK, &settings, settings.revision))
}

#[utoipa::path(patch, path = "/settings", tag = "settings",
    params(("If-Match" = String, Header, description = "The ETag that the change is based on")),
    request_body(content = SettingsContent, content_type = "application/merge-patch+json", description = "The fields to change (RFC 7396)"),
    responses((status = 200, body = Settings, description = "Changed")))]
async fn update_settings(
    State(web): State<Web>,
    Caller(actor): Caller,
    headers: HeaderMap,
    Body(patch): Body<Value>,
) -> Result<Response, ApiError> {
    let revision = conditional::if_match(&headers)?;
    let present = ops::get(&web.app, &actor).await?;
    let content = patched(&present.content, patch)?;
    let settings = ops::update(&web.app, &actor, revision, content).await?;
    Ok(resource::record(StatusCode::OK, &settings, settings.revision))
}
