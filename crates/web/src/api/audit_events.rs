//! The audit log by position.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Web,
    error::ApiError,
    extract::{Caller, Pairs},
};
use base::{
    audit::{self, AuditEvent, AuditFilter},
    error::{Error, FieldErrors},
};

/// The route of the audit log.
pub fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Events of the record, oldest first.
#[derive(Debug, Serialize, ToSchema)]
struct Events {
    /// The events.
    items: Vec<AuditEvent>,
    /// Send it as `after` to go on; nothing is skipped, however late it was committed.
    last_position: i64,
}

/// What the audit log takes.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "documents the parameters; Pairs reads them")]
struct EventParams {
    /// Only later positions.
    #[param(minimum = 0)]
    after: Option<i64>,
    /// Exactly this action, such as `vendor.updated`.
    action: Option<String>,
    /// This kind of record.
    subject_kind: Option<String>,
    /// This record.
    subject_id: Option<uuid::Uuid>,
    /// This person or service account.
    actor_id: Option<uuid::Uuid>,
    /// Records of this name, slug, key or id.
    subject: Option<String>,
    /// People and service accounts of this name, e-mail address, slug or id.
    actor: Option<String>,
    /// The channel: `page`, `api`, `cli` or `job`.
    via: Option<String>,
    /// This request.
    request_id: Option<String>,
    /// At or after this moment (RFC 3339).
    from: Option<chrono::DateTime<chrono::Utc>>,
    /// Before this moment (RFC 3339).
    until: Option<chrono::DateTime<chrono::Utc>>,
    /// Events at most, 100 by default.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

fn read<T: std::str::FromStr>(errors: &mut FieldErrors, name: &str, value: &str, form: &str) -> Option<T> {
    let read = value.parse().ok();
    if read.is_none() {
        errors.add(format!("/{name}"), format!("Give {form}."));
    }
    read
}

/// Reads the filter; every wrong value is named.
pub fn filter(pairs: &Pairs) -> Result<AuditFilter, Error> {
    let mut errors = FieldErrors::new();
    let mut filter = AuditFilter { limit: 100, ..AuditFilter::default() };
    for (name, value) in &pairs.0 {
        if value.is_empty() {
            errors.add(format!("/{name}"), "Give a value, or leave this out.");
            continue;
        }
        if value.contains('\0') {
            errors.add(format!("/{name}"), "This holds a NUL character.");
            continue;
        }
        let text = || Some(value.clone());
        match name.as_str() {
            "after" => filter.after = read(&mut errors, name, value, "a position"),
            "before" => filter.before = read(&mut errors, name, value, "a position"),
            "action" => filter.action = text(),
            "subject_kind" => filter.subject_kind = text(),
            "subject" => filter.subject = text(),
            "actor" => filter.actor = text(),
            "via" => filter.via = text(),
            "request_id" => filter.request_id = text(),
            "subject_id" => filter.subject_id = read(&mut errors, name, value, "an id"),
            "actor_id" => filter.actor_id = read(&mut errors, name, value, "an id"),
            "from" => filter.from = read(&mut errors, name, value, "a moment, such as 2027-01-31T00:00:00Z"),
            "until" => filter.until = read(&mut errors, name, value, "a moment, such as 2027-01-31T00:00:00Z"),
            "limit" => match value.parse() {
                Ok(limit) if (1..=1000).contains(&limit) => filter.limit = limit,
                _ => errors.add("/limit", "Give a number from 1 to 1000."),
            },
            other => errors.add(format!("/{other}"), "There is no such filter."),
        }
    }
    errors.finish()?;
    Ok(filter)
}

#[utoipa::path(get, path = "/audit-events", operation_id = "list_audit_events", tag = "audit", params(EventParams),
    responses((status = 200, body = Events, description = "Events in the order of the record; one a line as `application/x-ndjson` by Accept")))]
async fn list(
    State(web): State<Web>,
    Caller(actor): Caller,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let filter = filter(&pairs)?;
    let items = audit::ops::list(&web.app, &actor, &filter).await?;
    let last_position = items.last().map_or(filter.after.unwrap_or(0), |event| event.position);
    if headers.get(header::ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"application/x-ndjson")) {
        let lines: Result<Vec<String>, _> = items.iter().map(serde_json::to_string).collect();
        let body = lines.map_err(Error::internal)?.into_iter().map(|line| line + "\n").collect::<String>();
        return Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response());
    }
    Ok(Json(Events { items, last_position }).into_response())
}
