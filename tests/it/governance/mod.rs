//! Rules, workflows, exceptions: what holds a request back, who decides in which stage, what is judged anew.

mod apart;
mod judging;
mod late;
mod model;
mod outsiders;
pub mod refusals;
mod rules;
mod seen;
mod separation;
mod sign_in_age;
mod stages;
mod views;
mod waiting;

use muster::{
    approvals::{NewDecision, Verdict, ops},
    error::Error,
    identity::{GroupContent, GroupKind, Person, ops as people},
    integrations::ops::Start,
    policy::{Mode, RuleContent, RuleTest, Severity, StageContent, WorkflowContent},
};
use serde_json::json;

use crate::support::{TestApp, builders};

/// A rule that fires on the content of the builders.
pub fn rule(mode: Mode) -> RuleContent {
    RuleContent {
        key: "route-needed".into(),
        title: "Everything goes through the gateway".into(),
        expression: "integration.gateway_route == null".into(),
        severity: Severity::High,
        mode,
        remediation: Some("Write one.".into()),
        tests: vec![
            RuleTest { name: "none".into(), facts: json!({ "integration": { "gateway_route": null } }), fires: true },
            RuleTest { name: "one".into(), facts: json!({}), fires: false },
        ],
        ..RuleContent::default()
    }
}

pub async fn group(test: &TestApp, name: &str, member: &Person) {
    let content = GroupContent { name: name.into(), members: vec![member.id], ..GroupContent::default() };
    people::create_group(&test.app, &test.cli(), GroupKind::ReviewGroup, content).await.expect("a group");
}

pub fn stage(name: &str, group: &str) -> StageContent {
    StageContent { name: name.into(), review_group: group.into(), approvals: 1, ..StageContent::default() }
}

pub fn workflow(stages: Vec<StageContent>) -> WorkflowContent {
    WorkflowContent {
        key: "usual".into(),
        title: "The usual way".into(),
        kinds: vec!["register".into(), "change".into()],
        stages,
        same_person_twice: false,
        in_use: true,
    }
}

pub async fn drafted(test: &TestApp, shop: &builders::Shop, name: &str) -> uuid::Uuid {
    let requester = test.page(&shop.requester).await;
    ops::register(&test.app, &requester, builders::content(name), Start::AsGiven).await.expect("registered").1.id
}

pub async fn submit(
    test: &TestApp,
    shop: &builders::Shop,
    id: uuid::Uuid,
) -> Result<muster::approvals::Request, Error> {
    let requester = test.page(&shop.requester).await;
    let request = ops::find_request(&test.app, &requester, id).await.expect("a request");
    ops::submit_request(&test.app, &requester, id, request.revision, None).await
}

pub async fn decide(
    test: &TestApp,
    person: &Person,
    id: uuid::Uuid,
    verdict: Verdict,
) -> Result<muster::approvals::Request, Error> {
    let actor = test.page(person).await;
    let request = ops::find_request(&test.app, &actor, id).await.expect("a request");
    let hash = request.phase.bound().expect("bound").content_hash.clone();
    ops::decide(&test.app, &actor, id, NewDecision::new(verdict, "Looked at.", hash)).await
}

pub fn pointers<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<String> {
    match result {
        Err(Error::Invalid(errors)) => errors.as_slice().iter().map(|error| error.pointer.clone()).collect(),
        other => panic!("not refused by field: {other:?}"),
    }
}
