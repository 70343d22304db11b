//! Evidence: links and files, with what they prove.

use axum::{
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    body::{Body, raw},
    resource as answers,
};
use crate::{
    Web, conditional,
    error::ApiError,
    extract::{Caller, Pairs},
    listing::{self, ListOf, ListParams},
};
use base::error::Error;
use governance::{
    assessments::tables,
    assessments::{
        Evidence, EvidenceContent,
        ops::{self, EvidenceRow, Upload},
    },
};

/// The routes.
pub fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(evidence, give))
        .routes(routes!(give_file))
        .routes(routes!(one_evidence))
        .routes(routes!(file))
        .routes(routes!(retire))
}

fn id(text: &str) -> Result<Uuid, Error> {
    text.parse().map_err(|_| Error::NotFound("evidence"))
}

#[utoipa::path(get, path = "/evidence", tag = "assessments", operation_id = "list_evidence", params(ListParams),
    responses((status = 200, body = ListOf<EvidenceRow>, description = "A page; all of it as `text/csv` or `application/x-ndjson` by Accept")))]
async fn evidence(
    State(web): State<Web>,
    Caller(actor): Caller,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    listing::answer::<EvidenceRow>(&web, &actor, &ops::EVIDENCE, &tables::EVIDENCE, &pairs, &headers).await
}

#[utoipa::path(post, path = "/evidence", tag = "assessments", operation_id = "give_evidence", request_body = EvidenceContent,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same request with the same key is answered once")),
    responses((status = 201, body = Evidence, description = "A link that proves something")))]
async fn give(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(content): Body<EvidenceContent>,
) -> Result<Response, ApiError> {
    let done = ops::add_evidence(&web.app, &actor, content, None).await?;
    Ok(answers::created(&done, done.revision, &format!("/api/v1/evidence/{}", done.id)))
}

/// What is said of an uploaded file.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "documents the parameters; Pairs reads them")]
struct FileParams {
    /// Its name, whose end says what it is.
    name: String,
    /// Id or slug of the vendor that it is of.
    vendor: String,
    /// What it is; its name where left out.
    title: Option<String>,
    /// Name of the vendor's certificate or report that it proves.
    certification: Option<String>,
    /// The last day on which it holds.
    valid_until: Option<chrono::NaiveDate>,
}

#[utoipa::path(post, path = "/evidence/files", tag = "assessments", operation_id = "give_evidence_file", params(FileParams),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file"),
    responses((status = 201, body = Evidence, description = "Stored, with the SHA-256 of its bytes")))]
async fn give_file(
    State(web): State<Web>,
    Caller(actor): Caller,
    pairs: Pairs,
    request: Request,
) -> Result<Response, ApiError> {
    let text = |name: &str| pairs.get(name).map(str::to_owned);
    let name = text("name").unwrap_or_default();
    let content = EvidenceContent {
        title: text("title").unwrap_or_else(|| name.clone()),
        vendor: text("vendor").unwrap_or_default(),
        certification: text("certification"),
        valid_until: match text("valid_until") {
            None => None,
            Some(day) => {
                Some(day.parse().map_err(|_| Error::field("/valid_until", "Give a day, such as 2027-01-31."))?)
            }
        },
        url: None,
    };
    let bytes = raw(request, &web).await?;
    let upload = Upload { name: &name, bytes: &bytes };
    let done = ops::add_evidence(&web.app, &actor, content, Some(upload)).await?;
    Ok(answers::created(&done, done.revision, &format!("/api/v1/evidence/{}", done.id)))
}

#[utoipa::path(get, path = "/evidence/{id}", tag = "assessments", operation_id = "get_evidence", params(("id" = Uuid, Path, description = "The evidence")),
    responses((status = 200, body = Evidence, description = "The evidence")))]
async fn one_evidence(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Response, ApiError> {
    let found = ops::find_evidence(&web.app, &actor, id(&key)?).await?;
    Ok(answers::record(StatusCode::OK, &found, found.revision))
}

#[utoipa::path(get, path = "/evidence/{id}/file", tag = "assessments", operation_id = "get_evidence_file", params(("id" = Uuid, Path, description = "The evidence")),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream", description = "The bytes as they came in")))]
async fn file(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>) -> Result<Response, ApiError> {
    let (file, bytes) = ops::evidence_file(&web.app, &actor, id(&key)?).await?;
    Ok(crate::download(&file.name, bytes))
}

#[utoipa::path(post, path = "/evidence/{id}/retire", tag = "assessments", operation_id = "retire_evidence",
    params(("id" = Uuid, Path, description = "The evidence"), ("If-Match" = String, Header, description = "The ETag that was looked at")),
    responses((status = 200, body = Evidence, description = "Out of use; it is kept")))]
async fn retire(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let done = ops::retire_evidence(&web.app, &actor, id(&key)?, conditional::if_match(&headers)?).await?;
    Ok(answers::record(StatusCode::OK, &done, done.revision))
}
