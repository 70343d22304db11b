//! Risk: scored with the rules, shown with how it comes about, overridden for a time.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{exceptions::lead, in_force::Model};
use crate::policy::{NewOverride, Override, OverrideState, RiskModelContent, RiskScore, Scored, store::risk};
use base::{app::App, audit::Event, db::WriteTx, error::Error};
use identity::Actor;
use register::{
    catalog::{self, Moved, Repointing},
    integrations, publications,
};

/// Brings the scores on record to what was scored; the events to be recorded.
pub(super) async fn settle<S>(
    tx: &mut WriteTx<S>,
    model: &Model,
    scored: Vec<(Uuid, Scored)>,
) -> Result<Vec<Event>, Error> {
    let ids: Vec<Uuid> = scored.iter().map(|(id, _)| *id).collect();
    let known: HashMap<Uuid, RiskScore> =
        risk::of_integrations(tx.conn(), &ids).await?.into_iter().map(|score| (score.integration_id, score)).collect();
    let now = tx.now();
    let (mut events, mut changed, mut moved) = (Vec::new(), Vec::new(), Vec::new());
    for (id, scored) in scored {
        let before = known.get(&id);
        let after = RiskScore {
            integration_id: id,
            revision: before.map_or(1, |before| before.revision + 1),
            model_id: model.id,
            model_version: model.version,
            inherent: scored.inherent,
            residual: scored.residual,
            band: scored.band,
            parts: scored.parts,
            scored_at: now,
        };
        match before {
            Some(before) if (before.model_version, &before.parts) == (after.model_version, &after.parts) => continue,
            Some(before) => events.push(Event::changed("risk_score.changed", before, &after)),
            None => events.push(Event::created("risk_score.made", &after)),
        }
        if before.is_none_or(|before| (before.inherent, before.residual) != (after.inherent, after.residual)) {
            moved.push(id);
        }
        changed.push(after);
    }
    risk::save_many(tx.conn(), &changed, &moved).await?;
    Ok(events)
}

/// What a score was at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RiskMoment {
    /// Since when.
    pub at: DateTime<Utc>,
    /// The inherent risk.
    pub inherent: i32,
    /// The residual risk.
    pub residual: i32,
}

/// The risk of an integration or a vendor, as it stands today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Risk {
    /// The residual risk that counts today: the override's where one holds.
    pub residual: i32,
    /// The name of its range.
    pub band: String,
    /// The inherent risk.
    pub inherent: i32,
    /// The score, with how it comes about; of a vendor, that of the integration with the highest.
    pub score: RiskScore,
    /// Slug of the integration whose score it is.
    pub integration: String,
    /// Its name.
    pub integration_name: String,
    /// The override that holds.
    pub overridden: Option<Override>,
    /// What it was, oldest first.
    pub history: Vec<RiskMoment>,
}

async fn band(conn: &mut PgConnection, score: i32) -> Result<String, Error> {
    let held = publications::ops::in_force::<RiskModelContent>(conn).await?.pop();
    Ok(held.map_or_else(|| "low".into(), |(.., content)| content.band(score).to_owned()))
}

/// The risk of an integration; none where it was not scored yet.
pub async fn risk_of(app: &App, actor: &Actor, key: &str) -> Result<Option<Risk>, Error> {
    let integration = integrations::ops::find_integration(app, actor, key).await?;
    let today = app.today().await?;
    let mut conn = app.db.read().await?;
    let Some(score) = risk::of_integrations(&mut conn, &[integration.id]).await?.pop() else { return Ok(None) };
    let overridden = risk::overrides(&mut conn, &[integration.id]).await?.into_iter().find(|one| one.holds(today));
    let residual = overridden.as_ref().map_or(score.residual, |one| one.residual);
    let history = risk::history(&mut conn, &[integration.id]).await?;
    let history = history.into_iter().map(|(_, at, inherent, residual)| RiskMoment { at, inherent, residual });
    Ok(Some(Risk {
        residual,
        band: band(&mut conn, residual).await?,
        inherent: score.inherent,
        score,
        integration: integration.content.slug,
        integration_name: integration.content.name,
        overridden,
        history: history.collect(),
    }))
}

/// The risk of a vendor: that of its integration with the highest residual risk, overrides counted.
/// Its history is the highest of all at each moment. None where nothing of it is in use.
pub async fn risk_of_vendor(app: &App, actor: &Actor, key: &str) -> Result<Option<Risk>, Error> {
    let vendor = catalog::ops::find_vendor(app, actor, key).await?;
    let today = app.today().await?;
    let mut conn = app.db.read().await?;
    let named = risk::of_vendor(&mut conn, vendor.id).await?;
    let mut ids: Vec<Uuid> = named.iter().map(|(id, ..)| *id).collect();
    let scores = risk::of_integrations(&mut conn, &ids).await?;
    ids.push(vendor.id);
    let overrides: Vec<Override> =
        risk::overrides(&mut conn, &ids).await?.into_iter().filter(|one| one.holds(today)).collect();
    let counts = |score: &RiskScore| {
        let own = overrides.iter().find(|one| one.integration_id == Some(score.integration_id));
        own.map_or(score.residual, |one| one.residual)
    };
    let Some(worst) = scores.iter().max_by_key(|score| (counts(score), score.inherent)).cloned() else {
        return Ok(None);
    };
    let overridden = overrides.iter().find(|one| one.vendor_id == Some(vendor.id)).cloned();
    let residual = overridden.as_ref().map_or_else(|| counts(&worst), |one| one.residual);
    let (_, slug, name) = named.iter().find(|(id, ..)| *id == worst.integration_id).cloned().unwrap_or_default();
    let inherent = scores.iter().map(|score| score.inherent).max().unwrap_or(worst.inherent);
    ids.pop();
    Ok(Some(Risk {
        residual,
        band: band(&mut conn, residual).await?,
        inherent,
        score: worst,
        integration: slug,
        integration_name: name,
        overridden,
        history: highest(risk::history(&mut conn, &ids).await?),
    }))
}

/// The highest of several lines at each moment.
fn highest(lines: Vec<(Uuid, DateTime<Utc>, i32, i32)>) -> Vec<RiskMoment> {
    let mut present: HashMap<Uuid, (i32, i32)> = HashMap::new();
    let mut found: Vec<RiskMoment> = Vec::new();
    for (id, at, inherent, residual) in lines {
        present.insert(id, (inherent, residual));
        let moment = RiskMoment {
            at,
            inherent: present.values().map(|(inherent, _)| *inherent).max().unwrap_or(0),
            residual: present.values().map(|(_, residual)| *residual).max().unwrap_or(0),
        };
        let same = |last: &RiskMoment| (last.inherent, last.residual) == (moment.inherent, moment.residual);
        if !found.last().is_some_and(same) {
            found.push(moment);
        }
    }
    found
}

/// What is overridden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overridden<'a> {
    /// An integration, by id or slug.
    Integration(&'a str),
    /// A vendor, by id or slug.
    Vendor(&'a str),
}

/// Sets an override, until a day. A governance lead does, at a page; one before it is lifted.
pub async fn set_override(app: &App, actor: &Actor, of: Overridden<'_>, new: NewOverride) -> Result<Override, Error> {
    let me = lead(app, actor)?;
    let today = app.today().await?;
    let (residual, reason, ends_on) = new.checked(today)?;
    let (integration_id, vendor_id) = match of {
        Overridden::Integration(key) => (Some(integrations::ops::find_integration(app, actor, key).await?.id), None),
        Overridden::Vendor(key) => (None, Some(catalog::ops::find_vendor(app, actor, key).await?.id)),
    };
    let mut tx = app.db.write(actor).await?;
    let now = tx.now();
    let mut events = Vec::new();
    let subject: Vec<Uuid> = integration_id.into_iter().chain(vendor_id).collect();
    for before in risk::overrides(tx.conn(), &subject).await? {
        let after = lifted(&before, me, now);
        risk::save_override(tx.conn(), &after).await?;
        events.push(Event::changed("risk_override.lifted", &before, &after));
    }
    let one = Override {
        id: Uuid::now_v7(),
        revision: 1,
        integration_id,
        vendor_id,
        residual,
        reason,
        ends_on,
        state: OverrideState::Set,
        set_by: me,
        set_at: now,
        lifted_by: None,
        lifted_at: None,
    };
    risk::save_override(tx.conn(), &one).await?;
    events.push(Event::created("risk_override.set", &one));
    tx.commit_all(events).await?;
    app.forget_counts();
    Ok(one)
}

fn lifted(before: &Override, by: Uuid, now: DateTime<Utc>) -> Override {
    Override {
        state: OverrideState::Lifted,
        lifted_by: Some(by),
        lifted_at: Some(now),
        revision: before.revision + 1,
        ..before.clone()
    }
}

/// Takes an override back.
pub async fn lift_override(app: &App, actor: &Actor, id: Uuid) -> Result<Override, Error> {
    let me = lead(app, actor)?;
    let mut tx = app.db.write(actor).await?;
    let before = risk::lock_override(tx.conn(), id).await?.ok_or(Error::NotFound("override"))?;
    if before.state == OverrideState::Lifted {
        return Err(Error::Conflict("It was taken back already.".into()));
    }
    let after = lifted(&before, me, tx.now());
    risk::save_override(tx.conn(), &after).await?;
    tx.record(Event::changed("risk_override.lifted", &before, &after)).await?.commit().await?;
    app.forget_counts();
    Ok(after)
}

/// An override follows when its vendor is merged into another. Refuses where both have one.
pub async fn follow_vendor<S>(tx: &mut WriteTx<S>, step: &Repointing) -> Result<Moved, Error> {
    let ids = risk::overrides_to_move(tx.conn(), step.from, step.ids("risk_override").as_deref()).await?;
    let mut moved = Moved::default();
    if ids.is_empty() {
        return Ok(moved);
    }
    if !risk::overrides(tx.conn(), &[step.to]).await?.is_empty() {
        return Err(Error::Conflict("The risk of both vendors is overridden. Lift one of the two first.".into()));
    }
    let before = risk::overrides(tx.conn(), &[step.from]).await?;
    risk::move_overrides(tx.conn(), &ids, step.to).await?;
    moved.add("risk_override.moved", &before, &risk::overrides(tx.conn(), &[step.to]).await?);
    Ok(moved)
}

/// The model that Muster brings along.
pub fn model_of_pack() -> Result<RiskModelContent, Error> {
    serde_saphyr::from_str(include_str!("../risk.yaml")).map_err(Error::internal)
}

/// Publishes it where none is in force; how many were added.
pub async fn seed_risk_model(app: &App, actor: &Actor) -> Result<usize, Error> {
    publications::ops::seed(app, actor, vec![model_of_pack()?]).await
}

#[cfg(test)]
mod tests {
    use super::model_of_pack;
    use crate::policy::{Facts, Judged};
    use register::publications::Publishable;

    #[test]
    fn the_model_of_the_pack_is_sound_and_its_parts_add_up() {
        let model = model_of_pack().expect("the model").checked().unwrap_or_else(|error| panic!("{error:?}"));
        let compiled = model.compile().expect("compiled");
        let with = |change: serde_json::Value| {
            let facts = Facts::sample_with(&change).expect("facts");
            compiled.score(&Judged::new(&facts))
        };
        let usual = with(serde_json::json!({}));
        let worst = with(serde_json::json!({
            "integration": { "sensitivity": "restricted", "criticality": "critical", "exposure": "customer_facing",
                "initiated_by": "both", "exit_plan": null },
            "vendor": { "dpa_status": "unknown", "certifications": [] }, "assessments": [], "credentials": []
        }));
        for scored in [&usual, &worst] {
            let added: i32 = scored.parts.iter().filter(|part| part.points > 0).map(|part| part.points).sum();
            let all: i32 = scored.parts.iter().map(|part| part.points).sum();
            assert_eq!((added, all), (scored.inherent, scored.residual));
            assert!((0..=scored.inherent).contains(&scored.residual));
        }
        assert!(worst.residual > usual.residual && worst.inherent >= 80, "{usual:?} {worst:?}");
        assert_eq!(worst.band, "critical");
    }
}
