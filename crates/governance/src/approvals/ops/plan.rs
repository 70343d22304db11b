//! The plan of a round: what rules say of the proposal, and through which stages it goes.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    approvals::{
        Plan, Request, RequestKind, Stage, WorkflowRef,
        store::{
            facts,
            stages::{self, Eligible, StandIns},
        },
    },
    policy::{
        Expression, Facts, Judged, WorkflowContent,
        ops::{self as policy, Judgement, Subject},
    },
};
use base::{
    app::App,
    db::WriteTx,
    error::{Error, FieldErrors},
};
use identity::seats::{Twice, unfilled};
use register::{
    integrations::Integration,
    publications,
    settings::{self, SettingsContent},
};

/// Working hours of a stage that a rule calls in, where the workflow gives none: two days.
const CALLED_IN_HOURS: i32 = 16;

/// What rules say of a request's proposal.
pub(super) async fn judged<S>(
    app: &App,
    tx: &mut WriteTx<S>,
    request: &Request,
    integration: &Integration,
) -> Result<Judgement, Error> {
    let subject = Subject { integration, proposed: Some((request.kind.key(), &request.content, &request.refs)) };
    policy::judge_in(app, tx, subject).await
}

/// Refuses what rules block and no exception allows, naming each with how it is mended. What is to end
/// is not held back by what is wrong with it.
pub(super) fn refuse_blocked(request: &Request, judgement: &Judgement) -> Result<(), Error> {
    if matches!(request.kind, RequestKind::Deprecate | RequestKind::Retire) {
        return Ok(());
    }
    let mut errors = FieldErrors::new();
    for finding in judgement.findings.iter().filter(|finding| finding.blocks()) {
        let what = finding.failure.as_deref().unwrap_or("This has to be mended, or excepted for a time.");
        let how = finding.remediation.as_deref().unwrap_or_default();
        errors.add(format!("/rules/{}", finding.rule), format!("{}. {what} {how}", finding.title));
    }
    errors.finish()
}

/// Keeps the facts that were judged.
pub(super) async fn keep<S>(
    tx: &mut WriteTx<S>,
    request: &Request,
    judgement: &Judgement,
    moment: &'static str,
    decision: Option<Uuid>,
) -> Result<(), Error> {
    let at = tx.now();
    let judged = facts::Judged {
        request: request.id,
        round: request.round,
        moment,
        decision,
        at,
        facts: &judgement.facts,
        findings: &judgement.findings,
    };
    facts::insert(tx.conn(), &judged).await
}

/// The stages of the workflow whose conditions hold, then those that rules call in; the first is open.
/// Refuses a stage that nobody may decide, naming it.
pub(super) async fn plan<S>(
    app: &App,
    tx: &mut WriteTx<S>,
    request: &Request,
    owners: &[Uuid],
    judgement: &Judgement,
) -> Result<Plan, Error> {
    let workflow = workflow(tx, request).await?;
    let mut stages = match &workflow {
        Some((_, _, workflow)) => of_workflow(tx, workflow, &judgement.facts).await?,
        None => vec![approving(tx).await?],
    };
    called_in(tx, judgement, &mut stages).await?;
    for (position, stage) in (1..).zip(&mut stages) {
        stage.position = position;
    }
    let workflow = workflow.map(|(id, version, workflow)| WorkflowRef {
        id,
        version,
        same_person_twice: workflow.same_person_twice,
    });
    let mut teams = owners.to_vec();
    teams.extend(request.refs.owners());
    let mut barred = request.participants.clone();
    barred.extend(request.requested_by.person);
    let groups: Vec<Uuid> = stages.iter().map(|stage| stage.review_group_id).collect();
    let day = (app.today().await?, tx.now(), StandIns::Left);
    let eligible = stages::eligible(tx.conn(), &groups, &barred, (request, &teams), day).await?;
    let twice = if workflow.is_some_and(|workflow| workflow.same_person_twice) { Twice::Yes } else { Twice::No };
    decidable(&stages, &eligible, twice)?;
    let settings = settings::ops::in_force(app).await?;
    let now = tx.now();
    if let Some(first) = stages.first_mut() {
        open(first, &settings, now);
    }
    Ok(Plan { stages, workflow })
}

/// The workflow that a request goes by: a running one keeps the version that it began with.
async fn workflow<S>(tx: &mut WriteTx<S>, request: &Request) -> Result<Option<(Uuid, i32, WorkflowContent)>, Error> {
    if let Some(kept) = request.workflow {
        let content = publications::ops::content_of::<WorkflowContent>(tx.conn(), kept.id, kept.version).await?;
        return Ok(Some((kept.id, kept.version, content)));
    }
    // One that runs without a workflow, by the approving group alone, goes on so.
    if request.round > 0 {
        return Ok(None);
    }
    let all = publications::ops::in_force::<WorkflowContent>(tx.conn()).await?;
    Ok(all
        .into_iter()
        .find(|(_, _, workflow)| workflow.in_use && workflow.kinds.iter().any(|kind| kind == request.kind.key())))
}

/// A stage begins to wait.
pub(super) fn open(stage: &mut Stage, settings: &SettingsContent, now: DateTime<Utc>) {
    stage.opened_at = Some(now);
    waits(stage, settings, now);
}

/// Its time runs from now on: when it is due, and when three quarters of its working hours have passed.
pub(super) fn waits(stage: &mut Stage, settings: &SettingsContent, now: DateTime<Utc>) {
    stage.due_at = stage.due_hours.map(|hours| settings::due(settings, now, hours));
    stage.remind_at = stage.due_hours.map(|hours| settings::due(settings, now, (hours * 3 / 4).max(1)));
}

fn stage(name: String, group: Uuid, group_name: String) -> Stage {
    Stage {
        position: 0,
        name,
        review_group_id: group,
        review_group: group_name,
        approvals_needed: 1,
        opened_at: None,
        due_hours: None,
        due_at: None,
        remind_at: None,
        called_in_by: None,
        escalated_to: None,
        escalated_group: None,
        escalated_at: None,
    }
}

async fn approving<S>(tx: &mut WriteTx<S>) -> Result<Stage, Error> {
    let Some((group, name)) = stages::approving_group(tx.conn()).await? else {
        return Err(Error::Conflict(
            "No review group approves yet. A governance lead publishes a workflow, or an admin names the group in the \
             settings of the organisation."
                .into(),
        ));
    };
    Ok(stage(name.clone(), group, name))
}

async fn of_workflow<S>(tx: &mut WriteTx<S>, workflow: &WorkflowContent, facts: &Facts) -> Result<Vec<Stage>, Error> {
    let slugs: Vec<String> = workflow.stages.iter().map(|stage| stage.review_group.clone()).collect();
    let groups = stages::groups(tx.conn(), &slugs).await?;
    let judged = Judged::new(facts);
    let mut all = Vec::new();
    for content in &workflow.stages {
        // What cannot be evaluated is looked at rather than passed over.
        let holds = content.condition.as_deref().is_none_or(|condition| {
            Expression::compile(condition)
                .map_or(true, |condition| base::foreign::compute(|| condition.holds(&judged)) != Ok(false))
        });
        if !holds {
            continue;
        }
        let Some((_, id, name)) = groups.iter().find(|(slug, ..)| *slug == content.review_group) else {
            return Err(Error::Conflict(format!(
                "Nobody may decide the stage '{}': there is no active review group '{}'.",
                content.name, content.review_group
            )));
        };
        all.push(Stage {
            approvals_needed: content.approvals,
            due_hours: content.due_hours,
            ..stage(content.name.clone(), *id, name.clone())
        });
    }
    Ok(all)
}

/// One stage more for each group that a rule which fires calls in and that does not decide already. It has as
/// long as the slowest stage of the workflow.
async fn called_in<S>(tx: &mut WriteTx<S>, judgement: &Judgement, stages: &mut Vec<Stage>) -> Result<(), Error> {
    let mut slugs: Vec<String> =
        judgement.findings.iter().filter(|f| f.is_shown()).flat_map(|f| f.review_groups.clone()).collect();
    slugs.sort_unstable();
    slugs.dedup();
    if slugs.is_empty() {
        return Ok(());
    }
    let groups: HashMap<String, (Uuid, String)> =
        stages::groups(tx.conn(), &slugs).await?.into_iter().map(|(slug, id, name)| (slug, (id, name))).collect();
    let due_hours = stages.iter().filter_map(|stage| stage.due_hours).max().or(Some(CALLED_IN_HOURS));
    for finding in judgement.findings.iter().filter(|finding| finding.is_shown()) {
        for slug in &finding.review_groups {
            let Some((id, name)) = groups.get(slug) else {
                return Err(Error::Conflict(format!(
                    "Nobody may decide the stage that the rule '{}' calls in: there is no active review group '{slug}'.",
                    finding.title
                )));
            };
            if !stages.iter().any(|stage| stage.review_group_id == *id) {
                let rule = Some(finding.rule.clone());
                stages.push(Stage { called_in_by: rule, due_hours, ..stage(name.clone(), *id, name.clone()) });
            }
        }
    }
    Ok(())
}

/// Refuses where the people there are cannot decide every stage: each decides once, unless the workflow
/// says otherwise.
fn decidable(stages: &[Stage], eligible: &[Eligible], twice: Twice) -> Result<(), Error> {
    let nobody = |stage: &Stage| {
        let needs = if stage.approvals_needed == 1 {
            "an active reviewer".to_owned()
        } else {
            format!("{} active reviewers", stage.approvals_needed)
        };
        Error::Conflict(format!(
            "Nobody may decide the stage '{}': it needs {needs} of {} who neither asked for this, nor edited it, nor are \
             in a team that owns it{}.",
            stage.name,
            stage.review_group,
            if twice == Twice::Yes || stages.len() < 2 { "" } else { ", nor are needed for another stage" }
        ))
    };
    let people = |stage: &Stage| -> Vec<Uuid> {
        eligible.iter().filter(|one| one.group == stage.review_group_id).map(|one| one.person).collect()
    };
    let needed = |stage: &Stage| usize::try_from(stage.approvals_needed).unwrap_or(usize::MAX);
    let wanted: Vec<(Vec<Uuid>, usize)> = stages.iter().map(|stage| (people(stage), needed(stage))).collect();
    unfilled(&wanted, twice).map_or(Ok(()), |n| Err(nobody(&stages[n])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_seat_needs_a_person_of_its_own() {
        let (a, b) = (Uuid::now_v7(), Uuid::now_v7());
        let (x, y) = (Uuid::now_v7(), Uuid::now_v7());
        let stages = [stage("A".into(), a, "A".into()), stage("B".into(), b, "B".into())];
        let of = |all: &[(Uuid, Uuid)]| -> Vec<Eligible> {
            all.iter()
                .map(|(group, person)| Eligible {
                    group: *group,
                    person: *person,
                    name: String::new(),
                    sort_key: String::new(),
                })
                .collect()
        };
        // X is moved to the second group, since only Y fits there not.
        assert!(decidable(&stages, &of(&[(a, x), (a, y), (b, x)]), Twice::No).is_ok());
        let refused = decidable(&stages, &of(&[(a, x), (b, x)]), Twice::No);
        assert!(matches!(&refused, Err(Error::Conflict(text)) if text.contains("'B'")), "{refused:?}");
        assert!(decidable(&stages, &of(&[(a, x), (b, x)]), Twice::Yes).is_ok());
        let two = [Stage { approvals_needed: 2, ..stages[0].clone() }];
        assert!(decidable(&two, &of(&[(a, x)]), Twice::Yes).is_err());
    }
}
