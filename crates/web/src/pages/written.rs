//! What is written as YAML: the form of a questionnaire and of the risk model.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Redirect, Response},
};

use super::{Shell, faults, html, policy::publication::Shown, unprocessable};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::Posted,
};
use base::{error::Error, foreign};
use governance::{assessments::QuestionnaireContent, policy::RiskModelContent};
use identity::Permission;
use register::publications::{Publication, ops};

/// What is written as YAML.
pub trait Written: Shown {
    /// Where a new one begins; empty where none is begun.
    const START: &'static str;
    /// What it has: a name, and what that means.
    const HELP: &'static [(&'static str, &'static str)];
    /// Whether one can be read from a file.
    const FROM_FILE: bool;
}

impl Written for QuestionnaireContent {
    const START: &'static str = "title: Security of a new vendor
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
    const HELP: &'static [(&'static str, &'static str)] = &[
        ("key", "Answers and sheets go by it"),
        ("kind", "yes_no, choice, multi_choice, number, date, text, file"),
        ("weight", "0 to 100; 1 where left out"),
        ("options", "value, label, score 0 to 100"),
        ("ask_if", "question and the answers that lead here; all of them have to hold"),
        ("red_flags", "is, below or above; severity, finding, remediation, compensating_control"),
        ("optional", "true where it may be left open"),
        ("guidance", "what helps to answer"),
    ];
    const FROM_FILE: bool = true;
}

impl Written for RiskModelContent {
    const START: &'static str = "";
    const HELP: &'static [(&'static str, &'static str)] = &[
        ("factors", "key, title, weight and levels; all weights together are 100"),
        ("levels", "title, when and points; the first that holds counts, the last one has no when"),
        ("when", "CEL over the facts that rules use"),
        ("mitigations", "key, title, when and the points that they take away"),
        ("bands", "name and the lowest score; the first begins at 0"),
    ];
    const FROM_FILE: bool = false;
}

#[derive(Template)]
#[template(path = "assessments/questionnaire_form.html")]
struct WrittenForm {
    shell: Shell,
    base: &'static str,
    list: &'static str,
    help: &'static [(&'static str, &'static str)],
    from_file: bool,
    key: Option<String>,
    revision: i64,
    text: String,
    errors: Vec<(String, String)>,
}

impl WrittenForm {
    fn action(&self) -> String {
        self.key.as_ref().map_or_else(|| self.base.into(), |key| format!("{}/{key}", self.base))
    }
    fn lines(&self) -> usize {
        self.text.lines().count().clamp(20, 44)
    }
}

async fn form<C: Written>(
    web: &Web,
    signed: &Signed,
    known: Option<&Publication<C>>,
    text: String,
) -> Result<WrittenForm, Error> {
    signed.actor.require(Permission::Govern)?;
    let key = known.map(|known| known.shown().map(|shown| shown.key().to_owned())).transpose()?;
    let verb = if key.is_some() { "Edit the" } else { "New" };
    Ok(WrittenForm {
        shell: Shell::new(web, signed, C::BASE, format!("{verb} {}", C::NOUN), &Pairs::default()).await?,
        base: C::BASE,
        list: C::LIST,
        help: C::HELP,
        from_file: C::FROM_FILE && known.is_none(),
        revision: known.map_or(0, |known| known.revision),
        key,
        text,
        errors: Vec::new(),
    })
}

/// Content as YAML.
pub fn yaml<C: Written>(content: &C) -> Result<String, Error> {
    serde_saphyr::to_string(content).map_err(Error::internal)
}

/// Bytes of a content as YAML.
const LONGEST: usize = 512 << 10;

/// Content of YAML. Its size is bounded, and with it the time that reading it takes.
pub fn read<C: Written>(text: &str) -> Result<C, Error> {
    if text.len() > LONGEST {
        return Err(Error::field("", format!("This has {} KiB; at most {} fit.", text.len() >> 10, LONGEST >> 10)));
    }
    foreign::compute(|| serde_saphyr::from_str(text))
        .map_err(|error| Error::field("", format!("This cannot be read: {error}")))
}

pub async fn new<C: Written>(State(web): State<Web>, signed: Signed) -> Result<Response, PageError> {
    html(&form::<C>(&web, &signed, None, C::START.into()).await?)
}

pub async fn edit<C: Written>(
    State(web): State<Web>,
    signed: Signed,
    Path(key): Path<String>,
) -> Result<Response, PageError> {
    let known = ops::find::<C>(&web.app, &signed.actor, &key).await?;
    let text = yaml(known.shown()?)?;
    html(&form(&web, &signed, Some(&known), text).await?)
}

/// What holds, as a file.
pub async fn file<C: Written>(
    State(web): State<Web>,
    signed: Signed,
    Path(key): Path<String>,
) -> Result<Response, PageError> {
    let known = ops::find::<C>(&web.app, &signed.actor, &key).await?;
    let content = match &known.published {
        Some(held) => &held.content,
        None => known.shown()?,
    };
    let disposition = format!("attachment; filename=\"{}.yaml\"", content.key());
    let headers = [(header::CONTENT_TYPE, "application/yaml".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, yaml(content)?).into_response())
}

/// The form again, with what is wrong.
pub async fn again<C: Written>(
    web: &Web,
    signed: &Signed,
    known: Option<&Publication<C>>,
    text: String,
    error: Error,
) -> Result<Response, PageError> {
    let errors = faults(error)?;
    let mut page = form(web, signed, known, text).await?;
    page.errors = errors;
    Ok(unprocessable(html(&page)?))
}

pub async fn create<C: Written>(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let text = posted.get("text").unwrap_or_default().replace("\r\n", "\n");
    let done = match read::<C>(&text) {
        Ok(content) => ops::create(&web.app, &posted.signed.actor, content).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(made) => Ok(Redirect::to(&format!("{}/{}?note=drafted", C::BASE, made.shown()?.key())).into_response()),
        Err(error) => again::<C>(&web, &posted.signed, None, text, error).await,
    }
}

pub async fn update<C: Written>(
    State(web): State<Web>,
    Path(key): Path<String>,
    posted: Posted,
) -> Result<Response, PageError> {
    let known = ops::find::<C>(&web.app, &posted.signed.actor, &key).await?;
    let text = posted.get("text").unwrap_or_default().replace("\r\n", "\n");
    let done = match (read::<C>(&text), posted.revision()) {
        (Ok(content), Ok(revision)) => ops::edit(&web.app, &posted.signed.actor, known.id, revision, content).await,
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    match done {
        Ok(_) => Ok(Redirect::to(&format!("{}/{key}?note=drafted", C::BASE)).into_response()),
        Err(error) => again(&web, &posted.signed, Some(&known), text, error).await,
    }
}
