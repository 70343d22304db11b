//! What assessments, demands and evidence refuse: a row each, with the field or the words of the answer.

use chrono::TimeDelta;
use muster::{
    assessments::{
        AnswerValue, Audience, Cause, Demand, EvidenceContent, NewAnswer, NewAssessment, Occurrence, QuestionKind,
        ops::{self, Door},
    },
    catalog::{self, VendorContent},
    error::Error,
    identity::{GroupContent, GroupKind, ops as people},
    words::State,
};

use super::{begun, reviewer, through};
use crate::{
    governance::{pointers, refusals::said},
    support::{TestApp, builders},
};

fn asked() -> NewAssessment {
    NewAssessment {
        questionnaire: "vendor-security".into(),
        vendor: "stripe".into(),
        recipient: Some("security@stripe.example".into()),
        ..NewAssessment::default()
    }
}

#[tokio::test]
async fn an_assessment_begins_with_a_day_to_come_and_a_team_that_answers() {
    let test = TestApp::new().await;
    builders::shop(&test).await;
    let reviewer = reviewer(&test).await;
    let today = test.app.today().await.expect("a day");
    let begin = async |new| pointers(ops::begin(&test.app, &reviewer, new).await);
    assert_eq!(begin(NewAssessment { due_on: Some(today - TimeDelta::days(1)), ..asked() }).await, ["/due_on"]);
    assert_eq!(begin(NewAssessment { team: Some("payments".into()), ..asked() }).await, ["/team"]);
    let mut content = ops::questionnaire_of_pack().expect("the questionnaire");
    (content.audience, content.chosen_when) = (Audience::Owner, None);
    builders::publish(&test, content).await;
    let own = NewAssessment { recipient: None, ..asked() };
    assert_eq!(begin(NewAssessment { team: Some("no-such".into()), ..own.clone() }).await, ["/team"]);
    let (cli, kind) = (test.cli(), GroupKind::Team);
    let content = GroupContent { name: "Platform".into(), ..GroupContent::default() };
    let team = people::create_group(&test.app, &cli, kind, content).await.expect("a team");
    let named = NewAssessment { team: Some("platform".into()), ..own };
    ops::begin(&test.app, &reviewer, named.clone()).await.expect("begun");
    let retired = GroupContent { state: State::Retired, ..team.content };
    people::update_group(&test.app, &cli, kind, team.id, team.revision, retired).await.expect("retired");
    assert_eq!(begin(named).await, ["/team"]);
}

#[tokio::test]
async fn an_answer_is_of_the_kind_that_its_question_asks_for() {
    let test = TestApp::new().await;
    builders::shop(&test).await;
    let reviewer = reviewer(&test).await;
    let draft = begun(&test, &reviewer).await;
    let sent = ops::send(&test.app, &reviewer, draft.id, draft.revision).await.expect("sent");
    let door = through(&test, &sent.link.expect("a link")).await;
    let (_, content, _) = ops::opened(&test.app, &door).await.expect("open");
    let asked = |kind| {
        let found = content.questions().map(|(_, question)| question).find(|question| question.kind == kind);
        found.unwrap_or_else(|| panic!("the questionnaire asks for {kind:?}"))
    };
    let text = |text: &str| AnswerValue::Text(text.into());
    let many = asked(QuestionKind::MultiChoice);
    let known = many.options[0].value.clone();
    for (kind, value) in [
        (QuestionKind::YesNo, text("perhaps")),
        (QuestionKind::YesNo, AnswerValue::Number(1)),
        (QuestionKind::Choice, text("none of these")),
        (QuestionKind::MultiChoice, text("none of these")),
        (QuestionKind::MultiChoice, AnswerValue::Many(vec![known.clone(), "none of these".into()])),
        (QuestionKind::Number, text("many")),
        (QuestionKind::Date, text("31 January")),
        (QuestionKind::File, text("trust center")),
        (QuestionKind::File, text("javascript:alert(1)")),
    ] {
        let key = asked(kind).key.clone();
        let given = NewAnswer { value: Some(value.clone()), note: None, confirmed: false };
        let refused = pointers(ops::answer(&test.app, &door, [(key.clone(), given)].into()).await);
        assert_eq!(refused, [format!("/{key}/value")], "{value:?}");
    }
    let twice = NewAnswer { value: Some(AnswerValue::Many(vec![known.clone(), known])), note: None, confirmed: false };
    let saved = ops::answer(&test.app, &door, [(many.key.clone(), twice)].into()).await.expect("saved");
    assert!(matches!(&saved.answers[&many.key].value, Some(AnswerValue::Many(one)) if one.len() == 1));
}

#[tokio::test]
async fn an_answer_is_proved_by_ten_files_and_no_more() {
    let test = TestApp::new().await;
    builders::shop(&test).await;
    let reviewer = reviewer(&test).await;
    let draft = begun(&test, &reviewer).await;
    let sent = ops::send(&test.app, &reviewer, draft.id, draft.revision).await.expect("sent");
    let door = through(&test, &sent.link.expect("a link")).await;
    let attach = async |number: usize| {
        let text = format!("Report {number}");
        ops::attach(&test.app, &door, "report-file", &format!("report-{number}.txt"), text.as_bytes()).await
    };
    for number in 1..=10 {
        attach(number).await.expect("taken");
    }
    assert_eq!(pointers(attach(11).await), ["/file"]);
    let (one, ..) = ops::opened(&test.app, &door).await.expect("open");
    assert_eq!(one.answers["report-file"].evidence.len(), 10);
}

#[tokio::test]
async fn a_workbook_is_as_large_as_any_upload_may_be() {
    let test = TestApp::configured(|config| config.limits.upload = 100_000).await;
    builders::shop(&test).await;
    let reviewer = reviewer(&test).await;
    let draft = begun(&test, &reviewer).await;
    let sent = ops::send(&test.app, &reviewer, draft.id, draft.revision).await.expect("sent");
    let door: Door = through(&test, &sent.link.expect("a link")).await;
    let mut book = ops::sheet_of(&test.app, &door).await.expect("a workbook");
    book.resize(100_001, 0);
    let refused = ops::read_sheet(&test.app, &door, &book).await;
    assert!(matches!(&refused, Err(Error::TooLarge(_))), "{refused:?}");
    let (one, content, _) = ops::opened(&test.app, &door).await.expect("open");
    let mut filled = one.answers.clone();
    filled.entry("tls".into()).or_default().value = Some(AnswerValue::Text("yes".into()));
    let book = muster::assessments::sheet::write(&content, &filled).expect("a workbook");
    assert!(book.len() <= 100_000, "{}", book.len());
    ops::read_sheet(&test.app, &door, &book).await.expect("read");
}

#[tokio::test]
async fn a_reminder_needs_a_mail_server() {
    let test = TestApp::new().await;
    builders::shop(&test).await;
    let reviewer = reviewer(&test).await;
    let draft = begun(&test, &reviewer).await;
    let sent = ops::send(&test.app, &reviewer, draft.id, draft.revision).await.expect("sent").assessment;
    let refused = said(ops::remind(&test.app, &reviewer, sent.id).await);
    assert!(refused.starts_with("No mail server is configured"), "{refused}");
    let now = ops::find_assessment(&test.app, &reviewer, sent.id).await.expect("it");
    assert_eq!((now.revision, now.reminded_at), (sent.revision, None));
}

#[tokio::test]
async fn a_demand_is_dismissed_with_a_reason_and_made_where_something_is_asked() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    builders::active(&test, &shop, "Stripe for Shop").await;
    let reviewer = reviewer(&test).await;
    let breach = |vendor: &str| Occurrence { vendor: vendor.into(), reference: "INC-7".into() };
    assert_eq!(pointers(ops::report(&test.app, &reviewer, breach("no-such")).await), ["/vendor"]);
    let made: Vec<Demand> = ops::report(&test.app, &reviewer, breach("stripe")).await.expect("reported");
    assert_eq!((made.len(), made[0].cause), (1, Cause::Incident));
    let (id, revision) = (made[0].id, made[0].revision);
    assert_eq!(pointers(ops::dismiss(&test.app, &reviewer, id, revision, " \n ").await), ["/note"]);
    ops::dismiss(&test.app, &reviewer, id, revision, "Not our data.").await.expect("dismissed");
    // A vendor that nothing in use calls: no questionnaire is meant for it.
    let other = VendorContent { name: "Adyen".into(), ..VendorContent::default() };
    catalog::ops::create_vendor(&test.app, &test.cli(), other).await.expect("a vendor");
    let refused = said(ops::report(&test.app, &reviewer, breach("adyen")).await);
    assert!(refused.starts_with("No questionnaire is meant for this vendor"), "{refused}");
}

#[tokio::test]
async fn evidence_has_a_title_and_is_a_link_or_a_file() {
    let test = TestApp::new().await;
    builders::shop(&test).await;
    let reviewer = reviewer(&test).await;
    let link = || Some("https://trust.example.com/report".to_owned());
    let fine = EvidenceContent {
        title: "A report".into(),
        vendor: "stripe".into(),
        url: link(),
        ..EvidenceContent::default()
    };
    let file = ops::Upload { name: "report.txt", bytes: b"A report" };
    for (bad, upload, pointer) in [
        (EvidenceContent { title: " ".into(), ..fine.clone() }, None, "/title"),
        (EvidenceContent { url: Some("trust center".into()), ..fine.clone() }, None, "/url"),
        (EvidenceContent { vendor: "no-such".into(), ..fine.clone() }, None, "/vendor"),
        (EvidenceContent { certification: Some("ISO 1".into()), ..fine.clone() }, None, "/certification"),
        (EvidenceContent { url: None, ..fine.clone() }, None, "/url"),
        (fine.clone(), Some(file), "/url"),
    ] {
        assert_eq!(pointers(ops::add_evidence(&test.app, &reviewer, bad, upload).await), [pointer]);
    }
    ops::add_evidence(&test.app, &reviewer, fine, None).await.expect("taken");
}
