//! Which step an assessment takes in which state, and who takes none.

use super::*;
use crate::assessments::{Answer, Cause, Demand, DemandState, Remark};

const ALL: [AssessmentState; 8] = [
    AssessmentState::Draft,
    AssessmentState::Sent,
    AssessmentState::Answering,
    AssessmentState::Submitted,
    AssessmentState::Reviewed,
    AssessmentState::Concluded,
    AssessmentState::Stale,
    AssessmentState::Withdrawn,
];

fn now() -> DateTime<Utc> {
    "2027-03-01T12:00:00Z".parse().expect("a moment")
}

fn in_state(state: AssessmentState) -> Assessment {
    let again =
        Answer { value: None, note: None, evidence: Vec::new(), carried: false, at: None, remark: None, comment: None };
    Assessment {
        id: Uuid::now_v7(),
        revision: 1,
        questionnaire_id: Uuid::now_v7(),
        questionnaire: "q".into(),
        title: "Q".into(),
        version: 1,
        vendor_id: Uuid::now_v7(),
        vendor: "v".into(),
        integration_id: None,
        integration: None,
        recipient: Some("a@example.com".into()),
        team_id: None,
        team: None,
        state,
        due_on: now().date_naive(),
        link_until: None,
        answers: [("tls".to_owned(), again)].into(),
        score: None,
        conclusion: None,
        basis: None,
        stale_because: None,
        carried_from: None,
        demand_id: None,
        created_by: None,
        created_at: now(),
        sent_at: None,
        reminded_at: None,
        submitted_by: None,
        participants: Vec::new(),
        submitted_at: None,
        reviewed_by: None,
        reviewed_at: None,
        updated_at: now(),
    }
}

fn marked(mut one: Assessment) -> Assessment {
    one.answers.values_mut().for_each(|answer| answer.remark = Some(Remark::Again));
    one
}

fn conclusion(by: Uuid) -> Conclusion {
    Conclusion {
        verdict: ConclusionVerdict::Conditional,
        reason: "So.".into(),
        valid_until: now().date_naive(),
        by,
        at: now(),
    }
}

type Step = fn(Assessment, Uuid) -> Result<Assessment, Error>;

#[test]
fn each_step_is_taken_in_its_states_alone() {
    use AssessmentState::{Answering, Concluded, Draft, Reviewed, Sent, Submitted};
    let content = QuestionnaireContent::default();
    assert!(in_state(Sent).submit(&content, None, now()).is_ok());
    let steps: [(&str, Step, &[AssessmentState]); 10] = [
        ("send", |one, _| one.send(None, now()), &[Draft]),
        ("renew", |one, _| one.renew(now(), now()), &[Sent, Answering]),
        ("answer", |one, _| one.answer(Answers::new(), now()), &[Sent, Answering]),
        ("submit", |one, by| one.submit(&QuestionnaireContent::default(), Some(by), now()), &[Sent, Answering]),
        ("remark", |one, by| one.remark(Answers::new(), by, now()), &[Submitted]),
        ("hand back", |one, by| marked(one).hand_back(None, by, now()), &[Submitted]),
        ("review", |one, by| one.review(by, now()), &[Submitted]),
        ("conclude", |one, by| one.conclude(conclusion(by), Basis::default()), &[Reviewed]),
        ("outdate", |one, _| one.outdate("because".into(), now()), &[Concluded]),
        ("withdraw", |one, _| one.withdraw(now()), &[Draft, Sent, Answering, Submitted, Reviewed]),
    ];
    for (name, step, allowed) in steps {
        for state in ALL {
            let done = step(in_state(state), Uuid::now_v7());
            let refused = matches!(done, Err(Error::Conflict(_)));
            assert_eq!(refused, !allowed.contains(&state), "{name} in {state:?}: {done:?}");
        }
    }
}

#[test]
fn those_who_answered_take_no_step_of_a_reviewer() {
    let me = Uuid::now_v7();
    let steps: [(AssessmentState, Step); 4] = [
        (AssessmentState::Submitted, |one, by| one.remark(Answers::new(), by, now())),
        (AssessmentState::Submitted, |one, by| marked(one).hand_back(None, by, now())),
        (AssessmentState::Submitted, |one, by| one.review(by, now())),
        (AssessmentState::Reviewed, |one, by| one.conclude(conclusion(by), Basis::default())),
    ];
    for (state, step) in steps {
        let submitted = Assessment { submitted_by: Some(me), ..in_state(state) };
        let took_part = Assessment { participants: vec![me], ..in_state(state) };
        for own in [submitted, took_part] {
            let refused = step(own, me);
            assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
        }
        assert!(step(in_state(state), me).is_ok());
    }
}

#[test]
fn a_link_is_for_vendors_and_a_return_names_an_answer() {
    let own = Assessment { recipient: None, ..in_state(AssessmentState::Sent) };
    assert!(matches!(own.renew(now(), now()), Err(Error::Conflict(_))));
    let unmarked = in_state(AssessmentState::Submitted);
    assert!(matches!(unmarked.clone().hand_back(None, Uuid::now_v7(), now()), Err(Error::Invalid(_))));
    assert!(matches!(marked(unmarked).review(Uuid::now_v7(), now()), Err(Error::Conflict(_))));
}

#[test]
fn a_demand_is_closed_once() {
    let open = Demand {
        id: Uuid::now_v7(),
        revision: 1,
        questionnaire_id: Uuid::now_v7(),
        vendor_id: Uuid::now_v7(),
        cause: Cause::Incident,
        reference: "INC-7".into(),
        state: DemandState::Open,
        note: None,
        assessment_id: None,
        created_at: now(),
    };
    let closed = open.close(None, Some("Not needed.".into())).expect("closed");
    assert_eq!(closed.state, DemandState::Dismissed);
    assert!(matches!(closed.close(Some(Uuid::now_v7()), None), Err(Error::Conflict(_))));
}
