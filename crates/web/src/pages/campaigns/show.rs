//! A campaign's page: where it stands, how it is decided, its open items.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use chrono::NaiveDate;
use uuid::Uuid;

use super::{span, state_class};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::Posted,
    pages::{
        Shell, faults, html, unprocessable,
        view::{EventView, day},
    },
};
use base::{
    audit,
    error::Error,
    lists::{self, Query},
};
use governance::campaigns::{
    Campaign,
    ops::{self, ReviewItemRow, Standing},
};

#[derive(Template)]
#[template(path = "campaigns/show.html")]
struct CampaignPage {
    shell: Shell,
    campaign: Campaign,
    standing: Standing,
    /// Name, how many, how fast, how many of them own.
    pace: Vec<(String, i64, String, i64)>,
    clean: Vec<ReviewItemRow>,
    others: Vec<ReviewItemRow>,
    events: Vec<EventView>,
    today: NaiveDate,
    problems: Vec<(String, String)>,
}

impl CampaignPage {
    fn class(&self, state: &str) -> &'static str {
        state_class(state)
    }
    fn label(&self, key: &str) -> String {
        base::words::label(key)
    }
    fn day(&self, date: NaiveDate) -> String {
        day(date, self.today)
    }
    fn percent(&self) -> i64 {
        ((self.standing.total() - self.standing.open()) * 100).checked_div(self.standing.total()).unwrap_or(0)
    }
}

async fn rows(web: &Web, signed: &Signed, id: Uuid, findings: &str) -> Result<Vec<ReviewItemRow>, Error> {
    let asked = [("campaign", id.to_string()), ("with_findings", findings.to_owned()), ("limit", "100".to_owned())];
    let mut pairs: Vec<(String, String)> = asked.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    pairs.extend(["pending", "escalated"].map(|state| ("state".to_owned(), state.to_owned())));
    let query = Query::parse(&ops::REVIEW_ITEMS, &pairs, &[])?;
    let page = lists::ops::list::<ReviewItemRow>(&web.app, &signed.actor, &ops::REVIEW_ITEMS, &query).await?;
    Ok(page.rows)
}

async fn page(web: &Web, signed: &Signed, id: Uuid, pairs: &Pairs) -> Result<CampaignPage, Error> {
    let (app, actor) = (&web.app, &signed.actor);
    let campaign = ops::find_campaign(app, actor, id).await?;
    let standing = ops::standing(app, actor, id).await?;
    let people: Vec<Uuid> = standing.pace.iter().map(|one| one.person).collect();
    let names = identity::ops::get_people(app, actor, &people).await?;
    let name = |id: Uuid| {
        names.iter().find(|person| person.id == id).map_or_else(|| "somebody".into(), |p| p.content.name.clone())
    };
    let pace = standing.pace.iter().map(|one| (name(one.person), one.items, span(one.seconds), one.own)).collect();
    Ok(CampaignPage {
        shell: Shell::new(web, signed, "/campaigns", campaign.content.title.clone(), pairs).await?,
        clean: rows(web, signed, id, "none").await?,
        others: rows(web, signed, id, "some").await?,
        events: EventView::all(audit::ops::history(app, actor, "campaign", id).await?, app.clock.now()),
        today: app.today().await?,
        campaign,
        standing,
        pace,
        problems: Vec::new(),
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

/// Keeps the chosen items, which have no findings.
pub async fn keep(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let ids: Vec<Uuid> = posted.all("items").iter().filter_map(|id| id.parse().ok()).collect();
    match ops::keep_all(&web.app, &posted.signed.actor, ids).await {
        Ok(_) => Ok(Redirect::to(&format!("/campaigns/{id}?note=kept")).into_response()),
        Err(error) => {
            let problems = faults(error)?;
            let mut page = page(&web, &posted.signed, id, &Pairs::default()).await?;
            page.problems = problems;
            Ok(unprocessable(html(&page)?))
        }
    }
}
