//! The journey of a rule, in a real browser: written, tried, published by a second person; it holds a
//! request back until an exception is granted, and two people approve in two stages; what lives is certified again,
//! and reduced.

use muster::{
    approvals,
    identity::{GroupContent, GroupKind, Role, ops as people},
    policy::{StageContent, WorkflowContent},
};

use crate::{
    journeys::describe,
    support::{
        TestApp, builders,
        chrome::{Chrome, serve, sign_in},
    },
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
        kinds: vec!["register".into(), "change".into()],
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
    let (one, two) = (
        test.person("Gina Lead", &[Role::GovernanceLead]).await,
        test.person("Gus Lead", &[Role::GovernanceLead]).await,
    );
    let base = serve(&test).await;
    let chrome = Chrome::start().await;

    sign_in(&test, &chrome, &base, &shop.requester).await;
    chrome.driver.goto(format!("{base}/integrations/new")).await.expect("opened");
    chrome.write("i-system", "shop").await;
    chrome.write("i-api", "stripe.com pay").await;
    chrome.click("form.form button.main").await;
    chrome.says("Registered as a draft").await;
    chrome.write("i-purpose", "Takes card payments in the web shop.").await;
    describe(&chrome).await;
    chrome.click("[name='data_flows.0.transfer_safeguard'] option[value='standard_contractual_clauses']").await;
    chrome.click("form.form button.main").await;
    chrome.says("Saved.").await;
    let request = chrome.driver.current_url().await.expect("an address").path().to_owned();
    let request = format!("{base}{}", request.trim_end_matches("/edit"));

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
    chrome.says("stripe.com pay for Shop").await;
    chrome.look("rule-preview").await;
    chrome.driver.goto(format!("{base}{rule}")).await.expect("opened");
    chrome.click("form[action$='/propose'] button").await;
    chrome.says("another governance lead publishes it").await;
    sign_in(&test, &chrome, &base, &two).await;
    chrome.driver.goto(format!("{base}{rule}")).await.expect("opened");
    chrome.click("form[action$='/publish'] button").await;
    chrome.says("Published, and in force").await;

    sign_in(&test, &chrome, &base, &shop.requester).await;
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
    let id = request.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
    let asked = approvals::ops::find_request(&test.app, &requester, id).await.expect("the request");
    let live = asked.integration_id.to_string();
    let live = muster::integrations::ops::find_integration(&test.app, &requester, &live).await.expect("it");
    let all = muster::policy::ops::violations_of(&test.app, &requester, live.id).await.expect("violations");
    let held = all.iter().find(|v| v.finding.rule == "everything-goes-through-the-gateway").expect("it violates");
    assert!(held.finding.excepted_until.is_some_and(|until| until > today));
    chrome.driver.goto(format!("{base}/violations/{}", held.id)).await.expect("opened");
    chrome.says("Excepted").await;
    chrome.look("violation").await;
    recertified(&test, &chrome, &base, (&one, &shop.requester), &live).await;
    // Reduced: the same two approve it, and the scope is no longer asked for.
    chrome.click("form[action$='/submit'] button.main").await;
    chrome.says("Submitted.").await;
    let change = chrome.driver.current_url().await.expect("an address").path().to_owned();
    for (person, said) in [(&shop.reviewer, "the next stage decides"), (&privacy, "Approved, and in force.")] {
        sign_in(&test, &chrome, &base, person).await;
        chrome.driver.goto(format!("{base}{change}")).await.expect("opened");
        chrome.write_in("form[action$='/decide'] textarea", "Less is better.").await;
        chrome.click("button[value='approve']").await;
        chrome.says(said).await;
    }
    let key = live.id.to_string();
    let reduced = muster::integrations::ops::find_integration(&test.app, &requester, &key).await.expect("it");
    assert_eq!((live.content.scopes.len(), reduced.content.scopes.len()), (1, 0));
    chrome.driver.clone().quit().await.expect("closed");
}

/// A campaign finds a scope that is not used; its owner reduces it, and the change request is filled in.
async fn recertified(
    test: &TestApp,
    chrome: &Chrome,
    base: &str,
    (lead, owner): (&muster::identity::Person, &muster::identity::Person),
    live: &muster::integrations::Integration,
) {
    let grants = serde_json::json!({ "granted": [{ "scope": "charges.write", "granted_on": "2026-06-01" }] });
    let grants = serde_json::from_value(grants).expect("grants");
    muster::integrations::ops::record_grants(&test.app, &test.cli(), live.id, live.revision, grants)
        .await
        .expect("noted");
    sign_in(test, chrome, base, lead).await;
    chrome.driver.goto(format!("{base}/campaigns/new?filter=vendor%3Dnobody")).await.expect("opened");
    chrome.write("i-title", "Spring round").await;
    chrome.click("form.form button.main").await;
    chrome.says("No integration in use matches this").await;
    chrome.write("i-filter", "vendor=stripe").await;
    chrome.look("campaign-form").await;
    chrome.click("form.form button.main").await;
    chrome.says("stripe.com pay for Shop").await;
    chrome.look("campaign").await;
    let campaign = chrome.driver.current_url().await.expect("an address").path().to_owned();
    sign_in(test, chrome, base, owner).await;
    chrome.driver.goto(format!("{base}{campaign}")).await.expect("opened");
    chrome.click("a.row-link[href^='/review-items/']").await;
    chrome.says("Not seen in use for 90 days: charges.write").await;
    chrome.look("review-item").await;
    chrome.click("button[value=reduce]").await;
    chrome.says("Say why; it goes into the change request.").await;
    chrome.write_in("form[action$='/decide'] textarea", "It only reads.").await;
    chrome.click("button[value=reduce]").await;
    chrome.says("this change request is filled in").await;
    chrome.says("charges.write").await;
    chrome.look("review-request").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vendor_answers_as_it_goes_and_a_reviewer_concludes() {
    use muster::assessments::{NewAssessment, ops};
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let reviewer = test.page(&shop.reviewer).await;
    let mut content = ops::questionnaire_of_pack().expect("questions");
    content.sections.retain(|section| ["Encryption", "Testing"].contains(&section.title.as_str()));
    builders::publish(&test, content).await;
    let new = NewAssessment {
        questionnaire: "vendor-security".into(),
        vendor: "stripe".into(),
        recipient: Some("security@stripe.example".into()),
        ..NewAssessment::default()
    };
    let draft = ops::begin(&test.app, &reviewer, new).await.expect("begun");
    let base = serve(&test).await;
    let chrome = Chrome::start().await;
    sign_in(&test, &chrome, &base, &shop.reviewer).await;
    let page = format!("{base}/assessments/{}", draft.id);
    chrome.driver.goto(&page).await.expect("opened");
    chrome.look("assessment-draft").await;
    chrome.click("form[action$='/send'] button").await;
    chrome.says("Hand this link over.").await;
    chrome.look("assessment-sent").await;
    let link = chrome.ask("return document.querySelector('[data-copy]').dataset.copy").await;
    let secret = link.as_str().and_then(|link| link.split_once("/answer/")).expect("a link").1.to_owned();

    chrome.driver.delete_all_cookies().await.expect("nobody now");
    let answers = format!("{base}/answer/{secret}");
    chrome.driver.goto(&answers).await.expect("opened");
    chrome.look("answer-begin").await;
    let hidden = "return document.getElementById('q-pentest-date').hidden";
    assert_eq!(chrome.ask(hidden).await, true);
    chrome.click("input[name='answer.pentest'][value=yes]").await;
    chrome.says("Saved").await;
    assert_eq!(chrome.ask(hidden).await, false, "what the answer leads to appears");
    chrome.click("button[formaction$='/submit']").await;
    chrome.says("This is to be answered.").await;
    chrome.look("answer-missing").await;
    for (key, word) in [("tls", "yes"), ("at-rest", "no"), ("dependencies", "yes"), ("disclosure", "yes")] {
        chrome.click(&format!("input[name='answer.{key}'][value={word}]")).await;
    }
    chrome.write_in("input[name='answer.patching']", "45").await;
    chrome.ask("document.querySelector(\"input[name='answer.pentest-date']\").value = '2027-01-31'").await;
    chrome.click("button[formaction$='/submit']").await;
    chrome.says("Thank you").await;

    sign_in(&test, &chrome, &base, &shop.reviewer).await;
    chrome.driver.goto(&page).await.expect("opened");
    chrome.says("Critical vulnerabilities stay open for more than a month").await;
    chrome.look("assessment-submitted").await;
    chrome.click("button[value=review]").await;
    chrome.says("Reviewed. Conclude it now.").await;
    chrome.write_in("form[action$='/conclude'] textarea", "Two findings to be mended first.").await;
    chrome.click("button[value=ok]").await;
    chrome.says("close them, or conclude conditionally").await;
    chrome.click("button[value=conditional]").await;
    chrome.says("Concluded.").await;
    chrome.look("assessment-concluded").await;
    chrome.driver.goto(format!("{base}/vendors/stripe")).await.expect("opened");
    chrome.says("Conditional").await;
    chrome.look("vendor-assessed").await;
    chrome.driver.clone().quit().await.expect("closed");
}
