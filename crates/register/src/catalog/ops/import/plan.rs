//! What a document would create and change.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Candidate, DocumentImport, Identity, api, vendor};
use crate::catalog::{
    Api, ApiVersion, Endpoint, Scope, Source, Vendor, VersionContent,
    store::versions::{self, KnownDocument},
};
use base::error::Error;
use identity::Actor;

/// What happens to one record.
#[derive(Debug)]
pub enum Step<R> {
    Create(R),
    Update { before: R, after: R },
    Keep(R),
}

impl<R> Step<R> {
    /// The record as it is.
    pub fn before(&self) -> &R {
        match self {
            Self::Create(record) | Self::Keep(record) | Self::Update { before: record, .. } => record,
        }
    }

    /// The record as it would be.
    pub fn record(&self) -> &R {
        match self {
            Self::Create(record) | Self::Keep(record) | Self::Update { after: record, .. } => record,
        }
    }
}

/// The three steps of a document.
#[derive(Debug)]
pub struct Plan {
    pub vendor: Step<Vendor>,
    pub api: Step<Api>,
    pub version: Step<ApiVersion>,
    /// The question whose API it is, where the document does not say.
    pub ask: Option<Ask>,
    /// Why the document is not applied.
    pub refused: Option<String>,
    /// What a person should know before it is applied.
    pub warnings: Vec<String>,
}

/// A question that a person has to answer before anything is written.
#[derive(Debug)]
pub struct Ask {
    /// Why it is asked.
    pub reason: String,
    /// Records that may be meant.
    pub candidates: Vec<Candidate>,
    /// What the document suggests.
    pub proposed: Option<String>,
}

/// What a plan is made with.
pub struct Context<'a> {
    pub document: &'a DocumentImport,
    pub identity: &'a Identity,
    pub now: DateTime<Utc>,
    pub editor: Option<Uuid>,
    pub hold: Hold,
}

/// Whether the rows looked at are locked: they are when the plan is to be carried out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    Look,
    Lock,
}

pub async fn make(
    conn: &mut PgConnection,
    actor: &Actor,
    now: DateTime<Utc>,
    document: &DocumentImport,
    identity: &Identity,
    hold: Hold,
) -> Result<Plan, Error> {
    let context = Context { document, identity, now, editor: actor.answers_for(), hold };
    let (vendor, ask) = vendor::plan(conn, &context).await?;
    let api::Planned { step: mut api, mut warnings } = api::plan(conn, &context, &vendor).await?;
    let mut outcome = plan_version(conn, &context, &api).await?;
    if let Some(name) = outcome.apart.take() {
        api = api::new(conn, &context, vendor.record(), name).await?;
        warnings.clear();
        outcome.step = new_version(conn, &context, api.record().id).await?;
    }
    let VersionPlan { step: version, refused, warnings: of_version, .. } = outcome;
    warnings.extend(of_version);
    // A document that is not applied changes nothing above it either.
    let idle = refused.is_some() || matches!(version, Step::Keep(_));
    let (vendor, api) = if idle && matches!(api, Step::Update { .. } | Step::Keep(_)) {
        (keep(vendor), keep(api))
    } else {
        (vendor, api)
    };
    Ok(Plan { vendor, api, version, ask, refused, warnings })
}

fn keep<R>(step: Step<R>) -> Step<R> {
    match step {
        Step::Update { before, .. } => Step::Keep(before),
        other => other,
    }
}

/// What becomes of the version.
struct VersionPlan {
    step: Step<ApiVersion>,
    refused: Option<String>,
    warnings: Vec<String>,
    /// The name of an API of its own, where the document is of another one with the same title and label.
    apart: Option<String>,
}

impl VersionPlan {
    fn of(step: Step<ApiVersion>) -> Self {
        Self { step, refused: None, warnings: Vec::new(), apart: None }
    }
}

async fn plan_version(conn: &mut PgConnection, context: &Context<'_>, api: &Step<Api>) -> Result<VersionPlan, Error> {
    let document = context.document;
    let found = match api {
        Step::Create(_) => None,
        known => versions::by_label(conn, known.record().id, &document.label).await?,
    };
    let Some(id) = found else {
        return Ok(VersionPlan::of(new_version(conn, context, api.record().id).await?));
    };
    if context.hold == Hold::Lock {
        versions::lock(conn, id).await?;
    }
    let before = versions::get(conn, id).await?.ok_or(Error::NotFound("API version"))?;
    let sha256 = data_encoding::HEXLOWER.encode(&document.sha256);
    let known = versions::documents_of(conn, id).await?;
    let current = known.iter().find(|one| Some(data_encoding::HEXLOWER.encode(&one.sha256)) == before.document_sha256);
    if current.is_some_and(|current| current.says_the_same(&document.sha256, &document.meaning)) {
        return Ok(VersionPlan::of(Step::Keep(before)));
    }
    if let Some(reason) = older(document, context.identity, &known, current) {
        return Ok(VersionPlan { refused: Some(reason), ..VersionPlan::of(Step::Keep(before)) });
    }
    let (old, new) = (keys(&before), api::operations(document));
    let kept = old.intersection(&new).count();
    let few = !old.is_empty() && kept * 2 < old.len().min(new.len()).max(1);
    if few && !context.names_the_api() {
        return Ok(apart(context, api.before(), before, (kept, old.len(), new.len())));
    }
    let mut warnings = Vec::new();
    let dated = context.identity.published_at.is_some() && current.is_some_and(|one| one.published_at.is_some());
    if kept < old.len() && !dated {
        let mut gone: Vec<&str> =
            old.difference(&new).filter_map(|key| key.split_once(' ').map(|(_, key)| key)).collect();
        gone.sort_unstable();
        let shown = gone[..gone.len().min(5)].join(", ");
        let more = if gone.len() > 5 { format!(" and {} more", gone.len() - 5) } else { String::new() };
        warnings.push(format!(
            "{} operations of this version are gone: {shown}{more}. If this document is older than the one here, say when each was published.",
            gone.len()
        ));
    }
    let mut after = before.clone();
    after.content = VersionContent {
        endpoints: replace_imported(&before.content.endpoints, &document.endpoints, |e: &Endpoint| {
            (e.source, e.url.clone())
        }),
        scopes: replace_imported(&before.content.scopes, &document.scopes, |s: &Scope| {
            (s.source, format!("{} {}", s.scheme, s.name))
        }),
        operations: document.operations.clone(),
        auth_schemes: document.auth_schemes.clone(),
        ..before.content.clone()
    }
    .checked()?;
    after.openapi_version = Some(document.openapi_version.clone());
    after.document_sha256 = Some(sha256);
    after.revision += 1;
    after.updated_at = context.now;
    Ok(VersionPlan { warnings, ..VersionPlan::of(Step::Update { before, after }) })
}

impl Context<'_> {
    /// Whether a person says which API it is.
    fn names_the_api(&self) -> bool {
        self.identity.api.is_some() || self.identity.api_slug.is_some()
    }
}

/// The operations of a version by what identifies them.
fn keys(version: &ApiVersion) -> HashSet<String> {
    let key = |operation: &crate::catalog::Operation| {
        format!("{} {} {}", operation.direction.key(), operation.method, operation.path)
    };
    version.content.operations.iter().map(key).collect()
}

/// A document with the title and label of another one and hardly an operation of it: another API. It becomes one of
/// its own where its file tells it apart, else a person has to say which one it is.
fn apart(context: &Context<'_>, api: &Api, before: ApiVersion, (kept, old, new): (usize, usize, usize)) -> VersionPlan {
    let document = context.document;
    let known = api.imported.get("document_file").and_then(Value::as_str);
    if let (Some(here), Some(file)) = (known, document.file.as_deref())
        && here != file
    {
        let stem = file.rsplit('/').next().unwrap_or(file);
        let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
        let name = format!("{} ({})", base::text::clip(&document.title, 120), base::text::clip(stem, 60));
        let warning = format!(
            "'{}' has the same title and version label and shares {kept} of {new} operations with it: this becomes an API of its own, '{name}'.",
            api.content.name
        );
        return VersionPlan { warnings: vec![warning], apart: Some(name), ..VersionPlan::of(Step::Keep(before)) };
    }
    let reason = format!(
        "'{}' here has the same title and version label, but only {kept} of its {old} operations are among the {new} of this document. If it is the same API, name it (API, or --api {}); if it is another one, give it a slug of its own (API slug, or --api-slug). Nothing was changed.",
        api.content.name, api.content.slug
    );
    VersionPlan { refused: Some(reason), ..VersionPlan::of(Step::Keep(before)) }
}

/// Why a document is older than what is here: superseded before, or published earlier.
fn older(
    document: &DocumentImport,
    identity: &Identity,
    known: &[KnownDocument],
    current: Option<&KnownDocument>,
) -> Option<String> {
    if known.iter().any(|one| one.says_the_same(&document.sha256, &document.meaning)) {
        return Some(
            "This document was imported before and a newer one has taken its place. Nothing was changed.".into(),
        );
    }
    match (identity.published_at, current.and_then(|one| one.published_at)) {
        (Some(given), Some(here)) if given < here => Some(format!(
            "This document was published before the one that is here ({} UTC). Nothing was changed.",
            here.format("%Y-%m-%d %H:%M")
        )),
        _ => None,
    }
}

/// A person's rows stay; the import's are replaced by the new ones that no person's row covers.
fn replace_imported<T: Clone>(present: &[T], incoming: &[T], key: impl Fn(&T) -> (Source, String)) -> Vec<T> {
    let own: Vec<T> = present.iter().filter(|row| key(row).0 == Source::Person).cloned().collect();
    let covered: std::collections::HashSet<String> = own.iter().map(|row| key(row).1).collect();
    let fresh = incoming.iter().filter(|row| !covered.contains(&key(row).1)).cloned();
    fresh.chain(own.iter().cloned()).collect()
}

async fn new_version(conn: &mut PgConnection, context: &Context<'_>, api: Uuid) -> Result<Step<ApiVersion>, Error> {
    let document = context.document;
    let content = VersionContent {
        label: document.label.clone(),
        endpoints: document.endpoints.clone(),
        scopes: document.scopes.clone(),
        operations: document.operations.clone(),
        auth_schemes: document.auth_schemes.clone(),
        ..VersionContent::default()
    }
    .checked()?;
    Ok(Step::Create(ApiVersion {
        id: Uuid::now_v7(),
        revision: 1,
        created_at: context.now,
        updated_at: context.now,
        api_id: api,
        slug: versions::free_slug(conn, api, &content.label).await?,
        openapi_version: Some(document.openapi_version.clone()),
        document_sha256: Some(data_encoding::HEXLOWER.encode(&document.sha256)),
        imported: Map::new(),
        content,
    }))
}
