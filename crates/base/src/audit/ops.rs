//! Reading the record.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{diff::Change, event::Event, store};
use crate::{
    actor::{Actor, Permission},
    app::App,
    error::Error,
};

/// One event as it is shown and exported.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditEvent {
    /// Rises without gaps in the order of the record; 0 while the sequencer has not placed it.
    pub position: i64,
    /// The event's id.
    pub id: Uuid,
    /// When it happened (UTC).
    pub at: DateTime<Utc>,
    /// `person`, `service_account` or `system`.
    pub actor_kind: String,
    /// Who, when it was not the system.
    pub actor_id: Option<Uuid>,
    /// Their name today; erased names are null.
    pub actor_name: Option<String>,
    /// The API token used.
    pub token_id: Option<Uuid>,
    /// `page`, `api`, `cli` or `job`.
    pub via: String,
    /// The request's id, as in the log.
    pub request_id: String,
    /// What happened, such as `vendor.updated`.
    pub action: String,
    /// The kind of record.
    pub subject_kind: String,
    /// Which record.
    pub subject_id: Option<Uuid>,
    /// The record's name today.
    pub subject_name: Option<String>,
    /// The revision that the event made.
    pub subject_revision: Option<i64>,
    /// What changed, field by field.
    pub changes: Vec<Change>,
    /// Address of the peer, until retention erases it.
    pub address: Option<String>,
    /// User agent, until retention erases it.
    pub user_agent: Option<String>,
    /// User of the operating system, for the CLI.
    pub os_user: Option<String>,
}

/// Which events to list.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Only later positions.
    pub after: Option<i64>,
    /// Only earlier positions.
    pub before: Option<i64>,
    /// Exactly this action.
    pub action: Option<String>,
    /// This kind of record.
    pub subject_kind: Option<String>,
    /// This record.
    pub subject_id: Option<Uuid>,
    /// This person or service account.
    pub actor_id: Option<Uuid>,
    /// Records of this name, slug, key or id.
    pub subject: Option<String>,
    /// People and service accounts of this name, e-mail address, slug or id.
    pub actor: Option<String>,
    /// This channel.
    pub via: Option<String>,
    /// This request.
    pub request_id: Option<String>,
    /// At or after this moment.
    pub from: Option<DateTime<Utc>>,
    /// Before this moment.
    pub until: Option<DateTime<Utc>>,
    /// Newest first, as pages show them.
    pub newest_first: bool,
    /// At most so many.
    pub limit: i64,
}

/// The audit log by position. Needs the right to read it.
pub async fn list(app: &App, actor: &Actor, filter: &AuditFilter) -> Result<Vec<AuditEvent>, Error> {
    actor.require(Permission::ReadAudit)?;
    sequence(app).await?;
    store::list(&mut *app.db.read().await?, filter).await
}

/// The history of one record, newest first, 200 events at most. Everyone signed in may read it.
pub async fn history(app: &App, actor: &Actor, kind: &str, id: Uuid) -> Result<Vec<AuditEvent>, Error> {
    actor.require(Permission::Read)?;
    store::history(&mut *app.db.read().await?, kind, id, 200).await
}

/// A record as it was at a moment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PastRecord {
    /// The revision in force.
    pub revision: i64,
    /// Since when.
    pub valid_from: DateTime<Utc>,
    /// The record with its parts.
    pub body: Value,
}

/// The version of a record that was in force at `at`.
pub async fn version_at(
    app: &App,
    actor: &Actor,
    kind: &str,
    id: Uuid,
    at: DateTime<Utc>,
) -> Result<PastRecord, Error> {
    actor.require(Permission::Read)?;
    sequence(app).await?;
    let found = store::version_at(&mut *app.db.read().await?, kind, id, at).await?;
    let (revision, valid_from, body) = found.ok_or(Error::NotFound("version at that moment"))?;
    Ok(PastRecord { revision, valid_from, body })
}

/// Gives positions to what was committed. Runs every half second, and before the log is read.
pub async fn sequence(app: &App) -> Result<(), Error> {
    if !store::pending(&mut *app.db.read().await?).await? {
        return Ok(());
    }
    store::sequence(&mut *app.db.housekeeping().await?, app.clock.now()).await?;
    Ok(())
}

/// Gives positions until nothing waits for one. For a register that no one else uses.
pub async fn sequence_all(app: &App) -> Result<(), Error> {
    while store::pending(&mut *app.db.housekeeping().await?).await? {
        if store::sequence(&mut *app.db.housekeeping().await?, app.clock.now()).await? == 0 {
            return Err(Error::internal("events without a position although nothing is being written"));
        }
    }
    Ok(())
}

/// Records that a signed-in actor was refused, in a transaction of its own; once per actor,
/// route and minute.
pub async fn refused(app: &App, actor: &Actor, method: &str, route: &str, reason: &str) -> Result<(), Error> {
    let key = format!("{:?} {method} {route}", actor.authority.principal);
    if !app.refusals.first_this_minute(key, app.clock.now()) {
        return Ok(());
    }
    let detail = serde_json::json!({ "route": format!("{method} {route}"), "reason": reason });
    let tx = app.db.write(actor).await?;
    tx.record(Event::happened("attempt.refused", "attempt", None, detail)).await?.commit().await
}

/// Records that somebody took data away.
pub async fn exported(app: &App, actor: &Actor, kind: &'static str, filter: &str, format: &str) -> Result<(), Error> {
    let detail = serde_json::json!({ "kind": kind, "filter": filter, "format": format });
    let tx = app.db.write(actor).await?;
    tx.record(Event::happened("register.exported", "export", None, detail)).await?.commit().await
}
