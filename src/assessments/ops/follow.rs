//! What follows when a vendor, its data or a questionnaire changes, and when days pass: conclusions
//! go stale, assessments are wanted, reminders go out. A job does it, some seconds after.

use chrono::{DateTime, Days, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    app::App,
    assessments::{
        Assessment, AssessmentState, Audience, Cause, Demand, DemandState, QuestionnaireContent,
        store::{assessments, demands, vendors},
    },
    audit::Event,
    catalog::{self, Vendor},
    error::Error,
    identity::Actor,
    integrations,
    policy::{self, Expression, Judged},
    publications,
};

/// Vendors looked at in one go.
const BATCH: i64 = 200;
/// Days before the end of a conclusion on which the next one is wanted.
const AHEAD: u64 = 30;

fn job() -> Actor {
    Actor::job("system:assessments", Uuid::now_v7().to_string())
}

/// Where a new day has begun, every vendor is looked at: conclusions end, and renewals are wanted.
pub async fn begin_day(app: &App) -> Result<bool, Error> {
    let today = app.today().await?;
    let mut connection = app.db.housekeeping().await?;
    let mut tx = sqlx::Connection::begin(&mut *connection).await?;
    let begun = vendors::begin_day(&mut tx, today).await?;
    if begun {
        vendors::all_due(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(begun)
}

/// Looks at the vendors that wait for it; how many. A vendor leaves the queue after what follows is
/// on disk: should Muster stop in between, it is looked at again, with the same outcome.
pub async fn follow_due(app: &App) -> Result<usize, Error> {
    let mut count = 0;
    loop {
        if !vendors::any_due(&mut *app.db.read().await?).await? {
            return Ok(count);
        }
        let mut connection = app.db.housekeeping().await?;
        let mut taken = sqlx::Connection::begin(&mut *connection).await?;
        let ids = vendors::take(&mut taken, BATCH).await?;
        for id in &ids {
            follow(app, *id).await?;
        }
        taken.commit().await?;
        if ids.is_empty() {
            return Ok(count);
        }
        count += ids.len();
    }
}

/// The questionnaires that are meant for a vendor: chosen by an integration of it, or used before.
pub(super) async fn questionnaires_for(
    conn: &mut PgConnection,
    vendor: &Vendor,
    today: NaiveDate,
) -> Result<Vec<(Uuid, QuestionnaireContent)>, Error> {
    let all = publications::ops::in_force::<QuestionnaireContent>(conn).await?;
    let used: Vec<Uuid> = {
        let ids = assessments::of_vendor(conn, vendor.id).await?;
        let found = assessments::get_many(conn, &ids).await?;
        let kept = found.iter().filter(|one| matches!(one.state, AssessmentState::Concluded | AssessmentState::Stale));
        kept.map(|one| one.questionnaire_id).collect()
    };
    let chosen = chosen(conn, vendor.id, &all, today).await?;
    let meant = all.into_iter().filter(|(id, ..)| used.contains(id) || chosen.contains(id));
    Ok(meant.map(|(id, _, content)| (id, content)).collect())
}

/// Of these questionnaires, those whose condition holds for an integration of the vendor. One that
/// cannot be evaluated is chosen: nothing is passed over in silence.
async fn chosen(
    conn: &mut PgConnection,
    vendor: Uuid,
    all: &[(Uuid, i32, QuestionnaireContent)],
    today: NaiveDate,
) -> Result<Vec<Uuid>, Error> {
    let asked = all.iter().filter(|(.., content)| content.audience == Audience::Vendor);
    let conditions: Vec<(Uuid, Option<Expression>)> = asked
        .filter_map(|(id, _, content)| Some((*id, Expression::compile(content.chosen_when.as_deref()?).ok())))
        .collect();
    if conditions.is_empty() {
        return Ok(Vec::new());
    }
    let ids = vendors::integrations(conn, vendor).await?;
    let integrations = integrations::ops::load(conn, &ids).await?;
    let mut found = Vec::new();
    for facts in policy::ops::facts_of(conn, today, &integrations).await? {
        let judged = Judged::new(&facts);
        let holds = |condition: &Option<Expression>| {
            condition.as_ref().is_none_or(|condition| condition.holds(&judged) != Ok(false))
        };
        found.extend(conditions.iter().filter(|(_, condition)| holds(condition)).map(|(id, _)| *id));
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// A demand that is made now.
pub(super) fn demand(
    now: DateTime<Utc>,
    questionnaire_id: Uuid,
    vendor_id: Uuid,
    cause: Cause,
    reference: String,
) -> Demand {
    Demand {
        id: Uuid::now_v7(),
        revision: 1,
        questionnaire_id,
        vendor_id,
        cause,
        reference: crate::text::clip(&reference, 200).to_owned(),
        state: DemandState::Open,
        note: None,
        assessment_id: None,
        created_at: now,
    }
}

async fn follow(app: &App, id: Uuid) -> Result<(), Error> {
    let today = app.today().await?;
    let actor = job();
    let vendor = catalog::ops::find_vendor(app, &actor, &id.to_string()).await?;
    let mut tx = app.db.write(&actor).await?;
    vendors::lock_turn(tx.conn(), id).await?;
    let basis = vendors::basis(tx.conn(), id).await?;
    let in_force = publications::ops::in_force::<QuestionnaireContent>(tx.conn()).await?;
    let ids = assessments::of_vendor(tx.conn(), id).await?;
    let all = assessments::get_many(tx.conn(), &ids).await?;
    let now = tx.now();
    let mut events = Vec::new();
    let mut wanted: Vec<(Demand, Option<Uuid>)> = Vec::new();
    for before in latest(&all) {
        let known = before.basis.clone().unwrap_or_default();
        let mut because = Vec::new();
        // What comes after it went stale is asked for as well: once each.
        for change in known.changed(&basis) {
            let new = demand(now, before.questionnaire_id, id, change.cause, change.reference);
            wanted.push((new, Some(before.id)));
            because.push(change.words);
        }
        because.extend(outgrown(tx.conn(), before, &in_force).await?);
        if !because.is_empty() && before.state == AssessmentState::Concluded {
            let locked = super::locked(&mut tx, before.id, None).await?;
            if locked.state == AssessmentState::Concluded {
                let after = locked.clone().outdate(because.join("; "), now)?;
                assessments::save(tx.conn(), &after).await?;
                events.push(Event::changed("assessment.outdated", &locked, &after));
            }
        }
        let ends = before.conclusion.as_ref().map(|conclusion| conclusion.valid_until);
        let again = |one: &&Assessment| {
            one.is_under_way()
                && (one.questionnaire_id, one.integration_id) == (before.questionnaire_id, before.integration_id)
        };
        if ends.is_some_and(|day| day <= today + Days::new(AHEAD)) && !all.iter().any(|one| again(&one)) {
            let new = demand(now, before.questionnaire_id, id, Cause::Renewal, before.id.to_string());
            wanted.push((new, Some(before.id)));
        }
    }
    for questionnaire in chosen(tx.conn(), id, &in_force, today).await? {
        if !all.iter().any(|one| one.questionnaire_id == questionnaire && one.state != AssessmentState::Withdrawn) {
            wanted.push((demand(now, questionnaire, id, Cause::Intake, String::new()), None));
        }
    }
    for (new, after) in wanted {
        let title = in_force.iter().find(|(id, ..)| *id == new.questionnaire_id).map(|(.., content)| &content.title);
        let names = (title.map_or("", String::as_str), vendor.content.name.as_str());
        if demands::insert(tx.conn(), &new, after, names).await? {
            events.push(Event::created("assessment_demand.made", &new));
        }
    }
    if tx.commit_all(events).await? > 0 {
        app.forget_counts();
    }
    Ok(())
}

/// Of each questionnaire, and of each integration that one is about alone, what was concluded last:
/// what came before it no longer speaks for the vendor.
fn latest(all: &[Assessment]) -> impl Iterator<Item = &Assessment> {
    let at = |one: &Assessment| one.conclusion.as_ref().map(|conclusion| (conclusion.at, one.id));
    let same = |a: &Assessment, b: &Assessment| {
        (a.questionnaire_id, a.integration_id) == (b.questionnaire_id, b.integration_id)
    };
    all.iter().filter(move |one| at(one).is_some() && !all.iter().any(|other| same(one, other) && at(other) > at(one)))
}

/// Why the questions that were asked no longer are those that hold, if so.
async fn outgrown(
    conn: &mut PgConnection,
    one: &Assessment,
    in_force: &[(Uuid, i32, QuestionnaireContent)],
) -> Result<Option<String>, Error> {
    let held = in_force.iter().find(|(id, ..)| *id == one.questionnaire_id);
    let Some((_, version, content)) = held.filter(|(_, version, _)| *version != one.version) else { return Ok(None) };
    let asked: QuestionnaireContent = publications::ops::content_of(conn, one.questionnaire_id, one.version).await?;
    let changed = asked.substance() != content.substance();
    Ok(changed.then(|| format!("the questionnaire asks other things since version {version}")))
}

/// Reminds of what is due within three days or overdue, once a week. How many were reminded of.
pub async fn remind_due(app: &App) -> Result<usize, Error> {
    if app.config.post.is_none() {
        return Ok(0);
    }
    let (today, now) = (app.today().await?, app.clock.now());
    let ids = assessments::to_remind(&mut *app.db.read().await?, today, now).await?;
    for id in &ids {
        match super::remind(app, &job(), *id).await {
            // Somebody answered meanwhile.
            Ok(_) | Err(Error::Conflict(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(ids.len())
}
