//! Assessments, demands and evidence follow when their vendor is merged into another.

use crate::assessments::{
    Demand, DemandState,
    store::{assessments, demands, evidence, merging},
};
use base::{db::WriteTx, error::Error};
use register::catalog::{Moved, Repointing};

/// What a demand says that the other vendor has as well.
const DOUBLE: &str = "The vendor that this one was merged into is asked for the same.";

/// Demands that both vendors have: the source's is dismissed by a merge, and open again when that is undone.
async fn settle_doubles<S>(tx: &mut WriteTx<S>, step: &Repointing, moved: &mut Moved) -> Result<(), Error> {
    let now = tx.now();
    let mut doubles = Moved::default();
    match step.ids("dismissed_demand") {
        None => {
            for before in demands::open_of(tx.conn(), step.from).await? {
                let after = before.clone().close(None, Some(DOUBLE.to_owned()))?;
                demands::save(tx.conn(), &after, now).await?;
                doubles.add("assessment_demand.dismissed", &[before], &[after]);
            }
        }
        Some(ids) => {
            for before in demands::get_many(tx.conn(), &ids).await? {
                if before.state == DemandState::Dismissed && before.note.as_deref() == Some(DOUBLE) {
                    let revision = before.revision + 1;
                    let after = Demand { state: DemandState::Open, note: None, revision, ..before.clone() };
                    demands::save(tx.conn(), &after, now).await?;
                    doubles.add("assessment_demand.reopened", &[before], &[after]);
                }
            }
        }
    }
    for record in &mut doubles.records {
        "dismissed_demand".clone_into(&mut record.kind);
    }
    moved.append(doubles);
    Ok(())
}

/// Moves what belongs to a vendor. Refuses where both are being asked the same questionnaire.
pub async fn follow_vendor<S>(tx: &mut WriteTx<S>, step: &Repointing) -> Result<Moved, Error> {
    let (now, mut moved) = (tx.now(), Moved::default());
    let ids = merging::ASSESSED.holders(tx.conn(), step.from, step.ids("assessment").as_deref()).await?;
    let both = merging::both_under_way(tx.conn(), &ids, step.to).await?;
    if !both.is_empty() {
        return Err(Error::Conflict(format!(
            "Both vendors are being asked: {}. Conclude or withdraw one of each first.",
            both.join(", ")
        )));
    }
    let before = assessments::get_many(tx.conn(), &ids).await?;
    merging::ASSESSED.repoint(tx.conn(), &ids, step.to, now).await?;
    moved.add("assessment.moved", &before, &assessments::get_many(tx.conn(), &ids).await?);

    let only = step.ids("assessment_demand");
    let ids = merging::demands_of(tx.conn(), (step.from, step.to), only.as_deref()).await?;
    let before: Vec<Demand> = demands::get_many(tx.conn(), &ids).await?;
    merging::DEMANDED.repoint(tx.conn(), &ids, step.to, now).await?;
    moved.add("assessment_demand.moved", &before, &demands::get_many(tx.conn(), &ids).await?);

    settle_doubles(tx, step, &mut moved).await?;
    let ids = merging::EVIDENCED.holders(tx.conn(), step.from, step.ids("evidence").as_deref()).await?;
    let before = evidence::get_many(tx.conn(), &ids).await?;
    merging::EVIDENCED.repoint(tx.conn(), &ids, step.to, now).await?;
    moved.add("evidence.moved", &before, &evidence::get_many(tx.conn(), &ids).await?);
    Ok(moved)
}
