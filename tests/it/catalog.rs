//! Vendors, APIs, versions, systems, data classes, comments.

use muster::{
    catalog::{VendorContent, ops},
    error::Error,
    identity::{Permission, Role},
};
use serde_json::json;

use crate::support::{
    TestApp,
    builders::{self, vendor},
};

const FORM: [(&str, &str); 3] = [("dpa_status", "unknown"), ("state", "active"), ("slug", "")];

fn form<'a>(fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all = fields.to_vec();
    all.extend(FORM.iter().filter(|(name, _)| !fields.iter().any(|(known, _)| known == name)));
    all
}

#[tokio::test]
async fn a_requesters_vendor_is_unverified_until_another_person_verifies_it() {
    let test = TestApp::new().await;
    let maker = test.browser("Maker", &[Role::Requester, Role::Reviewer]).await;
    let other = test.browser("Other", &[Role::Reviewer]).await;
    let made = maker.post("/vendors", &form(&[("name", "Stripe"), ("website", "https://stripe.com")])).await;
    assert_eq!(made.header("location"), "/vendors/stripe?note=created", "{}", made.text());
    assert_eq!(maker.post("/vendors/stripe/verify", &[("revision", "1")]).await.status, 403, "not one's own");
    assert_eq!(other.post("/vendors/stripe/verify", &[("revision", "1")]).await.status, 303);
    let vendor = ops::find_vendor(&test.app, &test.cli(), "stripe").await.expect("found");
    assert!(vendor.verified_at.is_some());
    // Another name is another company: it has to be looked at again.
    let changed = VendorContent { name: "Stripe Payments".into(), ..vendor.content.clone() };
    let after = ops::update_vendor(&test.app, &test.cli(), vendor.id, vendor.revision, changed).await.expect("updated");
    assert!(after.verified_at.is_none());
}

#[tokio::test]
async fn only_a_reviewer_sets_tier_and_dpa_and_not_on_what_they_edited() {
    let test = TestApp::new().await;
    let requester = test.browser("Rita", &[Role::Requester]).await;
    requester.post("/vendors", &form(&[("name", "Adyen")])).await;
    let tier = form(&[("name", "Adyen"), ("tier", "1"), ("revision", "1")]);
    let refused = requester.post("/vendors/adyen", &tier).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("verify_catalog"), "{}", refused.text());
    let both = test.browser("Both", &[Role::Requester, Role::Reviewer]).await;
    let edited = both.post("/vendors/adyen", &form(&[("name", "Adyen"), ("country", "NL"), ("revision", "1")])).await;
    assert_eq!(edited.status, 303);
    let own = both
        .post("/vendors/adyen", &form(&[("name", "Adyen"), ("country", "NL"), ("tier", "1"), ("revision", "2")]))
        .await;
    assert!(own.text().contains("You edited this yourself"), "{}", own.text());
    let reviewer = test.browser("Rev", &[Role::Reviewer]).await;
    let done = reviewer.post("/vendors/adyen", &[("tier", "1"), ("dpa_status", "signed"), ("revision", "2")]).await;
    assert_eq!(done.status, 303, "{}", done.text());
}

#[tokio::test]
async fn a_secret_is_refused_with_advice_and_reaches_neither_database_nor_answer() {
    let test = TestApp::new().await;
    let token = test.token(&[Permission::Read, Permission::EditCatalog]).await;
    let secret = ["sk_live", "_4eC39HqLyjWDarjtT1zdp7dc"].concat();
    for (field, pointer) in [("description", "/description"), ("name", "/name"), ("website", "/website")] {
        let value = if field == "website" { format!("https://x.example/?k={secret}") } else { format!("key {secret}") };
        let mut body = json!({ "name": "Stripe" });
        body[field] = json!(value);
        let reply = test.api("POST", "/api/v1/vendors", &token, &[], Some(body)).await;
        assert_eq!((reply.status.as_u16(), reply.pointers()), (422, vec![pointer.to_owned()]), "{}", reply.text());
        assert!(reply.text().contains("vault") && !reply.text().contains(&secret));
    }
    let mut conn = test.owner().await;
    let kept: i64 = sqlx::query_scalar("select count(*) from vendors").fetch_one(&mut conn).await.expect("counted");
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn likely_duplicates_are_shown_before_saving() {
    let test = TestApp::new().await;
    let browser = test.browser("Rita", &[Role::Requester]).await;
    browser.post("/vendors", &form(&[("name", "Stripe"), ("website", "https://stripe.com")])).await;
    let again = form(&[("name", "Stripe Inc"), ("website", "https://dashboard.stripe.com")]);
    let shown = browser.post("/vendors", &again).await;
    assert_eq!(shown.status, 422);
    assert!(shown.text().contains("Is it one of these?") && shown.text().contains("same domain"));
    let mut confirmed = again.clone();
    confirmed.push(("confirmed", "yes"));
    assert_eq!(browser.post("/vendors", &confirmed).await.status, 303);
}

#[tokio::test]
async fn two_people_editing_the_second_keeps_their_text_beside_the_others_change() {
    let test = TestApp::new().await;
    let (one, two) = (test.browser("One", &[Role::Requester]).await, test.browser("Two", &[Role::Requester]).await);
    one.post("/vendors", &form(&[("name", "Plaid")])).await;
    assert_eq!(
        one.post("/vendors/plaid", &form(&[("name", "Plaid"), ("country", "US"), ("revision", "1")])).await.status,
        303
    );
    let late = two
        .post(
            "/vendors/plaid",
            &form(&[("name", "Plaid"), ("country", "GB"), ("description", "my long text"), ("revision", "1")]),
        )
        .await;
    assert_eq!(late.status, 422);
    let page = late.text();
    assert!(page.contains("Somebody changed this meanwhile") && page.contains("my long text"));
    assert!(page.contains("name=\"revision\" value=\"2\""), "saving again is based on what is there now");
    let vendor = ops::find_vendor(&test.app, &test.cli(), "plaid").await.expect("found");
    assert_eq!((vendor.revision, vendor.content.country.as_deref()), (2, Some("US")));
}

#[tokio::test]
async fn a_slug_may_change_and_the_old_one_redirects() {
    let test = TestApp::new().await;
    let browser = test.browser("Rita", &[Role::Requester]).await;
    let made = ops::create_vendor(&test.app, &test.cli(), vendor("Square")).await.expect("created");
    let content = VendorContent { name: "Block".into(), slug: "block".into(), ..made.content.clone() };
    ops::update_vendor(&test.app, &test.cli(), made.id, 1, content).await.expect("renamed");
    let old = browser.get("/vendors/square").await;
    assert_eq!((old.status.as_u16(), old.header("location")), (307, "/vendors/block"));
    assert_eq!(browser.get(&format!("/vendors/{}", made.id)).await.header("location"), "/vendors/block");
}

#[tokio::test]
async fn nothing_retires_while_something_refers_to_it() {
    let test = TestApp::new().await;
    let (app, cli) = (&test.app, test.cli());
    ops::apply_document(
        app,
        &cli,
        &builders::read(&builders::document("stripe.com", "pay", "1")),
        &ops::Identity::default(),
    )
    .await
    .expect("imported");
    let vendor = ops::find_vendor(app, &cli, "stripe").await.expect("found");
    let content = VendorContent { state: muster::words::State::Retired, ..vendor.content.clone() };
    let refused = ops::update_vendor(app, &cli, vendor.id, vendor.revision, content).await;
    assert!(matches!(&refused, Err(Error::Conflict(text)) if text.contains("API stripe.com pay")), "{refused:?}");
}

#[tokio::test]
async fn a_company_is_never_its_own_parent() {
    let test = TestApp::new().await;
    let (app, cli) = (&test.app, test.cli());
    let one = ops::create_vendor(app, &cli, vendor("One")).await.expect("created");
    let two = ops::create_vendor(app, &cli, VendorContent { parent: Some("one".into()), ..vendor("Two") })
        .await
        .expect("created");
    let circle = VendorContent { parent: Some(two.content.slug), ..one.content.clone() };
    assert!(matches!(ops::update_vendor(app, &cli, one.id, 1, circle).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn the_data_classes_begin_as_the_taxonomy_and_the_lead_extends_them() {
    let test = TestApp::new().await;
    let token = test.token(&[Permission::Read, Permission::GovernDataClasses]).await;
    let list = test.api("GET", "/api/v1/data-classes?total=true&limit=500", &token, &[], None).await.json();
    assert_eq!(list["total"], 85);
    let below = json!({ "key": "user.contact.email.work", "name": "Work address", "sensitivity": "internal" });
    assert_eq!(test.api("POST", "/api/v1/data-classes", &token, &[], Some(below)).await.status, 201);
    let orphan = json!({ "key": "user.nowhere.x", "name": "X", "sensitivity": "internal" });
    assert_eq!(test.api("POST", "/api/v1/data-classes", &token, &[], Some(orphan)).await.pointers(), ["/key"]);
    let requester = test.browser("Rita", &[Role::Requester]).await;
    assert_eq!(requester.get("/data-classes/new").await.status, 403);
}

#[tokio::test]
async fn a_comment_is_sanitised_and_only_its_author_withdraws_it() {
    let test = TestApp::new().await;
    let (one, two) = (test.browser("One", &[Role::Requester]).await, test.browser("Two", &[Role::Requester]).await);
    one.post("/vendors", &form(&[("name", "Plaid")])).await;
    let body = "**bold** <script>alert(1)</script> [x](javascript:alert(2))";
    assert_eq!(one.post("/vendors/plaid/comments", &[("body", body)]).await.status, 303);
    let page = one.get("/vendors/plaid").await.text();
    assert!(
        page.contains("<strong>bold</strong>") && !page.contains("<script>alert(1)") && !page.contains("javascript:")
    );
    let id = page.split("/comments/").nth(1).and_then(|rest| rest.split('/').next()).expect("an id").to_owned();
    assert_eq!(two.post(&format!("/comments/{id}/withdraw"), &[]).await.status, 403);
    assert_eq!(
        one.post(&format!("/comments/{id}/withdraw"), &[("back", "//evil.example")]).await.header("location"),
        "/?note=withdrawn"
    );
    assert!(one.get("/vendors/plaid").await.text().contains("Withdrawn by its author"));
}

#[tokio::test]
async fn an_own_system_needs_a_team_and_a_saas_one_a_vendor() {
    let test = TestApp::new().await;
    let token = test.token(&Permission::ALL).await;
    let post = async |body| test.api("POST", "/api/v1/systems", &token, &[], Some(body)).await;
    assert_eq!(post(json!({ "name": "Shop", "kind": "own" })).await.pointers(), ["/team"]);
    assert_eq!(post(json!({ "name": "CRM", "kind": "saas" })).await.pointers(), ["/vendor"]);
    assert_eq!(post(json!({ "name": "Shop", "kind": "own", "team": "nobody" })).await.pointers(), ["/team"]);
    assert_eq!(post(json!({ "name": "Shop", "kind": "elsewhere" })).await.pointers(), ["/kind"]);
}
