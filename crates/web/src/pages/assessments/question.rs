//! The form of one question.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Map, Value, json};

use super::specs::QUESTION;
use crate::{
    Web,
    error::PageError,
    extract::Signed,
    forms::{Choice, FormView, Posted},
    pages::{catalog::form_page, list::Link},
};
use base::{
    error::{Error, FieldErrors},
    json::content,
};
use governance::assessments::{Question, QuestionnaireContent};
use identity::Permission;
use register::publications::{Publication, ops};

const BASE: &str = "/questionnaires";
/// The title of the section that a new question was opened for.
const SECTION: &str = "section";

/// Where a question stands, or is to stand.
enum Spot {
    /// At the end of a section.
    New(usize),
    /// Where the one of this key stands.
    Known(String),
}

impl Spot {
    /// At the end of the section at a place, as an address gives it.
    fn new(section: &str) -> Result<Self, Error> {
        section.parse().map(Self::New).map_err(|_| Error::NotFound("section"))
    }

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
    if fields.get("weight").is_none_or(Value::is_null) {
        return Err(Error::field("/weight", "Give 0 to 100."));
    }
    fields.retain(|_, value| !value.is_null());
    fields.insert("optional".into(), optional.into());
    for name in ["key", "text"] {
        fields.entry(name).or_insert_with(|| "".into());
    }
    content(fields)
}

/// Faults of the question at the fields of its form, and what is wrong elsewhere in the questionnaire then.
fn at_fields(
    errors: &FieldErrors,
    content: &QuestionnaireContent,
    (section, question): (usize, usize),
) -> (FieldErrors, Vec<String>) {
    let here = format!("/sections/{section}/questions/{question}");
    let (mut all, mut elsewhere) = (FieldErrors::new(), Vec::new());
    for error in errors.as_slice() {
        match error.pointer.strip_prefix(&here) {
            Some("") => all.add("/text", error.message.clone()),
            // A word of a list is shown at the list's cell.
            Some(rest) if rest.starts_with('/') => {
                let cell: Vec<&str> = rest.splitn(5, '/').take(4).collect();
                all.add(cell.join("/"), error.message.clone());
            }
            _ => elsewhere.push(super::outline::told(content, &error.pointer, &error.message)),
        }
    }
    (all, elsewhere)
}

fn form(
    known: &Publication<QuestionnaireContent>,
    key: &str,
    spot: &Spot,
    values: Value,
    revision: i64,
) -> Result<FormView, Error> {
    let shown = known.shown()?;
    let section = match spot {
        Spot::New(section) => *section,
        Spot::Known(question) => shown.place(question).map_or(0, |(section, _)| section),
    };
    let before: Vec<Choice> = shown
        .sections
        .iter()
        .take(section + 1)
        .flat_map(|section| &section.questions)
        .take_while(|question| !matches!(spot, Spot::Known(key) if *key == question.key))
        .filter(|question| !question.values().is_empty())
        .map(|question| Choice {
            value: question.key.clone(),
            label: format!("{} ({})", question.text, question.values().join(", ")),
        })
        .collect();
    let title = shown.sections.get(section).map(|section| section.title.clone()).unwrap_or_default();
    let back = format!("{BASE}/{key}/edit");
    let mut form = FormView::new(&QUESTION, values, spot.path(key), back.clone())
        .at(revision)
        .offer("ask_if.question", before)
        .submit("Save the question")
        .intro("Part of a draft; a second governance lead publishes it.");
    form.crumb = Some(Link::other(&format!("{} / {title}", shown.title), &back));
    if matches!(spot, Spot::New(_)) {
        form.hidden.push((SECTION.into(), title));
    }
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
    form_page(web, signed, BASE, spot.title(), form(&known, key, &spot, values(&question), known.revision)?).await
}

async fn save(web: &Web, key: &str, spot: Spot, posted: Posted) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    actor.require(Permission::Govern)?;
    let known = ops::find::<QuestionnaireContent>(&web.app, actor, key).await?;
    let mut after = known.shown()?.clone();
    let revision = posted.revision()?;
    let (before, gone) = match &spot {
        // A section goes by its place, which another one may have taken since the form was opened.
        Spot::New(section) => {
            let title = after.sections.get(*section).map(|section| section.title.as_str());
            (Question { weight: 1, ..Question::default() }, title.is_none() || title != posted.get(SECTION))
        }
        Spot::Known(question) => {
            let there = after.question(question).cloned();
            let gone = there.is_none();
            (there.unwrap_or_default(), gone)
        }
    };
    let fields = posted.over(&QUESTION, values(&before));
    let mut again = form(&known, key, &spot, Value::Object(fields.clone()), revision)?;
    if gone {
        // It is still for the section that it was opened for.
        again.hidden = posted.get(SECTION).map(|title| (SECTION.into(), title.to_owned())).into_iter().collect();
        let problem = Error::Conflict(
            "Somebody changed the outline meanwhile, and this place is another. Copy what you wrote, and open the form anew."
                .into(),
        );
        return form_page(web, &posted.signed, BASE, spot.title(), again.refused(problem)?).await;
    }
    let question = match typed(fields) {
        Ok(question) => question,
        Err(error) => return form_page(web, &posted.signed, BASE, spot.title(), again.refused(error)?).await,
    };
    let place = match &spot {
        Spot::New(section) => after.add_question(*section, question)?,
        Spot::Known(key) => after.replace_question(key, question)?,
    };
    let again = match ops::edit(&web.app, actor, known.id, revision, after.clone()).await {
        Ok(_) => return Ok(Redirect::to(&format!("{BASE}/{key}/edit?note=drafted")).into_response()),
        Err(Error::Stale { .. }) => super::outline::meanwhile(again, &values(&before), known.revision),
        Err(Error::Invalid(errors)) => {
            let (here, elsewhere) = at_fields(&errors, &after, place);
            let mut again = again.refused(Error::Invalid(here))?;
            again.problem = (!elsewhere.is_empty()).then(|| elsewhere.join(" "));
            again
        }
        Err(error) => again.refused(error)?,
    };
    form_page(web, &posted.signed, BASE, spot.title(), again).await
}

pub async fn new(
    State(web): State<Web>,
    signed: Signed,
    Path((key, section)): Path<(String, String)>,
) -> Result<Response, PageError> {
    show(&web, &signed, &key, Spot::new(&section)?).await
}

pub async fn create(
    State(web): State<Web>,
    Path((key, section)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, PageError> {
    save(&web, &key, Spot::new(&section)?, posted).await
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
