//! What was typed into a form, as the JSON of a content.

use serde_json::{Map, Value, json};

use super::{FieldKind, FormSpec, SubField};
use base::error::Error;

/// The pairs of a form.
#[derive(Debug, Clone, Default)]
pub struct Typed(pub Vec<(String, String)>);

fn or_null(text: String) -> Value {
    if text.trim().is_empty() { Value::Null } else { Value::String(text) }
}

fn words(text: &str) -> Value {
    text.split([',', '\n']).map(str::trim).filter(|word| !word.is_empty()).map(Value::from).collect()
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// A cell of a small table, by what its column takes.
fn cell_value(column: &SubField, typed: String) -> Value {
    match column.input {
        "words" => words(&typed),
        "number" => typed.trim().parse::<i64>().map_or_else(|_| or_null(typed), Value::from),
        _ => or_null(typed),
    }
}

impl Typed {
    /// The first value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a name.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.clone()).collect()
    }

    /// The revision that the form was opened with.
    pub fn revision(&self) -> Result<i64, Error> {
        let text = self.get("revision").unwrap_or_default();
        text.parse().map_err(|_| Error::field("/revision", "Open the form anew."))
    }

    /// What was typed, over what was there: fields that the form did not show stay.
    pub fn over(&self, spec: &FormSpec, present: Value) -> Map<String, Value> {
        let mut fields = match present {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        for field in spec.fields() {
            if let Some(value) = self.value(field.name, &field.kind) {
                // Where the content holds a text that may be empty, empty is not null.
                let plain = value.is_null() && fields.get(field.name).is_some_and(Value::is_string);
                let value =
                    if plain && matches!(field.name, "slug" | "name") { Value::String(String::new()) } else { value };
                fields.insert(field.name.to_owned(), value);
            }
        }
        fields
    }

    fn value(&self, name: &str, kind: &FieldKind) -> Option<Value> {
        let text = |name: &str| self.get(name).map(|text| text.replace("\r\n", "\n"));
        match kind {
            FieldKind::Needed | FieldKind::Select(_) => text(name).map(Value::String),
            FieldKind::Text
            | FieldKind::Lines
            | FieldKind::Url
            | FieldKind::Email
            | FieldKind::Date
            | FieldKind::Maybe(_)
            | FieldKind::Suggest => text(name).map(or_null),
            FieldKind::Number(_) | FieldKind::Count => {
                text(name).map(|text| text.trim().parse::<i64>().map_or_else(|_| or_null(text), Value::from))
            }
            FieldKind::Words => text(name).map(|text| words(&text)),
            FieldKind::Scopes => {
                self.get(&format!("{name}.present"))?;
                let mut chosen = self.all(name);
                let others = self.get(&format!("{name}.other")).unwrap_or_default();
                chosen
                    .extend(others.split([',', '\n', ' ']).map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned));
                chosen.sort();
                chosen.dedup();
                let why = |scope: &str| text(&format!("{name}.why:{scope}")).map_or(Value::Null, or_null);
                Some(chosen.iter().map(|scope| json!({ "scope": scope, "justification": why(scope) })).collect())
            }
            FieldKind::Checks(_) | FieldKind::ChecksOf => {
                self.get(&format!("{name}.present"))?;
                Some(self.all(name).into_iter().map(Value::from).collect())
            }
            FieldKind::Rows(columns) => {
                self.get(&format!("{name}.present"))?;
                let row = |n: usize| -> Map<String, Value> {
                    let cell = |column: &SubField| {
                        let typed = text(&format!("{name}.{n}.{}", column.name))?;
                        Some((column.name.to_owned(), cell_value(column, typed)))
                    };
                    columns.iter().filter_map(cell).collect()
                };
                let filled = |row: &Map<String, Value>| {
                    let typed = columns.iter().filter(|column| column.words.is_empty() || column.input == "maybe");
                    typed.into_iter().any(|column| row.get(column.name).is_some_and(|value| !is_blank(value)))
                };
                let rows = (0..600).map(row).take_while(|row| !row.is_empty()).filter(filled);
                Some(
                    rows.map(|row| Value::Object(row.into_iter().filter(|(_, value)| !value.is_null()).collect()))
                        .collect(),
                )
            }
        }
    }
}
