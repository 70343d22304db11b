//! Integrations, their data flows and scopes, and credentials.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{body::Body, resource as answers};
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
use governance::approvals::{self, Request, ops::Stewardship};
use register::integrations::{
    Integration, IntegrationContent,
    ops::{self, FlowRow, GrantFacts, GrantRow, IntegrationRow, OfferedScope, OwnerSuggestion, Start},
};

mod credentials {
    use crate::api::resource::resource;
    use register::integrations::{Credential, CredentialContent, ops};
    resource!("credentials", Credential, CredentialContent, ops::CredentialRow, "credential", &ops::CREDENTIALS, &register::integrations::tables::CREDENTIALS,
        paths: "/credentials", "/credentials/{key}", "/credentials/{key}/history", "/credentials/{key}/record",
        ids: "list_credentials", "create_credential", "get_credential", "update_credential", "credential_history", "credential_at",
        ops: ops::find_credential, ops::create_credential, ops::update_credential);

    use super::Reason;
    use register::integrations::Rotation;

    #[utoipa::path(post, path = "/credentials/{key}/rotation", tag = "credentials", operation_id = "record_rotation", request_body = Rotation,
        params(("key" = String, Path, description = "Id or slug"), ("If-Match" = String, Header, description = "The ETag that was looked at")),
        responses((status = 200, body = Credential, description = "Rotated; a fingerprint it ever had is refused")))]
    async fn rotate(
        State(web): State<Web>,
        Caller(actor): Caller,
        Path(key): Path<String>,
        headers: HeaderMap,
        Body(rotation): Body<Rotation>,
    ) -> Result<Response, ApiError> {
        let revision = conditional::if_match(&headers)?;
        let found = ops::find_credential(&web.app, &actor, &key).await?;
        let done = ops::record_rotation(&web.app, &actor, found.id, revision, rotation).await?;
        Ok(resource::record(StatusCode::OK, &done, done.revision))
    }

    #[utoipa::path(post, path = "/credentials/{key}/rotation/begin", tag = "credentials", operation_id = "begin_rotation",
        params(("key" = String, Path, description = "Id or slug"), ("If-Match" = String, Header, description = "The ETag that was looked at")),
        responses((status = 200, body = Credential, description = "The new one is being brought in")))]
    async fn begin(
        State(web): State<Web>,
        Caller(actor): Caller,
        Path(key): Path<String>,
        headers: HeaderMap,
    ) -> Result<Response, ApiError> {
        let revision = conditional::if_match(&headers)?;
        let found = ops::find_credential(&web.app, &actor, &key).await?;
        let done = ops::begin_rotation(&web.app, &actor, found.id, revision).await?;
        Ok(resource::record(StatusCode::OK, &done, done.revision))
    }

    #[utoipa::path(post, path = "/credentials/{key}/compromise", tag = "credentials", operation_id = "mark_compromised", request_body = Reason,
        params(("key" = String, Path, description = "Id or slug"), ("If-Match" = String, Header, description = "The ETag that was looked at")),
        responses((status = 200, body = Credential, description = "Marked")))]
    async fn compromise(
        State(web): State<Web>,
        Caller(actor): Caller,
        Path(key): Path<String>,
        headers: HeaderMap,
        Body(reason): Body<Reason>,
    ) -> Result<Response, ApiError> {
        let revision = conditional::if_match(&headers)?;
        let found = ops::find_credential(&web.app, &actor, &key).await?;
        let done = ops::mark_compromised(&web.app, &actor, found.id, revision, &reason.reason).await?;
        Ok(resource::record(StatusCode::OK, &done, done.revision))
    }

    #[utoipa::path(post, path = "/credentials/{key}/revoke", tag = "credentials", operation_id = "revoke_credential", request_body = Reason,
        params(("key" = String, Path, description = "Id or slug"), ("If-Match" = String, Header, description = "The ETag that was looked at")),
        responses((status = 200, body = Credential, description = "Revoked")))]
    async fn revoke(
        State(web): State<Web>,
        Caller(actor): Caller,
        Path(key): Path<String>,
        headers: HeaderMap,
        Body(reason): Body<Reason>,
    ) -> Result<Response, ApiError> {
        let revision = conditional::if_match(&headers)?;
        let found = ops::find_credential(&web.app, &actor, &key).await?;
        let done = ops::revoke_credential(&web.app, &actor, found.id, revision, &reason.reason).await?;
        Ok(resource::record(StatusCode::OK, &done, done.revision))
    }

    pub fn router() -> OpenApiRouter<Web> {
        shared().routes(routes!(rotate)).routes(routes!(begin)).routes(routes!(compromise)).routes(routes!(revoke))
    }
}

/// Why something is done at once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// The reason; always needed.
    pub reason: String,
}

/// A new integration and the request that it may come into force.
#[derive(Debug, Serialize, ToSchema)]
pub struct Registered {
    /// The integration, proposed.
    pub integration: Integration,
    /// Its request, a draft. Submit it when nothing is missing.
    pub request: Request,
}

/// How many records changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Changed {
    /// The number.
    pub changed: usize,
}

/// The routes.
pub fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(list_integrations, register_integration))
        .routes(routes!(steward_integrations))
        .routes(routes!(get_integration))
        .routes(routes!(integration_history))
        .routes(routes!(integration_at))
        .routes(routes!(offered_scopes))
        .routes(routes!(suggested_owners))
        .routes(routes!(suspend_integration))
        .routes(routes!(record_grants))
        .routes(routes!(list_data_flows))
        .routes(routes!(list_scopes))
        .merge(credentials::router())
}

#[utoipa::path(get, path = "/integrations", tag = "integrations", params(ListParams),
    responses((status = 200, body = ListOf<IntegrationRow>, description = "A page; all of it as `text/csv` or `application/x-ndjson` by Accept")))]
async fn list_integrations(
    State(web): State<Web>,
    Caller(actor): Caller,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    listing::answer::<IntegrationRow>(
        &web,
        &actor,
        &ops::INTEGRATIONS,
        &governance::approvals::tables::INTEGRATIONS,
        &pairs,
        &headers,
    )
    .await
}

#[utoipa::path(get, path = "/data-flows", tag = "integrations", params(ListParams),
    responses((status = 200, body = ListOf<FlowRow>, description = "A page; all of it as `text/csv` or `application/x-ndjson` by Accept")))]
async fn list_data_flows(
    State(web): State<Web>,
    Caller(actor): Caller,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    listing::answer::<FlowRow>(
        &web,
        &actor,
        &ops::DATA_FLOWS,
        &register::integrations::tables::DATA_FLOWS,
        &pairs,
        &headers,
    )
    .await
}

#[utoipa::path(get, path = "/scopes", tag = "integrations", params(ListParams),
    responses((status = 200, body = ListOf<GrantRow>, description = "A page; all of it as `text/csv` or `application/x-ndjson` by Accept")))]
async fn list_scopes(
    State(web): State<Web>,
    Caller(actor): Caller,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    listing::answer::<GrantRow>(&web, &actor, &ops::SCOPES, &register::integrations::tables::SCOPES, &pairs, &headers)
        .await
}

#[utoipa::path(post, path = "/integrations", tag = "integrations", request_body = IntegrationContent,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same request with the same key is answered once")),
    responses((status = 201, body = Registered, description = "Proposed, with a draft of its request; what the API version says is filled in")))]
async fn register_integration(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(content): Body<IntegrationContent>,
) -> Result<Response, ApiError> {
    let (integration, request) = approvals::ops::register(&web.app, &actor, content, Start::FromVersion).await?;
    let (revision, address) = (integration.revision, format!("/api/v1/integrations/{}", integration.id));
    Ok(answers::created(&Registered { integration, request }, revision, &address))
}

#[utoipa::path(get, path = "/integrations/{key}", tag = "integrations",
    params(("key" = String, Path, description = "Id or slug")),
    responses((status = 200, body = Integration, description = "The whole record with its parts; its ETag is the revision")))]
async fn get_integration(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Response, ApiError> {
    let found = ops::find_integration(&web.app, &actor, &key).await?;
    Ok(answers::record(StatusCode::OK, &found, found.revision))
}

#[utoipa::path(get, path = "/integrations/{key}/history", tag = "integrations",
    params(("key" = String, Path, description = "Id or slug")),
    responses((status = 200, body = Vec<AuditEvent>, description = "What happened to it, newest first")))]
async fn integration_history(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Vec<AuditEvent>>, ApiError> {
    let found = ops::find_integration(&web.app, &actor, &key).await?;
    Ok(Json(audit::ops::history(&web.app, &actor, "integration", found.id).await?))
}

#[utoipa::path(get, path = "/integrations/{key}/record", tag = "integrations",
    params(("key" = String, Path, description = "Id or slug"), answers::AtMoment),
    responses((status = 200, body = audit::ops::PastRecord, description = "The record as it was then")))]
async fn integration_at(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    pairs: Pairs,
) -> Result<Json<audit::ops::PastRecord>, ApiError> {
    let at = pairs.get("at").and_then(|at| at.parse().ok());
    let at = at.ok_or_else(|| Error::field("/at", "Give a moment, such as 2027-01-31T00:00:00Z."))?;
    let found = ops::find_integration(&web.app, &actor, &key).await?;
    Ok(Json(audit::ops::version_at(&web.app, &actor, "integration", found.id, at).await?))
}

#[utoipa::path(get, path = "/integrations/{key}/offered-scopes", tag = "integrations",
    params(("key" = String, Path, description = "Id or slug")),
    responses((status = 200, body = Vec<OfferedScope>, description = "The scopes that its API version offers")))]
async fn offered_scopes(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Vec<OfferedScope>>, ApiError> {
    let found = ops::find_integration(&web.app, &actor, &key).await?;
    Ok(Json(ops::scopes_of(&web.app, &actor, &found).await?))
}

#[utoipa::path(get, path = "/integrations/{key}/suggested-owners", tag = "integrations",
    params(("key" = String, Path, description = "Id or slug")),
    responses((status = 200, body = Vec<OwnerSuggestion>, description = "Teams that may own it, and where each suggestion comes from; none counts as an owner")))]
async fn suggested_owners(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Vec<OwnerSuggestion>>, ApiError> {
    let found = ops::find_integration(&web.app, &actor, &key).await?;
    Ok(Json(ops::suggested_owners(&web.app, &actor, &[found.id]).await?))
}

#[utoipa::path(post, path = "/integrations/{key}/suspend", tag = "integrations", request_body = Reason,
    params(("key" = String, Path, description = "Id or slug"), ("If-Match" = String, Header, description = "The ETag that was looked at")),
    responses((status = 200, body = Integration, description = "Suspended at once; running again takes a request")))]
async fn suspend_integration(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
    Body(reason): Body<Reason>,
) -> Result<Response, ApiError> {
    let revision = conditional::if_match(&headers)?;
    let found = ops::find_integration(&web.app, &actor, &key).await?;
    let done = ops::suspend(&web.app, &actor, found.id, revision, &reason.reason).await?;
    Ok(answers::record(StatusCode::OK, &done, done.revision))
}

#[utoipa::path(put, path = "/integrations/{key}/grants", tag = "integrations", request_body = GrantFacts,
    params(("key" = String, Path, description = "Id or slug"), ("If-Match" = String, Header, description = "The ETag that was looked at")),
    responses((status = 200, body = Integration, description = "What the vendor grants is on record")))]
async fn record_grants(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
    Body(facts): Body<GrantFacts>,
) -> Result<Response, ApiError> {
    let revision = conditional::if_match(&headers)?;
    let found = ops::find_integration(&web.app, &actor, &key).await?;
    let done = ops::record_grants(&web.app, &actor, found.id, revision, facts).await?;
    Ok(answers::record(StatusCode::OK, &done, done.revision))
}

#[utoipa::path(post, path = "/integrations/bulk", tag = "integrations", request_body = Stewardship,
    responses((status = 200, body = Changed, description = "All of them changed, one event each"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; none changed")))]
async fn steward_integrations(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(edit): Body<Stewardship>,
) -> Result<Json<Changed>, ApiError> {
    Ok(Json(Changed { changed: approvals::ops::steward(&web.app, &actor, edit).await? }))
}
