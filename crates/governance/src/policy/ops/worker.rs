//! Judging anew what the rules look at: what changed, and once a day everything.

use std::{collections::HashMap, sync::Arc};

use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    assemble::{Capped, facts},
    in_force::{self, Model, Ready},
    judge::{Judgement, Subject, evaluate, find_briefly},
    risk,
    settle::settle,
};
use crate::policy::{
    Brief, Judged,
    store::{
        judgements::{self, Digest},
        queue,
    },
};
use base::{
    app::App,
    db::{Open, WriteTx},
    error::Error,
};
use identity::Actor;
use register::integrations::{self, IntegrationState};

/// Entries taken at once.
const BATCH: i64 = 200;
/// The name of this work in logs and metrics.
const TASK: &str = "judge integrations";
/// Batches under way at once, at most: while one is read the other is evaluated.
const LANES: usize = 4;
/// The form of what is hashed of a judgement. It rises when the same finding would be written otherwise, so that
/// everything is compared once more.
const FORM: u8 = 1;

/// A judgement that comes to something other than the last one.
struct Other {
    digest: Digest,
    state: IntegrationState,
    judgement: Judgement,
}

/// What judges: the rules in force, and the model.
struct Judges {
    rules: Vec<Arc<Ready>>,
    model: Option<Arc<Model>>,
}

/// Judges what waits; how many integrations were judged. Entries leave the queue after what follows
/// from them is on disk: should Muster stop in between, they are judged again.
pub async fn judge_due(app: &App) -> Result<usize, Error> {
    let resting = app.background.run(TASK, &app.stop).resting();
    if !queue::any(&mut *app.db.read().await?, &resting).await? {
        return Ok(0);
    }
    // Each holds two connections; two stay free for what people do meanwhile, where there are more than three.
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

/// Judges batch after batch, as long as there is one. A batch that fails is judged one integration at a time, and
/// the one that fails rests, so that the others are judged.
async fn judge_batches(app: &App) -> Result<usize, Error> {
    let mut run = app.background.run(TASK, &app.stop);
    let (mut count, mut singly) = (0, 0);
    while run.goes_on() {
        let most = if singly > 0 { 1 } else { BATCH };
        singly -= i64::from(singly > 0);
        let mut connection = app.db.housekeeping().await?;
        let mut taken = sqlx::Connection::begin(&mut *connection).await?;
        let ids = queue::take(&mut taken, most, &run.resting()).await?;
        let held = match (judge_these(app, &mut taken, &ids).await, ids.as_slice()) {
            (Ok(held), [only]) => {
                run.settle(*only, Ok(()));
                held
            }
            (Ok(held), _) => held,
            // While the database is away every one of them would fail.
            (Err(away @ Error::Unavailable(_)), _) => return Err(away),
            (Err(error), [only]) => {
                taken.rollback().await?;
                run.settle(*only, Err(error));
                continue;
            }
            (Err(error), _) => {
                tracing::debug!(%error, "a batch could not be judged; now one at a time");
                taken.rollback().await?;
                singly = BATCH;
                continue;
            }
        };
        queue::put_back(&mut taken, &held).await?;
        taken.commit().await?;
        count += ids.len() - held.len();
        // What is just being changed comes at the next turn.
        if ids.is_empty() || !held.is_empty() {
            break;
        }
    }
    Ok(count)
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

/// Judges integrations within the transaction that took them, but for those that somebody is just changing, which
/// are given back: what goes live is judged by whoever brings it there, and both at once would tell the same
/// violation twice. Where a judgement comes to what the last one came to, nothing is compared or written.
async fn judge_these(app: &App, taken: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let today = app.today().await?;
    // Both connections before the lock: whoever waits for these integrations holds one as well.
    let actor = Actor::job("system:policy", Uuid::now_v7().to_string());
    let tx = app.db.write(&actor).await?;
    let free = integrations::ops::lock_free(taken, ids).await?;
    let integrations = integrations::ops::load(taken, &free).await?;
    let states: HashMap<Uuid, IntegrationState> = integrations.iter().map(|one| (one.id, one.state)).collect();
    let subjects: Vec<Subject> = integrations.iter().map(Subject::live).collect();
    let read = facts(taken, today, &subjects).await?;
    let rules = in_force::rules(taken, app.slot::<crate::policy::ops::RuleCache>()).await?;
    let model = in_force::model(taken, app.slot::<crate::policy::ops::RuleCache>()).await?;
    let judges = Judges { rules, model: model.clone() };
    let known = judgements::of_integrations(taken, &free).await?;
    // Evaluating is all computing: not on a thread that answers requests.
    let work = tokio::task::spawn_blocking(move || judges.others(read, &states, &known));
    let others = work.await.map_err(Error::internal)?;
    if !others.is_empty() && bring_to_it(tx, taken, model.as_deref(), others).await? {
        app.forget_counts();
    }
    Ok(ids.iter().copied().filter(|id| !free.contains(id)).collect())
}

/// Brings violations and scores to what was found, and keeps what that came to: in the transaction that writes
/// them, or, where there is nothing to write, in the one that holds the integrations. Whether anything changed.
async fn bring_to_it(
    mut tx: WriteTx<Open>,
    holding: &mut PgConnection,
    model: Option<&Model>,
    others: Vec<Other>,
) -> Result<bool, Error> {
    let digests: Vec<(Uuid, Digest)> =
        others.iter().map(|other| (other.judgement.integration_id, other.digest)).collect();
    let mut events = Vec::new();
    if let Some(model) = model {
        let scored =
            others.iter().filter_map(|one| Some((one.judgement.integration_id, one.judgement.scored.clone()?)));
        events = risk::settle(&mut tx, model, scored.collect()).await?;
    }
    let found: Vec<(&Judgement, IntegrationState)> = others.iter().map(|one| (&one.judgement, one.state)).collect();
    events.extend(settle(&mut tx, &found).await?);
    if events.is_empty() {
        judgements::save(holding, &digests).await?;
        return Ok(false);
    }
    judgements::save(tx.conn(), &digests).await?;
    Ok(tx.commit_all(events).await? > 0)
}

impl Judges {
    /// Of what was read, whatever comes to something other than is known, judged in full.
    fn others(
        &self,
        read: Vec<Capped>,
        states: &HashMap<Uuid, IntegrationState>,
        known: &HashMap<Uuid, Digest>,
    ) -> Vec<Other> {
        let one = |capped: Capped| {
            let state = *states.get(&capped.0)?;
            let digest = self.digest(&capped, state);
            if known.get(&capped.0) == Some(&digest) {
                return None;
            }
            let compiled = self.model.as_ref().map(|model| &model.compiled);
            Some(Other { digest, state, judgement: evaluate(&self.rules, compiled, capped) })
        };
        read.into_iter().filter_map(one).collect()
    }

    /// What judging comes to, as one hash.
    fn digest(&self, (_, facts, cut): &Capped, state: IntegrationState) -> Digest {
        let judged = Judged::new(facts);
        let mut hash = Sha256::new();
        hash.update([FORM]);
        for rule in &self.rules {
            let (word, values) = match find_briefly(rule, &judged, cut) {
                Some(Brief::Fires(values)) => (1, values),
                Some(Brief::Failed(why)) => (2, why),
                Some(Brief::Quiet) | None => continue,
            };
            // What is retired violates nothing.
            if state != IntegrationState::Retired {
                hash.update(rule.id);
                hash.update(rule.version.to_le_bytes());
                hash.update([word]);
                hash.update(values);
            }
        }
        if let Some(model) = &self.model {
            hash.update(model.id);
            hash.update(model.version.to_le_bytes());
            hash.update(model.compiled.holding(&judged).bytes());
        }
        hash.finalize().into()
    }
}
