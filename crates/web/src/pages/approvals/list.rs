//! The list of change requests.

use axum::{extract::State, response::Response};

use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    pages::{
        integrations::cells,
        list::{self, Asked, Cell, Column, Extras, Frame, Link},
        view::{ago, exact},
    },
};
use base::words::label;
use governance::{
    approvals::ops::{self, RequestRow},
    approvals::tables,
};
use identity::Permission;

const COLUMNS: &[Column] = &[
    Column { label: "Request", class: "" },
    Column { label: "State", class: "" },
    Column { label: "Waiting for", class: "" },
    Column { label: "Asked by", class: "" },
    Column { label: "Waiting", class: "" },
    Column { label: "Owner", class: "" },
    Column { label: "Round", class: "num" },
];

/// The three ways in which requests wait, from where somebody stands.
fn ways(signed: &Signed) -> Vec<Link> {
    let Some(me) = signed.actor.person() else { return Vec::new() };
    let mut ways = Vec::new();
    if signed.actor.may(Permission::Decide) {
        ways.push(Link::other("My approvals", &format!("/requests?decider={me}&sort=waiting_since")));
    }
    ways.push(Link::other("My requests", &format!("/requests?participant={me}&sort=-updated_at")));
    ways.push(Link::other("Waiting for others", &format!("/requests?awaits_others_for={me}&sort=waiting_since")));
    ways
}

pub async fn index(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let frame = Frame {
        title: "Requests",
        path: "/requests",
        noun: "requests",
        columns: COLUMNS,
        actions: ways(&signed),
        empty_text: "Registering, changing, reactivating and retiring an integration are requests that somebody decides on.",
    };
    let extras = Extras { views: Some("requests"), quiet: &["owner", "round"], ..Extras::default() };
    let now = web.app.clock.now();
    let asked = Asked { pairs: &pairs, spec: &ops::REQUESTS, frame, extras };
    list::show_with(&web, &signed, asked, |row: RequestRow| {
        let open = matches!(row.state.as_str(), "open" | "changes_requested");
        let since = row.waiting_since.filter(|_| open);
        vec![
            Cell::name(&row.title, format!("/requests/{}", row.id), row.reason.or(Some(row.vendor_name))),
            Cell::badge(
                cells::request_class(&row.state),
                label(if row.state == "open" { "in_review" } else { &row.state }),
            ),
            row.waiting_for.map_or_else(|| Cell::soft("–", None), Cell::text),
            Cell::text(row.requester_name.unwrap_or_else(|| "the command line".into())),
            match since {
                Some(since) => Cell { title: Some(exact(since)), ..Cell::text(ago(since, now)) },
                None => Cell::soft("–", None),
            },
            row.owner_name.map_or_else(|| Cell::soft("nobody", None), Cell::text),
            Cell::number(i64::from(row.round)),
        ]
    })
    .await
}

pub async fn export(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::REQUESTS, &pairs).await
}
