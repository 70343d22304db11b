//! Which vendor a document belongs to: one that is here, a new one, or a question.

use serde_json::{Map, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Candidate,
    plan::{Ask, Context, Hold, Step},
    spelling,
};
use crate::catalog::{Vendor, VendorContent, store::vendors};
use base::{error::Error, text};

/// The vendor of a document, and the question where no one can tell.
pub async fn plan(conn: &mut PgConnection, context: &Context<'_>) -> Result<(Step<Vendor>, Option<Ask>), Error> {
    let wanted = context.identity.vendor.as_deref().map(str::trim).filter(|key| !key.is_empty());
    let domain = spelling::domain(context.document);
    if let Some(key) = wanted {
        let found = vendors::matching(conn, key).await?;
        return match found.as_slice() {
            [one] => Ok((keep(conn, one.id, None, context).await?, None)),
            [] => {
                let website = domain.filter(|domain| !domain.is_environment).map(|domain| domain.name);
                let taken = match &website {
                    Some(domain) => !vendors::by_domain(conn, domain).await?.is_empty(),
                    None => false,
                };
                let website = website.filter(|_| !taken);
                Ok((new(conn, key.to_owned(), None, website, context).await?, None))
            }
            several => {
                let reason = format!("Several vendors are called '{}'.", text::clip(key, 80));
                unsure(conn, key.to_owned(), Ask { reason, candidates: several.to_vec(), proposed: None }, context)
                    .await
            }
        };
    }
    if let Some(provider) = context.document.provider_name.as_deref() {
        return by_provider(conn, provider, context).await;
    }
    let Some(domain) = domain else {
        let proposed = spelling::proposal(context.document);
        let ask = Ask {
            reason: unnamed(context, proposed.as_ref().map(|(name, from)| (name.as_str(), *from))),
            candidates: Vec::new(),
            proposed: proposed.map(|(name, _)| name),
        };
        return unsure(conn, "Unknown vendor".into(), ask, context).await;
    };
    let found = vendors::by_domain(conn, &domain.name).await?;
    let name = spelling::name(&domain.name, context.document);
    match found.as_slice() {
        [one] => Ok((keep(conn, one.id, None, context).await?, None)),
        [] => {
            if let Some(id) = named_alike(conn, &name).await? {
                return Ok((keep(conn, id, None, context).await?, None));
            }
            let website = (!domain.is_environment).then_some(domain.name);
            Ok((new(conn, name, None, website, context).await?, None))
        }
        several => several_at(conn, &domain.name, name, several.to_vec(), context).await,
    }
}

/// By the name under which a directory of APIs keeps the vendor.
async fn by_provider(
    conn: &mut PgConnection,
    provider: &str,
    context: &Context<'_>,
) -> Result<(Step<Vendor>, Option<Ask>), Error> {
    if let Some(id) = vendors::by_provider_name(conn, provider).await? {
        return Ok((keep(conn, id, None, context).await?, None));
    }
    let own = text::registrable_domain(provider);
    let found = match &own {
        Some(domain) => vendors::by_domain(conn, domain).await?,
        None => Vec::new(),
    };
    let name = spelling::name(provider, context.document);
    // A person may have written the vendor down before: the same domain, not yet matched.
    let mut unmatched = Vec::new();
    for one in &found {
        if vendors::get(conn, one.id).await?.is_some_and(|vendor| vendor.content.provider_name.is_none()) {
            unmatched.push(one.clone());
        }
    }
    match unmatched.as_slice() {
        [one] => Ok((keep(conn, one.id, Some(provider), context).await?, None)),
        [] if found.is_empty() => {
            let alike = named_alike(conn, &name).await?;
            match alike {
                Some(id) => Ok((keep(conn, id, Some(provider), context).await?, None)),
                None => Ok((new(conn, name, Some(provider.to_owned()), own, context).await?, None)),
            }
        }
        [] => Ok((new(conn, name, Some(provider.to_owned()), own, context).await?, None)),
        several => several_at(conn, provider, name, several.to_vec(), context).await,
    }
}

/// The one vendor of this name that has no domain or provider name of its own yet: written down by hand.
async fn named_alike(conn: &mut PgConnection, name: &str) -> Result<Option<Uuid>, Error> {
    let found = vendors::matching(conn, name).await?;
    let [one] = found.as_slice() else { return Ok(None) };
    let vendor = vendors::get(conn, one.id).await?;
    let bare = |vendor: &Vendor| vendor.content.domain().is_none() && vendor.content.provider_name.is_none();
    Ok(vendor.filter(bare).map(|vendor| vendor.id))
}

async fn several_at(
    conn: &mut PgConnection,
    domain: &str,
    name: String,
    candidates: Vec<Candidate>,
    context: &Context<'_>,
) -> Result<(Step<Vendor>, Option<Ask>), Error> {
    let reason = format!("{} vendors here have the domain {domain}.", candidates.len());
    unsure(conn, name, Ask { reason, candidates, proposed: None }, context).await
}

/// A stand-in, so that the rest of the plan can be shown; nothing is written before the question is answered.
async fn unsure(
    conn: &mut PgConnection,
    name: String,
    ask: Ask,
    context: &Context<'_>,
) -> Result<(Step<Vendor>, Option<Ask>), Error> {
    Ok((new(conn, name, None, None, context).await?, Some(ask)))
}

/// Why a document does not say whose it is.
fn unnamed(context: &Context<'_>, proposed: Option<(&str, &str)>) -> String {
    let document = context.document;
    let mut reason = match document.hosts.first() {
        None if document.endpoints.is_empty() => {
            "The document names no server, so it does not say whose API it is.".into()
        }
        None => format!(
            "The document's servers have no host ('{}'), so it does not say whose API it is.",
            text::clip(&document.endpoints[0].url, 80)
        ),
        Some(host) => format!("The document's hosts ('{}') do not say whose API it is.", text::clip(&host.name, 80)),
    };
    if let Some((name, from)) = proposed {
        reason.push_str(&format!(" It may be '{name}', by {from}."));
    }
    reason
}

async fn keep(
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

async fn new(
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
        merged_into_id: None,
        parent_id: None,
        imported,
        content: VendorContent { slug, ..content },
    }))
}
