//! The rows of small tables, as the template shows them.

use serde_json::Value;

use super::{
    SubField,
    view::{FieldView, OptionView, SubView},
};

/// A cell as it is typed: nothing is cut, since it is sent back.
fn whole(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(whole).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The words of a column, with none before them where it may be left out.
fn sub_options(column: &SubField, value: &str) -> Vec<OptionView> {
    let option =
        |key: &str, label: String| OptionView { value: key.into(), label, why: String::new(), selected: key == value };
    let none = (column.input == "maybe").then(|| option("", "–".into()));
    none.into_iter().chain(column.words.iter().map(|key| option(key, base::words::label(key)))).collect()
}

impl FieldView {
    /// Whether it takes the whole width.
    pub fn wide(&self) -> bool {
        matches!(self.kind.as_str(), "textarea" | "rows" | "checks" | "scopes")
    }

    /// The input's type.
    pub fn input(&self) -> &'static str {
        self.input
    }

    /// The rows of a small table, with three empty ones to fill in.
    pub fn rows(&self) -> Vec<Vec<SubView>> {
        let empty = Vec::new();
        let filled = self.json.as_array().unwrap_or(&empty);
        let spare = if self.disabled { 0 } else { 3 };
        (0..filled.len() + spare)
            .map(|n| self.columns.iter().map(|column| self.cell(n, column, filled.get(n))).collect())
            .collect()
    }

    fn cell(&self, n: usize, column: &SubField, row: Option<&Value>) -> SubView {
        let name = format!("{}.{n}.{}", self.name, column.name);
        let value = row.and_then(|row| row.get(column.name)).map(whole).unwrap_or_default();
        SubView {
            label: format!("{} {}", column.label, n + 1),
            error: self
                .sub_errors
                .iter()
                .find(|(at, _)| {
                    *at == name || (column.name == self.columns[0].name && *at == format!("{}.{n}", self.name))
                })
                .map(|(_, message)| message.clone()),
            options: sub_options(column, &value),
            list: (column.input == "suggest").then(|| format!("o-{}.{}", self.name, column.name)),
            input: if matches!(column.input, "words" | "suggest") { "text" } else { column.input },
            name,
            value,
        }
    }
}
