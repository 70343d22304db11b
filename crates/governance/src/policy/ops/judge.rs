//! Judging integrations: their facts, and what the rules find in them.

use std::sync::Arc;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    assemble::{Capped, facts},
    in_force::{Ready, RuleCache, rules},
};
use crate::policy::{Brief, Compiled, Facts, Finding, Judged, Outcome, Scored, store::exceptions};
use base::{app::App, db::WriteTx, error::Error};
use register::integrations::{Integration, IntegrationContent, Refs};

/// What is judged: an integration as it is in force, or as a request proposes it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The integration.
    pub integration: &'a Integration,
    /// The kind of the request, the proposed content, and what it refers to.
    pub proposed: Option<(&'static str, &'a IntegrationContent, &'a Refs)>,
}

impl<'a> Subject<'a> {
    /// An integration as it is in force.
    pub fn live(integration: &'a Integration) -> Self {
        Self { integration, proposed: None }
    }
}

/// What was found on one integration.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The integration.
    pub integration_id: Uuid,
    /// What was judged.
    pub facts: Facts,
    /// What was found, in the order of the rules.
    pub findings: Vec<Finding>,
    /// Its risk, where a model is in force.
    pub scored: Option<Scored>,
}

/// Judges a subject within a transaction.
pub async fn judge_in<S>(app: &App, tx: &mut WriteTx<S>, subject: Subject<'_>) -> Result<Judgement, Error> {
    let today = app.today().await?;
    judge(tx.conn(), app.slot::<crate::policy::ops::RuleCache>(), today, &[subject])
        .await?
        .pop()
        .ok_or(Error::NotFound("integration"))
}

/// What rules would look at, for integrations as they are in force.
pub async fn facts_of(
    conn: &mut PgConnection,
    today: NaiveDate,
    integrations: &[Integration],
) -> Result<Vec<Facts>, Error> {
    let subjects: Vec<Subject> = integrations.iter().map(Subject::live).collect();
    Ok(facts(conn, today, &subjects).await?.into_iter().map(|(_, facts, _)| facts).collect())
}

/// Judges subjects by every rule in force.
pub async fn judge(
    conn: &mut PgConnection,
    cache: &RuleCache,
    today: NaiveDate,
    subjects: &[Subject<'_>],
) -> Result<Vec<Judgement>, Error> {
    let rules = rules(conn, cache).await?;
    let facts = facts(conn, today, subjects).await?;
    let ids: Vec<Uuid> = subjects.iter().map(|subject| subject.integration.id).collect();
    let holding = exceptions::holding(conn, &ids, today).await?;
    let judge = || facts.into_iter().map(|facts| evaluate(&rules, None, facts)).collect();
    let mut judgements: Vec<Judgement> = base::foreign::compute(judge);
    for judgement in &mut judgements {
        for finding in &mut judgement.findings {
            finding.excepted_until = holding.get(&(judgement.integration_id, finding.rule_id)).copied();
        }
    }
    Ok(judgements)
}

/// Evaluates rules over facts, and scores them by a model where one is given. Whether an exception holds is not
/// looked at.
pub(super) fn evaluate(
    rules: &[Arc<Ready>],
    model: Option<&Compiled>,
    (integration_id, facts, cut): Capped,
) -> Judgement {
    let judged = Judged::new(&facts);
    let findings = rules.iter().filter_map(|rule| find(rule, &judged, &cut)).collect();
    let scored = model.map(|model| model.score(&judged));
    Judgement { integration_id, facts, findings, scored }
}

/// What a quiet rule would say of facts of which not all was looked at.
fn unseen(rule: &Ready, cut: &[&'static str]) -> Option<String> {
    let list = cut.iter().find(|list| rule.expression.names(list))?;
    Some(format!("Not all of {list} was looked at: the list is too long."))
}

/// What a rule finds, without its values: the same where it would find the same again.
pub(super) fn find_briefly(rule: &Ready, facts: &Judged, cut: &[&'static str]) -> Option<Brief> {
    match rule.expression.brief(facts) {
        Brief::Quiet => unseen(rule, cut).map(|why| Brief::failed(&why)),
        found => Some(found),
    }
}

fn find(rule: &Ready, facts: &Judged, cut: &[&'static str]) -> Option<Finding> {
    let (matched, failure) = match rule.expression.judge(facts) {
        Outcome::Fires(matched) => (matched, None),
        Outcome::Failed(why) => (Vec::new(), Some(format!("It could not be evaluated: {why}"))),
        Outcome::Quiet => (Vec::new(), Some(unseen(rule, cut)?)),
    };
    Some(Finding {
        rule_id: rule.id,
        rule: rule.content.key.clone(),
        version: rule.version,
        title: rule.content.title.clone(),
        severity: rule.content.severity,
        mode: rule.content.mode,
        matched,
        failure,
        excepted_until: None,
        remediation: rule.content.remediation.clone(),
        review_groups: rule.content.review_groups.clone(),
    })
}
