//! The list of conditions of approvals.

use axum::{extract::State, response::Response};

use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    pages::{
        list::{self, Cell, Column, Frame, Link},
        view::day,
    },
};
use base::words::label;
use governance::{
    approvals::ops::{self, ConditionRow},
    approvals::tables,
};

const COLUMNS: &[Column] = &[
    Column { label: "Condition", class: "" },
    Column { label: "Integration", class: "" },
    Column { label: "Owed by", class: "" },
    Column { label: "Due", class: "" },
    Column { label: "To be met", class: "" },
    Column { label: "Stands at", class: "" },
];

pub async fn index(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let frame = Frame {
        title: "Conditions",
        path: "/conditions",
        noun: "conditions",
        columns: COLUMNS,
        actions: vec![
            Link::other("Open and overdue", "/conditions?standing=open&standing=overdue&sort=due_on"),
            Link::other("All requests", "/requests"),
        ],
        empty_text: "Whoever approves with conditions says what has to be done, by which team, and by when.",
    };
    let today = web.app.today().await?;
    list::show(&web, &signed, &pairs, &ops::CONDITIONS, frame, |row: ConditionRow| {
        let class = match row.standing.as_str() {
            "overdue" => "over",
            "open" => "due",
            "met" => "active",
            _ => "draft",
        };
        vec![
            Cell::name(&row.text, format!("/requests/{}#conditions", row.request_id), Some(row.request)),
            Cell { href: Some(format!("/integrations/{}", row.integration)), ..Cell::text(row.integration_name) },
            Cell::text(row.owner_name),
            Cell::soft(day(row.due_on, today), Some(row.due_on.to_string())),
            Cell::text(label(&row.timing)),
            Cell { sub: row.met_by_name.map(|name| format!("by {name}")), ..Cell::badge(class, label(&row.standing)) },
        ]
    })
    .await
}

pub async fn export(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::CONDITIONS, &pairs).await
}
