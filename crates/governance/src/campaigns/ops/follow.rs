//! What days bring: campaigns begin, late items escalate and are suspended, the last one closed ends
//! the campaign and plans the next.

use chrono::{Days, Months, NaiveDate};
use uuid::Uuid;

use super::{launch, letters};
use crate::campaigns::{Campaign, CampaignContent, CampaignState, ItemState, ReviewItem, store};
use base::{
    app::App,
    audit::Event,
    db::{Open, WriteTx},
    error::Error,
};
use identity::Actor;
use register::integrations::{self, Integration, IntegrationState};

/// Items looked at in one transaction.
const PART: usize = 200;
/// States of items that wait for a decision.
const OPEN: [ItemState; 2] = [ItemState::Pending, ItemState::Escalated];

fn job() -> Actor {
    Actor::job("system:campaigns", Uuid::now_v7().to_string())
}

/// Does what is due; how many campaigns were looked at.
pub async fn follow(app: &App) -> Result<usize, Error> {
    let today = app.today().await?;
    let (beginning, running) = store::due(&mut *app.db.read().await?, today).await?;
    let mut run = app.background.run("follow campaigns", &app.stop);
    let resting = run.resting();
    for id in beginning.iter().filter(|id| !resting.contains(id)) {
        if run.goes_on() {
            run.settle(*id, begin(app, *id, today).await);
        }
    }
    letters::remind(app, today).await?;
    for id in running.iter().filter(|id| !resting.contains(id)) {
        if run.goes_on() {
            let followed = match late(app, *id, today).await {
                Ok(()) => end(app, *id).await,
                failed => failed,
            };
            run.settle(*id, followed);
        }
    }
    Ok(run.done())
}

async fn begin(app: &App, id: Uuid, today: NaiveDate) -> Result<(), Error> {
    let actor = job();
    let seen = super::find_campaign(app, &actor, id).await?;
    let ids = launch::matching(app, &actor, &seen.content).await?;
    if ids.is_empty() {
        return Err(Error::Conflict(
            "Nothing in use matches the campaign's filter any more. Cancel it, or plan another one.".into(),
        ));
    }
    let mut tx = app.db.write(&actor).await?;
    let planned = store::lock_campaign(tx.conn(), id).await?.ok_or(Error::NotFound("campaign"))?;
    if planned.state != CampaignState::Planned {
        return Ok(());
    }
    let (running, events) = launch::begin(&mut tx, planned, &ids, today).await?;
    letters::launched(app, &mut tx, &running).await?;
    tx.commit_all(events).await?;
    app.forget_counts();
    Ok(())
}

/// Items past the last day: somebody else is asked; after the days that the campaign gives, what they
/// left open is suspended.
async fn late(app: &App, id: Uuid, today: NaiveDate) -> Result<(), Error> {
    let actor = job();
    let campaign = super::find_campaign(app, &actor, id).await?;
    if campaign.ends_on() >= today {
        return Ok(());
    }
    let days = campaign.content.suspend_after_days.and_then(|days| u64::try_from(days).ok());
    let suspends = days.is_some_and(|days| campaign.ends_on() + Days::new(days) < today);
    // What was escalated waits for its own day, and is not looked at each minute until then.
    let states: &[ItemState] = if suspends { &OPEN } else { &OPEN[..1] };
    let open = store::items_at(&mut *app.db.read().await?, id, states, 5000).await?;
    let mut told = false;
    for part in open.chunks(PART) {
        let mut tx = app.db.write(&actor).await?;
        let uses: Vec<Uuid> = store::items(tx.conn(), part).await?.iter().map(|item| item.integration_id).collect();
        // Integrations before items, as everywhere; only where one may be suspended.
        let held = if suspends { integrations::ops::lock_many(&mut tx, &uses).await? } else { Vec::new() };
        let mut events = Vec::new();
        for before in store::lock_items(tx.conn(), part).await? {
            let integration = held.iter().find(|one| one.id == before.integration_id);
            let comes_up = before.state == ItemState::Pending;
            events.extend(overdue(&mut tx, &campaign, before, integration).await?);
            if comes_up && !told {
                letters::escalated(app, &mut tx, &campaign).await?;
                told = true;
            }
        }
        if tx.commit_all(events).await? > 0 {
            app.forget_counts();
        }
    }
    Ok(())
}

/// What happens to one item whose day is past; nothing where somebody decided meanwhile.
async fn overdue(
    tx: &mut WriteTx<Open>,
    campaign: &Campaign,
    before: ReviewItem,
    integration: Option<&Integration>,
) -> Result<Vec<Event>, Error> {
    let now = tx.now();
    let mut events = Vec::new();
    let (after, action) = match (before.state, integration) {
        (ItemState::Pending, _) => (before.clone().escalate(now), "review_item.escalated"),
        (ItemState::Escalated, Some(integration)) => {
            if matches!(integration.state, IntegrationState::Active | IntegrationState::Deprecated) {
                let reason = format!("Nobody certified it in time: {}.", campaign.content.title);
                events.push(integrations::ops::suspend_in(tx, integration, reason).await?);
            }
            (before.clone().suspend(now), "review_item.suspended")
        }
        _ => return Ok(events),
    };
    store::save_item(tx.conn(), &after, "").await?;
    events.push(Event::changed(action, &before, &after));
    Ok(events)
}

/// Ends a campaign whose items are all closed, and plans the next one where it repeats.
async fn end(app: &App, id: Uuid) -> Result<(), Error> {
    let mut tx = app.db.write(&job()).await?;
    let before = store::lock_campaign(tx.conn(), id).await?.ok_or(Error::NotFound("campaign"))?;
    let open = !store::items_at(tx.conn(), id, &OPEN, 1).await?.is_empty();
    if before.state != CampaignState::Running || open {
        return Ok(());
    }
    let now = tx.now();
    let after = Campaign {
        state: CampaignState::Ended,
        ended_at: Some(now),
        revision: before.revision + 1,
        updated_at: now,
        ..before.clone()
    };
    store::save_campaign(tx.conn(), &after).await?;
    let mut events = vec![Event::changed("campaign.ended", &before, &after)];
    events.extend(next(&mut tx, &after).await?);
    tx.commit_all(events).await?;
    app.forget_counts();
    Ok(())
}

async fn next(tx: &mut WriteTx<Open>, ended: &Campaign) -> Result<Option<Event>, Error> {
    let Some(months) = ended.content.repeats_months.and_then(|months| u32::try_from(months).ok()) else {
        return Ok(None);
    };
    // Counted from the first of the row: from the one before, a month's end would never come back after a February.
    let (starts, ends, rounds) = store::first_of(tx.conn(), ended.id).await?;
    let later = |day: NaiveDate| day.checked_add_months(Months::new(months.saturating_mul(rounds + 1)));
    let (Some(starts), Some(ends)) = (later(starts), later(ends)) else { return Ok(None) };
    let now = tx.now();
    let content = CampaignContent { starts_on: Some(starts), ends_on: Some(ends), ..ended.content.clone() };
    let planned = Campaign {
        id: Uuid::now_v7(),
        revision: 1,
        state: CampaignState::Planned,
        review_group_id: ended.review_group_id,
        escalates_to_id: ended.escalates_to_id,
        follows: Some(ended.id),
        created_by: None,
        created_at: now,
        launched_at: None,
        ended_at: None,
        updated_at: now,
        content,
    };
    store::save_campaign(tx.conn(), &planned).await?;
    Ok(Some(Event::created("campaign.planned", &planned)))
}
