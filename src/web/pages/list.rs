//! One list page for every kind of record.

use askama::Template;
use axum::response::Response;
use sqlx::{FromRow, postgres::PgRow};

use super::{Shell, html};
use crate::{
    catalog,
    identity::Actor,
    imports::tables::{Notation, TableKind},
    lists::{Alike, Count, Facet, Query, Spec},
    web::{
        Web,
        error::PageError,
        extract::{Pairs, Signed},
        listing,
    },
};

/// A link with a label.
#[derive(Debug, Clone)]
pub struct Link {
    pub label: String,
    pub href: String,
    pub main: bool,
}

impl Link {
    /// The page's primary action.
    pub fn main(label: &str, href: &str) -> Self {
        Self { label: label.into(), href: href.into(), main: true }
    }
    /// Another action.
    pub fn other(label: &str, href: &str) -> Self {
        Self { label: label.into(), href: href.into(), main: false }
    }
}

/// A column's head.
#[derive(Debug)]
pub struct Column {
    pub label: &'static str,
    pub class: &'static str,
}

/// A cell of a table.
#[derive(Debug, Default)]
pub struct Cell {
    pub kind: String,
    pub text: String,
    pub class: String,
    pub sub: Option<String>,
    pub href: Option<String>,
    pub title: Option<String>,
    pub list: Vec<String>,
    pub td: &'static str,
}

impl Cell {
    /// Plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
    /// The row's name, which is its link.
    pub fn name(text: &str, href: String, sub: Option<String>) -> Self {
        Self { kind: "strong".into(), text: text.into(), href: Some(href), sub, ..Self::default() }
    }
    /// A state by word and shape.
    pub fn badge(class: &str, text: impl Into<String>) -> Self {
        Self { kind: "badge".into(), class: class.into(), text: text.into(), ..Self::default() }
    }
    /// A sensitivity as bars.
    pub fn level(level: u8, text: impl Into<String>) -> Self {
        Self { kind: "level".into(), class: format!("l{level}"), text: text.into(), ..Self::default() }
    }
    /// A few words in boxes.
    pub fn chips(list: Vec<String>) -> Self {
        Self { kind: "chips".into(), list, ..Self::default() }
    }
    /// Something of less weight, with what a hover says.
    pub fn soft(text: impl Into<String>, title: Option<String>) -> Self {
        Self { kind: "soft".into(), text: text.into(), title, ..Self::default() }
    }
    /// A number, to the right.
    pub fn number(n: i64) -> Self {
        Self { kind: "num".into(), text: Count(n).to_string(), td: "num", ..Self::default() }
    }
    /// Something typed by machines.
    pub fn mono(text: impl Into<String>) -> Self {
        Self { kind: "mono".into(), text: text.into(), ..Self::default() }
    }
}

/// Whether a record has been verified, as a cell.
pub fn verified(at: Option<chrono::DateTime<chrono::Utc>>) -> Cell {
    match at {
        Some(at) => Cell { title: Some(at.to_rfc3339()), ..Cell::badge("active", "Verified") },
        None => Cell::badge("draft", "Unverified"),
    }
}

/// `active` or `retired` as a cell.
pub fn state(state: &str) -> Cell {
    Cell::badge(if state == "active" { "active" } else { "over" }, crate::words::label(state))
}

/// A sort on offer.
#[derive(Debug)]
pub struct SortOption {
    pub value: String,
    pub label: String,
    pub selected: bool,
}

/// What a kind of list says of itself.
pub struct Frame {
    pub title: &'static str,
    pub path: &'static str,
    pub noun: &'static str,
    pub columns: &'static [Column],
    pub actions: Vec<Link>,
    pub empty_text: &'static str,
}

/// A list as the template shows it.
#[derive(Debug)]
pub struct ListView {
    pub title: &'static str,
    pub path: &'static str,
    pub q: String,
    pub columns: &'static [Column],
    pub rows: Vec<Vec<Cell>>,
    pub facets: Vec<Facet>,
    pub sorts: Vec<SortOption>,
    pub hidden: Vec<(String, String)>,
    pub next: Option<String>,
    pub paged: bool,
    pub alike: bool,
    pub actions: Vec<Link>,
    pub empty_title: String,
    pub empty_text: String,
    pub empty_action: Option<Link>,
    total: Count,
    noun: &'static str,
    filtered: Vec<String>,
    pairs: Vec<(String, String)>,
}

impl ListView {
    /// `21 vendors · tier 1`.
    pub fn summary(&self) -> String {
        let noun = if self.total.0 == 1 { self.noun.strip_suffix('s').unwrap_or(self.noun) } else { self.noun };
        let mut parts = vec![format!("{} {noun}", self.total)];
        parts.extend(self.filtered.iter().cloned());
        parts.join(" · ")
    }

    /// The present question with one name set.
    pub fn query_with(&self, name: &str, value: &str) -> String {
        let kept = self.pairs.iter().filter(|(key, _)| key != name && key != "note" && key != "cursor");
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).append_pair(name, value).finish()
    }

    /// The present question without a name.
    pub fn query_without(&self, name: &str) -> String {
        let kept = self.pairs.iter().filter(|(key, _)| key != name && key != "note");
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
    }
}

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    shell: Shell,
    list: ListView,
}

/// Answers a list page.
pub async fn show<R>(
    web: &Web,
    signed: &Signed,
    pairs: &Pairs,
    spec: &'static Spec,
    frame: Frame,
    cells: impl Fn(R) -> Vec<Cell>,
) -> Result<Response, PageError>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let query = Query::parse(spec, &pairs.0, &["note"])?;
    let page = catalog::ops::list::<R>(&web.app, &signed.actor, spec, &query).await?;
    let alike = if page.alike { Alike::Yes } else { Alike::No };
    let counted = catalog::ops::list_facets(&web.app, &signed.actor, spec, &query, alike).await?;
    let (total, facets) = (counted.0, counted.1.clone());
    let shell = Shell::new(web, signed, frame.path, frame.title, pairs).await?;
    let filtered = facets
        .iter()
        .flat_map(|facet| facet.values.iter().filter(|value| value.selected))
        .map(|value| value.label.to_lowercase())
        .collect::<Vec<_>>();
    let asked = query.q.is_some() || !query.filters.is_empty();
    let main = frame.actions.iter().find(|action| action.main).cloned();
    let list = ListView {
        title: frame.title,
        path: frame.path,
        q: query.q.clone().unwrap_or_default(),
        columns: frame.columns,
        rows: page.rows.into_iter().map(cells).collect(),
        hidden: hidden(spec, &query),
        facets,
        sorts: sorts(spec, &query),
        next: page.next,
        paged: pairs.get("cursor").is_some(),
        alike: page.alike,
        actions: frame.actions,
        empty_title: if asked { format!("No {} fit", frame.noun) } else { format!("No {} yet", frame.noun) },
        empty_text: if asked { "Take a filter away, or look for other words.".into() } else { frame.empty_text.into() },
        empty_action: if asked { None } else { main },
        total,
        noun: frame.noun,
        filtered,
        pairs: pairs.0.clone(),
    };
    html(&ListPage { shell, list })
}

/// Filters that have no check boxes stay in force while others change.
fn hidden(spec: &Spec, query: &Query) -> Vec<(String, String)> {
    let quiet = query.filters.iter().filter(|(index, _)| !spec.filters[*index].facet);
    quiet
        .flat_map(|(index, values)| values.iter().map(|value| (spec.filters[*index].name.to_owned(), value.clone())))
        .collect()
}

fn sorts(spec: &Spec, query: &Query) -> Vec<SortOption> {
    let mut options = Vec::new();
    for sort in spec.sorts {
        let (up, down) =
            if sort.cast == "timestamptz" { ("oldest first", "newest first") } else { ("A to Z", "Z to A") };
        for (descending, words) in [(false, up), (true, down)] {
            let sign = if descending { "-" } else { "" };
            options.push(SortOption {
                value: format!("{sign}{}", sort.name),
                label: format!("{}, {words}", sort.label),
                selected: query.sort == sort.name && query.descending == descending,
            });
        }
    }
    options
}

/// Answers `…/export?format=`: exactly what the list's filter shows.
pub async fn export(web: &Web, actor: &Actor, table: TableKind, pairs: &Pairs) -> Result<Response, PageError> {
    let notation = if pairs.get("format") == Some("ndjson") { Notation::Ndjson } else { Notation::Csv };
    let kept: Vec<(String, String)> =
        pairs.0.iter().filter(|(name, _)| name != "format" && name != "note").cloned().collect();
    Ok(listing::export(web, actor, table, notation, &kept).await?)
}
