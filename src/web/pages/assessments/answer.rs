//! Answering: the team's page, and the page behind the vendor's link, which shows nothing else.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Json,
    extract::{FromRequestParts, Multipart, Path, Request, State, multipart::MultipartRejection},
    http::{HeaderMap, header, request::Parts as RequestParts},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::json;
use uuid::Uuid;

use super::{answers::Sheet, faults, show::workbook, unprocessable};
use crate::{
    assessments::{
        self, AnswerValue, Assessment, NewAnswer, QuestionKind, QuestionnaireContent,
        ops::{self, Door},
    },
    error::Error,
    web::{
        Web,
        error::PageError,
        extract::{Pairs, Signed, origin},
        forms::{Parts, Posted, Typed},
        pages::{Shell, html},
        telemetry::request_id,
    },
};

#[derive(Template)]
#[template(path = "assessments/answer_team.html")]
struct TeamPage {
    shell: Shell,
    sheet: Sheet,
}

#[derive(Template)]
#[template(path = "assessments/answer_link.html")]
struct LinkPage {
    sheet: Sheet,
    note: Option<&'static str>,
    organisation: String,
}

#[derive(Template)]
#[template(path = "assessments/answer_closed.html")]
struct ClosedPage {
    submitted: bool,
}

/// The door behind a link; whoever has none is told no more than that.
pub struct Linked(Door);

impl<S: Send + Sync> FromRequestParts<S> for Linked
where
    Web: axum::extract::FromRef<S>,
{
    type Rejection = Response;
    async fn from_request_parts(parts: &mut RequestParts, state: &S) -> Result<Self, Response> {
        let web = <Web as axum::extract::FromRef<S>>::from_ref(state);
        let path: Result<Path<String>, _> = Path::from_request_parts(parts, state).await;
        let secret = path.map(|Path(secret)| secret).unwrap_or_default();
        match ops::door_of_link(&web.app, &secret, origin(parts), request_id()).await {
            Ok(door) => Ok(Self(door)),
            Err(Error::NotFound(_)) => {
                let mut page = html(&ClosedPage { submitted: false }).unwrap_or_else(IntoResponse::into_response);
                *page.status_mut() = axum::http::StatusCode::NOT_FOUND;
                Err(page)
            }
            Err(other) => Err(PageError(other).into_response()),
        }
    }
}

async fn sheet(web: &Web, door: &Door, action: String, errors: Vec<(String, String)>) -> Result<Sheet, Error> {
    let (one, content, evidence) = ops::opened(&web.app, door).await?;
    let progress = assessments::progress(&content, &one.answers);
    Ok(Sheet { one, content, evidence, progress, today: web.app.today().await?, action, errors })
}

async fn team_page(
    web: &Web,
    signed: &Signed,
    door: &Door,
    pairs: &Pairs,
    errors: Vec<(String, String)>,
) -> Result<Response, PageError> {
    let sheet = sheet(web, door, format!("/assessments/{}/answer", door.id()), errors).await?;
    let shell = Shell::new(web, signed, "/assessments", sheet.one.title.clone(), pairs).await?;
    html(&TeamPage { shell, sheet })
}

async fn link_page(
    web: &Web,
    door: &Door,
    secret: &str,
    note: Option<&'static str>,
    errors: Vec<(String, String)>,
) -> Result<Response, PageError> {
    let sheet = sheet(web, door, format!("/answer/{secret}"), errors).await?;
    let mut response = if sheet.one.is_open() {
        let organisation = crate::settings::ops::in_force(&web.app).await?.organisation;
        html(&LinkPage { sheet, note, organisation })?
    } else {
        html(&ClosedPage { submitted: true })?
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    // The address holds the secret: no other page gets to know it.
    headers.insert(header::REFERRER_POLICY, header::HeaderValue::from_static("no-referrer"));
    Ok(response)
}

/// The answers of a form: questions that it shows and that were left empty are taken back.
fn given(typed: &Typed, content: &QuestionnaireContent) -> BTreeMap<String, NewAnswer> {
    let mut answers = BTreeMap::new();
    for (_, question) in content.questions() {
        let key = &question.key;
        if typed.get(&format!("shown.{key}")).is_none() {
            continue;
        }
        let words = typed.all(&format!("answer.{key}"));
        let value = match question.kind {
            QuestionKind::MultiChoice => Some(AnswerValue::Many(words)),
            _ => words.into_iter().next().map(AnswerValue::Text),
        };
        let note = typed.get(&format!("note.{key}")).map(|note| note.replace("\r\n", "\n"));
        answers.insert(key.clone(), NewAnswer { value, note });
    }
    answers
}

async fn save(web: &Web, door: &Door, typed: &Typed) -> Result<Assessment, Error> {
    let (_, content, _) = ops::opened(&web.app, door).await?;
    ops::answer(&web.app, door, given(typed, &content)).await
}

/// What a script on the page gets for saving: how far one is, and what is asked now.
async fn saved(web: &Web, door: &Door, done: Result<Assessment, Error>) -> Result<Response, PageError> {
    let errors = match done {
        Ok(_) => Vec::new(),
        Err(error) => faults(error)?,
    };
    let (one, content, _) = ops::opened(&web.app, door).await?;
    let progress = assessments::progress(&content, &one.answers);
    let asked: Vec<&str> =
        assessments::asked(&content, &one.answers).iter().map(|question| question.key.as_str()).collect();
    Ok(Json(json!({ "progress": progress, "asked": asked, "errors": errors })).into_response())
}

fn by_script(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}

pub async fn of_team(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<Uuid>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    let door = ops::door(&web.app, &signed.actor, id).await?;
    team_page(&web, &signed, &door, &pairs, Vec::new()).await
}

pub async fn save_of_team(
    State(web): State<Web>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    posted: Posted,
) -> Result<Response, PageError> {
    let door = ops::door(&web.app, &posted.signed.actor, id).await?;
    let done = save(&web, &door, &posted).await;
    if by_script(&headers) {
        return saved(&web, &door, done).await;
    }
    match done {
        Ok(_) => Ok(Redirect::to(&format!("/assessments/{id}/answer?note=answers_saved")).into_response()),
        Err(error) => {
            Ok(unprocessable(team_page(&web, &posted.signed, &door, &Pairs::default(), faults(error)?).await?))
        }
    }
}

pub async fn submit_of_team(
    State(web): State<Web>,
    Path(id): Path<Uuid>,
    posted: Posted,
) -> Result<Response, PageError> {
    let door = ops::door(&web.app, &posted.signed.actor, id).await?;
    let done = match save(&web, &door, &posted).await {
        Ok(_) => ops::submit(&web.app, &door).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(_) => Ok(Redirect::to(&format!("/assessments/{id}?note=answers_submitted")).into_response()),
        Err(error) => {
            Ok(unprocessable(team_page(&web, &posted.signed, &door, &Pairs::default(), faults(error)?).await?))
        }
    }
}

pub async fn of_link(
    State(web): State<Web>,
    Path(secret): Path<String>,
    Linked(door): Linked,
    pairs: Pairs,
) -> Result<Response, PageError> {
    let note = match pairs.get("note") {
        Some("saved") => Some("Saved. You can stop here and come back by the same link."),
        Some("read") => Some("The workbook's answers are saved."),
        _ => None,
    };
    link_page(&web, &door, &secret, note, Vec::new()).await
}

async fn form_of(request: Request, web: &Web) -> Result<Typed, Error> {
    use axum::extract::FromRequest;
    let bytes = axum::body::Bytes::from_request(request, web).await;
    let bytes = bytes.map_err(|_| Error::TooLarge("This form is too large.".into()))?;
    Ok(Typed(url::form_urlencoded::parse(&bytes).into_owned().collect()))
}

pub async fn save_of_link(
    State(web): State<Web>,
    Path(secret): Path<String>,
    headers: HeaderMap,
    Linked(door): Linked,
    request: Request,
) -> Result<Response, PageError> {
    let typed = form_of(request, &web).await?;
    let done = save(&web, &door, &typed).await;
    if by_script(&headers) {
        return saved(&web, &door, done).await;
    }
    match done {
        Ok(_) => Ok(Redirect::to(&format!("/answer/{secret}?note=saved")).into_response()),
        Err(error) => Ok(unprocessable(link_page(&web, &door, &secret, None, faults(error)?).await?)),
    }
}

pub async fn submit_of_link(
    State(web): State<Web>,
    Path(secret): Path<String>,
    Linked(door): Linked,
    request: Request,
) -> Result<Response, PageError> {
    let typed = form_of(request, &web).await?;
    let done = match save(&web, &door, &typed).await {
        Ok(_) => ops::submit(&web.app, &door).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(_) => Ok(Redirect::to(&format!("/answer/{secret}")).into_response()),
        Err(error) => Ok(unprocessable(link_page(&web, &door, &secret, None, faults(error)?).await?)),
    }
}

/// Takes a file as proof of an answer, or a filled workbook.
async fn take(web: &Web, door: &Door, parts: &Parts) -> Result<(), Error> {
    if parts.bytes.is_empty() {
        return Err(Error::field("/file", "Choose a file."));
    }
    match parts.typed.get("question").filter(|question| !question.is_empty()) {
        Some(question) => {
            ops::attach(&web.app, door, question, &parts.file_name, &parts.bytes).await.map_err(
                |error| match error {
                    Error::Invalid(faults) => {
                        let text: Vec<String> = faults.as_slice().iter().map(|fault| fault.message.clone()).collect();
                        Error::field(&format!("/{question}/file"), text.join(" "))
                    }
                    other => other,
                },
            )?;
        }
        None => drop(ops::read_sheet(&web.app, door, &parts.bytes).await?),
    }
    Ok(())
}

pub async fn upload_of_team(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<Uuid>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, PageError> {
    let form = form.map_err(|_| Error::Forbidden("Send the form from its page.".into()))?;
    let parts = Parts::signed(&web, &signed, form).await?;
    let door = ops::door(&web.app, &signed.actor, id).await?;
    match take(&web, &door, &parts).await {
        Ok(()) => Ok(Redirect::to(&format!("/assessments/{id}/answer?note=answers_saved")).into_response()),
        Err(error) => Ok(unprocessable(team_page(&web, &signed, &door, &Pairs::default(), faults(error)?).await?)),
    }
}

pub async fn upload_of_link(
    State(web): State<Web>,
    Path(secret): Path<String>,
    Linked(door): Linked,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, PageError> {
    let form = form.map_err(|_| Error::field("/file", "Send the form from its page."))?;
    let parts = Parts::read(&web, form).await?;
    match take(&web, &door, &parts).await {
        Ok(()) => Ok(Redirect::to(&format!("/answer/{secret}?note=read")).into_response()),
        Err(error) => Ok(unprocessable(link_page(&web, &door, &secret, None, faults(error)?).await?)),
    }
}

pub async fn sheet_of_link(State(web): State<Web>, Linked(door): Linked) -> Result<Response, PageError> {
    Ok(workbook(ops::sheet_of(&web.app, &door).await?))
}
