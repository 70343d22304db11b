//! Answering: the team's page, and the page behind the vendor's link, which shows nothing else.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Json,
    extract::{FromRequestParts, Path, Request, State},
    http::{HeaderMap, StatusCode, header, request::Parts as RequestParts},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::json;
use uuid::Uuid;

use super::{answers::Sheet, show::workbook};
use crate::{
    Web, csrf,
    error::PageError,
    extract::{Pairs, Signed, arrival},
    forms::{Parts, Typed},
    pages::{Shell, faults, html, unprocessable},
};
use base::error::Error;
use governance::assessments::{
    self, AnswerValue, Answers, NewAnswer, QuestionKind, QuestionnaireContent,
    ops::{self, Door},
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

/// How somebody comes to the answers.
pub enum Visit {
    /// Signed in, as one of the team that answers this one.
    Team(Box<Signed>, Uuid),
    /// By the vendor's link: its secret, and what is behind it.
    Link(String, Door),
}

/// A visit of somebody signed in.
pub struct OfTeam(Visit);

/// A visit by the vendor's link.
pub struct OfLink(Visit);

impl From<OfTeam> for Visit {
    fn from(visit: OfTeam) -> Self {
        visit.0
    }
}

impl From<OfLink> for Visit {
    fn from(visit: OfLink) -> Self {
        visit.0
    }
}

impl FromRequestParts<Web> for OfTeam {
    type Rejection = Response;
    async fn from_request_parts(parts: &mut RequestParts, web: &Web) -> Result<Self, Response> {
        let signed = Signed::from_request_parts(parts, web).await.map_err(IntoResponse::into_response)?;
        let id = Path::<Uuid>::from_request_parts(parts, web).await.map_err(IntoResponse::into_response)?;
        Ok(Self(Visit::Team(Box::new(signed), id.0)))
    }
}

/// Whoever has no door is told no more than that.
impl FromRequestParts<Web> for OfLink {
    type Rejection = Response;
    async fn from_request_parts(parts: &mut RequestParts, web: &Web) -> Result<Self, Response> {
        let path: Result<Path<String>, _> = Path::from_request_parts(parts, web).await;
        let secret = path.map(|Path(secret)| secret).unwrap_or_default();
        match ops::door_of_link(&web.app, &secret, arrival(parts)).await {
            Ok(door) => Ok(Self(Visit::Link(secret, door))),
            Err(Error::NotFound(_)) => {
                let mut page = html(&ClosedPage { submitted: false }).unwrap_or_else(IntoResponse::into_response);
                *page.status_mut() = StatusCode::NOT_FOUND;
                Err(page)
            }
            Err(other) => Err(PageError(other).into_response()),
        }
    }
}

impl Visit {
    /// Where the form goes.
    fn action(&self) -> String {
        match self {
            Self::Team(_, id) => format!("/assessments/{id}/answer"),
            Self::Link(secret, _) => format!("/answer/{secret}"),
        }
    }

    async fn door(&self, web: &Web) -> Result<Door, Error> {
        match self {
            Self::Team(signed, id) => ops::door(&web.app, &signed.actor, *id).await,
            Self::Link(_, door) => Ok(door.clone()),
        }
    }

    /// The form with what is answered.
    async fn page(&self, web: &Web, pairs: &Pairs, errors: Vec<(String, String)>) -> Result<Response, PageError> {
        let (one, content, evidence) = ops::opened(&web.app, &self.door(web).await?).await?;
        let progress = assessments::progress(&content, &one.answers);
        let today = web.app.today().await?;
        let sheet = Sheet { one, content, evidence, progress, today, action: self.action(), errors };
        match self {
            Self::Team(signed, _) => {
                let shell = Shell::new(web, signed, "/assessments", sheet.one.title.clone(), pairs).await?;
                html(&TeamPage { shell, sheet })
            }
            Self::Link(..) => {
                let mut response = if sheet.one.is_open() {
                    let organisation = register::settings::ops::in_force(&web.app).await?.organisation;
                    html(&LinkPage { sheet, note: note(pairs), organisation })?
                } else {
                    html(&ClosedPage { submitted: true })?
                };
                let headers = response.headers_mut();
                headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
                // The address holds the secret: no other page gets to know it.
                headers.insert(header::REFERRER_POLICY, header::HeaderValue::from_static("no-referrer"));
                Ok(response)
            }
        }
    }

    /// The posted form, and the door that it is for. Somebody signed in sends the token of their page
    /// with it.
    async fn form(&self, web: &Web, request: Request) -> Result<(Parts, Door), PageError> {
        let parts = Parts::posted(web, request).await?;
        if let Self::Team(signed, _) = self {
            csrf::check_token(&signed.session, parts.typed.get("csrf"))?;
        }
        Ok((parts, self.door(web).await?))
    }

    /// The page again, with what is wrong.
    async fn again(&self, web: &Web, error: Error) -> Result<Response, PageError> {
        Ok(unprocessable(self.page(web, &Pairs::default(), faults(error)?).await?))
    }
}

/// Saves what was typed, then the files beside the questions.
async fn keep(web: &Web, door: &Door, form: &Parts) -> Result<(), Error> {
    let (one, content, _) = ops::opened(&web.app, door).await?;
    ops::answer(&web.app, door, given(&form.typed, &content, &one.answers)).await?;
    for file in &form.files {
        let Some(question) = file.field.strip_prefix("file.") else { continue };
        let taken = ops::attach(&web.app, door, question, &file.name, &file.bytes).await;
        taken.map_err(|error| beside(error, question))?;
    }
    Ok(())
}

/// The same faults, at the question whose file it is.
fn beside(error: Error, question: &str) -> Error {
    let Error::Invalid(faults) = error else { return error };
    let text: Vec<String> = faults.as_slice().iter().map(|fault| fault.message.clone()).collect();
    Error::field(&format!("/{question}/file"), text.join(" "))
}

fn note(pairs: &Pairs) -> Option<&'static str> {
    match pairs.get("note") {
        Some("answers_saved") => Some("Saved. You can stop here and come back by the same link."),
        Some("sheet_read") => Some("The workbook's answers are saved."),
        _ => None,
    }
}

/// The answers of a form: questions that it shows and that were left empty are taken back. A note that it
/// has no place for stays.
fn given(typed: &Typed, content: &QuestionnaireContent, known: &Answers) -> BTreeMap<String, NewAnswer> {
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
        let note = note.or_else(|| known.get(key).and_then(|answer| answer.note.clone()));
        let confirmed = typed.get(&format!("confirm.{key}")).is_some();
        answers.insert(key.clone(), NewAnswer { value, note, confirmed });
    }
    answers
}

/// What a script on the page gets for saving: how far one is, what is asked now, what is carried over
/// still, and which files are there.
async fn saved(web: &Web, door: &Door, done: Result<(), Error>) -> Result<Response, PageError> {
    let errors = match done {
        Ok(()) => Vec::new(),
        Err(error) => faults(error)?,
    };
    let (one, content, evidence) = ops::opened(&web.app, door).await?;
    let progress = assessments::progress(&content, &one.answers);
    let asked: Vec<&str> =
        assessments::asked(&content, &one.answers).iter().map(|question| question.key.as_str()).collect();
    let carried: Vec<&str> =
        one.answers.iter().filter(|(_, answer)| answer.carried).map(|(key, _)| key.as_str()).collect();
    let name = |id: &Uuid| evidence.iter().find(|one| one.id == *id).and_then(|one| Some(&one.file.as_ref()?.name));
    let files: BTreeMap<&str, Vec<&String>> = one
        .answers
        .iter()
        .filter(|(_, answer)| !answer.evidence.is_empty())
        .map(|(key, answer)| (key.as_str(), answer.evidence.iter().filter_map(name).collect()))
        .collect();
    let told = json!({ "progress": progress, "asked": asked, "carried": carried, "files": files, "errors": errors });
    Ok(Json(told).into_response())
}

fn by_script(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}

pub async fn show<V: Into<Visit>>(State(web): State<Web>, visit: V, pairs: Pairs) -> Result<Response, PageError> {
    visit.into().page(&web, &pairs, Vec::new()).await
}

pub async fn save<V: Into<Visit>>(
    State(web): State<Web>,
    headers: HeaderMap,
    visit: V,
    request: Request,
) -> Result<Response, PageError> {
    let visit: Visit = visit.into();
    let (form, door) = visit.form(&web, request).await?;
    let done = keep(&web, &door, &form).await;
    if by_script(&headers) {
        return saved(&web, &door, done).await;
    }
    match done {
        Ok(()) => Ok(Redirect::to(&format!("{}?note=answers_saved", visit.action())).into_response()),
        Err(error) => visit.again(&web, error).await,
    }
}

pub async fn submit<V: Into<Visit>>(State(web): State<Web>, visit: V, request: Request) -> Result<Response, PageError> {
    let visit: Visit = visit.into();
    let (form, door) = visit.form(&web, request).await?;
    let done = match keep(&web, &door, &form).await {
        Ok(()) => ops::submit(&web.app, &door).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(_) => Ok(Redirect::to(&match visit {
            Visit::Team(_, id) => format!("/assessments/{id}?note=answers_submitted"),
            Visit::Link(..) => visit.action(),
        })
        .into_response()),
        Err(error) => visit.again(&web, error).await,
    }
}

/// Takes a filled workbook.
pub async fn read_sheet<V: Into<Visit>>(
    State(web): State<Web>,
    visit: V,
    request: Request,
) -> Result<Response, PageError> {
    let visit: Visit = visit.into();
    let (form, door) = visit.form(&web, request).await?;
    let done = match form.file() {
        Some(file) => ops::read_sheet(&web.app, &door, &file.bytes).await,
        None => Err(Error::field("/file", "Choose a file.")),
    };
    match done {
        Ok(_) => Ok(Redirect::to(&format!("{}?note=sheet_read", visit.action())).into_response()),
        Err(error) => visit.again(&web, error).await,
    }
}

pub async fn sheet_of_link(State(web): State<Web>, OfLink(visit): OfLink) -> Result<Response, PageError> {
    let door = visit.door(&web).await?;
    Ok(workbook(ops::sheet_of(&web.app, &door).await?))
}
