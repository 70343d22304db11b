//! What is known of a vendor's assurance, on its page and on the approver's.

use chrono::NaiveDate;
use uuid::Uuid;

use super::{assessment_class, verdict_class};
use crate::{Web, extract::Signed, pages::view::day};
use base::error::Error;
use governance::assessments::{
    Assessment, Demand, Evidence,
    ops::{self, may_assess},
};

/// A vendor's assessments, what is wanted, and its evidence.
pub struct Assured {
    /// The vendor's slug.
    pub vendor: String,
    /// Its assessments, newest first; those given up left out.
    pub assessments: Vec<Assessment>,
    /// What is wanted and not begun.
    pub demands: Vec<Demand>,
    /// Its evidence in use.
    pub evidence: Vec<Evidence>,
    /// Whether this person assesses.
    pub may: bool,
    today: NaiveDate,
}

impl Assured {
    /// What is known of a vendor.
    pub async fn load(web: &Web, signed: &Signed, vendor: Uuid, slug: &str) -> Result<Self, Error> {
        let (app, actor) = (&web.app, &signed.actor);
        let mut assessments = ops::assessments_of(app, actor, vendor).await?;
        assessments.retain(|one| one.state.key() != "withdrawn");
        Ok(Self {
            vendor: slug.to_owned(),
            assessments,
            demands: ops::open_demands(app, actor, vendor).await?,
            evidence: ops::evidence_of_vendor(app, actor, vendor).await?,
            may: may_assess(actor),
            today: app.today().await?,
        })
    }
    /// Where one stands.
    pub fn standing(&self, one: &Assessment) -> &'static str {
        one.standing(self.today)
    }
    /// Its badge.
    pub fn class(&self, one: &Assessment) -> &'static str {
        assessment_class(self.standing(one))
    }
    /// The badge of its conclusion.
    pub fn verdict_class(&self, verdict: &str) -> &'static str {
        verdict_class(verdict)
    }
    /// A word as people read it.
    pub fn label(&self, key: &str) -> String {
        base::words::label(key)
    }
    /// A day with its distance.
    pub fn day(&self, date: &NaiveDate) -> String {
        day(*date, self.today)
    }
    /// How old its conclusion is.
    pub fn age(&self, one: &Assessment) -> Option<String> {
        let days = one.conclusion.as_ref().map(|conclusion| (self.today - conclusion.at.date_naive()).num_days())?;
        Some(if days == 1 { "1 day".into() } else { format!("{days} days") })
    }
    /// Whether a piece of evidence has ended.
    pub fn has_ended(&self, one: &Evidence) -> bool {
        one.valid_until.is_some_and(|day| day < self.today)
    }
    /// What proves a certificate.
    pub fn proofs(&self, certification: &str) -> Vec<&Evidence> {
        self.evidence.iter().filter(|one| one.certification.as_deref() == Some(certification)).collect()
    }
    /// Where evidence can be seen.
    pub fn address(&self, one: &Evidence) -> String {
        one.url.clone().unwrap_or_else(|| format!("/evidence/{}/file", one.id))
    }
}
