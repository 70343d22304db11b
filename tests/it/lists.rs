//! Lists: filters, facets, sorts, keyset pages, search.

use muster::{
    catalog::{VendorContent, ops},
    identity::{Permission, Role},
};

use crate::support::{TestApp, builders::vendor};

async fn vendors(test: &TestApp, names: &[(&str, &str, i16)]) {
    for (name, country, tier) in names {
        let content = VendorContent {
            country: Some((*country).into()),
            tier: Some(*tier),
            tags: vec![country.to_lowercase()],
            ..vendor(name)
        };
        ops::create_vendor(&test.app, &test.cli(), content).await.expect("created");
    }
}

fn names(list: &serde_json::Value) -> Vec<String> {
    list["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["name"].as_str().expect("a name").to_owned())
        .collect()
}

#[tokio::test]
async fn pages_by_cursor_show_every_row_once_in_order() {
    let test = TestApp::new().await;
    let token = test.token(&[Permission::Read]).await;
    vendors(&test, &[("Émile", "FR", 1), ("adyen", "NL", 2), ("Zoom", "US", 1), ("Box", "US", 3), ("Éclair", "FR", 2)])
        .await;
    for (sort, expected) in [
        ("name", ["adyen", "Box", "Éclair", "Émile", "Zoom"]),
        ("-name", ["Zoom", "Émile", "Éclair", "Box", "adyen"]),
        ("updated_at", ["Émile", "adyen", "Zoom", "Box", "Éclair"]),
    ] {
        let (mut path, mut seen) = (format!("/api/v1/vendors?limit=2&sort={sort}"), Vec::new());
        for _ in 0..4 {
            let reply = test.api("GET", &path, &token, &[], None).await;
            seen.extend(names(&reply.json()));
            let Some(next) = reply.header("link").strip_prefix('<').and_then(|link| link.split('>').next()) else {
                break;
            };
            path = next.to_owned();
        }
        assert_eq!(seen, expected, "{sort}");
    }
}

#[tokio::test]
async fn a_cursor_belongs_to_its_question() {
    let test = TestApp::new().await;
    let token = test.token(&[Permission::Read]).await;
    vendors(&test, &[("A", "FR", 1), ("B", "FR", 1)]).await;
    let cursor = test.api("GET", "/api/v1/vendors?limit=1", &token, &[], None).await.json()["next_cursor"]
        .as_str()
        .expect("a cursor")
        .to_owned();
    let other =
        test.api("GET", &format!("/api/v1/vendors?limit=1&country=FR&cursor={cursor}"), &token, &[], None).await;
    assert_eq!(other.pointers(), ["/cursor"]);
    let unknown = test.api("GET", "/api/v1/vendors?colour=red&limit=0&sort=size", &token, &[], None).await;
    assert_eq!(unknown.pointers(), ["/colour", "/limit", "/sort"]);
}

#[tokio::test]
async fn facets_follow_the_other_filters() {
    let test = TestApp::new().await;
    let token = test.token(&[Permission::Read]).await;
    vendors(&test, &[("A", "FR", 1), ("B", "FR", 2), ("C", "US", 1)]).await;
    let list = test.api("GET", "/api/v1/vendors?country=FR&facets=true&total=true", &token, &[], None).await.json();
    assert_eq!(list["total"], 2);
    let facet = |name: &str| {
        list["facets"].as_array().expect("facets").iter().find(|f| f["name"] == name).expect("a facet")["values"]
            .clone()
    };
    let counts = |name: &str| -> Vec<(String, i64)> {
        facet(name)
            .as_array()
            .expect("values")
            .iter()
            .map(|v| (v["value"].as_str().expect("a value").to_owned(), v["count"].as_i64().expect("a count")))
            .collect()
    };
    assert_eq!(counts("tier"), [("1".to_owned(), 1), ("2".to_owned(), 1)], "only French ones");
    assert_eq!(counts("country"), [("FR".to_owned(), 2), ("US".to_owned(), 1)], "its own filter aside");
}

#[tokio::test]
async fn a_typing_error_finds_what_was_meant() {
    let test = TestApp::new().await;
    let token = test.token(&[Permission::Read]).await;
    vendors(&test, &[("Stripe", "US", 1), ("Strava", "US", 1), ("Store Front", "US", 1), ("Crédit Agricole", "FR", 1)])
        .await;
    for (q, expected, alike) in [
        ("stirpe", "Stripe", true),
        ("STRIP", "Stripe", false),
        ("credit", "Crédit Agricole", false),
        ("agricloe", "Crédit Agricole", true),
    ] {
        let list = test.api("GET", &format!("/api/v1/vendors?q={q}"), &token, &[], None).await.json();
        assert_eq!((names(&list), list["alike"].as_bool()), (vec![expected.to_owned()], Some(alike)), "{q}");
    }
    for q in ["%27%20%26%20!", "%00", "xq", "%F0%9F%98%80"] {
        let reply = test.api("GET", &format!("/api/v1/vendors?q={q}"), &token, &[], None).await;
        assert_eq!((reply.status.as_u16(), names(&reply.json()).len()), (200, 0), "{q}");
    }
}

#[tokio::test]
async fn an_index_serves_every_list() {
    let test = TestApp::new().await;
    vendors(&test, &[("A", "FR", 1)]).await;
    let mut conn = test.owner().await;
    sqlx::raw_sql(
        "insert into vendors (id, slug, name, created_at, updated_at, sort_key, search)
         select gen_random_uuid(), 'v' || n, 'v', now(), now(), md5(n::text), md5(n::text) from generate_series(1, 20000) n;
         analyze vendors;",
    )
    .execute(&mut conn)
    .await
    .expect("filled");
    sqlx::raw_sql("set enable_seqscan = off").execute(&mut conn).await.expect("set");
    for (sql, index) in [
        ("select id from vendors t order by t.sort_key, t.id limit 50", "vendors_sort_key"),
        ("select id from vendors t order by t.updated_at desc, t.id desc limit 50", "vendors_updated_at"),
        ("select id from apis t where t.search_vector @@ to_tsquery('simple', '''pay'':*')", "apis_search"),
        ("select id from vendors t where 'stirpe' <% t.sort_key", "vendors_sort_key_trigram"),
        (
            "select id from apis where vendor_id = '018f0000-0000-7000-8000-000000000000' and state = 'active'",
            "apis_vendor",
        ),
    ] {
        let plan: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("explain {sql}")))
            .fetch_all(&mut conn)
            .await
            .expect("a plan");
        assert!(plan.iter().any(|line| line.contains(index)), "{sql}: {plan:?}");
    }
}

#[tokio::test]
async fn a_list_page_filters_by_url_and_exports_what_it_shows() {
    let test = TestApp::new().await;
    vendors(&test, &[("Alpha", "FR", 1), ("Beta", "US", 2)]).await;
    let browser = test.browser("Ada", &[Role::Requester]).await;
    let page = browser.get("/vendors?country=FR").await.text();
    assert!(page.contains("Alpha") && !page.contains("Beta") && page.contains("1 vendor "));
    let csv = browser.get("/vendors/export?country=FR&format=csv").await;
    assert!(csv.text().contains("Alpha") && !csv.text().contains("Beta"), "{}", csv.text());
    assert_eq!(test.last_action().await, "register.exported");
}
