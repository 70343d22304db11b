//! Campaigns and their items. What people decide is done on pages.

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
    Web,
    error::ApiError,
    extract::{Caller, Pairs},
    listing::{self, ListOf, ListParams},
};
use base::{
    audit::{self, AuditEvent},
    error::Error,
};
use governance::{
    campaigns::tables,
    campaigns::{
        Campaign, CampaignContent,
        ops::{self, CampaignRow, ItemView, ReviewItemRow, Standing},
    },
};

/// The routes.
pub fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(list, plan))
        .routes(routes!(get))
        .routes(routes!(standing))
        .routes(routes!(history))
        .routes(routes!(items))
        .routes(routes!(item))
        .routes(routes!(item_history))
}

fn id(text: &str, what: &'static str) -> Result<Uuid, Error> {
    text.parse().map_err(|_| Error::NotFound(what))
}

#[utoipa::path(get, path = "/campaigns", tag = "recertification", operation_id = "list_campaigns", params(ListParams),
    responses((status = 200, body = ListOf<CampaignRow>, description = "A page; all of it as `text/csv` or `application/x-ndjson` by Accept")))]
async fn list(
    State(web): State<Web>,
    Caller(actor): Caller,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    listing::answer::<CampaignRow>(&web, &actor, &ops::CAMPAIGNS, &tables::CAMPAIGNS, &pairs, &headers).await
}

#[utoipa::path(post, path = "/campaigns", tag = "recertification", operation_id = "plan_campaign", request_body = CampaignContent,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same request with the same key is answered once")),
    responses((status = 201, body = Campaign, description = "Planned; running where its first day is today")))]
async fn plan(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(content): Body<CampaignContent>,
) -> Result<Response, ApiError> {
    let done = ops::plan(&web.app, &actor, content).await?;
    Ok(answers::created(&done, done.revision, &format!("/api/v1/campaigns/{}", done.id)))
}

#[utoipa::path(get, path = "/campaigns/{id}", tag = "recertification", operation_id = "get_campaign", params(("id" = Uuid, Path, description = "The campaign")),
    responses((status = 200, body = Campaign, description = "The campaign")))]
async fn get(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>) -> Result<Response, ApiError> {
    let found = ops::find_campaign(&web.app, &actor, id(&key, "campaign")?).await?;
    Ok(answers::record(StatusCode::OK, &found, found.revision))
}

#[utoipa::path(get, path = "/campaigns/{id}/standing", tag = "recertification", operation_id = "campaign_standing", params(("id" = Uuid, Path, description = "The campaign")),
    responses((status = 200, body = Standing, description = "Where its items stand, and how fast and how independently they were decided")))]
async fn standing(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Standing>, ApiError> {
    let found = ops::find_campaign(&web.app, &actor, id(&key, "campaign")?).await?;
    Ok(Json(ops::standing(&web.app, &actor, found.id).await?))
}

#[utoipa::path(get, path = "/campaigns/{id}/history", tag = "recertification", operation_id = "campaign_history", params(("id" = Uuid, Path, description = "The campaign")),
    responses((status = 200, body = Vec<AuditEvent>, description = "What happened to it, newest first")))]
async fn history(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Vec<AuditEvent>>, ApiError> {
    let found = ops::find_campaign(&web.app, &actor, id(&key, "campaign")?).await?;
    Ok(Json(audit::ops::history(&web.app, &actor, "campaign", found.id).await?))
}

#[utoipa::path(get, path = "/review-items", tag = "recertification", operation_id = "list_review_items", params(ListParams),
    responses((status = 200, body = ListOf<ReviewItemRow>, description = "A page, with evidence; all of it as `text/csv` or `application/x-ndjson` by Accept")))]
async fn items(
    State(web): State<Web>,
    Caller(actor): Caller,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    listing::answer::<ReviewItemRow>(&web, &actor, &ops::REVIEW_ITEMS, &tables::REVIEW_ITEMS, &pairs, &headers).await
}

#[utoipa::path(get, path = "/review-items/{id}", tag = "recertification", operation_id = "get_review_item", params(("id" = Uuid, Path, description = "The item")),
    responses((status = 200, body = ItemView, description = "The item, with what is known now and what that suggests")))]
async fn item(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>) -> Result<Response, ApiError> {
    let found = ops::view_item(&web.app, &actor, id(&key, "review item")?).await?;
    Ok(answers::record(StatusCode::OK, &found, found.item.revision))
}

#[utoipa::path(get, path = "/review-items/{id}/history", tag = "recertification", operation_id = "review_item_history", params(("id" = Uuid, Path, description = "The item")),
    responses((status = 200, body = Vec<AuditEvent>, description = "What happened to it, newest first")))]
async fn item_history(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Vec<AuditEvent>>, ApiError> {
    let found = ops::find_item(&web.app, &actor, id(&key, "review item")?).await?;
    Ok(Json(audit::ops::history(&web.app, &actor, "review_item", found.id).await?))
}
