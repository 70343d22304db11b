//! Every refusal of requests, exceptions, assessments and campaigns that no other test would miss: a row each, with the
//! field or the words that it answers with.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use muster::{
    approvals::{NewCondition, NewDecision, RequestKind, Timing, Verdict, ops},
    assessments::{Closing, ConclusionVerdict, FlagState, Remark, ops as assessments},
    campaigns::{
        CampaignContent, Periods, ReviewVerdict,
        ops::{self as campaigns, NewReview},
    },
    error::Error,
    identity::{Actor, NewToken, Permission, Role, ServiceAccountContent, TokenOwner, ops as people},
    integrations::IntegrationContent,
    policy::{ExceptionContent, Grant, Mode, ops as policy},
};
use uuid::Uuid;

use super::{drafted, rule, submit};
use crate::support::{TestApp, builders};

/// What an operation was refused with, in short: a pointer, `stale`, or its words.
pub fn said<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result.expect_err("refused") {
        Error::Invalid(errors) => {
            errors.as_slice().iter().map(|error| error.pointer.as_str()).collect::<Vec<_>>().join(" ")
        }
        Error::Stale { .. } => "stale".into(),
        other => other.to_string(),
    }
}

/// The same person, through a token of theirs.
pub fn by_token(actor: &Actor) -> Actor {
    let mut authority = (*actor.authority).clone();
    authority.token_id = Some(Uuid::new_v4());
    Actor { authority: authority.into(), ..actor.clone() }
}

pub const NO_TOKEN: &str = "No token does this. Sign in, or use the command line.";

#[tokio::test]
async fn requests_refuse_what_is_incomplete_past_or_not_there() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let me = test.page(&shop.requester).await;
    let app = &test.app;
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    assert_eq!(said(ops::submit_request(app, &me, id, 7, None).await), "stale");
    assert_eq!(said(ops::withdraw_request(app, &me, id, 7).await), "stale");
    assert_eq!(said(ops::rebase_request(app, &me, id, 7).await), "stale");
    assert_eq!(
        said(ops::rebase_request(app, &me, id, 1).await),
        "It is based on what is in force; there is nothing to rebase."
    );
    ops::withdraw_request(app, &me, id, 1).await.expect("withdrawn");
    assert_eq!(said(ops::withdraw_request(app, &me, id, 2).await), "It is closed already.");
    let live = builders::active(&test, &shop, "Stripe, live").await;
    let key = live.id.to_string();
    let same = ops::propose(app, &me, &key, RequestKind::Change, Some(live.content.clone()), None).await.expect("one");
    assert_eq!(said(ops::submit_request(app, &me, same.id, 1, None).await), "/reason ");
    let purpose = Some("Takes payments of another kind.".to_owned());
    let content = IntegrationContent { purpose, ..live.content.clone() };
    let edited = ops::edit_request(app, &me, same.id, 1, content, None).await.expect("edited");
    assert_eq!(said(ops::submit_request(app, &me, same.id, edited.revision, None).await), "/reason");
    let retired = ops::propose(app, &me, &key, RequestKind::Retire, Some(edited.content), Some("Done.".into())).await;
    assert_eq!(said(retired), "/content");
    let none = ops::Stewardship::default();
    assert_eq!(said(ops::steward(app, &me, none.clone()).await), "/integrations ");
    let silent = ops::Stewardship { integrations: vec![key], ..none.clone() };
    assert_eq!(said(ops::steward(app, &me, silent).await), "");
    let unknown = ops::Stewardship { integrations: vec!["nothing".into()], add_tags: vec!["pci".into()], ..none };
    assert_eq!(said(ops::steward(app, &me, unknown).await), "/integrations/0");
}

#[tokio::test]
async fn conditions_and_delegations_refuse_what_says_nothing() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let (me, reviewer) = (test.page(&shop.requester).await, test.page(&shop.reviewer).await);
    let app = &test.app;
    let today = app.today().await.expect("a day");
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    let open = submit(&test, &shop, id).await.expect("submitted");
    let hash = open.phase.bound().expect("bound").content_hash.clone();
    let condition = NewCondition {
        text: "Limit the key.".into(),
        owner: "payments".into(),
        due_on: Some(today + TimeDelta::days(9)),
        timing: Timing::BeforeLive,
    };
    let with = |conditions| NewDecision {
        conditions,
        ..NewDecision::new(Verdict::ApproveWithConditions, "If so.", hash.clone())
    };
    for (bad, pointer) in [
        (NewCondition { text: " ".into(), ..condition.clone() }, "/conditions/0/text"),
        (NewCondition { owner: String::new(), ..condition.clone() }, "/conditions/0/owner"),
        (NewCondition { owner: "nobody-here".into(), ..condition.clone() }, "/conditions/0/owner"),
        (NewCondition { due_on: None, ..condition.clone() }, "/conditions/0/due_on"),
        (NewCondition { due_on: Some(today - TimeDelta::days(1)), ..condition.clone() }, "/conditions/0/due_on"),
        (NewCondition { due_on: "9999-01-01".parse().ok(), ..condition.clone() }, "/conditions/0/due_on"),
    ] {
        assert_eq!(said(ops::decide(app, &reviewer, id, with(vec![bad])).await), pointer);
    }
    let bare = NewDecision::new(Verdict::Approve, " ", hash.clone());
    assert_eq!(said(ops::decide(app, &reviewer, id, bare).await), "/reason");
    let mixed = NewDecision { verdict: Verdict::Approve, ..with(vec![condition.clone()]) };
    assert_eq!(said(ops::decide(app, &reviewer, id, mixed).await), "/conditions");
    let held = ops::decide(app, &reviewer, id, with(vec![condition.clone(), condition])).await.expect("decided");
    let unmet = held.conditions[0].id;
    assert_eq!(said(ops::meet_condition(app, &me, id, unmet, " ").await), "/note");
    ops::meet_condition(app, &me, id, unmet, "Done.").await.expect("met");
    assert_eq!(said(ops::meet_condition(app, &me, id, unmet, "Done.").await), "It is met already.");
    let deputy = test.person("Dora Deputy", &[Role::Reviewer]).await.id;
    let day = |days: i64| today + TimeDelta::days(days);
    for (to, days, pointer) in [
        (deputy, (day(-3), day(-1)), "/until_on"),
        (deputy, (day(3), day(1)), "/until_on"),
        (deputy, (day(0), day(400)), "/until_on"),
        (shop.reviewer.id, (day(0), day(1)), "/to"),
        (shop.requester.id, (day(0), day(1)), "/to"),
    ] {
        assert_eq!(said(ops::make_delegation(app, &reviewer, to, days, None).await), pointer);
    }
    let days = (day(0), day(1));
    assert_eq!(said(ops::make_delegation(app, &by_token(&reviewer), deputy, days, None).await), NO_TOKEN);
    let made = ops::make_delegation(app, &reviewer, deputy, days, None).await.expect("made");
    let other = test.page(&test.person("Olga Other", &[Role::Reviewer]).await).await;
    assert_eq!(said(ops::retire_delegation(app, &other, made.id).await), "Only who delegated takes it back.");
}

/// An exception that a script asks for, with a token that this admin minted.
async fn asked_by_script(test: &TestApp, mints: &Actor, asked: &ExceptionContent) -> Uuid {
    let scopes = vec![Permission::Read, Permission::Propose];
    let content =
        ServiceAccountContent { name: "Asker".into(), scopes: scopes.clone(), ..ServiceAccountContent::default() };
    let account = people::create_service_account(&test.app, &test.cli(), content).await.expect("an account");
    let new = NewToken { name: "test".into(), scopes, expires_in_days: 30 };
    let minted =
        people::mint_token(&test.app, mints, TokenOwner::ServiceAccount(account.id), new).await.expect("a token");
    let body = serde_json::json!({ "rule": asked.rule, "integration": asked.integration, "reason": asked.reason,
        "compensating_control": asked.compensating_control, "ends_on": asked.ends_on });
    let reply = test.api("POST", "/api/v1/exceptions", minted.bearer.reveal(), &[], Some(body)).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()["id"].as_str().expect("an id").parse().expect("an id")
}

#[tokio::test]
async fn exceptions_refuse_what_is_empty_past_double_or_ones_own() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    builders::publish(&test, rule(Mode::Warn)).await;
    builders::active(&test, &shop, "Stripe for Shop").await;
    let app = &test.app;
    let (me, today) = (test.page(&shop.requester).await, app.today().await.expect("a day"));
    let mints = test.person("Gina Lead", &[Role::GovernanceLead, Role::Admin]).await;
    let lead = test.page(&mints).await;
    let asked = ExceptionContent {
        rule: "route-needed".into(),
        integration: "stripe-for-shop".into(),
        reason: "The second provider is being contracted.".into(),
        compensating_control: "Checkout falls back to invoices.".into(),
        ends_on: Some(today + TimeDelta::days(10)),
    };
    for (bad, pointer) in [
        (ExceptionContent { reason: " ".into(), ..asked.clone() }, "/reason"),
        (ExceptionContent { compensating_control: " ".into(), ..asked.clone() }, "/compensating_control"),
        (ExceptionContent { ends_on: None, ..asked.clone() }, "/ends_on"),
        (ExceptionContent { ends_on: Some(today - TimeDelta::days(1)), ..asked.clone() }, "/ends_on"),
        (ExceptionContent { rule: "no-such".into(), ..asked.clone() }, "/rule"),
        (ExceptionContent { integration: "no-such".into(), ..asked.clone() }, "/integration"),
    ] {
        assert_eq!(said(policy::request_exception(app, &me, bad).await), pointer);
    }
    let id = asked_by_script(&test, &lead, &asked).await;
    let double = said(policy::request_exception(app, &me, asked).await);
    assert!(double.contains("asked for already"), "{double}");
    let grant = async |actor: &Actor, revision, why: &str| {
        policy::decide_exception(app, actor, id, revision, Grant::Yes, why).await
    };
    let own = said(grant(&lead, 1, "Fine.").await);
    assert!(own.contains("or minted the token that did"), "{own}");
    let raw = sqlx::query("update exceptions set state = 'granted', decided_by = $2, decided_at = now(), decision_reason = 'x', decided_via = 'page' where id = $1")
        .bind(id)
        .bind(mints.id)
        .execute(&mut test.as_app().await)
        .await
        .expect_err("refused");
    let constraint = raw.as_database_error().and_then(|error| error.constraint());
    assert_eq!(constraint, Some("exceptions_by_another_than_the_minter"));
    let other = test.page(&test.person("Lea Lead", &[Role::GovernanceLead]).await).await;
    assert_eq!(said(grant(&by_token(&other), 1, "Fine.").await), NO_TOKEN);
    assert_eq!(said(grant(&other, 7, "Fine.").await), "stale");
    assert_eq!(said(grant(&other, 1, " ").await), "/reason");
    assert_eq!(
        said(policy::revoke_exception(app, &other, id, 1, "Over.").await),
        "Only a granted exception is revoked."
    );
    let granted = grant(&other, 1, "Fine.").await.expect("granted");
    assert_eq!(said(grant(&other, granted.revision, "Fine.").await), "It is granted already.");
    assert_eq!(said(policy::revoke_exception(app, &other, id, 1, "Over.").await), "stale");
    assert_eq!(said(policy::revoke_exception(app, &other, id, granted.revision, " ").await), "/reason");
}

#[tokio::test]
async fn reviews_of_answers_refuse_what_is_unsaid_unknown_or_too_long() {
    let test = TestApp::new().await;
    builders::shop(&test).await;
    let app = &test.app;
    let reviewer = test.page(&test.person("Vera Reviewer", &[Role::Reviewer]).await).await;
    let handed = crate::assessments::submitted(&test, &reviewer, &["pentest"]).await;
    let (id, revision) = (handed.id, handed.revision);
    let one = |key: &str, remark, comment: Option<&str>| -> BTreeMap<String, (Option<Remark>, Option<String>)> {
        [(key.to_owned(), (remark, comment.map(str::to_owned)))].into()
    };
    let fine = one("tls", Some(Remark::Fine), None);
    assert_eq!(said(assessments::remark(app, &by_token(&reviewer), id, revision, fine.clone()).await), NO_TOKEN);
    assert_eq!(said(assessments::remark(app, &reviewer, id, 99, fine).await), "stale");
    let unknown = one("no-such", Some(Remark::Fine), None);
    assert_eq!(said(assessments::remark(app, &reviewer, id, revision, unknown).await), "/remarks/no-such");
    let silent = one("tls", Some(Remark::Again), None);
    assert_eq!(said(assessments::remark(app, &reviewer, id, revision, silent).await), "/remarks/tls");
    assert_eq!(said(assessments::hand_back(app, &reviewer, id, revision).await), "/remarks");
    assert_eq!(said(assessments::review(app, &reviewer, id, 99).await), "stale");
    let reviewed = assessments::review(app, &reviewer, id, revision).await.expect("reviewed");
    let today = app.today().await.expect("a day");
    let conclude = async |verdict, reason: &str, until: Option<i64>| {
        let until = until.map(|days| today + TimeDelta::days(days));
        assessments::conclude(app, &reviewer, id, reviewed.revision, (verdict, reason, until)).await
    };
    assert_eq!(said(conclude(ConclusionVerdict::Conditional, " ", None).await), "/reason");
    assert_eq!(said(conclude(ConclusionVerdict::Conditional, "Fine.", Some(0)).await), "/valid_until");
    assert_eq!(said(conclude(ConclusionVerdict::Conditional, "Fine.", Some(4000)).await), "/valid_until");
    assert_eq!(said(conclude(ConclusionVerdict::Ok, "Fine.", None).await), "/verdict");
    let finding = assessments::findings_of(app, &reviewer, id).await.expect("findings").remove(0);
    let closing = |state, note: &str, control: Option<&str>| Closing {
        state,
        note: note.into(),
        compensating_control: control.map(str::to_owned),
    };
    let close =
        async |revision, closing| assessments::close_finding(app, &reviewer, finding.id, revision, closing).await;
    let mended = closing(FlagState::Mended, "Tested since.", None);
    assert_eq!(said(close(99, mended.clone()).await), "stale");
    assert_eq!(said(close(finding.revision, closing(FlagState::Mended, " ", None)).await), "/note");
    let closed = close(finding.revision, mended.clone()).await.expect("closed");
    let again = close(closed.revision, mended).await;
    assert!(matches!(&again, Err(Error::Conflict(_))), "{again:?}");
}

#[tokio::test]
async fn campaigns_refuse_what_cannot_be_held() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    builders::active(&test, &shop, "Stripe for Shop").await;
    let app = &test.app;
    let lead = test.page(&test.person("Gina Lead", &[Role::GovernanceLead]).await).await;
    let day = |text: &str| text.parse().ok();
    let fine = CampaignContent { title: "Spring".into(), ends_on: day("2027-03-20"), ..CampaignContent::default() };
    for (bad, pointer) in [
        (CampaignContent { title: " ".into(), ..fine.clone() }, "/title"),
        (CampaignContent { ends_on: None, ..fine.clone() }, "/ends_on"),
        (CampaignContent { ends_on: day("2027-02-01"), ..fine.clone() }, "/ends_on"),
        (CampaignContent { starts_on: day("2027-02-01"), ..fine.clone() }, "/starts_on"),
        (CampaignContent { suspend_after_days: Some(3), ..fine.clone() }, "/escalates_to"),
        (CampaignContent { repeats_months: Some(61), ..fine.clone() }, "/repeats_months"),
        (CampaignContent { periods: Periods { high: 0, ..fine.periods }, ..fine.clone() }, "/periods"),
        (CampaignContent { periods: Periods { low: 61, ..fine.periods }, ..fine.clone() }, "/periods"),
        (CampaignContent { filter: "vendor=nothing".into(), ..fine.clone() }, "/filter"),
        (CampaignContent { escalates_to: Some("no-such".into()), ..fine.clone() }, "/escalates_to"),
    ] {
        assert_eq!(said(campaigns::plan(app, &lead, bad).await), pointer);
    }
    let campaign = campaigns::plan(app, &lead, fine).await.expect("planned");
    let item: Uuid = sqlx::query_scalar("select id from review_items where campaign_id = $1")
        .bind(campaign.id)
        .fetch_one(&mut test.owner().await)
        .await
        .expect("an item");
    let me = test.page(&shop.requester).await;
    assert_eq!(said(campaigns::keep_all(app, &me, Vec::new()).await), "/items");
    let review =
        |verdict, reason: Option<&str>| NewReview { verdict, reason: reason.map(str::to_owned), looked_at: None };
    let decide = async |actor: &Actor, revision, new| campaigns::decide(app, actor, item, revision, new).await;
    assert_eq!(said(decide(&by_token(&me), 1, review(ReviewVerdict::Keep, None)).await), NO_TOKEN);
    assert_eq!(said(decide(&me, 9, review(ReviewVerdict::Keep, None)).await), "stale");
    assert_eq!(said(decide(&me, 1, review(ReviewVerdict::Retire, None)).await), "/reason");
    let stranger = said(decide(&lead, 1, review(ReviewVerdict::Keep, None)).await);
    assert!(stranger.starts_with("Others review this"), "{stranger}");
    let unused = said(decide(&me, 1, review(ReviewVerdict::Reduce, Some("Less."))).await);
    assert!(unused.contains("nothing to take away") || unused.contains("scope"), "{unused}");
    let kept = decide(&me, 1, review(ReviewVerdict::Keep, None)).await.expect("kept");
    assert!(said(decide(&me, kept.revision, review(ReviewVerdict::Keep, None)).await).starts_with("It is closed"));
}
