//! The statements of a list, put together from its closed sets.

use std::collections::BTreeMap;

use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, Row, postgres::PgRow};
use uuid::Uuid;

use super::{Count, Facet, FacetValue, Filter, Page, Query, Spec, Test, Values, source::source};
use crate::{error::Error, text};

/// Values of a facet shown at most, besides the selected ones.
const FACET_VALUES: usize = 10;

/// What stands for the words of a query.
#[derive(Clone)]
enum Words {
    None,
    Match(String),
    Alike(Vec<Uuid>),
}

/// One page. Two statements where the words match nothing and names spelled alike are shown.
pub async fn page<R>(conn: &mut PgConnection, spec: &Spec, query: &Query) -> Result<Page<R>, Error>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    if query.cursor.as_ref().is_some_and(|cursor| cursor.alike) {
        let ids = alike(conn, spec, query).await?.unwrap_or_default();
        let page = fetch(conn, spec, query, &Words::Alike(ids)).await?;
        return Ok(Page { alike: true, ..page });
    }
    let words = words(query);
    let found = fetch(conn, spec, query, &words).await?;
    if !found.rows.is_empty() || query.cursor.is_some() {
        return Ok(found);
    }
    let Some(alike) = alike(conn, spec, query).await? else { return Ok(found) };
    let page = fetch(conn, spec, query, &Words::Alike(alike)).await?;
    Ok(Page { alike: !page.rows.is_empty(), ..page })
}

fn words(query: &Query) -> Words {
    match query.q.as_deref() {
        None => Words::None,
        Some(q) => match text::prefix_query(q) {
            Some(terms) => Words::Match(terms),
            // Words without a letter match nothing.
            None => Words::Alike(Vec::new()),
        },
    }
}

async fn fetch<R>(conn: &mut PgConnection, spec: &Spec, query: &Query, words: &Words) -> Result<Page<R>, Error>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let (column, cast) = (query.column, query.cast);
    let key = if cast == "timestamptz" {
        format!("to_char({column} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    } else {
        format!("{column}::text")
    };
    let way = if query.descending { "desc" } else { "asc" };
    let order = format!(" order by {column} {way}, t.id {way}");
    let columns = dated(
        query,
        &format!("select {}, {key} as cursor_key, t.id as cursor_id from {} where ", spec.columns, spec.from),
    );
    let mut rows: Vec<PgRow> = if query.filters.is_empty() && matches!(words, Words::None) {
        let mut sql = QueryBuilder::<Postgres>::new(format!("{columns} t.id = any(array("));
        push_ids(&mut sql, spec, query, words, &order);
        sql.push(format!(")){order}"));
        sql.build().fetch_all(&mut *conn).await?
    } else {
        // How many rows match is known only with the values, so that this plan is made anew; the one
        // for the columns is kept.
        let mut sql = QueryBuilder::<Postgres>::new("");
        push_ids(&mut sql, spec, query, words, &order);
        let found: Vec<Uuid> = sql.build_query_scalar().persistent(false).fetch_all(&mut *conn).await?;
        if found.is_empty() {
            return Ok(Page { rows: Vec::new(), next: None, alike: false });
        }
        let mut sql = QueryBuilder::<Postgres>::new(format!("{columns} t.id = any("));
        sql.push_bind(found).push(format!("){order}"));
        sql.build().fetch_all(&mut *conn).await?
    };
    let more = rows.len() > usize::try_from(query.limit).unwrap_or(usize::MAX);
    if more {
        rows.pop();
    }
    let kind = if matches!(words, Words::Alike(_)) { super::Alike::Yes } else { super::Alike::No };
    let next = match rows.last() {
        Some(last) if more => {
            Some(query.cursor_after(spec, last.try_get("cursor_key")?, last.try_get("cursor_id")?, kind))
        }
        _ => None,
    };
    let rows = rows.iter().map(R::from_row).collect::<Result<Vec<R>, _>>()?;
    Ok(Page { rows, next, alike: false })
}

/// The ids of the page, from the main table where nothing else is asked for: the joins and the columns'
/// own look-ups then run for the rows of the page alone.
fn push_ids(sql: &mut QueryBuilder<Postgres>, spec: &Spec, query: &Query, words: &Words, order: &str) {
    let (column, cast) = (query.column, query.cast);
    sql.push(format!("select t.id from {} where true", needed(spec, query, None, &[column])));
    conditions(sql, spec, query, words, None);
    if let Some(cursor) = &query.cursor {
        let sign = if query.descending { "<" } else { ">" };
        let collate = if cast == "text" { " collate \"C\"" } else { "" };
        sql.push(format!(" and ({column}, t.id) {sign} ("))
            .push_bind(cursor.key.clone())
            .push(format!("::text::{cast}{collate}, "))
            .push_bind(cursor.id)
            .push(")");
    }
    // The limit is a constant: as a parameter the planner takes it for a tenth of the table, finds its
    // plan too dear to keep, and plans each request anew, which costs more than the page.
    sql.push(format!("{order} limit {}", query.limit + 1));
}

/// The tables that a question needs for its words and filters except `leave_out`, and for `besides`.
fn needed(spec: &Spec, query: &Query, leave_out: Option<usize>, besides: &[&str]) -> String {
    let asked = query.filters.iter().filter(|(index, _)| Some(*index) != leave_out);
    let mut expressions: Vec<&str> = asked.map(|(index, _)| spec.filters[*index].test.sql()).collect();
    expressions.extend(besides);
    source(spec.from, &expressions)
}

/// A text with the day of the question in place of `{today}`.
fn dated(query: &Query, sql: &str) -> String {
    let today = query.today.map_or_else(|| "current_date".to_owned(), |day| format!("date '{day}'"));
    sql.replace("{today}", &today)
}

/// Adds what a column is compared with. A single value is compared plainly: an index that is sorted by name serves it.
fn equals(sql: &mut QueryBuilder<Postgres>, named: Option<(&str, &str)>, values: &[String]) {
    match (named, values) {
        (None, [one]) => {
            sql.push_bind(one.clone());
        }
        (None, _) => {
            sql.push("any(").push_bind(values.to_vec()).push(")");
        }
        (Some((kind, table)), [one]) => {
            sql.push("(select ").push(present_slug(kind, table)).push(" from (select ");
            sql.push_bind(one.clone()).push("::text as slug) x)");
        }
        (Some((kind, table)), _) => {
            sql.push("any(array(select ").push(present_slug(kind, table)).push(" from unnest(");
            sql.push_bind(values.to_vec()).push("::text[]) x (slug)))");
        }
    }
}

/// The kind and table of the records that a filter names by slug: one that was renamed or merged is found by the slug
/// that a saved view or a campaign knows.
fn former_slugs(filter: &str, value: &str) -> Option<(&'static str, &'static str)> {
    if value.split('.').nth(1) != Some("slug") {
        return None;
    }
    let record = crate::feature::record(filter)?;
    record.former_slugs.map(|table| (record.kind, table))
}

/// The slug that the record of `x.slug` has today.
fn present_slug(kind: &str, table: &str) -> String {
    format!(
        "coalesce((select r.slug from slug_history h join {table} r on r.id = h.record_id where h.kind = '{kind}'
             and h.slug = x.slug and not exists (select from {table} w where w.slug = x.slug)), x.slug)"
    )
}

/// Adds the words and every filter except `leave_out`.
fn conditions(sql: &mut QueryBuilder<Postgres>, spec: &Spec, query: &Query, words: &Words, leave_out: Option<usize>) {
    match words {
        Words::None => {}
        Words::Match(terms) => {
            sql.push(" and t.search_vector @@ to_tsquery('simple', ").push_bind(terms.clone()).push(")");
        }
        Words::Alike(ids) => {
            sql.push(" and t.id = any(").push_bind(ids.clone()).push(")");
        }
    }
    for (index, values) in query.filters.iter().filter(|(index, _)| Some(*index) != leave_out) {
        match spec.filters[*index].test {
            Test::Equals(value) | Test::Named(value, _) => {
                sql.push(dated(query, &format!(" and {value} = ")));
                equals(sql, former_slugs(spec.filters[*index].name, value), values);
            }
            Test::Overlaps(array) => {
                sql.push(dated(query, &format!(" and {array} && "))).push_bind(values.clone());
            }
            Test::Before(date) => {
                let last = values.last().cloned().unwrap_or_default();
                sql.push(format!(" and {date} < ")).push_bind(last).push("::text::date");
            }
            Test::From(date) => {
                let last = values.last().cloned().unwrap_or_default();
                sql.push(format!(" and {date} >= ")).push_bind(last).push("::text::date");
            }
            Test::OlderThan(date) => {
                let days: i32 = values.last().and_then(|value| value.parse().ok()).unwrap_or_default();
                sql.push(dated(query, &format!(" and {date} < {{today}} - "))).push_bind(days);
            }
            Test::Within(condition) => {
                let condition = dated(query, condition);
                let mut parts = condition.split("{values}");
                sql.push(" and ").push(parts.next().unwrap_or_default());
                for part in parts {
                    sql.push_bind(values.clone()).push(part);
                }
            }
            Test::Below(key) => {
                sql.push(" and exists (select from unnest(")
                    .push_bind(values.clone())
                    .push(format!(") b where {key} = b or starts_with({key}, b || '.'))"));
            }
        }
    }
}

/// Names within two edits of what was typed, word by word, among those with similar trigrams.
async fn alike(conn: &mut PgConnection, spec: &Spec, query: &Query) -> Result<Option<Vec<Uuid>>, Error> {
    let Some(q) = &query.q else { return Ok(None) };
    let typed = text::words_of(&[q]);
    if typed.chars().count() < 3 {
        return Ok(None);
    }
    // The threshold of `<%` is set to 0.2 on every connection; the index on sort_key serves it.
    let mut sql = QueryBuilder::<Postgres>::new("select t.id, t.sort_key, word_similarity(");
    sql.push_bind(typed.clone())
        .push(format!(", t.sort_key) as alike from {} where ", spec.from))
        .push_bind(typed.clone())
        .push(" <% t.sort_key order by alike desc, t.id limit 200");
    let rows = sql.build().fetch_all(conn).await?;
    let mut found: Vec<(usize, Uuid)> = Vec::new();
    for row in rows {
        let name: String = row.try_get("sort_key")?;
        if let Some(edits) = edits(&typed, &name) {
            found.push((edits, row.try_get("id")?));
        }
    }
    // With names one edit away, those two away are noise.
    let least = found.iter().map(|(edits, _)| *edits).min();
    Ok(Some(found.into_iter().filter(|(edits, _)| Some(*edits) == least).map(|(_, id)| id).collect()))
}

/// The most edits between a typed word and the nearest word of the name; `None` beyond two, or
/// beyond one for short words.
fn edits(typed: &str, name: &str) -> Option<usize> {
    let split = text::words_of(&[name]);
    let whole = strsim::osa_distance(typed, &split);
    let most = |word: &str| if word.chars().count() < 5 { 1 } else { 2 };
    if whole <= most(typed) {
        return Some(whole);
    }
    let mut worst = 0;
    for word in typed.split(' ') {
        let least = split.split(' ').map(|name| strsim::osa_distance(word, name)).min()?;
        if least > most(word) {
            return None;
        }
        worst = worst.max(least);
    }
    Some(worst)
}

/// The total alone, exact up to 10,000.
pub async fn total(conn: &mut PgConnection, spec: &Spec, query: &Query) -> Result<Count, Error> {
    let mut sql = QueryBuilder::<Postgres>::new(dated(
        query,
        &format!("select count(*) from (select 1 from {} where true", needed(spec, query, None, &[])),
    ));
    conditions(&mut sql, spec, query, &words(query), None);
    sql.push(" limit 10001) x");
    Ok(Count(sql.build_query_scalar().persistent(query.filters.is_empty()).fetch_one(conn).await?))
}

#[derive(FromRow)]
struct FacetRow {
    facet: String,
    value: String,
    label: Option<String>,
    count: i64,
}

/// The total and every facet, in one statement.
pub async fn facets(
    conn: &mut PgConnection,
    spec: &Spec,
    query: &Query,
    alike: super::Alike,
) -> Result<(Count, Vec<Facet>), Error> {
    let mut words = words(query);
    if alike == super::Alike::Yes {
        words = Words::Alike(self::alike(conn, spec, query).await?.unwrap_or_default());
    }
    let mut sql = QueryBuilder::<Postgres>::new(format!(
        "select '' as facet, '' as value, null::text as label, count(*) as count from (select 1 from {} where true",
        needed(spec, query, None, &[])
    ));
    conditions(&mut sql, spec, query, &words, None);
    sql.push(" limit 10001) x");
    for (index, filter) in spec.filters.iter().enumerate().filter(|(_, filter)| filter.is_counted()) {
        let (value, label) = match filter.test {
            Test::Equals(value) => (value.to_owned(), "null::text"),
            Test::Named(value, label) => (value.to_owned(), label),
            Test::Overlaps(array) => (format!("unnest({array})"), "null::text"),
            Test::Before(_) | Test::From(_) | Test::OlderThan(_) | Test::Below(_) | Test::Within(_) => continue,
        };
        sql.push(dated(
            query,
            &format!(
                " union all select '{}', value, min(label), count(*) from (select {value} as value, {label} as label from {} where true",
                filter.name,
                needed(spec, query, Some(index), &[&value, label])
            ),
        ));
        conditions(&mut sql, spec, query, &words, Some(index));
        sql.push(" limit 10001) x where value is not null group by value");
    }
    let rows: Vec<FacetRow> = sql.build_query_as().persistent(query.filters.is_empty()).fetch_all(conn).await?;
    let total = rows.iter().find(|row| row.facet.is_empty()).map_or(0, |row| row.count);
    let mut grouped: BTreeMap<String, Vec<FacetRow>> = BTreeMap::new();
    for row in rows {
        grouped.entry(row.facet.clone()).or_default().push(row);
    }
    let facets = spec
        .filters
        .iter()
        .filter(|filter| filter.is_counted())
        .map(|filter| facet(spec, query, filter, grouped.remove(filter.name).unwrap_or_default()))
        .collect();
    Ok((Count(total), facets))
}

fn facet(spec: &Spec, query: &Query, filter: &super::Filter, rows: Vec<FacetRow>) -> Facet {
    let selected = query.values(spec, filter.name);
    let mut values: Vec<FacetValue> = rows
        .into_iter()
        .map(|row| FacetValue {
            label: row.label.unwrap_or_else(|| readable(filter, &row.value)),
            selected: selected.contains(&row.value),
            value: row.value,
            count: row.count,
        })
        .collect();
    for value in selected {
        if !values.iter().any(|known| known.value == *value) {
            let label = readable(filter, value);
            values.push(FacetValue { value: value.clone(), label, count: 0, selected: true });
        }
    }
    values.sort_by(|a, b| (b.selected, b.count).cmp(&(a.selected, a.count)).then_with(|| a.label.cmp(&b.label)));
    let keep = values.iter().filter(|value| value.selected).count().max(FACET_VALUES);
    values.truncate(keep);
    Facet { name: filter.name.to_owned(), label: filter.label.to_owned(), values }
}

fn readable(filter: &Filter, value: &str) -> String {
    match (filter.values, &filter.test) {
        (Values::Verbatim, _) | (_, Test::Named(..)) => value.to_owned(),
        (Values::Read(read), _) => read(value),
        (Values::NotCounted | Values::Words, _) => crate::words::label(value),
    }
}

#[cfg(test)]
mod tests {
    use super::edits;

    #[test]
    fn alike_means_two_edits_a_word() {
        assert!(edits("stirpe", "stripe").is_some());
        assert!(edits("stirpe", "stripe payments api").is_some());
        assert!(edits("googel maps", "google maps").is_some());
        assert!(edits("stirpe", "strava").is_none());
        assert!(edits("abc", "xbz").is_none());
    }
}
