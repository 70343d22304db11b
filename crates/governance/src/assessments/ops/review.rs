//! Looking at answers: remarks, handing back, concluding; and closing what they raised.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use uuid::Uuid;

use super::{assessor, content, locked, send};
use crate::assessments::{
    Assessment, Closing, Conclusion, ConclusionVerdict, Flagged, Remark, assessment,
    store::{assessments, findings, vendors},
};
use base::{
    app::App,
    audit::Event,
    check::Check,
    db::WriteTx,
    error::{Error, same_revision},
};
use identity::{Actor, Permission};

/// Whoever looks at answers is no member of the team that gave them.
fn refuse_team(actor: &Actor, one: &Assessment) -> Result<(), Error> {
    if actor.is_in_team(one.team_id) {
        return Err(Error::Forbidden("Your team answered this; someone else reviews it.".into()));
    }
    Ok(())
}

/// Notes what is to be said of single answers: whether it will do, and in words. What is left out stays.
pub async fn remark(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    remarks: BTreeMap<String, (Option<Remark>, Option<String>)>,
) -> Result<Assessment, Error> {
    let me = assessor(actor)?;
    let mut tx = app.db.write(actor).await?;
    let before = locked(&mut tx, id, Some(revision)).await?;
    refuse_team(actor, &before)?;
    let content = content(&mut tx, &before).await?;
    let mut check = Check::new();
    let mut answers = before.answers.clone();
    for (key, (remark, mut comment)) in remarks {
        if content.question(&key).is_none() {
            check.fault(&format!("/remarks/{key}"), "There is no such question.");
            continue;
        }
        check.optional(&format!("/remarks/{key}"), &mut comment, 4000);
        if remark == Some(Remark::Again) && comment.is_none() {
            check.fault(&format!("/remarks/{key}"), "Say what is missing, so that it can be answered anew.");
        }
        let answer = answers.entry(key).or_default();
        (answer.remark, answer.comment) = (remark, comment);
    }
    check.finish()?;
    answers.retain(|_, answer| answer.is_given() || answer.note.is_some() || answer.remark.is_some());
    if answers == before.answers {
        return Ok(before);
    }
    let after = before.clone().remark(answers, me, tx.now())?;
    done(tx, app, "assessment.remarked", &before, after).await
}

async fn done(
    mut tx: WriteTx<base::db::Open>,
    app: &App,
    action: &'static str,
    before: &Assessment,
    after: Assessment,
) -> Result<Assessment, Error> {
    assessments::save(tx.conn(), &after).await?;
    tx.record(Event::changed(action, before, &after)).await?.commit().await?;
    app.forget_counts();
    Ok(after)
}

/// Returns it to whoever answered, for the answers that were marked. The link, where there is one, is
/// a new one; it comes back here where no letter takes it.
pub async fn hand_back(app: &App, actor: &Actor, id: Uuid, revision: i64) -> Result<send::Sent, Error> {
    let me = assessor(actor)?;
    let mut tx = app.db.write(actor).await?;
    let before = locked(&mut tx, id, Some(revision)).await?;
    refuse_team(actor, &before)?;
    let now = tx.now();
    let until = before.recipient.as_ref().map(|_| send::holds_until(before.due_on, now));
    let after = before.clone().hand_back(until, me, now)?;
    assessments::save(tx.conn(), &after).await?;
    let link = send::new_link(app, &mut tx, &after, send::Why::Returned).await?;
    tx.record(Event::changed("assessment.returned", &before, &after)).await?.commit().await?;
    app.forget_counts();
    Ok(send::Sent { by_mail: link.is_some() && app.config.post.is_some(), assessment: after, link })
}

/// Says that all of it was looked at.
pub async fn review(app: &App, actor: &Actor, id: Uuid, revision: i64) -> Result<Assessment, Error> {
    let me = assessor(actor)?;
    let mut tx = app.db.write(actor).await?;
    let before = locked(&mut tx, id, Some(revision)).await?;
    refuse_team(actor, &before)?;
    let after = before.clone().review(me, tx.now())?;
    done(tx, app, "assessment.reviewed", &before, after).await
}

/// Draws the conclusion. With findings of high or critical severity open, it is not `ok`.
pub async fn conclude(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    (verdict, reason, valid_until): (ConclusionVerdict, &str, Option<NaiveDate>),
) -> Result<Assessment, Error> {
    let me = assessor(actor)?;
    let today = app.today().await?;
    let mut tx = app.db.write(actor).await?;
    let before = locked(&mut tx, id, Some(revision)).await?;
    refuse_team(actor, &before)?;
    let content = content(&mut tx, &before).await?;
    let last = assessment::valid_until(today, content.valid_months);
    let mut check = Check::new();
    let mut reason = Some(reason.to_owned());
    check.optional("/reason", &mut reason, 4000);
    if reason.is_none() {
        check.fault("/reason", "Say what leads to this conclusion.");
    }
    let valid_until = valid_until.unwrap_or(last);
    if valid_until <= today {
        check.fault("/valid_until", "Give a day that is to come.");
    } else if valid_until > last {
        check.fault("/valid_until", format!("It holds for {} months at most: {last}.", content.valid_months));
    }
    let open = findings::of_assessment(tx.conn(), id).await?;
    let grave = |one: &&Flagged| one.state.key() == "open" && matches!(one.severity.key(), "high" | "critical");
    if verdict == ConclusionVerdict::Ok && open.iter().any(|one| grave(&one)) {
        check.fault("/verdict", "Findings of high severity are open: close them, or conclude conditionally.");
    }
    check.finish()?;
    let basis = vendors::basis(tx.conn(), before.vendor_id).await?;
    let at = tx.now();
    let conclusion = Conclusion { verdict, reason: reason.unwrap_or_default(), valid_until, by: me, at };
    let after = before.clone().conclude(conclusion, basis)?;
    assessments::set_link(tx.conn(), id, None, None).await?;
    done(tx, app, "assessment.concluded", &before, after).await
}

/// Closes what an answer raised: mended, or accepted with a control.
pub async fn close_finding(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    closing: Closing,
) -> Result<Flagged, Error> {
    let me = assessor(actor)?;
    let mut tx = app.db.write(actor).await?;
    let before = findings::lock(tx.conn(), id).await?.ok_or(Error::NotFound("finding"))?;
    same_revision(revision, before.revision)?;
    let of = assessments::get_many(tx.conn(), &[before.assessment_id]).await?.pop();
    let of = of.ok_or(Error::NotFound("assessment"))?;
    refuse_team(actor, &of)?;
    of.refuse_own(me)?;
    actor.require(Permission::Read)?;
    let now = tx.now();
    let after = before.clone().close(closing, me, now)?;
    findings::save(tx.conn(), &after, now).await?;
    tx.record(Event::changed("assessment_finding.closed", &before, &after)).await?.commit().await?;
    app.forget_counts();
    Ok(after)
}
