//! Tables as CSV and NDJSON, out and in.

use muster::{
    catalog::{Certification, VendorContent, ops},
    identity::Permission,
    tables::{self, Exporter, Layout, Mode, Notation, Table},
};

use crate::support::{
    TestApp,
    builders::{self, vendor},
};

async fn export(test: &TestApp, notation: Notation) -> String {
    let mut exporter =
        Exporter::begin(&test.app, &test.cli(), &muster::catalog::tables::VENDORS, notation, &[], Layout::default())
            .await
            .expect("begun");
    let mut out = Vec::new();
    while let Some(chunk) = exporter.next_chunk(&test.app, &test.cli()).await.expect("a part") {
        out.extend(chunk);
    }
    String::from_utf8(out).expect("UTF-8")
}

async fn import(test: &TestApp, table: &'static Table, notation: Notation, text: &str, mode: Mode) -> tables::Report {
    tables::import(&test.app, &test.cli(), table, notation, text.as_bytes(), mode).await.expect("read")
}

#[tokio::test]
async fn what_goes_out_comes_back_unchanged_and_rebuilds_an_empty_register() {
    let test = TestApp::new().await;
    let certification = Certification {
        name: "ISO 27001".into(),
        reference: None,
        valid_from: None,
        expires_on: "2028-01-31".parse().ok(),
        evidence_url: None,
    };
    let content = VendorContent {
        description: Some("=1+1 \"quoted\", and\na line".into()),
        tags: vec!["a".into(), "b".into()],
        tier: Some(2),
        certifications: vec![certification],
        ..vendor("Stripe")
    };
    let original = ops::create_vendor(&test.app, &test.cli(), content).await.expect("created");
    for notation in [Notation::Csv, Notation::Ndjson] {
        let text = export(&test, notation).await;
        let report = import(&test, &muster::catalog::tables::VENDORS, notation, &text, Mode::Apply).await;
        assert_eq!((report.unchanged, report.wrong, report.applied), (1, 0, true), "{:?}", report.rows);
        let empty = TestApp::new().await;
        let report = import(&empty, &muster::catalog::tables::VENDORS, notation, &text, Mode::Apply).await;
        assert_eq!((report.created, report.applied), (1, true), "{:?}", report.rows);
        let copy = ops::find_vendor(&empty.app, &empty.cli(), "stripe").await.expect("found");
        assert_eq!(copy.content, original.content);
    }
    assert!(export(&test, Notation::Csv).await.contains("'=1+1"), "a spreadsheet must not run it");
}

#[tokio::test]
async fn every_error_of_every_row_is_shown_and_nothing_is_written() {
    let test = TestApp::new().await;
    let text = "name,country,tier\nGood,DE,1\n,DE,1\nBad country,ZZ,9\nNo number,DE,x\nGood,DE,2\n";
    let report = import(&test, &muster::catalog::tables::VENDORS, Notation::Csv, text, Mode::Apply).await;
    let wrong: Vec<(usize, Vec<&str>)> = report
        .rows
        .iter()
        .filter(|row| row.action == "wrong")
        .map(|row| (row.row, row.errors.iter().map(|e| e.pointer.as_str()).collect()))
        .collect();
    assert_eq!(wrong, [(3, vec!["/name"]), (4, vec!["/country", "/tier"]), (5, vec!["/tier"]), (6, vec!["/slug"])]);
    assert!(!report.applied);
    assert!(ops::find_vendor(&test.app, &test.cli(), "good").await.is_err());
}

#[tokio::test]
async fn a_preview_names_each_change_and_rows_may_refer_to_rows_above() {
    let test = TestApp::new().await;
    ops::create_vendor(&test.app, &test.cli(), vendor("Stripe")).await.expect("created");
    let text = "slug,name,country,parent\nstripe,Stripe,IE,\n,Child,DE,stripe\n";
    let preview = import(&test, &muster::catalog::tables::VENDORS, Notation::Csv, text, Mode::Preview).await;
    assert_eq!((preview.updated, preview.created, preview.applied), (1, 1, false), "{:?}", preview.rows);
    assert_eq!(preview.rows[0].changes[0].field, "country");
    let report = import(&test, &muster::catalog::tables::VENDORS, Notation::Csv, text, Mode::Apply).await;
    assert!(report.applied);
    let teams = import(
        &test,
        &muster::identity::tables::TEAMS,
        Notation::Csv,
        "name,email\nPayments,pay@example.com\n",
        Mode::Apply,
    )
    .await;
    let systems = import(
        &test,
        &muster::catalog::tables::SYSTEMS,
        Notation::Csv,
        "name,kind,team\nShop,own,payments\n",
        Mode::Apply,
    )
    .await;
    let apis = import(
        &test,
        &muster::catalog::tables::APIS,
        Notation::Csv,
        "vendor,name,auth_methods\nstripe,Payments API,oauth2|api_key\n",
        Mode::Apply,
    )
    .await;
    assert!(teams.applied && systems.applied && apis.applied, "{:?} {:?}", systems.rows, apis.rows);
}

#[tokio::test]
async fn an_unknown_column_is_named_and_a_token_imports_over_the_api() {
    let test = TestApp::new().await;
    let refused = tables::import(
        &test.app,
        &test.cli(),
        &muster::catalog::tables::VENDORS,
        Notation::Csv,
        b"nme\nx\n",
        Mode::Apply,
    )
    .await;
    assert!(refused.expect_err("unknown").to_string().contains("Unknown columns: nme"));
    let token = test.token(&[Permission::Read, Permission::EditCatalog]).await;
    let headers = [("authorization", format!("Bearer {token}")), ("content-type", "application/x-ndjson".to_owned())];
    let reply = crate::support::client::send(
        test.router.clone(),
        "POST",
        "/api/v1/imports/tables/vendors?preview=true",
        &headers,
        b"{\"name\":\"A\"}\n{\"name\":7}\n".to_vec(),
    )
    .await
    .json();
    assert_eq!((reply["created"].as_i64(), reply["wrong"].as_i64()), (Some(1), Some(1)));
}

/// Every table gives what its list shows, with each of its columns: over a register in which most of them have rows.
#[tokio::test]
async fn every_table_exports_what_its_list_shows() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    builders::active(&test, &shop, "Stripe for Shop").await;
    builders::publish(&test, crate::governance::rule(muster::policy::Mode::Warn)).await;
    muster::policy::ops::judge_due(&test.app).await.expect("judged");
    let reviewer = test.page(&test.person("Vera Reviewer", &[muster::identity::Role::Reviewer]).await).await;
    crate::assessments::submitted(&test, &reviewer, &["pentest"]).await;
    let lead = test.page(&test.person("Gina Lead", &[muster::identity::Role::GovernanceLead]).await).await;
    let campaign = muster::campaigns::CampaignContent {
        title: "Spring".into(),
        ends_on: "2027-03-20".parse().ok(),
        ..muster::campaigns::CampaignContent::default()
    };
    muster::campaigns::ops::plan(&test.app, &lead, campaign).await.expect("planned");
    let tables::Tables(all) = base::feature::tables();
    let mut filled = 0;
    for table in all {
        let query = muster::lists::Query::parse(table.spec, &[], &[]).expect("a query");
        let total = muster::lists::ops::list_total(&test.app, &lead, table.spec, &query).await.expect("a total").0;
        let mut exporter =
            Exporter::begin(&test.app, &lead, table, Notation::Ndjson, &[], Layout::default()).await.expect("begun");
        let mut text = Vec::new();
        while let Some(part) = exporter.next_chunk(&test.app, &lead).await.expect("a part") {
            text.extend(part);
        }
        let text = String::from_utf8(text).expect("UTF-8");
        assert_eq!(i64::try_from(text.lines().count()).expect("few"), total, "{}", table.key);
        for line in text.lines() {
            let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
            for name in table.columns.iter().chain(table.derived) {
                assert!(record.get(name).is_some(), "{} has no {name}: {line}", table.key);
            }
        }
        filled += usize::from(total > 0);
    }
    assert!(filled > 15, "{filled} tables have rows");
}
