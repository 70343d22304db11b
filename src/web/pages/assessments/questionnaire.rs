//! Writing a questionnaire: as YAML, with what it would look like beside it; from controls or a
//! workbook.

use askama::Template;
use axum::{
    extract::{Multipart, Path, State, multipart::MultipartRejection},
    http::header,
    response::{IntoResponse, Redirect, Response},
};

use super::{faults, unprocessable};
use crate::{
    assessments::{QuestionnaireContent, oscal, sheet},
    error::Error,
    identity::Permission,
    publications::{Publication, Publishable, ops},
    web::{
        Web,
        error::PageError,
        extract::{Pairs, Signed},
        forms::{Parts, Posted},
        pages::{Shell, html},
    },
};

/// Where a new questionnaire begins.
const START: &str = "title: Security of a new vendor
audience: vendor          # or owner: a team of ours answers
# chosen_when: integration.criticality == 'critical'
valid_months: 12
sections:
  - title: Encryption
    questions:
      - key: tls
        text: Is all traffic encrypted?
        weight: 3
        red_flags:
          - { is: ['no'], severity: high, finding: Traffic is not encrypted }
      - key: tls-version
        text: Which is the oldest version of TLS that is accepted?
        kind: choice     # yes_no, choice, multi_choice, number, date, text, file
        options: [{ value: '1.2', score: 80 }, { value: '1.3', score: 100 }]
        ask_if: [{ question: tls, is: ['yes'] }]
";

#[derive(Template)]
#[template(path = "assessments/questionnaire_form.html")]
struct QuestionnaireForm {
    shell: Shell,
    key: Option<String>,
    revision: i64,
    text: String,
    errors: Vec<(String, String)>,
}

impl QuestionnaireForm {
    fn action(&self) -> String {
        self.key.as_ref().map_or_else(|| "/questionnaires".into(), |key| format!("/questionnaires/{key}"))
    }
    fn lines(&self) -> usize {
        self.text.lines().count().clamp(20, 44)
    }
}

async fn form(
    web: &Web,
    signed: &Signed,
    known: Option<&Publication<QuestionnaireContent>>,
    text: String,
) -> Result<QuestionnaireForm, Error> {
    signed.actor.require(Permission::Govern)?;
    let key = known.map(|known| known.shown().map(|shown| shown.key.clone())).transpose()?;
    let title = if key.is_some() { "Edit the questionnaire" } else { "New questionnaire" };
    Ok(QuestionnaireForm {
        shell: Shell::new(web, signed, "/questionnaires", title, &Pairs::default()).await?,
        revision: known.map_or(0, |known| known.revision),
        key,
        text,
        errors: Vec::new(),
    })
}

/// A questionnaire as YAML.
fn yaml(content: &QuestionnaireContent) -> Result<String, Error> {
    serde_saphyr::to_string(content).map_err(Error::internal)
}

fn read(text: &str) -> Result<QuestionnaireContent, Error> {
    serde_saphyr::from_str(text).map_err(|error| Error::field("", format!("This cannot be read: {error}")))
}

pub async fn new(State(web): State<Web>, signed: Signed) -> Result<Response, PageError> {
    html(&form(&web, &signed, None, START.into()).await?)
}

pub async fn edit(State(web): State<Web>, signed: Signed, Path(key): Path<String>) -> Result<Response, PageError> {
    let known = ops::find::<QuestionnaireContent>(&web.app, &signed.actor, &key).await?;
    let text = yaml(known.shown()?)?;
    html(&form(&web, &signed, Some(&known), text).await?)
}

/// The questionnaire as a file.
pub async fn file(State(web): State<Web>, signed: Signed, Path(key): Path<String>) -> Result<Response, PageError> {
    let known = ops::find::<QuestionnaireContent>(&web.app, &signed.actor, &key).await?;
    let content =
        known.published.as_ref().map(|held| held.content.clone()).map_or_else(|| known.shown().cloned(), Ok)?;
    let disposition = format!("attachment; filename=\"{}.yaml\"", content.key);
    let headers = [(header::CONTENT_TYPE, "application/yaml".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, yaml(&content)?).into_response())
}

async fn again(
    web: &Web,
    signed: &Signed,
    known: Option<&Publication<QuestionnaireContent>>,
    text: String,
    error: Error,
) -> Result<Response, PageError> {
    let errors = faults(error)?;
    let mut page = form(web, signed, known, text).await?;
    page.errors = errors;
    Ok(unprocessable(html(&page)?))
}

pub async fn create(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let text = posted.get("text").unwrap_or_default().replace("\r\n", "\n");
    let done = match read(&text) {
        Ok(content) => ops::create(&web.app, &posted.signed.actor, content).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(made) => Ok(Redirect::to(&format!("/questionnaires/{}?note=drafted", made.shown()?.key())).into_response()),
        Err(error) => again(&web, &posted.signed, None, text, error).await,
    }
}

pub async fn update(State(web): State<Web>, Path(key): Path<String>, posted: Posted) -> Result<Response, PageError> {
    let known = ops::find::<QuestionnaireContent>(&web.app, &posted.signed.actor, &key).await?;
    let text = posted.get("text").unwrap_or_default().replace("\r\n", "\n");
    let done = match (read(&text), posted.revision()) {
        (Ok(content), Ok(revision)) => ops::edit(&web.app, &posted.signed.actor, known.id, revision, content).await,
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    match done {
        Ok(_) => Ok(Redirect::to(&format!("/questionnaires/{key}?note=drafted")).into_response()),
        Err(error) => again(&web, &posted.signed, Some(&known), text, error).await,
    }
}

/// Begins one from a file: YAML, an OSCAL catalog (JSON), or a CAIQ workbook.
pub async fn import(
    State(web): State<Web>,
    signed: Signed,
    upload: Result<Multipart, MultipartRejection>,
) -> Result<Response, PageError> {
    let upload = upload.map_err(|_| Error::Forbidden("Send the form from its page.".into()))?;
    let parts = Parts::signed(&web, &signed, upload).await?;
    signed.actor.require(Permission::Govern)?;
    let path = std::path::Path::new(&parts.file_name);
    let kind = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let title = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let content = if parts.bytes.is_empty() {
        Err(Error::field("/file", "Choose a file."))
    } else if kind == "xlsx" {
        let bytes = parts.bytes;
        let done = tokio::task::spawn_blocking(move || sheet::read_questions(&title, &bytes)).await;
        done.map_err(Error::internal)?
    } else if kind == "json" {
        oscal::read(&parts.bytes)
    } else {
        String::from_utf8(parts.bytes)
            .map_err(|_| Error::field("/file", "This is no text."))
            .and_then(|text| read(&text))
    };
    let done = match content {
        Ok(content) => ops::create(&web.app, &signed.actor, content).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(made) => Ok(Redirect::to(&format!("/questionnaires/{}?note=drafted", made.shown()?.key())).into_response()),
        Err(error) => again(&web, &signed, None, START.into(), error).await,
    }
}
