//! A vendor's document becomes a vendor, an API and an API version: planned first, then applied
//! all at once. What a person wrote stays; a document never takes the place of a newer one.

mod api;
mod merge;
mod plan;
mod shown;
mod spelling;
mod vendor;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::catalog::{
    AuthMethod, AuthScheme, Endpoint, Environment, Operation, Scope,
    store::{apis, vendors, versions},
};
use base::{
    app::App,
    audit::{Change, Event},
    db::Lock,
    error::Error,
};
use identity::{Actor, Permission};
use plan::{Hold, Plan, Step};

/// What was read from a document.
#[derive(Debug, Clone, Default)]
pub struct DocumentImport {
    /// SHA-256 of the document's bytes.
    pub sha256: Vec<u8>,
    /// Size of the document in bytes.
    pub size: i64,
    /// `application/json` or `application/yaml`.
    pub media_type: &'static str,
    /// The document, compressed with gzip.
    pub compressed: Vec<u8>,
    /// Such as `3.0.3`.
    pub openapi_version: String,
    /// `info.title`.
    pub title: String,
    /// `info.version`.
    pub label: String,
    /// `info.description`.
    pub description: Option<String>,
    /// `info.x-providerName`, as API directories set it.
    pub provider_name: Option<String>,
    /// `info.x-serviceName`, as API directories set it.
    pub service_name: Option<String>,
    /// `info.termsOfService`.
    pub terms_url: Option<String>,
    /// `info.contact.name`.
    pub contact_name: Option<String>,
    /// `info.contact.email`.
    pub contact_email: Option<String>,
    /// `info.contact.url`.
    pub contact_url: Option<String>,
    /// `info.license.name`.
    pub licence: Option<String>,
    /// `info.license.url`.
    pub licence_url: Option<String>,
    /// `externalDocs.url`.
    pub documentation_url: Option<String>,
    /// Ways to authenticate, from the security schemes.
    pub auth_methods: Vec<AuthMethod>,
    /// The security schemes.
    pub auth_schemes: Vec<AuthScheme>,
    /// The servers.
    pub endpoints: Vec<Endpoint>,
    /// OAuth scopes offered.
    pub scopes: Vec<Scope>,
    /// Operations, those of webhooks among them.
    pub operations: Vec<Operation>,
    /// The hosts of all servers, their variables replaced by defaults.
    pub hosts: Vec<Host>,
    /// The path of the document's file, from the folder that was imported.
    pub file: Option<String>,
    /// `$self` or `$id`.
    pub document_id: Option<String>,
    /// A digest of what it says, whatever its notation and the order of its keys.
    pub meaning: Vec<u8>,
    /// What a reader should know of it.
    pub notes: Vec<String>,
}

/// A host of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Lower case; `*` where nothing is known of a variable.
    pub name: String,
    /// What answers there.
    pub environment: Environment,
}

/// A record that may be meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Candidate {
    /// Its id.
    pub id: Uuid,
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
}

/// What the person importing says of the document's identity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// A vendor that is here, by id, slug, name, alias or domain; else the name of a new one.
    #[serde(default)]
    pub vendor: Option<String>,
    /// An API that is here, by id, slug or name; else the name of a new one.
    #[serde(default)]
    pub api: Option<String>,
    /// The slug of an API that is here, or of the new one.
    #[serde(default)]
    pub api_slug: Option<String>,
    /// When the vendor published the document; an older one never takes a newer one's place.
    #[serde(default)]
    pub published_at: Option<DateTime<Utc>>,
}

/// What would happen to one record.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PlannedRecord {
    /// `vendor`, `api` or `api_version`.
    pub kind: String,
    /// `create`, `update` or `unchanged`.
    pub action: String,
    /// Its name or label.
    pub name: String,
    /// Its slug.
    pub slug: String,
    /// Field by field.
    pub changes: Vec<Change>,
}

/// What applying a document would do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ImportPreview {
    /// The document's title.
    pub title: String,
    /// The document's version label.
    pub label: String,
    /// Its OpenAPI version.
    pub openapi_version: String,
    /// SHA-256 of the document, in hexadecimal.
    pub sha256: String,
    /// Fields that have to be said before it can be applied: `vendor`.
    pub asks: Vec<String>,
    /// Why that is asked.
    pub ask_reason: Option<String>,
    /// Vendors that may be meant.
    pub candidates: Vec<Candidate>,
    /// The name that the document suggests for the vendor.
    pub proposed: Option<String>,
    /// Why it would not be applied: older than what is here, or of another API.
    pub refused: Option<String>,
    /// What to know before it is applied.
    pub warnings: Vec<String>,
    /// What was noticed in the document.
    pub notes: Vec<String>,
    /// What it adds, removes and changes.
    pub summary: ImportSummary,
    /// What would happen, vendor first.
    pub records: Vec<PlannedRecord>,
    /// APIs here that answer on the same host.
    pub likely: Vec<super::Likely>,
    /// How many endpoints, scopes and operations it has.
    pub counts: ImportCounts,
}

/// How much a document holds.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ImportCounts {
    /// Servers.
    pub endpoints: usize,
    /// OAuth scopes.
    pub scopes: usize,
    /// Operations.
    pub operations: usize,
}

/// What a document adds to a version, removes from it and changes in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImportSummary {
    /// Operations.
    pub operations: Delta,
    /// OAuth scopes.
    pub scopes: Delta,
    /// Endpoints.
    pub endpoints: Delta,
}

/// How many parts come, go and change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Delta {
    /// New ones.
    pub added: usize,
    /// Ones that are no longer there.
    pub removed: usize,
    /// Ones that say something else.
    pub changed: usize,
}

impl std::fmt::Display for Delta {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "+{} −{} ~{}", self.added, self.removed, self.changed)
    }
}

/// What applying a document did.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApplyOutcome {
    /// Whether anything changed; the same document again changes nothing.
    pub changed: bool,
    /// Id of the vendor.
    pub vendor_id: Uuid,
    /// Id of the API.
    pub api_id: Uuid,
    /// Slug of the API.
    pub api_slug: String,
    /// Id of the API version.
    pub version_id: Uuid,
    /// Slug of the API version.
    pub version_slug: String,
    /// The records, with what was done.
    pub records: Vec<PlannedRecord>,
    /// What it added, removed and changed.
    pub summary: ImportSummary,
    /// What to know of it.
    pub warnings: Vec<String>,
    /// What was noticed in the document.
    pub notes: Vec<String>,
}

/// Shows what applying would do; writes nothing.
pub async fn preview_document(
    app: &App,
    actor: &Actor,
    document: &DocumentImport,
    identity: &Identity,
) -> Result<ImportPreview, Error> {
    actor.require(Permission::EditCatalog)?;
    let mut conn = app.db.read().await?;
    let plan = plan::make(&mut conn, actor, app.clock.now(), document, identity, Hold::Look).await?;
    let likely = match &plan.api {
        Step::Create(api) => {
            let hosts: Vec<String> = document.endpoints.iter().map(|e| e.host_pattern.clone()).collect();
            let vendor = Some(plan.vendor.record().id);
            apis::likely_duplicates(&mut conn, api.id, vendor, &api.content.name, &hosts).await?
        }
        Step::Update { .. } | Step::Keep(_) => Vec::new(),
    };
    Ok(ImportPreview {
        title: document.title.clone(),
        label: document.label.clone(),
        openapi_version: document.openapi_version.clone(),
        sha256: data_encoding::HEXLOWER.encode(&document.sha256),
        asks: plan.ask.iter().map(|_| "vendor".to_owned()).collect(),
        ask_reason: plan.ask.as_ref().map(|ask| ask.reason.clone()),
        candidates: plan.ask.as_ref().map(|ask| ask.candidates.clone()).unwrap_or_default(),
        proposed: plan.ask.as_ref().and_then(|ask| ask.proposed.clone()),
        refused: plan.refused.clone(),
        warnings: plan.warnings.clone(),
        notes: document.notes.clone(),
        summary: plan.summary(),
        records: plan.records(),
        likely,
        counts: ImportCounts {
            endpoints: document.endpoints.len(),
            scopes: document.scopes.len(),
            operations: document.operations.len(),
        },
    })
}

/// Applies a document, all or nothing. Refuses what is older than what is here, and a document
/// whose vendor nobody can tell.
pub async fn apply_document(
    app: &App,
    actor: &Actor,
    document: &DocumentImport,
    identity: &Identity,
) -> Result<ApplyOutcome, Error> {
    actor.require(Permission::EditCatalog)?;
    let mut tx = app.db.write(actor).await?;
    let now = tx.now();
    Lock::Imports.take(tx.conn()).await?;
    let plan = plan::make(tx.conn(), actor, now, document, identity, Hold::Lock).await?;
    if let Some(ask) = &plan.ask {
        return Err(Error::field("/vendor", ask.advice()));
    }
    if let Some(reason) = &plan.refused {
        return Err(Error::Conflict(reason.clone()));
    }
    let outcome = ApplyOutcome { notes: document.notes.clone(), ..plan.outcome() };
    if !outcome.changed {
        return Ok(outcome);
    }
    versions::keep_document(tx.conn(), document, now).await?;
    let mut events = Vec::new();
    write(tx.conn(), &plan, &mut events).await?;
    versions::remember_document(tx.conn(), outcome.version_id, &document.sha256, identity.published_at, now).await?;
    if tx.commit_all(events).await? == 0 {
        return Err(Error::internal("an import that changes nothing"));
    }
    app.forget_counts();
    Ok(outcome)
}

async fn write(conn: &mut sqlx::PgConnection, plan: &Plan, events: &mut Vec<Event>) -> Result<(), Error> {
    match &plan.vendor {
        Step::Create(vendor) => {
            vendors::insert(conn, vendor).await?;
            events.push(Event::created("vendor.imported", vendor));
        }
        Step::Update { before, after } => {
            vendors::update(conn, after).await?;
            events.push(Event::changed("vendor.imported", before, after));
        }
        Step::Keep(_) => {}
    }
    match &plan.api {
        Step::Create(api) => {
            apis::insert(conn, api, &[]).await?;
            events.push(Event::created("api.imported", api));
        }
        Step::Update { before, after } => {
            apis::update_facts(conn, after).await?;
            events.push(Event::changed("api.imported", before, after));
        }
        Step::Keep(_) => {}
    }
    match &plan.version {
        Step::Create(version) => {
            versions::insert(conn, version).await?;
            events.push(Event::created("api_version.imported", version));
        }
        Step::Update { before, after } => {
            versions::update(conn, after).await?;
            events.push(Event::changed("api_version.imported", before, after));
        }
        Step::Keep(_) => {}
    }
    Ok(())
}
