//! The list of integrations.

use axum::{extract::State, response::Response};

use super::cells;
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    pages::{
        list::{self, Asked, Cell, Column, Extras, Frame, Link},
        view::{ago, exact},
    },
};
use base::words::label;
use governance::approvals::tables;
use identity::Permission;
use register::integrations::ops::{self, IntegrationRow};

const COLUMNS: &[Column] = &[
    Column { label: "Integration", class: "" },
    Column { label: "State", class: "" },
    Column { label: "Sensitivity", class: "" },
    Column { label: "Owner", class: "" },
    Column { label: "Rotation", class: "" },
    Column { label: "Changed", class: "" },
    Column { label: "Vendor", class: "" },
    Column { label: "Criticality", class: "" },
    Column { label: "Direction", class: "" },
    Column { label: "Exposure", class: "" },
    Column { label: "Backup", class: "" },
    Column { label: "Next review", class: "" },
    Column { label: "Tags", class: "" },
];

pub async fn index(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let actor = &signed.actor;
    let proposes = actor.may(Permission::Propose);
    let frame = Frame {
        title: "Integrations",
        path: "/integrations",
        noun: "integrations",
        columns: COLUMNS,
        actions: if proposes { vec![Link::main("Register", "/integrations/new")] } else { Vec::new() },
        empty_text: "An integration is one system's use of one API. Register the first one: it takes five minutes.",
    };
    let extras = Extras {
        views: Some("integrations"),
        bulk: (proposes || actor.may(Permission::Steward))
            .then_some(("Edit owners, tags, review date of the chosen", "/integrations/bulk")),
        above: None,
        quiet: &["vendor", "criticality", "direction", "exposure", "backup", "next-review", "tags"],
    };
    let (now, today) = (web.app.clock.now(), web.app.today().await?);
    let asked = Asked { pairs: &pairs, spec: &ops::INTEGRATIONS, frame, extras };
    list::show_with(&web, &signed, asked, |row: IntegrationRow| {
        let about = format!("{} → {}", row.api_name, row.system_name);
        vec![
            Cell::name(&row.name, format!("/integrations/{}", row.slug), Some(about)).of(row.id),
            cells::state(&row.state, row.review.as_deref()),
            cells::sensitivity(row.sensitivity.as_deref()),
            row.owner_name.map_or_else(|| Cell::soft("nobody", None), Cell::text),
            cells::rotation(row.next_rotation_on, today),
            Cell::soft(ago(row.updated_at, now), Some(exact(row.updated_at))),
            Cell { sub: row.vendor_tier.map(|tier| format!("tier {tier}")), ..Cell::text(row.vendor_name) },
            Cell::text(row.criticality.as_deref().map(label).unwrap_or_default()),
            Cell::text(label(&row.direction)),
            Cell::text(row.exposure.as_deref().map(label).unwrap_or_default()),
            row.backup_name.map_or_else(|| Cell::soft("nobody", None), Cell::text),
            Cell::text(row.next_review_on.map(|date| cells::months(date, today)).unwrap_or_default()),
            Cell::chips(row.tags),
        ]
    })
    .await
}

pub async fn export(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::INTEGRATIONS, &pairs).await
}
