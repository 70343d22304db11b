//! Assessments, demands and evidence follow when their vendor is merged into another.

use crate::{
    assessments::{
        Demand,
        store::{assessments, demands, evidence, merging},
    },
    catalog::{Moved, Repointing},
    db::WriteTx,
    error::Error,
};

/// Moves what belongs to a vendor. Refuses where both are being asked the same questionnaire.
pub async fn follow_vendor<S>(tx: &mut WriteTx<S>, step: &Repointing) -> Result<Moved, Error> {
    let (now, mut moved) = (tx.now(), Moved::default());
    let ids = merging::assessments_of(tx.conn(), step.from, step.ids("assessment").as_deref()).await?;
    let both = merging::both_under_way(tx.conn(), &ids, step.to).await?;
    if !both.is_empty() {
        return Err(Error::Conflict(format!(
            "Both vendors are being asked: {}. Conclude or withdraw one of each first.",
            both.join(", ")
        )));
    }
    let before = assessments::get_many(tx.conn(), &ids).await?;
    merging::move_assessments(tx.conn(), &ids, step.to, now).await?;
    moved.add("assessment.moved", &before, &assessments::get_many(tx.conn(), &ids).await?);

    let only = step.ids("assessment_demand");
    let ids = merging::demands_of(tx.conn(), (step.from, step.to), only.as_deref()).await?;
    let before: Vec<Demand> = demands::get_many(tx.conn(), &ids).await?;
    merging::move_demands(tx.conn(), &ids, step.to, now).await?;
    moved.add("assessment_demand.moved", &before, &demands::get_many(tx.conn(), &ids).await?);

    let ids = merging::evidence_of(tx.conn(), step.from, step.ids("evidence").as_deref()).await?;
    let before = evidence::get_many(tx.conn(), &ids).await?;
    merging::move_evidence(tx.conn(), &ids, step.to, now).await?;
    moved.add("evidence.moved", &before, &evidence::get_many(tx.conn(), &ids).await?);
    Ok(moved)
}
