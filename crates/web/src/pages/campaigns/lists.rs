//! The lists of campaigns and of review items.

use axum::{extract::State, response::Response};

use super::state_class;
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    pages::{
        list::{self, Cell, Column, Frame, Link},
        view::{ago, day},
    },
};
use base::words::label;
use governance::{
    campaigns::ops::{self, CampaignRow, ReviewItemRow},
    campaigns::tables,
};
use identity::Permission;

const fn column(label: &'static str, class: &'static str) -> Column {
    Column { label, class }
}

const CAMPAIGNS: &[Column] = &[
    column("Campaign", ""),
    column("Stands at", ""),
    column("Until", ""),
    column("Items", "num"),
    column("Open", "num"),
    column("Decided by", ""),
];

pub async fn campaigns(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let mut actions = vec![Link::other("Review items", "/review-items?state=pending&state=escalated")];
    if signed.actor.may(Permission::Govern) {
        actions.push(Link::main("New campaign", "/campaigns/new"));
    }
    let frame = Frame {
        title: "Campaigns",
        path: "/campaigns",
        noun: "campaigns",
        columns: CAMPAIGNS,
        actions,
        empty_text: "A campaign has integrations looked at again: each is kept, reduced or retired, with the evidence beside it.",
    };
    let today = web.app.today().await?;
    list::show(&web, &signed, &pairs, &ops::CAMPAIGNS, frame, |row: CampaignRow| {
        vec![
            Cell::name(&row.title, format!("/campaigns/{}", row.id), None),
            Cell::badge(state_class(&row.state), label(&row.state)),
            Cell::soft(day(row.ends_on, today), Some(row.ends_on.to_string())),
            Cell::number(row.items),
            Cell::number(row.open),
            Cell::text(row.group_name.unwrap_or_else(|| "the owners".into())),
        ]
    })
    .await
}

pub async fn export_campaigns(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::CAMPAIGNS, &pairs).await
}

const ITEMS: &[Column] = &[
    column("Integration", ""),
    column("Stands at", ""),
    column("Suggested", ""),
    column("Findings", "num"),
    column("Owner", ""),
    column("Decided", ""),
];

pub async fn items(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let frame = Frame {
        title: "Review items",
        path: "/review-items",
        noun: "review items",
        columns: ITEMS,
        actions: vec![Link::other("Campaigns", "/campaigns")],
        empty_text: "A campaign makes one item for each integration it is over.",
    };
    let now = web.app.clock.now();
    list::show(&web, &signed, &pairs, &ops::REVIEW_ITEMS, frame, |row: ReviewItemRow| {
        let decided = match (row.decided_by_name, row.decided_at) {
            (Some(name), Some(at)) => {
                let own = if row.own == Some(true) { "own" } else { "" };
                Cell { sub: Some(format!("{} {own}", ago(at, now))), ..Cell::text(name) }
            }
            _ => Cell::soft("–", None),
        };
        vec![
            Cell::name(&row.integration_name, format!("/review-items/{}", row.id), Some(row.campaign)),
            Cell::badge(state_class(&row.state), label(&row.state)),
            Cell::text(label(&row.suggestion)),
            Cell::number(i64::from(row.findings)),
            row.owner_name.map_or_else(|| Cell::soft("nobody", None), Cell::text),
            decided,
        ]
    })
    .await
}

pub async fn export_items(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::REVIEW_ITEMS, &pairs).await
}
