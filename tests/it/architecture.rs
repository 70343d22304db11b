//! What the compiler cannot check: SQL stays in stores, features depend one way, housekeeping
//! tables are these and no others, files stay small.

use std::{
    fs,
    path::{Path, PathBuf},
};

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

fn name(path: &Path) -> String {
    path.strip_prefix(env!("CARGO_MANIFEST_DIR")).expect("inside").display().to_string()
}

#[test]
fn sql_stays_in_stores() {
    // Rooms that are their own store, and the import's lock.
    let rooms = [
        "/store",
        "src/db/",
        "src/lists/sql.rs",
        "src/dashboard/",
        "src/idempotency/",
        "src/slugs.rs",
        "src/drafts/",
        "src/imports/uploads.rs",
        "src/cli/doctor.rs",
        "src/catalog/ops/import.rs",
    ];
    for (path, text) in sources("src") {
        let name = name(&path);
        let speaks = text.contains("sqlx::query") || text.contains("QueryBuilder");
        assert!(!speaks || rooms.iter().any(|room| name.contains(room)), "{name} holds SQL");
    }
}

#[test]
fn features_depend_one_way() {
    let forbidden = [
        ("src/identity/", &["catalog::", "imports::", "web::", "dashboard::"][..]),
        ("src/audit/", &["catalog::", "imports::", "web::"]),
        ("src/catalog/", &["integrations::", "approvals::", "imports::", "web::", "dashboard::"]),
        ("src/publications/", &["catalog::", "integrations::", "policy::", "approvals::", "imports::", "web::"]),
        ("src/assessments/", &["approvals::", "campaigns::", "imports::", "web::", "dashboard::"]),
        ("src/campaigns/", &["assessments::", "imports::", "web::", "dashboard::"]),
        ("src/mail/", &["catalog::", "integrations::", "policy::", "assessments::", "approvals::", "web::"]),
        ("src/policy/", &["assessments::", "approvals::", "campaigns::", "imports::", "web::", "dashboard::"]),
        ("src/integrations/", &["policy::", "approvals::", "imports::", "web::", "dashboard::"]),
        ("src/approvals/", &["campaigns::", "imports::", "web::", "dashboard::"]),
        ("src/lists/", &["catalog::", "identity::", "imports::", "web::"]),
        ("src/imports/", &["web::"]),
        ("src/db/", &["catalog::", "imports::", "web::"]),
    ];
    for (path, text) in sources("src") {
        let name = name(&path);
        for (room, features) in forbidden.iter().filter(|(room, _)| name.starts_with(room)) {
            for feature in *features {
                assert!(!text.contains(&format!("crate::{feature}")), "{name} in {room} uses {feature}");
            }
        }
    }
}

#[test]
fn pure_models_know_neither_database_nor_web() {
    for (path, text) in sources("src") {
        let name = name(&path);
        let rooms = [
            "src/catalog/",
            "src/identity/",
            "src/integrations/",
            "src/policy/",
            "src/assessments/",
            "src/approvals/",
            "src/campaigns/",
        ];
        let model =
            rooms.iter().any(|room| name.starts_with(room)) && !name.contains("/ops") && !name.contains("/store");
        if model {
            for word in ["sqlx::", "axum::", "askama"] {
                assert!(!text.contains(word), "{name} uses {word}");
            }
        }
    }
}

#[test]
fn only_housekeeping_is_written_outside_a_recorded_transaction() {
    let housekeeping = [
        "sessions",
        "token_uses",
        "idempotency_keys",
        "import_uploads",
        "audit_pending",
        "audit_positions",
        "installation",
        "judgements",
        "sign_in_flows",
        "passkey_ceremonies",
        "held_forms",
        "sign_in_failures",
    ];
    for (path, text) in sources("src") {
        let name = name(&path);
        if !text.contains("housekeeping()") || name.starts_with("src/db/") {
            continue;
        }
        // The functions called with such a connection live in these modules; each writes only its own.
        for table in [
            "insert into vendors",
            "insert into apis",
            "insert into people",
            "update vendors",
            "update apis",
            "update people",
            "insert into teams",
        ] {
            assert!(!text.contains(table), "{name} changes the register outside of WriteTx");
        }
    }
    let access =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/identity/store/access.rs")).expect("text");
    let sweep = access.split("pub async fn sweep").nth(1).expect("the sweep");
    let tables: Vec<&str> =
        sweep.split("delete from ").skip(1).filter_map(|rest| rest.split_whitespace().next()).collect();
    assert!(!tables.is_empty() && tables.iter().all(|table| housekeeping.contains(table)), "{tables:?}");
}

#[test]
fn files_stay_small() {
    for (path, text) in sources("src").into_iter().chain(sources("templates")).chain(sources("tests")) {
        let lines = text.lines().count();
        assert!(lines <= 400, "{} has {lines} lines; split it", name(&path));
    }
}

#[test]
fn no_template_holds_an_inline_style_or_script() {
    for (path, text) in sources("templates") {
        let name = name(&path);
        assert!(!text.contains("style=\"") && !text.contains("<style"), "{name} has an inline style");
        assert!(!text.contains("<script>") && !text.contains(" onclick="), "{name} has an inline script");
        let safe = text.matches("|safe").count();
        assert!(safe == 0 || (name.ends_with("ui.html") && safe == 1), "{name} trusts something");
    }
}

#[test]
fn only_approvals_writes_governed_content() {
    for (path, text) in sources("src") {
        let name = name(&path);
        let writes = ["apply_content(", "register_in(tx", "steward_in("].iter().any(|call| text.contains(call));
        let may = name.starts_with("src/approvals/") || name.starts_with("src/integrations/ops/apply.rs");
        assert!(!writes || may, "{name} writes the content of integrations");
    }
}
