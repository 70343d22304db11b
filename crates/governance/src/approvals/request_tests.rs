//! Transitions of a change request.

use super::*;
use crate::approvals::{NewDecision, Verdict};

fn at(minute: u32) -> DateTime<Utc> {
    format!("2027-03-01T12:{minute:02}:00Z").parse().expect("a moment")
}

fn draft(requester: Uuid) -> Request {
    Request {
        id: Uuid::now_v7(),
        revision: 1,
        integration_id: Uuid::now_v7(),
        kind: RequestKind::Register,
        phase: Phase::Draft,
        title: "Register it".into(),
        reason: None,
        base_revision: 1,
        base_content: IntegrationContent::default(),
        content: IntegrationContent::default(),
        requested_by: Requester { person: Some(requester), service_account: None },
        participants: vec![requester],
        stages: Vec::new(),
        decisions: Vec::new(),
        conditions: Vec::new(),
        workflow: None,
        round: 0,
        created_at: at(0),
        updated_at: at(0),
        refs: Refs::default(),
    }
}

fn stage(position: i32, approvals_needed: i32) -> Stage {
    let review_group_id = Uuid::now_v7();
    Stage {
        position,
        name: "Security".into(),
        review_group_id,
        review_group: "Security".into(),
        approvals_needed,
        opened_at: None,
        due_hours: None,
        due_at: None,
        remind_at: None,
        called_in_by: None,
        escalated_to: None,
        escalated_group: None,
        escalated_at: None,
    }
}

fn open(requester: Uuid, stages: Vec<Stage>) -> Request {
    draft(requester)
        .submit("full".into(), "material".into(), Plan { stages, workflow: None }, at(1))
        .expect("submitted")
}

fn verdict(verdict: Verdict) -> NewDecision {
    NewDecision::new(verdict, "because", "full")
}

#[test]
fn one_approval_of_one_stage_approves_and_is_applied() {
    let me = Uuid::now_v7();
    let request = open(me, vec![stage(1, 1)]);
    let approved = request.decide(Uuid::now_v7(), verdict(Verdict::Approve), at(2)).expect("decided");
    assert_eq!(approved.phase.key(), "approved");
    assert_eq!(approved.applied(at(3)).expect("applied").phase.closed_at(), Some(at(3)));
}

#[test]
fn two_stages_wait_for_each_other() {
    let request = open(Uuid::now_v7(), vec![stage(1, 2), stage(2, 1)]);
    let (a, b, c) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    let request = request.decide(a, verdict(Verdict::Approve), at(2)).expect("first");
    assert_eq!(request.open_stage().map(|stage| stage.position), Some(1));
    let request = request.decide(b, verdict(Verdict::Approve), at(3)).expect("second");
    assert_eq!(request.open_stage().map(|stage| stage.position), Some(2));
    assert!(request.clone().decide(a, verdict(Verdict::Approve), at(4)).is_err());
    assert_eq!(request.decide(c, verdict(Verdict::Approve), at(4)).expect("third").phase.key(), "approved");
}

#[test]
fn neither_requester_nor_editor_decides_nor_anybody_on_what_they_did_not_see() {
    let (me, editor) = (Uuid::now_v7(), Uuid::now_v7());
    let mut request = open(me, vec![stage(1, 1)]);
    request.participants.push(editor);
    for by in [me, editor] {
        assert!(matches!(request.clone().decide(by, verdict(Verdict::Approve), at(2)), Err(Error::Forbidden(_))));
    }
    let stale = NewDecision { content_hash: "older".into(), ..verdict(Verdict::Approve) };
    assert!(matches!(request.decide(Uuid::now_v7(), stale, at(2)), Err(Error::Conflict(_))));
}

#[test]
fn a_material_edit_voids_approvals_and_an_immaterial_one_does_not() {
    let request = open(Uuid::now_v7(), vec![stage(1, 2)]);
    let request = request.decide(Uuid::now_v7(), verdict(Verdict::Approve), at(2)).expect("decided");
    let count = |request: &Request| request.approvals(&request.stages[0], request.phase.bound().expect("bound"));
    let same = request.clone().rebind("full 2".into(), "material".into(), None, at(3));
    assert_eq!((count(&same), same.round), (1, 1));
    assert!(request.is_voided_by("material 2") && !request.is_voided_by("material"));
    let plan = Plan { stages: request.stages.clone(), workflow: None };
    let other = request.rebind("full 3".into(), "material 2".into(), Some(plan), at(3));
    assert_eq!((count(&other), other.round), (0, 2));
}

#[test]
fn what_is_closed_stays_closed() {
    let me = Uuid::now_v7();
    let rejected =
        open(me, vec![stage(1, 1)]).decide(Uuid::now_v7(), verdict(Verdict::Reject), at(2)).expect("decided");
    assert!(rejected.editable().is_err());
    assert!(rejected.clone().withdraw(at(3)).is_err());
    assert!(rejected.clone().submit("a".into(), "b".into(), Plan::default(), at(3)).is_err());
    assert!(rejected.decide(Uuid::now_v7(), verdict(Verdict::Approve), at(3)).is_err());
    let back =
        open(me, vec![stage(1, 1)]).decide(Uuid::now_v7(), verdict(Verdict::RequestChanges), at(2)).expect("decided");
    assert_eq!(back.submit("c".into(), "d".into(), Plan::default(), at(4)).expect("again").round, 2);
}

#[test]
fn kinds_fit_to_states() {
    use IntegrationState::{Active, Deprecated, Proposed, Retired, Suspended};
    assert_eq!(RequestKind::Reactivate.outcome(Suspended).ok(), Some(Active));
    assert_eq!(RequestKind::Change.outcome(Suspended).ok(), Some(Suspended));
    assert_eq!(RequestKind::Retire.outcome(Deprecated).ok(), Some(Retired));
    for (kind, state) in [
        (RequestKind::Register, Active),
        (RequestKind::Change, Proposed),
        (RequestKind::Change, Retired),
        (RequestKind::Reactivate, Active),
    ] {
        assert!(kind.outcome(state).is_err());
    }
}

#[test]
fn the_requester_does_not_decide_even_where_they_are_not_listed_as_taking_part() {
    let me = Uuid::now_v7();
    let mut request = open(me, vec![stage(1, 1)]);
    request.participants.clear();
    assert!(matches!(request.refuse_decider(me, None), Err(Error::Forbidden(_))));
}

#[test]
fn one_person_decides_in_several_stages_only_where_the_workflow_says_so() {
    for (twice, expected) in [(true, "approved"), (false, "open")] {
        let workflow = WorkflowRef { id: Uuid::now_v7(), version: 1, same_person_twice: twice };
        let plan = Plan { stages: vec![stage(1, 1), stage(2, 1)], workflow: Some(workflow) };
        let request = draft(Uuid::now_v7()).submit("full".into(), "m".into(), plan, at(1)).expect("submitted");
        let (a, b) = (Uuid::now_v7(), Uuid::now_v7());
        let for_b = NewDecision { decided_for: Some(b), ..verdict(Verdict::Approve) };
        let request = request.decide(a, for_b.clone(), at(2)).expect("the first stage");
        // Neither who decided nor who it was decided for decides again.
        for by in [a, b, Uuid::now_v7()] {
            let again = request.clone().decide(by, for_b.clone(), at(3));
            assert_eq!(again.map_or("open", |request| request.phase.key()), expected, "{twice}");
        }
    }
}

#[test]
fn nothing_goes_on_with_an_approval_that_lapsed() {
    let request = open(Uuid::now_v7(), vec![stage(1, 1)]);
    let mut approved = request.decide(Uuid::now_v7(), verdict(Verdict::Approve), at(2)).expect("decided");
    assert!(approved.refuse_lapsed().is_ok());
    approved.decisions[0].lapsed = true;
    assert!(matches!(approved.refuse_lapsed(), Err(Error::Conflict(_))));
}
