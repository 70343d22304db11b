//! Whole rows out as CSV and NDJSON and in again: nothing is lost, whatever the texts hold.

use proptest::{collection, option, prelude::*};
use serde_json::{Map, Value, json};

use super::{
    Notation, Table,
    cells::{Column, column},
    export::{Header, Layout, csv_text},
    import::parse,
};
use crate::lists::Spec;

static LIST: Spec = Spec { kind: "sample", from: "samples t", columns: "t.id", filters: &[], sorts: &[] };

/// A table with columns of every kind.
pub static SAMPLE: Table = Table {
    key: "samples",
    command: "samples",
    spec: &LIST,
    columns: &[
        "id",
        "slug",
        "name",
        "state",
        "kind",
        "protocol",
        "lifecycle",
        "dpa_status",
        "legal_name",
        "description",
        "country",
        "tags",
        "aliases",
        "locations",
        "identifiers",
        "certifications",
        "environments",
        "data_flows",
        "tier",
        "rate_limit",
        "retention_days",
        "dpa_signed_on",
        "dpa_expires_on",
        "dpa_reference",
    ],
    derived: &["direction"],
    read: |_, _, _, _| Box::pin(async { Ok((Vec::new(), None)) }),
    import: None,
};

/// Any text, with what spreadsheets run, quotes, separators and line ends more often than by chance.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "['=+@\\-\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}\t\r\n\",;|]{0,3}[a-zA-Z\u{e4}\u{1f512} ]{1,8}[\",\r\n']{0,2}",
        any::<String>().prop_filter("texts are not empty and hold no NUL", |s| !s.is_empty() && !s.contains('\0')),
    ]
}

fn value(name: &'static str) -> BoxedStrategy<Value> {
    // An empty cell of these is left out of the record, so that it keeps what it had.
    let needed = ["id", "slug", "name", "state", "kind", "protocol", "lifecycle", "dpa_status"].contains(&name);
    match column(name) {
        Column::Text if needed => text().prop_map(Value::from).boxed(),
        Column::Text => option::of(text()).prop_map(Value::from).boxed(),
        Column::Date => option::of(Just("2026-12-31")).prop_map(Value::from).boxed(),
        Column::Number => option::of(any::<i64>()).prop_map(Value::from).boxed(),
        Column::List => collection::vec("[=+'@-]?[a-z0-9_.-]{1,8}", 0..4).prop_map(Value::from).boxed(),
        Column::Json => collection::vec((text(), option::of(any::<i32>())), 0..3)
            .prop_map(|parts| parts.into_iter().map(|(text, n)| json!({ "text": text, "n": n })).collect())
            .boxed(),
    }
}

fn record() -> impl Strategy<Value = Map<String, Value>> {
    let values: Vec<_> = SAMPLE.columns.iter().map(|name| value(name)).collect();
    values.prop_map(|values| SAMPLE.columns.iter().map(|name| (*name).to_owned()).zip(values).collect())
}

fn back(notation: Notation, bytes: &[u8]) -> Vec<Map<String, Value>> {
    let deadline = crate::foreign::Deadline::within(std::time::Duration::from_mins(1));
    let (rows, _) = parse(&SAMPLE, notation, bytes, &deadline).expect("a file");
    rows.into_iter().map(|(_, fields)| fields.expect("a row")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn rows_come_back_as_they_were(rows in collection::vec(record(), 1..8)) {
        let records: Vec<Value> = rows.iter().cloned().map(Value::Object).collect();
        let csv = csv_text(&SAMPLE, &records, Header::Written, Layout::default()).expect("written");
        prop_assert_eq!(&back(Notation::Csv, &csv), &rows);
        let lines: Vec<String> = records.iter().map(Value::to_string).collect();
        prop_assert_eq!(&back(Notation::Ndjson, lines.join("\n").as_bytes()), &rows);
    }
}
