//! APIs.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};

use super::{form_page, merging::MergesCard, specs, vendor_choices};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::{FormView, Posted},
    pages::{
        Shell, html,
        list::{self, Cell, Column, Frame, Link},
        simple::simple_pages,
        versions::VersionParts,
        view::{CommentView, EventView, ago, exact},
    },
};
use base::{audit, error::Error};
use identity::{Permission, ops as people};
use register::{
    catalog::tables,
    catalog::{Api, ApiContent, ApiVersion, ops},
};

pub fn router() -> Router<Web> {
    Router::new()
        .route("/apis", get(index).post(create))
        .route("/apis/export", get(export))
        .route("/apis/new", get(new))
        .route("/apis/{key}", get(show).post(update))
        .route("/apis/{key}/edit", get(edit))
        .route("/apis/{key}/verify", post(verify))
        .route("/apis/{key}/merge", get(super::merging::api_form).post(super::merging::merge_api))
        .route("/apis/{key}/current-version", post(set_current))
}

const COLUMNS: &[Column] = &[
    Column { label: "API", class: "" },
    Column { label: "Lifecycle", class: "" },
    Column { label: "Version", class: "" },
    Column { label: "Authentication", class: "" },
    Column { label: "Verified", class: "" },
    Column { label: "Changed", class: "" },
];

/// The lifecycle by word and shape.
pub fn lifecycle(key: &str) -> Cell {
    let class = match key {
        "live" => "active",
        "preview" => "review",
        "deprecated" => "due",
        "switched_off" => "over",
        _ => "draft",
    };
    Cell::badge(class, base::words::label(key))
}

async fn index(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let mut actions = Vec::new();
    if signed.actor.may(Permission::EditCatalog) {
        actions.push(Link::other("New API", "/apis/new"));
        actions.push(Link::main("Import a document", "/imports"));
    }
    let frame = Frame {
        title: "APIs",
        path: "/apis",
        noun: "APIs",
        columns: COLUMNS,
        actions,
        empty_text: "Import a vendor's OpenAPI document: everything else comes from it.",
    };
    let now = web.app.clock.now();
    list::show(&web, &signed, &pairs, &ops::APIS, frame, |row: ops::ApiRow| {
        vec![
            Cell::name(&row.name, format!("/apis/{}", row.slug), Some(row.vendor_name)),
            if row.state == "retired" { Cell::badge("over", "Retired") } else { lifecycle(&row.lifecycle) },
            row.version.map_or_else(|| Cell::soft("–", None), |version| Cell::chips(vec![version])),
            Cell::soft(
                row.auth_methods.iter().map(|method| base::words::label(method)).collect::<Vec<_>>().join(", "),
                None,
            ),
            list::verified(row.verified_at),
            Cell::soft(ago(row.updated_at, now), Some(exact(row.updated_at))),
        ]
    })
    .await
}

async fn export(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::APIS, &pairs).await
}

async fn decorate(web: &Web, signed: &Signed, form: FormView) -> Result<FormView, Error> {
    Ok(form.offer("vendor", vendor_choices(web, &signed.actor).await?))
}

simple_pages!(
    "/apis",
    "API",
    specs::API,
    ApiContent,
    ApiContent::default(),
    Permission::EditCatalog,
    ops::find_api,
    ops::create_api,
    ops::update_api,
    |api: &Api| api.content.slug.clone(),
    |api: &Api| api.content.name.clone(),
    decorate
);

#[derive(Template)]
#[template(path = "catalog/api.html")]
struct ApiPage {
    shell: Shell,
    api: Api,
    vendor_name: String,
    versions: Vec<ops::VersionRow>,
    parts: Option<VersionParts>,
    dependents: Vec<(String, String)>,
    events: Vec<EventView>,
    comments: Vec<CommentView>,
    editors: Vec<String>,
    verifier: Option<String>,
    me: Option<uuid::Uuid>,
    may_edit: bool,
    may_verify: bool,
    may_comment: bool,
    merges: MergesCard,
}

impl ApiPage {
    fn path(&self) -> String {
        format!("/apis/{}", self.api.content.slug)
    }
    fn lifecycle(&self) -> Cell {
        lifecycle(self.api.content.lifecycle.key())
    }
}

async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(key): Path<String>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &signed.actor);
    let api = ops::find_api(app, actor, &key).await?;
    if key != api.content.slug {
        return Ok(Redirect::temporary(&format!("/apis/{}", api.content.slug)).into_response());
    }
    let versions = ops::versions(app, actor, api.id).await?;
    let version: Option<ApiVersion> = match versions.first() {
        Some(first) => Some(ops::find_version(app, actor, api.id, &first.id.to_string()).await?),
        None => None,
    };
    let now = app.clock.now();
    let vendor_name = ops::get_vendors(app, actor, &[api.vendor_id]).await?.pop().map(|vendor| vendor.content.name);
    let (edits, reviews) = (actor.may(Permission::EditCatalog), actor.may(Permission::VerifyCatalog));
    let page = ApiPage {
        vendor_name: vendor_name.unwrap_or_default(),
        parts: version.map(|version| VersionParts::new(version, &pairs)),
        dependents: ops::api_dependents(app, actor, api.id).await?,
        events: EventView::all(audit::ops::history(app, actor, "api", api.id).await?, now),
        comments: CommentView::all(ops::comments(app, actor, "api", api.id).await?, now),
        editors: people::names(app, actor, &api.edited_by).await?,
        verifier: people::names(app, actor, api.verified_by.as_slice()).await?.pop(),
        me: actor.person(),
        merges: MergesCard::of_api(&web, &signed, &api).await?,
        may_edit: edits && api.merged_into_id.is_none(),
        may_verify: reviews
            && api.verified_at.is_none()
            && api.merged_into_id.is_none()
            && actor.person().is_some_and(|me| !api.edited_by.contains(&me)),
        may_comment: (edits || reviews) && api.merged_into_id.is_none(),
        shell: Shell::new(&web, &signed, "/apis", api.content.name.clone(), &pairs).await?,
        versions,
        api,
    };
    html(&page)
}

async fn verify(State(web): State<Web>, Path(key): Path<String>, posted: Posted) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    let api = ops::find_api(&web.app, actor, &key).await?;
    let after = ops::verify_api(&web.app, actor, api.id, posted.revision()?).await?;
    Ok(Redirect::to(&format!("/apis/{}?note=verified", after.content.slug)).into_response())
}

async fn set_current(State(web): State<Web>, Path(key): Path<String>, posted: Posted) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    let api = ops::find_api(&web.app, actor, &key).await?;
    let version = posted.get("version").filter(|version| !version.is_empty());
    let after = ops::set_current_version(&web.app, actor, api.id, posted.revision()?, version).await?;
    Ok(Redirect::to(&format!("/apis/{}?note=current", after.content.slug)).into_response())
}
