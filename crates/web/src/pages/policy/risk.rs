//! The risk of an integration or a vendor, as its page shows it, and overriding it.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use chrono::NaiveDate;
use uuid::Uuid;

use super::severity_class;
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::{Posted, Typed},
    pages::{
        self, faults, faults_at, html, unprocessable,
        view::{date, day},
    },
};
use base::error::Error;
use governance::policy::{
    NewOverride, Part,
    ops::{self, Overridden, Risk},
};
use identity::Permission;
use register::{catalog, integrations};

/// A risk as a page shows it.
pub struct RiskCard {
    /// The risk; none where nothing was scored yet.
    pub risk: Option<Risk>,
    /// Where an override is posted to.
    pub action: String,
    /// Whether this person overrides.
    pub may: bool,
    /// What was wrong with an override that was posted.
    errors: Vec<(String, String)>,
    /// What was typed then.
    pub typed: Typed,
    today: NaiveDate,
}

/// A point of the history's line.
pub struct Moment {
    pub at: String,
    pub inherent: i32,
    pub residual: i32,
}

impl RiskCard {
    /// Of an integration.
    pub async fn of_integration(web: &Web, signed: &Signed, slug: &str) -> Result<Self, Error> {
        let risk = ops::risk_of(&web.app, &signed.actor, slug).await?;
        Self::new(web, signed, risk, format!("/integrations/{slug}/risk")).await
    }

    /// Of a vendor.
    pub async fn of_vendor(web: &Web, signed: &Signed, slug: &str) -> Result<Self, Error> {
        let risk = ops::risk_of_vendor(&web.app, &signed.actor, slug).await?;
        Self::new(web, signed, risk, format!("/vendors/{slug}/risk")).await
    }

    async fn new(web: &Web, signed: &Signed, risk: Option<Risk>, action: String) -> Result<Self, Error> {
        let may = signed.actor.may(Permission::Govern) && signed.actor.person().is_some();
        let today = web.app.today().await?;
        Ok(Self { risk, action, may, errors: Vec::new(), typed: Typed::default(), today })
    }

    /// The same card with what is wrong with what was posted, beside its fields.
    pub fn refused(&mut self, error: Error, posted: &Posted) -> Result<(), Error> {
        self.errors = faults(error)?;
        self.typed = Typed(posted.0.clone());
        Ok(())
    }

    /// What is wrong with a field, or with none of them.
    pub fn faults(&self, name: &str) -> Vec<&str> {
        faults_at(&self.errors, name)
    }
    /// Whether something was wrong.
    pub fn is_refused(&self) -> bool {
        !self.errors.is_empty()
    }
    /// What was typed into a field.
    pub fn text(&self, name: &str) -> &str {
        self.typed.get(name).unwrap_or_default()
    }

    /// The badge of a band.
    pub fn class(&self, band: &str) -> &'static str {
        if band == "low" { "active" } else { severity_class(band) }
    }
    /// A word as people read it.
    pub fn label(&self, key: &str) -> String {
        base::words::label(key)
    }
    /// A day with its distance.
    pub fn day(&self, date: &NaiveDate) -> String {
        day(*date, self.today)
    }
    /// What a part adds or takes away, with its sign.
    pub fn points(&self, part: &Part) -> String {
        match part.points {
            0 => "0".into(),
            more @ 1.. => format!("+{more}"),
            less => format!("−{}", -less),
        }
    }
    /// What was, by day.
    pub fn moments(&self) -> Vec<Moment> {
        let history = self.risk.as_ref().map(|risk| risk.history.as_slice()).unwrap_or_default();
        let moment =
            |one: &ops::RiskMoment| Moment { at: date(one.at), inherent: one.inherent, residual: one.residual };
        history.iter().map(moment).collect()
    }
    /// The residual risk over time as the points of a stepped line in a field of 300 by 60, from its
    /// first day to today.
    pub fn line(&self) -> String {
        let history = self.risk.as_ref().map(|risk| risk.history.as_slice()).unwrap_or_default();
        let (Some(first), Some(last)) = (history.first(), history.last()) else { return String::new() };
        let days = |at: chrono::DateTime<chrono::Utc>| (at.date_naive() - first.at.date_naive()).num_days();
        let span = (self.today - first.at.date_naive()).num_days().max(1);
        let x = |at| days(at) * 300 / span;
        let y = |score: i32| 58 - score * 56 / 100;
        let mut points = Vec::new();
        let mut before = first.residual;
        for one in history {
            points.push(format!("{},{}", x(one.at), y(before)));
            points.push(format!("{},{}", x(one.at), y(one.residual)));
            before = one.residual;
        }
        points.push(format!("300,{}", y(last.residual)));
        points.join(" ")
    }
}

fn typed(posted: &Posted) -> NewOverride {
    let text = |name: &str| posted.get(name).unwrap_or_default();
    NewOverride {
        // What is no number is refused as one that is out of range.
        residual: text("residual").trim().parse().unwrap_or(-1),
        reason: text("reason").replace("\r\n", "\n"),
        ends_on: text("ends_on").parse().ok(),
    }
}

pub async fn override_integration(
    State(web): State<Web>,
    Path(key): Path<String>,
    posted: Posted,
) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &posted.signed.actor);
    match ops::set_override(app, actor, Overridden::Integration(&key), typed(&posted)).await {
        Ok(_) => Ok(Redirect::to(&format!("/integrations/{key}?note=overridden#risk")).into_response()),
        Err(error) => {
            let found = integrations::ops::find_integration(app, actor, &key).await?;
            let mut page = pages::integrations::page(&web, &posted.signed, found, &Pairs::default()).await?;
            page.card.refused(error, &posted)?;
            Ok(unprocessable(html(&page)?))
        }
    }
}

pub async fn override_vendor(
    State(web): State<Web>,
    Path(key): Path<String>,
    posted: Posted,
) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &posted.signed.actor);
    match ops::set_override(app, actor, Overridden::Vendor(&key), typed(&posted)).await {
        Ok(_) => Ok(Redirect::to(&format!("/vendors/{key}?note=overridden#risk")).into_response()),
        Err(error) => {
            let found = catalog::ops::find_vendor(app, actor, &key).await?;
            let mut page = pages::catalog::page(&web, &posted.signed, found, &Pairs::default()).await?;
            page.card.refused(error, &posted)?;
            Ok(unprocessable(html(&page)?))
        }
    }
}

pub async fn lift(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let done = ops::lift_override(&web.app, &posted.signed.actor, id).await?;
    let to = match (done.integration_id, done.vendor_id) {
        (Some(id), _) => format!("/integrations/{id}"),
        (None, id) => format!("/vendors/{}", id.unwrap_or_default()),
    };
    Ok(Redirect::to(&format!("{to}?note=lifted")).into_response())
}
