//! A list over the API: JSON pages, or all of it as CSV or NDJSON by `Accept`.

use axum::{
    Json,
    body::Body,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sqlx::{FromRow, postgres::PgRow};
use utoipa::{IntoParams, ToSchema};

use super::{Web, error::ApiError, extract::Pairs};
use base::{
    error::Error,
    lists::{self, Alike, Facet, Query, Spec, Test},
    tables::{Exporter, Layout, Notation, Table},
};
use identity::Actor;

/// What every list takes, besides its filters.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "documents the parameters; Pairs reads them")]
pub struct ListParams {
    /// Words that the text must hold, each from its beginning; names spelled alike where none match.
    q: Option<String>,
    /// A sort's name, with `-` before it to reverse.
    sort: Option<String>,
    /// Rows of a page, 50 by default.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<i64>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// `true` to count all rows, exactly up to 10,000; 10,001 stands for more.
    total: Option<bool>,
    /// `true` to divide the rows by each facet.
    facets: Option<bool>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListOf<T: ToSchema> {
    /// The rows.
    pub items: Vec<T>,
    /// The cursor of the next page; null on the last.
    pub next_cursor: Option<String>,
    /// Whether nothing matched the words and these are names spelled alike.
    pub alike: bool,
    /// All rows, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
    /// The facets, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facets: Option<Vec<Facet>>,
}

/// Answers a list in the form that the client accepts.
pub async fn answer<R>(
    web: &Web,
    actor: &Actor,
    spec: &'static Spec,
    table: &'static Table,
    pairs: &Pairs,
    headers: &HeaderMap,
) -> Result<Response, ApiError>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin + Serialize + ToSchema,
{
    refuse_blank(spec, &pairs.0)?;
    if let Some(notation) = wanted(headers) {
        return Ok(export(web, actor, table, notation, &pairs.0, Layout::default()).await?);
    }
    let query = Query::parse(spec, &pairs.0, &["total", "facets"])?;
    let flag = |name: &str| match pairs.get(name) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Error::field(&format!("/{name}"), "Say true or false.")),
    };
    let (total, facets) = (flag("total")?, flag("facets")?);
    let page = lists::ops::list::<R>(&web.app, actor, spec, &query).await?;
    let mut answer = ListOf { items: page.rows, next_cursor: page.next, alike: page.alike, total: None, facets: None };
    if total || facets {
        let alike = if page.alike { Alike::Yes } else { Alike::No };
        let counted = lists::ops::list_facets(&web.app, actor, spec, &query, alike).await?;
        let (count, divided) = counted.as_ref();
        answer.total = total.then_some(count.0);
        answer.facets = facets.then(|| divided.clone());
    }
    let link = answer.next_cursor.as_deref().and_then(|cursor| next_link(&address(table), &pairs.0, cursor));
    let mut response = Json(answer).into_response();
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// A form leaves a field empty to leave it out; a script that does has lost its value: where that would change what is
/// asked for, it is refused.
fn refuse_blank(spec: &Spec, pairs: &[(String, String)]) -> Result<(), Error> {
    let dated = |name: &str| {
        let filter = spec.filters.iter().find(|filter| filter.name == name);
        filter.is_some_and(|filter| matches!(filter.test, Test::Before(_) | Test::From(_) | Test::OlderThan(_)))
    };
    match pairs.iter().find(|(name, value)| value.trim().is_empty() && (OWN.contains(&name.as_str()) || dated(name))) {
        Some((name, _)) => Err(Error::field(&format!("/{name}"), "Give a value, or leave it out.")),
        None => Ok(()),
    }
}

/// What says how a list is ordered and cut; each has a value where it is sent.
const OWN: [&str; 5] = ["sort", "limit", "cursor", "total", "facets"];

/// Where a table is listed.
fn address(table: &'static Table) -> String {
    format!("/api/v1/{}", table.key.replace('_', "-"))
}

fn next_link(path: &str, pairs: &[(String, String)], cursor: &str) -> Option<HeaderValue> {
    let kept = pairs.iter().filter(|(name, _)| name != "cursor");
    let query =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).append_pair("cursor", cursor).finish();
    HeaderValue::from_str(&format!("<{path}?{query}>; rel=\"next\"")).ok()
}

fn wanted(headers: &HeaderMap) -> Option<Notation> {
    let accept = headers.get(header::ACCEPT)?.to_str().ok()?;
    let first = accept.split(',').next().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    match first {
        "text/csv" => Some(Notation::Csv),
        "application/x-ndjson" | "application/ndjson" => Some(Notation::Ndjson),
        _ => None,
    }
}

/// Streams a table; the first part is made before the answer begins, so that a wrong filter is
/// still an error.
pub async fn export(
    web: &Web,
    actor: &Actor,
    table: &'static Table,
    notation: Notation,
    pairs: &[(String, String)],
    layout: Layout,
) -> Result<Response, Error> {
    let mut exporter = Exporter::begin(&web.app, actor, table, notation, pairs, layout).await?;
    let first = exporter.next_chunk(&web.app, actor).await?.unwrap_or_default();
    let (send, receive) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(2);
    let (app, actor) = (web.app.clone(), actor.clone());
    tokio::spawn(async move {
        let mut part = Ok(Some(first));
        loop {
            let sent = match part {
                Ok(Some(bytes)) => send.send(Ok(bytes)).await,
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(%error, "an export broke off");
                    // The client has gone or learns of it by the broken body.
                    let _ = send.send(Err(std::io::Error::other("the export broke off"))).await;
                    return;
                }
            };
            if sent.is_err() {
                return;
            }
            part = exporter.next_chunk(&app, &actor).await;
        }
    });
    let (kind, extension) = match notation {
        Notation::Csv => ("text/csv; charset=utf-8", "csv"),
        Notation::Ndjson => ("application/x-ndjson", "ndjson"),
    };
    let name = format!("attachment; filename=\"{}.{extension}\"", table.key);
    // Fused: compression asks once more after the end, which an unfolded stream answers with a panic.
    let stream =
        futures_util::stream::unfold(receive, async |mut receive| receive.recv().await.map(|part| (part, receive)));
    let stream = futures_util::StreamExt::fuse(stream);
    Ok(([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)], Body::from_stream(stream))
        .into_response())
}
