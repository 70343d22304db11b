//! Absence: who decides for whom.

use chrono::NaiveDate;
use uuid::Uuid;

use crate::approvals::{Delegation, store::delegations as store};
use base::{app::App, audit::Event, check::Check, error::Error, words::State};
use identity::{Actor, Permission, Sensitive};

/// One's own delegations, and those to oneself, that are not past.
pub async fn delegations(app: &App, actor: &Actor) -> Result<Vec<Delegation>, Error> {
    actor.require(Permission::Read)?;
    let Some(me) = actor.person() else { return Ok(Vec::new()) };
    let today = app.today().await?;
    store::of_person(&mut *app.db.read().await?, me, today).await
}

/// Somebody decides for oneself from a day to a day, both included. Who is delegated to decides in one's
/// name only where neither of both asked, took part or owns.
pub async fn make_delegation(
    app: &App,
    actor: &Actor,
    to: Uuid,
    (from_on, until_on): (NaiveDate, NaiveDate),
    mut reason: Option<String>,
) -> Result<Delegation, Error> {
    actor.require(Permission::Decide)?;
    identity::ops::refuse_token(actor)?;
    actor.require_fresh(Sensitive::Decide, app.clock.now())?;
    let me = actor.person().ok_or_else(|| Error::Forbidden("People delegate.".into()))?;
    let today = app.today().await?;
    let mut check = Check::new();
    check.optional("/reason", &mut reason, 1000);
    check.day("/from_on", Some(from_on));
    check.day("/until_on", Some(until_on));
    if until_on < today {
        check.fault("/until_on", "This day is past.");
    }
    if until_on < from_on {
        check.fault("/until_on", "It ends after it begins.");
    }
    if (until_on - from_on).num_days() > 366 {
        check.fault("/until_on", "A delegation holds for a year at most.");
    }
    if to == me {
        check.fault("/to", "Choose somebody else.");
    }
    let mut tx = app.db.write(actor).await?;
    if to != me && !store::may_decide(tx.conn(), to, today).await? {
        check.fault("/to", "Choose an active reviewer.");
    }
    check.finish()?;
    let now = tx.now();
    let delegation = Delegation {
        id: Uuid::now_v7(),
        revision: 1,
        from_id: me,
        to_id: to,
        from_on,
        until_on,
        reason,
        state: State::Active,
        created_at: now,
        updated_at: now,
    };
    store::save(tx.conn(), &delegation).await?;
    tx.record(Event::created("delegation.made", &delegation)).await?.commit().await?;
    Ok(delegation)
}

/// Takes one's own delegation back, at once.
pub async fn retire_delegation(app: &App, actor: &Actor, id: Uuid) -> Result<Delegation, Error> {
    actor.require(Permission::Decide)?;
    let mut tx = app.db.write(actor).await?;
    let before = store::lock(tx.conn(), id).await?.ok_or(Error::NotFound("delegation"))?;
    if actor.person() != Some(before.from_id) {
        return Err(Error::Forbidden("Only who delegated takes it back.".into()));
    }
    if before.state == State::Retired {
        return Ok(before);
    }
    let after =
        Delegation { state: State::Retired, revision: before.revision + 1, updated_at: tx.now(), ..before.clone() };
    store::save(tx.conn(), &after).await?;
    tx.record(Event::changed("delegation.taken_back", &before, &after)).await?.commit().await?;
    Ok(after)
}
