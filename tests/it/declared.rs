//! What features declare is there: kinds of records, their names and the words that find them, constraints.

use std::collections::BTreeSet;

use base::feature;

use crate::support::TestApp;

#[tokio::test]
async fn every_declared_statement_runs() {
    let test = TestApp::new().await;
    let mut conn = test.as_app().await;
    let mut kinds = BTreeSet::new();
    for record in feature::records() {
        assert!(kinds.insert(record.kind), "{} is declared twice", record.kind);
        if let Some(name) = record.name {
            let sql = format!("select ({name})::text from (select $1::uuid as subject_id) e");
            let none: Option<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .bind(uuid::Uuid::nil())
                .fetch_one(&mut conn)
                .await
                .unwrap_or_else(|error| panic!("the name of {}: {error}", record.kind));
            assert!(none.is_none() || record.kind == "settings", "{}: {none:?}", record.kind);
        }
        if let Some(find) = record.find {
            let found = sqlx::query_scalar::<_, uuid::Uuid>(find).bind("no such word").bind("no such word");
            let found = found.fetch_all(&mut conn).await.unwrap_or_else(|error| panic!("{}: {error}", record.kind));
            assert!(found.is_empty(), "{}", record.kind);
        }
        if let Some(table) = record.former_slugs {
            let sql = format!("select count(*) from {table} where slug = ''");
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut conn).await.expect("a table with slugs");
        }
    }
    assert!(kinds.len() > 30, "{kinds:?}");
}

#[test]
fn every_kind_of_record_is_declared() {
    feature::declare(muster::house::FEATURES);
    let known: BTreeSet<&str> = feature::records().map(|record| record.kind).collect();
    let mut found = 0;
    for (path, text) in crate::architecture::sources("crates") {
        for rest in text.split("const KIND: &'static str = \"").skip(1) {
            let kind = rest.split('"').next().unwrap_or_default();
            assert!(known.contains(kind), "{kind} of {} is declared by no feature", path.display());
            found += 1;
        }
    }
    assert!(found > 30, "{found}");
}

#[tokio::test]
async fn every_declared_constraint_is_in_the_database() {
    let test = TestApp::new().await;
    let there: Vec<String> = sqlx::query_scalar(
        "select conname::text from pg_constraint union select relname::text from pg_class where relkind = 'i'
         union select said[1] from pg_proc, regexp_matches(prosrc, 'constraint\\s*=\\s*''(\\w+)''', 'g') said",
    )
    .fetch_all(&mut test.owner().await)
    .await
    .expect("names");
    let mut names = BTreeSet::new();
    for constraint in feature::all().flat_map(|feature| feature.constraints) {
        assert!(names.insert(constraint.name), "{} is declared twice", constraint.name);
    }
    let missing: Vec<&&str> = names.iter().filter(|name| !there.iter().any(|known| known == **name)).collect();
    assert!(missing.is_empty(), "not in the database: {missing:?}");
    assert!(names.len() > 50, "{names:?}");
}
