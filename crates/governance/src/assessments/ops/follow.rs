//! What follows when a vendor, its data or a questionnaire changes, and when days pass: conclusions
//! go stale, assessments are wanted, reminders go out. A job does it, some seconds after.

use chrono::{DateTime, Days, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    assessments::{
        Assessment, AssessmentState, Audience, Cause, Demand, DemandState, QuestionnaireContent,
        store::{assessments, demands, vendors},
    },
    policy::{self, Expression, Judged},
};
use base::{app::App, audit::Event, error::Error};
use identity::Actor;
use register::{
    catalog::{self, Vendor},
    integrations, publications,
};

/// Entries taken from the queue at once: few, since the connection that holds them waits for their follow-up.
const BATCH: i64 = 20;
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

/// Follows up the vendors that wait for it; how many succeeded. A vendor leaves the queue after what follows is
/// on disk: if Muster stops in between, it is followed up again, with the same outcome. One that fails goes back
/// into the queue and rests, so that the others go on.
pub async fn follow_due(app: &App) -> Result<usize, Error> {
    let mut run = app.background.run("follow up vendors", &app.stop);
    let mut asked = Asked::default();
    while run.goes_on() {
        let resting = run.resting();
        if !vendors::any_due(&mut *app.db.read().await?, &resting).await? {
            break;
        }
        let mut connection = app.db.housekeeping().await?;
        let mut queue = sqlx::Connection::begin(&mut *connection).await?;
        let taken = vendors::take(&mut queue, BATCH, &resting).await?;
        // After the entries were taken: what is published later makes entries of its own.
        if !taken.vendors.is_empty() {
            asked.refresh(app).await?;
        }
        let mut left = Vec::new();
        for id in &taken.vendors {
            if !run.goes_on() {
                left.push(*id);
                continue;
            }
            match follow(app, *id, &asked).await {
                // While the database is away every one of them would fail: the entries stay in the queue.
                Err(away @ Error::Unavailable(_)) => return Err(away),
                failed @ Err(_) => {
                    left.push(*id);
                    run.settle(*id, failed);
                }
                Ok(()) => run.settle(*id, Ok(())),
            }
        }
        vendors::put_back(&mut queue, &left).await?;
        queue.commit().await?;
        if taken.entries == 0 {
            break;
        }
    }
    Ok(run.done())
}

/// The published questionnaires, and the compiled conditions by which they are chosen: compiled once for many vendors.
#[derive(Default)]
struct Asked {
    all: Vec<(Uuid, i32, QuestionnaireContent)>,
    conditions: Vec<(Uuid, Option<Expression>)>,
}

impl Asked {
    /// Reads what is published now; conditions are compiled again only when something changed.
    async fn refresh(&mut self, app: &App) -> Result<(), Error> {
        let all = publications::ops::in_force::<QuestionnaireContent>(&mut *app.db.read().await?).await?;
        if all != self.all {
            self.conditions = conditions(&all);
            self.all = all;
        }
        Ok(())
    }
}

/// The conditions by which vendors' questionnaires are chosen; `None` for one that no longer compiles.
fn conditions(all: &[(Uuid, i32, QuestionnaireContent)]) -> Vec<(Uuid, Option<Expression>)> {
    let asked = all.iter().filter(|(.., content)| content.audience == Audience::Vendor);
    let compiled = asked.filter_map(|(id, _, content)| {
        let condition = content.chosen_when.as_deref()?;
        Some((*id, Expression::compile(condition).ok()))
    });
    compiled.collect()
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
    let chosen = chosen(conn, vendor.id, &conditions(&all), today).await?;
    let meant = all.into_iter().filter(|(id, ..)| used.contains(id) || chosen.contains(id));
    Ok(meant.map(|(id, _, content)| (id, content)).collect())
}

/// Of these questionnaires, those whose condition holds for an integration of the vendor. One that
/// cannot be evaluated is chosen: nothing is passed over in silence.
async fn chosen(
    conn: &mut PgConnection,
    vendor: Uuid,
    conditions: &[(Uuid, Option<Expression>)],
    today: NaiveDate,
) -> Result<Vec<Uuid>, Error> {
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
        reference: base::text::clip(&reference, 200).to_owned(),
        state: DemandState::Open,
        note: None,
        assessment_id: None,
        created_at: now,
    }
}

async fn follow(app: &App, id: Uuid, asked: &Asked) -> Result<(), Error> {
    let today = app.today().await?;
    let actor = job();
    let vendor = catalog::ops::find_vendor(app, &actor, &id.to_string()).await?;
    let mut tx = app.db.write(&actor).await?;
    vendors::lock_turn(tx.conn(), id).await?;
    let basis = vendors::basis(tx.conn(), id).await?;
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
        because.extend(outgrown(tx.conn(), before, &asked.all).await?);
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
    for questionnaire in chosen(tx.conn(), id, &asked.conditions, today).await? {
        if !all.iter().any(|one| one.questionnaire_id == questionnaire && one.state != AssessmentState::Withdrawn) {
            wanted.push((demand(now, questionnaire, id, Cause::Intake, String::new()), None));
        }
    }
    for (new, after) in wanted {
        let title = asked.all.iter().find(|(id, ..)| *id == new.questionnaire_id).map(|(.., content)| &content.title);
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
    let mut run = app.background.run("remind of assessments", &app.stop);
    let resting = run.resting();
    for id in ids.iter().filter(|id| !resting.contains(id)) {
        if !run.goes_on() {
            break;
        }
        let reminded = match super::remind(app, &job(), *id).await {
            // It was answered in the meantime.
            Ok(_) | Err(Error::Conflict(_)) => Ok(()),
            Err(other) => Err(other),
        };
        run.settle(*id, reminded);
    }
    Ok(run.done())
}
