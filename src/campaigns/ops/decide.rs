//! Deciding on items: keep, reduce, retire; many at once where nothing is found.

use sqlx::PgConnection;
use uuid::Uuid;

use super::launch;
use crate::{
    app::App,
    approvals::{self, RequestKind},
    audit::Event,
    campaigns::{Campaign, Decision, ItemState, ReviewItem, ReviewVerdict, Reviewers, store},
    check::Check,
    db::{Open, WriteTx},
    error::Error,
    identity::{self, Actor, Permission, Via},
    integrations::{self, Integration},
};

/// Items of one bulk decision at most.
const MOST: usize = 200;

/// What somebody decides on an item.
#[derive(Clone, Debug)]
pub struct NewReview {
    /// What.
    pub verdict: ReviewVerdict,
    /// Why; needed where something is taken away.
    pub reason: Option<String>,
    /// The revision of the integration that they looked at.
    pub looked_at: Option<i64>,
}

/// Whether somebody may decide on an open item: the owners or the group of the campaign; on what is
/// late also those that it escalates to. A token does not, whoever holds it.
pub(super) async fn may(
    conn: &mut PgConnection,
    actor: &Actor,
    campaign: &Campaign,
    item: &ReviewItem,
) -> Result<bool, Error> {
    let (Some(me), Via::Page, None) = (actor.person(), actor.via, actor.authority.token_id) else { return Ok(false) };
    if !(actor.may(Permission::Propose) || actor.may(Permission::Decide) || actor.may(Permission::Govern)) {
        return Ok(false);
    }
    if item.state == ItemState::Escalated
        && let Some(group) = campaign.escalates_to_id
        && store::is_in_group(conn, group, me).await?
    {
        return Ok(true);
    }
    match (campaign.content.reviewers, campaign.review_group_id) {
        (Reviewers::Group, Some(group)) => store::is_in_group(conn, group, me).await,
        _ => Ok(actor.is_in_team(integrations::ops::teams_of(conn, item.integration_id).await?)),
    }
}

fn person(actor: &Actor) -> Result<Uuid, Error> {
    identity::ops::refuse_token(actor)?;
    match (actor.person(), actor.via) {
        (Some(me), Via::Page) => Ok(me),
        _ => Err(Error::Forbidden("A person decides, signed in on the page.".into())),
    }
}

fn refused() -> Error {
    Error::Forbidden("Others review this: its owners, the campaign's group, or who late ones go to.".into())
}

/// Decides on one item. To reduce opens a change request without what is not used, to retire one that
/// retires it, both filled in and as a draft. A team that nobody is left in is replaced first.
pub async fn decide(app: &App, actor: &Actor, id: Uuid, revision: i64, new: NewReview) -> Result<ReviewItem, Error> {
    let me = person(actor)?;
    let verdict = new.verdict;
    let reason = checked(verdict, new.reason)?;
    let today = app.today().await?;
    let mut tx = app.db.write(actor).await?;
    let item = store::items(tx.conn(), &[id]).await?.pop().ok_or(Error::NotFound("review item"))?;
    // The integration before the item, as everywhere.
    let integration = integrations::ops::integration_in(&mut tx, &item.integration_id.to_string()).await?;
    let before = store::lock_items(tx.conn(), &[id]).await?.pop().ok_or(Error::NotFound("review item"))?;
    if before.revision != revision {
        return Err(Error::Stale { given: revision, current: before.revision });
    }
    let campaign = store::campaigns(tx.conn(), &[before.campaign_id]).await?.pop();
    let campaign = campaign.ok_or(Error::NotFound("campaign"))?;
    if !before.is_open() {
        return Err(Error::Conflict(format!("It is closed: {}.", before.state.label().to_lowercase())));
    }
    if !may(tx.conn(), actor, &campaign, &before).await? {
        return Err(refused());
    }
    if new.looked_at.is_some_and(|looked| looked != integration.revision) {
        return Err(Error::Conflict("The integration changed since you looked. Look again, then decide.".into()));
    }
    let (after, events) = one(&mut tx, &campaign, before, integration, (me, verdict, reason), today).await?;
    tx.commit_all(events).await?;
    app.forget_counts();
    Ok(after)
}

fn checked(verdict: ReviewVerdict, mut reason: Option<String>) -> Result<Option<String>, Error> {
    let mut check = Check::new();
    check.optional("/reason", &mut reason, 4000);
    if reason.is_none() && verdict != ReviewVerdict::Keep {
        check.fault("/reason", "Say why; it goes into the change request.");
    }
    check.finish()?;
    Ok(reason)
}

async fn one(
    tx: &mut WriteTx<Open>,
    campaign: &Campaign,
    before: ReviewItem,
    integration: Integration,
    (me, verdict, reason): (Uuid, ReviewVerdict, Option<String>),
    today: chrono::NaiveDate,
) -> Result<(ReviewItem, Vec<Event>), Error> {
    let mut known = launch::evidence(tx.conn(), std::slice::from_ref(&integration), today).await?;
    let evidence = known.remove(&integration.id).ok_or(Error::NotFound("integration"))?;
    if evidence.departed_owner && verdict == ReviewVerdict::Keep {
        return Err(Error::Conflict(
            "Nobody is left in the team that answers for it. Name another team first, then decide.".into(),
        ));
    }
    let mut events = Vec::new();
    let request_id = match verdict {
        ReviewVerdict::Keep => {
            let next = campaign.content.periods.next(today, integration.content.criticality);
            events.extend(approvals::ops::set_review_in(tx, &integration, next).await?);
            None
        }
        ReviewVerdict::Reduce => {
            let mut less = integration.content.clone();
            less.scopes.retain(|scope| !evidence.unused_scopes.contains(&scope.scope));
            let (id, event) = open(tx, &integration, RequestKind::Change, Some(less), reason.clone()).await?;
            events.push(event);
            Some(id)
        }
        ReviewVerdict::Retire => {
            let (id, event) = open(tx, &integration, RequestKind::Retire, None, reason.clone()).await?;
            events.push(event);
            Some(id)
        }
    };
    let teams = integrations::ops::teams_of(tx.conn(), integration.id).await?;
    let own = tx.actor().is_in_team(teams);
    let now = tx.now();
    let decision = Decision { by: me, reason, own, request_id };
    let after = before.clone().decide(verdict, decision, evidence, now)?;
    store::save_item(tx.conn(), &after, &integration.content.name).await?;
    events.push(Event::changed("review_item.decided", &before, &after));
    Ok((after, events))
}

/// Opens the change request that a decision leads to. Whoever decides on the item opens it, so that
/// they do not decide on the request.
async fn open(
    tx: &mut WriteTx<Open>,
    integration: &Integration,
    kind: RequestKind,
    content: Option<integrations::IntegrationContent>,
    reason: Option<String>,
) -> Result<(Uuid, Event), Error> {
    let key = integration.id.to_string();
    let (request, event) = approvals::ops::open_draft_in(tx, &key, kind, content, reason).await?;
    Ok((request.id, event))
}

/// Keeps many at once: only those without findings, and all of them or none.
pub async fn keep_all(app: &App, actor: &Actor, mut ids: Vec<Uuid>) -> Result<usize, Error> {
    let me = person(actor)?;
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() || ids.len() > MOST {
        return Err(Error::field("/items", format!("Choose 1 to {MOST} items.")));
    }
    let today = app.today().await?;
    let mut tx = app.db.write(actor).await?;
    let mut uses: Vec<Uuid> = store::items(tx.conn(), &ids).await?.iter().map(|item| item.integration_id).collect();
    uses.sort_unstable();
    let mut integrations = Vec::new();
    for id in uses {
        integrations.push(integrations::ops::integration_in(&mut tx, &id.to_string()).await?);
    }
    let items = store::lock_items(tx.conn(), &ids).await?;
    let mut events = Vec::new();
    for before in items {
        let campaign = store::campaigns(tx.conn(), &[before.campaign_id]).await?.pop();
        let campaign = campaign.ok_or(Error::NotFound("campaign"))?;
        let found = integrations.iter().find(|one| one.id == before.integration_id).cloned();
        let integration = found.ok_or(Error::NotFound("integration"))?;
        if !before.is_open() || !may(tx.conn(), actor, &campaign, &before).await? {
            return Err(refused());
        }
        let name = integration.content.name.clone();
        let (after, mut done) =
            one(&mut tx, &campaign, before, integration, (me, ReviewVerdict::Keep, None), today).await?;
        if after.findings > 0 {
            return Err(Error::Conflict(format!("'{name}' has findings: look at it on its own.")));
        }
        events.append(&mut done);
    }
    let count = ids.len();
    tx.commit_all(events).await?;
    app.forget_counts();
    Ok(count)
}
