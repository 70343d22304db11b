//! Search over everything, and what the palette suggests.

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};

use super::{Shell, html};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
};
use base::{
    error::Error,
    lists::{self, Query, Spec},
};
use identity::Actor;
use register::{
    catalog::ops::{self, ApiRow, DataClassRow, SystemRow, VendorRow},
    integrations::ops::{self as uses, CredentialRow, IntegrationRow},
};

pub fn router() -> Router<Web> {
    Router::new().route("/search", get(search)).route("/search/suggestions", get(suggestions))
}

/// A hit of the search over everything.
struct Hit {
    href: String,
    name: String,
    about: String,
}

/// The hits of one kind.
struct Hits {
    label: &'static str,
    all: String,
    hits: Vec<Hit>,
    alike: bool,
}

async fn find<R>(
    web: &Web,
    actor: &Actor,
    spec: &'static Spec,
    label: &'static str,
    q: &str,
    hit: impl Fn(R) -> Hit,
) -> Result<Hits, Error>
where
    R: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
{
    let query = Query::parse(spec, &[("q".into(), q.into()), ("limit".into(), "8".into())], &[])?;
    let page = lists::ops::list::<R>(&web.app, actor, spec, &query).await?;
    let path = label.to_lowercase().replace(' ', "-");
    let all = url::form_urlencoded::Serializer::new(format!("/{path}?")).append_pair("q", q).finish();
    Ok(Hits { label, all, alike: page.alike, hits: page.rows.into_iter().map(hit).collect() })
}

async fn everything(web: &Web, actor: &Actor, q: &str) -> Result<Vec<Hits>, Error> {
    if q.trim().is_empty() {
        return Ok(Vec::new());
    }
    let vendor = |row: VendorRow| Hit {
        href: format!("/vendors/{}", row.slug),
        about: row.domain.unwrap_or_default(),
        name: row.name,
    };
    let api = |row: ApiRow| Hit { href: format!("/apis/{}", row.slug), about: row.vendor_name, name: row.name };
    let system = |row: SystemRow| Hit {
        href: format!("/systems/{}", row.slug),
        about: row.team_name.or(row.vendor_name).unwrap_or_default(),
        name: row.name,
    };
    let class = |row: DataClassRow| Hit { href: format!("/data-classes/{}", row.key), about: row.key, name: row.name };
    let integration = |row: IntegrationRow| Hit {
        href: format!("/integrations/{}", row.slug),
        about: format!("{} → {}", row.api_name, row.system_name),
        name: row.name,
    };
    let credential = |row: CredentialRow| Hit {
        href: format!("/credentials/{}", row.slug),
        about: row.vault_reference.unwrap_or_default(),
        name: row.name,
    };
    let mut found = vec![
        find(web, actor, &uses::INTEGRATIONS, "Integrations", q, integration).await?,
        find(web, actor, &ops::VENDORS, "Vendors", q, vendor).await?,
        find(web, actor, &ops::APIS, "APIs", q, api).await?,
        find(web, actor, &ops::SYSTEMS, "Systems", q, system).await?,
        find(web, actor, &uses::CREDENTIALS, "Credentials", q, credential).await?,
        find(web, actor, &ops::DATA_CLASSES, "Data classes", q, class).await?,
    ];
    // Names spelled alike help only where nothing matches anywhere.
    if found.iter().any(|hits| !hits.alike && !hits.hits.is_empty()) {
        found.retain(|hits| !hits.alike);
    }
    found.retain(|hits| !hits.hits.is_empty());
    Ok(found)
}

#[derive(Template)]
#[template(path = "home/search.html")]
struct SearchPage {
    shell: Shell,
    q: String,
    found: Vec<Hits>,
}

async fn search(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let q = base::text::clip(pairs.get("q").unwrap_or_default(), 200).to_owned();
    let found = everything(&web, &signed.actor, &q).await?;
    let mut shell = Shell::new(&web, &signed, "/search", "Search", &pairs).await?;
    shell.q.clone_from(&q);
    html(&SearchPage { shell, q, found })
}

#[derive(Template)]
#[template(path = "home/suggestions.html")]
struct Suggestions {
    found: Vec<Hits>,
}

async fn suggestions(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let q = base::text::clip(pairs.get("q").unwrap_or_default(), 200);
    html(&Suggestions { found: everything(&web, &signed.actor, q).await? })
}
