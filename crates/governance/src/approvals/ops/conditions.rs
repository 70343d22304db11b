//! What has to be done for an approval: who owes it, that it is done, and what follows when it is late.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    decide::{apply, reason},
    letters, locked,
};
use crate::approvals::{
    Phase, Request,
    store::{conditions, requests},
};
use base::{
    app::App,
    audit::Event,
    db::{Open, WriteTx},
    error::Error,
    lists::{Filter, NAME_AND_TIME, Sort, Spec, Test},
};
use identity::{Actor, Permission};

/// Days before its day on which the team that owes a condition is reminded.
const REMINDED_BEFORE: i64 = 3;

/// Where a condition stands on a day. One of a round that was edited since, or of a request that came to
/// nothing, is void.
const STANDING: &str = "case when t.met_at is not null then 'met'
    when r.round <> d.round or r.state in ('rejected', 'withdrawn', 'changes_requested', 'draft') then 'void'
    when t.due_on < {today} then 'overdue' else 'open' end";

/// The list of conditions.
pub static CONDITIONS: Spec = Spec {
    kind: "condition",
    from: "request_conditions t join request_decisions d on d.id = t.decision_id
        join change_requests r on r.id = t.request_id join integrations i on i.id = r.integration_id
        join teams o on o.id = t.owner_id left join people p on p.id = d.decided_by
        left join people w on w.id = t.met_by",
    columns:
        "t.id, t.request_id, r.title as request, t.text, o.slug as owner, o.name as owner_name, t.due_on, t.timing,
        t.met_at, w.name as met_by_name, t.note, p.name as decided_by_name, i.slug as integration,
        i.name as integration_name, t.updated_at, t.revision, case when t.met_at is not null then 'met'
            when r.round <> d.round or r.state in ('rejected', 'withdrawn', 'changes_requested', 'draft') then 'void'
            when t.due_on < {today} then 'overdue' else 'open' end as standing",
    filters: &[
        Filter::facet("standing", "Stands at", Test::Equals(STANDING)),
        Filter::facet("timing", "To be met", Test::Equals("t.timing")),
        Filter::facet("owner", "Owed by", Test::Named("o.slug", "o.name")),
        Filter::plain("integration", "Integration", Test::Equals("i.slug")),
        Filter::plain("due_before", "Due before", Test::Before("t.due_on")),
    ],
    sorts: &[
        Sort { name: "due_on", column: "t.due_on", cast: "date", label: "Due" },
        NAME_AND_TIME[0],
        NAME_AND_TIME[1],
    ],
};

/// A condition in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct ConditionRow {
    /// Immutable id.
    pub id: Uuid,
    /// The change request that was approved under it.
    pub request_id: Uuid,
    /// Its title.
    pub request: String,
    /// What has to be done.
    pub text: String,
    /// Slug of the team that owes it.
    pub owner: String,
    /// The team's name.
    pub owner_name: String,
    /// By which day.
    pub due_on: NaiveDate,
    /// `before_live` or `after_live`.
    pub timing: String,
    /// `open`, `overdue`, `met` or `void`.
    pub standing: String,
    /// When it was met.
    pub met_at: Option<DateTime<Utc>>,
    /// Who said so.
    pub met_by_name: Option<String>,
    /// What was done.
    pub note: Option<String>,
    /// Who set it.
    pub decided_by_name: Option<String>,
    /// Slug of the integration.
    pub integration: String,
    /// Its name.
    pub integration_name: String,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
}

/// Notes that a condition is met. A team that has to do it says so, or a steward; with the last one that
/// has to be met before going live, the content comes into force.
pub async fn meet_condition(app: &App, actor: &Actor, id: Uuid, condition: Uuid, note: &str) -> Result<Request, Error> {
    actor.require(Permission::Propose)?;
    let note = reason(note, "/note", "Say what was done, and where it can be seen.")?;
    let mut tx = app.db.write(actor).await?;
    let (before, integration) = locked(&mut tx, id).await?;
    let mut after = before.clone();
    let now = tx.now();
    let found = after.conditions.iter_mut().find(|one| one.id == condition).ok_or(Error::NotFound("condition"))?;
    if found.met_at.is_some() {
        return Err(Error::Conflict("It is met already.".into()));
    }
    if !actor.may(Permission::Steward) && !actor.is_in_team([found.owner_id]) {
        return Err(Error::Forbidden("Only the team that has to do it says that it is done.".into()));
    }
    before.refuse_lapsed()?;
    (found.met_at, found.met_by, found.note) = (Some(now), actor.person(), Some(note));
    conditions::meet(tx.conn(), found, now).await?;
    after.revision += 1;
    after.updated_at = now;
    requests::save(tx.conn(), &after, None).await?;
    let tx = tx.record(Event::changed("change_request.condition_met", &before, &after)).await?;
    let goes_live = matches!(after.phase, Phase::Approved(_)) && after.unmet().next().is_none();
    if goes_live && after.is_stale(&integration.content) {
        return Err(Error::Conflict(
            "The integration changed since this was approved. It has to be rebased and approved again first.".into(),
        ));
    }
    let (tx, done) = if goes_live { apply(app, tx, after, integration).await? } else { (tx, after) };
    tx.commit().await?;
    app.forget_counts();
    Ok(done)
}

/// Reminds the teams that owe conditions three days before their day, and once that is past them and whoever
/// set the condition; how many conditions. By letter: without a mail server lists and home pages alone show it.
pub async fn remind_conditions(app: &App) -> Result<usize, Error> {
    if app.config.post.is_none() {
        return Ok(0);
    }
    let today = app.today().await?;
    let actor = Actor::job("system:approvals", Uuid::now_v7().to_string());
    let mut run = app.background.run("remind of conditions", &app.stop);
    while run.goes_on() {
        let mut tx = app.db.write(&actor).await?;
        let now = tx.now();
        let soon = today + TimeDelta::days(REMINDED_BEFORE);
        let Some(one) = conditions::take_due(tx.conn(), now, today, soon, &run.resting()).await? else { break };
        let id = one.id;
        run.settle(id, remind_of(app, tx, one, today).await);
    }
    Ok(run.done())
}

async fn remind_of(app: &App, mut tx: WriteTx<Open>, one: conditions::Due, today: NaiveDate) -> Result<(), Error> {
    let late = one.due_on < today;
    let mut people = identity::ops::members_of(tx.conn(), &[one.team]).await?;
    if late && !people.contains(&one.decided_by) {
        people.push(one.decided_by);
    }
    let to = identity::ops::addresses_of(tx.conn(), &people).await?;
    let (subject, verb) = if late { ("Overdue", "was") } else { ("Due soon", "is") };
    let text = format!(
        "“{}” was approved on a condition that {verb} due on {}:\n\n{}\n\nWho has done it notes that on the page.",
        one.title, one.due_on, one.text
    );
    letters::send(app, &mut tx, &to, (one.request, format!("{subject}: condition of {}", one.title), text)).await?;
    let detail = json!({ "condition": one.id, "due_on": one.due_on, "letters": to.len() });
    let event = Event::happened("change_request.condition_reminded", "change_request", Some(one.request), detail);
    tx.record(event).await?.commit().await
}
