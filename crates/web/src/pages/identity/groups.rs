//! Teams and review groups: the same pages for both.

use axum::Router;

use crate::Web;

pub fn router() -> Router<Web> {
    teams::router().merge(review_groups::router())
}

macro_rules! group_pages {
    ($module:ident, $kind:expr, $path:literal, $title:literal, $noun:literal, $singular:literal, $word:literal, $form:expr, $table:expr, $empty:literal) => {
        mod $module {
            use axum::{
                Router,
                extract::{Path, State},
                response::{IntoResponse, Redirect, Response},
                routing::get,
            };
            use uuid::Uuid;

            use crate::{
                Web,
                error::PageError,
                extract::{Pairs, Signed},
                forms::{FormView, Posted},
                pages::{
                    Shell,
                    catalog::form_page,
                    html,
                    identity::people_choices,
                    list::{self, Cell, Column, Frame, Link},
                    simple::{Fact, Part, RecordPage, simple_pages},
                    view::{EventView, ago, exact},
                },
            };
            use base::{app::App, audit, error::Error, words::State as Use};
            use identity::tables;
            use identity::{Actor, Group, GroupContent, GroupKind, Permission, ops};

            pub fn router() -> Router<Web> {
                Router::new()
                    .route($path, get(index).post(create))
                    .route(concat!($path, "/export"), get(export))
                    .route(concat!($path, "/new"), get(new))
                    .route(concat!($path, "/{key}"), get(show).post(update))
                    .route(concat!($path, "/{key}/edit"), get(edit))
            }

            const COLUMNS: &[Column] = &[
                Column { label: "Name", class: "" },
                Column { label: "Members", class: "num" },
                Column { label: "State", class: "" },
                Column { label: "Changed", class: "" },
            ];

            async fn index(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
                let mut actions = Vec::new();
                if signed.actor.may(Permission::ManagePeople) {
                    actions.push(Link::main(concat!("New ", $singular), concat!($path, "/new")));
                }
                let frame =
                    Frame { title: $title, path: $path, noun: $noun, columns: COLUMNS, actions, empty_text: $empty };
                let now = web.app.clock.now();
                list::show(&web, &signed, &pairs, ops::groups_list_spec($kind), frame, |row: ops::GroupRow| {
                    vec![
                        Cell::name(&row.name, format!("{}/{}", $path, row.slug), row.description),
                        Cell::number(row.members),
                        list::state(&row.state),
                        Cell::soft(ago(row.updated_at, now), Some(exact(row.updated_at))),
                    ]
                })
                .await
            }

            async fn export(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
                list::export(&web, &signed.actor, $table, &pairs).await
            }

            async fn find(app: &App, actor: &Actor, key: &str) -> Result<Group, Error> {
                ops::find_group(app, actor, $kind, key).await
            }
            async fn make(app: &App, actor: &Actor, content: GroupContent) -> Result<Group, Error> {
                ops::create_group(app, actor, $kind, content).await
            }
            async fn change(
                app: &App,
                actor: &Actor,
                id: Uuid,
                revision: i64,
                content: GroupContent,
            ) -> Result<Group, Error> {
                ops::update_group(app, actor, $kind, id, revision, content).await
            }
            async fn decorate(web: &Web, signed: &Signed, form: FormView) -> Result<FormView, Error> {
                Ok(form.offer("members", people_choices(web, &signed.actor).await?))
            }

            simple_pages!(
                $path,
                $singular,
                $form,
                GroupContent,
                GroupContent::default(),
                Permission::ManagePeople,
                find,
                make,
                change,
                |group: &Group| group.content.slug.clone(),
                |group: &Group| group.content.name.clone(),
                decorate
            );

            async fn show(
                State(web): State<Web>,
                signed: Signed,
                Path(key): Path<String>,
                pairs: Pairs,
            ) -> Result<Response, PageError> {
                let (app, actor) = (&web.app, &signed.actor);
                let group = find(app, actor, &key).await?;
                let c = &group.content;
                let path = format!("{}/{}", $path, c.slug);
                if key != c.slug {
                    return Ok(Redirect::permanent(&path).into_response());
                }
                let members = ops::get_people(app, actor, &c.members).await?;
                let rows = members.into_iter().map(|person| Fact {
                    label: "",
                    text: person.content.name,
                    href: Some(format!("/people/{}", person.id)),
                    class: "",
                });
                let mut facts = vec![Fact::text("Members", c.members.len().to_string())];
                if let Some(email) = &c.email {
                    facts.push(Fact::link("Mailbox", email, format!("mailto:{email}")));
                }
                let manages = actor.may(Permission::ManagePeople);
                html(&RecordPage {
                    crumb: Link::other($title, $path),
                    sub: format!("{} members", c.members.len()),
                    description: c.description.clone(),
                    facts,
                    parts: vec![Part { title: "Members".into(), rows: rows.collect(), empty: "Nobody is in it yet." }],
                    actions: if manages { vec![Link::main("Edit", &format!("{path}/edit"))] } else { Vec::new() },
                    events: EventView::all(audit::ops::history(app, actor, $word, group.id).await?, app.clock.now()),
                    comments: None,
                    me: None,
                    may_comment: false,
                    level: None,
                    retired: c.state == Use::Retired,
                    shell: Shell::new(&web, &signed, $path, c.name.clone(), &pairs).await?,
                    path,
                })
            }
        }
    };
}

group_pages!(
    teams,
    GroupKind::Team,
    "/teams",
    "Teams",
    "teams",
    "team",
    "team",
    crate::pages::identity::TEAM,
    &tables::TEAMS,
    "A team owns systems. Make one, then give it members."
);
group_pages!(
    review_groups,
    GroupKind::ReviewGroup,
    "/review-groups",
    "Review groups",
    "review groups",
    "review group",
    "review_group",
    crate::pages::identity::REVIEW_GROUP,
    &tables::REVIEW_GROUPS,
    "A review group decides what is given to it: security, privacy, architecture."
);
