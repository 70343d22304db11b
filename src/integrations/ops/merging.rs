//! Integrations follow when the API that they use, or what they depend on, is merged into another. What was approved
//! stays approved: it is the same use of the same API, which was in the register twice.

use uuid::Uuid;

use crate::{
    catalog::{Api, Moved, MovedRecord, Repointing},
    db::WriteTx,
    error::Error,
    integrations::{
        Integration,
        store::{integrations, merging},
    },
    text,
};

/// Integrations on their way from one API to another.
#[derive(Debug)]
pub struct OnTheirWay {
    before: Vec<Integration>,
    /// The version that each of them named, where it named one.
    pub versions: Vec<(Uuid, Uuid)>,
}

/// Takes the integrations of an API up, so that its versions can move. Refuses where the other API has one of the same
/// system and name.
pub async fn take_up<S>(tx: &mut WriteTx<S>, step: &Repointing) -> Result<OnTheirWay, Error> {
    let ids = merging::of_api(tx.conn(), step.from, step.ids("integration").as_deref()).await?;
    let clashes = merging::clashes(tx.conn(), &ids, step.to).await?;
    if !clashes.is_empty() {
        return Err(Error::Conflict(format!(
            "Both APIs are used by the same system under the same name: {}. Rename or retire one of each first.",
            clashes.join(", ")
        )));
    }
    let before = integrations::lock_many(tx.conn(), &ids).await?;
    let versions = merging::versions_of(tx.conn(), &ids).await?;
    merging::detach_versions(tx.conn(), &ids).await?;
    Ok(OnTheirWay { before, versions })
}

/// Gives them to the other API, each with the version that `versions` pairs with it.
pub async fn put_down<S>(
    tx: &mut WriteTx<S>,
    taken: OnTheirWay,
    to: &Api,
    versions: &[(Uuid, Uuid)],
) -> Result<Moved, Error> {
    let ids: Vec<Uuid> = taken.before.iter().map(|one| one.id).collect();
    let of = |id: &Uuid| versions.iter().find(|(integration, _)| integration == id).map(|(_, version)| *version);
    let named: Vec<Option<Uuid>> = ids.iter().map(of).collect();
    let words = text::search_text(&[&to.content.name, &to.content.slug]);
    let now = tx.now();
    merging::move_to_api(tx.conn(), (&ids, &named), (to.id, &words), now).await?;
    let mut moved = Moved::default();
    moved.add("integration.moved", &taken.before, &integrations::load(tx.conn(), &ids).await?);
    Ok(moved)
}

/// What integrations depend on beside their API follows a vendor or an API.
pub async fn follow_dependencies<S>(tx: &mut WriteTx<S>, step: &Repointing) -> Result<Moved, Error> {
    let ids = merging::dependents_on(tx.conn(), step.from, step.ids("integration_dependency").as_deref()).await?;
    let before = integrations::load(tx.conn(), &ids).await?;
    let now = tx.now();
    merging::move_dependencies(tx.conn(), &ids, (step.from, step.to), now).await?;
    let mut moved = Moved::default();
    moved.add("integration.dependency_moved", &before, &integrations::load(tx.conn(), &ids).await?);
    for MovedRecord { kind, .. } in &mut moved.records {
        "integration_dependency".clone_into(kind);
    }
    Ok(moved)
}
