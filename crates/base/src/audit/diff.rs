//! The difference between two versions of a record, field by field.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// One field that changed. `before` is null for what was added, `after` for what was removed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// Where: field names and the keys of parts, joined by `/`.
    pub field: String,
    /// What it was.
    pub before: Value,
    /// What it is.
    pub after: Value,
}

/// The changes from `before` to `after`, in the order of the fields.
pub fn diff(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("", before, after, &mut changes);
    changes
}

fn compare(path: &str, before: &Value, after: &Value, changes: &mut Vec<Change>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => compare_objects(path, old, new, changes),
        (Value::Array(old), Value::Array(new)) => match (keyed(old), keyed(new)) {
            (Some(old), Some(new)) => compare_parts(path, &old, &new, changes),
            _ => push(path, before, after, changes),
        },
        _ => push(path, before, after, changes),
    }
}

fn compare_objects(path: &str, old: &Map<String, Value>, new: &Map<String, Value>, changes: &mut Vec<Change>) {
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    for name in names {
        let below = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
        let get = |map: &Map<String, Value>| map.get(name).cloned().unwrap_or(Value::Null);
        compare(&below, &get(old), &get(new), changes);
    }
}

fn compare_parts(
    path: &str,
    old: &BTreeMap<String, &Value>,
    new: &BTreeMap<String, &Value>,
    changes: &mut Vec<Change>,
) {
    for (key, before) in old {
        let below = format!("{path}/{key}");
        compare(&below, before, new.get(key).copied().unwrap_or(&Value::Null), changes);
    }
    for (key, after) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
        push(&format!("{path}/{key}"), &Value::Null, after, changes);
    }
}

/// Parts by what identifies each of them; `None` where something has no key or two share one.
fn keyed(parts: &[Value]) -> Option<BTreeMap<String, &Value>> {
    let mut map = BTreeMap::new();
    for part in parts {
        let object = part.as_object()?;
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        let pair = |first, second| text(first).zip(text(second)).map(|(a, b)| format!("{a} {b}"));
        let names =
            ["url", "name", "value", "scope", "environment", "upstream_api_id", "upstream_vendor_id", "api", "vendor"];
        // An operation the other way round is another one.
        let to_us = text("direction") == Some("to_us");
        let key = pair("method", "path")
            .map(|key| if to_us { format!("{key} (to us)") } else { key })
            .or_else(|| pair("data_class", "direction"))
            .or_else(|| names.into_iter().find_map(text).map(str::to_owned))?;
        if map.insert(key, part).is_some() {
            return None;
        }
    }
    Some(map)
}

fn push(path: &str, before: &Value, after: &Value, changes: &mut Vec<Change>) {
    changes.push(Change { field: path.to_owned(), before: before.clone(), after: after.clone() });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_are_compared_by_their_key() {
        let before = json!({"name": "A", "scopes": [{"name": "r", "description": "read"}, {"name": "w"}]});
        let after = json!({"name": "A", "scopes": [{"name": "w"}, {"name": "r", "description": "Read"}], "tier": 1});
        let fields: Vec<String> = diff(&before, &after).into_iter().map(|c| c.field).collect();
        assert_eq!(fields, ["scopes/r/description", "tier"]);
    }

    #[test]
    fn the_same_again_is_no_change() {
        let value = json!({"a": [1, {"b": null}]});
        assert!(diff(&value, &value).is_empty());
    }
}
