//! Letters of campaigns: that one began, that it is about to end, that items have come up to somebody else.

use chrono::{Days, NaiveDate};
use serde_json::json;
use uuid::Uuid;

use crate::campaigns::{Campaign, Reviewers, store};
use base::{
    app::App,
    audit::Event,
    db::{Open, WriteTx},
    error::Error,
    mail::{self, Letter},
};
use identity::{Actor, Role};

/// Days before the last day on which reviewers are reminded of what they left open.
const REMINDED_BEFORE: u64 = 3;

/// A campaign began: its reviewers hear of it.
pub(super) async fn launched<S>(app: &App, tx: &mut WriteTx<S>, campaign: &Campaign) -> Result<(), Error> {
    let text = format!(
        "“{}” has begun. What you answer for is to be kept, reduced or retired by {}.",
        campaign.content.title,
        campaign.ends_on()
    );
    to_reviewers(app, tx, campaign, ("Review begins", text)).await.map(|_| ())
}

/// Items that nobody decided on in time have come up: the group that the campaign names hears of it, else those who
/// lead governance.
pub(super) async fn escalated<S>(app: &App, tx: &mut WriteTx<S>, campaign: &Campaign) -> Result<(), Error> {
    let now = tx.now();
    let (people, to) = match campaign.escalates_to_id {
        Some(group) => (identity::ops::reviewers_of(tx.conn(), group, now).await?, "your group"),
        None => (identity::ops::holders_of(tx.conn(), Role::GovernanceLead, now).await?, "you"),
    };
    let text = format!(
        "“{}” was due on {}. What nobody decided on has come to {to} as well.",
        campaign.content.title,
        campaign.ends_on()
    );
    write(app, tx, campaign, &people, ("Overdue review", text)).await.map(|_| ())
}

/// Reminds those who still have something to decide, once, three days before a campaign's last day; how many
/// campaigns.
pub(super) async fn remind(app: &App, today: NaiveDate) -> Result<usize, Error> {
    if app.config.post.is_none() {
        return Ok(0);
    }
    let mut run = app.background.run("remind of campaigns", &app.stop);
    while run.goes_on() {
        let mut tx = app.db.write(&Actor::job("system:campaigns", Uuid::now_v7().to_string())).await?;
        let (now, soon) = (tx.now(), today + Days::new(REMINDED_BEFORE));
        let Some(id) = store::take_ending(tx.conn(), now, today, soon, &run.resting()).await? else { break };
        run.settle(id, remind_of(app, tx, id).await);
    }
    Ok(run.done())
}

async fn remind_of(app: &App, mut tx: WriteTx<Open>, id: Uuid) -> Result<(), Error> {
    let campaign = store::lock_campaign(tx.conn(), id).await?.ok_or(Error::NotFound("campaign"))?;
    let text = format!(
        "“{}” ends on {}, and something of yours is still open in it.",
        campaign.content.title,
        campaign.ends_on()
    );
    let letters = to_reviewers(app, &mut tx, &campaign, ("Review ends soon", text)).await?;
    let event = Event::happened("campaign.reminded", "campaign", Some(id), json!({ "letters": letters }));
    tx.record(event).await?.commit().await
}

/// To those who decide on items that are open: the campaign's group, else the people of the teams that own them.
async fn to_reviewers<S>(
    app: &App,
    tx: &mut WriteTx<S>,
    campaign: &Campaign,
    letter: (&str, String),
) -> Result<usize, Error> {
    let now = tx.now();
    let people = if let (Reviewers::Group, Some(group)) = (campaign.content.reviewers, campaign.review_group_id) {
        identity::ops::reviewers_of(tx.conn(), group, now).await?
    } else {
        let teams = store::open_teams(tx.conn(), campaign.id).await?;
        identity::ops::members_of(tx.conn(), &teams).await?
    };
    write(app, tx, campaign, &people, letter).await
}

async fn write<S>(
    app: &App,
    tx: &mut WriteTx<S>,
    campaign: &Campaign,
    people: &[Uuid],
    (subject, text): (&str, String),
) -> Result<usize, Error> {
    if app.config.post.is_none() {
        return Ok(0);
    }
    let to = identity::ops::addresses_of(tx.conn(), people).await?;
    let address = app.config.public_url.join(&format!("campaigns/{}", campaign.id)).map_err(Error::internal)?;
    let letter = Letter {
        to: "",
        subject: format!("{subject}: {}", campaign.content.title),
        text: format!("{text}\n\n{address}\n"),
        about: ("campaign", campaign.id),
        kind: mail::Kind::Notice,
    };
    let now = tx.now();
    mail::write_to_each(tx.conn(), &to, letter, now).await?;
    Ok(to.len())
}
