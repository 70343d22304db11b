//! The lists of rules, workflows, violations and exceptions.

use axum::{extract::State, response::Response};

use super::{mode_class, severity_class, standing_class};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    pages::{
        list::{self, Cell, Column, Frame, Link},
        view::{ago, day, exact},
    },
};
use base::words::label;
use governance::{
    policy::ops::{self, ExceptionRow, PublicationRow, ViolationRow},
    policy::tables,
};
use identity::Permission;

const fn column(label: &'static str, class: &'static str) -> Column {
    Column { label, class }
}

const RULES: &[Column] = &[
    column("Rule", ""),
    column("Mode", ""),
    column("Severity", ""),
    column("Open violations", "num"),
    column("Version", "num"),
    column("Stands at", ""),
    column("Last change", ""),
];

fn version(row: &PublicationRow) -> Cell {
    if row.version == 0 { Cell::soft("–", None) } else { Cell::number(i64::from(row.version)) }
}

pub async fn rules(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let actions =
        if signed.actor.may(Permission::Govern) { vec![Link::main("New rule", "/rules/new")] } else { vec![] };
    let frame = Frame {
        title: "Rules",
        path: "/rules",
        noun: "rules",
        columns: RULES,
        actions,
        empty_text: "A rule says what every integration has to fulfil, and what follows where it does not.",
    };
    let now = web.app.clock.now();
    list::show(&web, &signed, &pairs, &ops::RULES, frame, |row: PublicationRow| {
        vec![
            Cell::name(&row.title, format!("/rules/{}", row.key), Some(row.key.clone())),
            Cell::badge(mode_class(&row.mode), label(&row.mode)),
            Cell::badge(severity_class(&row.severity), label(&row.severity)),
            Cell::number(row.open_violations),
            version(&row),
            Cell::badge(standing_class(&row.standing), label(&row.standing)),
            Cell::soft(ago(row.updated_at, now), Some(exact(row.updated_at))),
        ]
    })
    .await
}

pub async fn export_rules(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::RULES, &pairs).await
}

const WORKFLOWS: &[Column] = &[
    column("Workflow", ""),
    column("Use", ""),
    column("Version", "num"),
    column("Stands at", ""),
    column("Last change", ""),
];

pub async fn workflows(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let actions =
        if signed.actor.may(Permission::Govern) { vec![Link::main("New workflow", "/workflows/new")] } else { vec![] };
    let frame = Frame {
        title: "Workflows",
        path: "/workflows",
        noun: "workflows",
        columns: WORKFLOWS,
        actions,
        empty_text: "Without a workflow the approving group of the settings decides alone. A workflow names stages, who \
                     decides in each, and by when.",
    };
    let now = web.app.clock.now();
    list::show(&web, &signed, &pairs, &ops::WORKFLOWS, frame, |row: PublicationRow| {
        vec![
            Cell::name(&row.title, format!("/workflows/{}", row.key), Some(row.key.clone())),
            Cell::badge(mode_class(&row.mode), label(&row.mode)),
            version(&row),
            Cell::badge(standing_class(&row.standing), label(&row.standing)),
            Cell::soft(ago(row.updated_at, now), Some(exact(row.updated_at))),
        ]
    })
    .await
}

pub async fn risk_models(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let frame = Frame {
        title: "Risk models",
        path: "/risk-models",
        noun: "risk models",
        columns: WORKFLOWS,
        actions: Vec::new(),
        empty_text: "The risk model says what makes an integration risky, and what makes it less so.",
    };
    let now = web.app.clock.now();
    list::show(&web, &signed, &pairs, &ops::RISK_MODELS, frame, |row: PublicationRow| {
        vec![
            Cell::name(&row.title, format!("/risk-models/{}", row.key), Some(row.key.clone())),
            Cell::badge("active", "In use"),
            version(&row),
            Cell::badge(standing_class(&row.standing), label(&row.standing)),
            Cell::soft(ago(row.updated_at, now), Some(exact(row.updated_at))),
        ]
    })
    .await
}

pub async fn export_workflows(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::WORKFLOWS, &pairs).await
}

const VIOLATIONS: &[Column] = &[
    column("Violation", ""),
    column("Integration", ""),
    column("Stands at", ""),
    column("Severity", ""),
    column("Open for", ""),
    column("Owner", ""),
    column("Vendor", ""),
];

pub async fn violations(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let frame = Frame {
        title: "Violations",
        path: "/violations",
        noun: "violations",
        columns: VIOLATIONS,
        actions: Vec::new(),
        empty_text: "No rule finds fault with any integration.",
    };
    let (now, today) = (web.app.clock.now(), web.app.today().await?);
    let spec = ops::violations_list(&signed.actor);
    list::show(&web, &signed, &pairs, spec, frame, |row: ViolationRow| {
        let standing = match row.excepted_until {
            Some(until) => Cell { sub: Some(day(until, today)), ..Cell::badge("review", "Excepted") },
            None => Cell::badge(standing_class(&row.standing), label(&row.standing)),
        };
        vec![
            Cell::name(&row.rule_title, format!("/violations/{}", row.id), row.failure),
            Cell::text(row.integration_name),
            standing,
            Cell::badge(severity_class(&row.severity), label(&row.severity)),
            Cell::soft(ago(row.opened_at, now), Some(exact(row.opened_at))),
            row.owner_name.map_or_else(|| Cell::soft("nobody", None), Cell::text),
            Cell::text(row.vendor_name),
        ]
    })
    .await
}

pub async fn export_violations(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::VIOLATIONS, &pairs).await
}

const EXCEPTIONS: &[Column] = &[
    column("Exception", ""),
    column("Integration", ""),
    column("Stands at", ""),
    column("Last day", ""),
    column("Severity", ""),
    column("Asked by", ""),
    column("Decided by", ""),
];

pub async fn exceptions(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let frame = Frame {
        title: "Exceptions",
        path: "/exceptions",
        noun: "exceptions",
        columns: EXCEPTIONS,
        actions: Vec::new(),
        empty_text: "An exception lets one integration violate one rule until a day. It is asked for on a violation.",
    };
    let today = web.app.today().await?;
    list::show(&web, &signed, &pairs, &ops::EXCEPTIONS, frame, |row: ExceptionRow| {
        vec![
            Cell::name(&row.rule_title, format!("/exceptions/{}", row.id), Some(row.reason)),
            Cell::text(row.integration_name),
            Cell::badge(standing_class(&row.standing), label(&row.standing)),
            Cell { title: Some(row.ends_on.to_string()), ..Cell::text(day(row.ends_on, today)) },
            Cell::badge(severity_class(&row.severity), label(&row.severity)),
            Cell::text(row.requester_name.unwrap_or_else(|| "a script".into())),
            row.decider_name.map_or_else(|| Cell::soft("–", None), Cell::text),
        ]
    })
    .await
}

pub async fn export_exceptions(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::EXCEPTIONS, &pairs).await
}
