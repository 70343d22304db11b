//! Change requests. Everything but the decision, which no token makes; and saved views, to read.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    body::{Body, patched},
    resource as answers,
};
use crate::{
    Web, conditional,
    error::{ApiError, Problem},
    extract::{Caller, Pairs},
    listing::{self, ListOf, ListParams},
};
use base::{
    audit::{self, AuditEvent},
    error::Error,
};
use governance::{
    approvals::tables,
    approvals::{
        Delegation, Merged, Request, RequestKind, SavedView,
        ops::{self, ConditionRow, JudgedFacts, RequestRow, RequestView},
    },
};
use register::integrations::{self, IntegrationContent};

/// A request to be begun on an integration that is here.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRequest {
    /// What is asked for.
    pub kind: RequestKind,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// The fields of the content to change (RFC 7396), for a change.
    #[serde(default)]
    #[schema(value_type = Option<IntegrationContent>)]
    pub content: Option<serde_json::Value>,
}

/// What of a request is edited.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Why it is asked for.
    #[serde(default)]
    pub reason: Option<String>,
    /// The proposed content.
    pub content: IntegrationContent,
}

/// A request brought onto its new base.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rebased {
    /// The request.
    pub request: Request,
    /// What followed the base, and what both changed.
    pub merged: Merged,
}

/// The routes.
pub fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(list_requests))
        .routes(routes!(integration_requests, propose_request))
        .routes(routes!(get_request, edit_request))
        .routes(routes!(submit_request))
        .routes(routes!(withdraw_request))
        .routes(routes!(rebase_request))
        .routes(routes!(request_history))
        .routes(routes!(list_conditions))
        .routes(routes!(request_facts))
        .routes(routes!(list_delegations))
        .routes(routes!(list_views))
}

fn id(text: &str) -> Result<Uuid, Error> {
    text.parse().map_err(|_| Error::NotFound("change request"))
}

#[utoipa::path(get, path = "/requests", tag = "change requests", params(ListParams),
    responses((status = 200, body = ListOf<RequestRow>, description = "A page; all of it as `text/csv` or `application/x-ndjson` by Accept")))]
async fn list_requests(
    State(web): State<Web>,
    Caller(actor): Caller,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    listing::answer::<RequestRow>(&web, &actor, &ops::REQUESTS, &tables::REQUESTS, &pairs, &headers).await
}

#[utoipa::path(get, path = "/conditions", tag = "change requests", params(ListParams),
    responses((status = 200, body = ListOf<ConditionRow>, description = "A page of the conditions of approvals; all of it as `text/csv` or `application/x-ndjson` by Accept")))]
async fn list_conditions(
    State(web): State<Web>,
    Caller(actor): Caller,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    listing::answer::<ConditionRow>(&web, &actor, &ops::CONDITIONS, &tables::CONDITIONS, &pairs, &headers).await
}

#[utoipa::path(get, path = "/integrations/{key}/requests", tag = "integrations",
    params(("key" = String, Path, description = "Id or slug")),
    responses((status = 200, body = Vec<Request>, description = "Its change requests, newest first")))]
async fn integration_requests(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Vec<Request>>, ApiError> {
    let found = integrations::ops::find_integration(&web.app, &actor, &key).await?;
    Ok(Json(ops::requests_of(&web.app, &actor, found.id).await?))
}

#[utoipa::path(post, path = "/integrations/{key}/requests", tag = "change requests", request_body = NewRequest,
    params(("key" = String, Path, description = "Id or slug of the integration"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same request with the same key is answered once")),
    responses((status = 201, body = Request, description = "A draft over what is in force")))]
async fn propose_request(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    Body(new): Body<NewRequest>,
) -> Result<Response, ApiError> {
    let content = match new.content {
        Some(patch) => {
            let found = integrations::ops::find_integration(&web.app, &actor, &key).await?;
            Some(patched::<IntegrationContent>(&found.content, patch).map_err(below_content)?)
        }
        None => None,
    };
    let request = ops::propose(&web.app, &actor, &key, new.kind, content, new.reason).await?;
    let address = format!("/api/v1/requests/{}", request.id);
    Ok(answers::created(&request, request.revision, &address))
}

/// Points into the content where the fault is.
fn below_content(error: Error) -> Error {
    match error {
        Error::Invalid(errors) => {
            let mut below = base::error::FieldErrors::new();
            below.add_all("/content", errors);
            Error::Invalid(below)
        }
        other => other,
    }
}

#[utoipa::path(get, path = "/requests/{id}", tag = "change requests",
    params(("id" = Uuid, Path, description = "The request")),
    responses((status = 200, body = RequestView, description = "The request, what it would change, what it lacks, who acts next")))]
async fn get_request(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Response, ApiError> {
    let view = ops::view_request(&web.app, &actor, id(&key)?).await?;
    Ok(answers::record(StatusCode::OK, &view, view.request.revision))
}

#[utoipa::path(patch, path = "/requests/{id}", tag = "change requests",
    params(("id" = Uuid, Path, description = "The request"), ("If-Match" = String, Header, description = "The ETag that the edit is based on")),
    request_body(content = Edit, content_type = "application/merge-patch+json", description = "The fields to change (RFC 7396)"),
    responses((status = 200, body = Request, description = "Edited; a material edit of an open request voids its approvals")))]
async fn edit_request(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
    Body(patch): Body<serde_json::Value>,
) -> Result<Response, ApiError> {
    let revision = conditional::if_match(&headers)?;
    let found = ops::find_request(&web.app, &actor, id(&key)?).await?;
    let present = Edit { reason: found.reason.clone(), content: found.content.clone() };
    let edit: Edit = patched(&present, patch)?;
    let done = ops::edit_request(&web.app, &actor, found.id, revision, edit.content, edit.reason).await;
    let done = done.map_err(|error| match error {
        // The reason is a field of its own.
        Error::Invalid(errors) if errors.as_slice().iter().all(|error| error.pointer != "/reason") => {
            below_content(Error::Invalid(errors))
        }
        other => other,
    })?;
    Ok(answers::record(StatusCode::OK, &done, done.revision))
}

#[utoipa::path(post, path = "/requests/{id}/submit", tag = "change requests",
    params(("id" = Uuid, Path, description = "The request"), ("If-Match" = String, Header, description = "The ETag that was looked at")),
    responses((status = 200, body = Request, description = "Waiting for its first stage"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; every missing field is named")))]
async fn submit_request(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let revision = conditional::if_match(&headers)?;
    let done = ops::submit_request(&web.app, &actor, id(&key)?, revision, None).await?;
    Ok(answers::record(StatusCode::OK, &done, done.revision))
}

#[utoipa::path(post, path = "/requests/{id}/withdraw", tag = "change requests",
    params(("id" = Uuid, Path, description = "The request"), ("If-Match" = String, Header, description = "The ETag that was looked at")),
    responses((status = 200, body = Request, description = "Withdrawn")))]
async fn withdraw_request(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let revision = conditional::if_match(&headers)?;
    let done = ops::withdraw_request(&web.app, &actor, id(&key)?, revision).await?;
    Ok(answers::record(StatusCode::OK, &done, done.revision))
}

#[utoipa::path(post, path = "/requests/{id}/rebase", tag = "change requests",
    params(("id" = Uuid, Path, description = "The request"), ("If-Match" = String, Header, description = "The ETag that was looked at")),
    responses((status = 200, body = Rebased, description = "Based on what is in force now")))]
async fn rebase_request(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let revision = conditional::if_match(&headers)?;
    let (request, merged) = ops::rebase_request(&web.app, &actor, id(&key)?, revision).await?;
    let now = request.revision;
    Ok(answers::record(StatusCode::OK, &Rebased { request, merged }, now))
}

#[utoipa::path(get, path = "/requests/{id}/history", tag = "change requests",
    params(("id" = Uuid, Path, description = "The request")),
    responses((status = 200, body = Vec<AuditEvent>, description = "What happened to it, newest first")))]
async fn request_history(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Vec<AuditEvent>>, ApiError> {
    let found = ops::find_request(&web.app, &actor, id(&key)?).await?;
    Ok(Json(audit::ops::history(&web.app, &actor, "change_request", found.id).await?))
}

#[utoipa::path(get, path = "/requests/{id}/facts", tag = "change requests",
    params(("id" = Uuid, Path, description = "The request")),
    responses((status = 200, body = Vec<JudgedFacts>, description = "What rules looked at and found at each submission, edit and decision, oldest first")))]
async fn request_facts(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Vec<JudgedFacts>>, ApiError> {
    Ok(Json(ops::facts_of_request(&web.app, &actor, id(&key)?).await?))
}

#[utoipa::path(get, path = "/delegations", tag = "change requests",
    responses((status = 200, body = Vec<Delegation>, description = "Your delegations and those to you that are not past; a script has none")))]
async fn list_delegations(State(web): State<Web>, Caller(actor): Caller) -> Result<Json<Vec<Delegation>>, ApiError> {
    Ok(Json(ops::delegations(&web.app, &actor).await?))
}

#[utoipa::path(get, path = "/views", tag = "saved views",
    responses((status = 200, body = Vec<SavedView>, description = "The views that you see: your own, your teams', everyone's")))]
async fn list_views(State(web): State<Web>, Caller(actor): Caller) -> Result<Json<Vec<SavedView>>, ApiError> {
    Ok(Json(ops::views(&web.app, &actor, None).await?))
}
