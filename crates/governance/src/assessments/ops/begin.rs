//! Beginning an assessment, and giving it up.

use chrono::{DateTime, Days, NaiveDate, Utc};
use uuid::Uuid;

use super::{locked, require_assessor};
use crate::assessments::{
    Answer, Answers, Assessment, AssessmentState, Audience, NewAssessment, QuestionnaireContent, answer,
    store::{assessments, demands},
};
use base::{app::App, audit::Event, db::WriteTx, error::Error, words::State};
use identity::{Actor, Group, GroupKind};
use register::{
    catalog::{self, Vendor},
    integrations::{self, Integration},
    publications::{self, Publication},
};

/// Days to answer where nothing else is said.
const DAYS: u64 = 21;

/// Begins an assessment, as a draft. Earlier answers are carried over where that is asked for,
/// marked as such.
pub async fn begin(app: &App, actor: &Actor, new: NewAssessment) -> Result<Assessment, Error> {
    require_assessor(actor)?;
    let today = app.today().await?;
    let new = new.checked(today)?;
    let named = resolve(app, actor, &new).await?;
    let mut tx = app.db.write(actor).await?;
    let (last, answers) = carry(&mut tx, &new, &named).await?;
    let now = tx.now();
    let one = draft(named, new.due_on.unwrap_or(today + Days::new(DAYS)), actor, now);
    let one = Assessment { answers, carried_from: last, demand_id: new.demand, ..one };
    let demand = match new.demand {
        None => None,
        Some(id) => {
            let before =
                demands::lock(tx.conn(), id).await?.ok_or(Error::field("/demand", "There is no such demand."))?;
            if (before.vendor_id, before.questionnaire_id) != (one.vendor_id, one.questionnaire_id) {
                return Err(Error::field("/demand", "This demand asks for another questionnaire or vendor."));
            }
            Some((before.clone(), before.close(Some(one.id), None)?))
        }
    };
    assessments::save(tx.conn(), &one).await?;
    let mut events = vec![Event::created("assessment.begun", &one)];
    if let Some((before, after)) = demand {
        demands::save(tx.conn(), &after, now).await?;
        events.push(Event::changed("assessment_demand.answered", &before, &after));
    }
    tx.commit_all(events).await?;
    app.forget_counts();
    Ok(one)
}

/// What a new assessment names, found.
struct Named {
    questionnaire: Uuid,
    version: i32,
    content: QuestionnaireContent,
    vendor: Vendor,
    integration: Option<Integration>,
    team: Option<Group>,
    recipient: Option<String>,
}

async fn resolve(app: &App, actor: &Actor, new: &NewAssessment) -> Result<Named, Error> {
    let (questionnaire, version, content) = questionnaire(app, actor, &new.questionnaire).await?;
    let vendor = vendor(app, actor, &new.vendor).await?;
    let integration = match &new.integration {
        None => None,
        Some(key) => {
            let found = integrations::ops::find_integration(app, actor, key).await;
            let found = found.map_err(|error| named(error, "/integration", "There is no such integration."))?;
            if found.vendor_id != vendor.id {
                return Err(Error::field("/integration", "This integration uses another vendor's API."));
            }
            Some(found)
        }
    };
    let team = team(app, actor, new, content.audience).await?;
    let recipient = recipient(new, content.audience, &vendor)?;
    Ok(Named { questionnaire: questionnaire.id, version, content, vendor, integration, team, recipient })
}

/// The answers that are carried over, and from which assessment.
async fn carry<S>(tx: &mut WriteTx<S>, new: &NewAssessment, named: &Named) -> Result<(Option<Uuid>, Answers), Error> {
    if !new.carry_over {
        return Ok((None, Answers::new()));
    }
    let integration = named.integration.as_ref().map(|integration| integration.id);
    let last = assessments::last_answered(tx.conn(), named.questionnaire, named.vendor.id, integration).await?;
    let Some(id) = last else { return Ok((None, Answers::new())) };
    let last = assessments::get_many(tx.conn(), &[id]).await?.pop().ok_or(Error::NotFound("assessment"))?;
    Ok((Some(id), carried(&named.content, last.answers)))
}

fn draft(named: Named, due_on: NaiveDate, actor: &Actor, now: DateTime<Utc>) -> Assessment {
    Assessment {
        id: Uuid::now_v7(),
        revision: 1,
        questionnaire_id: named.questionnaire,
        questionnaire: named.content.key,
        title: named.content.title,
        version: named.version,
        vendor_id: named.vendor.id,
        vendor: named.vendor.content.slug,
        integration_id: named.integration.as_ref().map(|integration| integration.id),
        integration: named.integration.map(|integration| integration.content.slug),
        recipient: named.recipient,
        team_id: named.team.as_ref().map(|team| team.id),
        team: named.team.map(|team| team.content.slug),
        state: AssessmentState::Draft,
        due_on,
        link_until: None,
        answers: Answers::new(),
        score: None,
        conclusion: None,
        basis: None,
        stale_because: None,
        carried_from: None,
        demand_id: None,
        created_by: actor.person(),
        created_at: now,
        sent_at: None,
        reminded_at: None,
        submitted_by: None,
        participants: Vec::new(),
        submitted_at: None,
        reviewed_by: None,
        reviewed_at: None,
        updated_at: now,
    }
}

fn named(error: Error, pointer: &str, message: &str) -> Error {
    if matches!(error, Error::NotFound(_)) { Error::field(pointer, message) } else { error }
}

async fn questionnaire(
    app: &App,
    actor: &Actor,
    key: &str,
) -> Result<(Publication<QuestionnaireContent>, i32, QuestionnaireContent), Error> {
    let found = publications::ops::find::<QuestionnaireContent>(app, actor, key).await;
    let found = found.map_err(|error| named(error, "/questionnaire", "There is no such questionnaire."))?;
    let held = found.published.clone();
    let held = held.ok_or_else(|| Error::field("/questionnaire", "It is a draft; publish it before it is sent."))?;
    Ok((found, held.version, held.content))
}

async fn vendor(app: &App, actor: &Actor, key: &str) -> Result<Vendor, Error> {
    let found = catalog::ops::find_vendor(app, actor, key).await;
    found.map_err(|error| named(error, "/vendor", "There is no such vendor."))
}

async fn team(app: &App, actor: &Actor, new: &NewAssessment, audience: Audience) -> Result<Option<Group>, Error> {
    let Some(key) = &new.team else { return Ok(None) };
    if audience == Audience::Vendor {
        return Err(Error::field("/team", "The vendor answers this questionnaire, not a team."));
    }
    let found = identity::ops::find_group(app, actor, GroupKind::Team, key).await;
    let found = found.map_err(|error| named(error, "/team", "There is no such team."))?;
    if found.content.state != State::Active {
        return Err(Error::field("/team", "This team has retired."));
    }
    Ok(Some(found))
}

fn recipient(new: &NewAssessment, audience: Audience, vendor: &Vendor) -> Result<Option<String>, Error> {
    if audience == Audience::Owner {
        return match &new.recipient {
            None => Ok(None),
            Some(_) => Err(Error::field("/recipient", "A team answers this questionnaire; name it instead.")),
        };
    }
    let known = vendor.content.security_contact.clone().filter(|contact| contact.contains('@'));
    Ok(new.recipient.clone().or(known))
}

/// Answers that still fit the questions, marked as carried over; what reviewers said of them is not.
fn carried(content: &QuestionnaireContent, answers: Answers) -> Answers {
    let fits = |(key, old): (String, Answer)| {
        let question = content.question(&key)?;
        let value = answer::fitting(question, old.value?).ok()?;
        Some((key, Answer { value: Some(value), carried: true, remark: None, comment: None, ..old }))
    };
    answers.into_iter().filter_map(fits).collect()
}

/// Gives one up before it was concluded.
pub async fn withdraw(app: &App, actor: &Actor, id: Uuid, revision: i64) -> Result<Assessment, Error> {
    require_assessor(actor)?;
    let mut tx = app.db.write(actor).await?;
    let before = locked(&mut tx, id, Some(revision)).await?;
    let after = before.clone().withdraw(tx.now())?;
    // What is given up is not touched again.
    assessments::set_link(tx.conn(), id, None, None).await?;
    assessments::save(tx.conn(), &after).await?;
    tx.record(Event::changed("assessment.withdrawn", &before, &after)).await?.commit().await?;
    app.forget_counts();
    Ok(after)
}
