//! Small documents and contents.

use muster::{
    catalog::{VendorContent, ops::DocumentImport},
    config::ImportLimits,
    imports::openapi::{self, Channel},
};
use serde_json::{Value, json};

pub const LIMITS: ImportLimits = ImportLimits { json: 1 << 26, yaml: 1 << 24, upload: 1 << 24 };

/// A document of a provider with one scope and two operations.
pub fn document(provider: &str, service: &str, version: &str) -> Value {
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": format!("{provider} {service}"), "version": version, "description": "Takes payments.",
            "x-providerName": provider, "x-serviceName": service,
            "license": { "name": "MIT" }, "contact": { "email": "api@example.com" }
        },
        "servers": [{ "url": format!("https://api.{provider}/v1") }],
        "components": { "securitySchemes": { "oauth": { "type": "oauth2", "flows": { "authorizationCode": {
            "authorizationUrl": "https://x.example/a", "tokenUrl": "https://x.example/t",
            "scopes": { "charges.read": "See charges", "charges.write": "Make charges" } } } } } },
        "paths": { "/charges": {
            "get": { "operationId": "listCharges", "summary": "List charges", "security": [{ "oauth": ["charges.read"] }] },
            "post": { "operationId": "makeCharge", "deprecated": true, "security": [{ "oauth": ["charges.write"] }] } } }
    })
}

pub fn read(document: &Value) -> DocumentImport {
    let deadline = muster::foreign::Deadline::within(std::time::Duration::from_mins(1));
    openapi::read(document.to_string().into_bytes(), None, Channel::Cli, &LIMITS, &deadline).expect("a document")
}

pub fn vendor(name: &str) -> VendorContent {
    VendorContent { name: name.into(), ..VendorContent::default() }
}

/// A whole integration, as JSON: nothing is missing.
pub fn integration(system: &str, api: &str, team: &str) -> Value {
    json!({
        "name": "Stripe for Shop", "system": system, "api": api, "purpose": "Takes card payments in the web shop.",
        "business_logic": "The checkout calls it; without it nobody can pay.",
        "business_owner": team, "technical_owner": team, "backup_owner": "backup",
        "criticality": "critical", "exposure": "customer_facing", "initiated_by": "us",
        "environments": [{ "environment": "production", "endpoints": ["https://api.stripe.com/v1"], "live_since": "2026-05-01" }],
        "data_flows": [{ "data_class": "user.contact.email", "direction": "sent", "legal_basis": "contract",
            "locations": ["IE", "US"], "transfer_safeguard": "standard_contractual_clauses", "retention_days": 365 }],
        "scopes": [{ "scope": "charges.write", "justification": "To take payments." }],
        "exit_plan": "Adyen within six weeks.", "tags": ["payments"], "rate_limit": 50, "rate_limit_per": "second"
    })
}

/// A review group of a name with one reviewer in it, and a team that steps in.
pub async fn reviewers(test: &super::TestApp, name: &str) -> muster::identity::Person {
    use muster::identity::{GroupContent, GroupKind, Role, ops};
    let reviewer = test.person("Rita Reviewer", &[Role::Reviewer]).await;
    let group = GroupContent { name: name.into(), members: vec![reviewer.id], ..GroupContent::default() };
    ops::create_group(&test.app, &test.cli(), GroupKind::ReviewGroup, group).await.expect("a group");
    let second = test.person("Ben Backup", &[]).await;
    let backup = GroupContent { name: "Backup".into(), members: vec![second.id], ..GroupContent::default() };
    ops::create_group(&test.app, &test.cli(), GroupKind::Team, backup).await.expect("a team");
    reviewer
}

/// A register with a shop of the team Payments, an imported Stripe API, and who approves.
pub struct Shop {
    pub requester: muster::identity::Person,
    pub reviewer: muster::identity::Person,
}

/// Sets that register up.
pub async fn shop(test: &super::TestApp) -> Shop {
    use muster::{
        catalog::{SystemContent, ops as catalog},
        identity::{GroupContent, GroupKind, Role, ops},
    };
    let requester = test.person("Paula Manager", &[Role::Requester]).await;
    let team = GroupContent { name: "Payments".into(), members: vec![requester.id], ..GroupContent::default() };
    ops::create_group(&test.app, &test.cli(), GroupKind::Team, team).await.expect("a team");
    let reviewer = reviewers(test, "Security").await;
    catalog::apply_document(
        &test.app,
        &test.cli(),
        &read(&document("stripe.com", "pay", "1")),
        &catalog::Identity::default(),
    )
    .await
    .expect("imported");
    let system = SystemContent { name: "Shop".into(), team: Some("payments".into()), ..SystemContent::default() };
    catalog::create_system(&test.app, &test.cli(), system).await.expect("a system");
    Shop { requester, reviewer }
}

/// The content of an integration in that register.
pub fn content(name: &str) -> muster::integrations::IntegrationContent {
    let mut value = integration("shop", "stripe.com pay", "payments");
    value["name"] = json!(name);
    serde_json::from_value(value).expect("a content")
}

/// Registers, submits and approves an integration: it is active.
pub async fn active(test: &super::TestApp, shop: &Shop, name: &str) -> muster::integrations::Integration {
    use muster::{approvals::ops, integrations::ops::Start};
    let requester = test.page(&shop.requester).await;
    let (integration, request) =
        ops::register(&test.app, &requester, content(name), Start::AsGiven).await.expect("registered");
    approve(test, shop, request.id).await;
    muster::integrations::ops::find_integration(&test.app, &test.cli(), &integration.id.to_string())
        .await
        .expect("an integration")
}

/// Submits a request and approves it.
pub async fn approve(test: &super::TestApp, shop: &Shop, request: uuid::Uuid) {
    use muster::approvals::{NewDecision, Verdict, ops};
    let (requester, reviewer) = (test.page(&shop.requester).await, test.page(&shop.reviewer).await);
    let draft = ops::find_request(&test.app, &requester, request).await.expect("a request");
    let open = ops::submit_request(&test.app, &requester, request, draft.revision, Some("Needed.".into()))
        .await
        .expect("submitted");
    let content_hash = open.phase.bound().expect("bound").content_hash.clone();
    let decision = NewDecision::new(Verdict::Approve, "Fine.", content_hash);
    let done = ops::decide(&test.app, &reviewer, request, decision).await.expect("decided");
    assert_eq!(done.phase.key(), "applied");
}

/// Publishes something by two governance leads.
pub async fn publish<C: muster::publications::Publishable>(
    test: &super::TestApp,
    content: C,
) -> muster::publications::Publication<C> {
    use muster::{identity::Role, publications::ops};
    let one = test.page(&test.person("Lena Lead", &[Role::GovernanceLead]).await).await;
    let two = test.page(&test.person("Luis Lead", &[Role::GovernanceLead]).await).await;
    let known = ops::find::<C>(&test.app, &one, content.key()).await;
    let draft = match known {
        Ok(known) => ops::edit(&test.app, &one, known.id, known.revision, content).await,
        Err(_) => ops::create(&test.app, &one, content).await,
    };
    let draft = draft.expect("drafted");
    let proposed = ops::propose::<C>(&test.app, &one, draft.id, draft.revision).await.expect("proposed");
    ops::publish::<C>(&test.app, &two, draft.id, proposed.revision).await.expect("published")
}
