//! Questionnaires and assessments: sent, answered through a link, reviewed, concluded, gone stale;
//! evidence; letters.

mod evidence;
mod follow;
mod path;
mod refusals;
mod writing;

use std::collections::BTreeMap;

use muster::{
    assessments::{
        AnswerValue, Assessment, NewAnswer, NewAssessment, QuestionKind, QuestionnaireContent,
        ops::{self, Door},
    },
    identity::{Actor, Arrival, Role},
};

use crate::support::TestApp;

/// A draft for Stripe, by a reviewer who is nobody's owner.
async fn begun(test: &TestApp, reviewer: &Actor) -> Assessment {
    let new = NewAssessment {
        questionnaire: "vendor-security".into(),
        vendor: "stripe".into(),
        recipient: Some("security@stripe.example".into()),
        ..NewAssessment::default()
    };
    ops::begin(&test.app, reviewer, new).await.expect("begun")
}

async fn reviewer(test: &TestApp) -> Actor {
    test.page(&test.person("Vera Reviewer", &[Role::Reviewer]).await).await
}

/// The door behind a link.
async fn through(test: &TestApp, link: &str) -> Door {
    let secret = link.rsplit('/').next().expect("a secret");
    ops::door_of_link(&test.app, secret, Arrival::default()).await.expect("a door")
}

/// Answers to everything, without a red flag but where `bad` says so.
pub fn answers(content: &QuestionnaireContent, bad: &[&str]) -> BTreeMap<String, NewAnswer> {
    let answer = |question: &muster::assessments::Question| {
        let is_bad = bad.contains(&question.key.as_str());
        let value = match question.kind {
            QuestionKind::YesNo => {
                let good = if ["incidents", "training-use"].contains(&question.key.as_str()) { "no" } else { "yes" };
                AnswerValue::Text(if is_bad == (good == "no") { "yes" } else { "no" }.into())
            }
            QuestionKind::Choice | QuestionKind::MultiChoice => AnswerValue::Text(question.options[0].value.clone()),
            QuestionKind::Number => AnswerValue::Number(if question.key == "notice-days" { 200 } else { 20 }),
            QuestionKind::Date => AnswerValue::Text("2027-01-05".into()),
            QuestionKind::Text => AnswerValue::Text("In words.".into()),
            QuestionKind::File => AnswerValue::Text("https://trust.example.com".into()),
        };
        NewAnswer { value: Some(value), note: None, confirmed: false }
    };
    content.questions().map(|(_, question)| (question.key.clone(), answer(question))).collect()
}

/// Sent, answered and submitted, with these red flags.
pub async fn submitted(test: &TestApp, reviewer: &Actor, bad: &[&str]) -> Assessment {
    let draft = begun(test, reviewer).await;
    let sent = ops::send(&test.app, reviewer, draft.id, draft.revision).await.expect("sent");
    let door = through(test, &sent.link.expect("a link")).await;
    let content = ops::questions_of(&test.app, reviewer, &sent.assessment).await.expect("questions");
    ops::answer(&test.app, &door, answers(&content, bad)).await.expect("answered");
    ops::submit(&test.app, &door).await.expect("submitted")
}
