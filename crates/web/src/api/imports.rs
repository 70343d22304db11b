//! Documents and tables in.

use axum::{
    Json,
    extract::{Path, Request, State},
    http::{StatusCode, header},
};
use chrono::{DateTime, Utc};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::body::raw;
use crate::{
    Web,
    error::{ApiError, Problem},
    extract::{Caller, Pairs},
};
use base::{
    error::Error,
    feature, foreign,
    tables::{self, Mode, Notation, Report},
};
use identity::Permission;
use register::{
    catalog::ops::{self, ApplyOutcome, DocumentImport, Identity, ImportPreview},
    imports::openapi::{self, Channel},
};

/// The routes of imports.
pub fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(preview)).routes(routes!(apply)).routes(routes!(table))
}

/// What the caller says of a document's identity.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "documents the parameters; Pairs reads them")]
struct IdentityParams {
    /// A vendor that is here, by id, slug, name, alias or domain; else the name of a new one.
    vendor: Option<String>,
    /// An API that is here, by id, slug or name; else the name of a new one.
    api: Option<String>,
    /// The slug of an API that is here, or of the new one.
    api_slug: Option<String>,
    /// When the vendor published the document (RFC 3339).
    published_at: Option<DateTime<Utc>>,
}

fn identity(pairs: &Pairs) -> Result<Identity, Error> {
    let published_at = match pairs.get("published_at") {
        None => None,
        Some(text) => Some(
            text.parse().map_err(|_| Error::field("/published_at", "Give a moment, such as 2027-01-31T00:00:00Z."))?,
        ),
    };
    Ok(Identity {
        vendor: pairs.get("vendor").map(str::to_owned),
        api: pairs.get("api").map(str::to_owned),
        api_slug: pairs.get("api_slug").map(str::to_owned),
        published_at,
    })
}

async fn document(web: &Web, request: Request) -> Result<DocumentImport, Error> {
    let bytes = raw(request, web).await?;
    read(web, bytes.into(), None).await
}

/// Reads a document on a thread that may be busy; `name` is what its file is called.
pub async fn read(web: &Web, bytes: Vec<u8>, name: Option<String>) -> Result<DocumentImport, Error> {
    let limits = web.app.config.limits;
    let read =
        move |deadline: &foreign::Deadline| openapi::read(bytes, name.as_deref(), Channel::Web, &limits, deadline);
    foreign::read(&web.app, read).await
}

#[utoipa::path(post, path = "/imports/openapi/preview", operation_id = "preview_openapi", tag = "imports", params(IdentityParams),
    request_body(content = serde_json::Value, description = "An OpenAPI 2.0, 3.0, 3.1 or 3.2 document, JSON or YAML, or a zip file with the files of one", content_type = "application/json"),
    responses((status = 200, body = ImportPreview, description = "What would be created and changed; nothing is written")))]
async fn preview(
    State(web): State<Web>,
    Caller(actor): Caller,
    pairs: Pairs,
    request: Request,
) -> Result<Json<ImportPreview>, ApiError> {
    actor.require(Permission::EditCatalog)?;
    let document = document(&web, request).await?;
    Ok(Json(ops::preview_document(&web.app, &actor, &document, &identity(&pairs)?).await?))
}

#[utoipa::path(post, path = "/imports/openapi", operation_id = "import_openapi", tag = "imports", params(IdentityParams),
    request_body(content = serde_json::Value, description = "An OpenAPI 2.0, 3.0, 3.1 or 3.2 document, JSON or YAML, or a zip file with the files of one", content_type = "application/json"),
    responses((status = 200, body = ApplyOutcome, description = "The same document as before: nothing changed"),
        (status = 201, body = ApplyOutcome, description = "Imported, all of it"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; nothing was written")))]
async fn apply(
    State(web): State<Web>,
    Caller(actor): Caller,
    pairs: Pairs,
    request: Request,
) -> Result<(StatusCode, Json<ApplyOutcome>), ApiError> {
    actor.require(Permission::EditCatalog)?;
    let document = document(&web, request).await?;
    let outcome = ops::apply_document(&web.app, &actor, &document, &identity(&pairs)?).await?;
    let status = if outcome.changed { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(outcome)))
}

#[utoipa::path(post, path = "/imports/tables/{kind}", operation_id = "import_table", tag = "imports",
    params(("kind" = String, Path, description = "vendors, apis, systems or teams"), ("preview" = Option<bool>, Query, description = "true to write nothing")),
    request_body(content = String, description = "CSV with a header, or NDJSON with Content-Type: application/x-ndjson", content_type = "text/csv"),
    responses((status = 200, body = Report, description = "Row by row; written unless a row is wrong or a preview was asked for")))]
async fn table(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(kind): Path<String>,
    pairs: Pairs,
    request: Request,
) -> Result<Json<Report>, ApiError> {
    let table = feature::tables().importable(&kind)?;
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let notation = if content_type.contains("ndjson") { Notation::Ndjson } else { Notation::Csv };
    let mode = if pairs.get("preview") == Some("true") { Mode::Preview } else { Mode::Apply };
    let bytes = raw(request, &web).await?;
    Ok(Json(tables::import(&web.app, &actor, table, notation, &bytes, mode).await?))
}
