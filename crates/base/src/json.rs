//! JSON in: a fault of the input is named by its RFC 6901 pointer.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::Error;

/// Reads a value; a fault becomes a field error with its pointer.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_path_to_error::deserialize(value).map_err(|error| fault(&error))
}

/// Reads JSON text; a fault of syntax or content becomes a field error with its pointer.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| fault(&error))?;
    json.end().map_err(|error| Error::field("", format!("This is not JSON: {error}.")))?;
    Ok(value)
}

fn fault(error: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    let mut pointer = String::new();
    for segment in error.path() {
        match segment {
            serde_path_to_error::Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            serde_path_to_error::Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            serde_path_to_error::Segment::Enum { .. } | serde_path_to_error::Segment::Unknown => {}
        }
    }
    let text = error.inner().to_string();
    let text = text.split(" at line ").next().unwrap_or(&text).to_owned();
    // serde names the field of these two inside its text, and not in the path.
    if let Some(name) = text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return Error::field(&format!("{pointer}/{name}"), "This is needed.");
    }
    if let Some(rest) = text.strip_prefix("unknown field `") {
        let name = rest.split('`').next().unwrap_or_default();
        let at = if pointer.ends_with(&format!("/{name}")) { pointer } else { format!("{pointer}/{name}") };
        return Error::field(&at, "There is no such field.");
    }
    // What chrono says of a text that is no day or moment.
    let time =
        ["input contains invalid characters", "premature end of input", "trailing input", "input is out of range"];
    if time.contains(&text.as_str()) {
        let advice = match pointer.rsplit('/').next().unwrap_or_default() {
            name if name.ends_with("_on") => "Give a day, such as 2027-01-31.",
            name if name.ends_with("_at") => "Give a moment, such as 2027-01-31T09:00:00Z.",
            _ => "Give a day, such as 2027-01-31, or a moment, such as 2027-01-31T09:00:00Z.",
        };
        return Error::field(&pointer, advice);
    }
    let mut message = text;
    message.push('.');
    Error::field(&pointer, crate::text::clip(&message, 300).to_owned())
}

/// Applies a merge patch (RFC 7396): null removes, objects merge, all else replaces.
pub fn merge(target: &mut Value, patch: Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (name, value) in patch {
                if value.is_null() {
                    target.remove(&name);
                } else {
                    merge(target.entry(name).or_insert(Value::Null), value);
                }
            }
        }
        (target, patch) => *target = patch,
    }
}

/// A content from its fields. An invalid one is named.
pub fn content<C: serde::de::DeserializeOwned>(fields: Map<String, Value>) -> Result<C, Error> {
    from_value(Value::Object(fields))
}

/// A content with some of its fields replaced.
pub fn over<C: serde::Serialize + serde::de::DeserializeOwned>(
    present: &C,
    fields: Map<String, Value>,
) -> Result<C, Error> {
    let Value::Object(mut all) = serde_json::to_value(present).map_err(Error::internal)? else {
        return Err(Error::internal("a content that is no object"));
    };
    all.extend(fields);
    content(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Part {
        #[allow(dead_code, reason = "only its form matters here")]
        n: u8,
    }
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Whole {
        #[allow(dead_code, reason = "only its form matters here")]
        parts: Vec<Part>,
    }

    fn pointer(json: &str) -> String {
        match from_slice::<Whole>(json.as_bytes()) {
            Err(Error::Invalid(errors)) => errors.as_slice()[0].pointer.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_fault_has_its_pointer() {
        assert_eq!(pointer(r#"{"parts":[{"n":1},{"n":"x"}]}"#), "/parts/1/n");
        assert_eq!(pointer(r#"{"parts":[{}]}"#), "/parts/0/n");
        assert_eq!(pointer(r#"{"parts":[],"more":1}"#), "/more");
        assert_eq!(pointer("{"), "");
    }
}
