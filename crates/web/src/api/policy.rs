//! Rules and workflows as drafts, violations, exceptions. What takes two people is done on pages.

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

use super::{body::Body, publication::publication, resource as answers};
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
    approvals::{self, Request},
    policy::tables,
    policy::{
        Exception, ExceptionContent, Expression, Facts, Fault, Finding, RuleContent, Violation, WorkflowContent,
        ops::{self, ExceptionRow, Preview, PublicationRow, ViolationRow},
        vocabulary::Name,
    },
};
use register::publications;

/// The routes.
pub fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .merge(rules::router())
        .merge(workflows::router())
        .routes(routes!(list_facts))
        .routes(routes!(check_expression))
        .routes(routes!(preview_rule))
        .routes(routes!(list_violations))
        .routes(routes!(get_violation))
        .routes(routes!(violation_history))
        .routes(routes!(list_exceptions, request_exception))
        .routes(routes!(get_exception))
        .routes(routes!(exception_history))
        .routes(routes!(integration_findings))
        .routes(routes!(meet_condition))
}

publication!(rules, RuleContent, &ops::RULES, &tables::RULES, PublicationRow, "policy",
    paths: "/rules", "/rules/{key}", "/rules/{key}/versions", "/rules/{key}/discard", "/rules/{key}/history",
    ids: "list_rules", "create_rule", get "get_rule", "update_rule", "rule_versions", "discard_rule_draft", "rule_history");
publication!(workflows, WorkflowContent, &ops::WORKFLOWS, &tables::WORKFLOWS, PublicationRow, "policy",
    paths: "/workflows", "/workflows/{key}", "/workflows/{key}/versions", "/workflows/{key}/discard", "/workflows/{key}/history",
    ids: "list_workflows", "create_workflow", get "get_workflow", "update_workflow", "workflow_versions", "discard_workflow_draft", "workflow_history");

fn id(text: &str, what: &'static str) -> Result<Uuid, Error> {
    text.parse().map_err(|_| Error::NotFound(what))
}

#[utoipa::path(get, path = "/rules/facts", tag = "policy",
    responses((status = 200, body = Vec<Name>, description = "Every name that an expression may use, with its type and meaning")))]
async fn list_facts(State(_web): State<Web>, Caller(actor): Caller) -> Result<Json<Vec<Name>>, ApiError> {
    actor.require(identity::Permission::Read)?;
    Ok(Json(Facts::names()))
}

/// An expression to be looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpressionText {
    /// CEL over the facts.
    pub expression: String,
}

/// What is wrong with it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Checked {
    /// Nothing, where it may be saved.
    pub faults: Vec<Fault>,
    /// What is better mended: where it meets null it could not be evaluated, which is a finding of its own.
    pub hints: Vec<Fault>,
}

#[utoipa::path(post, path = "/rules/check", tag = "policy", request_body = ExpressionText,
    responses((status = 200, body = Checked, description = "Each fault with line, column and reason")))]
async fn check_expression(
    State(_web): State<Web>,
    Caller(actor): Caller,
    Body(text): Body<ExpressionText>,
) -> Result<Json<Checked>, ApiError> {
    actor.require(identity::Permission::Govern)?;
    Ok(Json(match Expression::compile(&text.expression) {
        Ok(sound) => Checked { faults: Vec::new(), hints: sound.hints().to_vec() },
        Err(faults) => Checked { faults, hints: Vec::new() },
    }))
}

#[utoipa::path(get, path = "/rules/{key}/preview", tag = "policy",
    params(("key" = String, Path, description = "Id or key")),
    responses((status = 200, body = Preview, description = "What the draft, or else what is in force, finds in the register and in past decisions")))]
async fn preview_rule(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Preview>, ApiError> {
    let found = publications::ops::find::<RuleContent>(&web.app, &actor, &key).await?;
    Ok(Json(ops::preview(&web.app, &actor, Some(found.id), found.shown()?).await?))
}

#[utoipa::path(get, path = "/violations", tag = "policy", params(ListParams),
    responses((status = 200, body = ListOf<ViolationRow>, description = "A page; all of it as `text/csv` or `application/x-ndjson` by Accept")))]
async fn list_violations(
    State(web): State<Web>,
    Caller(actor): Caller,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    listing::answer::<ViolationRow>(&web, &actor, ops::violations_list(&actor), &tables::VIOLATIONS, &pairs, &headers)
        .await
}

#[utoipa::path(get, path = "/violations/{id}", tag = "policy", params(("id" = Uuid, Path, description = "The violation")),
    responses((status = 200, body = Violation, description = "The violation with the values that made it fire")))]
async fn get_violation(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Response, ApiError> {
    let found = ops::find_violation(&web.app, &actor, id(&key, "violation")?).await?;
    Ok(answers::record(StatusCode::OK, &found, found.revision))
}

#[utoipa::path(get, path = "/violations/{id}/history", tag = "policy", params(("id" = Uuid, Path, description = "The violation")),
    responses((status = 200, body = Vec<AuditEvent>, description = "What happened to it, newest first")))]
async fn violation_history(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Vec<AuditEvent>>, ApiError> {
    let found = ops::find_violation(&web.app, &actor, id(&key, "violation")?).await?;
    Ok(Json(audit::ops::history(&web.app, &actor, "violation", found.id).await?))
}

#[utoipa::path(get, path = "/exceptions", tag = "policy", params(ListParams),
    responses((status = 200, body = ListOf<ExceptionRow>, description = "A page; all of it as `text/csv` or `application/x-ndjson` by Accept")))]
async fn list_exceptions(
    State(web): State<Web>,
    Caller(actor): Caller,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    listing::answer::<ExceptionRow>(&web, &actor, &ops::EXCEPTIONS, &tables::EXCEPTIONS, &pairs, &headers).await
}

#[utoipa::path(post, path = "/exceptions", tag = "policy", request_body = ExceptionContent,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same request with the same key is answered once")),
    responses((status = 201, body = Exception, description = "Asked for; a governance lead decides on its page")))]
async fn request_exception(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(content): Body<ExceptionContent>,
) -> Result<Response, ApiError> {
    let done = ops::request_exception(&web.app, &actor, content).await?;
    Ok(answers::created(&done, done.revision, &format!("/api/v1/exceptions/{}", done.id)))
}

#[utoipa::path(get, path = "/exceptions/{id}", tag = "policy", params(("id" = Uuid, Path, description = "The exception")),
    responses((status = 200, body = Exception, description = "The exception")))]
async fn get_exception(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Response, ApiError> {
    let found = ops::find_exception(&web.app, &actor, id(&key, "exception")?).await?;
    Ok(answers::record(StatusCode::OK, &found, found.revision))
}

#[utoipa::path(get, path = "/exceptions/{id}/history", tag = "policy", params(("id" = Uuid, Path, description = "The exception")),
    responses((status = 200, body = Vec<AuditEvent>, description = "What happened to it, newest first")))]
async fn exception_history(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Vec<AuditEvent>>, ApiError> {
    let found = ops::find_exception(&web.app, &actor, id(&key, "exception")?).await?;
    Ok(Json(audit::ops::history(&web.app, &actor, "exception", found.id).await?))
}

#[utoipa::path(get, path = "/integrations/{key}/findings", tag = "policy",
    params(("key" = String, Path, description = "Id or slug of the integration")),
    responses((status = 200, body = Vec<Finding>, description = "What rules say of it now, as it is in force")))]
async fn integration_findings(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Vec<Finding>>, ApiError> {
    Ok(Json(ops::findings_now(&web.app, &actor, &key).await?))
}

/// What was done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// What was done, and where it can be seen.
    pub note: String,
}

#[utoipa::path(post, path = "/requests/{id}/conditions/{condition}/meet", tag = "change requests", request_body = Note,
    params(("id" = Uuid, Path, description = "The request"), ("condition" = Uuid, Path, description = "The condition")),
    responses((status = 200, body = Request, description = "Met; with the last one before going live, the content is in force")))]
async fn meet_condition(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path((request, condition)): Path<(String, String)>,
    Body(note): Body<Note>,
) -> Result<Response, ApiError> {
    let (request, condition) = (id(&request, "change request")?, id(&condition, "condition")?);
    let done = approvals::ops::meet_condition(&web.app, &actor, request, condition, &note.note).await?;
    Ok(answers::record(StatusCode::OK, &done, done.revision))
}
