//! The audit log.

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};

use super::{Shell, html, view::EventView};
use crate::{
    Web,
    api::audit_filter,
    error::PageError,
    extract::{Pairs, Signed},
};
use base::{audit, error::Error};
use identity::Permission;

pub fn router() -> Router<Web> {
    Router::new().route("/audit", get(show))
}

#[derive(Template)]
#[template(path = "audit/index.html")]
struct AuditPage {
    shell: Shell,
    events: Vec<EventView>,
    errors: Vec<String>,
    pairs: Pairs,
    older: Option<i64>,
}

impl AuditPage {
    fn value(&self, name: &str) -> &str {
        self.pairs.get(name).unwrap_or_default()
    }
    fn is(&self, name: &str, value: &str) -> bool {
        self.value(name) == value
    }
    fn older_query(&self, position: &i64) -> String {
        let kept = self.pairs.0.iter().filter(|(name, value)| name != "before" && !value.is_empty());
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .append_pair("before", &position.to_string())
            .finish()
    }
    fn kinds(&self) -> &'static [&'static str] {
        &[
            "api",
            "api_version",
            "assessment",
            "assessment_demand",
            "assessment_finding",
            "attempt",
            "campaign",
            "change_request",
            "comment",
            "credential",
            "data_class",
            "delegation",
            "evidence",
            "exception",
            "export",
            "group_mapping",
            "identity",
            "integration",
            "mail",
            "passkey",
            "person",
            "policy_rule",
            "provider_group",
            "questionnaire",
            "review_group",
            "review_item",
            "risk_model",
            "risk_override",
            "risk_score",
            "saved_view",
            "service_account",
            "settings",
            "system",
            "team",
            "token",
            "vendor",
            "violation",
            "workflow",
        ]
    }
    fn channels(&self) -> [&'static str; 4] {
        ["page", "api", "cli", "job"]
    }
}

async fn show(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    signed.actor.require(Permission::ReadAudit)?;
    // The page takes days; the filter takes moments.
    let whole = |(name, value): &(String, String)| match (name.as_str(), value.len()) {
        ("from", 10) => (name.clone(), format!("{value}T00:00:00Z")),
        ("until", 10) => (name.clone(), format!("{value}T23:59:59.999999Z")),
        _ => (name.clone(), value.clone()),
    };
    // A form sends every field, also those that were left empty.
    let asked = Pairs(pairs.0.iter().filter(|(_, value)| !value.is_empty()).map(whole).collect());
    let (mut filter, errors) = match audit_filter(&asked) {
        Ok(filter) => (filter, Vec::new()),
        Err(Error::Invalid(faults)) => {
            let texts = faults
                .as_slice()
                .iter()
                .map(|e| format!("{}: {}", base::words::label(e.pointer.trim_start_matches('/')), e.message));
            (audit::AuditFilter { limit: 100, ..audit::AuditFilter::default() }, texts.collect())
        }
        Err(other) => return Err(other.into()),
    };
    filter.newest_first = true;
    let events = audit::ops::list(&web.app, &signed.actor, &filter).await?;
    let full = i64::try_from(events.len()).unwrap_or(0) == filter.limit;
    let older = events.last().filter(|_| full).map(|event| event.position);
    let shell = Shell::new(&web, &signed, "/audit", "Audit log", &pairs).await?;
    html(&AuditPage { events: EventView::all(events, web.app.clock.now()), shell, errors, pairs, older })
}
