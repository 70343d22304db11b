//! A table in: every row is tried in one transaction, every error and change is named, and it is
//! committed only when no row is wrong.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    Import, Notation, Table,
    csv_file::{self, Form},
};
use crate::{
    actor::Actor,
    app::App,
    audit::{Change, Event},
    db::{Open, WriteTx},
    error::{Error, FieldError},
    foreign::Deadline,
};

/// Rows of one import at most.
const MOST: usize = 20_000;

/// Whether the rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Only shown.
    Preview,
    /// Written, all or none.
    Apply,
}

/// What an import does or would do.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Report {
    /// Whether it was written.
    pub applied: bool,
    /// New records.
    pub created: usize,
    /// Changed records.
    pub updated: usize,
    /// Records that stay as they are.
    pub unchanged: usize,
    /// Rows with errors.
    pub wrong: usize,
    /// The encoding that the file was read in: `UTF-8`, `UTF-16` or `Windows-1252`.
    pub encoding: String,
    /// What separates its cells: `comma`, `semicolon` or `tab`; null for NDJSON.
    pub delimiter: Option<String>,
    /// Row by row.
    pub rows: Vec<RowReport>,
}

/// What one row does or would do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RowReport {
    /// The row's number; the header of a CSV file is row 1.
    pub row: usize,
    /// The name it gives.
    pub name: String,
    /// `create`, `update`, `unchanged` or `wrong`.
    pub action: String,
    /// Field by field.
    pub changes: Vec<Change>,
    /// What is wrong, with pointers into the row.
    #[schema(value_type = Vec<Object>)]
    pub errors: Vec<FieldError>,
}

/// Reads and tries every row; writes all of them, or none.
pub async fn import(
    app: &App,
    actor: &Actor,
    table: &'static Table,
    notation: Notation,
    bytes: &[u8],
    mode: Mode,
) -> Result<Report, Error> {
    let Some(import) = &table.import else {
        return Err(Error::field("/kind", format!("'{}' can be exported only.", table.key)));
    };
    actor.require(import.permission)?;
    let bytes = bytes.to_vec();
    let (parsed, form) = crate::foreign::read(app, move |deadline| parse(table, notation, &bytes, deadline)).await?;
    let mut tx = app.db.write(actor).await?;
    let mut report =
        Report { encoding: form.encoding.into(), delimiter: form.delimiter.map(str::to_owned), ..Report::default() };
    let mut events = Vec::new();
    for (row, fields) in parsed {
        let line = try_row(app, &mut tx, import, (row, fields), &mut events).await?;
        match line.action.as_str() {
            "create" => report.created += 1,
            "update" => report.updated += 1,
            "unchanged" => report.unchanged += 1,
            _ => report.wrong += 1,
        }
        report.rows.push(line);
    }
    if mode == Mode::Apply && report.wrong == 0 {
        tx.commit_all(events).await?;
        report.applied = true;
        app.forget_counts();
        (import.applied)(app);
    }
    Ok(report)
}

/// A row's number with its fields, or with what keeps it from being read.
pub(super) type ParsedRow = (usize, Result<Map<String, Value>, Vec<FieldError>>);

async fn try_row(
    app: &App,
    tx: &mut WriteTx<Open>,
    import: &Import,
    (row, fields): ParsedRow,
    events: &mut Vec<Event>,
) -> Result<RowReport, Error> {
    let fields = match fields {
        Ok(fields) => fields,
        Err(errors) => return Ok(wrong(row, String::new(), errors)),
    };
    let name = fields.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    tx.savepoint().await?;
    match save(app, tx, import, fields).await {
        Ok((mut done, created)) => {
            let action = match (done.is_empty(), created) {
                (true, _) => "unchanged",
                (false, true) => "create",
                (false, false) => "update",
            };
            let changes = done.last().map(|event| event.changes().to_vec()).unwrap_or_default();
            events.append(&mut done);
            Ok(RowReport { row, name, action: action.into(), changes, errors: Vec::new() })
        }
        Err(Error::Invalid(errors)) => {
            tx.back_to_savepoint().await?;
            Ok(wrong(row, name, errors.as_slice().to_vec()))
        }
        Err(error @ (Error::Conflict(_) | Error::Forbidden(_) | Error::NotFound(_))) => {
            tx.back_to_savepoint().await?;
            Ok(wrong(row, name, vec![FieldError { pointer: String::new(), message: error.to_string() }]))
        }
        Err(other) => Err(other),
    }
}

fn wrong(row: usize, name: String, errors: Vec<FieldError>) -> RowReport {
    RowReport { row, name, action: "wrong".into(), changes: Vec::new(), errors }
}

async fn save(
    app: &App,
    tx: &mut WriteTx<Open>,
    import: &Import,
    mut fields: Map<String, Value>,
) -> Result<(Vec<Event>, bool), Error> {
    let id = fields.remove("id").and_then(|id| id.as_str().map(str::to_owned));
    let slug = fields.get("slug").and_then(Value::as_str).map(str::to_owned);
    let keys: Vec<String> = id.into_iter().chain(slug).collect();
    (import.save)(app, tx, &keys, fields).await
}

pub(super) fn parse(
    table: &Table,
    notation: Notation,
    bytes: &[u8],
    deadline: &Deadline,
) -> Result<(Vec<ParsedRow>, Form), Error> {
    let (text, encoding) = csv_file::decoded(bytes);
    let (rows, delimiter) = match notation {
        Notation::Csv => csv_file::parse(table, &text, deadline).map(|(rows, name)| (rows, Some(name)))?,
        Notation::Ndjson if encoding == "UTF-8" => (parse_ndjson(table, &text), None),
        Notation::Ndjson => return Err(Error::field("/file", "The file is not valid UTF-8. Save it as UTF-8.")),
    };
    if rows.is_empty() {
        return Err(Error::field("/file", "There are no rows in this file."));
    }
    if rows.len() > MOST {
        return Err(Error::TooLarge(format!(
            "These are {} rows; at most {MOST} go in at once. Split the file.",
            rows.len()
        )));
    }
    Ok((rows, Form { encoding, delimiter }))
}

fn parse_ndjson(table: &Table, text: &str) -> Vec<ParsedRow> {
    let known = table.columns;
    let mut rows = Vec::new();
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let fields = match crate::json::from_slice::<Map<String, Value>>(line.as_bytes()) {
            // What an export adds and nobody may set is left out.
            Ok(fields) => Ok(fields.into_iter().filter(|(name, _)| known.contains(&name.as_str())).collect()),
            Err(Error::Invalid(errors)) => Err(errors.as_slice().to_vec()),
            Err(other) => Err(vec![FieldError { pointer: String::new(), message: other.to_string() }]),
        };
        rows.push((n + 1, fields));
    }
    rows
}
