//! What is on record, and that nobody alters it.

use muster::{
    audit::{self, AuditFilter},
    catalog::ops,
    identity::{Permission, Role},
};
use sqlx::Connection;

use crate::support::{
    TestApp,
    builders::{self, vendor},
};

#[tokio::test]
async fn every_change_leaves_an_event_and_a_version_that_rebuilds_the_past() {
    let test = TestApp::new().await;
    let (app, cli) = (&test.app, test.cli());
    let first = ops::create_vendor(app, &cli, vendor("Stripe")).await.expect("created");
    let before = test.clock.now();
    // A server does so twice a second.
    audit::ops::sequence(app).await.expect("sequenced");
    test.clock.advance(chrono::TimeDelta::days(3));
    let mut content = first.content.clone();
    content.country = Some("ie".into());
    let second = ops::update_vendor(app, &cli, first.id, 1, content).await.expect("updated");
    assert_eq!((second.revision, second.content.country.as_deref()), (2, Some("IE")));

    let history = audit::ops::history(app, &cli, "vendor", first.id).await.expect("history");
    let actions: Vec<&str> = history.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(actions, ["vendor.updated", "vendor.created"]);
    assert_eq!(history[0].changes.len(), 1);
    assert_eq!(history[0].changes[0].field, "country");

    let past = audit::ops::version_at(app, &cli, "vendor", first.id, before).await.expect("a version");
    assert_eq!((past.revision, past.body["country"].is_null()), (1, true));
    let now = audit::ops::version_at(app, &cli, "vendor", first.id, test.clock.now()).await.expect("a version");
    assert_eq!(now.body["country"], "IE");
}

#[tokio::test]
async fn an_answer_about_the_past_does_not_change_when_something_is_committed_late() {
    let test = TestApp::new().await;
    let (app, cli) = (&test.app, test.cli());
    let first = ops::create_vendor(app, &cli, vendor("Stripe")).await.expect("created");
    // A change that was made now and is committed later.
    let mut tx = app.db.write(&cli).await.expect("begun");
    let after = muster::catalog::Vendor { revision: 2, ..first.clone() };
    sqlx::query("update vendors set revision = 2 where id = $1")
        .bind(first.id)
        .execute(tx.conn())
        .await
        .expect("changed");
    let tx = tx.record(audit::Event::changed("vendor.updated", &first, &after)).await.expect("recorded");
    let asked = test.clock.now() + chrono::TimeDelta::seconds(1);
    test.clock.advance(chrono::TimeDelta::seconds(5));
    let at = |moment| audit::ops::version_at(app, &cli, "vendor", first.id, moment);
    assert_eq!(at(test.clock.now()).await.expect("a version").revision, 1);
    tx.commit().await.expect("committed");
    test.clock.advance(chrono::TimeDelta::seconds(5));
    assert_eq!(at(test.clock.now()).await.expect("a version").revision, 2);
    let earlier = at(asked).await;
    assert!(!earlier.is_ok_and(|version| version.revision == 2), "what was answered before stays");
}

/// Twenty records that everyone changes, by transactions that take their ids long before the record's lock.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn positions_follow_the_order_of_changes_whichever_transaction_began_first() {
    const RECORDS: usize = 20;
    const ROUNDS: usize = 40;
    let test = TestApp::new().await;
    let mut hot = Vec::new();
    for n in 0..RECORDS {
        hot.push(ops::create_vendor(&test.app, &test.cli(), vendor(&format!("Hot {n}"))).await.expect("created"));
    }
    audit::ops::sequence(&test.app).await.expect("sequenced");
    let mut running = tokio::task::JoinSet::new();
    for writer in 0..6_usize {
        let (app, cli, hot) = (test.app.clone(), test.cli(), hot.clone());
        running.spawn(async move {
            for round in 0..ROUNDS {
                let one = &hot[(writer * 7 + round * 3) % RECORDS];
                let mut tx = app.db.write(&cli).await.expect("begun");
                sqlx::query("select pg_current_xact_id()").execute(tx.conn()).await.expect("an id");
                if (writer + round) % 3 == 0 {
                    tokio::time::sleep(std::time::Duration::from_millis(3)).await;
                }
                let revision: i64 =
                    sqlx::query_scalar("update vendors set revision = revision + 1 where id = $1 returning revision")
                        .bind(one.id)
                        .fetch_one(tx.conn())
                        .await
                        .expect("changed");
                let before = muster::catalog::Vendor { revision: revision - 1, ..one.clone() };
                let after = muster::catalog::Vendor { revision, ..one.clone() };
                let event = audit::Event::changed("vendor.updated", &before, &after);
                tx.record(event).await.expect("recorded").commit().await.expect("committed");
            }
        });
    }
    let sequencer = {
        let app = test.app.clone();
        tokio::spawn(async move {
            loop {
                audit::ops::sequence(&app).await.expect("sequenced");
                tokio::task::yield_now().await;
            }
        })
    };
    running.join_all().await;
    sequencer.abort();
    audit::ops::sequence(&test.app).await.expect("sequenced");
    let mut conn = test.owner().await;
    let (events, inversions, pending): (i64, i64, i64) = sqlx::query_as(
        "with placed as (select e.subject_id, e.subject_revision, p.position, p.valid_from,
                lag(e.subject_revision) over (partition by e.subject_id order by p.position) as previous,
                lag(p.valid_from) over (order by p.position) as since
             from audit_positions p join audit_events e on e.id = p.event_id where e.subject_kind = 'vendor')
         select count(*), count(*) filter (where previous >= subject_revision or since > valid_from),
                (select count(*) from audit_pending) from placed",
    )
    .fetch_one(&mut conn)
    .await
    .expect("compared");
    assert_eq!((usize::try_from(events).expect("a count"), inversions, pending), (RECORDS + 6 * ROUNDS, 0, 0));
}

#[tokio::test]
async fn versions_rise_in_time_even_when_the_clock_stands_still() {
    let test = TestApp::new().await;
    let mut vendor = ops::create_vendor(&test.app, &test.cli(), vendor("Adyen")).await.expect("created");
    for n in 0..3 {
        let mut content = vendor.content.clone();
        content.description = Some(format!("change {n}"));
        vendor =
            ops::update_vendor(&test.app, &test.cli(), vendor.id, vendor.revision, content).await.expect("updated");
    }
    let mut conn = test.owner().await;
    let rising: bool = sqlx::query_scalar(
        "select bool_and(valid_from > previous) from (select valid_from, lag(valid_from) over (order by revision) as previous
         from record_versions where id = $1) x where previous is not null",
    )
    .bind(vendor.id)
    .fetch_one(&mut conn)
    .await
    .expect("compared");
    assert!(rising);
}

#[tokio::test]
async fn neither_the_application_nor_the_owner_rewrites_the_record() {
    let test = TestApp::new().await;
    ops::create_vendor(&test.app, &test.cli(), vendor("Plaid")).await.expect("created");
    let statements = [
        "update audit_events set action = 'x'",
        "delete from audit_events",
        "truncate audit_events cascade",
        "update record_versions set body = '{}'",
        "delete from record_versions",
        "truncate record_versions",
        "delete from audit_positions",
    ];
    for mut conn in [test.as_app().await, test.owner().await] {
        audit::ops::sequence(&test.app).await.expect("sequenced");
        for statement in statements {
            let refused = sqlx::raw_sql(statement).execute(&mut conn).await;
            assert!(refused.is_err(), "{statement} went through");
        }
    }
    for statement in ["create table x (y int)", "drop table vendors", "alter table vendors disable trigger all"] {
        assert!(sqlx::raw_sql(statement).execute(&mut test.as_app().await).await.is_err(), "{statement}");
    }
}

#[tokio::test]
async fn a_reader_by_position_skips_nothing_that_commits_late() {
    let test = TestApp::new().await;
    audit::ops::sequence(&test.app).await.expect("sequenced");
    // A transaction that began first and commits last.
    let mut late = test.owner().await;
    let mut open = late.begin().await.expect("begun");
    sqlx::raw_sql(
        "with e as (insert into audit_events (id, at, actor_kind, actor_name, via, request_id, action, subject_kind)
            values (gen_random_uuid(), now(), 'system', 'system:test', 'job', 'r', 'late.one', 'test') returning id, ordinal)
         insert into audit_pending (event_id, ordinal) select id, ordinal from e",
    )
    .execute(&mut *open)
    .await
    .expect("written");
    ops::create_vendor(&test.app, &test.cli(), vendor("Early")).await.expect("created");
    let all = |after| AuditFilter { after, limit: 1000, ..AuditFilter::default() };
    let seen = audit::ops::list(&test.app, &test.cli(), &all(None)).await.expect("listed");
    let last = seen.last().map_or(0, |event| event.position);
    assert!(!seen.iter().any(|event| event.action == "vendor.created"), "it may not overtake what is still open");
    open.commit().await.expect("committed");
    // Transactions of other tests in the same cluster hold the order back for a moment.
    let begun = std::time::Instant::now();
    let rest = loop {
        let rest = audit::ops::list(&test.app, &test.cli(), &all(Some(last))).await.expect("listed");
        if rest.len() == 2 || begun.elapsed().as_secs() > 20 {
            break rest;
        }
        tokio::task::yield_now().await;
    };
    let actions: Vec<&str> = rest.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(actions, ["late.one", "vendor.created"]);
    let positions: Vec<i64> = rest.iter().map(|event| event.position).collect();
    assert_eq!(positions, [last + 1, last + 2]);
}

#[tokio::test]
async fn the_record_names_people_by_id_only() {
    let test = TestApp::new().await;
    test.browser("Ines Ortega", &[Role::Requester]).await;
    let mut conn = test.owner().await;
    let named: i64 = sqlx::query_scalar(
        "select (select count(*) from audit_events where changes::text ilike '%ortega%')
              + (select count(*) from record_versions where body::text ilike '%ortega%')",
    )
    .fetch_one(&mut conn)
    .await
    .expect("counted");
    assert_eq!(named, 0);
}

#[tokio::test]
async fn a_refused_attempt_is_on_record_once_a_minute() {
    let test = TestApp::new().await;
    let token = test.token(&[Permission::Read]).await;
    let before = test.events().await;
    for _ in 0..3 {
        let reply = test.api("POST", "/api/v1/vendors", &token, &[], Some(serde_json::json!({ "name": "X" }))).await;
        assert_eq!(reply.status, 403);
    }
    assert_eq!((test.events().await - before, test.last_action().await.as_str()), (1, "attempt.refused"));
    test.clock.advance(chrono::TimeDelta::minutes(2));
    test.api("POST", "/api/v1/vendors", &token, &[], Some(serde_json::json!({ "name": "X" }))).await;
    assert_eq!(test.events().await - before, 2);
}

#[tokio::test]
async fn bodies_name_what_they_refer_to_by_id_as_well() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    let team: uuid::Uuid = sqlx::query_scalar("select id from teams where slug = 'payments'")
        .fetch_one(&mut test.owner().await)
        .await
        .expect("a team");
    let bodies: Vec<(String, serde_json::Value)> = sqlx::query_as(
        "select kind, body from record_versions where kind in ('integration', 'change_request') order by revision desc",
    )
    .fetch_all(&mut test.owner().await)
    .await
    .expect("versions");
    for (kind, body) in &bodies {
        let ids = if kind == "integration" { &body["owner_ids"] } else { &body["refs"] };
        assert_eq!(ids["business_owner"], serde_json::json!(team), "{kind}: {body}");
    }
    assert!(
        bodies.iter().any(|(kind, body)| kind == "integration" && body["api_id"] == serde_json::json!(live.api_id))
    );
    assert!(bodies.iter().any(|(kind, body)| kind == "change_request" && body["refs"]["vendor"].is_string()));
    // What flows, and through whom it goes: by id, and the same whether one is read or many are.
    let class: uuid::Uuid = sqlx::query_scalar("select id from data_classes where key = $1")
        .bind(&live.content.data_flows[0].data_class)
        .fetch_one(&mut test.owner().await)
        .await
        .expect("a class");
    for (kind, body) in bodies.iter().filter(|(kind, _)| kind == "integration") {
        assert_eq!(
            body["refs"]["data_classes"][&live.content.data_flows[0].data_class],
            serde_json::json!(class),
            "{kind}: {body}"
        );
    }
    let renamed = sqlx::query("update data_classes set key = key || '_x' where id = $1")
        .bind(class)
        .execute(&mut test.owner().await)
        .await
        .expect_err("keys stay");
    assert!(renamed.to_string().contains("does not change"), "{renamed}");
    // What is said twice is listed once.
    let id: uuid::Uuid =
        sqlx::query_scalar("select id from change_requests").fetch_one(&mut test.owner().await).await.expect("it");
    let history = audit::ops::history(&test.app, &test.cli(), "change_request", id).await.expect("events");
    let listed = format!("{history:?}");
    assert!(!listed.contains("refs/") && !listed.contains("owner_ids"), "{listed}");
}
