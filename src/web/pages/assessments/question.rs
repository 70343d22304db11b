//! The form of one question.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Map, Value, json};

use super::specs::QUESTION;
use crate::{
    assessments::{Question, QuestionnaireContent},
    catalog::ops::content,
    error::{Error, FieldErrors},
    identity::Permission,
    publications::{Publication, ops},
    web::{
        Web,
        error::PageError,
        extract::Signed,
        forms::{Choice, FormView, Posted},
        pages::{catalog::form_page, list::Link},
    },
};

const BASE: &str = "/questionnaires";

/// Where a question stands, or is to stand.
enum Spot {
    /// At the end of a section.
    New(usize),
    /// Where the one of this key stands.
    Known(String),
}

impl Spot {
    fn path(&self, key: &str) -> String {
        match self {
            Self::New(section) => format!("{BASE}/{key}/sections/{section}/new"),
            Self::Known(question) => format!("{BASE}/{key}/questions/{question}"),
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::New(_) => "New question",
            Self::Known(_) => "Edit the question",
        }
    }
}

/// A question as the form shows it.
fn values(question: &Question) -> Value {
    let mut all = serde_json::to_value(question).unwrap_or(Value::Null);
    if question.optional {
        all["answering"] = json!(["optional"]);
    }
    all
}

/// A question as it was typed.
fn typed(mut fields: Map<String, Value>) -> Result<Question, Error> {
    let optional =
        fields.remove("answering").is_some_and(|chosen| chosen.as_array().is_some_and(|all| !all.is_empty()));
    fields.retain(|_, value| !value.is_null());
    fields.insert("optional".into(), optional.into());
    for name in ["key", "text"] {
        fields.entry(name).or_insert_with(|| "".into());
    }
    content(fields)
}

/// Faults of the question at the fields of its form; others say where they are.
fn at_fields(error: Error, content: &QuestionnaireContent, (section, question): (usize, usize)) -> Error {
    let Error::Invalid(errors) = error else { return error };
    let here = format!("/sections/{section}/questions/{question}");
    let mut all = FieldErrors::new();
    for error in errors.as_slice() {
        match error.pointer.strip_prefix(&here) {
            Some(rest) => all.add(if rest.is_empty() { "/text" } else { rest }, error.message.clone()),
            None => all.add("/elsewhere", super::outline::told(content, &error.pointer, &error.message)),
        }
    }
    Error::Invalid(all)
}

fn form(known: &Publication<QuestionnaireContent>, key: &str, spot: &Spot, values: Value) -> Result<FormView, Error> {
    let shown = known.shown()?;
    let before: Vec<Choice> = shown
        .questions()
        .map(|(_, question)| question)
        .take_while(|question| !matches!(spot, Spot::Known(key) if *key == question.key))
        .filter(|question| !question.values().is_empty())
        .map(|question| Choice {
            value: question.key.clone(),
            label: format!("{} ({})", question.text, question.values().join(", ")),
        })
        .collect();
    let back = format!("{BASE}/{key}/edit");
    let mut form = FormView::new(&QUESTION, values, spot.path(key), back.clone())
        .at(known.revision)
        .offer("ask_if.question", before)
        .submit("Save the question")
        .intro("Part of a draft; a second governance lead publishes it.");
    form.crumb = Some(Link::other(&shown.title, &back));
    Ok(form)
}

async fn show(web: &Web, signed: &Signed, key: &str, spot: Spot) -> Result<Response, PageError> {
    signed.actor.require(Permission::Govern)?;
    let known = ops::find::<QuestionnaireContent>(&web.app, &signed.actor, key).await?;
    let shown = known.shown()?;
    let question = match &spot {
        Spot::New(section) if *section < shown.sections.len() => Question { weight: 1, ..Question::default() },
        Spot::New(_) => return Err(Error::NotFound("section").into()),
        Spot::Known(question) => shown.question(question).cloned().ok_or(Error::NotFound("question"))?,
    };
    form_page(web, signed, BASE, spot.title(), form(&known, key, &spot, values(&question))?).await
}

async fn save(web: &Web, key: &str, spot: Spot, posted: Posted) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    actor.require(Permission::Govern)?;
    let known = ops::find::<QuestionnaireContent>(&web.app, actor, key).await?;
    let mut after = known.shown()?.clone();
    let before = match &spot {
        Spot::New(_) => Question { weight: 1, ..Question::default() },
        Spot::Known(question) => after.question(question).cloned().ok_or(Error::NotFound("question"))?,
    };
    let fields = posted.over(&QUESTION, values(&before));
    let shown = Value::Object(fields.clone());
    let revision = posted.revision()?;
    let done = match typed(fields) {
        Ok(question) => {
            let place = match &spot {
                Spot::New(section) => after.add_question(*section, question)?,
                Spot::Known(key) => after.replace_question(key, question)?,
            };
            let done = ops::edit(&web.app, actor, known.id, revision, after.clone()).await;
            done.map_err(|error| at_fields(error, &after, place))
        }
        Err(error) => Err(error),
    };
    let again = match done {
        Ok(_) => return Ok(Redirect::to(&format!("{BASE}/{key}/edit?note=drafted")).into_response()),
        Err(Error::Stale { .. }) => form(&known, key, &spot, shown)?.meanwhile(&values(&before), known.revision),
        Err(error) => form(&known, key, &spot, shown)?.refused(error)?,
    };
    form_page(web, &posted.signed, BASE, spot.title(), again).await
}

pub async fn new(
    State(web): State<Web>,
    signed: Signed,
    Path((key, section)): Path<(String, usize)>,
) -> Result<Response, PageError> {
    show(&web, &signed, &key, Spot::New(section)).await
}

pub async fn create(
    State(web): State<Web>,
    Path((key, section)): Path<(String, usize)>,
    posted: Posted,
) -> Result<Response, PageError> {
    save(&web, &key, Spot::New(section), posted).await
}

pub async fn edit(
    State(web): State<Web>,
    signed: Signed,
    Path((key, question)): Path<(String, String)>,
) -> Result<Response, PageError> {
    show(&web, &signed, &key, Spot::Known(question)).await
}

pub async fn update(
    State(web): State<Web>,
    Path((key, question)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, PageError> {
    save(&web, &key, Spot::Known(question), posted).await
}
