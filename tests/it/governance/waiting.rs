//! What waits: for whom, under which workflow, and the conditions that somebody owes.

use chrono::TimeDelta;
use muster::{
    approvals::{
        NewCondition, NewDecision, Timing, Verdict,
        ops::{self, CONDITIONS, ConditionRow, REQUESTS, RequestRow},
    },
    identity::{Actor, GroupContent, GroupKind, Permission, Role, ops as people},
    lists::{Query, Spec},
    policy::{Mode, RuleContent, RuleTest, Severity, ops as policy},
};
use serde_json::json;

use super::{decide, drafted, group, stage, submit, workflow};
use crate::support::{TestApp, builders};

async fn rows<R>(test: &TestApp, actor: &Actor, spec: &'static Spec, question: &[(&str, &str)]) -> Vec<R>
where
    R: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
{
    let pairs: Vec<(String, String)> = question.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let query = Query::parse(spec, &pairs, &[]).expect("a question");
    muster::lists::ops::list::<R>(&test.app, actor, spec, &query).await.expect("a list").rows
}

async fn titles(test: &TestApp, actor: &Actor, name: &str) -> usize {
    let me = actor.person().expect("a person").to_string();
    rows::<RequestRow>(test, actor, &REQUESTS, &[(name, &me)]).await.len()
}

#[tokio::test]
async fn requests_wait_for_whoever_may_decide_and_for_others_of_whoever_is_concerned() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let board = test.person("Bo Board", &[Role::Reviewer]).await;
    group(&test, "Board", &board).await;
    let mut first = stage("Security", "security");
    first.due_hours = Some(8);
    builders::publish(&test, workflow(vec![first, stage("Board", "board")])).await;
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    submit(&test, &shop, id).await.expect("submitted");
    let (reviewer, chair, requester) =
        (test.page(&shop.reviewer).await, test.page(&board).await, test.page(&shop.requester).await);
    assert_eq!(titles(&test, &reviewer, "decider").await, 1);
    assert_eq!(titles(&test, &chair, "decider").await, 0, "its stage is not open");
    assert_eq!(titles(&test, &requester, "decider").await, 0);
    assert_eq!(titles(&test, &requester, "awaits_others_for").await, 1);
    assert_eq!(titles(&test, &reviewer, "awaits_others_for").await, 0);
    // Whoever stands in sees it, as long as they do.
    let deputy = test.person("Dora Deputy", &[Role::Reviewer]).await;
    let stands_in = test.page(&deputy).await;
    assert_eq!(titles(&test, &stands_in, "decider").await, 0);
    let today = test.app.today().await.expect("a day");
    ops::make_delegation(&test.app, &reviewer, deputy.id, (today, today), None).await.expect("delegated");
    assert_eq!(titles(&test, &stands_in, "decider").await, 1);
    test.clock.advance(TimeDelta::days(2));
    assert_eq!(titles(&test, &stands_in, "decider").await, 0, "the days are over");
    // What went up waits for the group that it came to.
    let heads = test.person("Hanna Head", &[Role::Reviewer]).await;
    group(&test, "Heads", &heads).await;
    let security = people::find_group(&test.app, &test.cli(), GroupKind::ReviewGroup, "security").await.expect("it");
    let content = GroupContent { escalates_to: Some("heads".into()), ..security.content.clone() };
    people::update_group(&test.app, &test.cli(), GroupKind::ReviewGroup, security.id, security.revision, content)
        .await
        .expect("a chain");
    assert_eq!(ops::escalate(&test.app).await.expect("escalated"), 1);
    assert_eq!(titles(&test, &test.page(&heads).await, "decider").await, 1);
    // Decided: it waits for the next stage, and concerns who decided.
    decide(&test, &shop.reviewer, id, Verdict::Approve).await.expect("the first stage");
    assert_eq!(titles(&test, &reviewer, "decider").await, 0);
    assert_eq!(titles(&test, &reviewer, "awaits_others_for").await, 1);
    assert_eq!(titles(&test, &chair, "decider").await, 1);
    // An auditor decides nothing, whatever else they are.
    sqlx::query("insert into role_grants (person_id, role, granted_at) values ($1, 'auditor', now())")
        .bind(board.id)
        .execute(&mut test.owner().await)
        .await
        .expect("an auditor");
    assert_eq!(titles(&test, &chair, "decider").await, 0);
}

#[tokio::test]
async fn after_a_decision_the_next_one_comes_up() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let (first, second) = (drafted(&test, &shop, "Stripe A").await, drafted(&test, &shop, "Stripe B").await);
    submit(&test, &shop, first).await.expect("submitted");
    test.clock.advance(TimeDelta::hours(1));
    submit(&test, &shop, second).await.expect("submitted");
    let browser = test.sign_in(&shop.reviewer).await;
    for (id, goes_to) in [
        (first, format!("/requests/{second}?note=approved&decided={first}")),
        (second, format!("/requests/{second}?note=approved")),
    ] {
        let request = ops::find_request(&test.app, &test.cli(), id).await.expect("it");
        let hash = request.phase.bound().expect("bound").content_hash.clone();
        let form = [("verdict", "approve"), ("reason", "Fine."), ("content_hash", hash.as_str())];
        let reply = browser.post(&format!("/requests/{id}/decide"), &form).await;
        assert_eq!(reply.header("location"), goes_to, "{}", reply.text());
    }
    let page = browser.get(&format!("/requests/{second}?note=approved&decided={first}")).await;
    assert!(page.text().contains("This one waits next."), "{}", page.text());
}

#[tokio::test]
async fn a_running_request_keeps_the_workflow_it_began_with() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let board = test.person("Bo Board", &[Role::Reviewer]).await;
    group(&test, "Board", &board).await;
    builders::publish(&test, workflow(vec![stage("Security", "security")])).await;
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    let open = submit(&test, &shop, id).await.expect("submitted");
    builders::publish(&test, workflow(vec![stage("Security", "security"), stage("Board", "board")])).await;
    decide(&test, &shop.reviewer, id, Verdict::RequestChanges).await.expect("sent back");
    let again = submit(&test, &shop, id).await.expect("submitted again");
    assert_eq!((again.round, again.stages.len(), again.workflow), (2, 1, open.workflow));
    let other = drafted(&test, &shop, "Stripe B").await;
    assert_eq!(submit(&test, &shop, other).await.expect("submitted").stages.len(), 2, "a new one goes by the new");
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one story from its beginning to its end")]
async fn a_condition_is_owed_reminded_of_and_a_fact_that_rules_see_once_it_is_late() {
    let test = TestApp::mailing("smtp://127.0.0.1:9").await;
    let shop = builders::shop(&test).await;
    let late_rule = RuleContent {
        key: "conditions-in-time".into(),
        title: "Conditions are met".into(),
        expression: "conditions.exists(c, c.due_in_days < 0)".into(),
        severity: Severity::High,
        mode: Mode::Warn,
        tests: vec![
            RuleTest {
                name: "late".into(),
                facts: json!({ "conditions": [{ "text": "x", "timing": "after_live", "owner": "a", "due_in_days": -1 }] }),
                fires: true,
            },
            RuleTest { name: "none".into(), facts: json!({}), fires: false },
        ],
        ..RuleContent::default()
    };
    builders::publish(&test, late_rule).await;
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    let open = submit(&test, &shop, id).await.expect("submitted");
    let reviewer = test.page(&shop.reviewer).await;
    let hash = open.phase.bound().expect("bound").content_hash.clone();
    let today = test.app.today().await.expect("a day");
    let due = today + TimeDelta::days(10);
    let conditions = vec![NewCondition {
        text: "Limit the key to our addresses.".into(),
        owner: "payments".into(),
        due_on: Some(due),
        timing: Timing::AfterLive,
    }];
    let new = NewDecision { conditions, ..NewDecision::new(Verdict::ApproveWithConditions, "If so.", hash) };
    let live = ops::decide(&test.app, &reviewer, id, new).await.expect("decided");
    assert_eq!(live.phase.key(), "applied");
    let owner = test.page(&shop.requester).await;
    let listed = async |standing: &str| {
        rows::<ConditionRow>(&test, &owner, &CONDITIONS, &[("owner", "payments"), ("standing", standing)]).await.len()
    };
    let violations = async || {
        policy::judge_due(&test.app).await.expect("judged");
        sqlx::query_scalar::<_, i64>("select count(*) from violations v join publications p on p.id = v.rule_id where v.state = 'open' and p.key = 'conditions-in-time'")
            .fetch_one(&mut test.owner().await)
            .await
            .expect("counted")
    };
    let letters = async || -> Vec<(String, String)> {
        sqlx::query_as("select recipient, subject from mails_due order by id")
            .fetch_all(&mut test.owner().await)
            .await
            .expect("letters")
    };
    assert_eq!((listed("open").await, listed("overdue").await, violations().await), (1, 0, 0));
    assert_eq!(ops::remind_conditions(&test.app).await.expect("looked"), 0, "there is time");
    test.clock.advance(TimeDelta::days(8));
    assert_eq!(ops::remind_conditions(&test.app).await.expect("reminded"), 1);
    assert_eq!(ops::remind_conditions(&test.app).await.expect("once"), 0);
    let told = letters().await;
    assert!(
        told.iter().any(|(to, subject)| *to == shop.requester.content.email && subject.starts_with("Due soon")),
        "{told:?}"
    );
    assert!(told.iter().all(|(to, _)| *to != shop.reviewer.content.email), "not yet: {told:?}");
    test.clock.advance(TimeDelta::days(3));
    policy::begin_day(&test.app).await.expect("a day");
    assert_eq!((listed("open").await, listed("overdue").await, violations().await), (0, 1, 1));
    assert_eq!(ops::remind_conditions(&test.app).await.expect("overdue"), 1);
    assert_eq!(ops::remind_conditions(&test.app).await.expect("once"), 0);
    let told = letters().await;
    assert!(
        told.iter().any(|(to, subject)| *to == shop.reviewer.content.email && subject.starts_with("Overdue")),
        "{told:?}"
    );
    let home = test.sign_in(&shop.requester).await.get("/").await.text();
    assert!(home.contains("conditions overdue"), "{home}");
    let condition = live.conditions[0].id;
    ops::meet_condition(&test.app, &owner, id, condition, "Ticket 18.").await.expect("met");
    assert_eq!((listed("met").await, listed("overdue").await, violations().await), (1, 0, 0), "judged at once");
}

#[tokio::test]
async fn a_home_page_shows_what_each_of_somebodys_roles_comes_for() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let both = test.person("Bettina Both", &[Role::Requester, Role::Reviewer, Role::GovernanceLead]).await;
    sqlx::query("insert into review_group_members (review_group_id, person_id) select id, $1 from review_groups where slug = 'security'")
        .bind(both.id)
        .execute(&mut test.owner().await)
        .await
        .expect("joined");
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    submit(&test, &shop, id).await.expect("submitted");
    let home = test.sign_in(&both).await.get("/").await.text();
    for words in ["Waiting for you", "Waiting for decisions", "open requests of yours", "exceptions asked for"] {
        assert!(home.contains(words), "{words}: {home}");
    }
    let asked = test.sign_in(&shop.requester).await.get("/").await.text();
    assert!(asked.contains("Waiting for others"), "{asked}");
}

#[tokio::test]
async fn facts_that_were_judged_are_read_through_the_api_without_rules_in_shadow() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    builders::publish(&test, super::rule(Mode::Shadow)).await;
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    submit(&test, &shop, id).await.expect("submitted");
    decide(&test, &shop.reviewer, id, Verdict::Approve).await.expect("approved");
    let moments = async |scopes: &[Permission]| {
        let token = test.token(scopes).await;
        let reply = test.api("GET", &format!("/api/v1/requests/{id}/facts"), &token, &[], None).await;
        reply.json().as_array().cloned().expect("a list")
    };
    let seen = moments(&[Permission::Read]).await;
    let of: Vec<&str> = seen.iter().filter_map(|one| one["moment"].as_str()).collect();
    assert_eq!(of, ["submitted", "decided", "applied"]);
    assert_eq!(seen[0]["facts"]["integration"]["slug"], "stripe-for-shop");
    let shadows = |one: &serde_json::Value| {
        let all = one["findings"].as_array().expect("findings");
        all.iter().filter(|finding| finding["rule"] == "route-needed").count()
    };
    assert_eq!(shadows(&seen[0]), 0);
    assert_eq!(shadows(&moments(&[Permission::Read, Permission::Govern]).await[0]), 1);
}
