//! What a document would create and change.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{DocumentImport, Identity, merge};
use crate::{
    catalog::{
        Api, ApiContent, ApiVersion, Endpoint, Scope, Source, Vendor, VendorContent, VersionContent,
        store::{apis, vendors, versions},
    },
    error::Error,
    identity::Actor,
    text,
};

/// What happens to one record.
#[derive(Debug)]
pub enum Step<R> {
    Create(R),
    Update { before: R, after: R },
    Keep(R),
}

impl<R> Step<R> {
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
    pub asks: Vec<&'static str>,
    pub refused: Option<String>,
}

/// What a plan is made with.
struct Context<'a> {
    document: &'a DocumentImport,
    identity: &'a Identity,
    now: DateTime<Utc>,
    editor: Option<Uuid>,
    hold: Hold,
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
    let context = Context { document, identity, now, editor: actor.person(), hold };
    let (vendor, asks) = plan_vendor(conn, &context).await?;
    let api = plan_api(conn, &context, &vendor).await?;
    let (version, refused) = plan_version(conn, &context, &api).await?;
    // A document that is not applied changes nothing above it either.
    let idle = refused.is_some() || matches!(version, Step::Keep(_));
    let (vendor, api) = if idle && matches!(api, Step::Update { .. } | Step::Keep(_)) {
        (keep(vendor), keep(api))
    } else {
        (vendor, api)
    };
    Ok(Plan { vendor, api, version, asks, refused })
}

fn keep<R>(step: Step<R>) -> Step<R> {
    match step {
        Step::Update { before, .. } => Step::Keep(before),
        other => other,
    }
}

async fn plan_vendor(
    conn: &mut PgConnection,
    context: &Context<'_>,
) -> Result<(Step<Vendor>, Vec<&'static str>), Error> {
    let provider = context.document.provider_name.as_deref();
    let domain = context
        .document
        .endpoints
        .iter()
        .find(|endpoint| !endpoint.host_pattern.is_empty())
        .and_then(|endpoint| text::registrable_domain(&endpoint.host_pattern))
        .filter(|domain| !domain.contains('*'));
    let wanted = context.identity.vendor.as_deref().map(str::trim).filter(|key| !key.is_empty());
    if let Some(key) = wanted {
        return match vendors::find(conn, key).await? {
            Some(id) => Ok((keep_vendor(conn, id, None, context).await?, Vec::new())),
            None => Ok((new_vendor(conn, key.to_owned(), None, domain, context).await?, Vec::new())),
        };
    }
    if let Some(provider) = provider {
        if let Some(id) = vendors::by_provider_name(conn, provider).await? {
            return Ok((keep_vendor(conn, id, None, context).await?, Vec::new()));
        }
        let own = text::registrable_domain(provider);
        // Somebody may have written the vendor down before: the same domain, not yet matched.
        if let Some(id) = match &own {
            Some(domain) => vendors::by_domain(conn, domain).await?,
            None => None,
        } && vendors::get(conn, id).await?.is_some_and(|v| v.content.provider_name.is_none())
        {
            return Ok((keep_vendor(conn, id, Some(provider), context).await?, Vec::new()));
        }
        let name = name_of_domain(provider);
        return Ok((new_vendor(conn, name, Some(provider.to_owned()), own, context).await?, Vec::new()));
    }
    if let Some(domain) = domain {
        match vendors::by_domain(conn, &domain).await? {
            Some(id) => Ok((keep_vendor(conn, id, None, context).await?, Vec::new())),
            None => Ok((new_vendor(conn, name_of_domain(&domain), None, Some(domain), context).await?, Vec::new())),
        }
    } else {
        let step = new_vendor(conn, "Unknown vendor".into(), None, None, context).await?;
        Ok((step, vec!["vendor"]))
    }
}

async fn keep_vendor(
    conn: &mut PgConnection,
    id: Uuid,
    provider: Option<&str>,
    context: &Context<'_>,
) -> Result<Step<Vendor>, Error> {
    if context.hold == Hold::Lock {
        vendors::lock(conn, id).await?;
    }
    let before = vendors::get(conn, id).await?.ok_or(Error::NotFound("vendor"))?;
    let Some(provider) = provider else { return Ok(Step::Keep(before)) };
    let mut after = before.clone();
    after.content.provider_name = Some(provider.to_owned());
    after.imported.insert("provider_name".into(), json!(provider));
    after.edited_by = super::super::with_editor(&before.edited_by, context.editor);
    (after.verified_at, after.verified_by) = (None, None);
    after.revision += 1;
    after.updated_at = context.now;
    Ok(Step::Update { before, after })
}

async fn new_vendor(
    conn: &mut PgConnection,
    name: String,
    provider: Option<String>,
    domain: Option<String>,
    context: &Context<'_>,
) -> Result<Step<Vendor>, Error> {
    let website = domain.map(|domain| format!("https://{domain}"));
    let mut imported = Map::new();
    imported.insert("name".into(), json!(name));
    imported.insert("website".into(), json!(website));
    imported.insert("provider_name".into(), json!(provider));
    let content = VendorContent { name, website, provider_name: provider, ..VendorContent::default() }.checked()?;
    let slug = vendors::free_slug(conn, &content.slug).await?;
    Ok(Step::Create(Vendor {
        id: Uuid::now_v7(),
        revision: 1,
        created_at: context.now,
        updated_at: context.now,
        verified_at: None,
        verified_by: None,
        edited_by: context.editor.into_iter().collect(),
        parent_id: None,
        imported,
        content: VendorContent { slug, ..content },
    }))
}

/// `stripe.com` becomes `Stripe`, `twilio-cdn.com` `Twilio cdn`.
fn name_of_domain(domain: &str) -> String {
    let host = text::registrable_domain(domain).unwrap_or_else(|| domain.to_owned());
    let label = host.split('.').next().unwrap_or(&host).replace(['-', '_'], " ");
    let mut chars = label.chars();
    chars.next().map_or_else(|| domain.to_owned(), |first| first.to_uppercase().chain(chars).collect())
}

/// The facts of a document that belong to the API.
fn api_facts(document: &DocumentImport) -> Map<String, Value> {
    let mut facts = Map::new();
    let mut put = |name: &str, value: Value| facts.insert(name.to_owned(), value);
    put("name", json!(document.title));
    put("description", json!(document.description));
    put("documentation_url", json!(document.documentation_url));
    put("terms_url", json!(document.terms_url));
    put("licence", json!(document.licence));
    put("licence_url", json!(document.licence_url));
    put("contact_name", json!(document.contact_name));
    put("contact_email", json!(document.contact_email));
    put("contact_url", json!(document.contact_url));
    put("auth_methods", json!(document.auth_methods));
    put("service_name", json!(document.service_name));
    facts
}

async fn plan_api(conn: &mut PgConnection, context: &Context<'_>, vendor: &Step<Vendor>) -> Result<Step<Api>, Error> {
    let document = context.document;
    let wanted = context.identity.api.as_deref().map(str::trim).filter(|key| !key.is_empty());
    let found = match (wanted, vendor) {
        (Some(key), _) => apis::find(conn, key).await?,
        (None, Step::Create(_)) => None,
        (None, known) => {
            let service = document.service_name.as_deref();
            apis::by_identity(conn, known.record().id, service, &document.title).await?
        }
    };
    let facts = api_facts(document);
    let Some(id) = found else {
        let name = wanted.unwrap_or(&document.title).to_owned();
        return new_api(conn, context, vendor.record(), name, facts).await;
    };
    if context.hold == Hold::Lock {
        apis::lock(conn, id).await?;
    }
    let before = apis::get(conn, id).await?.ok_or(Error::NotFound("API"))?;
    if before.vendor_id != vendor.record().id {
        return Err(Error::field(
            "/api",
            format!("'{}' is an API of another vendor, {}.", before.content.name, before.content.vendor),
        ));
    }
    // Facts of the API come from the newest label, as far as labels have an order.
    let told = before.imported.get("label").and_then(Value::as_str).unwrap_or_default();
    if merge::label_order(&document.label, told) == Some(Ordering::Less) {
        return Ok(Step::Keep(before));
    }
    let mut after = before.clone();
    after.content = merge::merge(&before.content, &mut after.imported, &facts)?;
    after.imported.insert("label".into(), json!(document.label));
    if after.content == before.content && after.imported == before.imported {
        return Ok(Step::Keep(before));
    }
    after.edited_by = super::super::with_editor(&before.edited_by, context.editor);
    let own = before.verified_by.is_some() && before.verified_by == context.editor;
    if own || after.content.identity_differs(&before.content) {
        (after.verified_at, after.verified_by) = (None, None);
    }
    after.revision += 1;
    after.updated_at = context.now;
    Ok(Step::Update { before, after })
}

async fn new_api(
    conn: &mut PgConnection,
    context: &Context<'_>,
    vendor: &Vendor,
    name: String,
    facts: Map<String, Value>,
) -> Result<Step<Api>, Error> {
    let mut imported = Map::new();
    let blank = ApiContent { vendor: vendor.content.slug.clone(), name: name.clone(), ..ApiContent::default() };
    let mut content: ApiContent = merge::merge(&ApiContent { name: String::new(), ..blank }, &mut imported, &facts)?;
    if context.identity.api.is_some() {
        content.name = name;
    }
    imported.insert("label".into(), json!(context.document.label));
    let words = match &content.service_name {
        Some(service) => format!("{} {service}", vendor.content.slug),
        None => content.name.clone(),
    };
    content.slug = text::slug(&words, "api");
    let content = content.checked()?;
    let slug = apis::free_slug(conn, &content.slug).await?;
    Ok(Step::Create(Api {
        id: Uuid::now_v7(),
        revision: 1,
        created_at: context.now,
        updated_at: context.now,
        verified_at: None,
        verified_by: None,
        edited_by: context.editor.into_iter().collect(),
        vendor_id: vendor.id,
        current_version_id: None,
        imported,
        content: ApiContent { slug, ..content },
    }))
}

async fn plan_version(
    conn: &mut PgConnection,
    context: &Context<'_>,
    api: &Step<Api>,
) -> Result<(Step<ApiVersion>, Option<String>), Error> {
    let document = context.document;
    let found = match api {
        Step::Create(_) => None,
        known => versions::by_label(conn, known.record().id, &document.label).await?,
    };
    let Some(id) = found else { return Ok((new_version(conn, context, api.record().id).await?, None)) };
    if context.hold == Hold::Lock {
        versions::lock(conn, id).await?;
    }
    let before = versions::get(conn, id).await?.ok_or(Error::NotFound("API version"))?;
    let sha256 = data_encoding::HEXLOWER.encode(&document.sha256);
    if before.document_sha256.as_deref() == Some(&sha256) {
        return Ok((Step::Keep(before), None));
    }
    let known = versions::documents_of(conn, id).await?;
    if let Some(reason) = older(document, context.identity, &known, before.document_sha256.as_deref()) {
        return Ok((Step::Keep(before), Some(reason)));
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
    Ok((Step::Update { before, after }, None))
}

/// Why a document is older than what is here: superseded before, or published earlier.
fn older(
    document: &DocumentImport,
    identity: &Identity,
    known: &[(Vec<u8>, Option<DateTime<Utc>>)],
    current: Option<&str>,
) -> Option<String> {
    if known.iter().any(|(hash, _)| *hash == document.sha256) {
        return Some(
            "This document was imported before and a newer one has taken its place. Nothing was changed.".into(),
        );
    }
    let current = known.iter().find(|(hash, _)| Some(data_encoding::HEXLOWER.encode(hash).as_str()) == current);
    match (identity.published_at, current.and_then(|(_, at)| *at)) {
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
