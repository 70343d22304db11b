//! From the draft to the conclusion, and who may do what on the way.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use muster::{
    assessments::{
        AnswerValue, Assessment, Closing, ConclusionVerdict, FlagState, NewAnswer, NewAssessment, QuestionSection,
        Remark, ops,
    },
    error::Error,
    identity::{GroupContent, GroupKind, Role},
};
use serde_json::json;

use super::{answers, begun, reviewer, submitted, through};
use crate::support::{TestApp, builders, client::send};

#[tokio::test]
async fn a_vendor_answers_through_its_link_and_a_reviewer_concludes() {
    let test = TestApp::new().await;
    builders::shop(&test).await;
    let reviewer = reviewer(&test).await;
    let handed = submitted(&test, &reviewer, &["pentest"]).await;
    let found = ops::findings_of(&test.app, &reviewer, handed.id).await.expect("findings");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].question.as_str(), found[0].severity.key()), ("pentest", "high"));
    let asked: BTreeMap<String, (Option<Remark>, Option<String>)> =
        [("pentest".to_owned(), (Some(Remark::Again), Some("Was there none at all?".to_owned())))].into();
    let marked = ops::remark(&test.app, &reviewer, handed.id, handed.revision, asked).await.expect("marked");
    ops::review(&test.app, &reviewer, handed.id, marked.revision).await.expect_err("marked answers are returned");
    let back = ops::hand_back(&test.app, &reviewer, handed.id, marked.revision).await.expect("returned");
    let door = through(&test, &back.link.expect("a new link")).await;
    // What was marked has to be given anew before it can be submitted again.
    let again = ops::submit(&test.app, &door).await.expect_err("still marked");
    assert!(matches!(&again, Error::Invalid(errors) if errors.as_slice()[0].pointer == "/pentest"), "{again:?}");
    let other = NewAnswer {
        value: Some(AnswerValue::Text("no".into())),
        note: Some("Planned for May.".into()),
        confirmed: false,
    };
    ops::answer(&test.app, &door, [("pentest".to_owned(), other)].into()).await.expect("answered");
    let handed = ops::submit(&test.app, &door).await.expect("submitted");
    let reviewed = ops::review(&test.app, &reviewer, handed.id, handed.revision).await.expect("reviewed");
    let ok = (ConclusionVerdict::Ok, "Fine.", None);
    let refused = ops::conclude(&test.app, &reviewer, handed.id, reviewed.revision, ok).await.expect_err("grave");
    assert!(matches!(&refused, Error::Invalid(errors) if errors.as_slice()[0].pointer == "/verdict"), "{refused:?}");
    let found = ops::findings_of(&test.app, &reviewer, handed.id).await.expect("findings");
    assert_eq!(found.len(), 1, "the same finding is not opened twice");
    let closing = Closing { state: FlagState::Accepted, note: "For now.".into(), compensating_control: None };
    let closed = ops::close_finding(&test.app, &reviewer, found[0].id, found[0].revision, closing).await;
    assert!(closed.expect("accepted").compensating_control.is_some(), "the questionnaire's control is kept");
    let ok = (ConclusionVerdict::Ok, "Fine.", None);
    let done = ops::conclude(&test.app, &reviewer, handed.id, reviewed.revision, ok).await.expect("concluded");
    let conclusion = done.conclusion.expect("a conclusion");
    assert_eq!(conclusion.valid_until.to_string(), "2028-03-01");
    assert!(done.score.is_some_and(|score| (80..=100).contains(&score)), "{:?}", done.score);
}

#[tokio::test]
async fn rules_see_what_was_concluded() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    let fires = async || {
        muster::policy::ops::judge_due(&test.app).await.expect("judged");
        let all = muster::policy::ops::violations_of(&test.app, &test.cli(), live.id).await.expect("violations");
        all.iter().any(|one| one.finding.rule == "tested-within-a-year" && one.state.key() == "open")
    };
    assert!(fires().await, "nobody assessed the vendor of a critical integration");
    let reviewer = reviewer(&test).await;
    let handed = submitted(&test, &reviewer, &[]).await;
    let reviewed = ops::review(&test.app, &reviewer, handed.id, handed.revision).await.expect("reviewed");
    ops::conclude(&test.app, &reviewer, handed.id, reviewed.revision, (ConclusionVerdict::Ok, "Fine.", None))
        .await
        .expect("ok");
    assert!(!fires().await);
}

#[tokio::test]
async fn the_link_shows_one_thing_ends_and_is_replaced() {
    let test = TestApp::new().await;
    builders::shop(&test).await;
    let reviewer = reviewer(&test).await;
    let draft = begun(&test, &reviewer).await;
    let sent = ops::send(&test.app, &reviewer, draft.id, draft.revision).await.expect("sent");
    let link = sent.link.expect("a link");
    let path = link.split_once("/answer/").map(|(_, secret)| format!("/answer/{secret}")).expect("a path");
    let get = async |path: &str| send(test.router.clone(), "GET", path, &[], Vec::new()).await;
    let page = get(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text().contains("Is all traffic to and from the product encrypted"));
    assert!(!page.text().contains("/integrations"), "nothing of the register is linked");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert!(page.header("cache-control").contains("no-store"));
    // Other pages do not know the link, and the link opens no other page.
    assert_eq!(get("/vendors").await.status, StatusCode::SEE_OTHER);
    let form =
        [("content-type", "application/x-www-form-urlencoded".to_owned()), ("sec-fetch-site", "same-origin".into())];
    let saved = send(test.router.clone(), "POST", &path, &form, b"shown.tls=1&answer.tls=maybe".to_vec()).await;
    assert_eq!(saved.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", saved.text());
    let elsewhere = [form[0].clone(), ("sec-fetch-site", "cross-site".into())];
    let refused = send(test.router.clone(), "POST", &path, &elsewhere, b"shown.tls=1&answer.tls=yes".to_vec()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let saved = send(test.router.clone(), "POST", &path, &form, b"shown.tls=1&answer.tls=yes".to_vec()).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
    // One at a time: a second one by the same questions is refused, not an error.
    let second =
        NewAssessment { questionnaire: "vendor-security".into(), vendor: "stripe".into(), ..NewAssessment::default() };
    let refused = ops::begin(&test.app, &reviewer, second).await.expect_err("one is under way");
    assert!(matches!(&refused, Error::Conflict(why) if why.contains("under way")), "{refused:?}");
    // A note on a text is kept by a form that has no place for it.
    let noted =
        NewAnswer {
            value: Some(AnswerValue::Text("By hand.".into())), note: Some("See §4.".into()), confirmed: false
        };
    let door = super::through(&test, &link).await;
    ops::answer(&test.app, &door, [("escrow".to_owned(), noted)].into()).await.expect("answered");
    let other = b"shown.escrow=1&answer.escrow=By+script.".to_vec();
    assert_eq!(send(test.router.clone(), "POST", &path, &form, other).await.status, StatusCode::SEE_OTHER);
    let kept = ops::find_assessment(&test.app, &reviewer, draft.id).await.expect("it").answers["escrow"].clone();
    assert_eq!((kept.value, kept.note.as_deref()), (Some(AnswerValue::Text("By script.".into())), Some("See §4.")));
    let early = send(test.router.clone(), "POST", &format!("{path}/submit"), &form, Vec::new()).await;
    assert_eq!(early.status, StatusCode::UNPROCESSABLE_ENTITY);
    let now = ops::find_assessment(&test.app, &reviewer, draft.id).await.expect("it");
    assert_eq!(now.state.key(), "answering");
    ops::renew_link(&test.app, &reviewer, draft.id, now.revision).await.expect("renewed");
    assert_eq!(get(&path).await.status, StatusCode::NOT_FOUND, "the one before ended");
    let now = ops::find_assessment(&test.app, &reviewer, draft.id).await.expect("it");
    let link = ops::renew_link(&test.app, &reviewer, draft.id, now.revision).await.expect("renewed").link.expect("one");
    let path = link.split_once("/answer/").map(|(_, secret)| format!("/answer/{secret}")).expect("a path");
    test.clock.advance(chrono::TimeDelta::days(60));
    assert_eq!(get(&path).await.status, StatusCode::NOT_FOUND, "its time is over");
}

/// Nor does a colleague of the team that answered, who gave no answer.
async fn the_team_reviews_nothing(test: &TestApp, colleague: &muster::identity::Actor, handed: &Assessment) {
    fn assert_of_team<T: std::fmt::Debug>(result: Result<T, Error>) {
        assert!(matches!(&result, Err(Error::Forbidden(text)) if text.starts_with("Your team")), "{result:?}");
    }
    let (app, id, revision) = (&test.app, handed.id, handed.revision);
    let key = handed.answers.keys().next().expect("an answer").clone();
    let remarks = [(key, (Some(Remark::Fine), None))].into();
    assert_of_team(ops::remark(app, colleague, id, revision, remarks).await);
    assert_of_team(ops::hand_back(app, colleague, id, revision).await);
    assert_of_team(ops::review(app, colleague, id, revision).await);
    let verdict = (ConclusionVerdict::Ok, "Fine.", None);
    assert_of_team(ops::conclude(app, colleague, id, revision, verdict).await);
    let finding = ops::findings_of(app, colleague, id).await.expect("findings").remove(0);
    let closing = Closing { state: FlagState::Mended, note: "Fixed.".into(), compensating_control: None };
    assert_of_team(ops::close_finding(app, colleague, finding.id, finding.revision, closing).await);
}

#[tokio::test]
async fn who_answered_does_not_review_also_not_past_the_operation() {
    let test = TestApp::new().await;
    builders::shop(&test).await;
    let me = test.person("Two Hats", &[Role::Reviewer, Role::Requester]).await;
    let colleague = test.person("Another Hat", &[Role::Reviewer, Role::Requester]).await;
    let members = vec![me.id, colleague.id];
    let team = GroupContent { name: "Answerers".into(), members, ..GroupContent::default() };
    muster::identity::ops::create_group(&test.app, &test.cli(), GroupKind::Team, team).await.expect("a team");
    let mut content = ops::questionnaire_of_pack().expect("the questionnaire");
    content.key = "owner-check".into();
    content.audience = muster::assessments::Audience::Owner;
    content.chosen_when = None;
    content.sections.truncate(1);
    builders::publish(&test, content.clone()).await;
    let (mine, reviewer) = (test.page(&me).await, reviewer(&test).await);
    let new = NewAssessment {
        questionnaire: "owner-check".into(),
        vendor: "stripe".into(),
        team: Some("answerers".into()),
        ..NewAssessment::default()
    };
    let draft = ops::begin(&test.app, &reviewer, new).await.expect("begun");
    let sent = ops::send(&test.app, &reviewer, draft.id, draft.revision).await.expect("sent");
    assert!(sent.link.is_none(), "a team needs no link");
    ops::door(&test.app, &reviewer, draft.id).await.expect_err("of another team");
    let door = ops::door(&test.app, &mine, draft.id).await.expect("of the team");
    let bad = content.questions().find(|(_, one)| !one.red_flags.is_empty()).expect("a red flag").1.key.clone();
    ops::answer(&test.app, &door, answers(&content, &[&bad])).await.expect("answered");
    let handed = ops::submit(&test.app, &door).await.expect("submitted");
    the_team_reviews_nothing(&test, &test.page(&colleague).await, &handed).await;
    let refused = ops::review(&test.app, &mine, draft.id, handed.revision).await.expect_err("own answers");
    assert!(matches!(refused, Error::Forbidden(_)), "{refused:?}");
    let past =
        sqlx::query("update assessments set state = 'reviewed', reviewed_by = $1, reviewed_at = now() where id = $2")
            .bind(me.id)
            .bind(draft.id)
            .execute(&mut test.owner().await)
            .await
            .expect_err("the database refuses as well");
    assert_eq!(past.as_database_error().and_then(|e| e.constraint()), Some("assessments_by_another"), "{past}");
    ops::review(&test.app, &reviewer, draft.id, handed.revision).await.expect("by another");
    // Not through a token, whoever holds it.
    let again = ops::find_assessment(&test.app, &reviewer, draft.id).await.expect("it");
    let verdict = (ConclusionVerdict::Ok, "Fine.", None);
    ops::conclude(&test.app, &test.cli(), draft.id, again.revision, verdict).await.expect_err("no person at a page");
}

#[tokio::test]
async fn what_is_missing_is_named_before_anything_is_sent() {
    let test = TestApp::new().await;
    builders::shop(&test).await;
    let reviewer = reviewer(&test).await;
    let new = NewAssessment {
        questionnaire: "vendor-security".into(),
        vendor: "stripe".into(),
        due_on: Some("2027-03-02".parse().expect("a day")),
        ..NewAssessment::default()
    };
    let draft = ops::begin(&test.app, &reviewer, new).await.expect("begun");
    test.clock.advance(chrono::TimeDelta::days(3));
    let refused = ops::send(&test.app, &reviewer, draft.id, draft.revision).await.expect_err("not ready");
    let Error::Invalid(errors) = refused else { panic!("{refused:?}") };
    let pointers: Vec<&str> = errors.as_slice().iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/recipient", "/due_on"]);
    let still = ops::find_assessment(&test.app, &reviewer, draft.id).await.expect("it");
    assert_eq!((still.state.key(), still.revision), ("draft", draft.revision));
}

#[tokio::test]
async fn questions_that_cannot_be_reached_or_go_round_are_refused_with_their_place() {
    let test = TestApp::new().await;
    let lead = test.page(&test.person("Gina Lead", &[Role::GovernanceLead]).await).await;
    let content = |questions: serde_json::Value| {
        let sections: Vec<QuestionSection> =
            serde_json::from_value(json!([{ "title": "One", "questions": questions }])).expect("sections");
        muster::assessments::QuestionnaireContent {
            title: "Faulty".into(),
            valid_months: 12,
            sections,
            ..Default::default()
        }
    };
    let question = |key: &str, ask_if: serde_json::Value| json!({ "key": key, "text": key, "ask_if": ask_if });
    let cases = [
        (
            json!([
                question("a", json!([{ "question": "b", "is": ["yes"] }])),
                question("b", json!([{ "question": "a", "is": ["yes"] }]))
            ]),
            "/sections/0/questions/0/ask_if/0",
            "circle: a → b → a",
        ),
        (
            json!([
                question("a", json!([])),
                question("b", json!([{ "question": "a", "is": ["yes"] }])),
                question("c", json!([{ "question": "b", "is": ["yes"] }, { "question": "a", "is": ["no"] }]))
            ]),
            "/sections/0/questions/2/ask_if",
            "No answers lead to 'c'",
        ),
        (
            json!([question("a", json!([{ "question": "zz", "is": ["yes"] }]))]),
            "/sections/0/questions/0/ask_if/0",
            "no question 'zz'",
        ),
        (
            json!([question("a", json!([])), question("b", json!([{ "question": "a", "is": ["perhaps"] }]))]),
            "/sections/0/questions/1/ask_if/0",
            "'perhaps' is no answer to 'a'",
        ),
    ];
    for (questions, pointer, message) in cases {
        let refused =
            muster::publications::ops::create(&test.app, &lead, content(questions)).await.expect_err("faulty");
        let Error::Invalid(errors) = refused else { panic!("{refused:?}") };
        let found = errors.as_slice().iter().any(|error| error.pointer == pointer && error.message.contains(message));
        assert!(found, "{pointer} {message}: {errors:?}");
    }
}
