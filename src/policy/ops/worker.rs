//! Judging anew what the rules look at: what changed, and once a day everything.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    judge::{self, Subject, settle},
    risk,
};
use crate::{
    app::App,
    error::Error,
    identity::Actor,
    integrations,
    policy::{
        Violation,
        store::{queue, violations},
    },
};

/// Entries taken at once; their integrations are locked meanwhile.
const BATCH: i64 = 200;
/// Batches under way at once, at most: while one is read the other is evaluated.
const LANES: usize = 4;

/// Judges what waits; how many integrations were judged. Entries leave the queue after what follows
/// from them is on disk: should Muster stop in between, they are judged again.
pub async fn judge_due(app: &App) -> Result<usize, Error> {
    if !queue::any(&mut *app.db.read().await?).await? {
        return Ok(0);
    }
    // Each holds two connections; two stay free for what people do meanwhile.
    let room = (app.db.writers().saturating_sub(2) / 2).max(1);
    let lanes = std::thread::available_parallelism().map_or(1, usize::from).min(LANES).min(room);
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..lanes {
        let app = app.clone();
        running.spawn(async move { judge_batches(&app).await });
    }
    let done = running.join_all().await.into_iter().collect::<Result<Vec<usize>, Error>>()?;
    Ok(done.into_iter().sum())
}

/// Judges batch after batch, as long as there is one.
async fn judge_batches(app: &App) -> Result<usize, Error> {
    let mut count = 0;
    loop {
        let mut connection = app.db.housekeeping().await?;
        let mut taken = sqlx::Connection::begin(&mut *connection).await?;
        let ids = queue::take(&mut taken, BATCH).await?;
        let held = judge_these(app, &ids).await?;
        queue::put_back(&mut taken, &held).await?;
        taken.commit().await?;
        count += ids.len() - held.len();
        // What somebody is just changing comes at the next look.
        if ids.is_empty() || !held.is_empty() {
            return Ok(count);
        }
    }
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

/// Judges those that nobody is just changing: what goes live is judged by whoever brings it there, and
/// both at once would tell the same violation twice. The ones that were held.
async fn judge_these(app: &App, ids: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let today = app.today().await?;
    let actor = Actor::job("system:policy", Uuid::now_v7().to_string());
    let mut tx = app.db.write(&actor).await?;
    let free = integrations::ops::lock_free(tx.conn(), ids).await?;
    let held: Vec<Uuid> = ids.iter().copied().filter(|id| !free.contains(id)).collect();
    let integrations = integrations::ops::load(tx.conn(), &free).await?;
    let subjects: Vec<Subject> =
        integrations.iter().map(|integration| Subject { integration, proposed: None }).collect();
    let rules = judge::rules(tx.conn(), &app.rules).await?;
    let model = risk::model(tx.conn(), &app.rules).await?;
    let (facts, holding) = judge::read(tx.conn(), today, &subjects).await?;
    // Evaluating is all computing: not on a thread that answers requests.
    let held_model = model.clone();
    let evaluated = tokio::task::spawn_blocking(move || {
        judge::evaluate_here(&rules, held_model.as_ref().map(|model| &model.compiled), facts, &holding)
    });
    let mut judgements = evaluated.await.map_err(Error::internal)??;
    let mut known: HashMap<Uuid, Vec<Violation>> = HashMap::new();
    for violation in violations::of_integrations(tx.conn(), &free).await? {
        known.entry(violation.integration_id).or_default().push(violation);
    }
    let scored = judgements.iter_mut().filter_map(|one| Some((one.integration_id, one.scored.take()?))).collect();
    let mut events = match &model {
        Some(model) => risk::settle(&mut tx, (model.id, model.version), scored).await?,
        None => Vec::new(),
    };
    for (judgement, integration) in judgements.iter().zip(&integrations) {
        let known = known.remove(&integration.id).unwrap_or_default();
        events.extend(settle(&mut tx, judgement, integration.state, &known).await?);
    }
    if tx.commit_all(events).await? > 0 {
        app.forget_counts();
    }
    Ok(held)
}
