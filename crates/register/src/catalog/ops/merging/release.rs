//! Undoing what a merge did to the two records themselves.

use super::{Absorbed, json, lead_apis, lead_vendors};
use crate::catalog::{
    Api, ApiContent, Vendor, VendorContent,
    absorbing::without_absorbed,
    ops::apis::resolve_upstreams,
    store::{apis, merging, vendors},
};
use base::{audit::Event, db::WriteTx, error::Error, slugs};

/// Undoes the merge for both vendors: the target loses what it took and no one changed since, the source is what it was.
pub async fn release_vendor<S>(
    tx: &mut WriteTx<S>,
    (source, target): (&Vendor, &Vendor),
    done: &Absorbed,
) -> Result<Vec<Event>, Error> {
    let now = tx.now();
    let present = json(&target.content)?;
    let content = without_absorbed(&present, &done.target_before, &done.target_after);
    let content: VendorContent = serde_json::from_value(content).map_err(Error::internal)?;
    let parent_id = if content.parent == target.content.parent { target.parent_id } else { done.parent_before };
    let before: VendorContent = serde_json::from_value(done.target_before.clone()).map_err(Error::internal)?;
    let holds = !target.content.identity_differs(&content);
    let now_verified = target.verified_at.zip(target.verified_by).filter(|_| holds);
    let as_before = done.verified.filter(|_| !before.identity_differs(&content));
    let verified = now_verified.or(as_before.filter(|(_, by)| !target.edited_by.contains(by)));
    let kept = Vendor {
        revision: target.revision + 1,
        updated_at: now,
        verified_at: verified.map(|(at, _)| at),
        verified_by: verified.map(|(_, by)| by),
        parent_id,
        content,
        ..target.clone()
    };
    // First of all: nothing refers to what is merged away.
    merging::set_vendor_merged(tx.conn(), source.id, None).await?;
    let (_, mut events) = lead_vendors(tx, (target.id, source.id), Some(&done.followers)).await?;
    // Then the target: what it took is one vendor's.
    vendors::update(tx.conn(), &kept).await?;
    slugs::redirect_back(tx.conn(), "vendor", &done.slugs, (target.id, source.id)).await?;
    let content: VendorContent = serde_json::from_value(done.source.clone()).map_err(Error::internal)?;
    let slug = vendors::free_slug(tx.conn(), &content.slug).await?;
    let back = Vendor {
        revision: source.revision + 1,
        updated_at: now,
        merged_into_id: None,
        content: VendorContent { slug, ..content },
        ..source.clone()
    };
    vendors::update(tx.conn(), &back).await?;
    events.push(Event::changed("vendor.merge_undone", target, &kept));
    events.push(Event::changed("vendor.restored", source, &back));
    Ok(events)
}

/// Undoes that for both APIs, as [`release_vendor`] does.
pub async fn release_api<S>(
    tx: &mut WriteTx<S>,
    (source, target): (&Api, &Api),
    done: &Absorbed,
) -> Result<Vec<Event>, Error> {
    let now = tx.now();
    let present = json(&target.content)?;
    let content = without_absorbed(&present, &done.target_before, &done.target_after);
    let content: ApiContent = serde_json::from_value(content).map_err(Error::internal)?;
    let before: ApiContent = serde_json::from_value(done.target_before.clone()).map_err(Error::internal)?;
    let holds = !target.content.identity_differs(&content);
    let now_verified = target.verified_at.zip(target.verified_by).filter(|_| holds);
    let as_before = done.verified.filter(|_| !before.identity_differs(&content));
    let verified = now_verified.or(as_before.filter(|(_, by)| !target.edited_by.contains(by)));
    merging::set_api_merged(tx.conn(), source.id, None).await?;
    let (_, mut events) = lead_apis(tx, (target.id, source.id), Some(&done.followers)).await?;
    let (content, upstreams) = resolve_upstreams(tx, content, Some(target.id)).await?;
    let kept = Api {
        revision: target.revision + 1,
        updated_at: now,
        verified_at: verified.map(|(at, _)| at),
        verified_by: verified.map(|(_, by)| by),
        content,
        ..target.clone()
    };
    apis::update(tx.conn(), &kept, &upstreams).await?;
    slugs::redirect_back(tx.conn(), "api", &done.slugs, (target.id, source.id)).await?;
    let content: ApiContent = serde_json::from_value(done.source.clone()).map_err(Error::internal)?;
    let slug = apis::free_slug(tx.conn(), &content.slug).await?;
    // Its vendor may be another by now: an API stays with its vendor.
    let content = ApiContent { slug, vendor: source.content.vendor.clone(), ..content };
    let back = Api { revision: source.revision + 1, updated_at: now, merged_into_id: None, content, ..source.clone() };
    apis::update_facts(tx.conn(), &back).await?;
    events.push(Event::changed("api.merge_undone", target, &kept));
    events.push(Event::changed("api.restored", source, &back));
    Ok(events)
}
