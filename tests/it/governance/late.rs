//! What was fine when it was asked for and is not any more: rules that block in between, seats of owners that would move
//! with something proposed, campaigns whose filter matches nothing or too much by the day they begin.

use muster::{
    approvals::{NewCondition, NewDecision, RequestKind, Timing, Verdict, ops},
    campaigns::{CampaignContent, ops as campaigns},
    error::Error,
    identity::Role,
    policy::Mode,
};
use uuid::Uuid;

use super::{decide, drafted, pointers, rule, submit};
use crate::support::{TestApp, builders};

/// Approved under a condition that is open: in force once it is met.
async fn held(test: &TestApp, shop: &builders::Shop, request: Uuid) -> muster::approvals::Request {
    let open = submit(test, shop, request).await.expect("submitted");
    let condition = NewCondition {
        text: "Limit the key.".into(),
        owner: "payments".into(),
        due_on: Some("2027-06-01".parse().expect("a day")),
        timing: Timing::BeforeLive,
    };
    let hash = open.phase.bound().expect("bound").content_hash.clone();
    let with =
        NewDecision { conditions: vec![condition], ..NewDecision::new(Verdict::ApproveWithConditions, "If so.", hash) };
    ops::decide(&test.app, &test.page(&shop.reviewer).await, request, with).await.expect("held")
}

#[tokio::test]
async fn what_a_rule_blocks_since_it_was_submitted_does_not_go_live() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let requester = test.page(&shop.requester).await;
    let open = drafted(&test, &shop, "Stripe for Shop").await;
    submit(&test, &shop, open).await.expect("submitted");
    let waiting = drafted(&test, &shop, "Stripe for Returns").await;
    let unmet = held(&test, &shop, waiting).await.conditions[0].id;
    builders::publish(&test, rule(Mode::Block)).await;
    let blocked = ["/rules/route-needed"];
    assert_eq!(pointers(decide(&test, &shop.reviewer, open, Verdict::Approve).await), blocked);
    let met = ops::meet_condition(&test.app, &requester, waiting, unmet, "Done.").await;
    assert_eq!(pointers(met), blocked);
    // Both stand as they did, and go on once the rule lets them.
    builders::publish(&test, rule(Mode::Warn)).await;
    let done = decide(&test, &shop.reviewer, open, Verdict::Approve).await.expect("decided");
    assert_eq!(done.phase.key(), "applied");
    let done = ops::meet_condition(&test.app, &requester, waiting, unmet, "Done.").await.expect("met");
    assert_eq!(done.phase.key(), "applied");
}

#[tokio::test]
async fn what_a_rule_blocks_by_now_is_not_rebased() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    let requester = test.page(&shop.requester).await;
    let mut content = live.content.clone();
    content.purpose = Some("Refunds too.".into());
    let (key, why) = (live.id.to_string(), Some("Needed.".to_owned()));
    let change = ops::propose(&test.app, &requester, &key, RequestKind::Change, Some(content), why).await.expect("it");
    let revision = held(&test, &shop, change.id).await.revision;
    let tags =
        ops::Stewardship { integrations: vec![key], add_tags: vec!["moved".into()], ..ops::Stewardship::default() };
    ops::steward(&test.app, &requester, tags).await.expect("moved");
    builders::publish(&test, rule(Mode::Block)).await;
    let refused = ops::rebase_request(&test.app, &requester, change.id, revision).await;
    assert_eq!(pointers(refused.map(|(request, _)| request)), ["/rules/route-needed"]);
    let now = ops::find_request(&test.app, &requester, change.id).await.expect("it");
    assert_eq!((now.revision, now.phase.key()), (revision, "approved"));
    builders::publish(&test, rule(Mode::Warn)).await;
    let (rebased, _) = ops::rebase_request(&test.app, &requester, change.id, revision).await.expect("rebased");
    assert_eq!((rebased.phase.key(), rebased.round), ("open", 2));
}

#[tokio::test]
async fn owners_of_what_is_proposed_are_moved_by_both_teams_too() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let other = muster::identity::GroupContent { name: "Others".into(), ..muster::identity::GroupContent::default() };
    muster::identity::ops::create_group(&test.app, &test.cli(), muster::identity::GroupKind::Team, other)
        .await
        .expect("a team");
    let request = drafted(&test, &shop, "Stripe for Shop").await;
    let requester = test.page(&shop.requester).await;
    let moving = ops::Stewardship {
        integrations: vec!["stripe-for-shop".into()],
        technical_owner: Some("others".into()),
        ..ops::Stewardship::default()
    };
    let refused = ops::steward(&test.app, &requester, moving.clone()).await;
    assert!(matches!(&refused, Err(Error::Forbidden(_))), "{refused:?}");
    let now = ops::find_request(&test.app, &requester, request).await.expect("it");
    assert_eq!(now.content.technical_owner.as_deref(), Some("payments"));
    let lead = test.page(&test.person("Gina Lead", &[Role::GovernanceLead]).await).await;
    assert_eq!(ops::steward(&test.app, &lead, moving).await.expect("moved"), 1);
    let now = ops::find_request(&test.app, &requester, request).await.expect("it");
    assert_eq!(now.content.technical_owner.as_deref(), Some("others"));
}

/// So many copies of an integration, as rows.
async fn copies(test: &TestApp, of: Uuid, count: i32) {
    let mut conn = test.owner().await;
    let columns: String = sqlx::query_scalar(
        "select string_agg(quote_ident(column_name), ', ') from information_schema.columns \
         where table_schema = current_schema() and table_name = 'integrations' and is_generated = 'NEVER'",
    )
    .fetch_one(&mut conn)
    .await
    .expect("columns");
    let sql = format!(
        "insert into integrations ({columns}) select {columns} from (select (jsonb_populate_record(one, \
         jsonb_build_object('id', gen_random_uuid(), 'slug', 'copy-' || n, 'name', 'Copy ' || n))).* \
         from integrations one, generate_series(1, $2) n where one.id = $1) made"
    );
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(of).bind(count).execute(&mut conn).await.expect("copies");
}

#[tokio::test]
async fn a_campaign_is_over_something_and_not_over_too_much() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    let lead = test.page(&test.person("Gina Lead", &[Role::GovernanceLead]).await).await;
    let day = |text: &str| text.parse().ok();
    let later = CampaignContent {
        title: "Summer".into(),
        filter: "vendor=stripe".into(),
        starts_on: day("2027-04-01"),
        ends_on: day("2027-05-20"),
        ..CampaignContent::default()
    };
    let planned = campaigns::plan(&test.app, &lead, later).await.expect("planned");
    let (key, why) = (live.id.to_string(), Some("Over.".to_owned()));
    let requester = test.page(&shop.requester).await;
    let end = ops::propose(&test.app, &requester, &key, RequestKind::Retire, None, why).await.expect("proposed");
    builders::approve(&test, &shop, end.id).await;
    test.clock.advance(chrono::TimeDelta::days(60));
    campaigns::follow(&test.app).await.expect("followed");
    let now = campaigns::find_campaign(&test.app, &lead, planned.id).await.expect("it");
    assert_eq!((now.state.key(), now.revision), ("planned", planned.revision), "nothing matches it");
    // Copies of one that is in use, more than a campaign asks about.
    let live = builders::active(&test, &shop, "Stripe again").await;
    copies(&test, live.id, 5000).await;
    let all = CampaignContent {
        title: "All".into(),
        filter: "vendor=stripe".into(),
        ends_on: day("2027-06-20"),
        ..CampaignContent::default()
    };
    assert_eq!(pointers(campaigns::plan(&test.app, &lead, all).await), ["/filter"]);
}
