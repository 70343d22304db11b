//! Integrations follow when the API that they use, or what they depend on, is merged into another. What was approved
//! stays approved: it is the same use of the same API, which was in the register twice.

use uuid::Uuid;

use crate::{
    catalog::{Api, Moved, Repointing},
    integrations::{
        Integration,
        store::{integrations, merging},
    },
};
use base::{db::WriteTx, error::Error, text};

/// Integrations on their way from one API to another.
#[derive(Debug)]
pub struct OnTheirWay {
    before: Vec<Integration>,
    /// The version that each of them named, where it named one.
    pub versions: Vec<(Uuid, Uuid)>,
    /// All of them.
    pub ids: Vec<Uuid>,
}

/// Takes the integrations of an API up, so that its versions can move. Refuses where the other API has one of the same
/// system and name; a retired one stays behind then. Refuses people who own one, did within `days`, or ask for a change of
/// one: they would choose by themselves what their approved integration calls.
pub async fn take_up<S>(tx: &mut WriteTx<S>, step: &Repointing, days: i32) -> Result<OnTheirWay, Error> {
    let mut ids = merging::API.holders(tx.conn(), step.from, step.ids("integration").as_deref()).await?;
    let (stay, clash): (Vec<_>, Vec<_>) =
        merging::clashes(tx.conn(), &ids, step.to).await?.into_iter().partition(|(_, _, retired)| *retired);
    if !clash.is_empty() {
        let names: Vec<String> = clash.into_iter().map(|(_, name, _)| name).take(10).collect();
        return Err(Error::Conflict(format!(
            "Both APIs are used by the same system under the same name: {}. Change the name of one of each first.",
            names.join(", ")
        )));
    }
    ids.retain(|id| !stay.iter().any(|(other, _, _)| other == id));
    if let Some(me) = tx.actor().person() {
        let since = tx.now() - chrono::TimeDelta::days(i64::from(days));
        let teams = integrations::teams_of_many(tx.conn(), &ids).await?;
        if tx.actor().is_in_team(teams.into_iter().map(|(_, team)| team))
            || merging::stood_in(tx.conn(), &ids, me, since).await?
        {
            return Err(Error::Forbidden(format!(
                "You own an integration of this API, did within the last {days} days, or ask for a change of one. Someone else merges it."
            )));
        }
    }
    let before = integrations::lock_many(tx.conn(), &ids).await?;
    let versions = merging::versions_of(tx.conn(), &ids).await?;
    merging::detach_versions(tx.conn(), &ids).await?;
    Ok(OnTheirWay { before, versions, ids })
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
    let (now, back) = (tx.now(), step.dropped("integration"));
    let only = step.ids("integration_dependency");
    let mut ids = merging::UPSTREAMS.holders(tx.conn(), step.from, only.as_deref()).await?;
    ids.extend(back.iter().map(|(id, _)| *id));
    let before = integrations::load(tx.conn(), &ids).await?;
    let dropped = merging::UPSTREAMS.repoint(tx.conn(), &ids, (step.from, step.to), &back, now).await?;
    let mut moved = Moved::default();
    let after = integrations::load(tx.conn(), &ids).await?;
    moved.add_dependencies("integration.dependency_moved", (&before, &after), dropped);
    Ok(moved)
}
