//! Field by field: what an import owns it may change; what a person wrote stays.

use std::cmp::Ordering;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use base::error::Error;

/// Merges incoming facts into a content. A field is the import's while it is empty or still holds
/// what the last import gave; `imported` notes what this one gives.
pub fn merge<C: Serialize + DeserializeOwned>(
    content: &C,
    imported: &mut Map<String, Value>,
    incoming: &Map<String, Value>,
) -> Result<C, Error> {
    let Value::Object(mut fields) = serde_json::to_value(content).map_err(Error::internal)? else {
        return Err(Error::internal("a content that is no object"));
    };
    for (name, value) in incoming {
        let present = fields.get(name).cloned().unwrap_or(Value::Null);
        let last = imported.get(name);
        if last.map_or_else(|| is_empty(&present), |last| *last == present) {
            fields.insert(name.clone(), value.clone());
        }
        imported.insert(name.clone(), value.clone());
    }
    serde_json::from_value(Value::Object(fields)).map_err(Error::internal)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// The order of two labels, where both are numbers joined by dots (with an optional `v`), or both
/// dates; labels of other forms have none.
pub fn label_order(a: &str, b: &str) -> Option<Ordering> {
    let numbers = |label: &str| -> Option<Vec<u64>> {
        let label = label.trim().trim_start_matches(['v', 'V']);
        label.split(['.', '-']).map(|part| part.parse().ok()).collect()
    };
    let (mut a, mut b) = (numbers(a)?, numbers(b)?);
    let length = a.len().max(b.len());
    a.resize(length, 0);
    b.resize(length, 0);
    Some(a.cmp(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn what_a_person_wrote_stays() {
        let mut imported = map(json!({"name": "Old", "licence": "MIT"}));
        let content: Value = json!({"name": "Ours", "licence": "MIT", "terms": null});
        let incoming = map(json!({"name": "New", "licence": "Apache", "terms": "https://t"}));
        let merged: Value = merge(&content, &mut imported, &incoming).expect("merges");
        assert_eq!(merged, json!({"name": "Ours", "licence": "Apache", "terms": "https://t"}));
        assert_eq!(imported["name"], "New");
    }

    #[test]
    fn labels_have_an_order_only_where_they_are_numbers() {
        assert_eq!(label_order("1.0", "1.0.0"), Some(Ordering::Equal));
        assert_eq!(label_order("v2", "10"), Some(Ordering::Less));
        assert_eq!(label_order("2024-06-20", "2023-12-31"), Some(Ordering::Greater));
        assert_eq!(label_order("beta", "1.0"), None);
    }
}
