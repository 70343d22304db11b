//! A review item's page: the evidence, what it suggests, and the decision.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use chrono::NaiveDate;
use uuid::Uuid;

use super::state_class;
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::{Choice, Posted},
    pages::{
        Shell, faults, html,
        integrations::new::teams,
        policy::severity_class,
        unprocessable,
        view::{ChangeView, EventView, ago, day},
    },
};
use base::{audit, error::Error};
use governance::{
    approvals::ops::{Stewardship, steward},
    campaigns::{
        Campaign, ItemEvidence, ReviewVerdict,
        ops::{self, ItemView, NewReview},
    },
};

#[derive(Template)]
#[template(path = "campaigns/item.html")]
struct ItemPage {
    shell: Shell,
    campaign: Campaign,
    view: ItemView,
    decider: Option<String>,
    next: Option<Uuid>,
    teams: Vec<Choice>,
    events: Vec<EventView>,
    today: NaiveDate,
    problems: Vec<(String, String)>,
    typed: String,
}

impl ItemPage {
    fn known(&self) -> &ItemEvidence {
        &self.view.now
    }
    fn class(&self) -> &'static str {
        state_class(self.view.item.state.key())
    }
    fn label(&self, key: &str) -> String {
        base::words::label(key)
    }
    fn severity_class(&self, severity: &str) -> &'static str {
        severity_class(severity)
    }
    fn ago(&self, at: &chrono::DateTime<chrono::Utc>) -> String {
        ago(*at, self.shell.now)
    }
    fn day(&self, date: NaiveDate) -> String {
        day(date, self.today)
    }
    fn changes(&self) -> Vec<ChangeView<'_>> {
        self.view.now.changes.iter().map(ChangeView).collect()
    }
    fn seat(&self, seat: &str) -> &'static str {
        match seat {
            "technical" => "runs it",
            "backup" => "steps in",
            _ => "answers for it",
        }
    }
    fn suggests(&self, verdict: &str) -> bool {
        self.view.suggested.key() == verdict
    }
}

async fn page(web: &Web, signed: &Signed, id: Uuid, pairs: &Pairs) -> Result<ItemPage, Error> {
    let (app, actor) = (&web.app, &signed.actor);
    let view = ops::view_item(app, actor, id).await?;
    let campaign = ops::find_campaign(app, actor, view.item.campaign_id).await?;
    let decider = identity::ops::names(app, actor, view.item.decided_by.as_slice()).await?.pop();
    let asks = view.now.departed_owner && view.may_decide;
    let teams = if asks { teams(web, signed).await? } else { Vec::new() };
    Ok(ItemPage {
        shell: Shell::new(web, signed, "/campaigns", view.integration.content.name.clone(), pairs).await?,
        next: ops::next_item(app, actor, &view.item).await?,
        events: EventView::all(audit::ops::history(app, actor, "review_item", id).await?, app.clock.now()),
        today: app.today().await?,
        campaign,
        decider,
        teams,
        view,
        problems: Vec::new(),
        typed: String::new(),
    })
}

pub async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<Uuid>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    html(&page(&web, &signed, id, &pairs).await?)
}

async fn again(web: &Web, posted: &Posted, id: Uuid, error: Error) -> Result<Response, PageError> {
    let problems = faults(error)?;
    let mut page = page(web, &posted.signed, id, &Pairs::default()).await?;
    page.problems = problems;
    page.typed = posted.get("reason").unwrap_or_default().to_owned();
    Ok(unprocessable(html(&page)?))
}

/// Decides, and goes on with the next one.
pub async fn decide(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &posted.signed.actor);
    let verdict: Result<ReviewVerdict, Error> = posted.get("verdict").unwrap_or_default().parse();
    let done = match (verdict, posted.revision()) {
        (Ok(verdict), Ok(revision)) => {
            let reason = posted.get("reason").map(|text| text.replace("\r\n", "\n"));
            let looked_at = posted.get("looked_at").and_then(|text| text.parse().ok());
            ops::decide(app, actor, id, revision, NewReview { verdict, reason, looked_at }).await
        }
        (Err(_), _) => Err(Error::field("/verdict", "Choose keep, reduce or retire.")),
        (_, Err(error)) => Err(error),
    };
    match done {
        Ok(done) => {
            let to = match (done.request_id, ops::next_item(app, actor, &done).await?) {
                (Some(request), _) => format!("/requests/{request}?note=review_opened"),
                (None, Some(next)) => format!("/review-items/{next}?note=kept"),
                (None, None) => format!("/campaigns/{}?note=kept", done.campaign_id),
            };
            Ok(Redirect::to(&to).into_response())
        }
        Err(error) => again(&web, &posted, id, error).await,
    }
}

/// Names another team, where nobody is left in the one that answers for it.
pub async fn owner(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &posted.signed.actor);
    let item = ops::find_item(app, actor, id).await?;
    let team = Some(posted.get("team").unwrap_or_default().trim().to_owned()).filter(|team| !team.is_empty());
    let mut edit = Stewardship { integrations: vec![item.integration_id.to_string()], ..Stewardship::default() };
    match posted.get("seat") {
        Some("technical") => edit.technical_owner = team,
        Some("backup") => edit.backup_owner = team,
        _ => edit.business_owner = team,
    }
    match steward(app, actor, edit).await {
        Ok(_) => Ok(Redirect::to(&format!("/review-items/{id}?note=saved")).into_response()),
        Err(error) => again(&web, &posted, id, error).await,
    }
}
