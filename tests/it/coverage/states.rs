//! The same table whatever state a record is in: who may not is told so, and nothing of the state.

use axum::http::StatusCode;
use muster::{
    approvals::{RequestKind, Verdict, ops},
    integrations::{self, CredentialContent},
};
use uuid::Uuid;

use super::{
    doors::DOORS,
    matrix::{ask, scripts, usual},
    operations,
    world::{approve_if, fill, world},
};
use crate::{
    governance::{decide, drafted, submit},
    support::{TestApp, builders},
};

/// Requests in every state.
async fn requests(test: &TestApp, shop: &builders::Shop) -> Vec<(&'static str, Uuid)> {
    let mut made = Vec::new();
    for state in ["draft", "open", "changes_requested", "approved", "applied", "rejected", "withdrawn"] {
        let id = drafted(test, shop, &format!("Request {state}")).await;
        if !matches!(state, "draft" | "withdrawn") {
            submit(test, shop, id).await.expect("submitted");
        }
        match state {
            "changes_requested" => {
                drop(decide(test, &shop.reviewer, id, Verdict::RequestChanges).await.expect("sent back"));
            }
            "applied" => drop(decide(test, &shop.reviewer, id, Verdict::Approve).await.expect("approved")),
            "rejected" => drop(decide(test, &shop.reviewer, id, Verdict::Reject).await.expect("rejected")),
            "withdrawn" => {
                let requester = test.page(&shop.requester).await;
                ops::withdraw_request(&test.app, &requester, id, 1).await.expect("withdrawn");
            }
            "approved" => drop(approve_if(test, shop, id).await),
            _ => {}
        }
        let request = ops::find_request(&test.app, &test.cli(), id).await.expect("a request");
        assert_eq!(request.phase.key(), state);
        made.push((state, id));
    }
    made
}

/// Integrations in every state.
async fn integrations(test: &TestApp, shop: &builders::Shop) -> Vec<(&'static str, Uuid)> {
    let mut made = Vec::new();
    for state in ["active", "suspended", "deprecated", "retired"] {
        let one = builders::active(test, shop, &format!("Integration {state}")).await;
        let requester = test.page(&shop.requester).await;
        match state {
            "suspended" => {
                let reviewer = test.page(&shop.reviewer).await;
                integrations::ops::suspend(&test.app, &reviewer, one.id, one.revision, "A leak.")
                    .await
                    .expect("suspended");
            }
            "deprecated" | "retired" => {
                for kind in
                    [RequestKind::Deprecate, RequestKind::Retire].into_iter().take(1 + usize::from(state == "retired"))
                {
                    let asked = ops::propose(&test.app, &requester, &one.id.to_string(), kind, None, None).await;
                    builders::approve(test, shop, asked.expect("asked").id).await;
                }
            }
            _ => {}
        }
        let found = integrations::ops::find_integration(&test.app, &test.cli(), &one.id.to_string()).await.expect("it");
        assert_eq!(found.state.key(), state);
        made.push((state, one.id));
    }
    made
}

/// Credentials in every state.
async fn credentials(test: &TestApp) -> Vec<(&'static str, Uuid)> {
    let mut made = Vec::new();
    for state in ["planned", "active", "rotating", "compromised", "revoked"] {
        let content = CredentialContent {
            name: format!("Key {state}"),
            created_on: (state != "planned").then(|| "2027-01-01".parse().expect("a date")),
            ..CredentialContent::default()
        };
        let (app, cli) = (&test.app, test.cli());
        let one = integrations::ops::create_credential(app, &cli, content).await.expect("noted");
        match state {
            "rotating" => drop(integrations::ops::begin_rotation(app, &cli, one.id, 1).await.expect("begun")),
            "compromised" => {
                drop(integrations::ops::mark_compromised(app, &cli, one.id, 1, "A leak.").await.expect("marked"));
            }
            "revoked" => {
                drop(integrations::ops::revoke_credential(app, &cli, one.id, 1, "Over.").await.expect("revoked"));
            }
            _ => {}
        }
        made.push((state, one.id));
    }
    made
}

#[tokio::test]
async fn the_state_of_a_record_opens_no_door_and_closes_none() {
    let test = TestApp::new().await;
    let world = world(&test).await;
    let shop = world.shop();
    let mut callers = usual(&test).await;
    callers.extend(scripts(&test).await);
    let records = [
        ("/requests/{id}", requests(&test, shop).await),
        ("/integrations/{key}", integrations(&test, shop).await),
        ("/credentials/{key}", credentials(&test).await),
    ];
    let (mut wrong, mut cells) = (Vec::new(), 0);
    for operation in operations(&test) {
        let Some((_, needs)) = DOORS.iter().find(|(id, _)| *id == operation.id) else { continue };
        for (part, states) in &records {
            let Some(rest) = operation.path.split(part).nth(1).filter(|_| operation.path.contains(part)) else {
                continue;
            };
            for (state, id) in states {
                let here = part.replace("{id}", &id.to_string()).replace("{key}", &id.to_string());
                let path = fill(&format!("/api/v1{here}{rest}"), &world);
                for caller in &callers {
                    let status = ask(&test, &operation, &path, &caller.token).await;
                    assert!(!status.is_server_error(), "{} {state} {status}", operation.id);
                    cells += 1;
                    let through = status != StatusCode::FORBIDDEN;
                    if through != needs.met(caller, &operation.id) {
                        let what = if through { "let through" } else { "refused" };
                        wrong.push(format!(
                            "{} of what is {state}: {} was {what} ({status})",
                            operation.id, caller.name
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cells} cells:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cells >= 4000, "only {cells} cells");
}
