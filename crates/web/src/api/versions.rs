//! API versions and documents.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::{Body, patched},
    resource,
};
use crate::{Web, conditional, error::ApiError, extract::Caller};
use register::catalog::{Api, ApiVersion, VersionContent, ops};

/// The routes of versions and documents.
pub fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get_one, update))
        .routes(routes!(set_current))
        .routes(routes!(document))
}

#[utoipa::path(get, path = "/apis/{key}/versions", operation_id = "list_versions", tag = "versions",
    params(("key" = String, Path, description = "Id or slug of the API")),
    responses((status = 200, body = Vec<ops::VersionRow>, description = "The current one first")))]
async fn list(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Vec<ops::VersionRow>>, ApiError> {
    let api = ops::find_api(&web.app, &actor, &key).await?;
    Ok(Json(ops::versions(&web.app, &actor, api.id).await?))
}

#[utoipa::path(post, path = "/apis/{key}/versions", operation_id = "create_version", tag = "versions", request_body = VersionContent,
    params(("key" = String, Path, description = "Id or slug of the API")),
    responses((status = 201, body = ApiVersion, description = "Made")))]
async fn create(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    Body(content): Body<VersionContent>,
) -> Result<Response, ApiError> {
    let api = ops::find_api(&web.app, &actor, &key).await?;
    let version = ops::create_version(&web.app, &actor, api.id, content).await?;
    let address = format!("/api/v1/apis/{}/versions/{}", api.id, version.id);
    Ok(resource::created(&version, version.revision, &address))
}

#[utoipa::path(get, path = "/apis/{key}/versions/{version}", operation_id = "get_version", tag = "versions",
    params(("key" = String, Path, description = "Id or slug of the API"), ("version" = String, Path, description = "Id or slug of the version")),
    responses((status = 200, body = ApiVersion, description = "With endpoints, scopes and operations")))]
async fn get_one(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path((key, version)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let api = ops::find_api(&web.app, &actor, &key).await?;
    let version = ops::find_version(&web.app, &actor, api.id, &version).await?;
    Ok(resource::record(StatusCode::OK, &version, version.revision))
}

#[utoipa::path(patch, path = "/apis/{key}/versions/{version}", operation_id = "update_version", tag = "versions",
    params(("key" = String, Path, description = "Id or slug of the API"), ("version" = String, Path, description = "Id or slug of the version"),
        ("If-Match" = String, Header, description = "The ETag that the change is based on")),
    request_body(content = VersionContent, content_type = "application/merge-patch+json", description = "The fields to change (RFC 7396)"),
    responses((status = 200, body = ApiVersion, description = "Changed")))]
async fn update(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path((key, version)): Path<(String, String)>,
    headers: HeaderMap,
    Body(patch): Body<serde_json::Value>,
) -> Result<Response, ApiError> {
    let revision = conditional::if_match(&headers)?;
    let api = ops::find_api(&web.app, &actor, &key).await?;
    let found = ops::find_version(&web.app, &actor, api.id, &version).await?;
    let content = patched(&found.content, patch)?;
    let changed = ops::update_version(&web.app, &actor, found.id, revision, content).await?;
    Ok(resource::record(StatusCode::OK, &changed, changed.revision))
}

/// Which version is the current one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CurrentVersion {
    /// Id or slug of a version of this API; null for none.
    version: Option<String>,
}

#[utoipa::path(put, path = "/apis/{key}/current-version", operation_id = "set_current_version", tag = "versions", request_body = CurrentVersion,
    params(("key" = String, Path, description = "Id or slug of the API"), ("If-Match" = String, Header, description = "The API's ETag")),
    responses((status = 200, body = Api, description = "Set")))]
async fn set_current(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
    Body(current): Body<CurrentVersion>,
) -> Result<Response, ApiError> {
    let revision = conditional::if_match(&headers)?;
    let api = ops::find_api(&web.app, &actor, &key).await?;
    let changed = ops::set_current_version(&web.app, &actor, api.id, revision, current.version.as_deref()).await?;
    Ok(resource::record(StatusCode::OK, &changed, changed.revision))
}

#[utoipa::path(get, path = "/documents/{sha256}", operation_id = "get_document", tag = "versions",
    params(("sha256" = String, Path, description = "SHA-256 in hexadecimal")),
    responses((status = 200, description = "The document as it was imported", content_type = "application/json", body = serde_json::Value)))]
async fn document(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(sha256): Path<String>,
) -> Result<Response, ApiError> {
    let (kind, body) = ops::document(&web.app, &actor, &sha256).await?;
    Ok(([(header::CONTENT_TYPE, kind.as_str()), (header::CONTENT_ENCODING, "gzip")], body).into_response())
}
