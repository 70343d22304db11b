//! What a decision makes of a request, and who may not make it as far as the request itself says.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Bound, Decision, NewDecision, Phase, Request, Stage, Verdict};
use base::error::Error;

/// Why what was approved does not go live although its stages were.
pub(super) const LAPSED: &str =
    "Someone who had approved it was disabled, or left the review group. Their stage has to approve it again first.";

impl Request {
    /// The stage that waits for decisions: the first without enough approvals of this content.
    pub fn open_stage(&self) -> Option<&Stage> {
        let Phase::Open(bound) = &self.phase else { return None };
        self.stages.iter().find(|stage| self.approvals(stage, bound) < stage.approvals_needed)
    }

    /// How many approvals of the present content a stage has. Those of people who lost the seat do not count.
    pub fn approvals(&self, stage: &Stage, bound: &Bound) -> i32 {
        let counts = |decision: &&Decision| {
            decision.round == bound.round
                && decision.position == stage.position
                && decision.verdict.approves()
                && decision.material_hash == bound.material_hash
                && !decision.lapsed
        };
        i32::try_from(self.decisions.iter().filter(counts).count()).unwrap_or(i32::MAX)
    }

    /// Whether every stage has its approvals.
    pub fn is_approved_throughout(&self) -> bool {
        let bound = self.phase.bound();
        bound
            .is_some_and(|bound| self.stages.iter().all(|stage| self.approvals(stage, bound) >= stage.approvals_needed))
    }

    /// Refuses to go on with what was approved by someone who has lost the seat since.
    pub fn refuse_lapsed(&self) -> Result<(), Error> {
        if matches!(self.phase, Phase::Approved(_)) && !self.is_approved_throughout() {
            return Err(Error::Conflict(LAPSED.into()));
        }
        Ok(())
    }

    /// Whether someone asked for it, submitted or edited it, or minted the token that did.
    pub fn took_part(&self, person: Uuid) -> bool {
        self.requested_by.person == Some(person) || self.participants.contains(&person)
    }

    /// Refuses a decision by someone, in the name of another where that is so, on the stage that is open.
    pub fn refuse_decider(&self, by: Uuid, decided_for: Option<Uuid>) -> Result<(), Error> {
        let Phase::Open(bound) = &self.phase else {
            return Err(Error::Conflict(format!(
                "It is {}, not open for decisions.",
                self.phase.key().replace('_', " ")
            )));
        };
        if self.requested_by.person == Some(by) {
            return Err(Error::Forbidden("You asked for this; someone else decides.".into()));
        }
        if self.participants.contains(&by) {
            return Err(Error::Forbidden(
                "You took part in this: you submitted or edited it, or minted the token that did. Someone else decides."
                    .into(),
            ));
        }
        let stage = self.open_stage().ok_or_else(|| Error::internal("an open request without an open stage"))?;
        let twice = self.workflow.is_some_and(|workflow| workflow.same_person_twice);
        let mine = |decision: &&Decision| {
            let same = [Some(decision.decided_by), decision.decided_for];
            decision.round == bound.round
                && (!twice || decision.position == stage.position)
                && (same.contains(&Some(by)) || (decided_for.is_some() && same.contains(&decided_for)))
        };
        if self.decisions.iter().any(|decision| mine(&decision)) {
            return Err(Error::Conflict("You have decided on this already.".into()));
        }
        Ok(())
    }

    /// Someone decides on the stage that is open.
    pub fn decide(self, by: Uuid, new: NewDecision, now: DateTime<Utc>) -> Result<Self, Error> {
        if let Phase::Open(bound) = &self.phase
            && bound.content_hash != new.content_hash
        {
            return Err(Error::Conflict("It changed since you opened it. Review it again, then decide.".into()));
        }
        self.refuse_decider(by, new.decided_for)?;
        let (Phase::Open(bound), Some(stage)) = (&self.phase, self.open_stage()) else {
            return Err(Error::internal("an open request without an open stage"));
        };
        let decision = Decision {
            id: new.id,
            position: stage.position,
            round: bound.round,
            verdict: new.verdict,
            reason: new.reason,
            decided_by: by,
            decided_for: new.decided_for,
            content_hash: bound.content_hash.clone(),
            material_hash: bound.material_hash.clone(),
            decided_at: now,
            lapsed: false,
        };
        let mut bound = bound.clone();
        bound.waiting_since = now;
        let mut after = Self { revision: self.revision + 1, updated_at: now, ..self };
        after.decisions.push(decision);
        let done = after.stages.iter().all(|stage| after.approvals(stage, &bound) >= stage.approvals_needed);
        after.phase = match new.verdict {
            Verdict::Reject => Phase::Rejected { bound, closed_at: now },
            Verdict::RequestChanges => Phase::ChangesRequested(bound),
            Verdict::Approve | Verdict::ApproveWithConditions if done => Phase::Approved(bound),
            Verdict::Approve | Verdict::ApproveWithConditions => Phase::Open(bound),
        };
        Ok(after)
    }
}
