//! What is not for everybody is nowhere for them: not in lists, counts, facets, exports, type-ahead, nor by its address.

use muster::{
    identity::{Permission, Role},
    policy::{Mode, ops as policy},
};

use super::rule;
use crate::support::{TestApp, builders};

#[tokio::test]
async fn what_a_rule_in_shadow_finds_is_seen_by_who_governs_and_nowhere_else() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe, live").await;
    builders::publish(&test, rule(Mode::Shadow)).await;
    policy::judge_due(&test.app).await.expect("judged");
    let id: uuid::Uuid = sqlx::query_scalar(
        "select v.id from violations v join publications p on p.id = v.rule_id where p.key = 'route-needed'",
    )
    .fetch_one(&mut test.owner().await)
    .await
    .expect("a violation");
    let lead = test.browser("Gina Lead", &[Role::GovernanceLead]).await;
    let governs = test.token(&[Permission::Read, Permission::Govern]).await;
    let reads = test.token(&[Permission::Read]).await;
    let others = [
        test.sign_in(&shop.requester).await,
        test.sign_in(&shop.reviewer).await,
        test.browser("Audra", &[Role::Auditor]).await,
        test.browser("Anna Admin", &[Role::Admin]).await,
    ];
    let title = "Everything goes through the gateway";
    let pages = [
        "/violations".to_owned(),
        "/violations?q=gateway".into(),
        "/violations?mode=shadow".into(),
        "/violations/export?format=csv".into(),
        format!("/integrations/{}", live.content.slug),
    ];
    for page in &pages {
        assert!(lead.get(page).await.text().contains(title), "{page}");
        for browser in &others {
            assert!(!browser.get(page).await.text().contains(title), "{page}");
        }
    }
    assert_eq!(lead.get(&format!("/violations/{id}")).await.status, 200);
    for browser in &others {
        assert_eq!(browser.get(&format!("/violations/{id}")).await.status, 404);
        let typed = browser.get("/search/suggestions?q=gateway").await.text();
        assert!(!typed.contains(title), "{typed}");
    }
    let counted = async |token: &str, path: &str| {
        let answer = test.api("GET", path, token, &[], None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.text().matches("route-needed").count()
    };
    for path in ["/api/v1/violations?facets=true".to_owned(), format!("/api/v1/integrations/{}/findings", live.id)] {
        assert!(counted(&governs, &path).await > 0, "{path}");
        assert_eq!(counted(&reads, &path).await, 0, "{path}");
    }
    assert_eq!(test.api("GET", &format!("/api/v1/violations/{id}"), &reads, &[], None).await.status, 404);
    assert_eq!(test.api("GET", &format!("/api/v1/violations/{id}"), &governs, &[], None).await.status, 200);
}
