//! A review item: one integration in a campaign, the evidence beside it, what it suggests, and what
//! somebody decided.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use base::{
    audit::{Change, Record},
    error::Error,
    words,
};

words! {
    /// Where an item stands.
    ItemState, "/state" {
        /// Nobody decided yet.
        Pending = "pending",
        /// Its date is past; somebody else was asked.
        Escalated = "escalated",
        /// It stays as it is.
        Keep = "keep",
        /// A change request takes something away from it.
        Reduce = "reduce",
        /// A change request retires it.
        Retire = "retire",
        /// Nothing changed since it was last certified; nobody reviewed it.
        AutoClosed = "auto_closed",
        /// Nobody decided in time, and the campaign suspends what is late.
        Suspended = "suspended",
    }
}

words! {
    /// What is suggested, or decided.
    ReviewVerdict, "/verdict" {
        /// It stays as it is.
        Keep = "keep",
        /// Something is taken away.
        Reduce = "reduce",
        /// It goes.
        Retire = "retire",
    }
}

/// An open violation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenViolation {
    /// The rule's key.
    pub rule: String,
    /// What it demands.
    pub title: String,
    /// How grave it is.
    pub severity: String,
    /// The last day of the exception that holds.
    pub excepted_until: Option<NaiveDate>,
}

/// What is known of an integration when somebody decides on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ItemEvidence {
    /// The revision that was looked at.
    pub revision: i64,
    /// What was in force then.
    #[schema(value_type = Object)]
    pub content: Value,
    /// When anything of it last changed.
    pub last_change: Option<DateTime<Utc>>,
    /// When it was last certified.
    pub certified_at: Option<DateTime<Utc>>,
    /// What changed since then; nothing where it never was.
    #[schema(value_type = Vec<Object>)]
    pub changes: Vec<Change>,
    /// Scopes that it has and that were never seen used, or not for 90 days.
    pub unused_scopes: Vec<String>,
    /// Credentials whose rotation or end is past.
    pub overdue_credentials: Vec<String>,
    /// Violations that are open, and those of rules that are quiet while an exception still holds.
    pub violations: Vec<OpenViolation>,
    /// Days since any sign of use; none known where null.
    pub unused_days: Option<i64>,
    /// Whether a team that owns it has nobody in it any more.
    pub departed_owner: bool,
    /// As what that team owns it: `business`, which also counts where nobody is named, `technical`, `backup`.
    #[serde(default)]
    pub departed_seats: Vec<String>,
    /// Days until the sunset of its API version; below zero when it is past.
    pub sunset_in_days: Option<i64>,
    /// Where it was in its life.
    pub state: String,
}

impl ItemEvidence {
    /// How much there is to look at: bulk decisions are for those without.
    pub fn findings(&self) -> usize {
        let open = self.violations.iter().filter(|one| one.excepted_until.is_none()).count();
        open + self.unused_scopes.len() + self.overdue_credentials.len() + usize::from(self.departed_owner)
    }

    /// Of the scopes that are not used, those that it asks for: what to reduce takes away. What the
    /// vendor grants without being asked is taken back there.
    pub fn reducible(&self) -> Vec<&str> {
        let asked = self.content["scopes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let asks = |scope: &str| asked.iter().any(|one| one["scope"] == scope);
        self.unused_scopes.iter().map(String::as_str).filter(|scope| asks(scope)).collect()
    }

    /// What is suggested, and why.
    pub fn suggestion(&self) -> (ReviewVerdict, Vec<String>) {
        let mut gone = Vec::new();
        if let Some(days) = self.unused_days.filter(|days| *days > 180) {
            gone.push(format!("It was last seen in use {days} days ago."));
        }
        if self.sunset_in_days.is_some_and(|days| days < 0) {
            gone.push("The API version it uses has been switched off.".to_owned());
        }
        if !gone.is_empty() {
            return (ReviewVerdict::Retire, gone);
        }
        let reducible = self.reducible();
        if !reducible.is_empty() {
            let list = reducible.join(", ");
            return (ReviewVerdict::Reduce, vec![format!("Not seen in use for 90 days: {list}.")]);
        }
        let mut reasons = Vec::new();
        if !self.unused_scopes.is_empty() {
            let list = self.unused_scopes.join(", ");
            reasons.push(format!("The vendor grants what is neither asked for nor used; have it taken back: {list}."));
        }
        if self.certified_at.is_some() && self.changes.is_empty() {
            reasons.push("Nothing changed since it was last certified.".to_owned());
        }
        if self.findings() == 0 {
            reasons.push("No rule finds fault with it, and its credentials are in date.".to_owned());
        } else {
            reasons.push("What is found can be mended without taking anything away.".to_owned());
        }
        (ReviewVerdict::Keep, reasons)
    }

    /// Whether it may be closed by itself: it was certified before, nothing changed, nothing is found.
    pub fn is_unchanged(&self) -> bool {
        self.certified_at.is_some() && self.changes.is_empty() && self.findings() == 0
    }
}

/// A review item.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ReviewItem {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// The campaign.
    pub campaign_id: Uuid,
    /// The integration.
    pub integration_id: Uuid,
    /// Where it stands.
    pub state: ItemState,
    /// What is known of it: when the campaign began, or when it was decided.
    pub evidence: ItemEvidence,
    /// What is suggested.
    pub suggestion: ReviewVerdict,
    /// How much there is to look at.
    pub findings: i32,
    /// Who decided.
    pub decided_by: Option<Uuid>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// Why.
    pub reason: Option<String>,
    /// Whether who decided owns it.
    pub own: Option<bool>,
    /// The change request that was opened.
    pub request_id: Option<Uuid>,
    /// When somebody else was asked.
    pub escalated_at: Option<DateTime<Utc>>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Record for ReviewItem {
    const KIND: &'static str = "review_item";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}

/// Who decides, why, and whether it is their own.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Who.
    pub by: Uuid,
    /// Why.
    pub reason: Option<String>,
    /// Whether they own it.
    pub own: bool,
    /// The change request that it opens.
    pub request_id: Option<Uuid>,
}

impl ReviewItem {
    /// Whether somebody may still decide.
    pub fn is_open(&self) -> bool {
        matches!(self.state, ItemState::Pending | ItemState::Escalated)
    }

    fn next(self, now: DateTime<Utc>) -> Self {
        Self { revision: self.revision + 1, updated_at: now, ..self }
    }

    /// Somebody decides, on this evidence.
    pub fn decide(
        self,
        verdict: ReviewVerdict,
        decision: Decision,
        evidence: ItemEvidence,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        if !self.is_open() {
            return Err(Error::Conflict(format!("It is closed: {}.", self.state.label().to_lowercase())));
        }
        let state = match verdict {
            ReviewVerdict::Keep => ItemState::Keep,
            ReviewVerdict::Reduce => ItemState::Reduce,
            ReviewVerdict::Retire => ItemState::Retire,
        };
        Ok(Self {
            state,
            findings: i32::try_from(evidence.findings()).unwrap_or(i32::MAX),
            suggestion: evidence.suggestion().0,
            evidence,
            decided_by: Some(decision.by),
            decided_at: Some(now),
            reason: decision.reason,
            own: Some(decision.own),
            request_id: decision.request_id,
            ..self
        }
        .next(now))
    }

    /// Its date is past.
    #[must_use]
    pub fn escalate(self, now: DateTime<Utc>) -> Self {
        Self { state: ItemState::Escalated, escalated_at: Some(now), ..self }.next(now)
    }

    /// Nobody decided in time.
    #[must_use]
    pub fn suspend(self, now: DateTime<Utc>) -> Self {
        Self { state: ItemState::Suspended, ..self }.next(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_suggested_follows_from_the_evidence() {
        let none = ItemEvidence::default();
        assert_eq!(none.suggestion().0, ReviewVerdict::Keep);
        let scope = "charges.write".to_owned();
        let granted = ItemEvidence { unused_scopes: vec![scope.clone()], ..none.clone() };
        let (verdict, reasons) = granted.suggestion();
        assert!(verdict == ReviewVerdict::Keep && reasons[0].contains("neither asked for nor used"), "{reasons:?}");
        let content = serde_json::json!({ "scopes": [{ "scope": scope }] });
        let unused = ItemEvidence { content, ..granted };
        assert_eq!(unused.suggestion().0, ReviewVerdict::Reduce);
        assert_eq!(unused.findings(), 1);
        let silent = ItemEvidence { unused_days: Some(400), ..unused };
        let (verdict, reasons) = silent.suggestion();
        assert_eq!(verdict, ReviewVerdict::Retire);
        assert!(reasons[0].contains("400 days"));
        assert!(!none.is_unchanged(), "what was never certified is looked at");
    }
}
