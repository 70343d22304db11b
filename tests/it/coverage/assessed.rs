//! Assessments in the states that operations need.

use serde_json::{Value, json};

use crate::support::{TestApp, builders};

/// An assessment with a finding, one that is wanted, and evidence with a file.
pub(super) async fn assessed(test: &TestApp, all: &str) -> (String, String, String, String) {
    use muster::assessments::{NewAnswer, ops};
    let made = async |path: &str, body: Value| test.api("POST", path, all, &[], Some(body)).await.json();
    let occurrence = made("/api/v1/assessment-demands", json!({ "vendor": "stripe", "reference": "INC-1" })).await;
    let demand = occurrence[0]["id"].as_str().expect("a demand").to_owned();
    let pdf = ops::Upload { name: "report.pdf", bytes: b"%PDF-1.7" };
    let content = muster::assessments::EvidenceContent {
        title: "A report".into(),
        vendor: "stripe".into(),
        ..Default::default()
    };
    let evidence = ops::add_evidence(&test.app, &test.cli(), content, Some(pdf)).await.expect("evidence").id;
    let (id, door) = opened(test).await;
    let one = ops::find_assessment(&test.app, &test.cli(), id).await.expect("it");
    let questions = ops::questions_of(&test.app, &test.cli(), &one).await.expect("questions");
    let answers = questions.questions().map(|(_, question)| {
        let word = question.values().get(1).map_or_else(|| "12".to_owned(), |word| (*word).to_owned());
        let word = match question.kind.key() {
            "date" => "2027-01-01".to_owned(),
            "file" => "https://x.example".to_owned(),
            _ => word,
        };
        let value = Some(muster::assessments::AnswerValue::Text(word));
        (question.key.clone(), NewAnswer { value, note: None, confirmed: false })
    });
    ops::answer(&test.app, &door, answers.collect()).await.expect("answered");
    ops::submit(&test.app, &door).await.expect("submitted");
    let finding = ops::findings_of(&test.app, &test.cli(), id).await.expect("findings")[0].id;
    (id.to_string(), demand, finding.to_string(), evidence.to_string())
}

/// An assessment of a vendor of its own, as a draft.
pub(super) async fn drafted(test: &TestApp) -> muster::assessments::Assessment {
    use muster::assessments::{NewAssessment, ops};
    let name = format!("Vendor {}", uuid::Uuid::new_v4());
    let vendor =
        muster::catalog::ops::create_vendor(&test.app, &test.cli(), builders::vendor(&name)).await.expect("one");
    let new = NewAssessment {
        questionnaire: "vendor-security".into(),
        vendor: vendor.content.slug,
        recipient: Some("security@example.com".into()),
        ..NewAssessment::default()
    };
    ops::begin(&test.app, &test.cli(), new).await.expect("begun")
}

/// The same, sent, with its door.
pub(super) async fn opened(test: &TestApp) -> (uuid::Uuid, muster::assessments::ops::Door) {
    use muster::assessments::ops;
    let draft = drafted(test).await;
    let sent = ops::send(&test.app, &test.cli(), draft.id, draft.revision).await.expect("sent");
    let link = sent.link.expect("a link");
    let secret = link.rsplit('/').next().expect("its secret");
    let arrival = muster::identity::Arrival::default();
    (draft.id, ops::door_of_link(&test.app, secret, arrival).await.expect("a door"))
}

/// What goes in as it is.
pub(super) fn bytes(id: &str) -> Option<Vec<u8>> {
    match id {
        "give_evidence_file" => Some(b"%PDF-1.7".to_vec()),
        "read_assessment_sheet" => {
            let content = muster::assessments::ops::questionnaire_of_pack().expect("questions");
            let mut answers = muster::assessments::Answers::new();
            answers.entry("tls".into()).or_default().value = Some(muster::assessments::AnswerValue::Text("yes".into()));
            Some(muster::assessments::sheet::write(&content, &answers).expect("a workbook"))
        }
        _ => None,
    }
}

pub(super) async fn questionnaire_draft(test: &TestApp, title: String) -> uuid::Uuid {
    use muster::{assessments::QuestionnaireContent, publications::ops};
    let found = ops::find::<QuestionnaireContent>(&test.app, &test.cli(), "vendor-security").await.expect("one");
    let content = QuestionnaireContent { title, ..found.shown().expect("it").clone() };
    ops::edit(&test.app, &test.cli(), found.id, found.revision, content).await.expect("a draft").id
}

/// An assessment that can be submitted.
pub(super) async fn answered(test: &TestApp) -> uuid::Uuid {
    use muster::assessments::ops;
    let content = ops::questionnaire_of_pack().expect("questions");
    let (id, door) = opened(test).await;
    ops::answer(&test.app, &door, crate::assessments::answers(&content, &[])).await.expect("answered");
    id
}

pub(super) async fn risk_draft(test: &TestApp, title: String) -> uuid::Uuid {
    use muster::{policy::RiskModelContent, publications::ops};
    let found = ops::find::<RiskModelContent>(&test.app, &test.cli(), "risk").await.expect("one");
    let content = RiskModelContent { title, ..found.shown().expect("it").clone() };
    ops::edit(&test.app, &test.cli(), found.id, found.revision, content).await.expect("a draft").id
}
