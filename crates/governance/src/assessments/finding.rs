//! What an answer gave rise to: a red flag that somebody mends, or accepts with a control.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::policy::Severity;
use base::{audit::Record, check::Check, error::Error, words};

words! {
    /// Where it stands.
    FlagState, "/state" {
        /// Nothing was done yet.
        Open = "open",
        /// It is mended.
        Mended = "mended",
        /// It stays, and a compensating control keeps the risk small.
        Accepted = "accepted",
        /// The answer that raised it was given anew and raises it no more.
        Dropped = "dropped",
    }
}

/// A finding of an assessment.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Flagged {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// The assessment.
    pub assessment_id: Uuid,
    /// Key of the question.
    pub question: String,
    /// What was answered.
    pub answer: String,
    /// How grave it is.
    pub severity: Severity,
    /// What was found.
    pub finding: String,
    /// How it is mended.
    pub remediation: Option<String>,
    /// What keeps the risk small.
    pub compensating_control: Option<String>,
    /// Where it stands.
    pub state: FlagState,
    /// When it was found.
    pub opened_at: DateTime<Utc>,
    /// Who closed it.
    pub closed_by: Option<Uuid>,
    /// When.
    pub closed_at: Option<DateTime<Utc>>,
    /// What was done, or why it may stay.
    pub note: Option<String>,
}

impl Record for Flagged {
    const KIND: &'static str = "assessment_finding";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}

/// How a finding is closed.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Closing {
    /// `mended` or `accepted`.
    pub state: FlagState,
    /// What was done, or why it may stay.
    pub note: String,
    /// What keeps the risk small, where it is accepted and none was given before.
    #[serde(default)]
    pub compensating_control: Option<String>,
}

impl Flagged {
    /// Somebody closes it.
    pub fn close(self, closing: Closing, by: Uuid, now: DateTime<Utc>) -> Result<Self, Error> {
        if self.state != FlagState::Open {
            return Err(Error::Conflict(format!("It is {} already.", self.state.key())));
        }
        let mut check = Check::new();
        let (mut note, mut control) = (Some(closing.note), closing.compensating_control);
        check.optional("/note", &mut note, 4000);
        check.optional("/compensating_control", &mut control, 4000);
        if note.is_none() {
            check.fault("/note", "Say what was done, or why it may stay.");
        }
        let control = control.or(self.compensating_control.clone());
        match closing.state {
            FlagState::Accepted if control.is_none() => {
                check.fault("/compensating_control", "Say what keeps the risk small while it stays.");
            }
            FlagState::Mended | FlagState::Accepted => {}
            FlagState::Open | FlagState::Dropped => check.fault("/state", "Use mended or accepted."),
        }
        check.finish()?;
        Ok(Self {
            state: closing.state,
            note,
            compensating_control: control,
            closed_by: Some(by),
            closed_at: Some(now),
            revision: self.revision + 1,
            ..self
        })
    }
}
