//! A violation: the values that made the rule fire, how it is mended, exceptions from it.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use chrono::NaiveDate;
use uuid::Uuid;

use super::{mode_class, severity_class, standing_class};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    pages::{
        Shell, html,
        view::{EventView, ago, day},
    },
};
use base::{audit, error::Error};
use governance::policy::{Exception, Finding, Matched, Violation, ViolationState, ops};
use identity::Permission;
use register::integrations::{self, Integration};

/// A finding as templates show it.
pub struct Found {
    pub finding: Finding,
    pub class: &'static str,
    pub values: Vec<(String, String)>,
    pub until: Option<String>,
}

impl Found {
    /// Findings looked at on a day.
    pub fn all(findings: Vec<Finding>, today: NaiveDate) -> Vec<Self> {
        let one = |finding: Finding| Self {
            class: severity_class(finding.severity.key()),
            values: Self::values(&finding.matched),
            until: finding.excepted_until.map(|until| day(until, today)),
            finding,
        };
        findings.into_iter().map(one).collect()
    }

    /// The values that made it fire, as text.
    pub fn values(matched: &[Matched]) -> Vec<(String, String)> {
        matched.iter().map(|one| (one.path.clone(), text(&one.value))).collect()
    }
}

fn text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "is not set".into(),
        serde_json::Value::String(text) => format!("is {text}"),
        serde_json::Value::Array(all) if all.is_empty() => "is empty".into(),
        serde_json::Value::Array(all) => all.iter().map(part).collect::<Vec<_>>().join("; "),
        other => format!("is {other}"),
    }
}

fn part(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(fields) => {
            let one = |(name, value): (&String, &serde_json::Value)| match value {
                serde_json::Value::Null => format!("{} not set", name.replace('_', " ")),
                serde_json::Value::String(text) => format!("{} {text}", name.replace('_', " ")),
                serde_json::Value::Array(all) if all.is_empty() => format!("no {}", name.replace('_', " ")),
                serde_json::Value::Array(all) => {
                    let words: Vec<&str> = all.iter().filter_map(serde_json::Value::as_str).collect();
                    format!("{} {}", name.replace('_', " "), words.join(", "))
                }
                other => format!("{} {other}", name.replace('_', " ")),
            };
            fields.iter().map(one).collect::<Vec<_>>().join(", ")
        }
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[derive(Template)]
#[template(path = "policy/violation.html")]
struct ViolationPage {
    shell: Shell,
    violation: Violation,
    found: Found,
    integration: Integration,
    exceptions: Vec<Exception>,
    events: Vec<EventView>,
    today: NaiveDate,
    now: chrono::DateTime<chrono::Utc>,
    may_ask: bool,
}

impl ViolationPage {
    fn standing(&self) -> &'static str {
        match (self.violation.state, self.found.finding.excepted_until) {
            (ViolationState::Fixed, _) => "fixed",
            (_, Some(_)) => "excepted",
            _ => "open",
        }
    }
    fn class(&self) -> &'static str {
        standing_class(self.standing())
    }
    fn label(&self, key: &str) -> String {
        base::words::label(key)
    }
    fn mode_class(&self, mode: &str) -> &'static str {
        mode_class(mode)
    }
    fn ago(&self, at: &chrono::DateTime<chrono::Utc>) -> String {
        ago(*at, self.now)
    }
    fn day(&self, date: &NaiveDate) -> String {
        day(*date, self.today)
    }
    fn exception_standing(&self, exception: &Exception) -> (&'static str, &'static str) {
        let standing = exception.standing(self.today);
        (standing, standing_class(standing))
    }
    fn waits(&self) -> bool {
        self.exceptions.iter().any(|exception| exception.state.key() == "requested")
    }
}

pub async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<Uuid>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &signed.actor);
    let violation = ops::find_violation(app, actor, id).await?;
    let found = integrations::ops::get_integrations(app, actor, &[violation.integration_id]).await?.pop();
    let integration = found.ok_or(Error::NotFound("integration"))?;
    let (today, now) = (app.today().await?, app.clock.now());
    let rule = violation.finding.rule_id;
    let teams = integrations::ops::teams_of(&mut *app.db.read().await?, integration.id).await?;
    html(&ViolationPage {
        shell: Shell::new(&web, &signed, "/violations", violation.finding.title.clone(), &pairs).await?,
        found: Found::all(vec![violation.finding.clone()], today).pop().ok_or_else(|| Error::internal("no finding"))?,
        exceptions: ops::exceptions_of(app, actor, integration.id, Some(rule)).await?,
        events: EventView::all(audit::ops::history(app, actor, "violation", id).await?, now),
        may_ask: actor.may(Permission::Propose) && (actor.may(Permission::Steward) || actor.is_in_team(teams)),
        violation,
        integration,
        today,
        now,
    })
}
