//! Saved views: whose they are, and who sees them.

use muster::{
    approvals::{ViewAudience, ViewContent, ops},
    identity::{GroupContent, GroupKind, Role, ops as people},
};

use super::{
    pointers,
    refusals::{NO_TOKEN, by_token, said},
};
use crate::support::{TestApp, builders};

#[tokio::test]
async fn a_view_is_changed_by_its_author_and_shown_to_those_it_is_for() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let app = &test.app;
    let (author, other) = (test.page(&shop.requester).await, test.page(&shop.reviewer).await);
    let mine = ViewContent { list: "integrations".into(), name: "Mine".into(), ..ViewContent::default() };
    assert_eq!(said(ops::save_view(app, &by_token(&author), mine.clone()).await), NO_TOKEN);
    let unknown = ViewContent { list: "people".into(), ..mine.clone() };
    assert_eq!(pointers(ops::save_view(app, &author, unknown).await), ["/list"]);
    let view = ops::save_view(app, &author, mine.clone()).await.expect("saved");
    let renamed = ViewContent { name: "Ours".into(), ..mine.clone() };
    let stolen = ops::update_view(app, &other, view.id, 1, renamed.clone()).await.expect_err("refused").to_string();
    assert!(stolen.contains("saved"), "{stolen}");
    let moved = ViewContent { list: "vendors".into(), ..mine.clone() };
    assert_eq!(pointers(ops::update_view(app, &author, view.id, 1, moved).await), ["/list"]);
    let after = ops::update_view(app, &author, view.id, 1, renamed).await.expect("renamed");
    assert_eq!(after.revision, 2);
    // For everyone: a lead or an admin says so. For a team: one of it.
    let public = ViewContent { audience: ViewAudience::Everyone, ..mine.clone() };
    let refused = ops::save_view(app, &author, public.clone()).await.expect_err("refused").to_string();
    assert!(refused.contains("governance leads and admins"), "{refused}");
    let lead = test.page(&test.person("Gina Lead", &[Role::GovernanceLead]).await).await;
    ops::save_view(app, &lead, public).await.expect("saved");
    let group = GroupContent { name: "Elsewhere".into(), members: vec![shop.reviewer.id], ..GroupContent::default() };
    people::create_group(app, &test.cli(), GroupKind::Team, group).await.expect("a team");
    let team = ViewContent { audience: ViewAudience::Team, team: Some("elsewhere".into()), ..mine };
    assert_eq!(pointers(ops::save_view(app, &author, team.clone()).await), ["/team"]);
    let member = test.page(&shop.reviewer).await;
    ops::save_view(app, &member, team).await.expect("saved");
    let seen = async |actor| ops::views(app, actor, Some("integrations")).await.expect("views").len();
    assert_eq!((seen(&author).await, seen(&member).await, seen(&lead).await), (2, 2, 1));
}
