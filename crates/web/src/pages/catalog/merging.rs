//! Pages that merge two vendors or two APIs: choose, see the outcome, merge; and undo it.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{form_page, specs, vendor_choices};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::{Choice, FormView, Posted},
    pages::{
        Shell, html,
        list::Link,
        view::{ChangeView, exact},
    },
};
use base::{
    audit::{self, Change},
    error::Error,
    lists::{self, Query},
};
use governance::merges::{
    Merge, MergeKind, NewMerge,
    ops::{self, Run},
};
use identity::{Actor, ops as people};
use register::catalog::{Api, Vendor, ops as catalog};

pub fn router() -> Router<Web> {
    Router::new().route("/merges/{id}/undo", post(undo))
}

/// A merge on the page of one of its two records.
pub struct MergeLine {
    /// What was merged into this record, or what this record was merged into.
    pub name: String,
    /// Its page.
    pub href: String,
    /// Who merged them, and when.
    pub by: String,
    pub merge: Merge,
}

/// What was merged into a record, or what it was merged into.
pub struct MergesCard {
    /// What was merged into it.
    pub absorbed: Vec<MergeLine>,
    /// What it was merged into.
    pub into: Option<MergeLine>,
    /// Where it can be merged by this person.
    pub merge_path: Option<String>,
    /// Whether this person can undo merges.
    pub may_undo: bool,
}

impl MergesCard {
    /// Of a vendor's page.
    pub async fn of_vendor(web: &Web, signed: &Signed, vendor: &Vendor) -> Result<Self, Error> {
        let may = catalog::merging::require_merger(&signed.actor, [&vendor.edited_by, &[]]).is_ok();
        let path = format!("/vendors/{}/merge", vendor.content.slug);
        Self::of(web, signed, vendor.id, (may && vendor.merged_into_id.is_none()).then_some(path)).await
    }

    /// Of an API's page.
    pub async fn of_api(web: &Web, signed: &Signed, api: &Api) -> Result<Self, Error> {
        let may = catalog::merging::require_merger(&signed.actor, [&api.edited_by, &[]]).is_ok();
        let path = format!("/apis/{}/merge", api.content.slug);
        Self::of(web, signed, api.id, (may && api.merged_into_id.is_none()).then_some(path)).await
    }

    async fn of(web: &Web, signed: &Signed, id: Uuid, merge_path: Option<String>) -> Result<Self, Error> {
        let actor = &signed.actor;
        let may_undo = catalog::merging::require_merger(actor, [&[], &[]]).is_ok();
        let mut card = Self { absorbed: Vec::new(), into: None, merge_path, may_undo };
        for merge in ops::of(&web.app, actor, id).await? {
            let is_source = merge.source_id == id;
            let line = line(web, actor, merge, if is_source { End::Target } else { End::Source }).await?;
            if is_source { card.into = Some(line) } else { card.absorbed.push(line) }
        }
        Ok(card)
    }
}

#[derive(Clone, Copy)]
enum End {
    Source,
    Target,
}

async fn line(web: &Web, actor: &Actor, merge: Merge, end: End) -> Result<MergeLine, Error> {
    let id = match end {
        End::Source => merge.source_id,
        End::Target => merge.target_id,
    };
    let (name, slug) = named(web, actor, merge.kind, id).await?;
    let by = people::names(&web.app, actor, &[merge.merged_by]).await?.pop().unwrap_or_default();
    let by = format!("{by}, {}", exact(merge.merged_at));
    Ok(MergeLine { name, href: format!("/{}/{slug}", plural(merge.kind)), by, merge })
}

async fn named(web: &Web, actor: &Actor, kind: MergeKind, id: Uuid) -> Result<(String, String), Error> {
    let found = match kind {
        MergeKind::Vendor => {
            let vendor = catalog::get_vendors(&web.app, actor, &[id]).await?.pop();
            vendor.map(|vendor| (vendor.content.name, vendor.content.slug))
        }
        MergeKind::Api => {
            let api = catalog::get_apis(&web.app, actor, &[id]).await?.pop();
            api.map(|api| (api.content.name, api.content.slug))
        }
    };
    found.ok_or(Error::NotFound("record"))
}

fn plural(kind: MergeKind) -> &'static str {
    match kind {
        MergeKind::Vendor => "vendors",
        MergeKind::Api => "apis",
    }
}

/// The record that is to be merged, as the pages need it.
struct Source {
    kind: MergeKind,
    id: Uuid,
    revision: i64,
    name: String,
    slug: String,
    choices: Vec<Choice>,
}

impl Source {
    async fn vendor(web: &Web, actor: &Actor, key: &str) -> Result<Self, Error> {
        let vendor = catalog::find_vendor(&web.app, actor, key).await?;
        catalog::merging::require_merger(actor, [&vendor.edited_by, &[]])?;
        let mut choices = vendor_choices(web, actor).await?;
        choices.retain(|choice| choice.value != vendor.content.slug);
        let (name, slug) = (vendor.content.name, vendor.content.slug);
        Ok(Self { kind: MergeKind::Vendor, id: vendor.id, revision: vendor.revision, name, slug, choices })
    }

    async fn api(web: &Web, actor: &Actor, key: &str) -> Result<Self, Error> {
        let api = catalog::find_api(&web.app, actor, key).await?;
        catalog::merging::require_merger(actor, [&api.edited_by, &[]])?;
        let pairs = [("vendor".into(), api.content.vendor.clone()), ("limit".into(), "500".into())];
        let query = Query::parse(&catalog::APIS, &pairs, &[])?;
        let rows = lists::ops::list::<catalog::ApiRow>(&web.app, actor, &catalog::APIS, &query).await?.rows;
        let others = rows.into_iter().filter(|row| row.slug != api.content.slug);
        let choices = others.map(|row| Choice { value: row.slug, label: row.name }).collect();
        let (name, slug) = (api.content.name, api.content.slug);
        Ok(Self { kind: MergeKind::Api, id: api.id, revision: api.revision, name, slug, choices })
    }

    fn page(&self) -> String {
        format!("/{}/{}", plural(self.kind), self.slug)
    }

    fn rail(&self) -> &'static str {
        match self.kind {
            MergeKind::Vendor => "/vendors",
            MergeKind::Api => "/apis",
        }
    }

    fn title(&self) -> String {
        format!("Merge {} into another {}", self.name, self.noun())
    }

    fn noun(&self) -> &'static str {
        match self.kind {
            MergeKind::Vendor => "vendor",
            MergeKind::Api => "API",
        }
    }

    fn form(&self, values: Value) -> FormView {
        let (page, noun) = (self.page(), self.noun());
        let mut form = FormView::new(&specs::MERGE, values, format!("{page}/merge"), page.clone())
            .offer("into", self.choices.clone())
            .at(self.revision)
            .submit("Show the outcome");
        form.intro = match noun {
            "vendor" => "For a vendor that is in the register twice. You see what moves before anything changes.",
            _ => "For an API that is in the register twice. You see what moves before anything changes.",
        };
        form.crumb = Some(Link::other(&self.name, &page));
        form
    }

    async fn merge(&self, web: &Web, actor: &Actor, revision: i64, new: NewMerge, run: Run) -> Result<Merge, Error> {
        let (app, id) = (&web.app, self.id.to_string());
        match self.kind {
            MergeKind::Vendor => ops::merge_vendor(app, actor, (&id, revision), new, run).await,
            MergeKind::Api => ops::merge_api(app, actor, (&id, revision), new, run).await,
        }
    }
}

pub(super) async fn vendor_form(
    State(web): State<Web>,
    signed: Signed,
    Path(key): Path<String>,
) -> Result<Response, PageError> {
    let source = Source::vendor(&web, &signed.actor, &key).await?;
    form_page(&web, &signed, source.rail(), &source.title(), source.form(json!({}))).await
}

pub(super) async fn api_form(
    State(web): State<Web>,
    signed: Signed,
    Path(key): Path<String>,
) -> Result<Response, PageError> {
    let source = Source::api(&web, &signed.actor, &key).await?;
    form_page(&web, &signed, source.rail(), &source.title(), source.form(json!({}))).await
}

pub(super) async fn merge_vendor(
    State(web): State<Web>,
    Path(key): Path<String>,
    posted: Posted,
) -> Result<Response, PageError> {
    let source = Source::vendor(&web, &posted.signed.actor, &key).await?;
    merge(&web, source, &posted).await
}

pub(super) async fn merge_api(
    State(web): State<Web>,
    Path(key): Path<String>,
    posted: Posted,
) -> Result<Response, PageError> {
    let source = Source::api(&web, &posted.signed.actor, &key).await?;
    merge(&web, source, &posted).await
}

/// What a merge would do.
#[derive(Template)]
#[template(path = "catalog/merge.html")]
struct OutcomePage {
    shell: Shell,
    source: String,
    target: String,
    noun: &'static str,
    page: String,
    revision: i64,
    new: NewMerge,
    moved: Vec<(String, usize)>,
    has_assessments: bool,
    ends_verification: bool,
    changes: Vec<Change>,
}

impl OutcomePage {
    fn changes(&self) -> Vec<ChangeView<'_>> {
        self.changes.iter().take(60).map(ChangeView).collect()
    }
}

/// The first time shows the outcome, the second time merges.
async fn merge(web: &Web, source: Source, posted: &Posted) -> Result<Response, PageError> {
    let (signed, actor) = (&posted.signed, &posted.signed.actor);
    let typed = |name: &str| posted.get(name).unwrap_or_default().to_owned();
    let new = NewMerge { into: typed("into"), reason: typed("reason") };
    let run = if posted.get("confirmed") == Some("yes") { Run::Merge } else { Run::Preview };
    let revision = posted.revision()?;
    match (source.merge(web, actor, revision, new.clone(), run).await, run) {
        (Ok(merge), Run::Merge) => {
            let (_, slug) = named(web, actor, merge.kind, merge.target_id).await?;
            Ok(Redirect::to(&format!("/{}/{slug}?note=merged", plural(merge.kind))).into_response())
        }
        (Ok(merge), Run::Preview) => {
            let (target, _) = named(web, actor, merge.kind, merge.target_id).await?;
            let title = format!("Merge {} into {target}", source.name);
            let page = OutcomePage {
                shell: Shell::new(web, signed, source.rail(), title, &Pairs::default()).await?,
                page: source.page(),
                noun: source.noun(),
                source: source.name,
                target,
                revision,
                new,
                has_assessments: merge.moved.iter().any(|moved| moved.kind == "assessment"),
                ends_verification: merge.undo.verified.is_some(),
                moved: counted(&merge),
                changes: audit::diff(&merge.undo.target_before, &merge.undo.target_after),
            };
            html(&page)
        }
        (Err(error), _) => {
            let stale = matches!(error, Error::Stale { .. });
            let mut form = source.form(json!({ "into": new.into, "reason": new.reason }));
            if stale {
                form.problem = Some("Someone changed it since you opened this page. Check it and go on.".into());
            } else {
                form = form.refused(error)?;
            }
            form_page(web, signed, source.rail(), &source.title(), form).await
        }
    }
}

/// What moves, by kind: how many of each.
fn counted(merge: &Merge) -> Vec<(String, usize)> {
    let mut kinds: Vec<(String, usize)> = Vec::new();
    for record in &merge.moved {
        let word = match record.kind.as_str() {
            "api" => "APIs",
            "system" => "Systems",
            "vendor" => "Subsidiaries",
            "api_version" => "Versions",
            "integration" => "Integrations",
            "api_dependency" | "integration_dependency" => "Dependencies",
            "assessment" => "Assessments",
            "assessment_demand" => "Requested assessments",
            "dismissed_demand" => "Requested assessments that both have (dismissed)",
            "evidence" => "Evidence",
            "risk_override" => "Risk overrides",
            "comment" => "Comments",
            other => other,
        };
        match kinds.iter_mut().find(|(known, _)| known == word) {
            Some((_, count)) => *count += 1,
            None => kinds.push((word.to_owned(), 1)),
        }
    }
    kinds
}

async fn undo(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    let merge = ops::undo(&web.app, actor, id, posted.revision()?).await?;
    let (_, slug) = named(&web, actor, merge.kind, merge.target_id).await?;
    Ok(Redirect::to(&format!("/{}/{slug}?note=merge_undone", plural(merge.kind))).into_response())
}
