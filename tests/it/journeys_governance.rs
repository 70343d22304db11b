//! The journey of a rule, in a real browser: written, tried, published by a second person; it holds a
//! request back until an exception is granted, and two people approve in two stages.

use muster::{
    approvals,
    identity::{GroupContent, GroupKind, Role, ops as people},
    integrations::ops::Start,
    policy::{StageContent, WorkflowContent},
};

use crate::support::{
    TestApp, builders,
    chrome::{Chrome, serve, sign_in},
};

const CASES: &str = r#"[{"name": "no route", "facts": {"integration": {"gateway_route": null}}, "fires": true},
{"name": "a route", "fires": false}]"#;

/// Two stages for registering: security, then privacy.
async fn two_stages(test: &TestApp) -> muster::identity::Person {
    let privacy = test.person("Petra Privacy", &[Role::Reviewer]).await;
    let group = GroupContent { name: "Privacy".into(), members: vec![privacy.id], ..GroupContent::default() };
    people::create_group(&test.app, &test.cli(), GroupKind::ReviewGroup, group).await.expect("a group");
    let stage = |name: &str, group: &str| StageContent {
        name: name.into(),
        review_group: group.into(),
        approvals: 1,
        due_hours: Some(16),
        ..StageContent::default()
    };
    let workflow = WorkflowContent {
        key: "usual".into(),
        title: "The usual way".into(),
        kinds: vec!["register".into()],
        stages: vec![stage("Security", "security"), stage("Privacy", "privacy")],
        same_person_twice: false,
        in_use: true,
    };
    builders::publish(test, workflow).await;
    privacy
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::too_many_lines, reason = "one journey, told from its beginning to its end")]
async fn a_rule_holds_a_request_back_until_it_is_excepted_and_two_approve() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let privacy = two_stages(&test).await;
    let requester = test.page(&shop.requester).await;
    let content = builders::content("Stripe for Shop");
    let (_, draft) =
        approvals::ops::register(&test.app, &requester, content, Start::AsGiven).await.expect("registered");
    let (one, two) = (
        test.person("Gina Lead", &[Role::GovernanceLead]).await,
        test.person("Gus Lead", &[Role::GovernanceLead]).await,
    );
    let base = serve(&test).await;
    let chrome = Chrome::start().await;

    sign_in(&test, &chrome, &base, &one).await;
    chrome.driver.goto(format!("{base}/rules/new")).await.expect("opened");
    chrome.write("i-title", "Everything goes through the gateway").await;
    chrome.choose("i-mode", "block").await;
    chrome.write("i-expression", "integration.gateway_rout == null").await;
    chrome.write("i-tests", CASES).await;
    chrome.click("form.form button.main").await;
    chrome.says("Line 1, column 12").await;
    chrome.look("rule-fault").await;
    chrome.write("i-expression", "integration.gateway_route == null").await;
    chrome.click("form.form button.main").await;
    chrome.says("Saved as a draft").await;
    chrome.look("rule-draft").await;
    let rule = "/rules/everything-goes-through-the-gateway";
    chrome.driver.goto(format!("{base}{rule}/preview")).await.expect("opened");
    chrome.says("Stripe for Shop").await;
    chrome.look("rule-preview").await;
    chrome.driver.goto(format!("{base}{rule}")).await.expect("opened");
    chrome.click("form[action$='/propose'] button").await;
    chrome.says("another governance lead publishes it").await;
    sign_in(&test, &chrome, &base, &two).await;
    chrome.driver.goto(format!("{base}{rule}")).await.expect("opened");
    chrome.click("form[action$='/publish'] button").await;
    chrome.says("Published, and in force").await;

    sign_in(&test, &chrome, &base, &shop.requester).await;
    let request = format!("{base}/requests/{}", draft.id);
    chrome.driver.goto(&request).await.expect("opened");
    chrome.says("Rules that fire").await;
    chrome.click("form[action$='/submit'] button.main").await;
    chrome.says("This has to be mended, or excepted").await;
    chrome.look("request-blocked").await;
    chrome.click(&format!("a[href^='/exceptions/new?rule={}']", rule.trim_start_matches("/rules/"))).await;
    chrome.write("i-reason", "The gateway has no route for it before May.").await;
    chrome.write("i-control", "The key works from two addresses alone.").await;
    chrome.ask("document.getElementById('i-ends').value = '2027-04-15'").await;
    chrome.look("exception-form").await;
    chrome.click("form.form button.main").await;
    chrome.says("A governance lead decides").await;
    let exception = chrome.driver.current_url().await.expect("an address").path().to_owned();

    sign_in(&test, &chrome, &base, &one).await;
    chrome.driver.goto(format!("{base}{exception}")).await.expect("opened");
    chrome.write_in("form[action$='/decide'] textarea", "Until the route is there.").await;
    chrome.click("button[value=grant]").await;
    chrome.says("Granted until its last day").await;
    chrome.look("exception").await;

    sign_in(&test, &chrome, &base, &shop.requester).await;
    chrome.driver.goto(&request).await.expect("opened");
    chrome.click("form[action$='/submit'] button.main").await;
    chrome.says("Submitted.").await;
    for (person, said) in [(&shop.reviewer, "the next stage decides"), (&privacy, "Approved, and in force.")] {
        sign_in(&test, &chrome, &base, person).await;
        chrome.driver.goto(&request).await.expect("opened");
        chrome.says("Excepted, ends").await;
        chrome.write_in("form[action$='/decide'] textarea", "Looked at.").await;
        chrome.look(&format!("stage-{}", person.content.name.to_lowercase().replace(' ', "-"))).await;
        chrome.click("button[value='approve']").await;
        chrome.says(said).await;
    }
    let today = test.app.today().await.expect("a day");
    let live = muster::integrations::ops::find_integration(&test.app, &requester, "stripe-for-shop").await.expect("it");
    let all = muster::policy::ops::violations_of(&test.app, &requester, live.id).await.expect("violations");
    let held = all.iter().find(|v| v.finding.rule == "everything-goes-through-the-gateway").expect("it violates");
    assert!(held.finding.excepted_until.is_some_and(|until| until > today));
    chrome.driver.goto(format!("{base}/violations/{}", held.id)).await.expect("opened");
    chrome.says("Excepted").await;
    chrome.look("violation").await;
    chrome.driver.clone().quit().await.expect("closed");
}
