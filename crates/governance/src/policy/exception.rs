//! An exception: permission to violate one rule on one integration until a day. Never endless.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use base::{audit::Record, check::Check, error::Error, words};

words! {
    /// Where it stands. Whether a granted one still holds follows from its last day.
    ExceptionState, "/state" {
        /// Asked for.
        Requested = "requested",
        /// Granted until its last day.
        Granted = "granted",
        /// Not granted.
        Denied = "denied",
        /// Granted, and taken back.
        Revoked = "revoked",
    }
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptionContent {
    /// Key or id of the rule.
    pub rule: String,
    /// Id or slug of the integration.
    pub integration: String,
    /// Why it cannot be mended now.
    pub reason: String,
    /// What keeps the risk small meanwhile.
    pub compensating_control: String,
    /// The last day on which it holds.
    pub ends_on: Option<NaiveDate>,
}

impl ExceptionContent {
    /// Tidies and checks; names every fault.
    pub fn checked(mut self, today: NaiveDate) -> Result<Self, Error> {
        let mut check = Check::new();
        check.required("/rule", &mut self.rule, 200);
        check.required("/integration", &mut self.integration, 200);
        let mut text = Some(std::mem::take(&mut self.reason));
        check.optional("/reason", &mut text, 4000);
        self.reason = text.unwrap_or_default();
        if self.reason.is_empty() {
            check.fault("/reason", "Say why it cannot be mended now.");
        }
        let mut text = Some(std::mem::take(&mut self.compensating_control));
        check.optional("/compensating_control", &mut text, 4000);
        self.compensating_control = text.unwrap_or_default();
        if self.compensating_control.is_empty() {
            check.fault("/compensating_control", "Say what keeps the risk small meanwhile.");
        }
        match self.ends_on {
            None => check.fault("/ends_on", "Give the last day: no exception is endless."),
            Some(day) if day < today => check.fault("/ends_on", "This day is past."),
            Some(_) => {}
        }
        check.finish()?;
        Ok(self)
    }
}

/// An exception.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Exception {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// The rule.
    pub rule_id: Uuid,
    /// Its key.
    pub rule: String,
    /// The integration.
    pub integration_id: Uuid,
    /// Its slug.
    pub integration: String,
    /// Why it cannot be mended now.
    pub reason: String,
    /// What keeps the risk small meanwhile.
    pub compensating_control: String,
    /// The last day on which it holds.
    pub ends_on: NaiveDate,
    /// The exception that it extends.
    pub extends: Option<Uuid>,
    /// Where it stands.
    pub state: ExceptionState,
    /// Who asked; null when a script did.
    pub requested_by: Option<Uuid>,
    /// Who asked, or minted the token that did.
    #[serde(skip)]
    pub asked_through: Option<Uuid>,
    /// When.
    pub requested_at: DateTime<Utc>,
    /// Who granted, denied or revoked it.
    pub decided_by: Option<Uuid>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// Why.
    pub decision_reason: Option<String>,
    /// When its ending was recorded.
    pub ended_at: Option<DateTime<Utc>>,
}

impl Record for Exception {
    const KIND: &'static str = "exception";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}

impl Exception {
    /// Whether it holds on a day: granted, and not past its last day.
    pub fn holds(&self, day: NaiveDate) -> bool {
        self.state == ExceptionState::Granted && day <= self.ends_on
    }

    /// As people read it on a day: a granted one that is past is ended.
    pub fn standing(&self, day: NaiveDate) -> &'static str {
        if self.state == ExceptionState::Granted && !self.holds(day) { "ended" } else { self.state.key() }
    }

    /// Refuses a decision by who asked for it, by themselves or through a token that they minted.
    pub fn refuse_own(&self, by: Uuid) -> Result<(), Error> {
        if [self.requested_by, self.asked_through].contains(&Some(by)) {
            return Err(Error::Forbidden(
                "You asked for this exception, or minted the token that did. Someone else decides.".into(),
            ));
        }
        Ok(())
    }

    /// Someone who did not ask for it grants or denies it.
    pub fn decide(self, grant: Grant, by: Uuid, reason: String, now: DateTime<Utc>) -> Result<Self, Error> {
        if self.state != ExceptionState::Requested {
            return Err(Error::Conflict(format!("It is {} already.", self.state.key())));
        }
        self.refuse_own(by)?;
        let state = if grant == Grant::Yes { ExceptionState::Granted } else { ExceptionState::Denied };
        Ok(Self {
            state,
            decided_by: Some(by),
            decided_at: Some(now),
            decision_reason: Some(reason),
            revision: self.revision + 1,
            ..self
        })
    }

    /// A granted one is taken back, at once.
    pub fn revoke(self, by: Uuid, reason: String, now: DateTime<Utc>) -> Result<Self, Error> {
        if self.state != ExceptionState::Granted {
            return Err(Error::Conflict("Only a granted exception is revoked.".into()));
        }
        Ok(Self {
            state: ExceptionState::Revoked,
            decided_by: Some(by),
            decided_at: Some(now),
            decision_reason: Some(reason),
            revision: self.revision + 1,
            ..self
        })
    }
}

/// Whether it is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// It is.
    Yes,
    /// It is not.
    No,
}
