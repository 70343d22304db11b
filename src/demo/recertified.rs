//! A recertification under way: some items kept, one reduced, the rest waiting.

use chrono::{DateTime, Days, Utc};
use uuid::Uuid;

use super::{Stage, life::Used, organisation::Cast};
use base::{
    error::Error,
    lists::{self, Query},
};
use governance::campaigns::{
    CampaignContent, ReviewVerdict,
    ops::{self, NewReview, ReviewItemRow},
};

/// Plans a campaign over what is confidential or restricted, and decides on a part of it.
pub async fn recertify(stage: &Stage, cast: &Cast, made: &[Used], now: DateTime<Utc>) -> Result<(), Error> {
    let app = &stage.app;
    let content = CampaignContent {
        title: "Personal data, this quarter".into(),
        filter: "sensitivity=restricted&sensitivity=confidential".into(),
        starts_on: Some(app.today().await?),
        ends_on: now.date_naive().checked_add_days(Days::new(16)),
        escalates_to: Some("architecture-and-security".into()),
        auto_close: true,
        repeats_months: Some(3),
        ..CampaignContent::default()
    };
    let campaign = ops::plan(app, &cast.acting("Ines Ortega"), content).await?;
    for (n, row) in rows(stage, campaign.id).await?.into_iter().enumerate().take(14) {
        let Some(used) = made.iter().find(|used| used.slug == row.integration) else { continue };
        let owner = cast.of_team(used.team, n);
        let verdict = if n == 3 && row.suggestion == "reduce" { ReviewVerdict::Reduce } else { ReviewVerdict::Keep };
        let reason = match verdict {
            ReviewVerdict::Reduce => "Two of its scopes are left from a trial.",
            _ => "In daily use; looked through its flows and scopes.",
        };
        let new = NewReview { verdict, reason: Some(reason.into()), looked_at: None };
        match ops::decide(app, &owner, row.id, row.revision, new).await {
            // A request is under way there, or its owner has gone.
            Ok(_) | Err(Error::Conflict(_)) => {}
            Err(other) => return Err(other),
        }
        stage.advance(chrono::TimeDelta::seconds(i64::try_from(40 + n * 23).unwrap_or(60))).await?;
    }
    Ok(())
}

async fn rows(stage: &Stage, campaign: Uuid) -> Result<Vec<ReviewItemRow>, Error> {
    let asked = [("campaign".to_owned(), campaign.to_string()), ("limit".to_owned(), "100".to_owned())];
    let query = Query::parse(&ops::REVIEW_ITEMS, &asked, &[])?;
    let page = lists::ops::list::<ReviewItemRow>(&stage.app, &stage.cli, &ops::REVIEW_ITEMS, &query).await?;
    Ok(page.rows)
}
