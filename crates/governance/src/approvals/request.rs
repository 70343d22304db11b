//! A change request and its life. Transitions consume the request and say why they refuse.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Condition, Decision, Requester, Stage, Timing};
use base::{audit::Record, error::Error, words};
use register::integrations::{IntegrationContent, IntegrationState, Refs};

words! {
    /// What is asked for.
    RequestKind, "/kind" {
        /// That it may exist.
        Register = "register",
        /// That it becomes something else.
        Change = "change",
        /// That it runs again after a suspension.
        Reactivate = "reactivate",
        /// That it is to be left.
        Deprecate = "deprecate",
        /// That it ends.
        Retire = "retire",
    }
}

impl RequestKind {
    /// The state of the integration once it is applied, and from which states it can be asked for.
    pub fn outcome(self, present: IntegrationState) -> Result<IntegrationState, Error> {
        use IntegrationState::{Active, Deprecated, Proposed, Retired, Suspended};
        match (self, present) {
            (Self::Register, Proposed) | (Self::Reactivate, Suspended | Deprecated) => Ok(Active),
            (Self::Change, Active | Suspended | Deprecated) => Ok(present),
            (Self::Deprecate, Active | Suspended) => Ok(Deprecated),
            (Self::Retire, Active | Suspended | Deprecated) => Ok(Retired),
            _ => Err(Error::Conflict(format!("What is {} cannot be asked to {}.", present.key(), self.key()))),
        }
    }

    /// Whether it changes nothing but the state.
    pub fn keeps_content(self) -> bool {
        !matches!(self, Self::Register | Self::Change)
    }
}

/// The content that decisions are bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bound {
    /// How often it was submitted. Not written: the request says so itself.
    #[serde(skip_serializing)]
    pub round: i32,
    /// SHA-256 of the canonical content, in hexadecimal.
    pub content_hash: String,
    /// The same without what is immaterial.
    pub material_hash: String,
    /// When it was submitted last.
    pub submitted_at: DateTime<Utc>,
    /// Since when somebody has to act.
    pub waiting_since: DateTime<Utc>,
}

/// Where it is in its life. The OpenAPI document describes it by `PhaseFields`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Phase {
    /// Being written.
    Draft,
    /// Waiting for decisions.
    Open(Bound),
    /// Waiting for the requester.
    ChangesRequested(Bound),
    /// Every stage approved.
    Approved(Bound),
    /// In force.
    Applied {
        /// What was applied.
        #[serde(flatten)]
        bound: Bound,
        /// When.
        closed_at: DateTime<Utc>,
    },
    /// Refused for good.
    Rejected {
        /// What was rejected.
        #[serde(flatten)]
        bound: Bound,
        /// When.
        closed_at: DateTime<Utc>,
    },
    /// Taken back.
    Withdrawn {
        /// When.
        closed_at: DateTime<Utc>,
    },
}

impl Phase {
    /// The state's word.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Open(_) => "open",
            Self::ChangesRequested(_) => "changes_requested",
            Self::Approved(_) => "approved",
            Self::Applied { .. } => "applied",
            Self::Rejected { .. } => "rejected",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }

    /// What decisions are bound to, where it was submitted.
    pub fn bound(&self) -> Option<&Bound> {
        match self {
            Self::Draft | Self::Withdrawn { .. } => None,
            Self::Open(bound)
            | Self::ChangesRequested(bound)
            | Self::Approved(bound)
            | Self::Applied { bound, .. }
            | Self::Rejected { bound, .. } => Some(bound),
        }
    }

    /// When it ended.
    pub fn closed_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Applied { closed_at, .. } | Self::Rejected { closed_at, .. } | Self::Withdrawn { closed_at } => {
                Some(*closed_at)
            }
            _ => None,
        }
    }

    /// Whether anything can still happen to it.
    pub fn is_closed(&self) -> bool {
        self.closed_at().is_some()
    }
}

/// How a round goes: its stages, and the workflow that they came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The stages, in their order.
    pub stages: Vec<Stage>,
    /// The workflow; none where the approving group alone decides.
    pub workflow: Option<WorkflowRef>,
}

/// The workflow of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkflowRef {
    /// Its id.
    pub id: Uuid,
    /// The version that this round goes by.
    pub version: i32,
    /// Whether one person may decide in several stages.
    pub same_person_twice: bool,
}

/// A change request.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Request {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// The integration.
    pub integration_id: Uuid,
    /// What is asked for.
    pub kind: RequestKind,
    /// Where it is in its life.
    #[serde(flatten)]
    pub phase: Phase,
    /// What it is called.
    pub title: String,
    /// Why it is asked for.
    pub reason: Option<String>,
    /// The integration's revision that it is based on.
    pub base_revision: i64,
    /// The integration's content that it is based on.
    pub base_content: IntegrationContent,
    /// The proposed content.
    pub content: IntegrationContent,
    /// Who asks.
    pub requested_by: Requester,
    /// Who submitted or edited it, or minted the token that did; they do not decide.
    pub participants: Vec<Uuid>,
    /// The stages of this round, in their order.
    pub stages: Vec<Stage>,
    /// The decisions of all rounds, oldest first.
    pub decisions: Vec<Decision>,
    /// What has to be done for its approvals.
    pub conditions: Vec<Condition>,
    /// The workflow that its stages came from, with the version.
    pub workflow: Option<WorkflowRef>,
    /// How often it was submitted.
    pub round: i32,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// The ids behind the proposed content.
    #[serde(skip)]
    pub refs: Refs,
}

impl Record for Request {
    const KIND: &'static str = "change_request";
    const SCHEMA: i32 = 2;
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
    /// With the ids of what the content names: slugs change, ids do not.
    fn body(&self) -> Value {
        let mut body = serde_json::to_value(self).unwrap_or(Value::Null);
        if let (Value::Object(fields), Ok(mut refs)) = (&mut body, serde_json::to_value(&self.refs)) {
            // The names are for the search.
            if let Value::Object(refs) = &mut refs {
                refs.remove("names");
            }
            fields.insert("refs".into(), refs);
        }
        body
    }
}

impl Request {
    /// What has to be done before it goes live.
    pub fn unmet(&self) -> impl Iterator<Item = &Condition> {
        let waits = |c: &&Condition| c.timing == Timing::BeforeLive && c.met_at.is_none() && self.counts(c);
        self.conditions.iter().filter(waits)
    }

    /// Whether a condition belongs to the present round; those of earlier ones are void.
    pub fn counts(&self, condition: &Condition) -> bool {
        let round = self.phase.bound().map(|bound| bound.round);
        self.decisions.iter().any(|d| d.id == condition.decision_id && Some(d.round) == round)
    }

    /// Whether it was based on something else than what is in force.
    pub fn is_stale(&self, live: &IntegrationContent) -> bool {
        !self.phase.is_closed() && self.kind != RequestKind::Register && self.base_content != *live
    }

    /// Refuses an edit of what is closed or decided.
    pub fn editable(&self) -> Result<(), Error> {
        match self.phase {
            Phase::Draft | Phase::Open(_) | Phase::ChangesRequested(_) => Ok(()),
            Phase::Approved(_) => Err(Error::Conflict("It is approved: make a new request for anything else.".into())),
            _ => Err(Error::Conflict("It is closed: make a new request.".into())),
        }
    }

    /// It goes to its first stage.
    pub fn submit(
        self,
        content_hash: String,
        material_hash: String,
        plan: Plan,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        match self.phase {
            Phase::Draft | Phase::ChangesRequested(_) => {
                let round = self.round + 1;
                let bound = Bound { round, content_hash, material_hash, submitted_at: now, waiting_since: now };
                Ok(Self {
                    phase: Phase::Open(bound),
                    round,
                    stages: plan.stages,
                    workflow: plan.workflow,
                    revision: self.revision + 1,
                    updated_at: now,
                    ..self
                })
            }
            Phase::Open(_) => Err(Error::Conflict("It was submitted already.".into())),
            _ => Err(Error::Conflict("It is closed: make a new request.".into())),
        }
    }

    /// Whether binding it to this content voids the approvals.
    pub fn is_voided_by(&self, material_hash: &str) -> bool {
        matches!(&self.phase, Phase::Open(bound) if bound.material_hash != material_hash)
    }

    /// An open one is bound to its content as it is now. A material change, which comes with a new plan,
    /// sends it back to its first stage; the submission counts as a new one.
    #[must_use]
    pub fn rebind(self, content_hash: String, material_hash: String, plan: Option<Plan>, now: DateTime<Utc>) -> Self {
        let Phase::Open(bound) = &self.phase else { return self };
        let Some(plan) = plan else {
            let bound = Bound { content_hash, material_hash, ..bound.clone() };
            return Self { phase: Phase::Open(bound), ..self };
        };
        let round = self.round + 1;
        let bound = Bound { round, content_hash, material_hash, submitted_at: bound.submitted_at, waiting_since: now };
        Self { phase: Phase::Open(bound), round, stages: plan.stages, workflow: plan.workflow, ..self }
    }

    /// What was approved and waits for its conditions, or for a base that moved, is open again.
    #[must_use]
    pub fn reopened(self) -> Self {
        match self.phase {
            Phase::Approved(bound) => Self { phase: Phase::Open(bound), ..self },
            _ => self,
        }
    }

    /// Taken back by those who asked.
    pub fn withdraw(self, now: DateTime<Utc>) -> Result<Self, Error> {
        if self.phase.is_closed() {
            return Err(Error::Conflict("It is closed already.".into()));
        }
        Ok(Self { phase: Phase::Withdrawn { closed_at: now }, revision: self.revision + 1, updated_at: now, ..self })
    }

    /// The approved content has come into force.
    pub fn applied(self, now: DateTime<Utc>) -> Result<Self, Error> {
        match self.phase {
            Phase::Approved(bound) => Ok(Self {
                phase: Phase::Applied { bound, closed_at: now },
                revision: self.revision + 1,
                updated_at: now,
                ..self
            }),
            _ => Err(Error::internal("only an approved request is applied")),
        }
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
