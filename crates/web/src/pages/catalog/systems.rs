//! Systems.

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};

use super::{form_page, specs, vendor_choices};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::{Choice, FormView, Posted},
    pages::{
        Shell, html,
        list::{self, Cell, Column, Frame, Link},
        simple::{Fact, RecordPage, simple_pages},
        view::{CommentView, EventView, ago, exact},
    },
};
use base::{audit, error::Error, lists::Query, words::State as Use};
use identity::{GroupKind, Permission};
use register::{
    catalog::tables,
    catalog::{System, SystemContent, ops},
};

pub fn router() -> Router<Web> {
    Router::new()
        .route("/systems", get(index).post(create))
        .route("/systems/export", get(export))
        .route("/systems/new", get(new))
        .route("/systems/{key}", get(show).post(update))
        .route("/systems/{key}/edit", get(edit))
}

const COLUMNS: &[Column] = &[
    Column { label: "System", class: "" },
    Column { label: "Kind", class: "" },
    Column { label: "Team", class: "" },
    Column { label: "Vendor", class: "" },
    Column { label: "State", class: "" },
    Column { label: "Changed", class: "" },
];

async fn index(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let mut actions = Vec::new();
    if signed.actor.may(Permission::EditCatalog) {
        actions.push(Link::main("New system", "/systems/new"));
    }
    let frame = Frame {
        title: "Systems",
        path: "/systems",
        noun: "systems",
        columns: COLUMNS,
        actions,
        empty_text: "A system is what uses APIs: an application of ours, or a vendor's with our tenant in it.",
    };
    let now = web.app.clock.now();
    list::show(&web, &signed, &pairs, &ops::SYSTEMS, frame, |row: ops::SystemRow| {
        vec![
            Cell::name(&row.name, format!("/systems/{}", row.slug), row.url),
            Cell::text(base::words::label(&row.kind)),
            Cell::text(row.team_name.unwrap_or_default()),
            Cell::text(row.vendor_name.unwrap_or_default()),
            list::state(&row.state),
            Cell::soft(ago(row.updated_at, now), Some(exact(row.updated_at))),
        ]
    })
    .await
}

async fn export(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::SYSTEMS, &pairs).await
}

async fn decorate(web: &Web, signed: &Signed, form: FormView) -> Result<FormView, Error> {
    let spec = identity::ops::groups_list_spec(GroupKind::Team);
    let query = Query::parse(spec, &[("state".into(), "active".into()), ("limit".into(), "500".into())], &[])?;
    let teams = identity::ops::list_groups(&web.app, &signed.actor, GroupKind::Team, &query).await?.rows;
    let teams = teams.into_iter().map(|team| Choice { value: team.slug, label: team.name }).collect();
    Ok(form.offer("team", teams).offer("vendor", vendor_choices(web, &signed.actor).await?))
}

simple_pages!(
    "/systems",
    "system",
    specs::SYSTEM,
    SystemContent,
    SystemContent::default(),
    Permission::EditCatalog,
    ops::find_system,
    ops::create_system,
    ops::update_system,
    |system: &System| system.content.slug.clone(),
    |system: &System| system.content.name.clone(),
    decorate
);

async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(key): Path<String>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &signed.actor);
    let system = ops::find_system(app, actor, &key).await?;
    let c = &system.content;
    let path = format!("/systems/{}", c.slug);
    if key != c.slug {
        return Ok(Redirect::permanent(&path).into_response());
    }
    let now = app.clock.now();
    let mut facts = vec![Fact::text("Kind", c.kind.label())];
    if let Some(team) = &c.team {
        facts.push(Fact::link("Team", team, format!("/teams/{team}")));
    }
    if let Some(vendor) = &c.vendor {
        facts.push(Fact::link("Vendor", vendor, format!("/vendors/{vendor}")));
    }
    facts.push(Fact::text("Address", c.url.clone().unwrap_or_default()));
    facts.push(Fact::text("Tags", c.tags.join(", ")));
    let may_edit = actor.may(Permission::EditCatalog);
    html(&RecordPage {
        crumb: Link::other("Systems", "/systems"),
        sub: c.kind.label(),
        description: c.description.clone(),
        facts,
        parts: Vec::new(),
        actions: if may_edit { vec![Link::main("Edit", &format!("{path}/edit"))] } else { Vec::new() },
        events: EventView::all(audit::ops::history(app, actor, "system", system.id).await?, now),
        comments: Some(CommentView::all(ops::comments(app, actor, "system", system.id).await?, now)),
        me: actor.person(),
        may_comment: may_edit || actor.may(Permission::VerifyCatalog),
        level: None,
        retired: c.state == Use::Retired,
        shell: Shell::new(&web, &signed, "/systems", c.name.clone(), &pairs).await?,
        path,
    })
}
