//! Which API of a vendor a document describes, and what the document says of it.

use std::{cmp::Ordering, collections::HashSet};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    DocumentImport, merge,
    plan::{Context, Hold, Step},
};
use crate::catalog::{
    Api, ApiContent, Protocol, Vendor,
    store::{apis, versions},
};
use base::{error::Error, text};

/// The API of a document.
pub struct Planned {
    pub step: Step<Api>,
    /// What a person should know before it is applied.
    pub warnings: Vec<String>,
}

/// The facts of a document that belong to the API.
fn facts(document: &DocumentImport) -> Map<String, Value> {
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

/// Plans the API of a document whose vendor is known.
pub async fn plan(conn: &mut PgConnection, context: &Context<'_>, vendor: &Step<Vendor>) -> Result<Planned, Error> {
    let wanted = context.identity.api.as_deref().map(str::trim).filter(|key| !key.is_empty());
    let slug = context.identity.api_slug.as_deref().map(str::trim).filter(|key| !key.is_empty());
    if let Some(slug) = slug.filter(|slug| !text::is_slug(slug)) {
        let message = format!("'{slug}' is not a slug: use lower-case letters, digits and single hyphens.");
        return Err(Error::field("/api_slug", message));
    }
    let record = vendor.record();
    let known = !matches!(vendor, Step::Create(_));
    let found = match (wanted, slug) {
        (Some(key), _) => match apis::find(conn, key).await? {
            Some(id) => Some(id),
            None if known => apis::by_name(conn, record.id, key).await?,
            None => None,
        },
        (None, Some(slug)) => apis::find(conn, slug).await?,
        (None, None) if known => by_document(conn, context, record.id).await?,
        (None, None) => None,
    };
    let Some(id) = found else {
        let name = wanted.unwrap_or(&context.document.title).to_owned();
        return Ok(Planned { step: new(conn, context, record, name).await?, warnings: Vec::new() });
    };
    if context.hold == Hold::Lock {
        apis::lock(conn, id).await?;
    }
    let before = apis::get(conn, id).await?.ok_or(Error::NotFound("API"))?;
    if before.vendor_id != record.id {
        let pointer = if wanted.is_some() { "/api" } else { "/api_slug" };
        return Err(Error::field(
            pointer,
            format!("'{}' is an API of another vendor, {}.", before.content.name, before.content.vendor),
        ));
    }
    let merged = match &context.document.service_name {
        Some(service) => apis::has_merged_service(conn, before.id, service).await?,
        None => false,
    };
    let mut facts = facts(context.document);
    if merged {
        // The document is of an API that was merged into this one, which keeps its own name and service name.
        facts.retain(|name, _| name != "name" && name != "service_name");
    }
    update(context, before, &facts)
}

/// The API that a document described before: by its own id, else its file, else what most of its operations are in.
async fn by_document(conn: &mut PgConnection, context: &Context<'_>, vendor: Uuid) -> Result<Option<Uuid>, Error> {
    let document = context.document;
    let found = apis::by_identity(conn, vendor, document.service_name.as_deref(), &document.title).await?;
    if found.len() < 2 {
        return Ok(found.first().copied());
    }
    let own = operations(document);
    let mut best: Option<((usize, usize), Uuid)> = None;
    for id in found {
        let Some(api) = apis::get(conn, id).await? else { continue };
        let says = |key: &str, value: &Option<String>| {
            value.is_some() && api.imported.get(key).and_then(Value::as_str) == value.as_deref()
        };
        let said = if says("document_id", &document.document_id) {
            2
        } else {
            usize::from(says("document_file", &document.file))
        };
        let theirs = versions::operation_keys(conn, id, &document.label).await?;
        let rank = (said, theirs.iter().filter(|key| own.contains(*key)).count());
        if best.as_ref().is_none_or(|(known, _)| rank > *known) {
            best = Some((rank, id));
        }
    }
    Ok(best.map(|(_, id)| id))
}

/// The operations of a document by what identifies them.
pub fn operations(document: &DocumentImport) -> HashSet<String> {
    let key = |operation: &crate::catalog::Operation| {
        format!("{} {} {}", operation.direction.key(), operation.method, operation.path)
    };
    document.operations.iter().map(key).collect()
}

/// What came of an API before, or comes of it now: the words of the newest document, as far as documents have an order.
fn update(context: &Context<'_>, before: Api, facts: &Map<String, Value>) -> Result<Planned, Error> {
    let document = context.document;
    let told = before.imported.get("label").and_then(Value::as_str).unwrap_or_default();
    let published = before.imported.get("published_at").and_then(Value::as_str);
    let published: Option<DateTime<Utc>> = published.and_then(|at| at.parse().ok());
    let older = match (context.identity.published_at, published) {
        (Some(given), Some(here)) => given < here,
        _ => merge::label_order(&document.label, told) == Some(Ordering::Less),
    };
    if older {
        let warning = format!(
            "The label {} comes before {told}, which described this API last: the API's own words stay as they are.",
            document.label
        );
        return Ok(Planned { step: Step::Keep(before), warnings: vec![warning] });
    }
    let mut after = before.clone();
    after.content = merge::merge(&before.content, &mut after.imported, facts)?;
    remember(&mut after.imported, context);
    if after.content == before.content && after.imported == before.imported {
        return Ok(Planned { step: Step::Keep(before), warnings: Vec::new() });
    }
    after.edited_by = super::super::with_editor(&before.edited_by, context.editor);
    let own = before.verified_by.is_some() && before.verified_by == context.editor;
    if own || after.content.identity_differs(&before.content) {
        (after.verified_at, after.verified_by) = (None, None);
    }
    after.revision += 1;
    after.updated_at = context.now;
    Ok(Planned { step: Step::Update { before, after }, warnings: Vec::new() })
}

/// By what the next document is recognised, and its age told.
fn remember(imported: &mut Map<String, Value>, context: &Context<'_>) {
    let document = context.document;
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            imported.insert(key.to_owned(), json!(value));
        }
    };
    put("label", Some(document.label.clone()));
    put("document_id", document.document_id.clone());
    put("document_file", document.file.clone());
    put("published_at", context.identity.published_at.map(|at| at.to_rfc3339()));
}

/// A new API of a vendor.
pub async fn new(
    conn: &mut PgConnection,
    context: &Context<'_>,
    vendor: &Vendor,
    name: String,
) -> Result<Step<Api>, Error> {
    let document = context.document;
    let mut imported = Map::new();
    let blank = ApiContent { vendor: vendor.content.slug.clone(), name: name.clone(), ..ApiContent::default() };
    let mut content: ApiContent =
        merge::merge(&ApiContent { name: String::new(), ..blank }, &mut imported, &facts(document))?;
    content.name = name;
    // What only calls us is a webhook.
    let to_us = |operation: &crate::catalog::Operation| operation.direction == crate::catalog::OperationDirection::ToUs;
    if !document.operations.is_empty() && document.operations.iter().all(to_us) {
        content.protocol = Protocol::Webhook;
    }
    remember(&mut imported, context);
    content.slug = match &context.identity.api_slug {
        Some(slug) => slug.trim().to_owned(),
        None => slug(vendor, &content),
    };
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
        merged_into_id: None,
        vendor_id: vendor.id,
        current_version_id: None,
        imported,
        content: ApiContent { slug, ..content },
    }))
}

/// The vendor's slug, and the API's name without the vendor's before it.
fn slug(vendor: &Vendor, content: &ApiContent) -> String {
    let name = content.service_name.as_ref().unwrap_or(&content.name);
    let (vendor, name) = (&vendor.content.slug, text::slug(name, ""));
    let rest = name.strip_prefix(vendor.as_str()).map_or(name.as_str(), |rest| rest.trim_start_matches('-'));
    text::slug(&format!("{vendor} {rest}"), "api")
}
