//! People.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};

use super::{PERSON, roles};
use crate::{
    app::App,
    audit,
    error::Error,
    identity::{
        Actor, Permission, Person, PersonContent, PersonState, Role,
        ops::{self, LinkFor},
    },
    imports::tables::TableKind,
    lists::Query,
    web::{
        Web,
        error::PageError,
        extract::{Pairs, Signed},
        forms::{FormView, Posted},
        pages::{
            Shell,
            catalog::form_page,
            html,
            list::{self, Cell, Column, Frame, Link},
            simple::{Fact, RecordPage, simple_pages},
            view::{EventView, ago},
        },
    },
};

pub fn router() -> Router<Web> {
    Router::new()
        .route("/people", get(index).post(create))
        .route("/people/export", get(export))
        .route("/people/new", get(new))
        .route("/people/{key}", get(show).post(update))
        .route("/people/{key}/edit", get(edit))
        .route("/people/{key}/sign-in-links", post(mint_link))
}

const COLUMNS: &[Column] = &[
    Column { label: "Person", class: "" },
    Column { label: "Roles", class: "" },
    Column { label: "Teams", class: "" },
    Column { label: "Review groups", class: "" },
    Column { label: "State", class: "" },
    Column { label: "Changed", class: "" },
];

async fn index(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let mut actions = Vec::new();
    if signed.actor.may(Permission::ManagePeople) {
        actions.push(Link::main("Add a person", "/people/new"));
    }
    let frame = Frame {
        title: "People",
        path: "/people",
        noun: "people",
        columns: COLUMNS,
        actions,
        empty_text: "An admin adds people here.",
    };
    let now = web.app.clock.now();
    list::show(&web, &signed, &pairs, &ops::PEOPLE, frame, |row: ops::PersonRow| {
        vec![
            Cell::name(&row.name, format!("/people/{}", row.id), Some(row.email)),
            Cell::chips(roles(&row.roles)),
            Cell::text(row.teams.join(", ")),
            Cell::text(row.review_groups.join(", ")),
            list::state(&row.state),
            Cell::soft(ago(row.updated_at, now), Some(row.updated_at.to_rfc3339())),
        ]
    })
    .await
}

async fn export(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, TableKind::People, &pairs).await
}

async fn find(app: &App, actor: &Actor, key: &str) -> Result<Person, Error> {
    ops::get_person(app, actor, key.parse().map_err(|_| Error::NotFound("person"))?).await
}

async fn decorate(_: &Web, _: &Signed, form: FormView) -> Result<FormView, Error> {
    Ok(form)
}

simple_pages!(
    "/people",
    "person",
    PERSON,
    PersonContent,
    PersonContent::default(),
    Permission::ManagePeople,
    find,
    ops::create_person,
    ops::update_person,
    |person: &Person| person.id.to_string(),
    |person: &Person| person.content.name.clone(),
    decorate
);

async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(key): Path<String>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &signed.actor);
    let person = find(app, actor, &key).await?;
    let c = &person.content;
    let query = Query::parse(&ops::PEOPLE, &[("q".into(), c.email.clone())], &[])?;
    let row = ops::list_people(app, actor, &query).await?.rows.into_iter().find(|row| row.id == person.id);
    let labels: Vec<&str> = c.roles.iter().map(|role| role.label()).collect();
    let mut facts = vec![Fact::text("E-mail", &c.email), Fact::text("Roles", labels.join(", "))];
    if let Some(row) = row {
        facts.push(Fact::text("Teams", row.teams.join(", ")));
        facts.push(Fact::text("Review groups", row.review_groups.join(", ")));
    }
    let path = format!("/people/{}", person.id);
    let manages = actor.may(Permission::ManagePeople);
    let linkable = manages && !c.roles.contains(&Role::Admin) && c.state == PersonState::Active;
    html(&RecordPage {
        crumb: Link::other("People", "/people"),
        sub: c.email.clone(),
        description: None,
        facts,
        parts: Vec::new(),
        actions: if manages { vec![Link::main("Edit", &format!("{path}/edit"))] } else { Vec::new() },
        events: EventView::all(audit::ops::history(app, actor, "person", person.id).await?, app.clock.now()),
        comments: None,
        me: None,
        may_comment: false,
        level: None,
        link_action: linkable.then(|| format!("{path}/sign-in-links")),
        retired: c.state == PersonState::Disabled,
        shell: Shell::new(&web, &signed, "/people", c.name.clone(), &pairs).await?,
        path,
    })
}

#[derive(Template)]
#[template(path = "identity/link.html")]
struct LinkPage {
    shell: Shell,
    title: &'static str,
    terms: &'static str,
    name: String,
    url: String,
    back: String,
}

async fn mint_link(State(web): State<Web>, Path(key): Path<String>, posted: Posted) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &posted.signed.actor);
    let person = find(app, actor, &key).await?;
    let (what, way) = match posted.get("for") {
        Some("invitation") => (LinkFor::Invitation, "invitation"),
        Some("reset") => (LinkFor::Reset, "invitation"),
        _ => (LinkFor::SignIn, "sign-in"),
    };
    let minted = ops::mint_link_for(app, actor, person.id, what).await?;
    html(&LinkPage {
        title: what.title(),
        terms: what.terms(),
        url: format!("{}{way}/{}", app.config.public_url, minted.secret),
        back: format!("/people/{}", person.id),
        name: person.content.name,
        shell: Shell::new(&web, &posted.signed, "/people", what.title(), &Pairs::default()).await?,
    })
}
