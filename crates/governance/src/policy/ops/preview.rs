//! What a rule would do before it is published: over the whole register, and over the facts that past
//! decisions judged.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    assemble::facts,
    in_force::Ready,
    judge::{Subject, evaluate},
};
use crate::policy::{Expression, Facts, Judged, Matched, RuleContent, faulty, store::queue, store::violations};
use base::{app::App, error::Error};
use identity::{Actor, Permission};
use register::integrations;

/// An integration on which the rule fires.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Fired {
    /// Slug of the integration.
    pub integration: String,
    /// Its name.
    pub name: String,
    /// Slug of the team that answers for it.
    pub owner: Option<String>,
    /// The values that make it fire.
    pub matched: Vec<Matched>,
    /// Why it could not be evaluated.
    pub failure: Option<String>,
    /// Whether it is new: the version in force does not fire here.
    pub new: bool,
}

/// A past approval.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PastApproval {
    /// The request.
    pub request: Uuid,
    /// What it was called.
    pub title: String,
    /// When it was decided.
    pub at: DateTime<Utc>,
}

/// What a rule would do.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Preview {
    /// Integrations that were judged.
    pub judged: usize,
    /// Where it fires.
    pub fired: Vec<Fired>,
    /// How many teams answer for these.
    pub owners: usize,
    /// Violations of the version in force that would be fixed.
    pub fixed: usize,
    /// Approvals of the last year that were judged again.
    pub decisions: usize,
    /// Those that it would have stopped.
    pub stopped: Vec<PastApproval>,
    /// Those whose facts lack one that the rule reads, so that nothing can be said.
    pub lacking: Vec<PastApproval>,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
}

/// Tries a rule that is not published.
pub async fn preview(app: &App, actor: &Actor, rule_id: Option<Uuid>, content: &RuleContent) -> Result<Preview, Error> {
    actor.require(Permission::Govern)?;
    let begun = std::time::Instant::now();
    let expression = Expression::compile(&content.expression).map_err(|faults| faulty("/expression", &faults))?;
    let today = app.today().await?;
    let mut conn = app.db.read().await?;
    let ids = queue::all(&mut conn).await?;
    let rule = Arc::new(Ready { id: Uuid::nil(), version: 0, content: content.clone(), expression });
    let mut preview = Preview { judged: ids.len(), ..Preview::default() };
    let known: BTreeSet<Uuid> = match rule_id {
        Some(rule) => violations::open_of_rule(&mut conn, rule).await?.into_iter().collect(),
        None => BTreeSet::new(),
    };
    let mut still = 0;
    for part in ids.chunks(1000) {
        let loaded = integrations::ops::load(&mut conn, part).await?;
        let subjects: Vec<Subject> = loaded.iter().map(Subject::live).collect();
        let facts = facts(&mut conn, today, &subjects).await?;
        // Evaluating is all computing: not on a thread that answers requests.
        let rules = [rule.clone()];
        let work = move || facts.into_iter().map(|facts| evaluate(&rules, None, facts)).collect::<Vec<_>>();
        let judgements = tokio::task::spawn_blocking(work).await.map_err(Error::internal)?;
        for (judgement, integration) in judgements.into_iter().zip(&loaded) {
            let Some(finding) = judgement.findings.into_iter().next() else { continue };
            let new = !known.contains(&integration.id);
            still += usize::from(!new);
            preview.fired.push(Fired {
                integration: integration.content.slug.clone(),
                name: integration.content.name.clone(),
                owner: integration.content.business_owner.clone(),
                matched: finding.matched,
                failure: finding.failure,
                new,
            });
        }
    }
    preview.fixed = known.len() - still;
    preview.owners = preview.fired.iter().filter_map(|fired| fired.owner.as_deref()).collect::<BTreeSet<_>>().len();
    past(&mut conn, &rule.expression, &mut preview).await?;
    preview.milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(preview)
}

/// The approvals of the last year, by the facts that they judged.
async fn past(conn: &mut sqlx::PgConnection, expression: &Expression, preview: &mut Preview) -> Result<(), Error> {
    for decision in violations::decided_facts(conn).await? {
        preview.decisions += 1;
        let past = PastApproval { request: decision.request, title: decision.title, at: decision.at };
        // What was not kept then is not guessed now: read as it is today, it would be empty.
        if expression.lacks(&decision.facts) {
            preview.lacking.push(past);
            continue;
        }
        let judged = base::foreign::compute(|| {
            serde_json::from_value::<Facts>(decision.facts).map(|facts| expression.holds(&Judged::new(&facts)))
        });
        match judged {
            Ok(Ok(true)) => preview.stopped.push(past),
            Ok(Ok(false)) => {}
            Ok(Err(_)) | Err(_) => preview.lacking.push(past),
        }
    }
    Ok(())
}
