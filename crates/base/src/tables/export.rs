//! A table out, page by page: exactly what a filter shows.

use serde_json::Value;
use uuid::Uuid;

use super::{Notation, Reading, Table, cells};
use crate::{
    actor::Actor,
    app::App,
    audit,
    error::Error,
    lists::{self, Query, Spec},
};

/// An export under way.
#[derive(Debug)]
pub struct Exporter {
    table: &'static Table,
    notation: Notation,
    pairs: Vec<(String, String)>,
    cursor: Option<String>,
    layout: Layout,
    begun: bool,
    done: bool,
}

/// How a CSV file is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// What separates cells: a comma, or a semicolon where the reader's spreadsheet expects one.
    pub delimiter: u8,
    /// Whether a byte order mark comes first, by which some spreadsheets recognise UTF-8.
    pub byte_order_mark: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self { delimiter: b',', byte_order_mark: false }
    }
}

impl Exporter {
    /// Checks the filter and records that somebody takes data away.
    pub async fn begin(
        app: &App,
        actor: &Actor,
        table: &'static Table,
        notation: Notation,
        pairs: &[(String, String)],
        layout: Layout,
    ) -> Result<Self, Error> {
        let kept = |name: &str| !["limit", "cursor", "facets", "total"].contains(&name);
        let mut pairs: Vec<(String, String)> = pairs.iter().filter(|(name, _)| kept(name)).cloned().collect();
        Query::parse(table.spec, &pairs, &[])?;
        let filter = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let format = if notation == Notation::Csv { "csv" } else { "ndjson" };
        audit::ops::exported(app, actor, table.key, &filter, format).await?;
        pairs.push(("limit".into(), "200".into()));
        Ok(Self { table, notation, pairs, cursor: None, layout, begun: false, done: false })
    }

    /// The next part of the file; `None` at its end.
    pub async fn next_chunk(&mut self, app: &App, actor: &Actor) -> Result<Option<Vec<u8>>, Error> {
        if self.done {
            return Ok(None);
        }
        let mut pairs = self.pairs.clone();
        pairs.extend(self.cursor.take().map(|cursor| ("cursor".to_owned(), cursor)));
        let query = Query::parse(self.table.spec, &pairs, &[])?;
        let (records, next) = (self.table.read)(app, actor, self.table, &query).await?;
        self.done = next.is_none();
        self.cursor = next;
        match self.notation {
            Notation::Ndjson => Ok(Some(ndjson(&records)?)),
            Notation::Csv => Ok(Some(self.csv(&records)?)),
        }
    }

    fn csv(&mut self, records: &[Value]) -> Result<Vec<u8>, Error> {
        let header = if std::mem::replace(&mut self.begun, true) { Header::Left } else { Header::Written };
        csv_text(self.table, records, header, self.layout)
    }
}

/// Whether the names of the columns come first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    Written,
    Left,
}

/// Records as the lines of a CSV file.
pub(super) fn csv_text(
    table: &'static Table,
    records: &[Value],
    header: Header,
    layout: Layout,
) -> Result<Vec<u8>, Error> {
    let mark: &[u8] = if layout.byte_order_mark && header == Header::Written { b"\xef\xbb\xbf" } else { b"" };
    let mut writer = csv::WriterBuilder::new().delimiter(layout.delimiter).from_writer(mark.to_vec());
    let names = || table.columns.iter().chain(table.derived);
    if header == Header::Written {
        writer.write_record(names()).map_err(Error::internal)?;
    }
    for record in records {
        let cell = |name: &&str| cells::to_cell(record.get(*name).unwrap_or(&Value::Null), cells::column(name));
        writer.write_record(names().map(cell)).map_err(Error::internal)?;
    }
    writer.into_inner().map_err(|error| Error::internal(error.error()))
}

#[derive(sqlx::FromRow)]
struct Id {
    id: Uuid,
}

/// A page of a table whose rows go out as the list shows them.
pub fn rows<'a, R>(app: &'a App, actor: &'a Actor, table: &'static Table, query: &'a Query) -> Reading<'a>
where
    R: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin + serde::Serialize + 'static,
{
    Box::pin(rows_of::<R>(app, actor, table.spec, query))
}

/// The same, of a list that depends on who asks.
pub async fn rows_of<R>(
    app: &App,
    actor: &Actor,
    spec: &'static Spec,
    query: &Query,
) -> Result<(Vec<Value>, Option<String>), Error>
where
    R: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin + serde::Serialize + 'static,
{
    let page = lists::ops::list::<R>(app, actor, spec, query).await?;
    Ok((values(&page.rows)?, page.next))
}

/// A page of a table whose records go out whole: `get` reads those with these ids, in their order.
pub async fn whole<R: serde::Serialize>(
    app: &App,
    actor: &Actor,
    table: &'static Table,
    query: &Query,
    get: impl AsyncFnOnce(&[Uuid]) -> Result<Vec<R>, Error>,
) -> Result<(Vec<Value>, Option<String>), Error> {
    let page = lists::ops::list::<Id>(app, actor, table.spec, query).await?;
    let ids: Vec<Uuid> = page.rows.into_iter().map(|row| row.id).collect();
    Ok((values(&get(&ids).await?)?, page.next))
}

fn values<R: serde::Serialize>(records: &[R]) -> Result<Vec<Value>, Error> {
    records.iter().map(|record| serde_json::to_value(record).map_err(Error::internal)).collect()
}

fn ndjson(records: &[Value]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for record in records {
        serde_json::to_writer(&mut out, record).map_err(Error::internal)?;
        out.push(b'\n');
    }
    Ok(out)
}
