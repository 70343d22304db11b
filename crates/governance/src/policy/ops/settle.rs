//! What follows from judgements: violations are opened, changed and fixed.

use std::collections::HashMap;

use uuid::Uuid;

use super::judge::{Judgement, Subject, judge_in};
use crate::policy::{
    Finding, Violation,
    store::{judgements, violations},
    violation::Step,
};
use base::{app::App, audit::Event, db::WriteTx, error::Error};
use register::integrations::{Integration, IntegrationState};

/// Brings the violations of integrations, which are locked, to what was found; the events to be recorded. What is
/// retired violates nothing.
pub(super) async fn settle<S>(
    tx: &mut WriteTx<S>,
    found: &[(&Judgement, IntegrationState)],
) -> Result<Vec<Event>, Error> {
    let ids: Vec<Uuid> = found.iter().map(|(judgement, _)| judgement.integration_id).collect();
    let mut known: HashMap<Uuid, Vec<Violation>> = HashMap::new();
    for violation in violations::of_integrations(tx.conn(), &ids).await? {
        known.entry(violation.integration_id).or_default().push(violation);
    }
    let now = tx.now();
    let (mut events, mut changed) = (Vec::new(), Vec::new());
    for (judgement, state) in found {
        let retired = *state == IntegrationState::Retired;
        let findings: &[Finding] = if retired { &[] } else { &judgement.findings };
        let mine = known.remove(&judgement.integration_id).unwrap_or_default();
        let mut rules: Vec<Uuid> = mine.iter().map(|violation| violation.finding.rule_id).collect();
        rules.extend(findings.iter().map(|finding| finding.rule_id));
        rules.sort_unstable();
        rules.dedup();
        for rule in rules {
            let before = mine.iter().find(|violation| violation.finding.rule_id == rule);
            let found = findings.iter().find(|finding| finding.rule_id == rule);
            let Some(step) = Violation::step(before, judgement.integration_id, found, now) else { continue };
            events.push(event(&step, before));
            changed.push(step.into_violation());
        }
    }
    violations::save_many(tx.conn(), &changed, now).await?;
    Ok(events)
}

fn event(step: &Step, before: Option<&Violation>) -> Event {
    match (step, before) {
        (Step::Opened(after), _) => Event::created("violation.opened", after),
        (Step::Reopened(after), Some(before)) => Event::changed("violation.reopened", before, after),
        (Step::Fixed(after), Some(before)) => Event::changed("violation.fixed", before, after),
        (step, before) => Event::changed("violation.changed", before.unwrap_or(step.violation()), step.violation()),
    }
}

/// Judges what has just come into force, and brings its violations to that; the events to be recorded. Its risk is
/// scored when its turn in the queue comes.
pub async fn judge_and_settle<S>(
    app: &App,
    tx: &mut WriteTx<S>,
    integration: &Integration,
) -> Result<Vec<Event>, Error> {
    let judgement = judge_in(app, tx, Subject::live(integration)).await?;
    judgements::forget(tx.conn(), integration.id).await?;
    settle(tx, &[(&judgement, integration.state)]).await
}
