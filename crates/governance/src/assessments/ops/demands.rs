//! Demands: something happened, or none is needed.

use uuid::Uuid;

use super::{follow, require_assessor};
use crate::assessments::{
    Cause, Demand, Occurrence,
    store::{demands, vendors},
};
use base::{
    app::App,
    audit::Event,
    check::Check,
    error::{Error, same_revision},
};
use identity::{Actor, Permission};
use register::catalog;

/// One demand.
pub async fn find_demand(app: &App, actor: &Actor, id: Uuid) -> Result<Demand, Error> {
    actor.require(Permission::Read)?;
    demands::get(&mut *app.db.read().await?, id).await?.ok_or(Error::NotFound("demand"))
}

/// Reports that something happened at a vendor: every questionnaire by which it was assessed or that
/// is chosen for it is wanted anew, once for each reference. The demands that this made.
pub async fn report(app: &App, actor: &Actor, occurrence: Occurrence) -> Result<Vec<Demand>, Error> {
    require_assessor(actor)?;
    let occurrence = occurrence.checked()?;
    let vendor = catalog::ops::find_vendor(app, actor, &occurrence.vendor).await.map_err(|error| match error {
        Error::NotFound(_) => Error::field("/vendor", "There is no such vendor."),
        other => other,
    })?;
    let today = app.today().await?;
    let mut tx = app.db.write(actor).await?;
    vendors::lock_turn(tx.conn(), vendor.id).await?;
    let wanted = follow::questionnaires_for(tx.conn(), &vendor, today).await?;
    if wanted.is_empty() {
        return Err(Error::Conflict(
            "No questionnaire is meant for this vendor: choose one by its condition, or begin an assessment.".into(),
        ));
    }
    let mut made = Vec::new();
    for (id, content) in &wanted {
        let new = follow::demand(tx.now(), *id, vendor.id, Cause::Incident, occurrence.reference.clone());
        if demands::insert(tx.conn(), &new, None, (&content.title, &vendor.content.name)).await? {
            made.push(new);
        }
    }
    let events = made.iter().map(|one| Event::created("assessment_demand.made", one)).collect();
    tx.commit_all(events).await?;
    app.forget_counts();
    Ok(made)
}

/// Says why none is needed.
pub async fn dismiss(app: &App, actor: &Actor, id: Uuid, revision: i64, note: &str) -> Result<Demand, Error> {
    require_assessor(actor)?;
    let mut check = Check::new();
    let mut note = Some(note.to_owned());
    check.optional("/note", &mut note, 4000);
    if note.is_none() {
        check.fault("/note", "Say why no assessment is needed.");
    }
    check.finish()?;
    let mut tx = app.db.write(actor).await?;
    let before = demands::lock(tx.conn(), id).await?.ok_or(Error::NotFound("demand"))?;
    same_revision(revision, before.revision)?;
    let after = before.clone().close(None, note)?;
    let now = tx.now();
    demands::save(tx.conn(), &after, now).await?;
    tx.record(Event::changed("assessment_demand.dismissed", &before, &after)).await?.commit().await?;
    app.forget_counts();
    Ok(after)
}
