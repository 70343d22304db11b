//! Questionnaires as drafts, assessments with their answers, what is wanted, findings, evidence. What
//! people conclude is done on pages.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    body::{Body, raw},
    publication::publication,
    resource as answers,
};
use crate::{
    Web, conditional,
    error::{ApiError, Problem},
    extract::{Caller, Pairs},
    idempotent::Secret,
    listing::{self, ListOf, ListParams},
};
use base::{
    audit::{self, AuditEvent},
    error::Error,
};
use governance::{
    assessments::tables,
    assessments::{
        Assessment, Demand, Flagged, NewAnswer, NewAssessment, Occurrence, QuestionnaireContent,
        ops::{self, AssessmentRow, AssessmentView, DemandRow, FlaggedRow, Preflight, Sent},
    },
    policy::ops::PublicationRow,
};

/// The routes.
pub fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .merge(questionnaires::router())
        .routes(routes!(list, begin))
        .routes(routes!(get))
        .routes(routes!(preflight))
        .routes(routes!(send))
        .routes(routes!(renew))
        .routes(routes!(remind))
        .routes(routes!(withdraw))
        .routes(routes!(answer))
        .routes(routes!(submit))
        .routes(routes!(sheet_out, sheet_in))
        .routes(routes!(history))
        .routes(routes!(demands, report))
        .routes(routes!(dismiss))
        .routes(routes!(findings))
        .routes(routes!(finding))
}

publication!(questionnaires, QuestionnaireContent, &ops::QUESTIONNAIRES, &tables::QUESTIONNAIRES, PublicationRow, "assessments",
    paths: "/questionnaires", "/questionnaires/{key}", "/questionnaires/{key}/versions", "/questionnaires/{key}/discard", "/questionnaires/{key}/history",
    ids: "list_questionnaires", "create_questionnaire", get "get_questionnaire", "update_questionnaire", "questionnaire_versions", "discard_questionnaire_draft", "questionnaire_history");

fn id(text: &str, what: &'static str) -> Result<Uuid, Error> {
    text.parse().map_err(|_| Error::NotFound(what))
}

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

#[utoipa::path(get, path = "/assessments", tag = "assessments", operation_id = "list_assessments", params(ListParams),
    responses((status = 200, body = ListOf<AssessmentRow>, description = "A page; all of it as `text/csv` or `application/x-ndjson` by Accept")))]
async fn list(
    State(web): State<Web>,
    Caller(actor): Caller,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    listing::answer::<AssessmentRow>(&web, &actor, &ops::ASSESSMENTS, &tables::ASSESSMENTS, &pairs, &headers).await
}

#[utoipa::path(post, path = "/assessments", tag = "assessments", operation_id = "begin_assessment", request_body = NewAssessment,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same request with the same key is answered once")),
    responses((status = 201, body = Assessment, description = "A draft; send it once its preflight passes")))]
async fn begin(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(new): Body<NewAssessment>,
) -> Result<Response, ApiError> {
    let done = ops::begin(&web.app, &actor, new).await?;
    Ok(answers::created(&done, done.revision, &format!("/api/v1/assessments/{}", done.id)))
}

#[utoipa::path(get, path = "/assessments/{id}", tag = "assessments", operation_id = "get_assessment", params(("id" = Uuid, Path, description = "The assessment")),
    responses((status = 200, body = AssessmentView, description = "With its questions, its progress, its score and how that comes about, and its findings")))]
async fn get(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>) -> Result<Response, ApiError> {
    let found = ops::view_assessment(&web.app, &actor, id(&key, "assessment")?).await?;
    Ok(answers::record(StatusCode::OK, &found, found.assessment.revision))
}

#[utoipa::path(get, path = "/assessments/{id}/preflight", tag = "assessments", operation_id = "preflight_assessment", params(("id" = Uuid, Path, description = "The assessment")),
    responses((status = 200, body = Vec<Preflight>, description = "What would stop it from being sent, and what is in order")))]
async fn preflight(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Vec<Preflight>>, ApiError> {
    Ok(Json(ops::preflight(&web.app, &actor, id(&key, "assessment")?).await?))
}

/// What was sent, with the link that is shown once.
fn sent(sent: &Sent) -> Response {
    let mut response = answers::record(StatusCode::OK, sent, sent.assessment.revision);
    if sent.link.is_some() {
        response.extensions_mut().insert(Secret);
    }
    response
}

#[utoipa::path(post, path = "/assessments/{id}/send", tag = "assessments", operation_id = "send_assessment",
    params(("id" = Uuid, Path, description = "The assessment"), ("If-Match" = String, Header, description = "The ETag that was looked at")),
    responses((status = 200, body = Sent, description = "Sent; the link is shown here once"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; every check that failed")))]
async fn send(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    Ok(sent(&ops::send(&web.app, &actor, id(&key, "assessment")?, conditional::if_match(&headers)?).await?))
}

#[utoipa::path(post, path = "/assessments/{id}/renew", tag = "assessments", operation_id = "renew_assessment_link",
    params(("id" = Uuid, Path, description = "The assessment"), ("If-Match" = String, Header, description = "The ETag that was looked at")),
    responses((status = 200, body = Sent, description = "Another link, shown here once; the one before ends")))]
async fn renew(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    Ok(sent(&ops::renew_link(&web.app, &actor, id(&key, "assessment")?, conditional::if_match(&headers)?).await?))
}

#[utoipa::path(post, path = "/assessments/{id}/remind", tag = "assessments", operation_id = "remind_of_assessment", params(("id" = Uuid, Path, description = "The assessment")),
    responses((status = 200, body = Assessment, description = "A letter with a new link is on its way")))]
async fn remind(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>) -> Result<Response, ApiError> {
    let done = ops::remind(&web.app, &actor, id(&key, "assessment")?).await?;
    Ok(answers::record(StatusCode::OK, &done, done.revision))
}

#[utoipa::path(post, path = "/assessments/{id}/withdraw", tag = "assessments", operation_id = "withdraw_assessment",
    params(("id" = Uuid, Path, description = "The assessment"), ("If-Match" = String, Header, description = "The ETag that was looked at")),
    responses((status = 200, body = Assessment, description = "Given up; its link has ended")))]
async fn withdraw(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let done = ops::withdraw(&web.app, &actor, id(&key, "assessment")?, conditional::if_match(&headers)?).await?;
    Ok(answers::record(StatusCode::OK, &done, done.revision))
}

#[utoipa::path(patch, path = "/assessments/{id}/answers", tag = "assessments", operation_id = "answer_assessment",
    params(("id" = Uuid, Path, description = "The assessment")),
    request_body(content = BTreeMap<String, NewAnswer>, description = "Answers by the key of their question; the others stay"),
    responses((status = 200, body = Assessment, description = "Saved"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; nothing is saved")))]
async fn answer(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    Body(given): Body<BTreeMap<String, NewAnswer>>,
) -> Result<Response, ApiError> {
    let door = ops::door(&web.app, &actor, id(&key, "assessment")?).await?;
    let done = ops::answer(&web.app, &door, given).await?;
    Ok(answers::record(StatusCode::OK, &done, done.revision))
}

#[utoipa::path(post, path = "/assessments/{id}/submit", tag = "assessments", operation_id = "submit_assessment", params(("id" = Uuid, Path, description = "The assessment")),
    responses((status = 200, body = Assessment, description = "Submitted; red flags have opened findings"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; every question that is to be answered")))]
async fn submit(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>) -> Result<Response, ApiError> {
    let door = ops::door(&web.app, &actor, id(&key, "assessment")?).await?;
    let done = ops::submit(&web.app, &door).await?;
    Ok(answers::record(StatusCode::OK, &done, done.revision))
}

#[utoipa::path(get, path = "/assessments/{id}/sheet", tag = "assessments", operation_id = "assessment_sheet", params(("id" = Uuid, Path, description = "The assessment")),
    responses((status = 200, body = Vec<u8>, content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", description = "Questions and answers as a workbook")))]
async fn sheet_out(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Response, ApiError> {
    let bytes = ops::sheet_for(&web.app, &actor, id(&key, "assessment")?).await?;
    let disposition = "attachment; filename=\"assessment.xlsx\"";
    Ok(([(header::CONTENT_TYPE, XLSX), (header::CONTENT_DISPOSITION, disposition)], bytes).into_response())
}

#[utoipa::path(put, path = "/assessments/{id}/sheet", tag = "assessments", operation_id = "read_assessment_sheet", params(("id" = Uuid, Path, description = "The assessment")),
    request_body(content = Vec<u8>, content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", description = "A filled workbook, of Muster or of CAIQ version 4"),
    responses((status = 200, body = Assessment, description = "Its answers are saved"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused, with the line; nothing is saved")))]
async fn sheet_in(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let door = ops::door(&web.app, &actor, id(&key, "assessment")?).await?;
    let bytes = raw(request, &web).await?;
    let done = ops::read_sheet(&web.app, &door, &bytes).await?;
    Ok(answers::record(StatusCode::OK, &done, done.revision))
}

#[utoipa::path(get, path = "/assessments/{id}/history", tag = "assessments", operation_id = "assessment_history", params(("id" = Uuid, Path, description = "The assessment")),
    responses((status = 200, body = Vec<AuditEvent>, description = "What happened to it, newest first")))]
async fn history(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Vec<AuditEvent>>, ApiError> {
    let found = ops::find_assessment(&web.app, &actor, id(&key, "assessment")?).await?;
    Ok(Json(audit::ops::history(&web.app, &actor, "assessment", found.id).await?))
}

#[utoipa::path(get, path = "/assessment-demands", tag = "assessments", operation_id = "list_assessment_demands", params(ListParams),
    responses((status = 200, body = ListOf<DemandRow>, description = "A page; all of it as `text/csv` or `application/x-ndjson` by Accept")))]
async fn demands(
    State(web): State<Web>,
    Caller(actor): Caller,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    listing::answer::<DemandRow>(&web, &actor, &ops::DEMANDS, &tables::DEMANDS, &pairs, &headers).await
}

#[utoipa::path(post, path = "/assessment-demands", tag = "assessments", operation_id = "report_occurrence", request_body = Occurrence,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same request with the same key is answered once")),
    responses((status = 201, body = Vec<Demand>, description = "What is wanted because of it; nothing where the same was reported before")))]
async fn report(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(occurrence): Body<Occurrence>,
) -> Result<Response, ApiError> {
    let made = ops::report(&web.app, &actor, occurrence).await?;
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// Why none is needed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dismissal {
    /// Why no assessment is needed.
    pub note: String,
}

#[utoipa::path(post, path = "/assessment-demands/{id}/dismiss", tag = "assessments", operation_id = "dismiss_assessment_demand", request_body = Dismissal,
    params(("id" = Uuid, Path, description = "The demand"), ("If-Match" = String, Header, description = "The revision that was looked at")),
    responses((status = 200, body = Demand, description = "Dismissed")))]
async fn dismiss(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
    Body(why): Body<Dismissal>,
) -> Result<Response, ApiError> {
    let done = ops::dismiss(&web.app, &actor, id(&key, "demand")?, conditional::if_match(&headers)?, &why.note).await?;
    Ok(answers::record(StatusCode::OK, &done, done.revision))
}

#[utoipa::path(get, path = "/assessment-findings", tag = "assessments", operation_id = "list_assessment_findings", params(ListParams),
    responses((status = 200, body = ListOf<FlaggedRow>, description = "A page; all of it as `text/csv` or `application/x-ndjson` by Accept")))]
async fn findings(
    State(web): State<Web>,
    Caller(actor): Caller,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    listing::answer::<FlaggedRow>(&web, &actor, &ops::FINDINGS, &tables::FINDINGS, &pairs, &headers).await
}

#[utoipa::path(get, path = "/assessment-findings/{id}", tag = "assessments", operation_id = "get_assessment_finding", params(("id" = Uuid, Path, description = "The finding")),
    responses((status = 200, body = Flagged, description = "What an answer raised")))]
async fn finding(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>) -> Result<Response, ApiError> {
    let found = ops::find_finding(&web.app, &actor, id(&key, "finding")?).await?;
    Ok(answers::record(StatusCode::OK, &found, found.revision))
}
