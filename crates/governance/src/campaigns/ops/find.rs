//! Reading campaigns and items.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::launch;
use crate::campaigns::{Campaign, ItemEvidence, ReviewItem, ReviewVerdict, Reviewers, store};
use base::{app::App, error::Error};
use identity::{Actor, Permission};
use register::integrations::{self, Integration};

/// One campaign.
pub async fn find_campaign(app: &App, actor: &Actor, id: Uuid) -> Result<Campaign, Error> {
    actor.require(Permission::Read)?;
    store::campaigns(&mut *app.db.read().await?, &[id]).await?.pop().ok_or(Error::NotFound("campaign"))
}

/// One item.
pub async fn find_item(app: &App, actor: &Actor, id: Uuid) -> Result<ReviewItem, Error> {
    actor.require(Permission::Read)?;
    store::items(&mut *app.db.read().await?, &[id]).await?.pop().ok_or(Error::NotFound("review item"))
}

/// An item with what is known now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ItemView {
    /// The item.
    #[serde(flatten)]
    pub item: ReviewItem,
    /// What is known now; of a closed one, what was known when it was closed.
    pub now: ItemEvidence,
    /// What is suggested on that.
    pub suggested: ReviewVerdict,
    /// Why.
    pub reasons: Vec<String>,
    /// The integration.
    #[serde(skip)]
    pub integration: Integration,
    /// Whether whoever looks may decide.
    #[serde(skip)]
    pub may_decide: bool,
}

/// One item with what is known now.
pub async fn view_item(app: &App, actor: &Actor, id: Uuid) -> Result<ItemView, Error> {
    let item = find_item(app, actor, id).await?;
    let campaign = find_campaign(app, actor, item.campaign_id).await?;
    let found = integrations::ops::get_integrations(app, actor, &[item.integration_id]).await?.pop();
    let integration = found.ok_or(Error::NotFound("integration"))?;
    let today = app.today().await?;
    let mut conn = app.db.read().await?;
    let now = if item.is_open() {
        let mut known = launch::evidence(&mut conn, std::slice::from_ref(&integration), today).await?;
        known.remove(&integration.id).ok_or(Error::NotFound("integration"))?
    } else {
        item.evidence.clone()
    };
    let (suggested, reasons) = now.suggestion();
    let reach = super::decide::Reach::of(&mut conn, actor, std::slice::from_ref(&item)).await?;
    let may_decide = item.is_open() && reach.may(actor, &campaign, &item);
    Ok(ItemView { item, now, suggested, reasons, integration, may_decide })
}

/// The item that somebody would look at next in the same campaign.
pub async fn next_item(app: &App, actor: &Actor, item: &ReviewItem) -> Result<Option<Uuid>, Error> {
    let campaign = find_campaign(app, actor, item.campaign_id).await?;
    let teams = (campaign.content.reviewers == Reviewers::Owner).then_some(actor.authority.teams.as_slice());
    store::next_open(&mut *app.db.read().await?, item, teams).await
}

/// How somebody decided in a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Pace {
    /// Who.
    pub person: Uuid,
    /// How many items.
    pub items: i64,
    /// Seconds from the first decision to the last.
    pub seconds: i64,
    /// How many of them they own themselves.
    pub own: i64,
}

/// How many items of a campaign are in one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StateCount {
    /// The state.
    pub state: String,
    /// How many items are in it.
    pub count: i64,
}

/// Where a campaign stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Standing {
    /// How many items stand where.
    pub states: Vec<StateCount>,
    /// How fast and how independently each reviewer decided.
    pub pace: Vec<Pace>,
}

impl Standing {
    /// All items.
    pub fn total(&self) -> i64 {
        self.states.iter().map(|one| one.count).sum()
    }
    /// Items that wait.
    pub fn open(&self) -> i64 {
        self.states
            .iter()
            .filter(|one| matches!(one.state.as_str(), "pending" | "escalated"))
            .map(|one| one.count)
            .sum()
    }
}

/// Where a campaign stands.
pub async fn standing(app: &App, actor: &Actor, id: Uuid) -> Result<Standing, Error> {
    actor.require(Permission::Read)?;
    let mut conn = app.db.read().await?;
    let pace = store::pace(&mut conn, id).await?;
    let pace =
        pace.into_iter().map(|one| Pace { person: one.person, items: one.items, seconds: one.seconds, own: one.own });
    let states = store::counts(&mut conn, id).await?;
    let states = states.into_iter().map(|(state, count)| StateCount { state, count });
    Ok(Standing { pace: pace.collect(), states: states.collect() })
}
