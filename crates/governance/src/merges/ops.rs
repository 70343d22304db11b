//! Merging, looking at merges, and undoing them.

use uuid::Uuid;

use super::{Merge, MergeKind, MergeState, NewMerge, Undo, store};
use crate::{assessments, policy};
use base::{
    app::App,
    audit::Event,
    db::{Open, WriteTx},
    error::{Error, same_revision},
    words::State,
};
use identity::{Actor, Permission};
use register::{
    catalog::{
        Moved, Repointing,
        ops::merging::{self as catalog, Absorbed},
    },
    integrations,
};

/// Whether a merge is made, or only tried so that its outcome can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// Everything is undone at the end.
    Preview,
    /// It is made.
    Merge,
}

/// Merges a vendor, as it was read at `revision`, into another one. A reviewer or a lead does who edited neither.
pub async fn merge_vendor(
    app: &App,
    actor: &Actor,
    (key, revision): (&str, i64),
    new: NewMerge,
    run: Run,
) -> Result<Merge, Error> {
    let me = merger(actor)?;
    let new = new.checked()?;
    let mut tx = app.db.write(actor).await?;
    let (source, target) = catalog::lock_vendors(&mut tx, key, &new.into).await?;
    catalog::require_merger(actor, [&source.edited_by, &target.edited_by])?;
    same_revision(revision, source.revision)?;
    let ends = [(source.id, source.merged_into_id), (target.id, target.merged_into_id)];
    refuse_ends(ends, target.content.state)?;
    let mut merge = new_merge(&tx, MergeKind::Vendor, (source.id, target.id), (new.reason, me));
    // First of all: what is otherwise fixed may follow a merge that is on record.
    store::save(tx.conn(), &merge).await?;
    catalog::refuse_circles(&mut tx, &source, &target).await?;
    let step = Repointing { from: source.id, to: target.id, only: None, dropped: Vec::new() };
    let moved = follow_vendor(&mut tx, &step).await?;
    let absorbed = catalog::absorb_vendor(&mut tx, &source, &target).await?;
    let events = finished(&mut merge, moved, absorbed);
    store::save(tx.conn(), &merge).await?;
    if run == Run::Merge {
        commit(app, tx, &merge, events).await?;
    }
    Ok(merge)
}

/// Merges an API, as it was read at `revision`, into another one of the same vendor. Its integrations follow, each with
/// the version of the same label.
pub async fn merge_api(
    app: &App,
    actor: &Actor,
    (key, revision): (&str, i64),
    new: NewMerge,
    run: Run,
) -> Result<Merge, Error> {
    let me = merger(actor)?;
    let new = new.checked()?;
    let mut tx = app.db.write(actor).await?;
    let (source, target) = catalog::lock_apis(&mut tx, key, &new.into).await?;
    catalog::require_merger(actor, [&source.edited_by, &target.edited_by])?;
    same_revision(revision, source.revision)?;
    let ends = [(source.id, source.merged_into_id), (target.id, target.merged_into_id)];
    refuse_ends(ends, target.content.state)?;
    if source.vendor_id != target.vendor_id {
        return Err(Error::field("/into", "That API belongs to another vendor. Merge the vendors first."));
    }
    let mut merge = new_merge(&tx, MergeKind::Api, (source.id, target.id), (new.reason, me));
    store::save(tx.conn(), &merge).await?;
    let step = Repointing { from: source.id, to: target.id, only: None, dropped: Vec::new() };
    let days = register::settings::ops::in_force(app).await?.ownership_days;
    let taken = integrations::ops::take_up(&mut tx, &step, days).await?;
    let named: Vec<Uuid> = taken.versions.iter().map(|(_, version)| *version).collect();
    let mut moved = catalog::follow_api(&mut tx, &step).await?;
    let pairs = catalog::counterparts(&mut tx, &named, target.id).await?;
    let of = |(integration, was): &(Uuid, Uuid)| {
        let counterpart = pairs.iter().find(|(version, _)| version == was).map(|(_, counterpart)| *counterpart);
        (*integration, *was, counterpart)
    };
    let versions: Vec<(Uuid, Uuid, Option<Uuid>)> = taken.versions.iter().map(of).collect();
    let present: Vec<(Uuid, Uuid)> = versions.iter().filter_map(|(id, _, version)| Some((*id, (*version)?))).collect();
    moved.append(integrations::ops::put_down(&mut tx, taken, &target, &present).await?);
    moved.append(integrations::ops::follow_dependencies(&mut tx, &step).await?);
    let current_version = source.current_version_id;
    // Its versions are gone by now.
    let (source, target) = catalog::lock_apis(&mut tx, &source.id.to_string(), &target.id.to_string()).await?;
    let absorbed = catalog::absorb_api(&mut tx, &source, &target).await?;
    let events = finished(&mut merge, moved, absorbed);
    (merge.undo.versions, merge.undo.current_version) = (versions, current_version);
    store::save(tx.conn(), &merge).await?;
    if run == Run::Merge {
        commit(app, tx, &merge, events).await?;
    }
    Ok(merge)
}

/// A merge. Everyone signed in may read it.
pub async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<Merge, Error> {
    actor.require(Permission::Read)?;
    store::get(&mut *app.db.read().await?, id).await?.ok_or(Error::NotFound("merge"))
}

/// The merges in effect that a record takes part in, the newest first.
pub async fn of(app: &App, actor: &Actor, record: Uuid) -> Result<Vec<Merge>, Error> {
    actor.require(Permission::Read)?;
    store::of(&mut *app.db.read().await?, record).await
}

/// Undoes a merge: both records are what they were, apart from what was changed since, and what had moved and still
/// refers to the target refers to the source again.
pub async fn undo(app: &App, actor: &Actor, id: Uuid, revision: i64) -> Result<Merge, Error> {
    let me = merger(actor)?;
    let mut tx = app.db.write(actor).await?;
    let before = store::lock(tx.conn(), id).await?.ok_or(Error::NotFound("merge"))?;
    same_revision(revision, before.revision)?;
    if before.state == MergeState::Undone {
        return Err(Error::Conflict("This merge was undone already.".into()));
    }
    if store::is_followed(tx.conn(), &before).await? {
        return Err(Error::Conflict("Something else was merged into the same record since. Undo that first.".into()));
    }
    let days = register::settings::ops::in_force(app).await?.ownership_days;
    let mut events = match before.kind {
        MergeKind::Vendor => undo_vendor(&mut tx, actor, &before).await?,
        MergeKind::Api => undo_api(&mut tx, actor, &before, days).await?,
    };
    let after = Merge {
        revision: before.revision + 1,
        state: MergeState::Undone,
        undone_by: Some(me),
        undone_at: Some(tx.now()),
        ..before.clone()
    };
    store::save(tx.conn(), &after).await?;
    events.push(Event::changed("merge.undone", &before, &after));
    tx.commit_all(events).await?;
    app.forget_counts();
    Ok(after)
}

async fn undo_vendor(tx: &mut WriteTx<Open>, actor: &Actor, merge: &Merge) -> Result<Vec<Event>, Error> {
    let (source, target) =
        catalog::lock_vendors(tx, &merge.source_id.to_string(), &merge.target_id.to_string()).await?;
    require_undoer(actor, [&source.edited_by, &target.edited_by], merge)?;
    refuse_later(target.merged_into_id)?;
    let mut events = catalog::release_vendor(tx, (&source, &target), &absorbed_of(merge)).await?;
    events.append(&mut follow_vendor(tx, &back(merge)).await?.events);
    catalog::refuse_split(tx).await?;
    Ok(events)
}

async fn undo_api(tx: &mut WriteTx<Open>, actor: &Actor, merge: &Merge, days: i32) -> Result<Vec<Event>, Error> {
    let ids = (merge.source_id.to_string(), merge.target_id.to_string());
    let (source, target) = catalog::lock_apis(tx, &ids.0, &ids.1).await?;
    require_undoer(actor, [&source.edited_by, &target.edited_by], merge)?;
    refuse_later(target.merged_into_id)?;
    // Nothing goes to what is merged away: that ends first.
    let mut events = catalog::release_api(tx, (&source, &target), &absorbed_of(merge)).await?;
    let step = back(merge);
    let taken = integrations::ops::take_up(tx, &step, days).await?;
    let mut moved = catalog::follow_api(tx, &step).await?;
    let named: Vec<Uuid> = taken.versions.iter().map(|(_, version)| *version).collect();
    let pairs = catalog::counterparts(tx, &named, source.id).await?;
    let version_of = |id: &Uuid| {
        let now = taken.versions.iter().find(|(integration, _)| integration == id).map(|(_, version)| *version);
        // As the merge left it: what it was before. Else the source's version of the same label.
        let unchanged = merge.undo.versions.iter().find(|(integration, _, since)| integration == id && *since == now);
        let counterpart = || pairs.iter().find(|(version, _)| Some(*version) == now).map(|(_, own)| *own);
        let version = unchanged.map(|(_, was, _)| *was).or_else(counterpart)?;
        Some((*id, version))
    };
    let versions: Vec<(Uuid, Uuid)> = taken.ids.iter().filter_map(version_of).collect();
    moved.append(integrations::ops::put_down(tx, taken, &source, &versions).await?);
    moved.append(integrations::ops::follow_dependencies(tx, &step).await?);
    events.append(&mut moved.events);
    events.extend(catalog::restore_current(tx, source.id, merge.undo.current_version).await?);
    Ok(events)
}

async fn follow_vendor(tx: &mut WriteTx<Open>, step: &Repointing) -> Result<Moved, Error> {
    let mut moved = catalog::follow_vendor(tx, step).await?;
    moved.append(integrations::ops::follow_dependencies(tx, step).await?);
    moved.append(assessments::ops::follow_vendor(tx, step).await?);
    moved.append(policy::ops::follow_vendor(tx, step).await?);
    Ok(moved)
}

/// The person who merges: those who do it at all, whichever records they edited.
fn merger(actor: &Actor) -> Result<Uuid, Error> {
    catalog::require_merger(actor, [&[], &[]])?;
    actor.person().ok_or_else(|| Error::Forbidden("A person has to merge.".into()))
}

fn refuse_ends(ends: [(Uuid, Option<Uuid>); 2], target: State) -> Result<(), Error> {
    let [(source, merged), (into, into_merged)] = ends;
    if source == into {
        return Err(Error::field("/into", "Choose another record than the one that is merged."));
    }
    if merged.is_some() {
        return Err(Error::Conflict("It was merged already.".into()));
    }
    if target == State::Retired || into_merged.is_some() {
        return Err(Error::field("/into", "This one is retired. Choose one that is in use."));
    }
    Ok(())
}

fn refuse_later(target: Option<Uuid>) -> Result<(), Error> {
    match target {
        None => Ok(()),
        Some(_) => {
            Err(Error::Conflict("The record that stayed was merged into another since. Undo that first.".into()))
        }
    }
}

/// Who merged may undo it, although it made them an editor of nothing; others as for merging.
fn require_undoer(actor: &Actor, editors: [&[Uuid]; 2], merge: &Merge) -> Result<(), Error> {
    let without_them: Vec<Vec<Uuid>> =
        editors.iter().map(|all| all.iter().filter(|one| **one != merge.merged_by).copied().collect()).collect();
    catalog::require_merger(actor, [&without_them[0], &without_them[1]])
}

fn new_merge(tx: &WriteTx<Open>, kind: MergeKind, ends: (Uuid, Uuid), by: (String, Uuid)) -> Merge {
    Merge {
        id: Uuid::now_v7(),
        revision: 1,
        kind,
        source_id: ends.0,
        target_id: ends.1,
        reason: by.0,
        state: MergeState::Merged,
        moved: Vec::new(),
        merged_by: by.1,
        merged_at: tx.now(),
        undone_by: None,
        undone_at: None,
        undo: Undo::default(),
    }
}

/// Puts what happened into the merge; the events of all of it.
fn finished(merge: &mut Merge, moved: Moved, absorbed: Absorbed) -> Vec<Event> {
    merge.moved = moved.records;
    merge.undo = Undo {
        source: absorbed.source,
        target_before: absorbed.target_before,
        target_after: absorbed.target_after,
        slugs: absorbed.slugs,
        followers: absorbed.followers,
        versions: Vec::new(),
        current_version: None,
        parent_before: absorbed.parent_before,
        verified: absorbed.verified,
        dropped: moved.dropped,
    };
    moved.events.into_iter().chain(absorbed.events).collect()
}

async fn commit(app: &App, tx: WriteTx<Open>, merge: &Merge, mut events: Vec<Event>) -> Result<(), Error> {
    events.push(Event::created("merge.made", merge));
    tx.commit_all(events).await?;
    app.forget_counts();
    Ok(())
}

fn absorbed_of(merge: &Merge) -> Absorbed {
    let undo = merge.undo.clone();
    Absorbed {
        source: undo.source,
        target_before: undo.target_before,
        target_after: undo.target_after,
        slugs: undo.slugs,
        followers: undo.followers,
        parent_before: undo.parent_before,
        verified: undo.verified,
        events: Vec::new(),
    }
}

fn back(merge: &Merge) -> Repointing {
    Repointing {
        from: merge.target_id,
        to: merge.source_id,
        only: Some(merge.moved.clone()),
        dropped: merge.undo.dropped.clone(),
    }
}
