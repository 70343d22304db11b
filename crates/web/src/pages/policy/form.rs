//! The form of a rule, with the names that expressions may use at hand.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Value, json};

use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::Posted,
    pages::{Shell, faults, faults_at, html, unprocessable},
};
use base::{error::Error, lists::Query};
use governance::policy::{Facts, Mode, RuleContent, Severity, vocabulary::Name};
use identity::{GroupKind, Permission};
use register::publications::{Publication, Publishable, ops};

#[derive(Template)]
#[template(path = "policy/rule_form.html")]
struct RuleForm {
    shell: Shell,
    /// The rule that is edited; none where one is begun.
    key: Option<String>,
    revision: i64,
    content: Value,
    tests: String,
    groups: Vec<(String, String)>,
    names: Vec<Name>,
    errors: Vec<(String, String)>,
}

impl RuleForm {
    fn text(&self, name: &str) -> &str {
        self.content.get(name).and_then(Value::as_str).unwrap_or_default()
    }
    fn is(&self, name: &str, word: &str) -> bool {
        self.text(name) == word
    }
    fn calls(&self, group: &str) -> bool {
        self.content.get("review_groups").and_then(Value::as_array).is_some_and(|all| all.iter().any(|g| g == group))
    }
    fn faults(&self, name: &str) -> Vec<&str> {
        faults_at(&self.errors, name)
    }
    fn severities(&self) -> Vec<(&'static str, String)> {
        [Severity::Low, Severity::Medium, Severity::High, Severity::Critical]
            .map(|word| (word.key(), word.label()))
            .into()
    }
    fn modes(&self) -> [(&'static str, &'static str); 4] {
        [
            (Mode::Off.key(), "Off: not evaluated"),
            (Mode::Shadow.key(), "Shadow: only who governs sees what it finds"),
            (Mode::Warn.key(), "Warn: everybody sees its violations"),
            (Mode::Block.key(), "Block: stops submission and going live"),
        ]
    }
    fn action(&self) -> String {
        self.key.as_ref().map_or_else(|| "/rules".into(), |key| format!("/rules/{key}"))
    }
}

const START: &str = r#"[
  { "name": "it fires where …", "facts": { "integration": { "tls_minimum": "1.0" } }, "fires": true },
  { "name": "it does not where all is well", "facts": {}, "fires": false }
]"#;

async fn form(
    web: &Web,
    signed: &Signed,
    known: Option<&Publication<RuleContent>>,
    content: Value,
    tests: String,
) -> Result<RuleForm, Error> {
    signed.actor.require(Permission::Govern)?;
    let spec = identity::ops::groups_list_spec(GroupKind::ReviewGroup);
    let query = Query::parse(spec, &[("state".into(), "active".into()), ("limit".into(), "100".into())], &[])?;
    let groups = identity::ops::list_groups(&web.app, &signed.actor, GroupKind::ReviewGroup, &query).await?.rows;
    let key = known.map(|known| known.shown().map(|shown| shown.key.clone())).transpose()?;
    let title = if key.is_some() { "Edit the rule" } else { "New rule" };
    Ok(RuleForm {
        shell: Shell::new(web, signed, "/rules", title, &Pairs::default()).await?,
        revision: known.map_or(0, |known| known.revision),
        key,
        content,
        tests,
        groups: groups.into_iter().map(|group| (group.slug, group.name)).collect(),
        names: Facts::names(),
        errors: Vec::new(),
    })
}

/// What was posted: the content as JSON, and the text of its cases.
fn posted_content(posted: &Posted, key: &str) -> (Value, String) {
    let text = |name: &str| posted.get(name).unwrap_or_default().replace("\r\n", "\n").trim().to_owned();
    let maybe = |name: &str| Some(text(name)).filter(|text| !text.is_empty());
    let content = json!({
        "key": if key.is_empty() { text("key") } else { key.to_owned() },
        "title": text("title"),
        "why": maybe("why"),
        "expression": text("expression"),
        "severity": text("severity"),
        "mode": text("mode"),
        "review_groups": posted.all("review_groups"),
        "remediation": maybe("remediation"),
    });
    (content, text("tests"))
}

/// The content with its cases, which are written as JSON or YAML.
fn whole(content: &Value, tests: &str) -> Result<RuleContent, Error> {
    let mut content = content.clone();
    let tests: Value = if tests.is_empty() {
        json!([])
    } else {
        if tests.len() > 128 << 10 {
            return Err(Error::field("/tests", "The cases have more than 128 KiB."));
        }
        base::foreign::compute(|| serde_saphyr::from_str(tests))
            .map_err(|error| Error::field("/tests", format!("The cases cannot be read: {error}")))?
    };
    content["tests"] = tests;
    base::json::from_value(content)
}

pub async fn new(State(web): State<Web>, signed: Signed) -> Result<Response, PageError> {
    let content = json!({ "mode": "shadow", "severity": "medium" });
    html(&form(&web, &signed, None, content, START.into()).await?)
}

pub async fn edit(State(web): State<Web>, signed: Signed, Path(key): Path<String>) -> Result<Response, PageError> {
    let known = ops::find::<RuleContent>(&web.app, &signed.actor, &key).await?;
    let shown = known.shown()?;
    let tests = serde_json::to_string_pretty(&shown.tests).map_err(Error::internal)?;
    let content = serde_json::to_value(shown).map_err(Error::internal)?;
    html(&form(&web, &signed, Some(&known), content, tests).await?)
}

/// The form again, with what is wrong.
async fn again(
    web: &Web,
    posted: &Posted,
    known: Option<&Publication<RuleContent>>,
    (content, tests): (Value, String),
    error: Error,
) -> Result<Response, PageError> {
    let errors = faults(error)?;
    let mut page = form(web, &posted.signed, known, content, tests).await?;
    page.errors = errors;
    Ok(unprocessable(html(&page)?))
}

pub async fn create(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let typed = posted_content(&posted, "");
    let done = match whole(&typed.0, &typed.1) {
        Ok(content) => ops::create(&web.app, &posted.signed.actor, content).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(made) => {
            let key = made.shown()?.key().to_owned();
            Ok(Redirect::to(&format!("/rules/{key}?note=drafted")).into_response())
        }
        Err(error) => again(&web, &posted, None, typed, error).await,
    }
}

pub async fn update(State(web): State<Web>, Path(key): Path<String>, posted: Posted) -> Result<Response, PageError> {
    let known = ops::find::<RuleContent>(&web.app, &posted.signed.actor, &key).await?;
    let typed = posted_content(&posted, known.shown()?.key());
    let done = match (whole(&typed.0, &typed.1), posted.revision()) {
        (Ok(content), Ok(revision)) => ops::edit(&web.app, &posted.signed.actor, known.id, revision, content).await,
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    match done {
        Ok(_) => Ok(Redirect::to(&format!("/rules/{key}?note=drafted")).into_response()),
        Err(error) => again(&web, &posted, Some(&known), typed, error).await,
    }
}
