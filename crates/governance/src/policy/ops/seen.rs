//! What people see of findings: the violations on record, and what the rules say now.

use uuid::Uuid;

use super::judge::{Subject, judge};
use crate::policy::{
    Finding, Violation,
    store::{exceptions, violations},
};
use base::{app::App, error::Error};
use identity::{Actor, Permission};
use register::integrations;

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
    let subject = Subject::live(&integration);
    let today = app.today().await?;
    let judged =
        judge(&mut *app.db.read().await?, app.slot::<crate::policy::ops::RuleCache>(), today, &[subject]).await?;
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
