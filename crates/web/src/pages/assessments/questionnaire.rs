//! A questionnaire from a file: YAML, an OSCAL catalog (JSON), or a CAIQ workbook.

use axum::{
    extract::{Multipart, State, multipart::MultipartRejection},
    response::{IntoResponse, Redirect, Response},
};

use crate::{
    Web,
    error::PageError,
    extract::Signed,
    forms::{Parts, PostedFile},
    pages::written::{self, Written},
};
use base::{error::Error, foreign};
use governance::assessments::{QuestionnaireContent, oscal, sheet};
use identity::Permission;
use register::publications::{Publishable, ops};

/// Begins one from a file.
pub async fn import(
    State(web): State<Web>,
    signed: Signed,
    upload: Result<Multipart, MultipartRejection>,
) -> Result<Response, PageError> {
    let upload = upload.map_err(|_| Error::Forbidden("Send the form from its page.".into()))?;
    let parts = Parts::signed(&web, &signed, upload).await?;
    signed.actor.require(Permission::Govern)?;
    let file = parts.file().unwrap_or(PostedFile { field: String::new(), name: String::new(), bytes: Vec::new() });
    let path = std::path::Path::new(&file.name);
    let kind = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let title = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let content = if file.bytes.is_empty() {
        Err(Error::field("/file", "Choose a file."))
    } else {
        let bytes = file.bytes;
        let read = move |deadline: &foreign::Deadline| match kind.as_str() {
            "xlsx" => sheet::read_questions(&title, &bytes, deadline),
            "json" => oscal::read(&bytes, deadline),
            _ => match String::from_utf8(bytes) {
                Ok(text) => written::read(&text),
                Err(_) => Err(Error::field("/file", "This is not text. Save it as UTF-8.")),
            },
        };
        foreign::read(&web.app, read).await
    };
    let done = match content {
        Ok(content) => ops::create::<QuestionnaireContent>(&web.app, &signed.actor, content).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(made) => Ok(Redirect::to(&format!("/questionnaires/{}?note=drafted", made.shown()?.key())).into_response()),
        Err(error) => {
            let start = QuestionnaireContent::START.into();
            written::again::<QuestionnaireContent>(&web, &signed, None, start, error).await
        }
    }
}
