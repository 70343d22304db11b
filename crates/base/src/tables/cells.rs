//! A JSON value as a CSV cell and back.

use serde_json::Value;

/// How a column's values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Plain text; empty is null.
    Text,
    /// A number; empty is null.
    Number,
    /// Words joined by `|`.
    List,
    /// JSON text.
    Json,
    /// A day.
    Date,
}

/// How a field of a content is written, by its name.
pub fn column(field: &str) -> Column {
    match field {
        "tier" | "revision" | "rate_limit" | "token_lifetime_minutes" | "retention_days" | "round" => Column::Number,
        "tags" | "aliases" | "locations" | "auth_methods" | "members" | "regulations" | "roles" | "edited_by"
        | "inbound_validation" | "inbound_inspection" | "integrations" => Column::List,
        "identifiers" | "certifications" | "sub_processors" | "upstreams" | "imported" | "environments"
        | "data_flows" | "scopes" | "content" | "decisions" => Column::Json,
        field if field.ends_with("_on") => Column::Date,
        _ => Column::Text,
    }
}

/// What a spreadsheet takes for the beginning of a formula; some read the full-width forms as well.
fn would_run(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠')
}

/// A day as it is written in most of Europe, as ISO 8601 has it. Refuses what could be a day or a month first.
fn day(text: &str) -> Result<String, String> {
    let numbers = |mark: char| -> Option<[u32; 3]> {
        let parts: Vec<u32> = text.trim().split(mark).map(|part| part.trim().parse().ok()).collect::<Option<_>>()?;
        parts.try_into().ok()
    };
    if let Some([day, month, year @ 1000..=9999]) = numbers('.') {
        return Ok(format!("{year:04}-{month:02}-{day:02}"));
    }
    if numbers('/').is_some() {
        return Err("Write days as 2026-12-31: it is unclear which number is the month.".into());
    }
    Ok(text.trim().to_owned())
}

/// Whether the text begins with any number of apostrophes and then something that would run.
fn dangerous(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(would_run)
}

/// Puts an apostrophe before what a spreadsheet would run.
pub fn escape(text: &str) -> String {
    if dangerous(text) { format!("'{text}") } else { text.to_owned() }
}

/// Takes back the apostrophe that [`escape`] adds, and no other.
pub fn unescape(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if dangerous(text) => rest,
        _ => text,
    }
}

/// A value as a cell.
pub fn to_cell(value: &Value, column: Column) -> String {
    let text = match (value, column) {
        (Value::Null, _) => String::new(),
        (Value::String(text), _) => text.clone(),
        (Value::Array(items), Column::List) => {
            let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            words.join("|")
        }
        (Value::Array(items), _) if items.is_empty() => String::new(),
        (other, _) => other.to_string(),
    };
    escape(&text)
}

/// A cell as a value; `Err` says what is wrong.
pub fn from_cell(cell: &str, column: Column) -> Result<Value, String> {
    let text = unescape(cell);
    Ok(match column {
        Column::Text | Column::Number | Column::Date
            if text.trim().is_empty() && (column != Column::Text || text.is_empty()) =>
        {
            Value::Null
        }
        Column::Date => Value::String(day(text)?),
        Column::Text => Value::String(text.to_owned()),
        Column::Number => text.trim().parse::<i64>().map(Value::from).map_err(|_| "Give a whole number.".to_owned())?,
        Column::List => text.split('|').map(str::trim).filter(|word| !word.is_empty()).map(Value::from).collect(),
        Column::Json if text.is_empty() => Value::Array(Vec::new()),
        Column::Json => serde_json::from_str(text).map_err(|error| format!("This is not JSON: {error}."))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_cell_comes_back_as_it_was(text in "['=+@\\-＝＋－＠\t\r\na-z\",;]{1,12}") {
            let value = Value::String(text.clone());
            let cell = to_cell(&value, Column::Text);
            proptest::prop_assert!(!cell.starts_with(would_run));
            proptest::prop_assert_eq!(from_cell(&cell, Column::Text), Ok(value));
        }
    }

    #[test]
    fn a_foreign_apostrophe_stays() {
        assert_eq!(unescape("'s-Hertogenbosch"), "'s-Hertogenbosch");
        assert_eq!(unescape("'=1+1"), "=1+1");
    }
}
