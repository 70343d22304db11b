//! Assessments of the demonstration's vendors: concluded, under way, and wanted.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::{Stage, catalogue::Shelf, organisation::Cast};
use base::error::Error;
use governance::assessments::{
    AnswerValue, Assessment, ConclusionVerdict, NewAnswer, NewAssessment, QuestionKind, QuestionnaireContent, ops,
};
use identity::Arrival;

/// How far one is to come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Concluded(ConclusionVerdict),
    Reviewed,
    Submitted,
    Answering,
    Sent,
    Draft,
}

const FATES: [Fate; 9] = [
    Fate::Concluded(ConclusionVerdict::Ok),
    Fate::Concluded(ConclusionVerdict::Conditional),
    Fate::Submitted,
    Fate::Concluded(ConclusionVerdict::Ok),
    Fate::Answering,
    Fate::Concluded(ConclusionVerdict::Blocker),
    Fate::Sent,
    Fate::Reviewed,
    Fate::Draft,
];

/// Assesses some of the vendors that something uses.
pub async fn assess(stage: &Stage, cast: &Cast, shelf: &Shelf, now: DateTime<Utc>) -> Result<usize, Error> {
    let mut vendors: Vec<&str> =
        shelf.apis.iter().filter(|api| !api.uses.is_empty()).map(|api| api.vendor.as_str()).collect();
    vendors.sort_unstable();
    vendors.dedup();
    // Others than the first of the alphabet alone.
    let chosen: Vec<&str> = vendors.iter().copied().step_by((vendors.len() / FATES.len()).max(1)).collect();
    for (n, (vendor, fate)) in chosen.iter().zip(FATES).enumerate() {
        let until = now.date_naive() + Days::new(5 + 3 * n as u64);
        one(stage, cast, (vendor, fate, until), n).await?;
    }
    Ok(chosen.len().min(FATES.len()))
}

/// What a vendor of this turn answers: mostly well, here and there a red flag.
fn answers(content: &QuestionnaireContent, n: usize, most: usize) -> BTreeMap<String, NewAnswer> {
    let mut given = BTreeMap::new();
    for (m, (_, question)) in content.questions().take(most).enumerate() {
        let bad = (m * 7 + n * 5) % 11 == 3;
        let value = match question.kind {
            QuestionKind::YesNo => {
                let good = if ["incidents", "training-use"].contains(&question.key.as_str()) { "no" } else { "yes" };
                let other = if good == "yes" { "no" } else { "yes" };
                AnswerValue::Text(if bad { other } else { good }.into())
            }
            QuestionKind::Choice | QuestionKind::MultiChoice => {
                let at = if bad { question.options.len() - 1 } else { n % 2 };
                AnswerValue::Text(question.options[at.min(question.options.len() - 1)].value.clone())
            }
            QuestionKind::Number => AnswerValue::Number(match (question.key.as_str(), bad) {
                ("notice-days", false) => 180,
                ("notice-days", true) => 30,
                (_, true) => 96,
                (_, false) => 24,
            }),
            QuestionKind::Date => AnswerValue::Text("2026-02-11".into()),
            QuestionKind::Text => AnswerValue::Text("See our trust pages; details under NDA.".into()),
            QuestionKind::File => AnswerValue::Text("https://trust.example.com/report".into()),
        };
        let note = bad.then(|| "Planned for the second half of the year.".to_owned());
        given.insert(question.key.clone(), NewAnswer { value: Some(value), note, confirmed: false });
    }
    given
}

async fn one(
    stage: &Stage,
    cast: &Cast,
    (vendor, fate, until): (&str, Fate, NaiveDate),
    n: usize,
) -> Result<(), Error> {
    let (app, reviewer) = (&stage.app, cast.reviewer(n));
    let new = NewAssessment {
        questionnaire: "vendor-security".into(),
        vendor: vendor.into(),
        recipient: Some(format!("security@{vendor}.example")),
        due_on: Some(until),
        ..NewAssessment::default()
    };
    let begun = ops::begin(app, &reviewer, new).await?;
    if fate == Fate::Draft {
        return Ok(());
    }
    let sent = ops::send(app, &reviewer, begun.id, begun.revision).await?;
    let (Some(link), true) = (sent.link, fate != Fate::Sent) else { return Ok(()) };
    let secret = link.rsplit('/').next().unwrap_or_default();
    let door = ops::door_of_link(app, secret, Arrival::default()).await?;
    let content = ops::questions_of(app, &reviewer, &sent.assessment).await?;
    let most = if fate == Fate::Answering { 19 } else { usize::MAX };
    ops::answer(app, &door, answers(&content, n, most)).await?;
    if fate == Fate::Answering {
        return Ok(());
    }
    let submitted = ops::submit(app, &door).await?;
    if fate == Fate::Submitted {
        return Ok(());
    }
    let reviewed = ops::review(app, &reviewer, submitted.id, submitted.revision).await?;
    if let Fate::Concluded(verdict) = fate {
        conclude(stage, cast, reviewed, verdict, n).await?;
    }
    Ok(())
}

async fn conclude(
    stage: &Stage,
    cast: &Cast,
    one: Assessment,
    verdict: ConclusionVerdict,
    n: usize,
) -> Result<(), Error> {
    use governance::assessments::{Closing, FlagState};
    let (app, reviewer) = (&stage.app, cast.reviewer(n + 1));
    if verdict == ConclusionVerdict::Ok {
        for found in ops::findings_of(app, &reviewer, one.id).await? {
            let closing = Closing {
                state: FlagState::Accepted,
                note: "Of little weight for what we send there.".into(),
                compensating_control: Some("Only pseudonymised data goes there.".into()),
            };
            ops::close_finding(app, &reviewer, found.id, found.revision, closing).await?;
        }
    }
    let reason = match verdict {
        ConclusionVerdict::Ok => "The answers are sound and backed by a report of this year.",
        ConclusionVerdict::Conditional => "Fine for what it does now; the open findings are looked at in half a year.",
        ConclusionVerdict::Blocker => "No data of ours goes there until the open findings are mended.",
    };
    ops::conclude(app, &reviewer, one.id, one.revision, (verdict, reason, None)).await?;
    Ok(())
}
