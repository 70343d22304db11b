//! Letters that nobody asked for: what begins, what is due, what came up; and what is judged because a neighbour changed.

use chrono::TimeDelta;
use muster::{
    campaigns::{CampaignContent, ops as campaigns},
    identity::Role,
    integrations::{CredentialContent, ops as integrations},
    policy::{Facts, Mode, RuleContent, RuleTest, Severity, SubProcessorFacts, ops as policy},
};
use serde_json::json;

use crate::support::{TestApp, builders};

async fn letters(test: &TestApp) -> Vec<(String, String)> {
    sqlx::query_as("select recipient, subject from mails_due order by id")
        .fetch_all(&mut test.owner().await)
        .await
        .expect("letters")
}

#[tokio::test]
async fn a_campaign_writes_when_it_begins_before_it_ends_and_when_something_came_up() {
    let test = TestApp::mailing("smtp://127.0.0.1:9").await;
    let shop = builders::shop(&test).await;
    builders::active(&test, &shop, "Stripe A").await;
    let before = letters(&test).await.len();
    let lead = test.person("Gina Lead", &[Role::GovernanceLead]).await;
    let boss = test.page(&lead).await;
    let content = CampaignContent {
        title: "Spring".into(),
        filter: "vendor=stripe".into(),
        ends_on: Some("2027-03-20".parse().expect("a day")),
        ..CampaignContent::default()
    };
    campaigns::plan(&test.app, &boss, content).await.expect("planned");
    let told = async || letters(&test).await.split_off(before);
    let owner = &shop.requester.content.email;
    let second: String = sqlx::query_scalar("select email from people where name = 'Ben Backup'")
        .fetch_one(&mut test.owner().await)
        .await
        .expect("whoever steps in");
    let to_owners = |subject: &str, told: &[(String, String)]| {
        let mut to: Vec<&String> =
            told.iter().filter(|(_, text)| text.starts_with(subject)).map(|(to, _)| to).collect();
        to.sort();
        let mut owners = [owner, &second];
        owners.sort();
        assert!(to.contains(&owner) && to.iter().all(|one| owners.contains(one)), "{subject}: {told:?}");
    };
    to_owners("Review begins", &told().await);
    campaigns::follow(&test.app).await.expect("looked");
    let begun = told().await.len();
    test.clock.advance(TimeDelta::days(17));
    campaigns::follow(&test.app).await.expect("reminded");
    campaigns::follow(&test.app).await.expect("once");
    to_owners("Review ends soon", &told().await[begun..]);
    let reminded = told().await.len();
    assert_eq!(reminded, 2 * begun, "once each");
    // Past its last day, and no group that it goes up to: governance leads hear of it, and may decide.
    test.clock.advance(TimeDelta::days(3));
    campaigns::follow(&test.app).await.expect("came up");
    campaigns::follow(&test.app).await.expect("once");
    let up = told().await.split_off(reminded);
    assert_eq!(up.len(), 1, "{up:?}");
    assert!(up[0].0 == lead.content.email && up[0].1.starts_with("Overdue review"), "{up:?}");
    let item: uuid::Uuid =
        sqlx::query_scalar("select id from review_items").fetch_one(&mut test.owner().await).await.expect("an item");
    assert!(campaigns::view_item(&test.app, &boss, item).await.expect("a view").may_decide);
}

#[tokio::test]
async fn a_team_that_has_to_answer_hears_of_it() {
    let test = TestApp::mailing("smtp://127.0.0.1:9").await;
    let shop = builders::shop(&test).await;
    let questions = muster::assessments::QuestionnaireContent {
        key: "owner-questions".into(),
        title: "Questions to owners".into(),
        audience: muster::assessments::Audience::Owner,
        ..muster::assessments::ops::questionnaire_of_pack().expect("questions")
    };
    let questions = muster::assessments::QuestionnaireContent { chosen_when: None, ..questions };
    builders::publish(&test, questions).await;
    let reviewer = test.page(&shop.reviewer).await;
    let new = muster::assessments::NewAssessment {
        questionnaire: "owner-questions".into(),
        vendor: "stripe".into(),
        team: Some("payments".into()),
        ..Default::default()
    };
    let draft = muster::assessments::ops::begin(&test.app, &reviewer, new).await.expect("begun");
    let before = letters(&test).await.len();
    muster::assessments::ops::send(&test.app, &reviewer, draft.id, draft.revision).await.expect("sent");
    let told = letters(&test).await.split_off(before);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, shop.requester.content.email);
    assert!(told[0].1.starts_with("Questions: "), "{told:?}");
}

#[tokio::test]
async fn a_credential_that_turns_out_to_be_another_one_is_judged_where_both_are_used() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let (a, b) = (builders::active(&test, &shop, "Stripe A").await, builders::active(&test, &shop, "Stripe B").await);
    let shared = RuleContent {
        key: "not-shared".into(),
        title: "Not shared".into(),
        expression: "credentials.exists(c, c.same_elsewhere)".into(),
        severity: Severity::High,
        mode: Mode::Warn,
        tests: vec![
            RuleTest {
                name: "shared".into(),
                facts: json!({ "credentials": [{ "same_elsewhere": true }] }),
                fires: true,
            },
            RuleTest { name: "not".into(), facts: json!({}), fires: false },
        ],
        ..RuleContent::default()
    };
    builders::publish(&test, shared).await;
    let note = async |name: &str, environment: &str, used_by: &muster::integrations::Integration| {
        let content = CredentialContent {
            name: name.into(),
            environment: environment.parse().expect("an environment"),
            fingerprint: Some(format!("sha256:{}", "cd".repeat(32))),
            created_on: Some("2027-01-01".parse().expect("a date")),
            integrations: vec![used_by.id.to_string()],
            ..CredentialContent::default()
        };
        integrations::create_credential(&test.app, &test.cli(), content).await.expect("noted")
    };
    let open = async || -> Vec<uuid::Uuid> {
        policy::judge_due(&test.app).await.expect("judged");
        sqlx::query_scalar(
            "select v.integration_id from violations v join publications p on p.id = v.rule_id
             where p.key = 'not-shared' and v.state = 'open' order by 1",
        )
        .fetch_all(&mut test.owner().await)
        .await
        .expect("violations")
    };
    note("live", "production", &a).await;
    assert!(open().await.is_empty());
    let copy = note("staged", "staging", &b).await;
    let mut both = vec![a.id, b.id];
    both.sort_unstable();
    assert_eq!(open().await, both, "the one that nobody touched is judged as well");
    integrations::revoke_credential(&test.app, &test.cli(), copy.id, copy.revision, "A copy.").await.expect("revoked");
    assert!(open().await.is_empty(), "and again when the other has ended");
}

#[test]
fn a_list_beyond_its_cap_is_named() {
    let mut facts = Facts::sample().expect("the sample");
    assert!(facts.clone().capped().1.is_empty());
    facts.vendor.locations = vec!["IE".to_owned(); 51];
    facts.integration.tags = vec!["tag".to_owned(); 51];
    facts.integration.environments = vec!["production".to_owned(); 51];
    facts.vendor.sub_processors = vec![SubProcessorFacts::default(); 101];
    let (facts, cut) = facts.capped();
    assert_eq!(cut, ["vendor.locations", "integration.tags", "integration.environments", "vendor.sub_processors"]);
    assert_eq!((facts.vendor.locations.len(), facts.vendor.sub_processors.len()), (50, 100));
}
