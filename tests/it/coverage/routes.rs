//! The routes of the pages, read off the sources so that a new one is covered at once.

use std::path::Path;

/// A page route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Route {
    pub path: String,
    pub method: &'static str,
}

/// Every page route with its method.
pub(super) fn of_pages() -> Vec<Route> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/web/src/pages")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                read(&std::fs::read_to_string(&path).expect("text"), &mut found);
            }
        }
    }
    found.sort();
    found.dedup();
    assert!(found.len() > 200, "{} routes", found.len());
    found
}

fn read(text: &str, found: &mut Vec<Route>) {
    for rest in text.split(".route(").skip(1) {
        let ends = ["\n        .", "\n}"].iter().filter_map(|end| rest.find(end)).min();
        let call = &rest[..ends.unwrap_or(rest.len())];
        let named = call.split('"').nth(1).unwrap_or_default();
        // One macro writes the routes of teams and review groups.
        let paths = if call.trim_start().starts_with("concat!($path") || call.trim_start().starts_with("$path") {
            let tail = if named.starts_with('/') { named } else { "" };
            vec![format!("/teams{tail}"), format!("/review-groups{tail}")]
        } else {
            vec![named.to_owned()]
        };
        for (method, word) in [("GET", "get("), ("POST", "post(")] {
            if call.contains(word) {
                found.extend(paths.iter().map(|path| Route { path: path.clone(), method }));
            }
        }
    }
}
