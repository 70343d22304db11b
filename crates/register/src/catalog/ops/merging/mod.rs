//! The catalog's part of merging two vendors or two APIs, and of undoing it. `merges` calls it.

mod release;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::{vendors::require_review, with_editor};
use crate::catalog::{
    Api, ApiContent, Comment, Moved, Repointing, System, Vendor, VendorContent,
    store::{apis, comments, merging, systems, vendors, versions},
};
use base::{audit::Event, db::WriteTx, error::Error, slugs, text, words::State};
use identity::{Actor, Permission};

pub use release::{release_api, release_vendor};

/// What the merge of two records did to them.
#[derive(Debug)]
pub struct Absorbed {
    /// The source's content before.
    pub source: Value,
    /// The target's content before.
    pub target_before: Value,
    /// The target's content after.
    pub target_after: Value,
    /// Slugs that lead to the target now.
    pub slugs: Vec<String>,
    /// What had been merged into the source before.
    pub followers: Vec<Uuid>,
    /// The target's parent before.
    pub parent_before: Option<Uuid>,
    /// When and by whom the target was verified, where the merge ended that.
    pub verified: Option<(DateTime<Utc>, Uuid)>,
    /// An event for each of the two.
    pub events: Vec<Event>,
}

/// Both vendors, locked: the source and the target.
pub async fn lock_vendors<S>(tx: &mut WriteTx<S>, source: &str, target: &str) -> Result<(Vendor, Vendor), Error> {
    let source = vendors::find(tx.conn(), source).await?.ok_or(Error::NotFound("vendor"))?;
    let absent = || Error::field("/into", "There is no such vendor.");
    let target = vendors::find(tx.conn(), target).await?.ok_or_else(absent)?;
    // In one order, so that two merges never wait for each other.
    vendors::lock(tx.conn(), source.min(target)).await?;
    vendors::lock(tx.conn(), source.max(target)).await?;
    let source = vendors::get(tx.conn(), source).await?.ok_or(Error::NotFound("vendor"))?;
    let target = vendors::get(tx.conn(), target).await?.ok_or_else(absent)?;
    Ok((source, target))
}

/// Refuses where one lies above the other with others between them: their subsidiaries would close a circle.
pub async fn refuse_circles<S>(tx: &mut WriteTx<S>, source: &Vendor, target: &Vendor) -> Result<(), Error> {
    if merging::is_above(tx.conn(), source.id, target.id).await? {
        return Err(Error::Conflict(format!(
            "{} is above {} in the hierarchy, with others between them. Change the parent of one of these first.",
            source.content.name, target.content.name
        )));
    }
    Ok(())
}

/// Both APIs, locked: the source and the target.
pub async fn lock_apis<S>(tx: &mut WriteTx<S>, source: &str, target: &str) -> Result<(Api, Api), Error> {
    let source = apis::find(tx.conn(), source).await?.ok_or(Error::NotFound("API"))?;
    let absent = || Error::field("/into", "There is no such API.");
    let target = apis::find(tx.conn(), target).await?.ok_or_else(absent)?;
    apis::lock(tx.conn(), source.min(target)).await?;
    apis::lock(tx.conn(), source.max(target)).await?;
    let source = apis::get(tx.conn(), source).await?.ok_or(Error::NotFound("API"))?;
    let target = apis::get(tx.conn(), target).await?.ok_or_else(absent)?;
    Ok((source, target))
}

/// Who may merge and undo it: a reviewer or a governance lead who edited neither of the two.
pub fn require_merger(actor: &Actor, editors: [&[Uuid]; 2]) -> Result<(), Error> {
    if actor.may(Permission::VerifyCatalog) || !actor.may(Permission::Steward) {
        return require_review(actor, &editors.concat());
    }
    match actor.person() {
        Some(me) if !editors.concat().contains(&me) => Ok(()),
        Some(_) => Err(Error::Forbidden(
            "You edited one of the two yourself. Ask another reviewer or lead to merge them.".into(),
        )),
        None => Err(Error::Forbidden("A person has to merge.".into())),
    }
}

/// Merges the vendors themselves: the source retires and leads to the target, which takes what it lacks.
pub async fn absorb_vendor<S>(tx: &mut WriteTx<S>, source: &Vendor, target: &Vendor) -> Result<Absorbed, Error> {
    let now = tx.now();
    let content = target.content.absorbing(&source.content);
    let gone = Vendor {
        revision: source.revision + 1,
        updated_at: now,
        merged_into_id: Some(target.id),
        content: VendorContent {
            slug: former_slug(&source.content.slug, source.id),
            state: State::Retired,
            // Each of these is one vendor's: what the target takes is no longer the source's.
            lei: source.content.lei.clone().filter(|_| target.content.lei.is_some()),
            provider_name: source.content.provider_name.clone().filter(|_| target.content.provider_name.is_some()),
            ..source.content.clone()
        },
        ..source.clone()
    };
    vendors::update(tx.conn(), &gone).await?;
    let slugs = slugs::redirect(tx.conn(), "vendor", &source.content.slug, (source.id, target.id)).await?;
    let (followers, mut events) = lead_vendors(tx, (source.id, target.id), None).await?;
    merging::set_vendor_merged(tx.conn(), source.id, Some(target.id)).await?;
    let parent_id = parent_of_both(tx, source, target).await?;
    let parent = match parent_id {
        None => None,
        Some(id) => vendors::get(tx.conn(), id).await?.map(|parent| parent.content.slug),
    };
    let content = VendorContent { parent, ..content };
    let editors = source.edited_by.iter().fold(target.edited_by.clone(), |all, one| with_editor(&all, Some(*one)));
    let holds =
        !target.content.identity_differs(&content) && target.verified_by.is_none_or(|by| !editors.contains(&by));
    let after = Vendor {
        revision: target.revision + 1,
        updated_at: now,
        verified_at: target.verified_at.filter(|_| holds),
        verified_by: target.verified_by.filter(|_| holds),
        edited_by: editors,
        parent_id,
        content,
        ..target.clone()
    };
    vendors::update(tx.conn(), &after).await?;
    events.push(Event::changed("vendor.merged_away", source, &gone));
    events.push(Event::changed("vendor.merged", target, &after));
    Ok(Absorbed {
        source: json(&source.content)?,
        target_before: json(&target.content)?,
        target_after: json(&after.content)?,
        slugs,
        followers,
        parent_before: target.parent_id,
        verified: target.verified_at.zip(target.verified_by).filter(|_| !holds),
        events,
    })
}

/// The target's parent, or where it has none the source's, unless that lies below the target.
async fn parent_of_both<S>(tx: &mut WriteTx<S>, source: &Vendor, target: &Vendor) -> Result<Option<Uuid>, Error> {
    let own = target.parent_id.filter(|parent| *parent != source.id);
    if own.is_some() {
        return Ok(own);
    }
    match source.parent_id.filter(|parent| *parent != target.id) {
        Some(parent) if !vendors::would_circle(tx.conn(), target.id, parent).await? => Ok(Some(parent)),
        _ => Ok(None),
    }
}

/// Merges the APIs themselves, as [`absorb_vendor`] does.
pub async fn absorb_api<S>(tx: &mut WriteTx<S>, source: &Api, target: &Api) -> Result<Absorbed, Error> {
    let now = tx.now();
    let content = target.content.absorbing(&source.content);
    let gone = Api {
        revision: source.revision + 1,
        updated_at: now,
        merged_into_id: Some(target.id),
        content: ApiContent {
            slug: former_slug(&source.content.slug, source.id),
            state: State::Retired,
            ..source.content.clone()
        },
        ..source.clone()
    };
    apis::update_facts(tx.conn(), &gone).await?;
    let slugs = slugs::redirect(tx.conn(), "api", &source.content.slug, (source.id, target.id)).await?;
    let (followers, mut events) = lead_apis(tx, (source.id, target.id), None).await?;
    merging::set_api_merged(tx.conn(), source.id, Some(target.id)).await?;
    let editors = source.edited_by.iter().fold(target.edited_by.clone(), |all, one| with_editor(&all, Some(*one)));
    let holds =
        !target.content.identity_differs(&content) && target.verified_by.is_none_or(|by| !editors.contains(&by));
    let (content, upstreams) = super::apis::resolve_upstreams(tx, content, Some(target.id)).await?;
    let after = Api {
        revision: target.revision + 1,
        updated_at: now,
        verified_at: target.verified_at.filter(|_| holds),
        verified_by: target.verified_by.filter(|_| holds),
        edited_by: editors,
        content,
        ..target.clone()
    };
    apis::update(tx.conn(), &after, &upstreams).await?;
    events.push(Event::changed("api.merged_away", source, &gone));
    events.push(Event::changed("api.merged", target, &after));
    Ok(Absorbed {
        source: json(&source.content)?,
        target_before: json(&target.content)?,
        target_after: json(&after.content)?,
        slugs,
        followers,
        parent_before: None,
        verified: target.verified_at.zip(target.verified_by).filter(|_| !holds),
        events,
    })
}

/// APIs, systems, subsidiaries, dependencies and comments follow a vendor.
pub async fn follow_vendor<S>(tx: &mut WriteTx<S>, step: &Repointing) -> Result<Moved, Error> {
    let (now, mut moved) = (tx.now(), Moved::default());
    let ids = merging::VENDOR_OF_API.holders(tx.conn(), step.from, step.ids("api").as_deref()).await?;
    let before = apis::get_many(tx.conn(), &ids).await?;
    let shared = merging::shared_services(tx.conn(), &ids, step.to).await?;
    if !shared.is_empty() {
        return Err(Error::Conflict(format!(
            "Both vendors have an API with the service name {}. Change or clear it on one of the two first.",
            shared.join(", ")
        )));
    }
    merging::VENDOR_OF_API.repoint(tx.conn(), &ids, step.to, now).await?;
    moved.add("api.moved", &before, &apis::get_many(tx.conn(), &ids).await?);

    let ids = merging::VENDOR_OF_SYSTEM.holders(tx.conn(), step.from, step.ids("system").as_deref()).await?;
    let before: Vec<System> = systems::get_many(tx.conn(), &ids).await?;
    merging::VENDOR_OF_SYSTEM.repoint(tx.conn(), &ids, step.to, now).await?;
    moved.add("system.moved", &before, &systems::get_many(tx.conn(), &ids).await?);

    let mut ids = merging::PARENT.holders(tx.conn(), step.from, step.ids("vendor").as_deref()).await?;
    // Its parent is settled with the two records themselves.
    ids.retain(|id| *id != step.to);
    let before = vendors::get_many(tx.conn(), &ids).await?;
    merging::PARENT.repoint(tx.conn(), &ids, step.to, now).await?;
    moved.add("vendor.parent_moved", &before, &vendors::get_many(tx.conn(), &ids).await?);

    follow_dependencies(tx, step, &mut moved).await?;
    follow_comments(tx, "vendor", step, &mut moved).await?;
    Ok(moved)
}

/// Versions, dependencies and comments follow an API. A version whose label the other API has as well stays.
pub async fn follow_api<S>(tx: &mut WriteTx<S>, step: &Repointing) -> Result<Moved, Error> {
    let (now, mut moved) = (tx.now(), Moved::default());
    let only = step.ids("api_version");
    let ids = merging::versions_to_move(tx.conn(), (step.from, step.to), only.as_deref()).await?;
    let mut before = Vec::with_capacity(ids.len());
    for id in &ids {
        before.extend(versions::get(tx.conn(), *id).await?);
    }
    merging::release_current(tx.conn(), &ids).await?;
    merging::API_OF_VERSION.repoint(tx.conn(), &ids, step.to, now).await?;
    let mut after = Vec::with_capacity(ids.len());
    for id in &ids {
        after.extend(versions::get(tx.conn(), *id).await?);
    }
    moved.add("api_version.moved", &before, &after);
    follow_dependencies(tx, step, &mut moved).await?;
    follow_comments(tx, "api", step, &mut moved).await?;
    Ok(moved)
}

/// The version of `api` that stands for each of these versions.
pub async fn counterparts<S>(tx: &mut WriteTx<S>, versions: &[Uuid], api: Uuid) -> Result<Vec<(Uuid, Uuid)>, Error> {
    merging::counterparts(tx.conn(), versions, api).await
}

async fn follow_dependencies<S>(tx: &mut WriteTx<S>, step: &Repointing, moved: &mut Moved) -> Result<(), Error> {
    let (now, back) = (tx.now(), step.dropped("api"));
    let mut ids = merging::UPSTREAMS.holders(tx.conn(), step.from, step.ids("api_dependency").as_deref()).await?;
    ids.extend(back.iter().map(|(id, _)| *id));
    let before = apis::get_many(tx.conn(), &ids).await?;
    let dropped = merging::UPSTREAMS.repoint(tx.conn(), &ids, (step.from, step.to), &back, now).await?;
    let after = apis::get_many(tx.conn(), &ids).await?;
    moved.add_dependencies("api.dependency_moved", (&before, &after), dropped);
    Ok(())
}

/// The API's current version is the one that it had, where it has none now.
pub async fn restore_current<S>(tx: &mut WriteTx<S>, api: Uuid, version: Option<Uuid>) -> Result<Option<Event>, Error> {
    let (Some(version), now) = (version, tx.now()) else { return Ok(None) };
    let before = apis::get(tx.conn(), api).await?.ok_or(Error::NotFound("API"))?;
    merging::restore_current(tx.conn(), api, version, now).await?;
    let after = apis::get(tx.conn(), api).await?.ok_or(Error::NotFound("API"))?;
    let changed = after.revision != before.revision;
    Ok(changed.then(|| Event::changed("api.current_version_set", &before, &after)))
}

/// Vendors that were merged into `from` before lead to `to` from here on: their ids, and an event for each.
async fn lead_vendors<S>(
    tx: &mut WriteTx<S>,
    (from, to): (Uuid, Uuid),
    only: Option<&[Uuid]>,
) -> Result<(Vec<Uuid>, Vec<Event>), Error> {
    let now = tx.now();
    let ids = merging::MERGED_VENDOR.holders(tx.conn(), from, only).await?;
    let before = vendors::get_many(tx.conn(), &ids).await?;
    merging::MERGED_VENDOR.repoint(tx.conn(), &ids, to, now).await?;
    let mut moved = Moved::default();
    moved.add("vendor.merge_followed", &before, &vendors::get_many(tx.conn(), &ids).await?);
    Ok((ids, moved.events))
}

/// The same for APIs.
async fn lead_apis<S>(
    tx: &mut WriteTx<S>,
    (from, to): (Uuid, Uuid),
    only: Option<&[Uuid]>,
) -> Result<(Vec<Uuid>, Vec<Event>), Error> {
    let now = tx.now();
    let ids = merging::MERGED_API.holders(tx.conn(), from, only).await?;
    let before = apis::get_many(tx.conn(), &ids).await?;
    merging::MERGED_API.repoint(tx.conn(), &ids, to, now).await?;
    let mut moved = Moved::default();
    moved.add("api.merge_followed", &before, &apis::get_many(tx.conn(), &ids).await?);
    Ok((ids, moved.events))
}

/// Refuses where an API merge joins APIs of two vendors: its integrations would change the company that they use.
pub async fn refuse_split<S>(tx: &mut WriteTx<S>) -> Result<(), Error> {
    if merging::merged_across_vendors(tx.conn()).await? {
        return Err(Error::Conflict("APIs of the two vendors were merged since. Undo that first.".into()));
    }
    Ok(())
}

async fn follow_comments<S>(
    tx: &mut WriteTx<S>,
    kind: &str,
    step: &Repointing,
    moved: &mut Moved,
) -> Result<(), Error> {
    let ids = merging::comments_on(tx.conn(), (kind, step.from), step.ids("comment").as_deref()).await?;
    let before: Vec<Comment> = comments::get_many(tx.conn(), &ids).await?;
    merging::move_comments(tx.conn(), &ids, step.to).await?;
    moved.add("comment.moved", &before, &comments::get_many(tx.conn(), &ids).await?);
    Ok(())
}

/// What a merged record is called from then on, so that its slug can lead to the other one.
fn former_slug(slug: &str, id: Uuid) -> String {
    let mark = id.simple().to_string();
    format!("{}-merged-{}", text::clip(slug, 60).trim_end_matches('-'), &mark[mark.len() - 8..])
}

fn json<T: serde::Serialize>(content: &T) -> Result<Value, Error> {
    serde_json::to_value(content).map_err(Error::internal)
}
