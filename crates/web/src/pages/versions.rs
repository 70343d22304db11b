//! API versions: endpoints, scopes, operations.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde_json::Value;

use super::{Shell, catalog::form_page, html, view::EventView};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::{FieldKind, FieldSpec, FormSpec, FormView, Posted, Section, SubField},
};
use base::{audit, error::Error, json};
use identity::Permission;
use register::catalog::{Api, ApiVersion, Environment, Lifecycle, Operation, Scope, VersionContent, ops};

pub fn router() -> Router<Web> {
    Router::new()
        .route("/apis/{key}/versions/new", get(new))
        .route("/apis/{key}/versions", axum::routing::post(create))
        .route("/apis/{key}/versions/{version}", get(show).post(update))
        .route("/apis/{key}/versions/{version}/edit", get(edit))
        .route("/versions/{id}", get(by_id))
}

/// Rows of a part shown at once; a filter finds the rest.
const SHOWN: usize = 200;

/// Endpoints, scopes and operations of a version, as a page shows them.
pub struct VersionParts {
    pub version: ApiVersion,
    pub tab: String,
    pub filter: String,
    pub scopes: Vec<Scope>,
    pub operations: Vec<Operation>,
}

impl VersionParts {
    /// The parts that a tab and a filter ask for.
    pub fn new(version: ApiVersion, pairs: &Pairs) -> Self {
        let filter = base::text::fold(pairs.get("find").unwrap_or_default());
        let fits =
            |texts: &[&str]| filter.is_empty() || texts.iter().any(|text| base::text::fold(text).contains(&filter));
        let content = &version.content;
        let scopes = content.scopes.iter().filter(|s| fits(&[&s.name, s.description.as_deref().unwrap_or_default()]));
        let operations = content.operations.iter().filter(|o| {
            fits(&[
                &o.path,
                &o.method,
                o.operation_id.as_deref().unwrap_or_default(),
                o.summary.as_deref().unwrap_or_default(),
            ])
        });
        Self {
            scopes: scopes.take(SHOWN).cloned().collect(),
            operations: operations.take(SHOWN).cloned().collect(),
            tab: pairs.get("tab").unwrap_or("endpoints").to_owned(),
            filter: pairs.get("find").unwrap_or_default().to_owned(),
            version,
        }
    }

    /// Whether a tab is the present one.
    pub fn on(&self, tab: &str) -> bool {
        self.tab == tab
            || (tab == "endpoints" && !["scopes", "operations", "authentication"].contains(&self.tab.as_str()))
    }
}

const ENDPOINTS: &[SubField] = &[
    SubField { name: "url", label: "URL", input: "text", words: &[] },
    SubField { name: "environment", label: "Environment", input: "text", words: Environment::KEYS },
    SubField { name: "description", label: "Description", input: "text", words: &[] },
];
const SCOPES: &[SubField] = &[
    SubField { name: "name", label: "Scope", input: "text", words: &[] },
    SubField { name: "description", label: "What it permits", input: "text", words: &[] },
    SubField { name: "scheme", label: "Scheme", input: "text", words: &[] },
];

static FORM: FormSpec = FormSpec {
    sections: &[
        Section {
            title: "The version",
            hint: "",
            fields: &[
                FieldSpec { name: "label", label: "Label", hint: "As the vendor writes it.", kind: FieldKind::Needed },
                FieldSpec { name: "lifecycle", label: "Lifecycle", hint: "", kind: FieldKind::Select(Lifecycle::KEYS) },
                FieldSpec { name: "deprecated_on", label: "Deprecated on", hint: "", kind: FieldKind::Date },
                FieldSpec { name: "sunset_on", label: "Switched off on", hint: "", kind: FieldKind::Date },
                FieldSpec { name: "description", label: "What is special", hint: "", kind: FieldKind::Lines },
            ],
        },
        Section {
            title: "Where it answers, what it offers",
            hint: "Rows that a document gave stay the document's until you change them.",
            fields: &[
                FieldSpec { name: "endpoints", label: "Endpoints", hint: "", kind: FieldKind::Rows(ENDPOINTS) },
                FieldSpec { name: "scopes", label: "Scopes", hint: "", kind: FieldKind::Rows(SCOPES) },
            ],
        },
    ],
};

#[derive(Template)]
#[template(path = "catalog/version.html")]
struct VersionPage {
    shell: Shell,
    api: Api,
    parts: Option<VersionParts>,
    events: Vec<EventView>,
    may_edit: bool,
    current: bool,
}

async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path((key, version)): Path<(String, String)>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &signed.actor);
    let api = ops::find_api(app, actor, &key).await?;
    let version = ops::find_version(app, actor, api.id, &version).await?;
    let events = audit::ops::history(app, actor, "api_version", version.id).await?;
    let title = format!("{} {}", api.content.name, version.content.label);
    let page = VersionPage {
        events: EventView::all(events, app.clock.now()),
        may_edit: actor.may(Permission::EditCatalog),
        current: api.current_version_id == Some(version.id),
        shell: Shell::new(&web, &signed, "/apis", title, &pairs).await?,
        parts: Some(VersionParts::new(version, &pairs)),
        api,
    };
    html(&page)
}

/// From the record to the page: events know a version by its id alone.
async fn by_id(State(web): State<Web>, signed: Signed, Path(id): Path<uuid::Uuid>) -> Result<Response, PageError> {
    let (api, version) = ops::version_address(&web.app, &signed.actor, id).await?;
    Ok(Redirect::to(&format!("/apis/{api}/versions/{version}")).into_response())
}

fn values(content: &VersionContent) -> Value {
    serde_json::to_value(content).unwrap_or(Value::Null)
}

async fn new(State(web): State<Web>, signed: Signed, Path(key): Path<String>) -> Result<Response, PageError> {
    signed.actor.require(Permission::EditCatalog)?;
    let api = ops::find_api(&web.app, &signed.actor, &key).await?;
    let here = format!("/apis/{}", api.content.slug);
    let form = FormView::new(&FORM, values(&VersionContent::default()), format!("{here}/versions"), here)
        .submit("Add version");
    form_page(&web, &signed, "/apis", &format!("New version of {}", api.content.name), form).await
}

/// The parts that no form shows come along from what is there; the hosts are read anew.
fn typed(posted: &Posted, present: &VersionContent) -> (Value, Result<VersionContent, Error>) {
    let mut fields = posted.over(&FORM, values(present));
    // A row that is as the document gave it stays the document's: its other fields come from there.
    for (part, key) in [("endpoints", "url"), ("scopes", "name")] {
        let before = values(present);
        let before = before.get(part).and_then(Value::as_array).cloned().unwrap_or_default();
        for row in fields.get_mut(part).and_then(Value::as_array_mut).into_iter().flatten() {
            let same = before.iter().find(|old| {
                old.get(key) == row.get(key)
                    && row.as_object().is_some_and(|r| r.iter().all(|(name, value)| old.get(name) == Some(value)))
            });
            if let (Some(old), Value::Object(fields)) = (same, row) {
                for (name, value) in old.as_object().into_iter().flatten() {
                    fields.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
        }
    }
    (Value::Object(fields.clone()), json::content(fields))
}

async fn create(State(web): State<Web>, Path(key): Path<String>, posted: Posted) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &posted.signed.actor);
    actor.require(Permission::EditCatalog)?;
    let api = ops::find_api(app, actor, &key).await?;
    let here = format!("/apis/{}", api.content.slug);
    let (typed, content) = typed(&posted, &VersionContent::default());
    let created = match content {
        Ok(content) => ops::create_version(app, actor, api.id, content).await,
        Err(error) => Err(error),
    };
    match created {
        Ok(version) => Ok(Redirect::to(&format!("{here}/versions/{}?note=created", version.slug)).into_response()),
        Err(error) => {
            let form =
                FormView::new(&FORM, typed, format!("{here}/versions"), here).submit("Add version").refused(error)?;
            form_page(&web, &posted.signed, "/apis", &format!("New version of {}", api.content.name), form).await
        }
    }
}

async fn edit(
    State(web): State<Web>,
    signed: Signed,
    Path((key, version)): Path<(String, String)>,
) -> Result<Response, PageError> {
    signed.actor.require(Permission::EditCatalog)?;
    let api = ops::find_api(&web.app, &signed.actor, &key).await?;
    let version = ops::find_version(&web.app, &signed.actor, api.id, &version).await?;
    let here = format!("/apis/{}/versions/{}", api.content.slug, version.slug);
    let form = FormView::new(&FORM, values(&version.content), here.clone(), here).at(version.revision);
    form_page(&web, &signed, "/apis", &format!("Edit {} {}", api.content.name, version.content.label), form).await
}

async fn update(
    State(web): State<Web>,
    Path((key, version)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &posted.signed.actor);
    actor.require(Permission::EditCatalog)?;
    let api = ops::find_api(app, actor, &key).await?;
    let version = ops::find_version(app, actor, api.id, &version).await?;
    let here = format!("/apis/{}/versions/{}", api.content.slug, version.slug);
    let (typed, content) = typed(&posted, &version.content);
    let revision = posted.revision()?;
    let updated = match content {
        Ok(content) => ops::update_version(app, actor, version.id, revision, content).await,
        Err(error) => Err(error),
    };
    let form = FormView::new(&FORM, typed, here.clone(), here.clone()).at(revision);
    let form = match updated {
        Ok(_) => return Ok(Redirect::to(&format!("{here}?note=saved")).into_response()),
        Err(Error::Stale { .. }) => form.meanwhile(&values(&version.content), version.revision),
        Err(error) => form.refused(error)?,
    };
    form_page(&web, &posted.signed, "/apis", &format!("Edit {} {}", api.content.name, version.content.label), form)
        .await
}
