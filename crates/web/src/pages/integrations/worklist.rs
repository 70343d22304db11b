//! The worklist of incomplete records, with owners to suggest and where each suggestion comes from.

use askama::Template;
use axum::{extract::State, response::Response};

use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    pages::{Shell, html},
};
use base::lists::{self, Alike, Count, Facet, Query};
use identity::Permission;
use register::{
    catalog::{Vendor, ops as catalog},
    integrations::{
        Gap, Integration,
        ops::{self, IntegrationRow, OwnerSuggestion},
    },
};

struct Line {
    row: IntegrationRow,
    gaps: Vec<&'static str>,
    suggestions: Vec<OwnerSuggestion>,
    wants: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "integrations/worklist.html")]
struct WorklistPage {
    shell: Shell,
    lines: Vec<Line>,
    gaps: Option<Facet>,
    chosen: Option<String>,
    next: Option<String>,
    may_edit: bool,
}

impl WorklistPage {
    fn shown(&self, n: &i64) -> Count {
        Count(*n)
    }
    fn label(&self, gap: &str) -> String {
        base::words::label(gap)
    }
}

fn gaps(row: &IntegrationRow, record: Option<&Integration>, vendor: Option<&Vendor>) -> Vec<&'static str> {
    let has_exit_plan = record.is_some_and(|record| record.content.exit_plan.is_some());
    let technical = record.is_some_and(|record| record.content.technical_owner.is_some());
    let verified = vendor.is_some_and(|vendor| vendor.verified_at.is_some());
    let all = [
        (row.owner_name.is_none(), Gap::NoBusinessOwner),
        (!technical, Gap::NoTechnicalOwner),
        (row.backup_name.is_none(), Gap::NoBackupOwner),
        (row.sensitivity.is_none(), Gap::Unclassified),
        (row.criticality.as_deref() == Some("critical") && !has_exit_plan, Gap::NoExitPlan),
        (!verified, Gap::UnverifiedVendor),
    ];
    all.into_iter().filter(|(lacks, _)| *lacks).map(|(_, gap)| gap.key()).collect()
}

pub async fn index(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &signed.actor);
    let chosen = pairs.get("gap").map(str::to_owned);
    let mut asked: Vec<(String, String)> = pairs.0.iter().filter(|(name, _)| name == "cursor").cloned().collect();
    match &chosen {
        Some(gap) => asked.push(("gap".into(), gap.clone())),
        None => asked.extend(Gap::KEYS.iter().map(|gap| ("gap".to_owned(), (*gap).to_owned()))),
    }
    let query = Query::parse(&ops::INTEGRATIONS, &asked, &[])?;
    let page = lists::ops::list::<IntegrationRow>(app, actor, &ops::INTEGRATIONS, &query).await?;
    let every = Query::parse(&ops::INTEGRATIONS, &[], &[])?;
    let counted = lists::ops::list_facets(app, actor, &ops::INTEGRATIONS, &every, Alike::No).await?;
    let ids: Vec<uuid::Uuid> = page.rows.iter().map(|row| row.id).collect();
    let whole = ops::get_integrations(app, actor, &ids).await?;
    let vendors: Vec<uuid::Uuid> = whole.iter().map(|integration| integration.vendor_id).collect();
    let vendors = catalog::get_vendors(app, actor, &vendors).await?;
    let suggested = ops::suggested_owners(app, actor, &ids).await?;
    let lines = page.rows.into_iter().map(|row| {
        let record = whole.iter().find(|integration| integration.id == row.id);
        let vendor = record.and_then(|record| vendors.iter().find(|vendor| vendor.id == record.vendor_id));
        let gaps = gaps(&row, record, vendor);
        let wants = gaps.iter().find_map(|gap| gap.strip_prefix("no_").filter(|field| field.ends_with("_owner")));
        let fits = |suggestion: &&OwnerSuggestion| {
            wants.is_some() && suggestion.integration_id == row.id && row.owner_slug.as_ref() != Some(&suggestion.team)
        };
        Line { suggestions: suggested.iter().filter(fits).take(3).cloned().collect(), wants, gaps, row }
    });
    html(&WorklistPage {
        lines: lines.collect(),
        gaps: counted.1.iter().find(|facet| facet.name == "gap").cloned(),
        chosen,
        next: page.next,
        may_edit: actor.may(Permission::Propose) || actor.may(Permission::Steward),
        shell: Shell::new(&web, &signed, "/worklist", "Worklist", &pairs).await?,
    })
}
