//! Answering, through a team's page or through the vendor's link, saved as one goes.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{content, evidence, locked};
use crate::assessments::{
    Answer, Assessment, Evidence, FlagState, Flagged, NewAnswer, QuestionnaireContent, logic,
    store::{assessments, findings},
};
use base::{
    app::App,
    audit::Event,
    db::WriteTx,
    error::{Error, FieldErrors},
};
use identity::{Actor, Arrival, Permission, secrets};
use register::publications;

/// Someone who may answer one assessment, and it alone.
#[derive(Clone, Debug)]
pub struct Door {
    actor: Actor,
    id: Uuid,
}

impl Door {
    /// The assessment.
    pub fn id(&self) -> Uuid {
        self.id
    }
}

/// The door of someone signed in, or of a script: of the team that it was sent to. What was sent to a vendor is answered
/// through the vendor's link alone.
pub async fn door(app: &App, actor: &Actor, id: Uuid) -> Result<Door, Error> {
    actor.require(Permission::Propose)?;
    let one = super::find_assessment(app, actor, id).await?;
    if !actor.is_in_team(one.team_id) {
        return Err(Error::Forbidden(match &one.team {
            Some(team) => format!("The team '{team}' answers this."),
            None => "The vendor answers this, through its link.".into(),
        }));
    }
    Ok(Door { actor: actor.clone(), id })
}

/// The door of who holds the vendor's link.
pub async fn door_of_link(app: &App, secret: &str, arrival: Arrival) -> Result<Door, Error> {
    let hash = secrets::hash(secret);
    let id = assessments::by_link(&mut *app.db.read().await?, &hash, app.clock.now()).await?;
    let id = id.ok_or(Error::NotFound("link"))?;
    Ok(Door { actor: Actor::link("system:vendor_link", arrival), id })
}

/// What someone at the door sees.
pub async fn opened(app: &App, door: &Door) -> Result<(Assessment, QuestionnaireContent, Vec<Evidence>), Error> {
    let mut conn = app.db.read().await?;
    let one = assessments::get_many(&mut conn, &[door.id]).await?.pop().ok_or(Error::NotFound("assessment"))?;
    let content = publications::ops::content_of(&mut conn, one.questionnaire_id, one.version).await?;
    let given = evidence::given_in(&mut conn, door.id).await?;
    Ok((one, content, given))
}

/// Saves answers, by the key of their question; the others stay. What does not fit is refused, and
/// then nothing is saved.
pub async fn answer(app: &App, door: &Door, given: BTreeMap<String, NewAnswer>) -> Result<Assessment, Error> {
    let mut tx = app.db.write(&door.actor).await?;
    let before = locked(&mut tx, door.id, None).await?;
    let content = content(&mut tx, &before).await?;
    let now = tx.now();
    let mut answers = before.answers.clone();
    let mut errors = FieldErrors::new();
    for (key, new) in given {
        let Some(question) = content.question(&key) else {
            errors.add(format!("/{key}"), "There is no such question.");
            continue;
        };
        let new = match new.checked(question) {
            Ok(new) => new,
            Err(Error::Invalid(faults)) => {
                for fault in faults.as_slice() {
                    errors.add(fault.pointer.clone(), fault.message.clone());
                }
                continue;
            }
            Err(other) => return Err(other),
        };
        let old = answers.get(&key).cloned().unwrap_or_default();
        // What was carried over stays so until someone says of this one that it holds.
        if (&old.value, &old.note) == (&new.value, &new.note) && !(old.carried && new.confirmed) {
            continue;
        }
        let evidence = old.evidence;
        if new.value.is_none() && new.note.is_none() && evidence.is_empty() {
            answers.remove(&key);
        } else {
            let answer = Answer { value: new.value, note: new.note, evidence, at: Some(now), ..Answer::default() };
            answers.insert(key, answer);
        }
    }
    errors.finish()?;
    if answers == before.answers {
        return Ok(before);
    }
    let after = before.clone().answer(answers, now)?;
    assessments::save(tx.conn(), &after).await?;
    assessments::note_participant(tx.conn(), after.id, door.actor.answers_for()).await?;
    tx.record(Event::changed("assessment.answered", &before, &after)).await?.commit().await?;
    Ok(after)
}

/// Takes a file as the proof of an answer.
pub async fn attach(app: &App, door: &Door, question: &str, name: &str, bytes: &[u8]) -> Result<Assessment, Error> {
    let mut tx = app.db.write(&door.actor).await?;
    let before = locked(&mut tx, door.id, None).await?;
    let content = content(&mut tx, &before).await?;
    let asked = content.question(question).ok_or_else(|| Error::field("/question", "There is no such question."))?;
    let now = tx.now();
    let title = base::text::clip(&asked.text, 300).to_owned();
    let file = evidence::Upload { name, bytes };
    let mut answers = before.answers.clone();
    let answer = answers.entry(question.to_owned()).or_default();
    if answer.evidence.len() >= 10 {
        return Err(Error::field("/file", "Ten files at most prove one answer."));
    }
    let given = evidence::in_assessment(&before, title, file, door.actor.person(), now, app)?;
    // Sent twice, it is there once.
    let same = |one: &Evidence| match (&one.file, &given.0.file) {
        (Some(here), Some(new)) => (&here.sha256, &here.name) == (&new.sha256, &new.name),
        _ => false,
    };
    let there = evidence::given_in(tx.conn(), door.id).await?;
    if there.iter().any(|one| answer.evidence.contains(&one.id) && same(one)) {
        return Ok(before);
    }
    answer.evidence.push(given.0.id);
    (answer.at, answer.remark, answer.carried) = (Some(now), None, false);
    let after = before.clone().answer(answers, now)?;
    evidence::insert(&mut tx, &given.0, Some(given.1)).await?;
    assessments::save(tx.conn(), &after).await?;
    assessments::note_participant(tx.conn(), after.id, door.actor.answers_for()).await?;
    let events =
        vec![Event::created("evidence.given", &given.0), Event::changed("assessment.answered", &before, &after)];
    tx.commit_all(events).await?;
    Ok(after)
}

/// Hands the answers in: all that is asked is answered; red flags open findings.
pub async fn submit(app: &App, door: &Door) -> Result<Assessment, Error> {
    let mut tx = app.db.write(&door.actor).await?;
    let before = locked(&mut tx, door.id, None).await?;
    let content = content(&mut tx, &before).await?;
    let now = tx.now();
    let after = before.clone().submit(&content, door.actor.person(), now)?;
    assessments::save(tx.conn(), &after).await?;
    assessments::note_participant(tx.conn(), after.id, door.actor.answers_for()).await?;
    let mut events = vec![Event::changed("assessment.submitted", &before, &after)];
    events.extend(raise(&mut tx, &after, &content).await?);
    tx.commit_all(events).await?;
    app.forget_counts();
    Ok(after)
}

/// Opens a finding for each red flag that is not known, and drops those whose answer changed.
async fn raise<S>(tx: &mut WriteTx<S>, one: &Assessment, content: &QuestionnaireContent) -> Result<Vec<Event>, Error> {
    let now = tx.now();
    let known = findings::of_assessment(tx.conn(), one.id).await?;
    let raised = logic::flags(content, &one.answers);
    let mut events = Vec::new();
    for before in &known {
        let still =
            raised.iter().any(|(question, flag)| question.key == before.question && flag.finding == before.finding);
        if !still {
            let after =
                Flagged { state: FlagState::Dropped, revision: before.revision + 1, closed_by: None, ..before.clone() };
            findings::save(tx.conn(), &after, now).await?;
            events.push(Event::changed("assessment_finding.dropped", before, &after));
        }
    }
    for (question, flag) in raised {
        if known.iter().any(|one| one.question == question.key && one.finding == flag.finding) {
            continue;
        }
        let value = one.answers.get(&question.key).and_then(|answer| answer.value.as_ref());
        let new = Flagged {
            id: Uuid::now_v7(),
            revision: 1,
            assessment_id: one.id,
            question: question.key.clone(),
            answer: value.map(|value| value.shown(question)).unwrap_or_default(),
            severity: flag.severity,
            finding: flag.finding.clone(),
            remediation: flag.remediation.clone(),
            compensating_control: flag.compensating_control.clone(),
            state: FlagState::Open,
            opened_at: now,
            closed_by: None,
            closed_at: None,
            note: None,
        };
        findings::save(tx.conn(), &new, now).await?;
        events.push(Event::created("assessment_finding.opened", &new));
    }
    Ok(events)
}
