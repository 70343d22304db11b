//! Merging two vendors or two APIs over the API.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{body::Body, resource as answers};
use crate::{
    Web, conditional,
    error::ApiError,
    extract::{Caller, Pairs},
};
use base::error::Error;
use governance::merges::{
    Merge, NewMerge,
    ops::{self, Run},
};
use register::catalog;

pub fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(merge_vendor))
        .routes(routes!(vendor_merges))
        .routes(routes!(merge_api))
        .routes(routes!(api_merges))
        .routes(routes!(one_merge))
        .routes(routes!(undo_merge))
}

/// Whether the outcome is only to be shown.
fn run(pairs: &Pairs) -> Result<Run, Error> {
    match pairs.get("preview") {
        None | Some("false") => Ok(Run::Merge),
        Some("true") => Ok(Run::Preview),
        Some(_) => Err(Error::field("/preview", "Say true or false.")),
    }
}

#[utoipa::path(post, path = "/vendors/{key}/merge", tag = "vendors", request_body = NewMerge,
    params(("key" = String, Path, description = "Id or slug of the vendor that retires"),
        ("preview" = Option<bool>, Query, description = "Show the outcome and change nothing"),
        ("If-Match" = String, Header, description = "The vendor's ETag")),
    responses((status = 200, body = Merge, description = "Merged, or what merging would do")))]
async fn merge_vendor(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    pairs: Pairs,
    headers: HeaderMap,
    Body(new): Body<NewMerge>,
) -> Result<Response, ApiError> {
    let at = (key.as_str(), conditional::if_match(&headers)?);
    let merge = ops::merge_vendor(&web.app, &actor, at, new, run(&pairs)?).await?;
    Ok(answers::record(StatusCode::OK, &merge, merge.revision))
}

#[utoipa::path(get, path = "/vendors/{key}/merges", tag = "vendors",
    params(("key" = String, Path, description = "Id or slug")),
    responses((status = 200, body = Vec<Merge>, description = "The merges in effect that it takes part in, newest first; 50 at most")))]
async fn vendor_merges(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Vec<Merge>>, ApiError> {
    let vendor = catalog::ops::find_vendor(&web.app, &actor, &key).await?;
    Ok(Json(ops::of(&web.app, &actor, vendor.id).await?))
}

#[utoipa::path(post, path = "/apis/{key}/merge", tag = "apis", request_body = NewMerge,
    params(("key" = String, Path, description = "Id or slug of the API that retires"),
        ("preview" = Option<bool>, Query, description = "Show the outcome and change nothing"),
        ("If-Match" = String, Header, description = "The API's ETag")),
    responses((status = 200, body = Merge, description = "Merged, or what merging would do")))]
async fn merge_api(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    pairs: Pairs,
    headers: HeaderMap,
    Body(new): Body<NewMerge>,
) -> Result<Response, ApiError> {
    let at = (key.as_str(), conditional::if_match(&headers)?);
    let merge = ops::merge_api(&web.app, &actor, at, new, run(&pairs)?).await?;
    Ok(answers::record(StatusCode::OK, &merge, merge.revision))
}

#[utoipa::path(get, path = "/apis/{key}/merges", tag = "apis",
    params(("key" = String, Path, description = "Id or slug")),
    responses((status = 200, body = Vec<Merge>, description = "The merges in effect that it takes part in, newest first; 50 at most")))]
async fn api_merges(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Vec<Merge>>, ApiError> {
    let api = catalog::ops::find_api(&web.app, &actor, &key).await?;
    Ok(Json(ops::of(&web.app, &actor, api.id).await?))
}

#[utoipa::path(get, path = "/merges/{id}", tag = "merges", operation_id = "get_merge",
    params(("id" = Uuid, Path, description = "The merge")),
    responses((status = 200, body = Merge, description = "The merge")))]
async fn one_merge(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Response, ApiError> {
    let merge = ops::find(&web.app, &actor, id(&key)?).await?;
    Ok(answers::record(StatusCode::OK, &merge, merge.revision))
}

#[utoipa::path(post, path = "/merges/{id}/undo", tag = "merges",
    params(("id" = Uuid, Path, description = "The merge"), ("If-Match" = String, Header, description = "The merge's ETag")),
    responses((status = 200, body = Merge, description = "Undone: both records are separate again")))]
async fn undo_merge(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let merge = ops::undo(&web.app, &actor, id(&key)?, conditional::if_match(&headers)?).await?;
    Ok(answers::record(StatusCode::OK, &merge, merge.revision))
}

fn id(key: &str) -> Result<Uuid, Error> {
    key.parse().map_err(|_| Error::NotFound("merge"))
}
