//! Data classes.

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};

use super::{form_page, specs};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::{FormView, Posted},
    pages::{
        Shell, html,
        list::{self, Cell, Column, Frame, Link},
        simple::{Fact, Part, RecordPage, simple_pages},
        view::{CommentView, EventView},
    },
};
use base::{
    audit,
    error::Error,
    lists::{self, Query},
    words::State as Use,
};
use identity::Permission;
use register::{
    catalog::tables,
    catalog::{DataClass, DataClassContent, Sensitivity, ops},
};

pub fn router() -> Router<Web> {
    Router::new()
        .route("/data-classes", get(index).post(create))
        .route("/data-classes/export", get(export))
        .route("/data-classes/new", get(new))
        .route("/data-classes/{key}", get(show).post(update))
        .route("/data-classes/{key}/edit", get(edit))
}

const COLUMNS: &[Column] = &[
    Column { label: "Data class", class: "" },
    Column { label: "Key", class: "" },
    Column { label: "Sensitivity", class: "" },
    Column { label: "Regulations", class: "" },
    Column { label: "Source", class: "" },
];

async fn index(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let mut actions = Vec::new();
    if signed.actor.may(Permission::GovernDataClasses) {
        actions.push(Link::main("New data class", "/data-classes/new"));
    }
    let frame = Frame {
        title: "Data classes",
        path: "/data-classes",
        noun: "data classes",
        columns: COLUMNS,
        actions,
        empty_text: "The taxonomy is filled in at the first start.",
    };
    list::show(&web, &signed, &pairs, &ops::DATA_CLASSES, frame, |row: ops::DataClassRow| {
        let level = row.sensitivity.parse::<Sensitivity>().map_or(0, Sensitivity::level);
        let depth = row.key.matches('.').count().min(4);
        let mut name = Cell::name(&row.name, format!("/data-classes/{}", row.key), None);
        name.td = ["", "in-1", "in-2", "in-3", "in-4"][depth];
        vec![
            name,
            Cell::mono(row.key),
            Cell::level(level, row.sensitivity),
            Cell::chips(row.regulations.iter().map(|r| base::words::label(r)).collect()),
            if row.state == "retired" { Cell::badge("over", "Retired") } else { Cell::soft(row.source, None) },
        ]
    })
    .await
}

async fn export(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::DATA_CLASSES, &pairs).await
}

async fn decorate(_: &Web, _: &Signed, form: FormView) -> Result<FormView, Error> {
    Ok(if form.revision.is_some() { form.lock(&["key"]) } else { form })
}

simple_pages!(
    "/data-classes",
    "data class",
    specs::DATA_CLASS,
    DataClassContent,
    DataClassContent::default(),
    Permission::GovernDataClasses,
    ops::find_data_class,
    ops::create_data_class,
    ops::update_data_class,
    |class: &DataClass| class.content.key.clone(),
    |class: &DataClass| class.content.name.clone(),
    decorate
);

async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(key): Path<String>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &signed.actor);
    let class = ops::find_data_class(app, actor, &key).await?;
    let c = &class.content;
    let path = format!("/data-classes/{}", c.key);
    if key != c.key {
        return Ok(Redirect::permanent(&path).into_response());
    }
    let below =
        Query::parse(&ops::DATA_CLASSES, &[("below".into(), c.key.clone()), ("limit".into(), "500".into())], &[])?;
    let below = lists::ops::list::<ops::DataClassRow>(app, actor, &ops::DATA_CLASSES, &below).await?.rows;
    let rows = below.into_iter().map(|row| Fact {
        label: "",
        text: row.name,
        href: Some(format!("/data-classes/{}", row.key)),
        class: "",
    });
    let mut facts = vec![Fact::mono("Key", &c.key)];
    if let Some(parent) = c.parent_key() {
        facts.push(Fact::link("Below", parent, format!("/data-classes/{parent}")));
    }
    let regulations: Vec<String> = c.regulations.iter().map(|r| r.label()).collect();
    facts.push(Fact::text("Regulations", if regulations.is_empty() { "none".into() } else { regulations.join(", ") }));
    facts.push(Fact::text(
        "Source",
        if class.source == "fideslang" { "fideslang taxonomy (Ethyca, CC BY 4.0)" } else { "this organisation" },
    ));
    let now = app.clock.now();
    let may_edit = actor.may(Permission::GovernDataClasses);
    html(&RecordPage {
        crumb: Link::other("Data classes", "/data-classes"),
        sub: c.key.clone(),
        description: c.description.clone(),
        facts,
        parts: vec![Part { title: "Below it".into(), rows: rows.collect(), empty: "Nothing stands below it." }],
        actions: if may_edit { vec![Link::main("Edit", &format!("{path}/edit"))] } else { Vec::new() },
        events: EventView::all(audit::ops::history(app, actor, "data_class", class.id).await?, now),
        comments: Some(CommentView::all(ops::comments(app, actor, "data_class", class.id).await?, now)),
        me: actor.person(),
        may_comment: actor.may(Permission::EditCatalog) || actor.may(Permission::VerifyCatalog),
        level: Some((c.sensitivity.level(), c.sensitivity.key().to_owned())),
        retired: c.state == Use::Retired,
        shell: Shell::new(&web, &signed, "/data-classes", c.name.clone(), &pairs).await?,
        path,
    })
}
