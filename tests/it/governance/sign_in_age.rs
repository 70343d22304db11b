//! What needs a fresh and strong sign-in where the organisation requires it: every decision, and everything that
//! grants rights. The operation refuses before it looks at anything else.

use chrono::TimeDelta;
use muster::{
    approvals::{NewDecision, Verdict, ops},
    campaigns::{
        ReviewVerdict,
        ops::{self as campaigns, NewReview},
    },
    error::Error,
    identity::{
        Actor, GroupContent, GroupKind, NewToken, PersonContent, Role, Sensitive, ServiceAccountContent, Session,
        TokenOwner, ops as people,
    },
    policy::{Grant, RuleContent, ops as policy},
    publications,
    settings::ops as settings,
};
use uuid::Uuid;

use crate::support::TestApp;

fn assert_refused<T: std::fmt::Debug>(what: &str, result: Result<T, Error>) {
    assert!(matches!(result, Err(Error::StepUp)), "{what}: {result:?}");
}

/// Someone with every right, signed in as said.
async fn signed_in(test: &TestApp, minutes_ago: i64, factors: usize) -> Actor {
    let roles = [Role::Admin, Role::GovernanceLead, Role::Reviewer, Role::Requester];
    let actor = test.page(&test.person(&format!("Anna {minutes_ago} {factors}"), &roles).await).await;
    let mut authority = (*actor.authority).clone();
    authority.session = Some(Session {
        id: Uuid::new_v4(),
        csrf: "x".into(),
        authenticated_at: test.app.clock.now() - TimeDelta::minutes(minutes_ago),
        strong: factors > 1,
        demanded: Sensitive::ALL.to_vec(),
    });
    Actor { authority: authority.into(), ..actor }
}

#[tokio::test]
async fn decisions_need_a_fresh_and_strong_sign_in_where_it_is_required() {
    let test = TestApp::new().await;
    let app = &test.app;
    let now = settings::get(app, &test.cli()).await.expect("settings");
    let (id, today) = (Uuid::new_v4(), app.today().await.expect("a day"));
    for actor in [signed_in(&test, 16, 2).await, signed_in(&test, 1, 1).await] {
        let decision = NewDecision::new(Verdict::Approve, "Fine.", "x");
        assert_refused("decide", ops::decide(app, &actor, id, decision).await);
        let days = (today, today + TimeDelta::days(1));
        assert_refused("delegate", ops::make_delegation(app, &actor, id, days, None).await);
        assert_refused("exception", policy::decide_exception(app, &actor, id, 1, Grant::Yes, "Fine.").await);
        assert_refused("revoke", policy::revoke_exception(app, &actor, id, 1, "Over.").await);
        let keep = NewReview { verdict: ReviewVerdict::Keep, reason: None, looked_at: None };
        assert_refused("review", campaigns::decide(app, &actor, id, 1, keep).await);
        assert_refused("keep all", campaigns::keep_all(app, &actor, vec![id]).await);
        assert_refused("publish", publications::ops::publish::<RuleContent>(app, &actor, id, 1).await);
        assert_refused("settings", settings::update(app, &actor, 1, now.content.clone()).await);
        let group = GroupContent { name: "New".into(), ..GroupContent::default() };
        assert_refused("group", people::create_group(app, &actor, GroupKind::ReviewGroup, group).await);
        let person =
            PersonContent { name: "Nina".into(), email: "nina@example.com".into(), ..PersonContent::default() };
        assert_refused("person", people::create_person(app, &actor, person).await);
        let account = ServiceAccountContent { name: "Script".into(), ..ServiceAccountContent::default() };
        assert_refused("account", people::create_service_account(app, &actor, account).await);
        let token = NewToken { name: "mine".into(), scopes: Vec::new(), expires_in_days: 1 };
        let mine = TokenOwner::Person(actor.person().expect("a person"));
        assert_refused("token", people::mint_token(app, &actor, mine, token).await);
    }
    // The same person, freshly: the refusal is another one.
    let fresh = signed_in(&test, 14, 2).await;
    let decision = NewDecision::new(Verdict::Approve, "Fine.", "x");
    let missing = ops::decide(app, &fresh, id, decision).await;
    assert!(matches!(missing, Err(Error::NotFound(_))), "{missing:?}");
}
