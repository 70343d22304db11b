//! Letters to those who decide: what waits too long, what came up the chain to them, and what changed
//! after they had approved it.

use serde_json::json;
use uuid::Uuid;

use super::{next::deciders, owner_teams, plan};
use crate::approvals::{
    Phase, Request, Stage,
    store::{requests, stages},
};
use base::{
    app::App,
    audit::Event,
    db::{Open, WriteTx},
    error::Error,
    mail::{self, Letter},
};
use identity::Actor;
use register::settings;

/// What is overdue is decided by the next group of the chain as well, and again when that is overdue;
/// how many stages went up.
pub async fn escalate(app: &App) -> Result<usize, Error> {
    let now = app.clock.now();
    let due = stages::overdue(&mut *app.db.read().await?, now).await?;
    let actor = Actor::job("system:approvals", Uuid::now_v7().to_string());
    let settings = settings::ops::in_force(app).await?;
    let mut run = app.background.run("escalate approvals", &app.stop);
    let resting = run.resting();
    for (id, to) in due.into_iter().filter(|(id, _)| !resting.contains(id)) {
        if !run.goes_on() {
            break;
        }
        let tx = app.db.write(&actor).await?;
        run.settle(id, escalate_one(app, tx, (id, to), &settings).await);
    }
    if run.done() > 0 {
        app.forget_counts();
    }
    Ok(run.done())
}

async fn escalate_one(
    app: &App,
    mut tx: WriteTx<Open>,
    (id, to): (Uuid, Uuid),
    settings: &settings::SettingsContent,
) -> Result<(), Error> {
    let Some(before) = requests::lock(tx.conn(), id).await? else { return Ok(()) };
    let Some(open) = before.open_stage().map(|stage| stage.position) else { return Ok(()) };
    let mut after = before.clone();
    let now = tx.now();
    for stage in
        after.stages.iter_mut().filter(|stage| stage.position == open && stage.due_at.is_some_and(|due| due < now))
    {
        (stage.escalated_to, stage.escalated_at) = (Some(to), Some(now));
        plan::waits(stage, settings, now);
    }
    if after == before {
        return Ok(());
    }
    after.revision += 1;
    after.updated_at = now;
    let due = after.stages.iter().find(|stage| stage.position == open).and_then(|stage| stage.due_at);
    let letter = format!(
        "A stage of “{}” is overdue, and so it has come to your group as well.{}",
        after.title,
        due.map(|due| format!(" It is due on {}.", due.format("%Y-%m-%d %H:%M UTC"))).unwrap_or_default()
    );
    write_to(app, &mut tx, &after, Some(to), (format!("Overdue: {}", after.title), letter)).await?;
    stages::save(tx.conn(), id, after.round, &after.stages).await?;
    requests::save(tx.conn(), &after, None).await?;
    tx.record(Event::changed("change_request.escalated", &before, &after)).await?.commit().await
}

/// Opens again what was approved by someone who has lost the seat since: disabled, out of the review group, or no
/// reviewer any more. Stages after theirs wait again. How many requests.
pub async fn recount_lapsed(app: &App) -> Result<usize, Error> {
    let due = stages::lapsed(&mut *app.db.read().await?).await?;
    let actor = Actor::job("system:approvals", Uuid::now_v7().to_string());
    let mut run = app.background.run("recount approvals", &app.stop);
    let resting = run.resting();
    for id in due.into_iter().filter(|id| !resting.contains(id)) {
        if !run.goes_on() {
            break;
        }
        let tx = app.db.write(&actor).await?;
        run.settle(id, recount_one(app, tx, id).await);
    }
    if run.done() > 0 {
        app.forget_counts();
    }
    Ok(run.done())
}

async fn recount_one(app: &App, mut tx: WriteTx<Open>, id: Uuid) -> Result<(), Error> {
    let (before, _) = super::locked(&mut tx, id).await?;
    let mut after = before.clone().reopened();
    // Only where an approval is really missing: a stage may have more than it needs.
    let Some(open) = after.open_stage().map(|stage| stage.position) else { return Ok(()) };
    let later = |stage: &&mut Stage| stage.position > open && stage.opened_at.is_some();
    for stage in after.stages.iter_mut().filter(later) {
        (stage.opened_at, stage.due_at, stage.remind_at) = (None, None, None);
        (stage.escalated_to, stage.escalated_group, stage.escalated_at) = (None, None, None);
    }
    if after == before {
        return Ok(());
    }
    after.revision += 1;
    after.updated_at = tx.now();
    if let Phase::Open(bound) = &mut after.phase {
        bound.waiting_since = tx.now();
    }
    tell_voided(app, &mut tx, &after, Voided::SeatLost).await?;
    stages::close_after(tx.conn(), id, after.round, open).await?;
    requests::save(tx.conn(), &after, None).await?;
    tx.record(Event::changed("change_request.reopened", &before, &after)).await?.commit().await
}

/// Reminds those who decide, and who decide for them, once three quarters of a stage's working hours have
/// passed, and again once it is overdue; how many stages. By letter: without a mail server the home pages alone show
/// what waits.
pub async fn remind(app: &App) -> Result<usize, Error> {
    if app.config.post.is_none() {
        return Ok(0);
    }
    let actor = Actor::job("system:approvals", Uuid::now_v7().to_string());
    let mut run = app.background.run("remind of approvals", &app.stop);
    while run.goes_on() {
        let mut tx = app.db.write(&actor).await?;
        let now = tx.now();
        let Some(one) = stages::take_waiting(tx.conn(), now, &run.resting()).await? else { break };
        let id = one.request;
        run.settle(id, remind_of(app, tx, one).await);
    }
    Ok(run.done())
}

async fn remind_of(app: &App, mut tx: WriteTx<Open>, one: stages::Waiting) -> Result<(), Error> {
    let now = tx.now();
    let due = one.due_at.format("%Y-%m-%d %H:%M UTC");
    let (subject, text) = if one.due_at <= now {
        (format!("Overdue: {}", one.title), format!("The stage “{}” of “{}” was due on {due}.", one.stage, one.title))
    } else {
        (
            format!("Waits for you: {}", one.title),
            format!("The stage “{}” of “{}” is due on {due}.", one.stage, one.title),
        )
    };
    let Some(request) = requests::get(tx.conn(), one.request).await? else { return Ok(()) };
    let letters = write_to(app, &mut tx, &request, None, (subject, text)).await?;
    let detail = json!({ "stage": one.stage, "position": one.position, "letters": letters });
    let event = Event::happened("change_request.reminded", "change_request", Some(one.request), detail);
    tx.record(event).await?.commit().await
}

/// Puts a letter about a request in the way of those who may decide its open stage; of one group of them,
/// where one is named. How many.
async fn write_to(
    app: &App,
    tx: &mut WriteTx<Open>,
    request: &Request,
    group: Option<Uuid>,
    (subject, text): (String, String),
) -> Result<usize, Error> {
    if app.config.post.is_none() {
        return Ok(0);
    }
    let owners = owner_teams(tx.conn(), request).await?;
    let (today, now) = (app.today().await?, tx.now());
    let mut people = deciders(tx.conn(), request, &owners, (today, now)).await?;
    people.retain(|one| group.is_none_or(|group| one.group == group));
    let ids: Vec<Uuid> = people.into_iter().map(|one| one.person).collect();
    let to = identity::ops::addresses_of(tx.conn(), &ids).await?;
    send(app, tx, &to, (request.id, subject, text)).await?;
    Ok(to.len())
}

/// Why approvals no longer count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Voided {
    /// What is proposed changed materially.
    Changed,
    /// It was approved and waited; what is in force moved, and so it was reopened.
    Reopened,
    /// Someone who had approved lost the seat.
    SeatLost,
}

/// Tells those who had approved that it no longer counts.
pub(super) async fn tell_voided<S>(
    app: &App,
    tx: &mut WriteTx<S>,
    request: &Request,
    why: Voided,
) -> Result<(), Error> {
    if app.config.post.is_none() {
        return Ok(());
    }
    let approved = request.decisions.iter().filter(|one| one.round == request.round && one.verdict.approves());
    let people: Vec<Uuid> = approved.map(|one| one.decided_by).collect();
    let to = identity::ops::addresses_of(tx.conn(), &people).await?;
    let what = match why {
        Voided::Changed => "was changed materially after you had approved it",
        Voided::Reopened => "was put onto what is in force now after you had approved it",
        Voided::SeatLost => {
            let text = format!(
                "“{}” is open again: someone who had approved it was disabled, or left the review group or the role of \
                 reviewer. Their stage decides again, and those after it.",
                request.title
            );
            return send(app, tx, &to, (request.id, format!("Open again: {}", request.title), text)).await;
        }
    };
    let text = format!(
        "“{}” {what}. Your approval no longer counts, and the first stage decides again. The page names what changed.",
        request.title
    );
    send(app, tx, &to, (request.id, format!("Changed since you approved: {}", request.title), text)).await
}

pub(super) async fn send<S>(
    app: &App,
    tx: &mut WriteTx<S>,
    to: &[String],
    (request, subject, text): (Uuid, String, String),
) -> Result<(), Error> {
    let address = app.config.public_url.join(&format!("requests/{request}")).map_err(Error::internal)?;
    let now = tx.now();
    let text = format!("{text}\n\n{address}\n");
    mail::write_to_each(
        tx.conn(),
        to,
        Letter { to: "", subject, text, about: ("change_request", request), kind: mail::Kind::Notice },
        now,
    )
    .await
}
