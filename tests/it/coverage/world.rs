//! What the walk over all doors needs: ids to fill paths with, bodies, records in the right state.

use muster::{catalog::ops, identity::Permission};
use serde_json::{Value, json};

use super::{
    Operation,
    assessed::{answered, assessed, drafted, opened, questionnaire_draft, risk_draft},
};
use crate::support::{TestApp, builders};

/// Ids to fill paths with.
pub(super) struct World {
    merge: String,
    vendor: String,
    api: String,
    version: String,
    class: String,
    system: String,
    team: String,
    group: String,
    person: String,
    account: String,
    comment: String,
    token: String,
    sha256: String,
    integration: String,
    request: String,
    credential: String,
    violation: String,
    exception: String,
    assessment: String,
    demand: String,
    finding: String,
    evidence: String,
    campaign: String,
    item: String,
    shop: builders::Shop,
}

impl World {
    /// The register's requester and reviewer.
    pub(super) fn shop(&self) -> &builders::Shop {
        &self.shop
    }
}

/// A workflow in force for what nothing else here asks for.
async fn publish_workflow(test: &TestApp) {
    builders::publish(
        test,
        muster::policy::WorkflowContent {
            key: "usual".into(),
            title: "The usual way".into(),
            kinds: vec!["reactivate".into()],
            stages: vec![muster::policy::StageContent {
                name: "Security".into(),
                review_group: "security".into(),
                approvals: 1,
                ..Default::default()
            }],
            same_person_twice: false,
            in_use: true,
        },
    )
    .await;
}

#[allow(clippy::too_many_lines, reason = "one thing of each kind")]
pub(super) async fn world(test: &TestApp) -> World {
    let all = test.token(&Permission::ALL).await;
    let shop = builders::shop(test).await;
    let outcome = ops::apply_document(
        &test.app,
        &test.cli(),
        &builders::read(&builders::document("stripe.com", "pay", "1")),
        &ops::Identity::default(),
    )
    .await
    .expect("imported");
    let made = async |path: &str, body: Value| {
        let reply = test.api("POST", path, &all, &[], Some(body)).await;
        assert_eq!(reply.status, 201, "{path}: {}", reply.text());
        reply.json()["id"].as_str().expect("an id").to_owned()
    };
    let team = made("/api/v1/teams", json!({ "name": "Growth" })).await;
    let version =
        ops::find_version(&test.app, &test.cli(), outcome.api_id, &outcome.version_slug).await.expect("a version");
    // A comment by a person, who alone may withdraw it.
    // One that provisions nobody: those are made and changed on the command line alone.
    let plain = muster::identity::ServiceAccountContent {
        name: "Deployer".into(),
        scopes: vec![Permission::Read, Permission::Propose],
        ..muster::identity::ServiceAccountContent::default()
    };
    let account =
        muster::identity::ops::create_service_account(&test.app, &test.cli(), plain).await.expect("an account").id;
    let system = made("/api/v1/systems", json!({ "name": "Messenger", "kind": "own", "team": team })).await;
    let registered = test
        .api(
            "POST",
            "/api/v1/integrations",
            &all,
            &[],
            Some(builders::integration(&system, "stripe.com pay", "payments")),
        )
        .await;
    assert_eq!(registered.status, 201, "{}", registered.text());
    publish_workflow(test).await;
    muster::policy::ops::judge_due(&test.app).await.expect("judged");
    let violations = test.api("GET", "/api/v1/violations", &all, &[], None).await.json();
    let violation = violations["items"][0]["id"].as_str().expect("a violation").to_owned();
    builders::active(test, &shop, "Stripe, live").await;
    let (assessment, demand, finding, evidence) = assessed(test, &all).await;
    let campaign = made("/api/v1/campaigns", json!({ "title": "A round", "ends_on": "2027-03-31" })).await;
    let items = test.api("GET", "/api/v1/review-items", &all, &[], None).await.json();
    let item = items["items"][0]["id"].as_str().expect("an item").to_owned();
    let merge = twins_merged(test, &shop).await;
    let credential = json!({ "name": "stripe live", "created_on": "2027-01-01" });
    World {
        integration: registered.json()["integration"]["id"].as_str().expect("an id").to_owned(),
        request: registered.json()["request"]["id"].as_str().expect("an id").to_owned(),
        credential: made("/api/v1/credentials", credential).await,
        violation,
        assessment,
        demand,
        finding,
        evidence,
        campaign,
        item,
        merge,
        exception: made("/api/v1/exceptions", exception("vendor-is-verified")).await,
        shop,
        system,
        group: made("/api/v1/review-groups", json!({ "name": "Privacy", "state": "retired" })).await,
        comment: made(&format!("/api/v1/comments/vendors/{}", outcome.vendor_id), json!({ "body": "hello" })).await,
        person: test.person("Somebody", &[]).await.id.to_string(),
        class: ops::find_data_class(&test.app, &test.cli(), "user.contact.email").await.expect("seeded").id.to_string(),
        account: account.to_string(),
        token: muster::identity::ops::tokens(&test.app, &test.cli(), None).await.expect("tokens")[0].id.to_string(),
        sha256: version.document_sha256.expect("a document"),
        vendor: outcome.vendor_id.to_string(),
        api: outcome.api_id.to_string(),
        version: outcome.version_id.to_string(),
        team,
    }
}

/// Two vendors of which one was merged into the other; the merge.
async fn twins_merged(test: &TestApp, shop: &builders::Shop) -> String {
    use muster::merges::{NewMerge, ops::Run};
    for name in ["Twin", "Twin again"] {
        ops::create_vendor(&test.app, &test.cli(), builders::vendor(name)).await.expect("a vendor");
    }
    let reviewer = test.page(&shop.reviewer).await;
    let new = NewMerge { into: "twin".into(), reason: "The same.".into() };
    let made = muster::merges::ops::merge_vendor(&test.app, &reviewer, ("twin-again", 1), new, Run::Merge).await;
    made.expect("merged").id.to_string()
}

pub(super) fn fill(path: &str, world: &World) -> String {
    let key = [
        ("/vendors/", &world.vendor),
        ("/apis/", &world.api),
        ("/systems/", &world.system),
        ("/data-classes/", &world.class),
        ("/teams/", &world.team),
        ("/review-groups/", &world.group),
        ("/people/", &world.person),
        ("/service-accounts/", &world.account),
        ("/integrations/", &world.integration),
        ("/credentials/", &world.credential),
    ];
    let rule = "vendor-is-verified".to_owned();
    let workflow = "usual".to_owned();
    let questionnaire = "vendor-security".to_owned();
    let model = "risk".to_owned();
    let published = [
        ("/rules/", &rule),
        ("/workflows/", &workflow),
        ("/questionnaires/", &questionnaire),
        ("/risk-models/", &model),
    ];
    let key = key.into_iter().chain(published);
    let mut path = path
        .replace("{version}", &world.version)
        .replace("{sha256}", &world.sha256)
        .replace("/comments/{kind}/{key}", &format!("/comments/vendors/{}", world.vendor));
    path = path
        .replace("/comments/{id}", &format!("/comments/{}", world.comment))
        .replace("/tokens/{id}", &format!("/tokens/{}", world.token))
        .replace("/requests/{id}", &format!("/requests/{}", world.request))
        .replace("{condition}", &uuid::Uuid::nil().to_string())
        .replace("/violations/{id}", &format!("/violations/{}", world.violation))
        .replace("/exceptions/{id}", &format!("/exceptions/{}", world.exception))
        .replace("/assessments/{id}", &format!("/assessments/{}", world.assessment))
        .replace("/assessment-demands/{id}", &format!("/assessment-demands/{}", world.demand))
        .replace("/assessment-findings/{id}", &format!("/assessment-findings/{}", world.finding))
        .replace("/campaigns/{id}", &format!("/campaigns/{}", world.campaign))
        .replace("/review-items/{id}", &format!("/review-items/{}", world.item))
        .replace("/merges/{id}", &format!("/merges/{}", world.merge))
        .replace("/evidence/{id}", &format!("/evidence/{}", world.evidence))
        .replace("/tables/{kind}", "/tables/vendors");
    for (prefix, id) in key {
        path = path.replace(&format!("{prefix}{{key}}"), &format!("{prefix}{id}"));
    }
    assert!(!path.contains('{'), "nothing to fill {path} with");
    if path.ends_with("/evidence/files") {
        return format!("{path}?vendor=stripe&name=report.pdf");
    }
    if path.ends_with("/record") { format!("{path}?at=2027-03-01T12:00:00Z") } else { path }
}

/// A body that a mutation takes. A new mutation without an entry here fails the test.
#[allow(clippy::too_many_lines, reason = "a table of bodies")]
pub(super) fn body(id: &str) -> Value {
    match id {
        "create_vendor" => json!({ "name": "Fresh vendor" }),
        "vendor_duplicates" => json!({ "name": "Stripe" }),
        "create_api" => json!({ "vendor": "stripe", "name": "Fresh API" }),
        "create_system" => json!({ "name": "Fresh system", "kind": "saas", "vendor": "stripe" }),
        "create_data_class" => json!({ "key": "user.fresh", "name": "Fresh", "sensitivity": "internal" }),
        "create_person" => json!({ "name": "Fresh", "email": "fresh@example.com" }),
        "create_team" | "create_review_group" => json!({ "name": "Fresh group" }),
        "create_service_account" => json!({ "name": "Fresh account", "scopes": ["read"] }),
        "create_version" => json!({ "label": "fresh" }),
        "mint_token" => json!({ "name": "x", "scopes": ["read"], "expires_in_days": 1 }),
        "update_credential"
        | "update_vendor"
        | "update_api"
        | "update_system"
        | "update_team"
        | "update_review_group"
        | "update_service_account"
        | "update_data_class"
        | "update_version" => json!({ "description": "changed" }),
        "update_settings" => json!({ "organisation": "Acme" }),
        "update_person" => json!({ "name": "Changed" }),
        "set_current_version" => json!({ "version": "1" }),
        "add_comment" => json!({ "body": "A comment" }),
        "import_openapi" | "preview_openapi" => builders::document("adyen.com", "pay", "1"),
        "import_table" => json!("name\nFrom a table\n"),
        "register_integration" => json!({ "system": "shop", "api": "stripe.com pay", "name": "Another" }),
        "steward_integrations" => json!({ "integrations": ["stripe-for-shop"], "add_tags": ["pay"] }),
        "suspend_integration" | "mark_compromised" | "revoke_credential" => json!({ "reason": "A leak" }),
        "record_grants" => json!({ "granted": [{ "scope": "charges.read" }] }),
        "create_credential" => json!({ "name": "Fresh credential", "created_on": "2027-02-01" }),
        "record_rotation" => json!({ "fingerprint": format!("sha256:{}", "ab".repeat(32)) }),
        "propose_request" => json!({ "kind": "change", "reason": "Needed", "content": { "purpose": "Another" } }),
        "create_rule" => json!({ "title": "Fresh rule", "expression": "vendor.verified" }),
        "create_workflow" => {
            json!({ "title": "Fresh way", "kinds": ["retire"], "stages": [{ "name": "One", "review_group": "security" }] })
        }
        "create_questionnaire" => {
            json!({ "title": "Fresh questions", "sections": [{ "title": "One", "questions": [{ "key": "a", "text": "A?" }] }] })
        }
        "begin_assessment" => json!({ "questionnaire": "vendor-security", "vendor": "stripe" }),
        "answer_assessment" => json!({ "tls": { "value": "yes" } }),
        "report_occurrence" => json!({ "vendor": "stripe", "reference": uuid::Uuid::new_v4().to_string() }),
        "dismiss_assessment_demand" => json!({ "note": "Assessed last week." }),
        "plan_campaign" => json!({ "title": "All of it", "ends_on": "2027-04-30" }),
        "merge_vendor" | "merge_api" => json!({ "into": "stripe", "reason": "The same." }),
        "give_evidence" => json!({ "title": "A report", "vendor": "stripe", "url": "https://trust.example.com" }),
        "update_rule" | "update_workflow" | "update_questionnaire" | "update_risk_model" => {
            json!({ "title": "Changed" })
        }
        "check_expression" => json!({ "expression": "vendor.verified" }),
        "request_exception" => exception("no-wildcard-scopes"),
        "meet_condition" => json!({ "note": "Done." }),
        "edit_request" => json!({ "content": { "business_logic": "Called on checkout." } }),
        "submit_request"
        | "withdraw_request"
        | "rebase_request"
        | "begin_rotation"
        | "verify_vendor"
        | "discard_rule_draft"
        | "discard_workflow_draft"
        | "discard_questionnaire_draft"
        | "discard_risk_model_draft"
        | "send_assessment"
        | "renew_assessment_link"
        | "remind_of_assessment"
        | "withdraw_assessment"
        | "submit_assessment"
        | "retire_evidence"
        | "verify_api"
        | "undo_merge"
        | "withdraw_comment"
        | "mint_link"
        | "revoke_token" => json!({}),
        other => panic!("no body for {other}: add one"),
    }
}

pub(super) fn exception(rule: &str) -> Value {
    json!({ "rule": rule, "integration": "stripe-for-shop", "reason": "Soon.", "compensating_control": "Watched.",
            "ends_on": "2027-03-20" })
}

/// The path to something in the state that an operation needs, made for it alone.
pub(super) async fn fresh(test: &TestApp, operation: &Operation, world: &World) -> Option<String> {
    use muster::{approvals, integrations};
    let (app, name) = (&test.app, uuid::Uuid::new_v4().to_string());
    let requester = test.page(&world.shop.requester).await;
    let id = match operation.id.as_str() {
        "suspend_integration" | "propose_request" => builders::active(test, &world.shop, &name).await.id,
        "edit_request" | "submit_request" | "withdraw_request" => {
            let start = integrations::ops::Start::AsGiven;
            approvals::ops::register(app, &requester, builders::content(&name), start).await.expect("registered").1.id
        }
        "rebase_request" => {
            let key = builders::active(test, &world.shop, &name).await.id.to_string();
            let kind = approvals::RequestKind::Change;
            let request = approvals::ops::propose(app, &requester, &key, kind, None, None).await.expect("proposed");
            let edit = approvals::ops::Stewardship {
                integrations: vec![key],
                add_tags: vec!["moved".into()],
                ..Default::default()
            };
            approvals::ops::steward(app, &requester, edit).await.expect("stewarded");
            request.id
        }
        "begin_rotation" | "record_rotation" | "mark_compromised" | "revoke_credential" => {
            let content = integrations::CredentialContent {
                name,
                created_on: Some("2027-01-01".parse().expect("a date")),
                ..Default::default()
            };
            integrations::ops::create_credential(app, &test.cli(), content).await.expect("noted").id
        }
        "discard_rule_draft" => rule_draft(test, name).await,
        "discard_workflow_draft" => workflow_draft(test, name).await,
        "discard_questionnaire_draft" => questionnaire_draft(test, name).await,
        "discard_risk_model_draft" => risk_draft(test, name).await,
        "send_assessment" | "withdraw_assessment" => drafted(test).await.id,
        "renew_assessment_link" | "remind_of_assessment" | "answer_assessment" | "read_assessment_sheet" => {
            opened(test).await.0
        }
        "submit_assessment" => answered(test).await,
        "meet_condition" => {
            let (id, condition) = condition(test, world, &name).await;
            return Some(operation.path.replace("{id}", &id).replace("{condition}", &condition));
        }
        _ => return None,
    };
    Some(operation.path.replace("{key}", &id.to_string()).replace("{id}", &id.to_string()))
}

async fn rule_draft(test: &TestApp, title: String) -> uuid::Uuid {
    use muster::{policy::RuleContent, publications::ops};
    let found = ops::find::<RuleContent>(&test.app, &test.cli(), "review-is-not-overdue").await.expect("a rule");
    let content = RuleContent { title, ..found.shown().expect("it").clone() };
    ops::edit(&test.app, &test.cli(), found.id, found.revision, content).await.expect("a draft").id
}

async fn workflow_draft(test: &TestApp, title: String) -> uuid::Uuid {
    use muster::{policy::WorkflowContent, publications::ops};
    let found = ops::find::<WorkflowContent>(&test.app, &test.cli(), "usual").await.expect("a workflow");
    let content = WorkflowContent { title, ..found.shown().expect("it").clone() };
    ops::edit(&test.app, &test.cli(), found.id, found.revision, content).await.expect("a draft").id
}

/// A request that was approved with a condition, and that condition.
async fn condition(test: &TestApp, world: &World, name: &str) -> (String, String) {
    use muster::{approvals::ops, integrations::ops::Start};
    let (app, requester) = (&test.app, test.page(&world.shop.requester).await);
    let id = ops::register(app, &requester, builders::content(name), Start::AsGiven).await.expect("it").1.id;
    ops::submit_request(app, &requester, id, 1, None).await.expect("submitted");
    let held = approve_if(test, &world.shop, id).await;
    (id.to_string(), held.unmet().next().expect("one").id.to_string())
}

/// Approves an open request with a condition that holds it.
pub(super) async fn approve_if(test: &TestApp, shop: &builders::Shop, id: uuid::Uuid) -> muster::approvals::Request {
    use muster::approvals::{NewCondition, NewDecision, Verdict, ops};
    let reviewer = test.page(&shop.reviewer).await;
    let open = ops::find_request(&test.app, &reviewer, id).await.expect("a request");
    let hash = open.phase.bound().expect("bound").content_hash.clone();
    let condition = NewCondition {
        text: "Do it.".into(),
        owner: "payments".into(),
        due_on: Some("2027-06-01".parse().expect("a day")),
        ..NewCondition::default()
    };
    let new = NewDecision::new(Verdict::ApproveWithConditions, "If so.", hash);
    let new = NewDecision { conditions: vec![condition], ..new };
    ops::decide(&test.app, &reviewer, id, new).await.expect("held")
}
