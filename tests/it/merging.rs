//! Merging vendors and APIs that are in the register twice, and undoing it.

use std::collections::BTreeMap;

use muster::{
    assessments::{EvidenceContent, ops as assessments},
    catalog::{
        ApiContent, NewComment, SystemContent, SystemKind, Upstream, VendorContent, VersionContent, ops as catalog,
    },
    error::Error,
    identity::{Permission, Role},
    integrations::ops as uses,
    lists,
    merges::{
        Merge, MergeState, NewMerge,
        ops::{self, Run},
    },
};
use serde_json::{Value, json};

use crate::support::{TestApp, builders};

mod attacks;

/// The rows of everything that a merge may touch, without what every change of them moves on.
async fn everything(test: &TestApp) -> BTreeMap<&'static str, Vec<Value>> {
    let tables = [
        "vendors",
        "apis",
        "api_versions",
        "api_upstreams",
        "systems",
        "integrations",
        "integration_upstreams",
        "assessments",
        "assessment_demands",
        "evidence",
        "risk_overrides",
        "comments",
        "vendor_certifications",
        "vendor_sub_processors",
    ];
    let mut conn = test.owner().await;
    let mut all = BTreeMap::new();
    for table in tables {
        let sql = format!(
            "select to_jsonb(t) - array['revision', 'updated_at', 'search', 'search_vector', 'edited_by'] from {table} t
             order by 1"
        );
        let rows: Vec<Value> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&mut conn).await.expect("rows");
        all.insert(table, rows);
    }
    all
}

/// The latest version of each vendor and API says where it leads and which version is current, as its row does.
async fn versions_agree(test: &TestApp) {
    let sql = "select count(*) from (
            select 'api' as kind, id, revision, merged_into_id, current_version_id, vendor_id from apis
            union all select 'vendor', id, revision, merged_into_id, null, parent_id from vendors) t
        where not exists (select from record_versions v where v.kind = t.kind and v.id = t.id and v.revision = t.revision
            and v.body ->> 'merged_into_id' is not distinct from t.merged_into_id::text
            and (t.kind = 'vendor' or v.body ->> 'current_version_id' is not distinct from t.current_version_id::text)
            and v.body ->> (case t.kind when 'api' then 'vendor_id' else 'parent_id' end)
                is not distinct from t.vendor_id::text)";
    let wrong: i64 = sqlx::query_scalar(sql).fetch_one(&mut test.owner().await).await.expect("a count");
    assert_eq!(wrong, 0, "records differ from their latest version");
}

fn into(key: &str) -> NewMerge {
    NewMerge { into: key.into(), reason: "The same company, imported twice.".into() }
}

fn api(vendor: &str, name: &str, service: Option<&str>) -> ApiContent {
    let service_name = service.map(str::to_owned);
    ApiContent { name: name.into(), vendor: vendor.into(), service_name, ..ApiContent::default() }
}

/// A second Stripe beside the one of the shop, with everything that can hang on a vendor.
async fn doubled(test: &TestApp) -> builders::Shop {
    let shop = builders::shop(test).await;
    builders::active(test, &shop, "Checkout").await;
    let cli = test.cli();
    let twin = VendorContent {
        name: "Stripe Payments Europe".into(),
        slug: "stripe-europe".into(),
        website: Some("https://stripe-europe.example".into()),
        provider_name: Some("stripe-europe.example".into()),
        country: Some("IE".into()),
        lei: Some("529900T8BM49AURSDO55".into()),
        tier: Some(1),
        ..VendorContent::default()
    };
    catalog::create_vendor(&test.app, &cli, twin).await.expect("a vendor");
    let child = VendorContent { parent: Some("stripe-europe".into()), ..builders::vendor("Stripe Terminal") };
    catalog::create_vendor(&test.app, &cli, child).await.expect("a vendor");
    for (name, service) in [("Billing", Some("payments")), ("Radar", None)] {
        catalog::create_api(&test.app, &cli, api("stripe-europe", name, service)).await.expect("an API");
    }
    let own = catalog::find_api(&test.app, &cli, "stripe-com-payments").await.ok();
    assert!(own.is_none_or(|own| own.content.service_name.is_some()));
    let system = SystemContent {
        name: "Dashboard".into(),
        kind: SystemKind::Saas,
        vendor: Some("stripe-europe".into()),
        ..SystemContent::default()
    };
    catalog::create_system(&test.app, &cli, system).await.expect("a system");
    catalog::create_vendor(&test.app, &cli, builders::vendor("Acme")).await.expect("a vendor");
    let on = Upstream { api: None, vendor: Some("stripe-europe".into()) };
    let dependent = ApiContent { upstreams: vec![on.clone()], ..api("acme", "Acme pay", None) };
    catalog::create_api(&test.app, &cli, dependent).await.expect("an API");
    // One that depends on both.
    let stripe = Upstream { api: None, vendor: Some("stripe".into()) };
    let dependent = ApiContent { upstreams: vec![on, stripe], ..api("acme", "Acme ledger", None) };
    catalog::create_api(&test.app, &cli, dependent).await.expect("an API");
    let twin = catalog::find_vendor(&test.app, &cli, "stripe-europe").await.expect("it");
    let note = NewComment { body: "Is this not Stripe?".into() };
    catalog::add_comment(&test.app, &cli, "vendor", twin.id, note).await.expect("a comment");
    let upload = assessments::Upload { name: "report.pdf", bytes: b"%PDF-1.7" };
    let of = EvidenceContent { title: "A report".into(), vendor: "stripe-europe".into(), ..EvidenceContent::default() };
    assessments::add_evidence(&test.app, &cli, of, Some(upload)).await.expect("evidence");
    let all = test.token(&[Permission::Read, Permission::VerifyCatalog, Permission::Govern]).await;
    let asked = json!({ "questionnaire": "vendor-security", "vendor": "stripe-europe", "recipient": "a@example.com" });
    assert_eq!(test.api("POST", "/api/v1/assessments", &all, &[], Some(asked)).await.status, 201);
    shop
}

async fn merged(test: &TestApp, who: &muster::identity::Actor) -> Merge {
    let twin = catalog::find_vendor(&test.app, who, "stripe-europe").await.expect("it");
    let at = ("stripe-europe", twin.revision);
    ops::merge_vendor(&test.app, who, at, into("stripe"), Run::Merge).await.expect("merged")
}

#[tokio::test]
async fn a_vendor_is_merged_into_another_and_everything_follows() {
    let test = TestApp::new().await;
    let shop = doubled(&test).await;
    let reviewer = test.page(&shop.reviewer).await;
    let before = everything(&test).await;
    let twin = catalog::find_vendor(&test.app, &reviewer, "stripe-europe").await.expect("it");

    // Shown first, and nothing is written by that.
    let events = test.events().await;
    let at = ("stripe-europe", twin.revision);
    let shown = ops::merge_vendor(&test.app, &reviewer, at, into("stripe"), Run::Preview).await.expect("an outcome");
    assert_eq!((everything(&test).await, test.events().await), (before.clone(), events));

    let merge = merged(&test, &reviewer).await;
    assert_eq!(merge.moved, shown.moved);
    let kinds: std::collections::BTreeSet<&str> = merge.moved.iter().map(|moved| moved.kind.as_str()).collect();
    let expected = ["api", "api_dependency", "assessment", "comment", "evidence", "system", "vendor"];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);

    // Every address of the one leads to the other; by its id it is still there to be read.
    let found = catalog::find_vendor(&test.app, &reviewer, "stripe-europe").await.expect("the other");
    assert_eq!((found.id, found.content.slug.as_str()), (merge.target_id, "stripe"));
    assert_eq!((found.content.country.as_deref(), found.content.tier), (Some("IE"), Some(1)));
    assert!(found.content.aliases.contains(&"Stripe Payments Europe".to_owned()));
    let gone = catalog::find_vendor(&test.app, &reviewer, &twin.id.to_string()).await.expect("it");
    assert_eq!((gone.merged_into_id, gone.content.state.key()), (Some(found.id), "retired"));
    let token = test.token(&[Permission::Read, Permission::EditCatalog]).await;
    versions_agree(&test).await;
    let over_http = test.api("GET", "/api/v1/vendors/stripe-europe", &token, &[], None).await.json();
    assert_eq!(over_http["id"], json!(found.id));
    let browser = test.sign_in(&shop.reviewer).await;
    let page = browser.get("/vendors/stripe-europe").await;
    assert_eq!((page.status.as_u16(), page.header("location")), (307, "/vendors/stripe"));
    let query =
        lists::Query::parse(&catalog::APIS, &[("vendor".into(), "stripe-europe".into())], &[]).expect("a query");
    let rows = muster::lists::ops::list::<catalog::ApiRow>(&test.app, &reviewer, &catalog::APIS, &query)
        .await
        .expect("a list")
        .rows;
    assert!(
        rows.len() >= 3 && rows.iter().all(|row| row.vendor_slug == "stripe"),
        "saved filters find it by its old slug"
    );
    assert!(browser.get("/vendors/stripe").await.text().contains("Merged records"));
    assert!(browser.get(&format!("/vendors/{}", gone.content.slug)).await.text().contains("Merged into"));

    // Documents of the one come to the other: by its domain, its provider name, its name.
    for key in ["stripe-europe.example", "Stripe Payments Europe", "stripe-europe"] {
        let document = json!({ "openapi": "3.0.3", "info": { "title": format!("API of {key}"), "version": "1" },
            "servers": [{ "url": "https://api.stripe-europe.example" }], "paths": {} });
        let path = format!("/api/v1/imports/openapi/preview?vendor={}", key.replace(' ', "%20"));
        let preview = test.api("POST", &path, &token, &[], Some(document)).await.json();
        let (slug, action) = (&preview["records"][0]["slug"], &preview["records"][0]["action"]);
        assert_eq!((slug, action), (&json!("stripe"), &json!("unchanged")), "{key}");
    }
    // What was merged away is history.
    let refused = catalog::update_vendor(&test.app, &test.cli(), gone.id, gone.revision, gone.content.clone()).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");

    // Undone, all is as it was.
    let undone = ops::undo(&test.app, &reviewer, merge.id, merge.revision).await.expect("undone");
    assert_eq!(undone.state, MergeState::Undone);
    let after = everything(&test).await;
    for (table, rows) in &before {
        assert_eq!(&after[table], rows, "{table}");
    }
    versions_agree(&test).await;
    let again = ops::undo(&test.app, &reviewer, merge.id, undone.revision).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    let back = catalog::find_vendor(&test.app, &reviewer, "stripe-europe").await.expect("it");
    assert_eq!(back.id, twin.id);
}

#[tokio::test]
async fn what_changed_since_a_merge_stays_when_it_is_undone() {
    let test = TestApp::new().await;
    let shop = doubled(&test).await;
    let reviewer = test.page(&shop.reviewer).await;
    let merge = merged(&test, &reviewer).await;
    let cli = test.cli();
    let stripe = catalog::find_vendor(&test.app, &cli, "stripe").await.expect("it");
    let content = VendorContent { country: Some("US".into()), ..stripe.content.clone() };
    catalog::update_vendor(&test.app, &cli, stripe.id, stripe.revision, content).await.expect("changed");
    catalog::create_api(&test.app, &cli, api("stripe", "Tax", None)).await.expect("an API");
    // Someone takes the slug in the meantime.
    let taken = VendorContent { slug: "stripe-europe".into(), ..builders::vendor("Another company") };
    catalog::create_vendor(&test.app, &cli, taken).await.expect("a vendor");
    ops::undo(&test.app, &reviewer, merge.id, merge.revision).await.expect("undone");
    let stripe = catalog::find_vendor(&test.app, &cli, "stripe").await.expect("it");
    assert_eq!((stripe.content.country.as_deref(), stripe.content.lei), (Some("US"), None));
    let twin = catalog::find_vendor(&test.app, &cli, &merge.source_id.to_string()).await.expect("it");
    assert_eq!(twin.content.slug, "stripe-europe-2");
    assert_eq!(twin.content.country.as_deref(), Some("IE"));
    let tax = catalog::find_api(&test.app, &cli, "stripe-tax").await.expect("it");
    assert_eq!(tax.vendor_id, stripe.id, "what came later stays");
}

#[tokio::test]
async fn an_api_is_merged_and_its_integrations_keep_their_versions() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let active = builders::active(&test, &shop, "Checkout").await;
    let (cli, reviewer) = (test.cli(), test.page(&shop.reviewer).await);
    let old = catalog::get_apis(&test.app, &cli, &[active.api_id]).await.expect("it").remove(0);
    let twin = catalog::create_api(&test.app, &cli, api("stripe", "Stripe core", None)).await.expect("an API");
    let label = catalog::versions(&test.app, &cli, old.id).await.expect("versions")[0].label.clone();
    for name in [label.as_str(), "9", "v8"] {
        let version = VersionContent { label: name.into(), ..VersionContent::default() };
        catalog::create_version(&test.app, &cli, twin.id, version).await.expect("a version");
    }
    for name in ["2024-01", "V8"] {
        let extra = VersionContent { label: name.into(), ..VersionContent::default() };
        catalog::create_version(&test.app, &cli, old.id, extra).await.expect("a version");
    }
    let old = catalog::find_api(&test.app, &cli, &old.content.slug).await.expect("it");
    catalog::set_current_version(&test.app, &cli, old.id, old.revision, Some("2024-01")).await.expect("set");
    let before = everything(&test).await;
    let old = catalog::find_api(&test.app, &cli, &old.content.slug).await.expect("it");
    let at = (old.content.slug.as_str(), old.revision);
    let merge = ops::merge_api(&test.app, &reviewer, at, into(&twin.content.slug), Run::Merge).await.expect("merged");

    versions_agree(&test).await;
    let moved = uses::find_integration(&test.app, &cli, &active.content.slug).await.expect("it");
    assert_eq!((moved.api_id, moved.content.api.as_str()), (twin.id, twin.content.slug.as_str()));
    assert_eq!(moved.state.key(), "active", "what was approved stays approved");
    let versions = catalog::versions(&test.app, &cli, twin.id).await.expect("versions");
    let mut labels: Vec<&str> = versions.iter().map(|version| version.label.as_str()).collect();
    labels.sort_unstable();
    let mut expected = vec!["9", "v8", "2024-01", label.as_str()];
    expected.sort_unstable();
    assert_eq!(labels, expected, "one of each label");
    let by_old_slug = catalog::find_api(&test.app, &cli, &old.content.slug).await.expect("the other");
    assert_eq!(by_old_slug.id, twin.id);

    ops::undo(&test.app, &reviewer, merge.id, merge.revision).await.expect("undone");
    versions_agree(&test).await;
    let after = everything(&test).await;
    for (table, rows) in &before {
        assert_eq!(&after[table], rows, "{table}");
    }
}

#[tokio::test]
async fn merges_that_would_lose_or_steal_something_are_refused() {
    let test = TestApp::new().await;
    let shop = doubled(&test).await;
    let reviewer = test.page(&shop.reviewer).await;
    let cli = test.cli();
    let twin = catalog::find_vendor(&test.app, &cli, "stripe-europe").await.expect("it");
    let at = ("stripe-europe", twin.revision);
    let run = Run::Merge;
    let pointer = |done: Result<Merge, Error>| match done {
        Err(Error::Invalid(errors)) => errors.as_slice()[0].pointer.clone(),
        other => format!("{other:?}"),
    };
    let bare = NewMerge { into: "stripe".into(), reason: " ".into() };
    assert_eq!(pointer(ops::merge_vendor(&test.app, &reviewer, at, bare, run).await), "/reason");
    for key in ["nothing-of-this-name", "stripe-europe"] {
        assert_eq!(pointer(ops::merge_vendor(&test.app, &reviewer, at, into(key), run).await), "/into", "{key}");
    }
    let stale = ops::merge_vendor(&test.app, &reviewer, (at.0, at.1 + 1), into("stripe"), run).await;
    assert!(matches!(stale, Err(Error::Stale { .. })), "{stale:?}");
    // Only a person who edited neither.
    let requester = test.page(&shop.requester).await;
    let editor = test.person("Eva Editor", &[Role::Requester, Role::Reviewer]).await;
    let editor = test.page(&editor).await;
    let content = VendorContent { description: Some("Edited.".into()), ..twin.content.clone() };
    let twin = catalog::update_vendor(&test.app, &editor, twin.id, twin.revision, content).await.expect("changed");
    let at = ("stripe-europe", twin.revision);
    for who in [&requester, &editor, &cli] {
        let refused = ops::merge_vendor(&test.app, who, at, into("stripe"), run).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
    let token = test.token(&[Permission::Read, Permission::VerifyCatalog, Permission::Steward]).await;
    let revision = format!("\"{}\"", twin.revision);
    let body = json!({ "into": "stripe", "reason": "The same." });
    let (path, headers) = ("/api/v1/vendors/stripe-europe/merge", [("if-match", revision.as_str())]);
    assert_eq!(test.api("POST", path, &token, &headers, Some(body)).await.status, 403);
    // APIs of two vendors are not merged, and neither are two that one system uses under one name.
    let billing = catalog::find_api(&test.app, &cli, "stripe-europe-billing").await.expect("it");
    let stripe = catalog::find_vendor(&test.app, &cli, "stripe").await.expect("it");
    let own = catalog::vendor_apis(&test.app, &cli, &stripe).await.expect("APIs").remove(0).slug;
    let at_api = ("stripe-europe-billing", billing.revision);
    assert_eq!(pointer(ops::merge_api(&test.app, &reviewer, at_api, into(&own), run).await), "/into");
    // The application's role moves nothing without a merge on record.
    let mut app = test.as_app().await;
    for table in ["assessments", "evidence"] {
        let sql = format!("update {table} set vendor_id = (select id from vendors where slug = 'stripe')");
        let refused = sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut app).await.expect_err("refused");
        assert!(refused.to_string().contains("rewritten") || refused.to_string().contains("concluded"), "{refused}");
    }
}

#[tokio::test]
async fn two_merges_at_once_end_with_one_vendor() {
    let test = TestApp::new().await;
    let shop = doubled(&test).await;
    let reviewer = test.page(&shop.reviewer).await;
    let [one, other] = ["stripe", "stripe-europe"];
    let revision = |key: &'static str| {
        let (app, reviewer) = (test.app.clone(), reviewer.clone());
        async move { catalog::find_vendor(&app, &reviewer, key).await.expect("it").revision }
    };
    let (here, there) = (revision(one).await, revision(other).await);
    let (a, b) = tokio::join!(
        ops::merge_vendor(&test.app, &reviewer, (one, here), into(other), Run::Merge),
        ops::merge_vendor(&test.app, &reviewer, (other, there), into(one), Run::Merge),
    );
    assert_eq!([a.is_ok(), b.is_ok()].iter().filter(|made| **made).count(), 1, "{a:?} {b:?}");
    let merge = a.or(b).expect("one of them");
    for key in [one, other] {
        let found = catalog::find_vendor(&test.app, &reviewer, key).await.expect("it");
        assert_eq!(found.id, merge.target_id, "{key}");
    }
    // A chain leads to its end, and is undone from there.
    let acme = catalog::find_vendor(&test.app, &reviewer, "acme").await.expect("it");
    let target = catalog::find_vendor(&test.app, &reviewer, one).await.expect("it");
    let at = (one, target.revision);
    let second = ops::merge_vendor(&test.app, &reviewer, at, into("acme"), Run::Merge).await.expect("merged");
    for key in [one, other] {
        assert_eq!(catalog::find_vendor(&test.app, &reviewer, key).await.expect("it").id, acme.id, "{key}");
    }
    versions_agree(&test).await;
    let early = ops::undo(&test.app, &reviewer, merge.id, merge.revision).await;
    assert!(matches!(early, Err(Error::Conflict(_))), "{early:?}");
    ops::undo(&test.app, &reviewer, second.id, second.revision).await.expect("undone");
    ops::undo(&test.app, &reviewer, merge.id, merge.revision).await.expect("undone");
    versions_agree(&test).await;
    for (key, id) in [(one, [merge.source_id, merge.target_id]), (other, [merge.source_id, merge.target_id])] {
        assert!(id.contains(&catalog::find_vendor(&test.app, &reviewer, key).await.expect("it").id), "{key}");
    }
}
