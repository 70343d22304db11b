//! One list page for every kind of record.

use askama::Template;
use axum::response::Response;
use sqlx::{FromRow, postgres::PgRow};

use super::{Shell, html, view::exact};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    listing, telemetry,
};
use base::{
    error::Error,
    lists::{self, Alike, Count, Facet, Query, Spec},
    tables::{Layout, Notation, Table},
};
use governance::approvals::{self, SavedView};
use identity::{Actor, GroupKind, Role};

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
    pub id: Option<String>,
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
    /// The same cell of a row that can be chosen.
    #[must_use]
    pub fn of(self, id: uuid::Uuid) -> Self {
        Self { id: Some(id.to_string()), ..self }
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
        Some(at) => Cell { title: Some(exact(at)), ..Cell::badge("active", "Verified") },
        None => Cell::badge("draft", "Unverified"),
    }
}

/// `active` or `retired` as a cell.
pub fn state(state: &str) -> Cell {
    Cell::badge(if state == "active" { "active" } else { "over" }, base::words::label(state))
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

/// What some lists have besides.
#[derive(Debug, Default)]
pub struct Extras {
    /// The word under which views of it are saved.
    pub views: Option<&'static str>,
    /// What can be done with chosen rows: label and address.
    pub bulk: Option<(&'static str, &'static str)>,
    /// What stands above the table, rendered.
    pub above: Option<super::charts::YearStrip>,
    /// Columns that are shown only when they are chosen, by their keys.
    pub quiet: &'static [&'static str],
}

/// A column that may be shown or not.
#[derive(Debug)]
pub struct Choosable {
    pub key: String,
    pub label: &'static str,
    pub chosen: bool,
}

/// A list as the template shows it.
#[derive(Debug)]
pub struct ListView {
    pub title: &'static str,
    pub path: &'static str,
    pub q: String,
    pub columns: Vec<&'static Column>,
    pub choosable: Vec<Choosable>,
    pub rows: Vec<Vec<Cell>>,
    pub views: Vec<SavedView>,
    pub teams: Vec<(String, String)>,
    pub extras: Extras,
    pub for_everyone: bool,
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
    me: Option<uuid::Uuid>,
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

impl ListView {
    /// The present question without its columns and page, for forms that change the columns.
    pub fn kept(&self) -> Vec<(String, String)> {
        self.pairs.iter().filter(|(key, _)| !["columns", "cursor", "note"].contains(&key.as_str())).cloned().collect()
    }

    /// Whether the view is this person's own.
    pub fn is_mine(&self, view: &SavedView) -> bool {
        self.me == Some(view.owner_id)
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
    let asked = Asked { pairs, spec, frame, extras: Extras::default() };
    show_with(web, signed, asked, cells).await
}

/// A list that is asked for.
pub struct Asked<'a> {
    pub pairs: &'a Pairs,
    pub spec: &'static Spec,
    pub frame: Frame,
    pub extras: Extras,
}

/// The columns to show, and which could be.
fn columns(frame: &Frame, extras: &Extras, pairs: &Pairs) -> (Vec<usize>, Vec<Choosable>) {
    // From a form each key comes on its own; in a link they are joined.
    let keys = pairs.0.iter().filter(|(name, _)| name == "columns").flat_map(|(_, keys)| keys.split(','));
    let keys: Vec<&str> = keys.collect();
    let asked = if keys.is_empty() { None } else { Some(keys) };
    let (mut shown, mut choosable) = (vec![0], Vec::new());
    for (n, column) in frame.columns.iter().enumerate().skip(1) {
        let key = base::text::slug(column.label, "column");
        let chosen = match &asked {
            Some(keys) => keys.contains(&key.as_str()),
            None => !extras.quiet.contains(&key.as_str()),
        };
        if chosen {
            shown.push(n);
        }
        choosable.push(Choosable { key, label: column.label, chosen });
    }
    (shown, choosable)
}

/// The same with what some lists have besides.
pub async fn show_with<R>(
    web: &Web,
    signed: &Signed,
    asked: Asked<'_>,
    cells: impl Fn(R) -> Vec<Cell>,
) -> Result<Response, PageError>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let Asked { pairs, spec, frame, extras } = asked;
    let query = Query::parse(spec, &pairs.0, &["note", "columns"])?;
    let page = lists::ops::list::<R>(&web.app, &signed.actor, spec, &query).await?;
    let alike = if page.alike { Alike::Yes } else { Alike::No };
    let counted = lists::ops::list_facets(&web.app, &signed.actor, spec, &query, alike).await?;
    let (total, facets) = (counted.0, counted.1.clone());
    let shell = Shell::new(web, signed, frame.path, frame.title, pairs).await?;
    let filtered = facets
        .iter()
        .flat_map(|facet| facet.values.iter().filter(|value| value.selected))
        .map(|value| value.label.to_lowercase())
        .collect::<Vec<_>>();
    let asked = query.q.is_some() || !query.filters.is_empty();
    let (shown, choosable) = columns(&frame, &extras, pairs);
    let pick = |row: Vec<Cell>| -> Vec<Cell> {
        row.into_iter().enumerate().filter(|(n, _)| shown.contains(n)).map(|(_, cell)| cell).collect()
    };
    let views = match extras.views {
        Some(list) => approvals::ops::views(&web.app, &signed.actor, Some(list)).await?,
        None => Vec::new(),
    };
    let main = frame.actions.iter().find(|action| action.main).cloned();
    let list = ListView {
        title: frame.title,
        path: frame.path,
        q: query.q.clone().unwrap_or_default(),
        columns: shown.iter().map(|n| &frame.columns[*n]).collect(),
        choosable: if extras.views.is_some() { choosable } else { Vec::new() },
        rows: page.rows.into_iter().map(|row| pick(cells(row))).collect(),
        teams: teams(web, signed, &extras).await?,
        for_everyone: signed
            .actor
            .authority
            .roles
            .iter()
            .any(|role| matches!(role, Role::GovernanceLead | Role::Admin)),
        me: signed.actor.person(),
        views,
        extras,
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

/// The teams that somebody may save a view for.
async fn teams(web: &Web, signed: &Signed, extras: &Extras) -> Result<Vec<(String, String)>, Error> {
    if extras.views.is_none() || signed.actor.authority.teams.is_empty() {
        return Ok(Vec::new());
    }
    let groups =
        identity::ops::get_groups(&web.app, &signed.actor, GroupKind::Team, &signed.actor.authority.teams).await?;
    Ok(groups.into_iter().map(|group| (group.content.slug, group.content.name)).collect())
}

/// Filters that have no check boxes stay in force while others change.
fn hidden(spec: &Spec, query: &Query) -> Vec<(String, String)> {
    let quiet = query.filters.iter().filter(|(index, _)| !spec.filters[*index].is_counted());
    quiet
        .flat_map(|(index, values)| values.iter().map(|value| (spec.filters[*index].name.to_owned(), value.clone())))
        .collect()
}

fn sorts(spec: &Spec, query: &Query) -> Vec<SortOption> {
    let mut options = Vec::new();
    for sort in spec.sorts {
        let (up, down) = match sort.cast {
            "timestamptz" => ("oldest first", "newest first"),
            "date" => ("soonest first", "latest first"),
            _ => ("A to Z", "Z to A"),
        };
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
pub async fn export(web: &Web, actor: &Actor, table: &'static Table, pairs: &Pairs) -> Result<Response, PageError> {
    let notation = if pairs.get("format") == Some("ndjson") { Notation::Ndjson } else { Notation::Csv };
    let own = ["format", "note", "columns", "byte_order_mark"];
    let kept: Vec<(String, String)> =
        pairs.0.iter().filter(|(name, _)| !own.contains(&name.as_str())).cloned().collect();
    let layout = Layout {
        delimiter: if telemetry::noted_decimal_comma() { b';' } else { b',' },
        byte_order_mark: pairs.get("byte_order_mark") == Some("yes"),
    };
    Ok(listing::export(web, actor, table, notation, &kept, layout).await?)
}
