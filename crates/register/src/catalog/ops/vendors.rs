//! Vendors.

use uuid::Uuid;

use super::{Likely, refuse_referrers, with_editor};
use crate::catalog::{Vendor, VendorContent, store::vendors};
use base::{
    app::App,
    audit::Event,
    db::WriteTx,
    error::{Error, same_revision},
    lists::{self, Query},
    slugs,
    words::State,
};
use identity::{Actor, Permission, Principal};

/// The vendor behind an id, a slug or a former slug.
pub async fn find_vendor(app: &App, actor: &Actor, key: &str) -> Result<Vendor, Error> {
    actor.require(Permission::Read)?;
    let mut conn = app.db.read().await?;
    let id = vendors::find(&mut conn, key).await?.ok_or(Error::NotFound("vendor"))?;
    vendors::get(&mut conn, id).await?.ok_or(Error::NotFound("vendor"))
}

/// Whole vendors by id, in the order asked for.
pub async fn get_vendors(app: &App, actor: &Actor, ids: &[Uuid]) -> Result<Vec<Vendor>, Error> {
    actor.require(Permission::Read)?;
    let mut found = vendors::get_many(&mut *app.db.read().await?, ids).await?;
    found.sort_by_key(|vendor| ids.iter().position(|id| *id == vendor.id));
    Ok(found)
}

/// Active APIs of a vendor, by name, 200 at most.
pub async fn vendor_apis(app: &App, actor: &Actor, vendor: &Vendor) -> Result<Vec<super::ApiRow>, Error> {
    let pairs = [("vendor".into(), vendor.content.slug.clone()), ("limit".into(), "200".into())];
    let query = Query::parse(&super::APIS, &pairs, &[])?;
    Ok(lists::ops::list(app, actor, &super::APIS, &query).await?.rows)
}

/// Vendors that may be the same as one about to be saved.
pub async fn duplicate_vendors(
    app: &App,
    actor: &Actor,
    except: Option<Uuid>,
    content: &VendorContent,
) -> Result<Vec<Likely>, Error> {
    actor.require(Permission::Read)?;
    let domain = content.domain();
    let except = except.unwrap_or_default();
    vendors::likely_duplicates(&mut *app.db.read().await?, except, domain.as_deref(), &content.name).await
}

/// Creates a vendor; unverified until a reviewer who did not edit it verifies it.
pub async fn create_vendor(app: &App, actor: &Actor, content: VendorContent) -> Result<Vendor, Error> {
    let mut tx = app.db.write(actor).await?;
    let (vendor, event) = create_in(&mut tx, content).await?;
    tx.record(event).await?.commit().await?;
    app.forget_counts();
    Ok(vendor)
}

/// The same within a transaction, for imports of many.
pub(super) async fn create_in<S>(tx: &mut WriteTx<S>, content: VendorContent) -> Result<(Vendor, Event), Error> {
    let actor = tx.actor().clone();
    actor.require(Permission::EditCatalog)?;
    let mut content = content.checked()?;
    slugs::number(tx.conn(), "vendor", &content.name, ("vendor", &mut content.slug)).await?;
    if content.review_differs(&VendorContent::default()) {
        require_review(&actor, &with_editor(&[], actor.answers_for()))?;
    }
    let parent_id = resolve_parent(tx, &content, None).await?;
    let now = tx.now();
    let vendor = Vendor {
        id: Uuid::now_v7(),
        revision: 1,
        created_at: now,
        updated_at: now,
        verified_at: None,
        verified_by: None,
        edited_by: with_editor(&[], actor.answers_for()),
        merged_into_id: None,
        parent_id,
        imported: serde_json::Map::new(),
        content,
    };
    vendors::insert(tx.conn(), &vendor).await?;
    let event = Event::created("vendor.created", &vendor);
    Ok((vendor, event))
}

/// Changes a vendor based on `revision`. What only reviewers set needs their right, and that they
/// did not edit the rest; a change of identity ends the verification.
pub async fn update_vendor(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    content: VendorContent,
) -> Result<Vendor, Error> {
    let mut tx = app.db.write(actor).await?;
    let (vendor, event) = update_in(&mut tx, id, revision, content).await?;
    if let Some(event) = event {
        tx.record(event).await?.commit().await?;
        app.forget_counts();
    }
    Ok(vendor)
}

/// The same within a transaction; no event where nothing changes.
pub(super) async fn update_in<S>(
    tx: &mut WriteTx<S>,
    id: Uuid,
    revision: i64,
    content: VendorContent,
) -> Result<(Vendor, Option<Event>), Error> {
    let actor = tx.actor().clone();
    if !actor.may(Permission::VerifyCatalog) {
        actor.require(Permission::EditCatalog)?;
    }
    let content = content.checked()?;
    let before = vendors::lock(tx.conn(), id).await?.ok_or(Error::NotFound("vendor"))?;
    same_revision(revision, before.revision)?;
    super::refuse_merged(before.merged_into_id)?;
    if before.content == content {
        return Ok((before, None));
    }
    let described = before.content.description_differs(&content);
    let editors = with_editor(&before.edited_by, if described { actor.answers_for() } else { None });
    if described {
        actor.require(Permission::EditCatalog)?;
    }
    if before.content.review_differs(&content) {
        require_review(&actor, &editors)?;
    }
    if content.state == State::Retired && before.content.state == State::Active {
        refuse_referrers(&vendors::referrers(tx.conn(), id).await?)?;
    }
    let parent_id = resolve_parent(tx, &content, Some(id)).await?;
    let voided = before.content.identity_differs(&content)
        || (described && before.verified_by.is_some() && before.verified_by == actor.person());
    let after = Vendor {
        revision: revision + 1,
        updated_at: tx.now(),
        verified_at: before.verified_at.filter(|_| !voided),
        verified_by: before.verified_by.filter(|_| !voided),
        edited_by: editors,
        parent_id,
        content,
        ..before.clone()
    };
    vendors::update(tx.conn(), &after).await?;
    if before.content.slug != after.content.slug {
        base::slugs::remember(tx.conn(), "vendor", &before.content.slug, id).await?;
    }
    let event = Event::changed("vendor.updated", &before, &after);
    Ok((after, Some(event)))
}

/// A reviewer says that the vendor is who it claims to be. Not somebody who edited it.
pub async fn verify_vendor(app: &App, actor: &Actor, id: Uuid, revision: i64) -> Result<Vendor, Error> {
    actor.require(Permission::VerifyCatalog)?;
    let reviewer = actor.person().ok_or_else(|| Error::Forbidden("A person has to verify.".into()))?;
    let mut tx = app.db.write(actor).await?;
    let before = vendors::lock(tx.conn(), id).await?.ok_or(Error::NotFound("vendor"))?;
    same_revision(revision, before.revision)?;
    super::refuse_merged(before.merged_into_id)?;
    require_review(actor, &before.edited_by)?;
    let now = tx.now();
    let after = Vendor {
        revision: revision + 1,
        updated_at: now,
        verified_at: Some(now),
        verified_by: Some(reviewer),
        ..before.clone()
    };
    vendors::update(tx.conn(), &after).await?;
    tx.record(Event::changed("vendor.verified", &before, &after)).await?.commit().await?;
    app.forget_counts();
    Ok(after)
}

/// The right to review, and not having edited.
pub(super) fn require_review(actor: &Actor, editors: &[Uuid]) -> Result<(), Error> {
    actor.require(Permission::VerifyCatalog)?;
    if matches!(actor.authority.principal, Principal::ServiceAccount(_)) {
        return Err(Error::Forbidden("A person has to review: no script sets DPA, tier, certifications, locations or sub-processors, or verifies.".into()));
    }
    match actor.person() {
        Some(me) if editors.contains(&me) => Err(Error::Forbidden(
            "You edited this yourself. Another reviewer has to verify it and set DPA, tier, certifications, locations and sub-processors.".into(),
        )),
        _ => Ok(()),
    }
}

async fn resolve_parent<S>(
    tx: &mut WriteTx<S>,
    content: &VendorContent,
    id: Option<Uuid>,
) -> Result<Option<Uuid>, Error> {
    let Some(key) = &content.parent else { return Ok(None) };
    let parent = vendors::find(tx.conn(), key)
        .await?
        .ok_or_else(|| Error::field("/parent", format!("There is no vendor '{key}'.")))?;
    if let Some(id) = id
        && vendors::would_circle(tx.conn(), id, parent).await?
    {
        return Err(Error::field("/parent", "A company cannot be its own parent, not even through others."));
    }
    Ok(Some(parent))
}
