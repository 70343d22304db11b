//! Importing on a page: give a document or a table, see what would happen, apply it.

use askama::Template;
use axum::{
    Router,
    extract::{Multipart, Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use uuid::Uuid;

use super::{Shell, html, view::ChangeView};
use crate::{
    Web,
    api::read_document,
    csrf,
    error::PageError,
    extract::{Pairs, Signed},
    forms::Posted,
};
use base::{
    error::{Error, FieldErrors},
    feature,
    tables::{self, Mode, Report},
};
use identity::Permission;
use register::{
    catalog::ops::{self, Delta, Identity, ImportPreview, Likely},
    imports::uploads::{self, Upload},
};

pub fn router() -> Router<Web> {
    Router::new()
        .route("/imports", get(start).post(upload))
        .route("/imports/{id}", get(preview))
        .route("/imports/{id}/apply", post(apply))
}

#[derive(Template)]
#[template(path = "imports/start.html")]
struct StartPage {
    shell: Shell,
    problem: Option<String>,
    pasted: String,
}

async fn start_page(
    web: &Web,
    signed: &Signed,
    problem: Option<String>,
    pasted: String,
) -> Result<Response, PageError> {
    if !signed.actor.may(Permission::ManagePeople) {
        signed.actor.require(Permission::EditCatalog)?;
    }
    let wrong = problem.is_some();
    let page =
        StartPage { shell: Shell::new(web, signed, "/imports", "Import", &Pairs::default()).await?, problem, pasted };
    let mut response = html(&page)?;
    if wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

async fn start(State(web): State<Web>, signed: Signed) -> Result<Response, PageError> {
    start_page(&web, &signed, None, String::new()).await
}

/// What text is called that was pasted.
const PASTED: &str = "pasted text";

/// What a multipart form brought.
#[derive(Default)]
struct Parts {
    csrf: Option<String>,
    kind: String,
    name: String,
    bytes: Vec<u8>,
    pasted: String,
}

async fn parts(web: &Web, mut form: Multipart) -> Result<Parts, Error> {
    let limit = web.app.config.limits.upload;
    let broken = |_| Error::field("/file", "The upload broke off.");
    let mut parts = Parts { kind: "openapi".into(), ..Parts::default() };
    let mut total = 0;
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        let file = field.file_name().map(str::to_owned);
        let mut bytes = Vec::new();
        while let Some(chunk) = field.chunk().await.map_err(broken)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > limit {
                return Err(Error::TooLarge(format!(
                    "The file is larger than {} MiB. The command line takes more: muster import openapi FILE.",
                    limit >> 20
                )));
            }
        }
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        total += bytes.len() as u64;
        if total > limit + (1 << 20) {
            return Err(Error::TooLarge(format!("The form is larger than {} MiB.", limit >> 20)));
        }
        match name.as_str() {
            "csrf" => parts.csrf = Some(text()),
            "kind" => parts.kind = text(),
            "document" => parts.pasted = text(),
            "file" if !bytes.is_empty() => {
                parts.name = file.unwrap_or_default();
                parts.bytes = bytes;
            }
            _ => {}
        }
    }
    if parts.bytes.is_empty() {
        parts.bytes = parts.pasted.clone().into_bytes();
        parts.name = PASTED.into();
    }
    Ok(parts)
}

async fn upload(
    State(web): State<Web>,
    signed: Signed,
    form: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Result<Response, PageError> {
    let form = form.map_err(|_| Error::field("/file", "Send the form as multipart/form-data."))?;
    let parts = parts(&web, form).await?;
    csrf::check_token(&signed.session, parts.csrf.as_deref())?;
    let actor = &signed.actor;
    if parts.bytes.is_empty() {
        return start_page(&web, &signed, Some("Choose a file, or paste a document.".into()), String::new()).await;
    }
    // Looked at before it is kept: what cannot be read is said at once.
    let pasted = parts.pasted.clone();
    let looked = if parts.kind == "openapi" {
        actor.require(Permission::EditCatalog)?;
        read_document(&web, parts.bytes.clone(), Some(parts.name.clone()).filter(|name| name != PASTED))
            .await
            .map(|_| ())
    } else {
        let table = feature::tables().importable(&parts.kind)?;
        tables::import(&web.app, actor, table, tables::notation(&parts.name), &parts.bytes, Mode::Preview)
            .await
            .map(|_| ())
    };
    match looked {
        Ok(()) => {}
        Err(error @ (Error::Invalid(_) | Error::TooLarge(_))) => {
            let text = match &error {
                Error::Invalid(errors) => {
                    errors.as_slice().iter().map(|e| e.message.as_str()).collect::<Vec<_>>().join(" ")
                }
                other => other.to_string(),
            };
            return start_page(&web, &signed, Some(text), pasted).await;
        }
        Err(other) => return Err(other.into()),
    }
    let upload = Upload {
        id: Uuid::now_v7(),
        kind: parts.kind,
        name: parts.name,
        identity: Identity::default(),
        bytes: parts.bytes,
    };
    uploads::keep(&web.app, actor, &upload).await?;
    Ok(Redirect::to(&format!("/imports/{}", upload.id)).into_response())
}

#[derive(Template)]
#[template(path = "imports/document.html")]
struct DocumentPage {
    shell: Shell,
    id: Uuid,
    file: String,
    preview: ImportPreview,
    identity: Identity,
    errors: Vec<String>,
    likely: Vec<Likely>,
}

impl DocumentPage {
    fn shown<'a>(&self, changes: &'a [base::audit::Change]) -> Vec<ChangeView<'a>> {
        let parts = |field: &str| {
            field
                .split('/')
                .next()
                .is_some_and(|head| ["endpoints", "scopes", "operations", "auth_schemes"].contains(&head))
        };
        changes.iter().filter(|change| !parts(&change.field) || changes.len() < 80).take(80).map(ChangeView).collect()
    }
    /// What the version gains, loses and changes, part by part.
    fn deltas(&self) -> [(&'static str, Delta); 3] {
        let s = &self.preview.summary;
        [("Operations", s.operations), ("Scopes", s.scopes), ("Endpoints", s.endpoints)]
    }
    fn nothing(&self) -> bool {
        self.preview.records.iter().all(|record| record.action == "unchanged")
    }
    fn class(&self, action: &str) -> &'static str {
        match action {
            "create" => "active",
            "update" => "review",
            _ => "",
        }
    }
}

#[derive(Template)]
#[template(path = "imports/table.html")]
struct TablePage {
    shell: Shell,
    id: Uuid,
    file: String,
    kind: String,
    report: Report,
}

impl TablePage {
    fn shown<'a>(&self, changes: &'a [base::audit::Change]) -> Vec<ChangeView<'a>> {
        changes.iter().take(40).map(ChangeView).collect()
    }
    fn class(&self, action: &str) -> &'static str {
        match action {
            "create" => "active",
            "update" => "review",
            "wrong" => "over",
            _ => "",
        }
    }
}

fn identity(pairs: &Pairs, kept: Identity) -> (Identity, Vec<String>) {
    let mut errors = Vec::new();
    let text = |name: &str| pairs.get(name).map(|text| base::text::clip(text.trim(), 200).to_owned());
    let published_at = match pairs.get("published_at") {
        None => kept.published_at,
        Some(text) => {
            if let Ok(date) = text.parse::<chrono::NaiveDate>() {
                date.and_hms_opt(0, 0, 0).map(|at| at.and_utc())
            } else {
                errors.push("Published on: give a date, such as 2027-01-31.".into());
                None
            }
        }
    };
    let identity = Identity {
        vendor: text("vendor").or(kept.vendor),
        api: text("api").or(kept.api),
        api_slug: text("api_slug").or(kept.api_slug),
        published_at,
    };
    (identity, errors)
}

async fn preview(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<Uuid>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    let upload = uploads::find(&web.app, &signed.actor, id).await?;
    if upload.kind != "openapi" {
        return table_preview(&web, &signed, upload).await;
    }
    let (identity, errors) = identity(&pairs, upload.identity.clone());
    show_document(&web, &signed, upload, identity, errors).await
}

async fn show_document(
    web: &Web,
    signed: &Signed,
    upload: Upload,
    identity: Identity,
    mut errors: Vec<String>,
) -> Result<Response, PageError> {
    let document = read_document(web, upload.bytes, Some(upload.name.clone()).filter(|name| name != PASTED)).await?;
    let preview = match ops::preview_document(&web.app, &signed.actor, &document, &identity).await {
        Ok(preview) => preview,
        Err(Error::Invalid(faults)) => {
            errors.extend(texts(&faults));
            ops::preview_document(&web.app, &signed.actor, &document, &Identity::default()).await?
        }
        Err(other) => return Err(other.into()),
    };
    let wrong = !errors.is_empty();
    let page = DocumentPage {
        shell: Shell::new(web, signed, "/imports", format!("Import {}", preview.title), &Pairs::default()).await?,
        id: upload.id,
        file: upload.name,
        likely: preview.likely.clone(),
        preview,
        identity,
        errors,
    };
    let mut response = html(&page)?;
    if wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

fn texts(errors: &FieldErrors) -> Vec<String> {
    errors.as_slice().iter().map(|e| e.message.clone()).collect()
}

async fn table_preview(web: &Web, signed: &Signed, upload: Upload) -> Result<Response, PageError> {
    let table = feature::tables().importable(&upload.kind)?;
    let report =
        tables::import(&web.app, &signed.actor, table, tables::notation(&upload.name), &upload.bytes, Mode::Preview)
            .await?;
    html(&TablePage {
        shell: Shell::new(web, signed, "/imports", format!("Import {}", table.key), &Pairs::default()).await?,
        id: upload.id,
        file: upload.name,
        kind: upload.kind,
        report,
    })
}

async fn apply(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &posted.signed.actor);
    let upload = uploads::find(app, actor, id).await?;
    if upload.kind != "openapi" {
        let table = feature::tables().importable(&upload.kind)?;
        let report =
            tables::import(app, actor, table, tables::notation(&upload.name), &upload.bytes, Mode::Apply).await?;
        if !report.applied {
            return table_preview(&web, &posted.signed, upload).await;
        }
        uploads::drop(app, actor, id).await?;
        return Ok(Redirect::to(&format!("/{}?note=imported", table.key)).into_response());
    }
    let text = |name: &str| posted.get(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let published_at = text("published_at").and_then(|at| at.parse().ok());
    let identity = Identity { vendor: text("vendor"), api: text("api"), api_slug: text("api_slug"), published_at };
    let document =
        read_document(&web, upload.bytes.clone(), Some(upload.name.clone()).filter(|name| name != PASTED)).await?;
    match ops::apply_document(app, actor, &document, &identity).await {
        Ok(outcome) => {
            uploads::drop(app, actor, id).await?;
            let note = if outcome.changed { "imported" } else { "same" };
            Ok(Redirect::to(&format!("/apis/{}?note={note}", outcome.api_slug)).into_response())
        }
        Err(Error::Invalid(faults)) => show_document(&web, &posted.signed, upload, identity, texts(&faults)).await,
        Err(Error::Conflict(reason)) => show_document(&web, &posted.signed, upload, identity, vec![reason]).await,
        Err(other) => Err(other.into()),
    }
}
