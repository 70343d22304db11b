//! Judging integrations: facts, findings, and what follows for their violations.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    assemble::{Capped, facts},
    risk::Model,
};
use crate::{
    app::App,
    audit::Event,
    db::WriteTx,
    error::Error,
    identity::{Actor, Permission},
    integrations::{self, Integration, IntegrationContent, IntegrationState, Refs},
    policy::{
        Compiled, Expression, Facts, Finding, Judged, Mode, Outcome, RiskModelContent, RuleContent, Scored, Violation,
        store::{exceptions, violations},
        violation::Step,
    },
    publications,
};

/// Compiled expressions by rule and version, and the compiled risk model.
#[derive(Debug, Default)]
pub struct RuleCache {
    rules: Mutex<HashMap<(Uuid, i32), Arc<Expression>>>,
    model: Mutex<Option<Arc<Model>>>,
}

impl RuleCache {
    fn get(&self, id: Uuid, version: i32, content: &RuleContent) -> Result<Arc<Expression>, Error> {
        let known = self.rules.lock().unwrap_or_else(PoisonError::into_inner).get(&(id, version)).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let compiled = Arc::new(content.compile()?);
        let mut cache = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() > 1000 {
            cache.clear();
        }
        cache.insert((id, version), compiled.clone());
        Ok(compiled)
    }

    /// The model in force, compiled once for each version.
    pub(super) fn model(&self, id: Uuid, version: i32, content: RiskModelContent) -> Result<Arc<Model>, Error> {
        let mut held = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = held.as_ref().filter(|known| (known.id, known.version) == (id, version)) {
            return Ok(known.clone());
        }
        let made = Arc::new(Model { id, version, compiled: content.compile()? });
        *held = Some(made.clone());
        Ok(made)
    }
}

/// A rule in force, ready to judge.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    pub id: Uuid,
    pub version: i32,
    pub content: RuleContent,
    pub expression: Arc<Expression>,
}

/// The rules that are evaluated.
pub(super) async fn rules(conn: &mut PgConnection, cache: &RuleCache) -> Result<Vec<Ready>, Error> {
    let all = publications::ops::in_force::<RuleContent>(conn).await?;
    all.into_iter()
        .filter(|(_, _, content)| content.mode != Mode::Off)
        .map(|(id, version, content)| {
            let expression = cache.get(id, version, &content)?;
            Ok(Ready { id, version, content, expression })
        })
        .collect()
}

/// What is judged: an integration as it is in force, or as a request proposes it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The integration.
    pub integration: &'a Integration,
    /// The kind of the request, the proposed content, and what it refers to.
    pub proposed: Option<(&'static str, &'a IntegrationContent, &'a Refs)>,
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
    judge(tx.conn(), &app.rules, today, &[subject]).await?.pop().ok_or(Error::NotFound("integration"))
}

/// What rules would look at, for integrations as they are in force.
pub async fn facts_of(
    conn: &mut PgConnection,
    today: NaiveDate,
    integrations: &[Integration],
) -> Result<Vec<Facts>, Error> {
    let subjects: Vec<Subject> =
        integrations.iter().map(|integration| Subject { integration, proposed: None }).collect();
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
    let (facts, holding) = read(conn, today, subjects).await?;
    evaluate_here(&rules, None, facts, &holding)
}

/// Until when exceptions hold, by integration and rule.
pub(super) type Holding = HashMap<(Uuid, Uuid), NaiveDate>;

/// What judging looks at: the facts of subjects, and the exceptions that hold.
pub(super) async fn read(
    conn: &mut PgConnection,
    today: NaiveDate,
    subjects: &[Subject<'_>],
) -> Result<(Vec<Capped>, Holding), Error> {
    let facts = facts(conn, today, subjects).await?;
    let ids: Vec<Uuid> = subjects.iter().map(|subject| subject.integration.id).collect();
    let holding = exceptions::holding(conn, &ids, today).await?;
    Ok((facts, holding))
}

/// Evaluates rules over facts on this thread, and scores them by a model where one is given.
pub(super) fn evaluate_here(
    rules: &[Ready],
    model: Option<&Compiled>,
    all: Vec<Capped>,
    holding: &Holding,
) -> Result<Vec<Judgement>, Error> {
    let one = |(integration_id, facts, cut): Capped| -> Result<Judgement, Error> {
        let judged = Judged::new(&facts);
        let findings = rules.iter().filter_map(|rule| find(rule, &judged, &cut)).map(|mut finding| {
            finding.excepted_until = holding.get(&(integration_id, finding.rule_id)).copied();
            finding
        });
        let findings = findings.collect();
        let scored = model.map(|model| model.score(&judged));
        Ok(Judgement { integration_id, facts, findings, scored })
    };
    all.into_iter().map(one).collect()
}

/// The same on as many threads as there are cores, where there are many facts.
pub(super) fn evaluate(rules: &[Ready], all: Vec<Capped>, holding: &Holding) -> Result<Vec<Judgement>, Error> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if all.len() < 64 || threads < 2 {
        return evaluate_here(rules, None, all, holding);
    }
    let size = all.len().div_ceil(threads);
    let mut parts: Vec<Vec<Capped>> = Vec::new();
    let mut rest = all;
    while !rest.is_empty() {
        let tail = rest.split_off(rest.len().min(size));
        parts.push(std::mem::replace(&mut rest, tail));
    }
    let done: Vec<Result<Vec<Judgement>, Error>> = std::thread::scope(|scope| {
        let work = |part: Vec<Capped>| scope.spawn(|| evaluate_here(rules, None, part, holding));
        let running: Vec<_> = parts.into_iter().map(work).collect();
        let joined = running.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined.map(|part| part.unwrap_or_else(|_| Err(Error::internal("a judging thread broke off")))).collect()
    });
    Ok(done.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn find(rule: &Ready, facts: &Judged, cut: &[&'static str]) -> Option<Finding> {
    let (matched, failure) = match rule.expression.judge(facts) {
        Outcome::Fires(matched) => (matched, None),
        Outcome::Failed(why) => (Vec::new(), Some(format!("It could not be evaluated: {why}"))),
        Outcome::Quiet => {
            let unseen = cut.iter().find(|list| rule.expression.names(list))?;
            (Vec::new(), Some(format!("Not all of {unseen} was looked at: the list is too long.")))
        }
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

/// Brings the violations of an integration to what was found; the events to be recorded. What is
/// retired violates nothing.
pub async fn settle<S>(
    tx: &mut WriteTx<S>,
    judgement: &Judgement,
    state: IntegrationState,
    known: &[Violation],
) -> Result<Vec<Event>, Error> {
    let nothing = Vec::new();
    let findings = if state == IntegrationState::Retired { &nothing } else { &judgement.findings };
    let now = tx.now();
    let mut events = Vec::new();
    let mine: Vec<&Violation> =
        known.iter().filter(|violation| violation.integration_id == judgement.integration_id).collect();
    let mut rules: Vec<Uuid> = mine.iter().map(|violation| violation.finding.rule_id).collect();
    rules.extend(findings.iter().map(|finding| finding.rule_id));
    rules.sort_unstable();
    rules.dedup();
    for rule in rules {
        let before = mine.iter().copied().find(|violation| violation.finding.rule_id == rule);
        let found = findings.iter().find(|finding| finding.rule_id == rule);
        let Some(step) = Violation::step(before, judgement.integration_id, found, now) else { continue };
        violations::save(tx.conn(), step.violation(), now).await?;
        events.push(match (&step, before) {
            (Step::Opened(after), _) => Event::created("violation.opened", after),
            (Step::Reopened(after), Some(before)) => Event::changed("violation.reopened", before, after),
            (Step::Fixed(after), Some(before)) => Event::changed("violation.fixed", before, after),
            (step, before) => Event::changed("violation.changed", before.unwrap_or(step.violation()), step.violation()),
        });
    }
    Ok(events)
}

/// Judges what has just come into force, and brings its violations to that; the events to be recorded.
pub async fn judge_and_settle<S>(
    app: &App,
    tx: &mut WriteTx<S>,
    integration: &Integration,
) -> Result<Vec<Event>, Error> {
    let judgement = judge_in(app, tx, Subject { integration, proposed: None }).await?;
    let known = violations::of_integrations(tx.conn(), &[integration.id]).await?;
    settle(tx, &judgement, integration.state, &known).await
}

/// The violations of an integration that somebody may see; fixed ones too.
pub async fn violations_of(app: &App, actor: &Actor, integration: Uuid) -> Result<Vec<Violation>, Error> {
    actor.require(Permission::Read)?;
    let today = app.today().await?;
    let mut conn = app.db.read().await?;
    let mut all = violations::of_integrations(&mut conn, &[integration]).await?;
    let holding = exceptions::holding(&mut conn, &[integration], today).await?;
    all.retain(|violation| violation.finding.is_shown() || actor.may(Permission::Govern));
    for violation in &mut all {
        violation.finding.excepted_until = holding.get(&(integration, violation.finding.rule_id)).copied();
    }
    Ok(all)
}

/// What rules say of an integration now, as it is in force; of rules in shadow only to who governs.
pub async fn findings_now(app: &App, actor: &Actor, key: &str) -> Result<Vec<Finding>, Error> {
    let integration = integrations::ops::find_integration(app, actor, key).await?;
    let subject = Subject { integration: &integration, proposed: None };
    let today = app.today().await?;
    let judged = judge(&mut *app.db.read().await?, &app.rules, today, &[subject]).await?;
    let found = judged.into_iter().flat_map(|judgement| judgement.findings);
    Ok(found.filter(|finding| finding.is_shown() || actor.may(Permission::Govern)).collect())
}

/// One violation, with the exception that holds.
pub async fn find_violation(app: &App, actor: &Actor, id: Uuid) -> Result<Violation, Error> {
    actor.require(Permission::Read)?;
    let today = app.today().await?;
    let mut conn = app.db.read().await?;
    let mut found = violations::get_many(&mut conn, &[id]).await?.pop().ok_or(Error::NotFound("violation"))?;
    if !found.finding.is_shown() && !actor.may(Permission::Govern) {
        return Err(Error::NotFound("violation"));
    }
    let holding = exceptions::holding(&mut conn, &[found.integration_id], today).await?;
    found.finding.excepted_until = holding.get(&(found.integration_id, found.finding.rule_id)).copied();
    Ok(found)
}
