//! The verbs of assessments.

mod answer;
mod begin;
mod demands;
mod evidence;
mod find;
mod follow;
mod lists;
mod merging;
mod pack;
mod review;
mod send;
mod sheets;

use uuid::Uuid;

use super::{Assessment, QuestionnaireContent, store::assessments};
use base::{db::WriteTx, error::Error};
use identity::{Actor, Permission, Via};
use register::publications;

pub use answer::{Door, answer, attach, door, door_of_link, opened, submit};
pub use begin::{begin, withdraw};
pub use demands::{dismiss, find_demand, report};
pub use evidence::{
    Upload, add_evidence, evidence_file, evidence_of_vendor, find_evidence, get_evidence, retire_evidence,
};
pub use find::{
    AssessmentView, assessments_of, find_assessment, find_finding, findings_of, open_demands, questions_of,
    view_assessment,
};
pub use follow::{begin_day, follow_due, remind_due};
pub use lists::{
    ASSESSMENTS, AssessmentRow, DEMANDS, DemandRow, EVIDENCE, EvidenceRow, FINDINGS, FlaggedRow, QUESTIONNAIRES,
};
pub use merging::follow_vendor;
pub use pack::{questionnaire_of_pack, seed_questionnaires};
pub use review::{close_finding, conclude, hand_back, remark, review};
pub use send::{Preflight, Sent, preflight, remind, renew_link, send};
pub use sheets::{read_sheet, sheet_for, sheet_of};

/// Those who assess: reviewers, and those who govern.
fn require_assessor(actor: &Actor) -> Result<(), Error> {
    if actor.may(Permission::VerifyCatalog) { Ok(()) } else { actor.require(Permission::Govern) }
}

/// Whether somebody is of those.
pub fn may_assess(actor: &Actor) -> bool {
    require_assessor(actor).is_ok()
}

/// A person of those, at a page: no token concludes, whoever holds it.
fn assessor(actor: &Actor) -> Result<Uuid, Error> {
    require_assessor(actor)?;
    identity::ops::refuse_token(actor)?;
    match (actor.person(), actor.via) {
        (Some(me), Via::Page) => Ok(me),
        _ => Err(Error::Forbidden("A person does this, signed in on the page.".into())),
    }
}

/// Locks one and refuses a revision that is not the present one.
async fn locked<S>(tx: &mut WriteTx<S>, id: Uuid, revision: Option<i64>) -> Result<Assessment, Error> {
    let found = assessments::lock(tx.conn(), id).await?.ok_or(Error::NotFound("assessment"))?;
    match revision {
        Some(given) if given != found.revision => Err(Error::Stale { given, current: found.revision }),
        _ => Ok(found),
    }
}

/// The questions of the version that it was sent with.
async fn content<S>(tx: &mut WriteTx<S>, one: &Assessment) -> Result<QuestionnaireContent, Error> {
    publications::ops::content_of(tx.conn(), one.questionnaire_id, one.version).await
}
