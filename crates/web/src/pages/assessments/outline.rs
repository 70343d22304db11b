//! A questionnaire as it is written: its sections and questions, changed one thing at a time.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Map, Value, json};

use super::specs::{NEW, SETTINGS};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::{FormView, Posted},
    pages::{Shell, catalog::form_page, faults, html, list::Link, policy::severity_class, unprocessable},
};
use base::{
    error::{Error, FieldErrors},
    json::content,
};
use governance::assessments::{QuestionnaireContent, Step};
use identity::Permission;
use register::publications::{Publication, ops};

const BASE: &str = "/questionnaires";

#[derive(Template)]
#[template(path = "assessments/outline.html")]
struct OutlinePage {
    shell: Shell,
    key: String,
    revision: i64,
    content: QuestionnaireContent,
    /// Whether it waits for a second person.
    proposed: bool,
    /// The title of a section that was not added.
    typed: String,
    problems: Vec<String>,
}

impl OutlinePage {
    fn severity_class(&self, severity: &str) -> &'static str {
        severity_class(severity)
    }
    fn last_section(&self) -> usize {
        self.content.sections.len().saturating_sub(1)
    }
    /// Whether a question has none before it, in any section.
    fn is_first(&self, section: &usize, question: &usize) -> bool {
        (*section, *question) == (0, 0)
    }
    /// Whether a question has none after it, in any section.
    fn is_last(&self, section: &usize, question: &usize) -> bool {
        *section == self.last_section()
            && self.content.sections.get(*section).is_some_and(|one| *question + 1 == one.questions.len())
    }
}

/// What is wrong somewhere in a questionnaire, with the question's key in place of a pointer.
pub(super) fn told(content: &QuestionnaireContent, pointer: &str, message: &str) -> String {
    let of = content
        .questions()
        .find(|(at, _)| pointer.strip_prefix(at.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
    match of {
        Some((_, question)) => format!("Question '{}': {message}", question.key),
        None => message.to_owned(),
    }
}

async fn page(
    web: &Web,
    signed: &Signed,
    key: &str,
    known: &Publication<QuestionnaireContent>,
    pairs: &Pairs,
) -> Result<OutlinePage, Error> {
    signed.actor.require(Permission::Govern)?;
    let content = known.shown()?.clone();
    let title = format!("Edit {}", content.title);
    let shell = Shell::new(web, signed, BASE, title, pairs).await?;
    let proposed = known.draft.as_ref().is_some_and(|draft| draft.proposal.is_some());
    Ok(OutlinePage {
        shell,
        key: key.to_owned(),
        revision: known.revision,
        content,
        proposed,
        typed: String::new(),
        problems: Vec::new(),
    })
}

pub async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(key): Path<String>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    let known = ops::find::<QuestionnaireContent>(&web.app, &signed.actor, &key).await?;
    html(&page(&web, &signed, &key, &known, &pairs).await?)
}

/// Takes one step.
pub async fn step(State(web): State<Web>, Path(key): Path<String>, posted: Posted) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    actor.require(Permission::Govern)?;
    let known = ops::find::<QuestionnaireContent>(&web.app, actor, &key).await?;
    let mut after = known.shown()?.clone();
    let title = posted.get("title").unwrap_or_default().trim();
    let word = posted.get("step").unwrap_or_default();
    let taken = Step::of(word, title).and_then(|step| after.step(step)).map_err(|error| match error {
        Error::NotFound(_) => Error::Conflict("Somebody changed the outline meanwhile. This is what it is now.".into()),
        other => other,
    });
    let done = match (taken, posted.revision()) {
        (Ok(()), Ok(revision)) => ops::edit(&web.app, actor, known.id, revision, after.clone()).await,
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    match done {
        Ok(_) => Ok(Redirect::to(&format!("{BASE}/{key}/edit?note=drafted")).into_response()),
        Err(error) => {
            let problems = faults(error)?.iter().map(|(pointer, message)| told(&after, pointer, message)).collect();
            let page = page(&web, &posted.signed, &key, &known, &Pairs::default()).await?;
            let typed = if word == "section.add" { title.to_owned() } else { String::new() };
            Ok(unprocessable(html(&OutlinePage { typed, problems, ..page })?))
        }
    }
}

/// What was typed of a questionnaire, without what was left empty.
fn given(mut fields: Map<String, Value>) -> Result<Map<String, Value>, Error> {
    if fields.get("valid_months").is_none_or(Value::is_null) {
        return Err(Error::field("/valid_months", "Give 1 to 60 months."));
    }
    fields.retain(|_, value| !value.is_null());
    Ok(fields)
}

fn settings_form(key: &str, title: &str, values: Value, revision: i64) -> FormView {
    let back = format!("{BASE}/{key}/edit");
    let mut form = FormView::new(&SETTINGS, values, format!("{BASE}/{key}/settings"), back.clone()).at(revision);
    form.crumb = Some(Link::other(title, &back));
    form
}

/// Takes up that somebody else wrote meanwhile, also where nothing that this form shows is another.
pub(super) fn meanwhile(form: FormView, theirs: &Value, revision: i64) -> FormView {
    let mut form = form.meanwhile(theirs, revision);
    if form.theirs.is_empty() {
        form.problem = Some("Somebody changed the questionnaire meanwhile, elsewhere. Save again.".into());
    }
    form
}

const SETTINGS_TITLE: &str = "What the questionnaire is";

fn values(content: &QuestionnaireContent) -> Value {
    serde_json::to_value(content).unwrap_or(Value::Null)
}

pub async fn settings(State(web): State<Web>, signed: Signed, Path(key): Path<String>) -> Result<Response, PageError> {
    signed.actor.require(Permission::Govern)?;
    let known = ops::find::<QuestionnaireContent>(&web.app, &signed.actor, &key).await?;
    let shown = known.shown()?;
    let form = settings_form(&key, &shown.title, values(shown), known.revision);
    form_page(&web, &signed, BASE, SETTINGS_TITLE, form).await
}

pub async fn set(State(web): State<Web>, Path(key): Path<String>, posted: Posted) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    actor.require(Permission::Govern)?;
    let known = ops::find::<QuestionnaireContent>(&web.app, actor, &key).await?;
    let before = values(known.shown()?);
    let fields = posted.over(&SETTINGS, before.clone());
    let typed = Value::Object(fields.clone());
    let revision = posted.revision()?;
    let done = match given(fields).and_then(content::<QuestionnaireContent>) {
        Ok(content) => ops::edit(&web.app, actor, known.id, revision, content).await,
        Err(error) => Err(error),
    };
    let again = settings_form(&key, &known.shown()?.title, typed, revision);
    let form = match done {
        Ok(_) => return Ok(Redirect::to(&format!("{BASE}/{key}/edit?note=drafted")).into_response()),
        Err(Error::Stale { .. }) => meanwhile(again, &before, known.revision),
        Err(error) => again.refused(error)?,
    };
    form_page(&web, &posted.signed, BASE, SETTINGS_TITLE, form).await
}

fn new_form(values: Value) -> FormView {
    let mut form = FormView::new(&NEW, values, format!("{BASE}/new"), BASE)
        .submit("Begin it")
        .intro("A draft; a second governance lead publishes it.");
    form.crumb = Some(Link::other("Questionnaires", BASE));
    form
}

pub async fn new(State(web): State<Web>, signed: Signed) -> Result<Response, PageError> {
    signed.actor.require(Permission::Govern)?;
    let start = json!({ "audience": "vendor", "valid_months": 12 });
    form_page(&web, &signed, BASE, "New questionnaire", new_form(start)).await
}

/// A questionnaire of what it begins with.
fn begun(mut fields: Map<String, Value>) -> Result<QuestionnaireContent, Error> {
    let mut text = |name: &str| fields.remove(name).unwrap_or_else(|| "".into());
    let (section, question) = (text("section"), text("text"));
    let mut content: QuestionnaireContent = {
        let mut fields = given(fields)?;
        fields.insert("sections".into(), json!([{ "title": section, "questions": [] }]));
        content(fields)?
    };
    let question = json!({ "key": "", "text": question });
    content.add_question(0, serde_json::from_value(question).map_err(Error::internal)?)?;
    Ok(content)
}

/// Faults at the fields of the form.
fn at_fields(error: Error) -> Error {
    let Error::Invalid(errors) = error else { return error };
    let mut all = FieldErrors::new();
    for error in errors.as_slice() {
        let pointer = match error.pointer.as_str() {
            "/sections/0/title" => "/section",
            "/key" => "/title",
            other if other.starts_with("/sections/0/questions") => "/text",
            other => other,
        };
        all.add(pointer, error.message.clone());
    }
    Error::Invalid(all)
}

pub async fn create(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    actor.require(Permission::Govern)?;
    let fields = posted.over(&NEW, Value::Null);
    let typed = Value::Object(fields.clone());
    let done = match begun(fields) {
        Ok(content) => ops::create(&web.app, actor, content).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(made) => {
            let key = made.shown()?.key.clone();
            Ok(Redirect::to(&format!("{BASE}/{key}/edit?note=drafted")).into_response())
        }
        Err(error) => {
            form_page(&web, &posted.signed, BASE, "New questionnaire", new_form(typed).refused(at_fields(error))?).await
        }
    }
}
