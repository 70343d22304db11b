//! Planning a campaign, and making its items.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::letters;
use crate::campaigns::{Campaign, CampaignContent, CampaignState, ItemEvidence, ItemState, ReviewItem, store};
use base::{
    app::App,
    audit::{self, Event},
    db::WriteTx,
    error::Error,
    lists::{self, Query},
    words::State,
};
use identity::{Actor, GroupKind, Permission};
use register::integrations::{self, Integration};

/// Items of one campaign at most.
const MOST: usize = 5000;
/// Integrations looked at together.
const PART: usize = 200;

/// Plans a campaign; it begins at once where its first day is today.
pub async fn plan(app: &App, actor: &Actor, content: CampaignContent) -> Result<Campaign, Error> {
    actor.require(Permission::Govern)?;
    let today = app.today().await?;
    let content = content.checked(today)?;
    let ids = matching(app, actor, &content).await?;
    if ids.is_empty() {
        return Err(Error::field("/filter", "No integration in use matches this: there would be nothing to review."));
    }
    let mut tx = app.db.write(actor).await?;
    let review_group_id = group(&mut tx, "/review_group", content.review_group.as_deref()).await?;
    let escalates_to_id = group(&mut tx, "/escalates_to", content.escalates_to.as_deref()).await?;
    let now = tx.now();
    let planned = Campaign {
        id: Uuid::now_v7(),
        revision: 1,
        state: CampaignState::Planned,
        review_group_id,
        escalates_to_id,
        follows: None,
        created_by: actor.person(),
        created_at: now,
        launched_at: None,
        ended_at: None,
        updated_at: now,
        content,
    };
    store::save_campaign(tx.conn(), &planned).await?;
    let mut events = vec![Event::created("campaign.planned", &planned)];
    let mut done = planned;
    if done.starts_on() <= today {
        let (running, mut made) = begin(&mut tx, done, &ids, today).await?;
        letters::launched(app, &mut tx, &running).await?;
        events.append(&mut made);
        done = running;
    }
    tx.commit_all(events).await?;
    app.forget_counts();
    Ok(done)
}

async fn group<S>(tx: &mut WriteTx<S>, pointer: &str, slug: Option<&str>) -> Result<Option<Uuid>, Error> {
    let Some(slug) = slug else { return Ok(None) };
    match identity::ops::group_in(tx, GroupKind::ReviewGroup, slug).await? {
        Some(group) if group.content.state == State::Active && !group.content.members.is_empty() => Ok(Some(group.id)),
        Some(_) => Err(Error::field(pointer, format!("Nobody decides in '{slug}': it is empty or has retired."))),
        None => Err(Error::field(pointer, format!("There is no review group '{slug}'."))),
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    state: String,
}

/// The integrations that a campaign is over. A filter that the list does not know is refused.
pub(super) async fn matching(app: &App, actor: &Actor, content: &CampaignContent) -> Result<Vec<Uuid>, Error> {
    let spec = &integrations::ops::INTEGRATIONS;
    let mut pairs = content.pairs();
    pairs.push(("limit".into(), "500".into()));
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut asked = pairs.clone();
        asked.extend(cursor.take().map(|cursor| ("cursor".to_owned(), cursor)));
        let query = Query::parse(spec, &asked, &[]).map_err(|error| match error {
            Error::Invalid(faults) => {
                let told: Vec<String> = faults.as_slice().iter().map(|fault| fault.message.clone()).collect();
                Error::field("/filter", told.join(" "))
            }
            other => other,
        })?;
        let page = lists::ops::list::<Row>(app, actor, spec, &query).await?;
        let in_use = |row: &Row| matches!(row.state.as_str(), "active" | "suspended" | "deprecated");
        found.extend(page.rows.into_iter().filter(in_use).map(|row| row.id));
        if found.len() > MOST {
            return Err(Error::field("/filter", format!("This matches more than {MOST} integrations. Narrow it.")));
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(found),
        }
    }
}

/// What is known of integrations, whole; in no particular order.
pub(super) async fn evidence(
    conn: &mut PgConnection,
    integrations: &[Integration],
    today: NaiveDate,
) -> Result<HashMap<Uuid, ItemEvidence>, Error> {
    let ids: Vec<Uuid> = integrations.iter().map(|integration| integration.id).collect();
    let mut found = HashMap::new();
    for known in store::known(conn, &ids, today).await? {
        let Some(integration) = integrations.iter().find(|one| one.id == known.integration) else { continue };
        let content = serde_json::to_value(&integration.content).map_err(Error::internal)?;
        let mut changes = known.certified.map(|before| audit::diff(&before, &content)).unwrap_or_default();
        // When it is looked at next is no change of what is used.
        changes.retain(|change| change.field != "next_review_on");
        found.insert(known.integration, ItemEvidence { content, changes, ..known.evidence });
    }
    Ok(found)
}

/// Makes the items of a campaign, with the evidence beside each.
pub(super) async fn begin<S>(
    tx: &mut WriteTx<S>,
    planned: Campaign,
    ids: &[Uuid],
    today: NaiveDate,
) -> Result<(Campaign, Vec<Event>), Error> {
    let now = tx.now();
    let mut events = Vec::new();
    for part in ids.chunks(PART) {
        let integrations = integrations::ops::load(tx.conn(), part).await?;
        let mut known = evidence(tx.conn(), &integrations, today).await?;
        for integration in &integrations {
            let Some(evidence) = known.remove(&integration.id) else { continue };
            let closed = planned.content.auto_close && evidence.is_unchanged();
            let item = ReviewItem {
                id: Uuid::now_v7(),
                revision: 1,
                campaign_id: planned.id,
                integration_id: integration.id,
                state: if closed { ItemState::AutoClosed } else { ItemState::Pending },
                suggestion: evidence.suggestion().0,
                findings: i32::try_from(evidence.findings()).unwrap_or(i32::MAX),
                reason: closed.then(|| "Nothing changed since it was last certified.".to_owned()),
                evidence,
                decided_by: None,
                decided_at: None,
                own: None,
                request_id: None,
                escalated_at: None,
                updated_at: now,
            };
            store::save_item(tx.conn(), &item, &integration.content.name).await?;
            events.push(Event::created(if closed { "review_item.auto_closed" } else { "review_item.made" }, &item));
        }
    }
    let running = Campaign {
        state: CampaignState::Running,
        launched_at: Some(now),
        revision: planned.revision + 1,
        updated_at: now,
        ..planned.clone()
    };
    store::save_campaign(tx.conn(), &running).await?;
    events.push(Event::changed("campaign.launched", &planned, &running));
    Ok((running, events))
}
