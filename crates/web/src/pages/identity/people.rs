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
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::{FormView, Posted},
    pages::{
        Shell,
        catalog::form_page,
        html,
        list::{self, Cell, Column, Frame, Link},
        simple::simple_pages,
        view::{EventView, ago, day_alone, exact, href_of},
    },
};
use base::{app::App, audit, error::Error, lists::Query, words::label};
use governance::dashboard::{self, Duty};
use identity::tables;
use identity::{
    Actor, Identity, Permission, Person, PersonContent, PersonState, Role,
    ops::{self, LinkFor},
};
use uuid::Uuid;

pub fn router() -> Router<Web> {
    Router::new()
        .route("/people", get(index).post(create))
        .route("/people/export", get(export))
        .route("/people/new", get(new))
        .route("/people/{key}", get(show).post(update))
        .route("/people/{key}/edit", get(edit))
        .route("/people/{key}/sign-in-links", post(mint_link))
        .route("/people/{key}/identities/{id}/unlink", post(unlink))
        .route("/people/{key}/identities/{id}/allow", post(allow))
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
            Cell::soft(ago(row.updated_at, now), Some(exact(row.updated_at))),
        ]
    })
    .await
}

async fn export(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::PEOPLE, &pairs).await
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

/// Something that somebody has in hand, as the page shows it.
struct DutyView {
    kind: String,
    title: String,
    href: Option<String>,
    stands: String,
    alone: bool,
}

/// A number of things in words.
fn counted(n: i64, one: &str) -> String {
    match n {
        0 => format!("no {one}"),
        1 => format!("1 {one}"),
        n => format!("{n} {one}s"),
    }
}

impl DutyView {
    fn new(duty: Duty) -> Self {
        let stands = match (duty.kind.as_str(), duty.others, duty.integrations) {
            ("review_group", Some(n), _) => counted(n, "other active reviewer"),
            ("team", Some(n), Some(owned)) => {
                format!("{}; owns {}", counted(n, "other active member"), counted(owned, "integration"))
            }
            ("delegation", ..) if duty.state == "given" => "decides for them".into(),
            ("delegation", ..) => "they decide for this person".into(),
            _ => label(&duty.state),
        };
        Self {
            alone: duty.is_alone(),
            kind: label(&duty.kind),
            href: href_of(&duty.kind, duty.id),
            title: duty.title,
            stands,
        }
    }
}

/// An account at a provider, as an admin sees it.
struct IdentityView {
    id: Uuid,
    name: String,
    used: String,
    active: bool,
    barred: bool,
}

#[derive(Template)]
#[template(path = "identity/person.html")]
struct PersonPage {
    shell: Shell,
    person: Person,
    path: String,
    facts: Vec<(&'static str, String)>,
    manages: bool,
    linkable: bool,
    disabled: bool,
    /// What they have in hand, for those who may see it.
    duties: Option<Vec<DutyView>>,
    identities: Vec<IdentityView>,
    events: Vec<EventView>,
}

/// Roles in words, with the day on which they end.
fn roles_in_words(content: &PersonContent) -> String {
    let one = |role: &Role| match content.end_of(*role) {
        Some(end) => format!("{} until {}", role.label(), day_alone(end)),
        None => role.label().to_owned(),
    };
    content.roles.iter().map(one).collect::<Vec<_>>().join(", ")
}

async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(key): Path<String>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    let (app, actor, now) = (&web.app, &signed.actor, web.app.clock.now());
    let person = find(app, actor, &key).await?;
    let c = &person.content;
    let query = Query::parse(&ops::PEOPLE, &[("q".into(), c.email.clone())], &[])?;
    let row = ops::list_people(app, actor, &query).await?.rows.into_iter().find(|row| row.id == person.id);
    let mut facts = vec![("E-mail", c.email.clone()), ("Roles", roles_in_words(c))];
    if let Some(row) = row {
        facts.push(("Teams", row.teams.join(", ")));
        facts.push(("Review groups", row.review_groups.join(", ")));
    }
    let manages = actor.may(Permission::ManagePeople);
    let identities = if manages { ops::identities_of(app, actor, person.id).await? } else { Vec::new() };
    let identity = |one: Identity| IdentityView {
        name: identity::providers(app)
            .get(&one.provider)
            .map_or_else(|| one.provider.clone(), |known| known.name.clone()),
        used: match one.last_used_at {
            Some(at) => format!("last used {}", ago(at, now)),
            None => "never used".into(),
        },
        active: one.state == "active",
        barred: one.barred,
        id: one.id,
    };
    let sees = manages || actor.may(Permission::ReadAudit) || actor.person() == Some(person.id);
    let duties = if sees { Some(dashboard::duties(app, actor, person.id).await?) } else { None };
    html(&PersonPage {
        facts,
        manages,
        linkable: manages && !c.roles.contains(&Role::Admin) && c.state == PersonState::Active,
        disabled: c.state == PersonState::Disabled,
        duties: duties.map(|all| all.into_iter().map(DutyView::new).collect()),
        identities: identities.into_iter().map(identity).collect(),
        events: EventView::all(audit::ops::history(app, actor, "person", person.id).await?, now),
        path: format!("/people/{}", person.id),
        shell: Shell::new(&web, &signed, "/people", c.name.clone(), &pairs).await?,
        person,
    })
}

async fn unlink(
    State(web): State<Web>,
    Path((key, id)): Path<(String, Uuid)>,
    posted: Posted,
) -> Result<Response, PageError> {
    posted.signed.actor.require(Permission::ManagePeople)?;
    ops::unlink_identity(&web.app, &posted.signed.actor, id).await?;
    Ok(Redirect::to(&format!("/people/{key}?note=unlinked")).into_response())
}

async fn allow(
    State(web): State<Web>,
    Path((key, id)): Path<(String, Uuid)>,
    posted: Posted,
) -> Result<Response, PageError> {
    ops::allow_identity(&web.app, &posted.signed.actor, id).await?;
    Ok(Redirect::to(&format!("/people/{key}?note=allowed")).into_response())
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
