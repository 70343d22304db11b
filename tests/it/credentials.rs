//! Credentials: metadata, dates, rotations.

use muster::{
    error::Error,
    identity::Role,
    integrations::{CredentialContent, CredentialState, Rotation, ops},
    settings,
};
use serde_json::json;

use crate::support::{TestApp, builders};

fn print(byte: &str) -> String {
    format!("sha256:{}", byte.repeat(32))
}

fn rotation(byte: &str) -> Rotation {
    Rotation { fingerprint: print(byte), rotated_on: None, expires_on: None }
}

fn key(name: &str) -> CredentialContent {
    CredentialContent {
        name: name.into(),
        fingerprint: Some(print("aa")),
        maximum_age: Some("P6M".into()),
        created_on: Some("2026-08-31".parse().expect("a date")),
        ..CredentialContent::default()
    }
}

#[tokio::test]
async fn it_is_due_then_overdue_then_rotated_and_no_fingerprint_comes_back() {
    let test = TestApp::new().await;
    let (app, cli) = (&test.app, test.cli());
    let made = ops::create_credential(app, &cli, key("stripe live")).await.expect("noted");
    // Six months after the end of August is the end of February.
    assert_eq!(made.next_rotation_on.map(|day| day.to_string()).as_deref(), Some("2027-02-28"));
    let today = app.today().await.expect("a day");
    assert_eq!(made.standing(today), "overdue");
    let same = ops::record_rotation(app, &cli, made.id, made.revision, rotation("aa")).await;
    assert!(matches!(same, Err(Error::Invalid(_))));
    let second = ops::record_rotation(app, &cli, made.id, made.revision, rotation("bb")).await.expect("rotated");
    assert_eq!((second.standing(today), second.rotated_on), ("active", Some(today)));
    let back = ops::record_rotation(app, &cli, made.id, second.revision, rotation("aa")).await;
    let Err(Error::Invalid(errors)) = back else { panic!("an old fingerprint: {back:?}") };
    assert_eq!(errors.as_slice()[0].pointer, "/fingerprint");
}

#[tokio::test]
async fn a_day_is_a_day_in_the_organisations_time_zone() {
    let test = TestApp::new().await;
    let (app, cli) = (&test.app, test.cli());
    let present = settings::ops::get(app, &cli).await.expect("settings");
    let content = settings::SettingsContent { time_zone: "Pacific/Kiritimati".into(), ..present.content };
    settings::ops::update(app, &cli, present.revision, content).await.expect("set");
    // Noon UTC on 1 March is already 2 March there.
    assert_eq!(app.today().await.expect("a day").to_string(), "2027-03-02");
    let made = ops::create_credential(app, &cli, key("k")).await.expect("noted");
    let done = ops::record_rotation(app, &cli, made.id, 1, rotation("cc")).await.expect("rotated");
    assert_eq!(done.rotated_on.map(|day| day.to_string()).as_deref(), Some("2027-03-02"));
}

#[tokio::test]
async fn one_credential_of_several_integrations_is_shared_and_one_of_two_environments_flagged() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let a = builders::active(&test, &shop, "A").await;
    let b = builders::active(&test, &shop, "B").await;
    let (app, cli) = (&test.app, test.cli());
    let content = CredentialContent { integrations: vec![a.id.to_string(), "b".into()], ..key("shared") };
    let shared = ops::create_credential(app, &cli, content).await.expect("noted");
    assert_eq!(shared.content.integrations, ["a", "b"]);
    let environment = muster::catalog::Environment::Test;
    ops::create_credential(app, &cli, CredentialContent { environment, ..key("the same in test") })
        .await
        .expect("noted");
    let flagged = ops::find_credential(app, &cli, "shared").await.expect("it");
    assert_eq!(flagged.same_fingerprint_elsewhere, ["the same in test (test)"]);
    let token = test.token(&[muster::identity::Permission::Read]).await;
    let list = test.api("GET", "/api/v1/credentials?shared=yes&same_fingerprint=yes", &token, &[], None).await;
    assert_eq!(list.json()["items"][0]["integrations"], json!(["A", "B"]), "{}", list.text());
    let whole = test.api("GET", &format!("/api/v1/integrations/{}", b.id), &token, &[], None).await;
    assert_eq!(whole.json()["credentials"][0]["uses"], 2);
    let old = test.api("GET", "/api/v1/credentials?older_than_days=180&shared=yes", &token, &[], None).await;
    assert_eq!(old.json()["items"].as_array().map(Vec::len), Some(1));
    let young = test.api("GET", "/api/v1/credentials?older_than_days=200", &token, &[], None).await;
    assert_eq!(young.json()["items"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn strangers_do_not_touch_it_and_secrets_are_refused() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let requester = test.page(&shop.requester).await;
    let content = CredentialContent { holder: Some("payments".into()), ..key("ours") };
    let ours = ops::create_credential(&test.app, &requester, content).await.expect("noted");
    let stranger = test.page(&test.person("Sam", &[Role::Requester]).await).await;
    let refused = ops::record_rotation(&test.app, &stranger, ours.id, 1, rotation("dd")).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
    let secret = ["sk_live", "_4eC39HqLyjWDarjtT1zdp7dc"].concat();
    for content in [
        CredentialContent { vault_reference: Some(secret.clone()), ..key("x") },
        CredentialContent { fingerprint: Some(secret), ..key("y") },
        CredentialContent { fingerprint: Some("ab".repeat(32)), ..key("z") },
    ] {
        assert!(matches!(ops::create_credential(&test.app, &requester, content).await, Err(Error::Invalid(_))));
    }
    let lost = ops::mark_compromised(&test.app, &requester, ours.id, 1, "In a public log.").await.expect("marked");
    assert_eq!(lost.state, CredentialState::Compromised);
    let safe =
        ops::record_rotation(&test.app, &requester, ours.id, lost.revision, rotation("ee")).await.expect("rotated");
    assert_eq!((safe.state, safe.state_reason), (CredentialState::Active, None));
}
