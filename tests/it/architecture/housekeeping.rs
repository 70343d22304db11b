//! What is written outside of a recorded transaction: the tables that features declare as housekeeping, and no others.

use std::collections::{BTreeMap, BTreeSet};

use super::{File, code, holds};

/// The functions of a file: name and text, from one `fn` to the next.
fn functions(text: &str) -> Vec<(String, &str)> {
    let starts: Vec<usize> = text.match_indices("fn ").map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let named = starts.iter().zip(ends).filter_map(|(start, end)| {
        let body = &text[start + 3..end];
        let name: String = body.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        (!name.is_empty()).then_some((name, body))
    });
    named.collect()
}

/// The tables that a text writes.
fn written(text: &str) -> BTreeSet<String> {
    let writes = regex::Regex::new(r"\b(?:insert into|delete from) ([a-z_]+)|\bupdate ([a-z_]+)(?: [a-z]+)?\s+set\b")
        .expect("an expression");
    let text = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let found = writes.captures_iter(&text).filter_map(|one| one.get(1).or(one.get(2)));
    found.map(|table| table.as_str().to_owned()).collect()
}

/// The calls in a function that are given a housekeeping connection, or a transaction begun on one: module and name.
fn calls(body: &str) -> Vec<(String, String)> {
    let bound = regex::Regex::new(r"let mut (\w+) = [^;]*housekeeping\(\)").expect("an expression");
    let mut names: Vec<String> = bound.captures_iter(body).map(|one| one[1].to_owned()).collect();
    let begun = regex::Regex::new(r"let mut (\w+) = sqlx::Connection::begin\(&mut \*(\w+)\)").expect("an expression");
    for one in begun.captures_iter(body) {
        if names.contains(&one[2].to_owned()) {
            names.push(one[1].to_owned());
        }
    }
    let given = regex::Regex::new(r"\b([a-z_]+)::([a-z_]+)\(\s*&mut \*?([\w.]+)").expect("an expression");
    let takes = |argument: &str| argument.ends_with(".housekeeping") || names.iter().any(|name| name == argument);
    let found = given.captures_iter(body).filter(|one| takes(&one[3]));
    found.map(|one| (one[1].to_owned(), one[2].to_owned())).collect()
}

/// What each function of a store writes, by its crate, module and name.
fn stores(all: &[File]) -> BTreeMap<(String, String, String), BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for (name, text) in all.iter().filter(|(_, text)| text.contains("sqlx::query")) {
        let parts: Vec<&str> = name.trim_end_matches(".rs").split('/').collect();
        let own = parts.iter().rev().find(|part| **part != "mod").copied().unwrap_or_default();
        let above = parts.iter().rev().find(|part| !["mod", "store"].contains(part)).copied().unwrap_or_default();
        for (function, body) in functions(text) {
            for module in [own, above] {
                let tables = found
                    .entry((parts[1].to_owned(), module.to_owned(), function.clone()))
                    .or_insert_with(BTreeSet::new);
                tables.extend(written(body));
            }
        }
    }
    found
}

/// Every table that is written by a function which takes a housekeeping connection, or by a store's function that it
/// calls, and is not declared.
fn undeclared(all: &[File], declared: &[&str]) -> Vec<String> {
    let known = stores(all);
    let mut found = Vec::new();
    for (name, text) in all.iter().filter(|(_, text)| text.contains("housekeeping()")) {
        let krate = name.split('/').nth(1).unwrap_or_default();
        for (function, body) in functions(text).into_iter().filter(|(_, body)| body.contains("housekeeping()")) {
            let mut tables = if body.contains("sqlx::query") { written(body) } else { BTreeSet::new() };
            for (module, called) in calls(body) {
                for krate in [krate, "base"] {
                    let key = (krate.to_owned(), module.clone(), called.clone());
                    tables.extend(known.get(&key).into_iter().flatten().cloned());
                }
            }
            let strays = tables.iter().filter(|table| !declared.contains(&table.as_str()));
            found.extend(
                strays.map(|table| format!("{name}: {function} writes {table} outside of a recorded transaction")),
            );
        }
    }
    found
}

fn declared() -> Vec<&'static str> {
    muster::house::FEATURES.iter().flat_map(|feature| feature.housekeeping.iter().copied()).collect()
}

#[test]
fn only_what_is_declared_is_written_outside_a_recorded_transaction() {
    let declared = declared();
    let check = |all: &[File]| undeclared(all, &declared);
    let planted = [
        (
            "crates/register/src/imports/uploads.rs",
            "fn f() { sqlx::query!(\"update vendors set name = ''\").execute(&mut *app.db.housekeeping().await?) }",
        ),
        (
            "crates/identity/src/store/access.rs",
            "fn rename() { sqlx::query!(\"update people set name = ''\") }\nfn g() { access::rename(&mut *app.db.housekeeping().await?) }",
        ),
    ];
    holds(check, &code(), &planted);
}

#[test]
fn every_declared_table_is_written_somewhere() {
    let all = code();
    let tables: BTreeSet<String> = all.iter().flat_map(|(_, text)| written(text)).collect();
    for table in declared() {
        assert!(tables.contains(table), "{table} is declared as housekeeping, and nothing writes it");
    }
}
