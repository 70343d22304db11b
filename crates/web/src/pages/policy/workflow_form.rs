//! The form of a workflow: its stages in a small table.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::json;

use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::Posted,
    pages::{Shell, faults, faults_at, html, unprocessable},
};
use base::{error::Error, lists::Query};
use governance::policy::{Facts, StageContent, WorkflowContent, vocabulary::Name};
use identity::{GroupKind, Permission};
use register::publications::{Publication, Publishable, ops};

/// Rows of the table at most.
const ROWS: usize = 10;

#[derive(Template)]
#[template(path = "policy/workflow_form.html")]
struct WorkflowForm {
    shell: Shell,
    key: Option<String>,
    revision: i64,
    content: WorkflowContent,
    rows: Vec<StageContent>,
    groups: Vec<(String, String)>,
    names: Vec<Name>,
    errors: Vec<(String, String)>,
}

impl WorkflowForm {
    fn faults(&self, name: &str) -> Vec<&str> {
        faults_at(&self.errors, name)
    }
    fn row_faults(&self, n: &usize) -> Vec<&str> {
        self.faults(&format!("stages/{n}"))
    }
    fn kinds(&self) -> [(&'static str, &'static str); 5] {
        [
            ("register", "Register"),
            ("change", "Change"),
            ("reactivate", "Reactivate"),
            ("deprecate", "Deprecate"),
            ("retire", "Retire"),
        ]
    }
    fn goes(&self, kind: &str) -> bool {
        self.content.kinds.iter().any(|known| known == kind)
    }
    fn action(&self) -> String {
        self.key.as_ref().map_or_else(|| "/workflows".into(), |key| format!("/workflows/{key}"))
    }
    fn hours(&self, stage: &StageContent) -> String {
        stage.due_hours.map(|hours| hours.to_string()).unwrap_or_default()
    }
}

async fn form(
    web: &Web,
    signed: &Signed,
    known: Option<&Publication<WorkflowContent>>,
    content: WorkflowContent,
) -> Result<WorkflowForm, Error> {
    signed.actor.require(Permission::Govern)?;
    let spec = identity::ops::groups_list_spec(GroupKind::ReviewGroup);
    let query = Query::parse(spec, &[("state".into(), "active".into()), ("limit".into(), "100".into())], &[])?;
    let groups = identity::ops::list_groups(&web.app, &signed.actor, GroupKind::ReviewGroup, &query).await?.rows;
    let key = known.map(|known| known.shown().map(|shown| shown.key.clone())).transpose()?;
    let title = if key.is_some() { "Edit the workflow" } else { "New workflow" };
    let mut rows = content.stages.clone();
    rows.resize_with((rows.len() + 2).min(ROWS), || StageContent { approvals: 1, ..StageContent::default() });
    Ok(WorkflowForm {
        shell: Shell::new(web, signed, "/workflows", title, &Pairs::default()).await?,
        revision: known.map_or(0, |known| known.revision),
        key,
        content,
        rows,
        groups: groups.into_iter().map(|group| (group.slug, group.name)).collect(),
        names: Facts::names(),
        errors: Vec::new(),
    })
}

fn typed(posted: &Posted, key: &str) -> WorkflowContent {
    let text = |name: &str| posted.get(name).unwrap_or_default().trim().to_owned();
    let cell = |n: usize, name: &str| text(&format!("stages.{n}.{name}"));
    let stage = |n: usize| StageContent {
        name: cell(n, "name"),
        review_group: cell(n, "review_group"),
        // What is no number is refused as one that is out of range.
        approvals: cell(n, "approvals").parse().unwrap_or_default(),
        due_hours: Some(cell(n, "due_hours")).filter(|t| !t.is_empty()).map(|t| t.parse().unwrap_or_default()),
        condition: Some(cell(n, "condition")).filter(|t| !t.is_empty()),
    };
    WorkflowContent {
        key: if key.is_empty() { text("key") } else { key.to_owned() },
        title: text("title"),
        kinds: posted.all("kinds"),
        stages: (0..ROWS).map(stage).filter(|stage| !stage.name.is_empty() || !stage.review_group.is_empty()).collect(),
        same_person_twice: posted.get("same_person_twice").is_some(),
        in_use: posted.get("in_use").is_some(),
    }
}

pub async fn new(State(web): State<Web>, signed: Signed) -> Result<Response, PageError> {
    let start = json!({ "title": "", "kinds": ["register", "change"], "stages": [] });
    let content = serde_json::from_value(start).map_err(Error::internal)?;
    html(&form(&web, &signed, None, content).await?)
}

pub async fn edit(State(web): State<Web>, signed: Signed, Path(key): Path<String>) -> Result<Response, PageError> {
    let known = ops::find::<WorkflowContent>(&web.app, &signed.actor, &key).await?;
    let content = known.shown()?.clone();
    html(&form(&web, &signed, Some(&known), content).await?)
}

async fn again(
    web: &Web,
    posted: &Posted,
    known: Option<&Publication<WorkflowContent>>,
    content: WorkflowContent,
    error: Error,
) -> Result<Response, PageError> {
    let errors = faults(error)?;
    let mut page = form(web, &posted.signed, known, content).await?;
    page.errors = errors;
    Ok(unprocessable(html(&page)?))
}

pub async fn create(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let content = typed(&posted, "");
    match ops::create(&web.app, &posted.signed.actor, content.clone()).await {
        Ok(made) => {
            let key = made.shown()?.key().to_owned();
            Ok(Redirect::to(&format!("/workflows/{key}?note=drafted")).into_response())
        }
        Err(error) => again(&web, &posted, None, content, error).await,
    }
}

pub async fn update(State(web): State<Web>, Path(key): Path<String>, posted: Posted) -> Result<Response, PageError> {
    let known = ops::find::<WorkflowContent>(&web.app, &posted.signed.actor, &key).await?;
    let content = typed(&posted, known.shown()?.key());
    match ops::edit(&web.app, &posted.signed.actor, known.id, posted.revision()?, content.clone()).await {
        Ok(_) => Ok(Redirect::to(&format!("/workflows/{key}?note=drafted")).into_response()),
        Err(error) => again(&web, &posted, Some(&known), content, error).await,
    }
}
