//! Lists: closed sets of filters and sorts, keyset pages, facets that follow the other filters,
//! full-text search and, where that finds nothing, a search that forgives typing errors.

mod kept;
pub mod ops;
mod query;
mod source;
mod sql;

use serde::Serialize;
use utoipa::ToSchema;

pub use kept::FacetCache;
pub use query::Query;
pub use sql::{facets, page, total};

/// One list: where its rows come from and what may be asked of it. All SQL in it is constant, but for
/// `{today}`, which stands for the day of the question.
#[derive(Debug)]
pub struct Spec {
    /// The records' word.
    pub kind: &'static str,
    /// The `from` clause; the main table is `t` and has `id`. A join adds exactly one row's columns, so
    /// that it can be left out where nothing mentions it.
    pub from: &'static str,
    /// The select list of a row.
    pub columns: &'static str,
    /// What can be filtered.
    pub filters: &'static [Filter],
    /// What can be sorted by; the first is the default.
    pub sorts: &'static [Sort],
}

/// One filter; several values of it are alternatives.
#[derive(Debug)]
pub struct Filter {
    /// Its name in URLs, as the field's.
    pub name: &'static str,
    /// What people read.
    pub label: &'static str,
    /// What is compared.
    pub test: Test,
    /// Whether its values are counted beside the list, and how people read them.
    pub values: Values,
}

/// The values of a filter beside a list.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// They are not counted.
    NotCounted,
    /// Counted; keys, which people read as words.
    Words,
    /// Counted, and shown as they are.
    Verbatim,
    /// Counted, and shown as this says.
    Read(fn(&str) -> String),
}

impl Filter {
    /// One whose values are counted beside the list.
    pub const fn facet(name: &'static str, label: &'static str, test: Test) -> Self {
        Self { name, label, test, values: Values::Words }
    }

    /// Whether its values are counted beside the list.
    pub fn is_counted(&self) -> bool {
        !matches!(self.values, Values::NotCounted)
    }

    /// One whose values are counted beside the list and shown as they are.
    pub const fn verbatim(name: &'static str, label: &'static str, test: Test) -> Self {
        Self { name, label, test, values: Values::Verbatim }
    }

    /// One that is asked for by URL or form alone.
    pub const fn plain(name: &'static str, label: &'static str, test: Test) -> Self {
        Self { name, label, test, values: Values::NotCounted }
    }
}

/// How a filter looks at a row.
#[derive(Debug)]
pub enum Test {
    /// A text expression equals one of the values.
    Equals(&'static str),
    /// The same; the second expression is what people read for the value.
    Named(&'static str, &'static str),
    /// A text array holds one of the values.
    Overlaps(&'static str),
    /// A date expression lies before the value.
    Before(&'static str),
    /// A date expression lies on or after the value.
    From(&'static str),
    /// A date expression lies more than that many days before today.
    OlderThan(&'static str),
    /// A dotted key is the value or below it.
    Below(&'static str),
    /// A whole condition, with `{values}` for the array of values; it finds the few rows by index
    /// where a look at each row would cost.
    Within(&'static str),
}

impl Test {
    /// Its SQL.
    fn sql(&self) -> &'static str {
        match self {
            Self::Equals(sql)
            | Self::Named(sql, _)
            | Self::Overlaps(sql)
            | Self::Before(sql)
            | Self::From(sql)
            | Self::OlderThan(sql)
            | Self::Below(sql)
            | Self::Within(sql) => sql,
        }
    }
}

/// One way to sort: a non-null column with an index on (column, id).
#[derive(Debug, Clone, Copy)]
pub struct Sort {
    /// Its name in URLs.
    pub name: &'static str,
    /// The column.
    pub column: &'static str,
    /// Its type, to read the cursor back.
    pub cast: &'static str,
    /// What people read.
    pub label: &'static str,
}

/// The two sorts that every list has.
pub const NAME_AND_TIME: &[Sort] = &[
    Sort { name: "name", column: "t.sort_key", cast: "text", label: "Name" },
    Sort { name: "updated_at", column: "t.updated_at", cast: "timestamptz", label: "Last change" },
];

/// One page of rows.
#[derive(Debug, Clone)]
pub struct Page<R> {
    /// The rows, at most as many as asked for.
    pub rows: Vec<R>,
    /// The cursor of the next page, where there is one.
    pub next: Option<String>,
    /// Whether nothing matched the words and these are names spelled alike.
    pub alike: bool,
}

/// A count that is exact up to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count(pub i64);

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 > 10_000 {
            return f.write_str("10,000+");
        }
        if self.0 >= 1000 {
            return write!(f, "{},{:03}", self.0 / 1000, self.0 % 1000);
        }
        write!(f, "{}", self.0)
    }
}

/// How the rows of a list divide by one filter, given all other filters.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Facet {
    /// The filter's name.
    pub name: String,
    /// What people read.
    pub label: String,
    /// Its values, most frequent first.
    pub values: Vec<FacetValue>,
}

/// One value of a facet.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FacetValue {
    /// The value, as the filter takes it.
    pub value: String,
    /// What people read.
    pub label: String,
    /// Rows with it; 10,001 stands for more than 10,000.
    pub count: i64,
    /// Whether the filter asks for it now.
    pub selected: bool,
}

impl FacetValue {
    /// The count as people read it.
    pub fn shown(&self) -> Count {
        Count(self.count)
    }
}

/// Whether facets are of the names spelled alike instead of the words' matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alike {
    /// Of what the words match.
    No,
    /// Of names spelled alike.
    Yes,
}
