//! The form of a change request: everything that is governed, with what is missing beside it.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::{Choice, FormView, Posted, tree},
    pages::{
        catalog::form_page_noted,
        drafts::unsaved,
        integrations::{new, specs},
    },
};
use base::{
    drafts,
    error::Error,
    json,
    lists::{self, Query},
};
use governance::approvals::{
    Request,
    ops::{self, RequestView},
};
use register::{
    catalog::{
        Sensitivity,
        ops::{self as catalog, DataClassRow},
    },
    integrations::{self, IntegrationContent},
};

fn values(content: &IntegrationContent) -> Value {
    serde_json::to_value(content).unwrap_or(Value::Null)
}

fn here(request: &Request) -> String {
    format!("/requests/{}/edit", request.id)
}

async fn form(web: &Web, signed: &Signed, view: &RequestView, typed: Value) -> Result<FormView, Error> {
    let (app, actor, request) = (&web.app, &signed.actor, &view.request);
    let address = format!("/requests/{}", request.id);
    let mut form = FormView::new(&specs::INTEGRATION, typed, address.clone(), address.clone()).at(request.revision);
    form.draft = Some(here(request));
    form.suggest = Some("/integrations/new/suggestions");
    form.crumb = Some(super::super::list::Link::other(&request.title, &address));
    form.submit = "Save";
    let hints =
        integrations::ops::hints_for(app, actor, Some(request.integration_id), &request.content, &request.refs).await?;
    let pair = |(pointer, message)| (pointer, message);
    let missing = view.missing.iter().map(|gap| (gap.pointer.clone(), gap.message.clone())).map(pair).collect();
    form = form.beside(missing, hints.into_iter().map(|hint| (hint.pointer, hint.message)).collect());
    let teams = new::teams(web, signed).await?;
    let offered = integrations::ops::offered_scopes(app, actor, request.refs.version).await?;
    let scopes = offered
        .into_iter()
        .map(|scope| Choice { value: scope.name, label: scope.description.unwrap_or_default() })
        .collect();
    let versions = catalog::versions(app, actor, request.refs.api).await?;
    let versions = versions.into_iter().map(|row| Choice { value: row.slug, label: row.label }).collect();
    let classes = classes(web, signed).await?;
    let choice =
        |row: &DataClassRow| Choice { label: format!("{} · {}", row.name, row.sensitivity), value: row.key.clone() };
    let suggested = classes.iter().map(choice).collect();
    let node = |row: DataClassRow| {
        let level = row.sensitivity.parse::<Sensitivity>().map_or(0, Sensitivity::level);
        (row.key, row.name, row.sensitivity, level)
    };
    let mut form = form
        .offer("business_owner", teams.clone())
        .offer("technical_owner", teams.clone())
        .offer("backup_owner", teams)
        .offer("scopes", scopes)
        .offer("version", versions)
        .offer("data_flows.data_class", suggested);
    form.tree = Some(tree("data_flows", classes.into_iter().map(node).collect()));
    new::decorate(web, signed, form).await
}

/// The tree of data classes, with how sensitive each is.
async fn classes(web: &Web, signed: &Signed) -> Result<Vec<DataClassRow>, Error> {
    let pairs = [("state".into(), "active".into()), ("limit".into(), "500".into())];
    let query = Query::parse(&catalog::DATA_CLASSES, &pairs, &[])?;
    Ok(lists::ops::list::<DataClassRow>(&web.app, &signed.actor, &catalog::DATA_CLASSES, &query).await?.rows)
}

fn title(request: &Request) -> String {
    request.title.clone()
}

pub async fn edit(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<Uuid>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    let view = ops::view_request(&web.app, &signed.actor, id).await?;
    ops::refuse_stranger(&web.app, &signed.actor, &view.request).await?;
    view.request.editable()?;
    if view.request.kind.keeps_content() {
        return Ok(Redirect::to(&format!("/requests/{id}")).into_response());
    }
    let mut typed = values(&view.request.content);
    let mut restored = None;
    if let Some((draft, age)) = unsaved(&web, &signed, &here(&view.request), Some(view.request.updated_at)).await? {
        typed = Value::Object(draft.over(&specs::INTEGRATION, typed));
        restored = Some(age);
    }
    let mut form = form(&web, &signed, &view, typed).await?;
    form.restored = restored;
    form_page_noted(&web, &signed, "/requests", &title(&view.request), form, &pairs).await
}

pub async fn update(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &posted.signed.actor);
    let view = ops::view_request(app, actor, id).await?;
    let fields = posted.over(&specs::INTEGRATION, values(&view.request.content));
    let typed = Value::Object(fields.clone());
    let revision = posted.revision()?;
    let saved = match json::content::<IntegrationContent>(fields) {
        Ok(content) => ops::edit_request(app, actor, id, revision, content, view.request.reason.clone()).await,
        Err(error) => Err(error),
    };
    let form = match saved {
        Ok(after) => {
            drafts::forget(app, actor, &here(&view.request)).await?;
            let note = if after.revision == view.request.revision { "unchanged" } else { "saved" };
            let whole = ops::view_request(app, actor, id).await?.missing.is_empty();
            let to = if whole { "" } else { "/edit" };
            return Ok(Redirect::to(&format!("/requests/{id}{to}?note={note}")).into_response());
        }
        Err(Error::Stale { .. }) => {
            let theirs = json!(view.request.content);
            form(&web, &posted.signed, &view, typed).await?.meanwhile(&theirs, view.request.revision)
        }
        Err(error) => {
            let mut form = form(&web, &posted.signed, &view, typed).await?.refused(error)?;
            form.revision = Some(revision);
            form
        }
    };
    form_page_noted(&web, &posted.signed, "/requests", &title(&view.request), form, &Pairs::default()).await
}
