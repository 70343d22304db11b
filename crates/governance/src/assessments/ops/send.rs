//! Sending: everything is looked at before, and all of it happens at once or not at all.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{locked, require_assessor};
use crate::assessments::{Assessment, store::assessments};
use base::{
    app::App,
    audit::Event,
    db::WriteTx,
    error::{Error, FieldErrors},
    mail::{self, Letter},
};
use identity::{Actor, GroupKind, secrets};

/// Days after the due date for which a link still holds.
const GRACE: u64 = 14;

/// One thing that is looked at before something is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Preflight {
    /// The field that it is about.
    pub pointer: String,
    /// What was found.
    pub message: String,
    /// Whether it may be sent as it is.
    pub passed: bool,
}

/// What was sent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Sent {
    /// The assessment.
    #[serde(flatten)]
    pub assessment: Assessment,
    /// The vendor's link. It is shown here once, and kept nowhere.
    pub link: Option<String>,
    /// Whether a letter with it is on its way; otherwise somebody hands the link over.
    pub by_mail: bool,
}

/// What would stop it from being sent, and what is in order.
pub async fn preflight(app: &App, actor: &Actor, id: Uuid) -> Result<Vec<Preflight>, Error> {
    require_assessor(actor)?;
    let one = super::find_assessment(app, actor, id).await?;
    checks(app, actor, &one).await
}

async fn checks(app: &App, actor: &Actor, one: &Assessment) -> Result<Vec<Preflight>, Error> {
    let mut found = Vec::new();
    let mut note = |pointer: &str, passed: Passed, message: String| {
        found.push(Preflight { pointer: pointer.into(), message, passed: passed == Passed::Yes });
    };
    match (&one.recipient, one.team_id) {
        (Some(recipient), _) => note("/recipient", Passed::Yes, format!("It goes to {recipient}.")),
        (None, Some(team)) => {
            let team = identity::ops::get_group(app, actor, GroupKind::Team, team).await?;
            let people = identity::ops::get_people(app, actor, &team.content.members).await?;
            let active = people.iter().filter(|person| person.content.state == identity::PersonState::Active).count();
            let (passed, message) = if active == 0 {
                (Passed::No, format!("Nobody active is in {}.", team.content.name))
            } else {
                (Passed::Yes, format!("{active} of {} can answer.", team.content.name))
            };
            note("/team", passed, message);
        }
        (None, None) => note("/recipient", Passed::No, "Nobody is named to answer: give an address or a team.".into()),
    }
    let today = app.today().await?;
    if one.due_on < today {
        note("/due_on", Passed::No, "The day by which it is due is past.".into());
    } else {
        note("/due_on", Passed::Yes, format!("It is due on {}.", one.due_on));
    }
    if one.recipient.is_some() {
        let url = &app.config.public_url;
        let reachable = url.host_str().is_some_and(|host| !matches!(host, "127.0.0.1" | "localhost" | "[::1]"));
        let message = if reachable {
            format!("The link leads to {url}.")
        } else {
            format!("The link leads to {url}, which a vendor may not reach: set public-url.")
        };
        note("/link", Passed::Yes, message);
        let message = match &app.config.post {
            Some(_) => "A letter takes the link there.",
            None => "No mail server is configured: the link is shown once, for you to hand over.",
        };
        note("/mail", Passed::Yes, message.into());
    }
    Ok(found)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Passed {
    Yes,
    No,
}

/// Sends a draft: the state, the link and the letter are one transaction.
pub async fn send(app: &App, actor: &Actor, id: Uuid, revision: i64) -> Result<Sent, Error> {
    require_assessor(actor)?;
    let looked = super::find_assessment(app, actor, id).await?;
    let mut errors = FieldErrors::new();
    for failed in checks(app, actor, &looked).await?.into_iter().filter(|check| !check.passed) {
        errors.add(failed.pointer, failed.message);
    }
    errors.finish()?;
    let mut tx = app.db.write(actor).await?;
    let before = locked(&mut tx, id, Some(revision)).await?;
    let now = tx.now();
    let until = before.recipient.as_ref().map(|_| holds_until(before.due_on, now));
    let after = before.clone().send(until, now)?;
    assessments::save(tx.conn(), &after).await?;
    let link = new_link(app, &mut tx, &after, Why::Sent).await?;
    tell_team(app, &mut tx, &after).await?;
    tx.record(Event::changed("assessment.sent", &before, &after)).await?.commit().await?;
    app.forget_counts();
    Ok(Sent { by_mail: link.is_some() && app.config.post.is_some(), assessment: after, link })
}

/// Mints another link; the one before ends.
pub async fn renew_link(app: &App, actor: &Actor, id: Uuid, revision: i64) -> Result<Sent, Error> {
    require_assessor(actor)?;
    let mut tx = app.db.write(actor).await?;
    let before = locked(&mut tx, id, Some(revision)).await?;
    let now = tx.now();
    let after = before.clone().renew(holds_until(before.due_on, now), now)?;
    assessments::save(tx.conn(), &after).await?;
    let link = new_link(app, &mut tx, &after, Why::Renewed).await?;
    tx.record(Event::changed("assessment.link_renewed", &before, &after)).await?.commit().await?;
    Ok(Sent { by_mail: link.is_some() && app.config.post.is_some(), assessment: after, link })
}

/// Reminds of what waits for answers: by a letter with a new link, since the old one is known to
/// nobody here.
pub async fn remind(app: &App, actor: &Actor, id: Uuid) -> Result<Assessment, Error> {
    require_assessor(actor)?;
    let mut tx = app.db.write(actor).await?;
    let before = locked(&mut tx, id, None).await?;
    if app.config.post.is_none() {
        return Err(Error::Conflict("No mail server is configured: renew the link and hand it over.".into()));
    }
    let now = tx.now();
    let mut after = before.clone().renew(holds_until(before.due_on, now), now)?;
    after.reminded_at = Some(now);
    assessments::save(tx.conn(), &after).await?;
    new_link(app, &mut tx, &after, Why::Reminded).await?;
    tx.record(Event::changed("assessment.reminded", &before, &after)).await?.commit().await?;
    Ok(after)
}

/// Until when a link holds: two weeks past the due date, and two weeks from now at least.
pub(super) fn holds_until(due_on: NaiveDate, now: DateTime<Utc>) -> DateTime<Utc> {
    let by_date = due_on.checked_add_days(Days::new(GRACE)).and_then(|day| day.and_hms_opt(23, 59, 59));
    by_date.map_or(now, |moment| moment.and_utc()).max(now + TimeDelta::days(14))
}

/// Why a link is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    Sent,
    Renewed,
    Reminded,
    Returned,
}

/// Puts a letter in the way of the team of ours that answers, where mail is configured.
async fn tell_team<S>(app: &App, tx: &mut WriteTx<S>, one: &Assessment) -> Result<(), Error> {
    let (Some(team), Some(_)) = (one.team_id, app.config.post.as_ref()) else { return Ok(()) };
    let people = identity::ops::members_of(tx.conn(), &[team]).await?;
    let to = identity::ops::addresses_of(tx.conn(), &people).await?;
    let address = app.config.public_url.join(&format!("assessments/{}/answer", one.id)).map_err(Error::internal)?;
    let text = format!("Your team is asked to answer “{}” by {}.\n\n{address}\n", one.title, one.due_on);
    let letter = Letter {
        to: "",
        subject: format!("Questions: {}", one.title),
        text,
        about: ("assessment", one.id),
        kind: mail::Kind::Notice,
    };
    let now = tx.now();
    mail::write_to_each(tx.conn(), &to, letter, now).await
}

/// Makes a link for who answers from outside, and puts a letter with it in the way where mail is
/// configured. Nothing where a team of ours answers.
pub(super) async fn new_link<S>(
    app: &App,
    tx: &mut WriteTx<S>,
    one: &Assessment,
    why: Why,
) -> Result<Option<String>, Error> {
    let (Some(recipient), Some(until)) = (&one.recipient, one.link_until) else { return Ok(None) };
    let secret = secrets::generate()?;
    assessments::set_link(tx.conn(), one.id, Some(&secrets::hash(&secret)), Some(until)).await?;
    let link = app.config.public_url.join(&format!("answer/{secret}")).map_err(Error::internal)?.to_string();
    if app.config.post.is_some() {
        let subject = match why {
            Why::Sent | Why::Renewed => format!("Questions: {}", one.title),
            Why::Reminded => format!("A reminder: {} is due on {}", one.title, one.due_on),
            Why::Returned => format!("Please look again: {}", one.title),
        };
        let earlier = if why == Why::Sent { "" } else { "Any link that you had before shows nothing now. " };
        let text = format!(
            "Please answer “{}” by {}.\n\nThis link is for you alone and holds until {}:\n{link}\n\n{earlier}What you type is \
             saved as you go; you can stop and come back by the same link. If you did not expect this, ask your \
             contact before you open it.\n",
            one.title,
            one.due_on,
            until.date_naive()
        );
        let now = tx.now();
        let letter = Letter { to: recipient, subject, text, about: ("assessment", one.id), kind: mail::Kind::Needed };
        mail::write(tx.conn(), letter, now).await?;
    }
    Ok(Some(link))
}
