//! Evidence: what is taken, what is not, and that it goes out as it came in.

use axum::http::StatusCode;
use muster::{
    assessments::{EvidenceContent, ops},
    catalog,
    error::Error,
    identity::Permission,
};

use super::{begun, reviewer, through};
use crate::support::{TestApp, builders, client::send};

fn of_stripe(title: &str) -> EvidenceContent {
    EvidenceContent { title: title.into(), vendor: "stripe".into(), ..EvidenceContent::default() }
}

#[tokio::test]
async fn files_are_what_their_name_says_and_come_out_as_they_went_in() {
    let test = TestApp::new().await;
    builders::shop(&test).await;
    let reviewer = reviewer(&test).await;
    let add = async |name: &str, bytes: &[u8]| {
        let upload = ops::Upload { name, bytes };
        ops::add_evidence(&test.app, &reviewer, of_stripe("A report"), Some(upload)).await
    };
    for (name, bytes) in [
        ("run.exe", &b"MZ"[..]),
        ("report.pdf", b"<script>alert(1)</script>"),
        ("report.html", b"<p>"),
        ("notes.txt", b"\x00\x01"),
        ("empty.txt", b""),
    ] {
        let refused = add(name, bytes).await.expect_err(name);
        assert!(
            matches!(&refused, Error::Invalid(errors) if errors.as_slice()[0].pointer == "/file"),
            "{name}: {refused:?}"
        );
    }
    // More than one part of the store, and every byte there is.
    let mut bytes = b"%PDF-1.7\n".to_vec();
    bytes.extend((0..3_000_000_u32).map(|n| u8::try_from(n % 251).expect("small")));
    let made = add("../../Report \"2027\".pdf", &bytes).await.expect("taken");
    let file = made.file.clone().expect("a file");
    assert_eq!((file.name.as_str(), file.media_type.as_str()), ("Report 2027.pdf", "application/pdf"));
    let (_, out) = ops::evidence_file(&test.app, &reviewer, made.id).await.expect("it");
    assert!(out == bytes, "every byte");
    assert_eq!(test.last_action().await, "evidence.taken");
    // Somebody with the database in hand changes it: it is not given out.
    sqlx::query("select lo_put(large_object, 10, 'x') from evidence where id = $1")
        .bind(made.id)
        .execute(&mut <sqlx::PgConnection as sqlx::Connection>::connect_with(&test.app_options).await.expect("in"))
        .await
        .expect("changed");
    ops::evidence_file(&test.app, &reviewer, made.id).await.expect_err("not the one that was stored");
    let rewritten = sqlx::query("update evidence set sha256 = repeat('a', 64) where id = $1")
        .bind(made.id)
        .execute(&mut test.owner().await)
        .await
        .expect_err("refused");
    assert!(rewritten.to_string().contains("not rewritten"), "{rewritten}");
}

#[tokio::test]
async fn evidence_proves_a_certificate_for_the_rules() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    let reviewer = reviewer(&test).await;
    let vendor = catalog::ops::find_vendor(&test.app, &reviewer, "stripe").await.expect("stripe");
    let report = catalog::Certification { name: "SOC 2".into(), ..catalog::Certification::default() };
    let content = catalog::VendorContent { certifications: vec![report], ..vendor.content.clone() };
    catalog::ops::update_vendor(&test.app, &reviewer, vendor.id, vendor.revision, content).await.expect("noted");
    let unknown = EvidenceContent {
        certification: Some("PCI".into()),
        url: Some("https://x.example".into()),
        ..of_stripe("PCI")
    };
    ops::add_evidence(&test.app, &reviewer, unknown, None).await.expect_err("no such certificate");
    let facts = async || {
        let mut conn = test.app.db.read().await.expect("a connection");
        let found = muster::integrations::ops::load(&mut conn, &[live.id]).await.expect("it");
        let today = test.app.today().await.expect("a day");
        muster::policy::ops::facts_of(&mut conn, today, &found).await.expect("facts").remove(0)
    };
    assert!(!facts().await.vendor.certifications[0].has_evidence);
    let proof = EvidenceContent {
        certification: Some("SOC 2".into()),
        url: Some("https://trust.example.com".into()),
        ..of_stripe("SOC 2, 2027")
    };
    let past = EvidenceContent { valid_until: Some("2027-03-02".parse().expect("a day")), ..proof.clone() };
    ops::add_evidence(&test.app, &reviewer, past, None).await.expect("added");
    assert!(facts().await.vendor.certifications[0].has_evidence);
    test.clock.advance(chrono::TimeDelta::days(3));
    assert!(!facts().await.vendor.certifications[0].has_evidence, "what has ended proves nothing");
    let made = ops::add_evidence(&test.app, &reviewer, proof, None).await.expect("added");
    assert!(facts().await.vendor.certifications[0].has_evidence);
    ops::retire_evidence(&test.app, &reviewer, made.id, made.revision).await.expect("retired");
    assert!(!facts().await.vendor.certifications[0].has_evidence);
}

#[tokio::test]
async fn a_vendor_proves_an_answer_and_sends_a_workbook_back() {
    let test = TestApp::new().await;
    builders::shop(&test).await;
    let reviewer = reviewer(&test).await;
    let draft = begun(&test, &reviewer).await;
    let sent = ops::send(&test.app, &reviewer, draft.id, draft.revision).await.expect("sent");
    let link = sent.link.expect("a link");
    let door = through(&test, &link).await;
    let proved = ops::attach(&test.app, &door, "report-file", "soc2.pdf", b"%PDF-1.7 report").await.expect("taken");
    assert_eq!(proved.answers["report-file"].evidence.len(), 1);
    let twice = ops::attach(&test.app, &door, "report-file", "soc2.pdf", b"%PDF-1.7 report").await.expect("known");
    assert_eq!(twice.answers["report-file"].evidence.len(), 1, "sent twice, it is there once");
    let book = ops::sheet_of(&test.app, &door).await.expect("a workbook");
    ops::read_sheet(&test.app, &door, &book).await.expect_err("it answers nothing");
    let (one, content, _) = ops::opened(&test.app, &door).await.expect("open");
    let mut filled = one.answers.clone();
    filled.entry("tls".into()).or_default().value = Some(muster::assessments::AnswerValue::Text("yes".into()));
    let book = muster::assessments::sheet::write(&content, &filled).expect("a workbook");
    let read = ops::read_sheet(&test.app, &door, &book).await.expect("read");
    assert!(read.answers["tls"].is_given() && read.answers["report-file"].is_given());
    // The same over HTTP, as the page posts it.
    let path = link.split_once("/answer/").map(|(_, secret)| format!("/answer/{secret}")).expect("a path");
    let mut body = b"--b\r\nContent-Disposition: form-data; name=\"shown.at-rest\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=\"answer.at-rest\"\r\n\r\nyes\r\n--b\r\nContent-Disposition: form-data; name=\"file.at-rest\"; filename=\"x.exe\"\r\n\r\nMZ\r\n--b--\r\n".to_vec();
    let headers =
        [("content-type", "multipart/form-data; boundary=b".to_owned()), ("sec-fetch-site", "same-origin".into())];
    let refused = send(test.router.clone(), "POST", &path, &headers, body.clone()).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("Files of this kind are not taken"), "{}", refused.text());
    body = String::from_utf8(body).expect("text").replace("x.exe", "x.txt").into_bytes();
    let taken = send(test.router.clone(), "POST", &path, &headers, body).await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.text());
    let (one, ..) = ops::opened(&test.app, &door).await.expect("open");
    assert_eq!(one.answers["at-rest"].evidence.len(), 1);
    assert_eq!(one.answers["at-rest"].value, Some(muster::assessments::AnswerValue::Text("yes".into())));
    // A script on the page learns what is there now.
    let asks = [headers[0].clone(), headers[1].clone(), ("accept", "application/json".into())];
    let told = send(test.router.clone(), "POST", &path, &asks, b"--b--\r\n".to_vec()).await;
    assert_eq!(told.json()["files"]["at-rest"], serde_json::json!(["x.txt"]), "{}", told.text());
    // And the workbook has a place of its own.
    let form = [
        b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.xlsx\"\r\n\r\n".as_slice(),
        &book,
        b"\r\n--b--\r\n",
    ];
    let read = send(test.router.clone(), "POST", &format!("{path}/sheet"), &headers, form.concat()).await;
    assert_eq!(read.status, StatusCode::SEE_OTHER, "{}", read.text());
}

#[tokio::test]
async fn a_script_gives_a_file_and_takes_it_back_out() {
    let test = TestApp::new().await;
    builders::shop(&test).await;
    let token = test.token(&Permission::ALL).await;
    let headers =
        [("authorization", format!("Bearer {token}")), ("content-type", "application/octet-stream".to_owned())];
    let path = "/api/v1/evidence/files?vendor=stripe&name=report.pdf&valid_until=2028-01-31";
    let made = send(test.router.clone(), "POST", path, &headers, b"%PDF-1.7 x".to_vec()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    let out = test.api("GET", &format!("/api/v1/evidence/{id}/file"), &token, &[], None).await;
    assert_eq!(out.body, b"%PDF-1.7 x");
    assert_eq!(out.header("content-type"), "application/octet-stream");
    assert!(out.header("content-disposition").starts_with("attachment;"));
}
