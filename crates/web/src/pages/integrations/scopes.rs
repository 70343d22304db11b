//! The list of scopes.

use axum::{extract::State, response::Response};

use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    pages::{
        list::{self, Asked, Cell, Column, Extras, Frame},
        view::day,
    },
};
use register::{
    integrations::ops::{self, GrantRow},
    integrations::tables,
};

const COLUMNS: &[Column] = &[
    Column { label: "Scope", class: "" },
    Column { label: "Integration", class: "" },
    Column { label: "Requested", class: "" },
    Column { label: "Approved", class: "" },
    Column { label: "Granted", class: "" },
    Column { label: "Last used", class: "" },
    Column { label: "Justification", class: "" },
    Column { label: "Vendor", class: "" },
    Column { label: "Owner", class: "" },
];

pub async fn index(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let frame = Frame {
        title: "Scopes",
        path: "/scopes",
        noun: "scopes",
        columns: COLUMNS,
        actions: Vec::new(),
        empty_text: "Scopes that integrations ask for, that were approved, and that vendors grant.",
    };
    let extras = Extras { views: Some("scopes"), quiet: &["justification", "vendor", "owner"], ..Extras::default() };
    let today = web.app.today().await?;
    let asked = Asked { pairs: &pairs, spec: &ops::SCOPES, frame, extras };
    list::show_with(&web, &signed, asked, |row: GrantRow| {
        let tick = |there: bool| if there { Cell::text("✓") } else { Cell::soft("–", None) };
        let granted = match (row.granted_on, row.approved_at) {
            (Some(on), None) => Cell { title: Some(on.to_string()), ..Cell::badge("over", "not approved") },
            (Some(on), Some(_)) => Cell { title: Some(on.to_string()), ..Cell::text(day(on, today)) },
            (None, _) => Cell::soft("–", None),
        };
        let used = match row.last_used_on {
            Some(on) if (today - on).num_days() > 90 => Cell::badge("due", day(on, today)),
            Some(on) => Cell::text(day(on, today)),
            None => Cell::soft("–", None),
        };
        vec![
            Cell::name(&row.scope, format!("/integrations/{}#scopes", row.integration), None),
            Cell { sub: Some(format!("{} → {}", row.api_name, row.system_name)), ..Cell::text(row.integration_name) },
            tick(row.requested),
            tick(row.approved_at.is_some()),
            granted,
            used,
            Cell::text(row.justification.unwrap_or_default()),
            Cell::text(row.vendor_name),
            row.owner_name.map_or_else(|| Cell::soft("nobody", None), Cell::text),
        ]
    })
    .await
}

pub async fn export(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::SCOPES, &pairs).await
}
