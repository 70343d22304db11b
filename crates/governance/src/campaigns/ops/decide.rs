//! Deciding on items: keep, reduce, retire; many at once where nothing is found.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::launch;
use crate::{
    approvals::{self, RequestKind},
    campaigns::{Campaign, Decision, ItemEvidence, ItemState, ReviewItem, ReviewVerdict, Reviewers, store},
};
use base::{
    app::App,
    audit::Event,
    check::Check,
    db::{Open, WriteTx},
    error::{Error, same_revision},
};
use identity::{Actor, Permission, Sensitive, Via};
use register::integrations::{self, Integration};

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

/// What somebody may decide on: asked once for all items that are looked at.
pub(super) struct Reach {
    groups: Vec<Uuid>,
    teams: HashMap<Uuid, Vec<Uuid>>,
}

impl Reach {
    /// Of somebody, over items.
    pub(super) async fn of(conn: &mut PgConnection, actor: &Actor, items: &[ReviewItem]) -> Result<Self, Error> {
        let groups = match actor.person() {
            Some(me) => store::groups_of(conn, me).await?,
            None => Vec::new(),
        };
        let ids: Vec<Uuid> = items.iter().map(|item| item.integration_id).collect();
        let mut teams: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for (integration, team) in integrations::ops::teams_of_many(conn, &ids).await? {
            teams.entry(integration).or_default().push(team);
        }
        Ok(Self { groups, teams })
    }

    /// The teams that own what an item is about.
    fn teams(&self, item: &ReviewItem) -> Vec<Uuid> {
        self.teams.get(&item.integration_id).cloned().unwrap_or_default()
    }

    /// Whether they may decide on an open item: the owners or the group of the campaign; on what is late
    /// also those that it escalates to, else governance leads. A token does not, whoever holds it.
    pub(super) fn may(&self, actor: &Actor, campaign: &Campaign, item: &ReviewItem) -> bool {
        if actor.person().is_none() || actor.via != Via::Page || actor.authority.token_id.is_some() {
            return false;
        }
        if !(actor.may(Permission::Propose) || actor.may(Permission::Decide) || actor.may(Permission::Govern)) {
            return false;
        }
        let is_in = |group: Option<Uuid>| group.is_some_and(|group| self.groups.contains(&group));
        if item.state == ItemState::Escalated {
            let heard = match campaign.escalates_to_id {
                Some(group) => is_in(Some(group)),
                // Where the campaign names nobody, late ones go to those who govern.
                None => actor.may(Permission::Govern),
            };
            if heard {
                return true;
            }
        }
        match (campaign.content.reviewers, campaign.review_group_id) {
            (Reviewers::Group, Some(_)) => is_in(campaign.review_group_id),
            _ => actor.is_in_team(self.teams(item)),
        }
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
    person(actor)?;
    actor.require_fresh(Sensitive::Decide, app.clock.now())?;
    let reason = checked(new.verdict, new.reason)?;
    let today = app.today().await?;
    let mut tx = app.db.write(actor).await?;
    let before = held(&mut tx, &[id], today).await?.pop().ok_or(Error::NotFound("review item"))?;
    same_revision(revision, before.item.revision)?;
    before.refuse_closed()?;
    if new.looked_at.is_some_and(|looked| looked != before.integration.revision) {
        return Err(Error::Conflict("The integration changed since you looked. Look again, then decide.".into()));
    }
    let (after, events) = one(&mut tx, before, new.verdict, reason, today).await?;
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

/// An item that is decided on, locked, with what it stands on.
struct Held {
    item: ReviewItem,
    integration: Integration,
    campaign: Campaign,
    evidence: ItemEvidence,
    own: bool,
    may: bool,
}

impl Held {
    fn refuse_closed(&self) -> Result<(), Error> {
        if !self.item.is_open() {
            return Err(Error::Conflict(format!("It is closed: {}.", self.item.state.label().to_lowercase())));
        }
        if self.may { Ok(()) } else { Err(refused()) }
    }

    /// What it asks for less what is not used.
    fn reduced(&self) -> Result<integrations::IntegrationContent, Error> {
        let unused = self.evidence.reducible();
        if unused.is_empty() {
            return Err(Error::Conflict(
                "Every scope that it asks for was seen in use within 90 days: there is nothing to take away. Keep it, \
                 retire it, or open a change request for something else."
                    .into(),
            ));
        }
        let mut less = self.integration.content.clone();
        less.scopes.retain(|scope| !unused.contains(&scope.scope.as_str()));
        Ok(less)
    }
}

/// Locks items with their integrations, and reads what is known of them, however many there are.
async fn held(tx: &mut WriteTx<Open>, ids: &[Uuid], today: NaiveDate) -> Result<Vec<Held>, Error> {
    let actor = tx.actor().clone();
    let uses: Vec<Uuid> = store::items(tx.conn(), ids).await?.iter().map(|item| item.integration_id).collect();
    // Integrations before items, as everywhere.
    let integrations = integrations::ops::lock_many(tx, &uses).await?;
    let items = store::lock_items(tx.conn(), ids).await?;
    let known = launch::evidence(tx.conn(), &integrations, today).await?;
    let reach = Reach::of(tx.conn(), &actor, &items).await?;
    let mut round: Vec<Uuid> = items.iter().map(|item| item.campaign_id).collect();
    round.dedup();
    let campaigns = store::campaigns(tx.conn(), &round).await?;
    let whole = |item: ReviewItem| {
        let integration = integrations.iter().find(|one| one.id == item.integration_id)?.clone();
        let campaign = campaigns.iter().find(|one| one.id == item.campaign_id)?.clone();
        let evidence = known.get(&item.integration_id)?.clone();
        let own = actor.is_in_team(reach.teams(&item));
        let may = reach.may(&actor, &campaign, &item);
        Some(Held { item, integration, campaign, evidence, own, may })
    };
    Ok(items.into_iter().filter_map(whole).collect())
}

async fn one(
    tx: &mut WriteTx<Open>,
    held: Held,
    verdict: ReviewVerdict,
    reason: Option<String>,
    today: NaiveDate,
) -> Result<(ReviewItem, Vec<Event>), Error> {
    let by = person(tx.actor())?;
    if held.evidence.departed_owner {
        return Err(Error::Conflict(format!(
            "Nobody is left in a team that owns it ({}). Name another team first, then decide.",
            held.evidence.departed_seats.join(", ")
        )));
    }
    let mut events = Vec::new();
    let request_id = match verdict {
        ReviewVerdict::Keep => {
            let next = held.campaign.content.periods.next(today, held.integration.content.criticality);
            events.extend(approvals::ops::set_review_in(tx, &held.integration, next).await?);
            None
        }
        ReviewVerdict::Reduce => {
            let less = held.reduced()?;
            Some(open(tx, &held.integration, RequestKind::Change, Some(less), reason.clone()).await?)
        }
        ReviewVerdict::Retire => Some(open(tx, &held.integration, RequestKind::Retire, None, reason.clone()).await?),
    };
    let request_id = request_id.map(|(id, event)| {
        events.push(event);
        id
    });
    let now = tx.now();
    let decision = Decision { by, reason, own: held.own, request_id };
    let after = held.item.clone().decide(verdict, decision, held.evidence, now)?;
    store::save_item(tx.conn(), &after, &held.integration.content.name).await?;
    events.push(Event::changed("review_item.decided", &held.item, &after));
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
    person(actor)?;
    actor.require_fresh(Sensitive::Decide, app.clock.now())?;
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() || ids.len() > MOST {
        return Err(Error::field("/items", format!("Choose 1 to {MOST} items.")));
    }
    let today = app.today().await?;
    let mut tx = app.db.write(actor).await?;
    let mut events = Vec::new();
    let all = held(&mut tx, &ids, today).await?;
    let mut uses: Vec<Uuid> = all.iter().map(|one| one.integration.id).collect();
    uses.sort_unstable();
    uses.dedup();
    if uses.len() < all.len() {
        return Err(Error::field(
            "/items",
            "Two of these are about the same integration. Choose items of one campaign.",
        ));
    }
    for held in all {
        held.refuse_closed()?;
        let name = held.integration.content.name.clone();
        let (after, mut done) = one(&mut tx, held, ReviewVerdict::Keep, None, today).await?;
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
