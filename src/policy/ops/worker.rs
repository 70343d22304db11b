//! Judging anew what the rules look at: what changed, and once a day everything.

use std::collections::HashMap;

use uuid::Uuid;

use super::judge::{Subject, judge, settle};
use crate::{
    app::App,
    db::{Recorded, WriteTx},
    error::Error,
    identity::Actor,
    integrations,
    policy::{
        Violation,
        store::{queue, violations},
    },
};

/// Entries taken at once.
const BATCH: i64 = 500;

/// Judges what waits; how many integrations were judged. Entries leave the queue after what follows
/// from them is on disk: should Muster stop in between, they are judged again.
pub async fn judge_due(app: &App) -> Result<usize, Error> {
    let mut count = 0;
    loop {
        if !queue::any(&mut *app.db.read().await?).await? {
            return Ok(count);
        }
        let mut connection = app.db.housekeeping().await?;
        let mut taken = sqlx::Connection::begin(&mut *connection).await?;
        let ids = queue::take(&mut taken, BATCH).await?;
        judge_these(app, &ids).await?;
        taken.commit().await?;
        if ids.is_empty() {
            return Ok(count);
        }
        count += ids.len();
    }
}

/// Judges every integration that runs or is proposed, at once.
pub async fn judge_all(app: &App) -> Result<usize, Error> {
    let ids = queue::all(&mut *app.db.read().await?).await?;
    for part in ids.chunks(1000) {
        judge_these(app, part).await?;
    }
    Ok(ids.len())
}

/// Where a new day has begun in the organisation's time zone, everything waits to be judged.
pub async fn begin_day(app: &App) -> Result<bool, Error> {
    let today = app.today().await?;
    if queue::judged_on(&mut *app.db.read().await?).await? == Some(today) {
        return Ok(false);
    }
    let mut connection = app.db.housekeeping().await?;
    let mut tx = sqlx::Connection::begin(&mut *connection).await?;
    let begun = queue::begin_day(&mut tx, today).await?;
    tx.commit().await?;
    Ok(begun)
}

async fn judge_these(app: &App, ids: &[Uuid]) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    let today = app.today().await?;
    let actor = Actor::job("system:policy", Uuid::now_v7().to_string());
    let mut tx = app.db.write(&actor).await?;
    let integrations = integrations::ops::load(tx.conn(), ids).await?;
    let subjects: Vec<Subject> =
        integrations.iter().map(|integration| Subject { integration, proposed: None }).collect();
    let judgements = judge(tx.conn(), &app.rules, today, &subjects).await?;
    let mut known: HashMap<Uuid, Vec<Violation>> = HashMap::new();
    for violation in violations::of_integrations(tx.conn(), ids).await? {
        known.entry(violation.integration_id).or_default().push(violation);
    }
    let mut events = Vec::new();
    for (judgement, integration) in judgements.iter().zip(&integrations) {
        let known = known.remove(&integration.id).unwrap_or_default();
        events.extend(settle(&mut tx, judgement, integration.state, &known).await?);
    }
    let mut events = events.into_iter();
    let Some(first) = events.next() else { return Ok(()) };
    let mut tx: WriteTx<Recorded> = tx.record(first).await?;
    for event in events {
        tx = tx.record(event).await?;
    }
    tx.commit().await?;
    app.forget_counts();
    Ok(())
}
