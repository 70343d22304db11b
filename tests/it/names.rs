//! Names without Latin letters, and days that are too far away.

use muster::{
    catalog::{ApiContent, SystemContent, ops as catalog},
    error::Error,
    identity::{GroupContent, GroupKind, Permission, ServiceAccountContent, ops as people},
    integrations::{CredentialContent, Rotation, ops as uses},
    lists::Query,
};
use serde_json::json;

use crate::support::{TestApp, builders};

#[tokio::test]
async fn slugs_of_names_without_latin_letters_are_numbered() {
    let test = TestApp::new().await;
    let cli = test.cli();
    let core = GroupContent { name: "Core".into(), ..GroupContent::default() };
    people::create_group(&test.app, &cli, GroupKind::Team, core).await.expect("a team");
    let mut slugs = Vec::new();
    for name in ["日本銀行", "三菱商事", "연합뉴스"] {
        let vendor = catalog::create_vendor(&test.app, &cli, builders::vendor(name)).await.expect("a vendor");
        let api = ApiContent { name: "接口".into(), vendor: vendor.content.slug.clone(), ..ApiContent::default() };
        let other = ApiContent { name: "支付".into(), ..api.clone() };
        for api in [api, other] {
            let made = catalog::create_api(&test.app, &cli, api).await.expect("an API").content.slug;
            assert!(made.starts_with(&vendor.content.slug), "{made}");
        }
        slugs.push(vendor.content.slug);
        let system = SystemContent { name: name.into(), team: Some("core".into()), ..SystemContent::default() };
        slugs.push(catalog::create_system(&test.app, &cli, system).await.expect("a system").content.slug);
        for kind in [GroupKind::Team, GroupKind::ReviewGroup] {
            let group = GroupContent { name: name.into(), ..GroupContent::default() };
            slugs.push(people::create_group(&test.app, &cli, kind, group).await.expect("a group").content.slug);
        }
        let account = ServiceAccountContent {
            name: name.into(),
            scopes: vec![Permission::Read],
            ..ServiceAccountContent::default()
        };
        slugs.push(people::create_service_account(&test.app, &cli, account).await.expect("one").content.slug);
        let credential = CredentialContent { name: name.into(), ..CredentialContent::default() };
        slugs.push(uses::create_credential(&test.app, &cli, credential).await.expect("one").content.slug);
    }
    let base = ["vendor", "system", "group", "group", "service-account", "credential"];
    let numbered = |n: usize| base.map(|word| if n == 1 { word.to_owned() } else { format!("{word}-{n}") });
    assert_eq!(slugs, [numbered(1), numbered(2), numbered(3)].concat());
    // A name that can be written so is taken once, and says so.
    catalog::create_vendor(&test.app, &cli, builders::vendor("Stripe")).await.expect("one");
    let again = catalog::create_vendor(&test.app, &cli, builders::vendor("Stripe")).await;
    assert!(matches!(&again, Err(Error::Invalid(errors)) if errors.as_slice()[0].pointer == "/slug"), "{again:?}");
}

#[tokio::test]
async fn what_stands_inside_a_name_without_spaces_is_found() {
    let test = TestApp::new().await;
    for name in ["三菱東京銀行", "한국은행 카드", "ธนาคารกรุงเทพ", "Café Zahlung"]
    {
        catalog::create_vendor(&test.app, &test.cli(), builders::vendor(name)).await.expect("a vendor");
    }
    for (typed, found) in [
        ("東京", vec!["三菱東京銀行"]),
        ("銀行", vec!["三菱東京銀行"]),
        ("行", vec!["三菱東京銀行"]),
        ("京東", vec![]),
        ("은행", vec!["한국은행 카드"]),
        ("กรุง", vec!["ธนาคารกรุงเทพ"]),
        ("zahl", vec!["Café Zahlung"]),
    ] {
        let query = Query::parse(&catalog::VENDORS, &[("q".into(), typed.into())], &[]).expect("a query");
        let rows =
            muster::lists::ops::list::<catalog::VendorRow>(&test.app, &test.cli(), &catalog::VENDORS, &query).await;
        let names: Vec<String> = rows.expect("rows").rows.into_iter().map(|row| row.name).collect();
        assert_eq!(names, found, "{typed}");
    }
}

#[tokio::test]
async fn days_that_nobody_means_are_refused_before_they_are_computed() {
    let test = TestApp::new().await;
    let token = test.token(&Permission::ALL).await;
    let made = async |body: serde_json::Value| test.api("POST", "/api/v1/credentials", &token, &[], Some(body)).await;
    for (field, value) in [
        ("maximum_age", "P9999Y"),
        ("maximum_age", "P9999W"),
        ("created_on", "9999-12-31"),
        ("expires_on", "+262142-12-31"),
        ("expires_on", "9999-01-01"),
    ] {
        let reply = made(json!({ "name": "far", field: value })).await;
        assert_eq!(reply.status, 422, "{field} {value}: {}", reply.text());
    }
    let longest = made(json!({ "name": "long", "created_on": "2200-12-31", "maximum_age": "P100Y" })).await;
    assert_eq!(longest.status, 201, "{}", longest.text());
    let path = longest.header("location").to_owned();
    assert_eq!(test.api("GET", &path, &token, &[], None).await.json()["next_rotation_on"], "2300-12-31");
    let id = longest.json()["id"].as_str().expect("an id").parse().expect("an id");
    let rotation = Rotation {
        fingerprint: format!("sha256:{}", "ab".repeat(32)),
        rotated_on: None,
        expires_on: Some("9999-01-01".parse().expect("a day")),
    };
    let refused = uses::record_rotation(&test.app, &test.cli(), id, 1, rotation).await;
    assert!(
        matches!(&refused, Err(Error::Invalid(errors)) if errors.as_slice()[0].pointer == "/expires_on"),
        "{refused:?}"
    );
    let role = json!({ "name": "Ada", "email": "ada@example.com", "roles": ["reviewer"],
        "role_ends": [{ "role": "reviewer", "until_on": "9999-01-01" }] });
    let reply = test.api("POST", "/api/v1/people", &token, &[], Some(role)).await;
    assert_eq!(reply.status, 422, "{}", reply.text());
    let campaign = json!({ "title": "Far", "starts_on": "2027-04-01", "ends_on": "9999-01-01" });
    let reply = test.api("POST", "/api/v1/campaigns", &token, &[], Some(campaign)).await;
    assert_eq!(reply.status, 422, "{}", reply.text());
    assert!(reply.text().contains("/ends_on"), "{}", reply.text());
}
