//! Who asks and who decides stay apart, whatever else somebody is and whichever way they try.

use muster::{
    approvals::{Verdict, ops},
    error::Error,
    identity::{GroupContent, GroupKind, Role, ops as people},
};

use super::{decide, drafted, submit};
use crate::support::{TestApp, builders};

#[tokio::test]
async fn an_admin_who_edits_a_request_does_not_decide_on_it_and_makes_nobody_of_themselves() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let mighty = test.person("Max Mighty", &[Role::Admin, Role::GovernanceLead, Role::Reviewer]).await;
    let security = people::find_group(&test.app, &test.cli(), GroupKind::ReviewGroup, "security").await.expect("it");
    let both = GroupContent { members: vec![shop.reviewer.id, mighty.id], ..security.content.clone() };
    people::update_group(&test.app, &test.cli(), GroupKind::ReviewGroup, security.id, security.revision, both)
        .await
        .expect("joined");
    let me = test.page(&mighty).await;
    // Untouched, it is theirs to decide.
    let other = drafted(&test, &shop, "Stripe B").await;
    submit(&test, &shop, other).await.expect("submitted");
    decide(&test, &mighty, other, Verdict::Approve).await.expect("a reviewer like any other");
    // Edited materially, it is not: neither by themselves nor by somebody who stands in for them.
    let id = drafted(&test, &shop, "Stripe for Shop").await;
    let open = submit(&test, &shop, id).await.expect("submitted");
    let mut content = open.content.clone();
    content.scopes.clear();
    let edited = ops::edit_request(&test.app, &me, id, open.revision, content, None).await.expect("edited");
    assert_eq!(edited.round, open.round + 1, "a material edit begins again");
    let refused = decide(&test, &mighty, id, Verdict::Approve).await;
    assert!(matches!(&refused, Err(Error::Forbidden(text)) if text.contains("took part")), "{refused:?}");
    let deputy = test.person("Dora Deputy", &[Role::Reviewer]).await;
    let today = test.app.today().await.expect("a day");
    ops::make_delegation(&test.app, &me, deputy.id, (today, today), None).await.expect("delegated");
    let refused = decide(&test, &deputy, id, Verdict::Approve).await;
    assert!(matches!(&refused, Err(Error::Forbidden(_))), "{refused:?}");
    // Nor do they put themselves elsewhere: into a review group, or under another right.
    let privacy = GroupContent { name: "Privacy".into(), members: vec![mighty.id], ..GroupContent::default() };
    let joined = people::create_group(&test.app, &me, GroupKind::ReviewGroup, privacy).await;
    assert!(matches!(&joined, Err(Error::Forbidden(_))), "{joined:?}");
    let mut more = mighty.content.clone();
    more.roles.push(Role::Requester);
    let gained = people::update_person(&test.app, &me, mighty.id, 1, more).await;
    assert!(matches!(&gained, Err(Error::Forbidden(_))), "{gained:?}");
    decide(&test, &shop.reviewer, id, Verdict::Approve).await.expect("somebody else");
}
