//! The paths that a file names, read off its `use` trees and its expressions.

/// What stands behind `crate::` in a file, nested `use` trees included; comments left out.
pub fn of_own_crate(text: &str) -> Vec<String> {
    let text: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        // Not the end of another name, such as `my_crate::`.
        if text[..at].chars().next_back().is_some_and(|before| before.is_alphanumeric() || before == '_') {
            continue;
        }
        tree(&text[at + "crate::".len()..], "", &mut found);
    }
    found
}

/// Reads one tree from its beginning; what stands behind it.
fn tree<'a>(text: &'a str, prefix: &str, found: &mut Vec<String>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start();
            match rest.chars().next() {
                None => return rest,
                Some('}') => return &rest[1..],
                Some(',') => rest = &rest[1..],
                Some(_) => {
                    let after = tree(rest, prefix, found);
                    // What is no tree, such as the body of a block, ends it.
                    if after.len() == rest.len() {
                        return rest;
                    }
                    rest = after;
                }
            }
        }
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '*')).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let path = if prefix.is_empty() { word.to_owned() } else { format!("{prefix}::{word}") };
    if let Some(rest) = rest.strip_prefix("::") {
        return tree(rest, &path, found);
    }
    found.push(path);
    rest.trim_start().strip_prefix("as ").map_or(rest, |alias| alias.trim_start_matches(char::is_alphanumeric))
}

#[test]
fn nested_trees_and_expressions_are_read() {
    let text = "use crate::{\n    app::App,\n    policy::{self, ops::{judge, settle as s}},\n};\n// crate::web\nfn f() { crate::audit::ops::list(1) }";
    assert_eq!(
        of_own_crate(text),
        ["app::App", "policy::self", "policy::ops::judge", "policy::ops::settle", "audit::ops::list"]
    );
}
