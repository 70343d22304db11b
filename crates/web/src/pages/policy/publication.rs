//! The page of a rule or workflow: what it says, its draft, its versions, who publishes it.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use uuid::Uuid;

use super::{mode_class, severity_class};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::Posted,
    pages::{
        Shell, faults, html, unprocessable,
        view::{ChangeView, EventView, ago},
    },
};
use base::{
    audit::{self, Change},
    error::Error,
};
use governance::{
    assessments::QuestionnaireContent,
    policy::{Expression, RiskModelContent, RuleContent, TestResult, WorkflowContent},
};
use identity::Permission;
use register::publications::{Publication, Publishable, Version, ops};

/// A version with what it changed.
struct Past {
    version: i32,
    who: String,
    ago: String,
    changes: Vec<Change>,
    current: bool,
}

impl Past {
    fn shown(&self) -> Vec<ChangeView<'_>> {
        self.changes.iter().map(ChangeView).collect()
    }
}

/// The draft, beside what holds.
struct DraftView {
    edited_by: String,
    proposed_by: Option<String>,
    changes: Vec<Change>,
}

impl DraftView {
    fn shown(&self) -> Vec<ChangeView<'_>> {
        self.changes.iter().map(ChangeView).collect()
    }
}

#[derive(Template)]
#[template(path = "policy/publication.html")]
struct PublicationPage {
    shell: Shell,
    base: &'static str,
    list: &'static str,
    key: String,
    title: String,
    revision: i64,
    version: Option<i32>,
    rule: Option<RuleContent>,
    results: Vec<TestResult>,
    workflow: Option<WorkflowContent>,
    questionnaire: Option<QuestionnaireContent>,
    model: Option<RiskModelContent>,
    draft: Option<DraftView>,
    past: Vec<Past>,
    events: Vec<EventView>,
    may_edit: bool,
    /// Why this person does not publish what is proposed.
    why_not: Option<String>,
    problems: Vec<(String, String)>,
}

impl PublicationPage {
    fn path(&self) -> String {
        format!("{}/{}", self.base, self.key)
    }
    fn mode_class(&self, mode: &str) -> &'static str {
        mode_class(mode)
    }
    fn severity_class(&self, severity: &str) -> &'static str {
        severity_class(severity)
    }
    fn label(&self, key: &str) -> String {
        base::words::label(key)
    }
    /// What is better mended in its expressions.
    fn hints(&self) -> Vec<String> {
        let rule = self.rule.iter().map(|rule| rule.expression.as_str());
        let stages = self.workflow.iter().flat_map(|one| one.stages.iter().filter_map(|s| s.condition.as_deref()));
        let sound = rule.chain(stages).filter_map(|text| Expression::compile(text).ok());
        sound.flat_map(|one| one.hints().iter().map(ToString::to_string).collect::<Vec<_>>()).collect()
    }
    fn result(&self, n: &usize) -> Option<&TestResult> {
        self.results.get(*n)
    }
    fn facts(&self, facts: &serde_json::Value) -> String {
        serde_json::to_string(facts).unwrap_or_default()
    }
}

/// What of a publication its own kind adds to the page.
pub trait Shown: Publishable {
    /// Where pages of it are.
    const BASE: &'static str;
    /// The list's title.
    const LIST: &'static str;
    /// As a questionnaire.
    fn questionnaire(&self) -> Option<QuestionnaireContent> {
        None
    }
    /// As a risk model.
    fn model(&self) -> Option<RiskModelContent> {
        None
    }
    /// As a rule.
    fn rule(&self) -> Option<RuleContent> {
        None
    }
    /// As a workflow.
    fn workflow(&self) -> Option<WorkflowContent> {
        None
    }
}

impl Shown for RuleContent {
    const BASE: &'static str = "/rules";
    const LIST: &'static str = "Rules";
    fn rule(&self) -> Option<RuleContent> {
        Some(self.clone())
    }
}

impl Shown for QuestionnaireContent {
    const BASE: &'static str = "/questionnaires";
    const LIST: &'static str = "Questionnaires";
    fn questionnaire(&self) -> Option<QuestionnaireContent> {
        Some(self.clone())
    }
}

impl Shown for RiskModelContent {
    const BASE: &'static str = "/risk-models";
    const LIST: &'static str = "Risk models";
    fn model(&self) -> Option<RiskModelContent> {
        Some(self.clone())
    }
}

impl Shown for WorkflowContent {
    const BASE: &'static str = "/workflows";
    const LIST: &'static str = "Workflows";
    fn workflow(&self) -> Option<WorkflowContent> {
        Some(self.clone())
    }
}

fn value<C: Publishable>(content: &C) -> serde_json::Value {
    serde_json::to_value(content).unwrap_or_default()
}

async fn names(web: &Web, signed: &Signed, ids: &[Uuid]) -> Result<String, Error> {
    let names = identity::ops::names(&web.app, &signed.actor, ids).await?;
    Ok(if names.is_empty() { "a script".into() } else { names.join(", ") })
}

async fn past<C: Shown>(web: &Web, signed: &Signed, record: &Publication<C>) -> Result<Vec<Past>, Error> {
    let versions: Vec<Version<C>> = ops::versions(&web.app, &signed.actor, record.id).await?;
    let now = web.app.clock.now();
    let mut all = Vec::new();
    for (n, version) in versions.iter().enumerate() {
        let who = match (version.proposed_by, version.published_by) {
            (Some(one), Some(two)) => {
                let (one, two) = (names(web, signed, &[one]).await?, names(web, signed, &[two]).await?);
                format!("proposed by {one}, published by {two}")
            }
            _ => "came with Muster".into(),
        };
        let changes = versions
            .get(n + 1)
            .map(|before| audit::diff(&value(&before.content), &value(&version.content)))
            .unwrap_or_default();
        all.push(Past {
            version: version.version,
            who,
            ago: ago(version.published_at, now),
            changes,
            current: record.published.as_ref().is_some_and(|held| held.version == version.version),
        });
    }
    Ok(all)
}

async fn page<C: Shown>(web: &Web, signed: &Signed, key: &str, pairs: &Pairs) -> Result<PublicationPage, Error> {
    let (app, actor) = (&web.app, &signed.actor);
    let record = ops::find::<C>(app, actor, key).await?;
    let shown = record.shown()?.clone();
    let now = app.clock.now();
    let draft = match &record.draft {
        Some(draft) => Some(DraftView {
            edited_by: names(web, signed, &draft.edited_by).await?,
            proposed_by: match draft.proposal {
                Some(proposal) => Some(names(web, signed, &[proposal.by]).await?),
                None => None,
            },
            changes: record
                .published
                .as_ref()
                .map(|held| audit::diff(&value(&held.content), &value(&draft.content)))
                .unwrap_or_default(),
        }),
        None => None,
    };
    let why_not = record.draft.as_ref().and_then(|draft| {
        let (me, proposal) = (actor.person()?, draft.proposal?);
        if proposal.by == me {
            return Some("You proposed this; another governance lead publishes it.".to_owned());
        }
        draft.edited_by.contains(&me).then(|| "You wrote at this; another governance lead publishes it.".to_owned())
    });
    let results = shown.rule().map(|rule| rule.run_tests()).transpose()?.unwrap_or_default();
    Ok(PublicationPage {
        past: past(web, signed, &record).await?,
        events: EventView::all(audit::ops::history(app, actor, C::KIND, record.id).await?, now),
        shell: Shell::new(web, signed, C::BASE, shown.title().to_owned(), pairs).await?,
        base: C::BASE,
        list: C::LIST,
        key: shown.key().to_owned(),
        title: shown.title().to_owned(),
        revision: record.revision,
        version: record.published.as_ref().map(|held| held.version),
        rule: shown.rule(),
        workflow: shown.workflow(),
        questionnaire: shown.questionnaire(),
        model: shown.model(),
        results,
        draft,
        may_edit: actor.may(Permission::Govern),
        why_not,
        problems: Vec::new(),
    })
}

pub async fn show<C: Shown>(
    State(web): State<Web>,
    signed: Signed,
    Path(key): Path<String>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    html(&page::<C>(&web, &signed, &key, &pairs).await?)
}

async fn answered<C: Shown>(
    web: &Web,
    posted: &Posted,
    key: &str,
    done: Result<Publication<C>, Error>,
    note: &str,
) -> Result<Response, PageError> {
    match done {
        Ok(_) => Ok(Redirect::to(&format!("{}/{key}?note={note}", C::BASE)).into_response()),
        Err(error) => {
            let problems = faults(error)?;
            let mut page = page::<C>(web, &posted.signed, key, &Pairs::default()).await?;
            page.problems = problems;
            Ok(unprocessable(html(&page)?))
        }
    }
}

pub async fn propose<C: Shown>(
    State(web): State<Web>,
    Path(key): Path<String>,
    posted: Posted,
) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    let found = ops::find::<C>(&web.app, actor, &key).await?;
    let done = ops::propose::<C>(&web.app, actor, found.id, posted.revision()?).await;
    answered(&web, &posted, &key, done, "proposed").await
}

pub async fn publish<C: Shown>(
    State(web): State<Web>,
    Path(key): Path<String>,
    posted: Posted,
) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    let found = ops::find::<C>(&web.app, actor, &key).await?;
    let done = ops::publish::<C>(&web.app, actor, found.id, posted.revision()?).await;
    answered(&web, &posted, &key, done, "published").await
}

pub async fn discard<C: Shown>(
    State(web): State<Web>,
    Path(key): Path<String>,
    posted: Posted,
) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    let found = ops::find::<C>(&web.app, actor, &key).await?;
    let done = ops::discard::<C>(&web.app, actor, found.id, posted.revision()?).await;
    answered(&web, &posted, &key, done, "discarded").await
}

pub async fn go_back<C: Shown>(
    State(web): State<Web>,
    Path(key): Path<String>,
    posted: Posted,
) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    let found = ops::find::<C>(&web.app, actor, &key).await?;
    let to = posted.get("version").and_then(|text| text.parse().ok()).unwrap_or_default();
    let done = ops::go_back::<C>(&web.app, actor, found.id, posted.revision()?, to).await;
    answered(&web, &posted, &key, done, "gone_back").await
}
