//! Tables in and out as CSV and NDJSON. NDJSON is lossless; a CSV cell that a spreadsheet would run is escaped on the
//! way out and read back on the way in. Each feature declares its tables; `house` lists them.

mod cells;
mod csv_file;
mod export;
mod import;
#[cfg(test)]
mod round_trip;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

pub use cells::{escape, unescape};
pub use export::{Exporter, Layout, rows, rows_of, whole};
pub use import::{Mode, Report, RowReport, import};

use crate::{
    actor::{Actor, Permission},
    app::App,
    audit::Event,
    db::{Open, WriteTx},
    error::Error,
    lists::{Query, Spec},
};

/// A table: a list that can be exported as a whole and, where the feature says how, imported.
#[derive(Debug)]
pub struct Table {
    /// Its word in URLs.
    pub key: &'static str,
    /// Its word on the command line.
    pub command: &'static str,
    /// The list whose filters choose the rows.
    pub spec: &'static Spec,
    /// Its columns: the id, then what an import takes.
    pub columns: &'static [&'static str],
    /// Columns that an export adds and an import ignores, because they follow from the others.
    pub derived: &'static [&'static str],
    /// Reads one page of it as JSON objects, and the cursor of the next page.
    pub read: Read,
    /// How a row comes in; none for a table that can only be exported.
    pub import: Option<Import>,
}

/// Reads one page of a table.
pub type Read = for<'a> fn(&'a App, &'a Actor, &'static Table, &'a Query) -> Reading<'a>;

/// Saves one row of a table: its keys, then its fields.
pub type Save = for<'a> fn(&'a App, &'a mut WriteTx<Open>, &'a [String], Map<String, Value>) -> Saving<'a>;

/// A page of a table: its records, and the cursor of the next page.
pub type Reading<'a> = BoxFuture<'a, Result<(Vec<Value>, Option<String>), Error>>;

/// What saving a row did: its events, and whether the record is new.
pub type Saving<'a> = BoxFuture<'a, Result<(Vec<Event>, bool), Error>>;

/// How the rows of a table come in.
#[derive(Debug)]
pub struct Import {
    /// What the person who imports needs.
    pub permission: Permission,
    /// Saves one row: its fields over the record that one of the keys (ids and slugs) names, else as a new record.
    pub save: Save,
    /// What is done once all rows are committed.
    pub applied: fn(&App),
}

impl Table {
    /// Whether it has this column, given or derived.
    fn has(&self, name: &str) -> bool {
        self.columns.contains(&name) || self.derived.contains(&name)
    }
}

/// The tables of all features.
#[derive(Debug)]
pub struct Tables(pub Vec<&'static Table>);

impl Tables {
    /// The table that can be imported under this word of a URL. Another one is refused, naming those that can.
    pub fn importable(&self, key: &str) -> Result<&'static Table, Error> {
        let all = || self.0.iter().copied().filter(|table| table.import.is_some());
        all().find(|table| table.key == key).ok_or_else(|| {
            let keys: Vec<&str> = all().map(|table| table.key).collect();
            Error::field("/kind", format!("'{key}' is not one of {}.", keys.join(", ")))
        })
    }
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// RFC 4180 with a header.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

/// The notation that a file's name says.
pub fn notation(name: &str) -> Notation {
    let extension = std::path::Path::new(name).extension().unwrap_or_default();
    if extension.eq_ignore_ascii_case("ndjson") || extension.eq_ignore_ascii_case("jsonl") {
        Notation::Ndjson
    } else {
        Notation::Csv
    }
}
