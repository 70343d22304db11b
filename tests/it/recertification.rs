//! Risk and recertification: scores with the rules, overrides that end; campaigns from launch to
//! their end, and who may decide.

use chrono::TimeDelta;
use muster::{
    approvals,
    campaigns::{
        CampaignContent, ReviewItem, ReviewVerdict, Reviewers,
        ops::{self, NewReview},
    },
    error::Error,
    identity::{Actor, GroupContent, GroupKind, Role},
    integrations::{self, Integration},
    policy::{
        self, NewOverride,
        ops::{Overridden, risk_of, risk_of_vendor},
    },
};

use crate::support::{TestApp, builders};

async fn lead(test: &TestApp, name: &str) -> Actor {
    test.page(&test.person(name, &[Role::GovernanceLead]).await).await
}

fn round(title: &str) -> CampaignContent {
    CampaignContent {
        title: title.into(),
        filter: "vendor=stripe".into(),
        ends_on: Some("2027-03-20".parse().expect("a day")),
        ..CampaignContent::default()
    }
}

async fn items(test: &TestApp, campaign: uuid::Uuid) -> Vec<ReviewItem> {
    let ids: Vec<uuid::Uuid> =
        sqlx::query_scalar("select id from review_items where campaign_id = $1 order by sort_key")
            .bind(campaign)
            .fetch_all(&mut test.owner().await)
            .await
            .expect("ids");
    let mut found = Vec::new();
    for id in ids {
        found.push(ops::find_item(&test.app, &test.cli(), id).await.expect("an item"));
    }
    found
}

fn review(verdict: ReviewVerdict, reason: &str) -> NewReview {
    NewReview { verdict, reason: Some(reason.into()), looked_at: None }
}

async fn unused(test: &TestApp, live: &Integration) {
    let grants: integrations::ops::GrantFacts = serde_json::from_value(serde_json::json!({
        "granted": [{ "scope": "charges.write", "granted_on": "2026-06-01" }, { "scope": "charges.read", "granted_on": "2026-06-01", "last_used_on": "2027-02-20" }]
    }))
    .expect("grants");
    integrations::ops::record_grants(&test.app, &test.cli(), live.id, live.revision, grants).await.expect("noted");
}

#[tokio::test]
async fn risk_adds_up_follows_the_facts_and_is_overridden_for_a_time() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    policy::ops::judge_due(&test.app).await.expect("judged");
    let cli = test.cli();
    let first = risk_of(&test.app, &cli, &live.content.slug).await.expect("read").expect("scored");
    let sum: i32 = first.score.parts.iter().map(|part| part.points).sum();
    assert_eq!((sum, first.history.len()), (first.score.residual, 1));
    // What mitigates changes the score, and its history grows by a line.
    let vendor = muster::catalog::ops::find_vendor(&test.app, &cli, "stripe").await.expect("stripe");
    let signed =
        muster::catalog::VendorContent { dpa_status: "signed".parse().expect("a word"), ..vendor.content.clone() };
    muster::catalog::ops::update_vendor(&test.app, &cli, vendor.id, vendor.revision, signed).await.expect("signed");
    test.clock.advance(TimeDelta::minutes(1));
    policy::ops::judge_due(&test.app).await.expect("judged");
    let second = risk_of(&test.app, &cli, &live.content.slug).await.expect("read").expect("scored");
    assert_eq!((second.residual, second.history.len()), (first.residual - 6, 2));
    let whole = risk_of_vendor(&test.app, &cli, "stripe").await.expect("read").expect("scored");
    assert_eq!((whole.residual, whole.integration.as_str()), (second.residual, live.content.slug.as_str()));
    let boss = lead(&test, "Gina Lead").await;
    let of = Overridden::Integration(&live.content.slug);
    let endless = NewOverride { residual: 5, reason: "Tiny.".into(), ends_on: None };
    let refused = policy::ops::set_override(&test.app, &boss, of, endless).await.expect_err("endless");
    assert!(matches!(&refused, Error::Invalid(errors) if errors.as_slice()[0].pointer == "/ends_on"));
    let for_a_week = NewOverride {
        residual: 5,
        reason: "Switched off this week.".into(),
        ends_on: Some("2027-03-07".parse().expect("a day")),
    };
    policy::ops::set_override(&test.app, &boss, of, for_a_week).await.expect("set");
    let over = risk_of(&test.app, &cli, &live.content.slug).await.expect("read").expect("scored");
    assert_eq!((over.residual, over.band.as_str(), over.score.residual), (5, "low", second.residual));
    assert_eq!(risk_of_vendor(&test.app, &cli, "stripe").await.expect("read").expect("scored").residual, 5);
    // Without anybody doing anything, it ends with its last day.
    test.clock.advance(TimeDelta::days(8));
    let after = risk_of(&test.app, &cli, &live.content.slug).await.expect("read").expect("scored");
    assert_eq!((after.residual, after.overridden.is_none()), (second.residual, true));
}

#[tokio::test]
async fn an_owner_keeps_reduces_and_retires_and_what_they_decided_stands() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let mut live = Vec::new();
    for name in ["Stripe A", "Stripe B", "Stripe C"] {
        live.push(builders::active(&test, &shop, name).await);
    }
    unused(&test, &live[1]).await;
    let boss = lead(&test, "Gina Lead").await;
    let campaign = ops::plan(&test.app, &boss, round("Spring")).await.expect("planned");
    assert_eq!(campaign.state.key(), "running");
    let found = items(&test, campaign.id).await;
    let verdicts: Vec<&str> = found.iter().map(|item| item.suggestion.key()).collect();
    assert_eq!(verdicts, ["keep", "reduce", "keep"]);
    let owner = test.page(&shop.requester).await;
    let stranger = test.page(&test.person("Sam Stranger", &[Role::Requester]).await).await;
    let keep = || review(ReviewVerdict::Keep, "Needed.");
    for other in [&stranger, &test.cli()] {
        ops::decide(&test.app, other, found[0].id, found[0].revision, keep()).await.expect_err("not theirs");
    }
    let kept = ops::decide(&test.app, &owner, found[0].id, found[0].revision, keep()).await.expect("kept");
    assert_eq!((kept.state.key(), kept.own), ("keep", Some(true)));
    let now = integrations::ops::find_integration(&test.app, &owner, &live[0].id.to_string()).await.expect("it");
    // It is critical: due again in half a year.
    assert_eq!(now.content.next_review_on.map(|day| day.to_string()).as_deref(), Some("2027-09-01"));
    let reduce = review(ReviewVerdict::Reduce, "Only read.");
    let reduced = ops::decide(&test.app, &owner, found[1].id, found[1].revision, reduce).await.expect("reduced");
    let request =
        approvals::ops::find_request(&test.app, &owner, reduced.request_id.expect("opened")).await.expect("it");
    assert_eq!((request.kind.key(), request.phase.key()), ("change", "draft"));
    assert!(request.content.scopes.iter().all(|scope| scope.scope != "charges.write"), "{:?}", request.content.scopes);
    ops::decide(&test.app, &owner, found[2].id, found[2].revision, review(ReviewVerdict::Retire, ""))
        .await
        .expect_err("why");
    let nothing = review(ReviewVerdict::Reduce, "Less.");
    let refused = ops::decide(&test.app, &owner, found[2].id, found[2].revision, nothing).await.expect_err("of what");
    assert!(refused.to_string().contains("nothing to take away"), "{refused}");
    let retire = review(ReviewVerdict::Retire, "Nobody calls it.");
    let retired = ops::decide(&test.app, &owner, found[2].id, found[2].revision, retire).await.expect("retired");
    let request =
        approvals::ops::find_request(&test.app, &owner, retired.request_id.expect("opened")).await.expect("it");
    assert_eq!(request.kind.key(), "retire");
    // It stands, also for whoever has the database in hand.
    ops::decide(&test.app, &owner, kept.id, kept.revision, keep()).await.expect_err("closed");
    let rewritten = sqlx::query("update review_items set reason = 'Other.' where id = $1")
        .bind(kept.id)
        .execute(&mut test.owner().await)
        .await
        .expect_err("refused");
    assert!(rewritten.to_string().contains("stands"), "{rewritten}");
    let standing = ops::standing(&test.app, &boss, campaign.id).await.expect("standing");
    assert_eq!((standing.open(), standing.pace[0].items, standing.pace[0].own), (0, 3, 3));
    ops::follow(&test.app).await.expect("followed");
    let ended = ops::find_campaign(&test.app, &boss, campaign.id).await.expect("it");
    assert_eq!(ended.state.key(), "ended");
}

#[tokio::test]
async fn many_are_kept_at_once_only_without_findings_and_unchanged_ones_close_themselves() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let (clean, other) =
        (builders::active(&test, &shop, "Stripe A").await, builders::active(&test, &shop, "Stripe B").await);
    unused(&test, &other).await;
    // Rules of the starter pack find something everywhere; here one thing is to be found.
    sqlx::query("delete from violations").execute(&mut test.owner().await).await.expect("cleared");
    let boss = lead(&test, "Gina Lead").await;
    let campaign = ops::plan(&test.app, &boss, round("Spring")).await.expect("planned");
    let found = items(&test, campaign.id).await;
    let owner = test.page(&shop.requester).await;
    let both = found.iter().map(|item| item.id).collect();
    ops::keep_all(&test.app, &owner, both).await.expect_err("one of them has a finding");
    assert!(items(&test, campaign.id).await.iter().all(ReviewItem::is_open), "all of them or none");
    assert_eq!(ops::keep_all(&test.app, &owner, vec![found[0].id]).await.expect("kept"), 1);
    let reason = review(ReviewVerdict::Keep, "Still needed.");
    ops::decide(&test.app, &owner, found[1].id, found[1].revision, reason).await.expect("kept on its own");
    // In the next round only what has findings is looked at.
    let next = CampaignContent { auto_close: true, ..round("Summer") };
    let campaign = ops::plan(&test.app, &boss, next).await.expect("planned");
    let states: Vec<(uuid::Uuid, &str)> =
        items(&test, campaign.id).await.iter().map(|item| (item.integration_id, item.state.key())).collect();
    assert_eq!(states, [(clean.id, "auto_closed"), (other.id, "pending")]);
    // The same integration in two rounds is not kept twice at once.
    let mut both = Vec::new();
    for title in ["Autumn", "Winter"] {
        let round = ops::plan(&test.app, &boss, round(title)).await.expect("planned");
        both.extend(items(&test, round.id).await.into_iter().filter(|item| item.integration_id == clean.id));
    }
    let twice = ops::keep_all(&test.app, &owner, both.iter().map(|item| item.id).collect()).await.expect_err("twice");
    assert!(matches!(&twice, Error::Invalid(errors) if errors.as_slice()[0].pointer == "/items"), "{twice:?}");
    let nothing = CampaignContent { filter: "vendor=nobody".into(), ..round("Nothing") };
    let refused = ops::plan(&test.app, &boss, nothing).await.expect_err("matches nothing");
    assert!(matches!(&refused, Error::Invalid(errors) if errors.as_slice()[0].pointer == "/filter"), "{refused:?}");
    // What the form gives as examples is known.
    let shown =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/campaigns/form.html")).expect("it");
    let examples = shown.split_once("</a>: ").and_then(|(_, rest)| rest.split_once(".</small>")).expect("examples").0;
    for example in examples.split(", ") {
        let content = CampaignContent { filter: example.into(), ..round("As shown") };
        let found = ops::plan(&test.app, &boss, content).await;
        let unknown = matches!(&found, Err(Error::Invalid(errors)) if !errors.as_slice()[0].message.contains("nothing to review"));
        assert!(!unknown, "{example}: {found:?}");
    }
    let unknown = CampaignContent { filter: "colour=red".into(), ..round("Unknown") };
    let refused = ops::plan(&test.app, &boss, unknown).await.expect_err("no such filter");
    assert!(matches!(&refused, Error::Invalid(errors) if errors.as_slice()[0].pointer == "/filter"), "{refused:?}");
}

#[tokio::test]
async fn a_departed_owner_is_replaced_first() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe A").await;
    let boss = lead(&test, "Gina Lead").await;
    let content =
        CampaignContent { reviewers: Reviewers::Group, review_group: Some("security".into()), ..round("Spring") };
    let campaign = ops::plan(&test.app, &boss, content).await.expect("planned");
    let item = items(&test, campaign.id).await.remove(0);
    let reviewer = test.page(&shop.reviewer).await;
    sqlx::query("update people set state = 'disabled' where id = $1")
        .bind(shop.requester.id)
        .execute(&mut test.owner().await)
        .await
        .expect("gone");
    let keep = || review(ReviewVerdict::Keep, "Needed.");
    for verdict in [ReviewVerdict::Keep, ReviewVerdict::Reduce, ReviewVerdict::Retire] {
        let new = review(verdict, "Whatever.");
        let refused = ops::decide(&test.app, &reviewer, item.id, item.revision, new).await.expect_err("nobody is left");
        assert!(refused.to_string().contains("Name another team"), "{refused}");
    }
    let new = test.person("Nora New", &[Role::Requester]).await;
    let team = GroupContent { name: "Growth".into(), members: vec![new.id], ..GroupContent::default() };
    muster::identity::ops::create_group(&test.app, &test.cli(), GroupKind::Team, team).await.expect("a team");
    // Each seat on its own, from the page.
    let browser = test.sign_in(&shop.reviewer).await;
    let path = format!("/review-items/{}", item.id);
    let page = browser.get(&path).await.text();
    assert!(page.contains("team that answers for it") && page.contains("team that runs it"), "{page}");
    assert!(!page.contains("team that steps in"), "{page}");
    let steward = test.sign_in(&test.person("Gus Lead", &[Role::GovernanceLead]).await).await;
    steward.post(&format!("{path}/owner"), &[("seat", "business"), ("team", "growth")]).await;
    let half = ops::decide(&test.app, &reviewer, item.id, item.revision, keep()).await.expect_err("one is left");
    assert!(half.to_string().contains("(technical)"), "{half}");
    let done = steward.post(&format!("{path}/owner"), &[("seat", "technical"), ("team", "growth")]).await;
    assert_eq!(done.header("location"), format!("{path}?note=saved"), "{}", done.text());
    let stale = NewReview { looked_at: Some(live.revision), ..keep() };
    ops::decide(&test.app, &reviewer, item.id, item.revision, stale).await.expect_err("it changed since");
    let done = ops::decide(&test.app, &reviewer, item.id, item.revision, keep()).await.expect("kept");
    assert_eq!(done.own, Some(false));
}

#[tokio::test]
async fn late_ones_escalate_are_suspended_and_the_round_repeats() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe A").await;
    let boss = lead(&test, "Gina Lead").await;
    let content = CampaignContent {
        escalates_to: Some("security".into()),
        suspend_after_days: Some(7),
        repeats_months: Some(6),
        ..round("Spring")
    };
    let campaign = ops::plan(&test.app, &boss, content).await.expect("planned");
    let reviewer = test.page(&shop.reviewer).await;
    let state = async || items(&test, campaign.id).await.remove(0);
    let item = state().await;
    let keep = review(ReviewVerdict::Keep, "Needed.");
    ops::decide(&test.app, &reviewer, item.id, item.revision, keep).await.expect_err("not late yet");
    test.clock.advance(TimeDelta::days(20));
    ops::follow(&test.app).await.expect("followed");
    assert_eq!(state().await.state.key(), "escalated");
    test.clock.advance(TimeDelta::days(8));
    for _ in 0..2 {
        ops::follow(&test.app).await.expect("followed");
    }
    assert_eq!(state().await.state.key(), "suspended");
    let now = integrations::ops::find_integration(&test.app, &boss, &live.id.to_string()).await.expect("it");
    assert_eq!(now.state.key(), "suspended");
    assert!(now.suspension.is_some_and(|why| why.reason.contains("Spring")));
    let next: Vec<(String, String)> =
        sqlx::query_as("select starts_on::text, state from campaigns where follows_id = $1")
            .bind(campaign.id)
            .fetch_all(&mut test.owner().await)
            .await
            .expect("the next");
    assert_eq!(next, [("2027-09-01".to_owned(), "planned".to_owned())]);
    test.clock.advance(TimeDelta::days(170));
    ops::follow(&test.app).await.expect("followed");
    let begun: i64 = sqlx::query_scalar(
        "select count(*) from review_items r join campaigns c on c.id = r.campaign_id where c.follows_id is not null and c.state = 'running'",
    )
    .fetch_one(&mut test.owner().await)
    .await
    .expect("counted");
    assert_eq!(begun, 1);
}

#[tokio::test]
async fn a_row_of_campaigns_keeps_the_end_of_the_month_that_it_began_with() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    builders::active(&test, &shop, "Stripe A").await;
    let boss = lead(&test, "Gina Lead").await;
    let day = |text: &str| text.parse().expect("a day");
    let content = CampaignContent {
        starts_on: Some(day("2027-12-31")),
        ends_on: Some(day("2028-01-31")),
        repeats_months: Some(2),
        escalates_to: Some("security".into()),
        ..round("Month ends")
    };
    ops::plan(&test.app, &boss, content).await.expect("planned");
    let reviewer = test.page(&shop.reviewer).await;
    for _ in 0..45 {
        test.clock.advance(TimeDelta::days(15));
        ops::follow(&test.app).await.expect("followed");
        let running: Vec<uuid::Uuid> = sqlx::query_scalar("select id from campaigns where state = 'running'")
            .fetch_all(&mut test.owner().await)
            .await
            .expect("campaigns");
        for campaign in running {
            for item in items(&test, campaign).await.into_iter().filter(|item| item.state.key() == "escalated") {
                let keep = review(ReviewVerdict::Keep, "Needed.");
                ops::decide(&test.app, &reviewer, item.id, item.revision, keep).await.expect("kept");
            }
        }
        ops::follow(&test.app).await.expect("followed");
    }
    let days: Vec<(String, String)> =
        sqlx::query_as("select starts_on::text, ends_on::text from campaigns order by starts_on limit 5")
            .fetch_all(&mut test.owner().await)
            .await
            .expect("campaigns");
    let pair = |starts: &str, ends: &str| (starts.to_owned(), ends.to_owned());
    assert_eq!(
        days,
        [
            pair("2027-12-31", "2028-01-31"),
            pair("2028-02-29", "2028-03-31"),
            pair("2028-04-30", "2028-05-31"),
            pair("2028-06-30", "2028-07-31"),
            pair("2028-08-31", "2028-09-30"),
        ]
    );
}
