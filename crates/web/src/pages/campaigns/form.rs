//! Planning a campaign.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};

use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::Posted,
    pages::{Shell, faults, faults_at, html, unprocessable},
};
use base::{error::Error, lists::Query};
use governance::campaigns::{CampaignContent, Periods, Reviewers, ops};
use identity::{GroupKind, Permission};

#[derive(Template)]
#[template(path = "campaigns/form.html")]
struct CampaignForm {
    shell: Shell,
    content: CampaignContent,
    groups: Vec<(String, String)>,
    errors: Vec<(String, String)>,
}

impl CampaignForm {
    fn faults(&self, name: &str) -> Vec<&str> {
        faults_at(&self.errors, name)
    }
    fn starts_on(&self) -> String {
        self.content.starts_on.map(|day| day.to_string()).unwrap_or_default()
    }
    fn ends_on(&self) -> String {
        self.content.ends_on.map(|day| day.to_string()).unwrap_or_default()
    }
    fn suspend_after(&self) -> String {
        self.content.suspend_after_days.map(|n| n.to_string()).unwrap_or_default()
    }
    fn repeats(&self) -> String {
        self.content.repeats_months.map(|n| n.to_string()).unwrap_or_default()
    }
    fn is_group(&self, slug: &str) -> bool {
        self.content.review_group.as_deref() == Some(slug)
    }
    fn escalates(&self, slug: &str) -> bool {
        self.content.escalates_to.as_deref() == Some(slug)
    }
    fn by_group(&self) -> bool {
        self.content.reviewers == Reviewers::Group
    }
}

async fn form(web: &Web, signed: &Signed, content: CampaignContent) -> Result<CampaignForm, Error> {
    signed.actor.require(Permission::Govern)?;
    let spec = identity::ops::groups_list_spec(GroupKind::ReviewGroup);
    let query = Query::parse(spec, &[("state".into(), "active".into()), ("limit".into(), "100".into())], &[])?;
    let groups = identity::ops::list_groups(&web.app, &signed.actor, GroupKind::ReviewGroup, &query).await?.rows;
    Ok(CampaignForm {
        shell: Shell::new(web, signed, "/campaigns", "New campaign", &Pairs::default()).await?,
        content,
        groups: groups.into_iter().map(|group| (group.slug, group.name)).collect(),
        errors: Vec::new(),
    })
}

pub async fn new(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let today = web.app.today().await?;
    let content = CampaignContent {
        filter: pairs.get("filter").unwrap_or("sensitivity=restricted").to_owned(),
        starts_on: Some(today),
        ends_on: today.checked_add_days(chrono::Days::new(28)),
        auto_close: true,
        ..CampaignContent::default()
    };
    html(&form(&web, &signed, content).await?)
}

fn typed(posted: &Posted) -> CampaignContent {
    let text = |name: &str| posted.get(name).unwrap_or_default().trim().to_owned();
    let maybe = |name: &str| Some(text(name)).filter(|text| !text.is_empty());
    // What is no number is refused as one that is out of range.
    let number = |name: &str| maybe(name).map(|text| text.parse().unwrap_or_default());
    let months = |name: &str| text(name).parse().unwrap_or_default();
    let by_group = text("reviewers") == "group";
    CampaignContent {
        title: text("title"),
        filter: text("filter"),
        reviewers: if by_group { Reviewers::Group } else { Reviewers::Owner },
        review_group: maybe("review_group").filter(|_| by_group),
        starts_on: text("starts_on").parse().ok(),
        ends_on: text("ends_on").parse().ok(),
        escalates_to: maybe("escalates_to"),
        suspend_after_days: number("suspend_after_days"),
        auto_close: posted.get("auto_close").is_some(),
        repeats_months: number("repeats_months"),
        periods: Periods {
            critical: months("critical"),
            high: months("high"),
            medium: months("medium"),
            low: months("low"),
        },
    }
}

pub async fn plan(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let content = typed(&posted);
    match ops::plan(&web.app, &posted.signed.actor, content.clone()).await {
        Ok(made) => Ok(Redirect::to(&format!("/campaigns/{}?note=planned", made.id)).into_response()),
        Err(error) => {
            let errors = faults(error)?;
            let mut page = form(&web, &posted.signed, content).await?;
            page.errors = errors;
            Ok(unprocessable(html(&page)?))
        }
    }
}
