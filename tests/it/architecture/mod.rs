//! What the compiler cannot check: SQL stays in stores, features of one crate depend one way, what is not recorded is
//! housekeeping, files stay small. Every check is also run on a planted violation, so that it is known to see one.

mod housekeeping;
mod paths;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The Rust files and templates of a folder with their texts.
pub fn sources(dir: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(dir)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs" || e == "html") {
                let text = fs::read_to_string(&path).expect("text");
                found.push((path, text));
            }
        }
    }
    found
}

/// A file: its path from the top, and its text.
type File = (String, String);

fn files(dir: &str) -> Vec<File> {
    let name = |path: &Path| path.strip_prefix(env!("CARGO_MANIFEST_DIR")).expect("inside").display().to_string();
    sources(dir).into_iter().map(|(path, text)| (name(&path), text)).collect()
}

/// All code that is delivered.
fn code() -> Vec<File> {
    let rust = |name: &str| Path::new(name).extension().is_some_and(|extension| extension == "rs");
    files("crates").into_iter().chain(files("src")).filter(|(name, _)| rust(name)).collect()
}

/// Nothing is found in what is there, and something in what was planted.
fn holds(check: impl Fn(&[File]) -> Vec<String>, all: &[File], planted: &[(&str, &str)]) {
    let found = check(all);
    assert!(found.is_empty(), "{}", found.join("\n"));
    for (name, text) in planted {
        let file = ((*name).to_owned(), (*text).to_owned());
        assert!(!check(&[file]).is_empty(), "not seen in {name}: {text}");
    }
}

#[test]
fn sql_stays_in_stores() {
    // Rooms that are their own store, and the import's lock.
    let rooms = [
        "/store/",
        "/store.rs",
        "crates/base/src/db/",
        "crates/base/src/lists/sql.rs",
        "crates/base/src/idempotency/",
        "crates/base/src/slugs.rs",
        "crates/base/src/drafts/",
        "crates/register/src/imports/uploads.rs",
        "crates/register/src/catalog/ops/import.rs",
        "crates/governance/src/dashboard/",
        "src/backup/store",
        "src/cli/doctor.rs",
    ];
    let check = |all: &[File]| {
        let speaks = |text: &str| text.contains("sqlx::query") || text.contains("QueryBuilder");
        let strays = all.iter().filter(|(name, text)| speaks(text) && !rooms.iter().any(|room| name.contains(room)));
        strays.map(|(name, _)| format!("{name} holds SQL")).collect()
    };
    let planted = [
        ("crates/web/src/pages/home.rs", "sqlx::query!(\"select 1\")"),
        ("crates/register/src/catalog/ops/apis.rs", "QueryBuilder::new(\"select\")"),
    ];
    holds(check, &code(), &planted);
}

/// The features of each crate, in the order in which they may name each other: a later one an earlier one.
const ORDER: [(&str, &[&str]); 2] = [
    ("crates/register/src/", &["settings", "publications", "catalog", "integrations", "imports"]),
    ("crates/governance/src/", &["dashboard", "policy", "assessments", "approvals", "campaigns", "merges"]),
];

#[test]
fn features_of_a_crate_depend_one_way() {
    let check = |all: &[File]| {
        let mut found = Vec::new();
        for (name, text) in all {
            for (room, order) in ORDER {
                let Some(rest) = name.strip_prefix(room) else { continue };
                let feature = rest.split(['/', '.']).next().unwrap_or_default();
                let Some(place) = order.iter().position(|one| *one == feature) else {
                    if feature != "lib" {
                        found.push(format!("{name} belongs to no feature of {room}"));
                    }
                    continue;
                };
                for path in paths::of_own_crate(text) {
                    let other = path.split("::").next().unwrap_or_default();
                    if order.iter().position(|one| *one == other).is_some_and(|at| at > place) {
                        found.push(format!("{name} uses {path}"));
                    }
                }
            }
        }
        found
    };
    let planted = [
        (
            "crates/register/src/catalog/ops/apis.rs",
            "use crate::{\n    catalog::Api,\n    integrations::{self, Flow},\n};",
        ),
        ("crates/governance/src/policy/mod.rs", "fn f() -> crate::approvals::Request { todo!() }"),
        ("crates/register/src/gateways/mod.rs", ""),
    ];
    holds(check, &code(), &planted);
}

#[test]
fn pure_models_know_neither_database_nor_web() {
    let check = |all: &[File]| {
        let mut found = Vec::new();
        for (name, text) in all {
            let feature = ["crates/identity/src/", "crates/register/src/", "crates/governance/src/"];
            let apart = ["/ops", "/store", "/imports/uploads.rs", "/dashboard/", "lib.rs"];
            if feature.iter().any(|room| name.starts_with(room)) && !apart.iter().any(|room| name.contains(room)) {
                let words = ["sqlx::", "axum::", "askama"].into_iter().filter(|word| text.contains(word));
                found.extend(words.map(|word| format!("{name} uses {word}")));
            }
        }
        found
    };
    holds(check, &code(), &[("crates/register/src/catalog/vendor.rs", "#[derive(sqlx::FromRow)]")]);
}

#[test]
fn files_stay_small() {
    let check = |all: &[File]| {
        let long = all.iter().filter(|(_, text)| text.lines().count() > 400);
        long.map(|(name, text)| format!("{name} has {} lines; split it", text.lines().count())).collect()
    };
    let all: Vec<File> = [code(), files("templates"), files("tests"), files("examples")].concat();
    holds(check, &all, &[("templates/home.html", &"<p>\n".repeat(401))]);
}

#[test]
fn no_template_holds_an_inline_style_or_script() {
    let check = |all: &[File]| {
        let mut found = Vec::new();
        for (name, text) in all {
            let inline = ["style=\"", "<style", "<script>", " onclick="].into_iter().filter(|word| text.contains(word));
            found.extend(inline.map(|word| format!("{name} has {word}")));
            let safe = text.matches("|safe").count();
            if safe > usize::from(name.ends_with("ui.html")) {
                found.push(format!("{name} trusts something"));
            }
        }
        found
    };
    let planted = [
        ("templates/home.html", "<p style=\"color: red\">"),
        ("templates/home.html", "<script>alert(1)</script>"),
        ("templates/home.html", "{{ text|safe }}"),
    ];
    holds(check, &files("templates"), &planted);
}

#[test]
fn only_approvals_writes_governed_content() {
    let check = |all: &[File]| {
        let writes =
            |text: &str| ["apply_content(", "register_in(tx", "steward_in("].iter().any(|call| text.contains(call));
        let may = ["crates/governance/src/approvals/", "crates/register/src/integrations/ops/apply.rs"];
        let strays = all.iter().filter(|(name, text)| writes(text) && !may.iter().any(|room| name.starts_with(room)));
        strays.map(|(name, _)| format!("{name} writes the content of integrations")).collect()
    };
    holds(check, &code(), &[("crates/web/src/pages/home.rs", "uses::steward_in(&mut tx, one)")]);
}
