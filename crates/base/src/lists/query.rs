//! What was asked of a list, and the cursor that binds a page to it.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Sort, Spec, Test};
use crate::error::{Error, FieldErrors};

/// Rows of a page where nothing is said, and at most.
const LIMIT: i64 = 50;
const MOST: i64 = 500;

/// A checked question to a list.
#[derive(Debug, Clone)]
pub struct Query {
    /// The words searched for.
    pub q: Option<String>,
    /// Filter by index into the list's filters, with the values asked for.
    pub filters: Vec<(usize, Vec<String>)>,
    /// The sort's name.
    pub sort: &'static str,
    /// Whether the sort runs down.
    pub descending: bool,
    /// Rows at most.
    pub limit: i64,
    /// The day of the question, in the organisation's time zone.
    pub today: Option<chrono::NaiveDate>,
    pub(super) cursor: Option<Cursor>,
    pub(super) column: &'static str,
    pub(super) cast: &'static str,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Cursor {
    pub key: String,
    pub id: Uuid,
    #[serde(default)]
    pub alike: bool,
    bound: String,
}

impl Query {
    /// Reads the pairs of a URL's query. Every unknown name and wrong value is named; `besides`
    /// lists names that the caller reads itself.
    pub fn parse(spec: &'static Spec, pairs: &[(String, String)], besides: &[&str]) -> Result<Self, Error> {
        let mut errors = FieldErrors::new();
        let first = &spec.sorts[0];
        let mut query = Self {
            q: None,
            filters: Vec::new(),
            sort: first.name,
            descending: false,
            limit: LIMIT,
            today: None,
            cursor: None,
            column: first.column,
            cast: first.cast,
        };
        let mut cursor = None;
        for (name, value) in pairs.iter().filter(|(_, value)| !value.trim().is_empty()) {
            match name.as_str() {
                "q" => query.q = Some(crate::text::clip(value.trim(), 200).to_owned()),
                "cursor" => cursor = Some(value),
                "sort" => match find_sort(spec, value) {
                    Some((sort, descending)) => {
                        (query.sort, query.column, query.cast) = (sort.name, sort.column, sort.cast);
                        query.descending = descending;
                    }
                    None => errors.add(
                        "/sort",
                        format!(
                            "'{value}' is no sort here. Use one of {}, with - before it to reverse.",
                            sort_names(spec)
                        ),
                    ),
                },
                "limit" => match value.parse() {
                    Ok(limit) if (1..=MOST).contains(&limit) => query.limit = limit,
                    _ => errors.add("/limit", "Give a number from 1 to 500."),
                },
                other => query.add_filter(spec, other, value, besides, &mut errors),
            }
        }
        if let Some(text) = cursor {
            match query.read_cursor(spec, text) {
                Some(cursor) => query.cursor = Some(cursor),
                None => errors.add("/cursor", "This cursor belongs to another question. Start again without it."),
            }
        }
        errors.finish()?;
        Ok(query)
    }

    fn add_filter(&mut self, spec: &Spec, name: &str, value: &str, besides: &[&str], errors: &mut FieldErrors) {
        let Some(index) = spec.filters.iter().position(|filter| filter.name == name) else {
            if !besides.contains(&name) {
                let names: Vec<&str> = spec.filters.iter().map(|filter| filter.name).collect();
                errors.add(
                    format!("/{name}"),
                    format!("There is no such filter. Use q, sort, limit, cursor or one of {}.", names.join(", ")),
                );
            }
            return;
        };
        let fault = match spec.filters[index].test {
            Test::Before(_) | Test::From(_) if value.parse::<chrono::NaiveDate>().is_err() => {
                Some("Give a date, such as 2027-01-31.")
            }
            Test::OlderThan(_) if value.parse::<u16>().is_err() => Some("Give a number of days, such as 180."),
            _ => None,
        };
        if let Some(fault) = fault {
            errors.add(format!("/{name}"), fault);
            return;
        }
        let value = crate::text::clip(value, 300).to_owned();
        match self.filters.iter_mut().find(|(known, _)| *known == index) {
            Some((_, values)) => values.push(value),
            None => self.filters.push((index, vec![value])),
        }
    }

    /// The same question asked on a day.
    #[must_use]
    pub fn on(mut self, today: chrono::NaiveDate) -> Self {
        self.today = Some(today);
        self
    }

    /// What the question is, without its page: what totals and facets depend on.
    pub fn subject(&self, spec: &Spec) -> String {
        let mut filters = self.filters.clone();
        filters.sort();
        format!("{} {:?} {filters:?} {:?}", spec.kind, self.q, self.today)
    }

    /// The values asked for of a filter.
    pub fn values(&self, spec: &Spec, name: &str) -> &[String] {
        self.filters.iter().find(|(index, _)| spec.filters[*index].name == name).map_or(&[], |(_, values)| values)
    }

    /// The cursor after a row.
    pub(super) fn cursor_after(&self, spec: &Spec, key: String, id: Uuid, alike: super::Alike) -> String {
        let alike = alike == super::Alike::Yes;
        let cursor = Cursor { key, id, alike, bound: self.binding(spec) };
        BASE64URL_NOPAD.encode(&serde_json::to_vec(&cursor).unwrap_or_default())
    }

    fn read_cursor(&self, spec: &Spec, text: &str) -> Option<Cursor> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let cursor: Cursor = serde_json::from_slice(&bytes).ok()?;
        let readable = self.cast != "timestamptz" || chrono::DateTime::parse_from_rfc3339(&cursor.key).is_ok();
        (cursor.bound == self.binding(spec) && readable && !cursor.key.contains('\0')).then_some(cursor)
    }

    /// What a cursor is bound to: list, words, filters, sort.
    fn binding(&self, spec: &Spec) -> String {
        let mut filters = self.filters.clone();
        filters.sort();
        let text = format!("{} {:?} {filters:?} {} {}", spec.kind, self.q, self.sort, self.descending);
        data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes())[..8])
    }
}

fn find_sort<'a>(spec: &'a Spec, text: &str) -> Option<(&'a Sort, bool)> {
    let (name, descending) = match text.strip_prefix('-') {
        Some(name) => (name, true),
        None => (text, false),
    };
    spec.sorts.iter().find(|sort| sort.name == name).map(|sort| (sort, descending))
}

fn sort_names(spec: &Spec) -> String {
    let names: Vec<&str> = spec.sorts.iter().map(|sort| sort.name).collect();
    names.join(", ")
}
