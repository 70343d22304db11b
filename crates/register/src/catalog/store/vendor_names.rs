//! Finds vendors by what people and documents call them.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::catalog::ops::Candidate;
use base::{error::Error, text};

/// The id behind an id, a slug or a former slug.
pub async fn find(conn: &mut PgConnection, key: &str) -> Result<Option<Uuid>, Error> {
    let id = sqlx::query_scalar!(
        r#"select id as "id!" from vendors where slug = $1
           union all select id from vendors where id = $2
           union all select record_id from slug_history where kind = 'vendor' and slug = $1 limit 1"#,
        key,
        Uuid::parse_str(key).ok()
    );
    Ok(id.fetch_optional(conn).await?)
}

pub async fn by_provider_name(conn: &mut PgConnection, name: &str) -> Result<Option<Uuid>, Error> {
    let id = sqlx::query_scalar!(
        r#"select coalesce(merged_into_id, id) as "id!" from vendors where provider_name = $1"#,
        name
    );
    Ok(id.fetch_optional(conn).await?)
}

/// The vendors in use with a registrable domain, the oldest first; at most ten.
pub async fn by_domain(conn: &mut PgConnection, domain: &str) -> Result<Vec<Candidate>, Error> {
    let found = sqlx::query_as!(
        Candidate,
        "select id, slug, name from vendors where state <> 'retired'
             and id in (select coalesce(d.merged_into_id, d.id) from vendors d where d.domain = $1)
         order by created_at limit 10",
        domain
    );
    Ok(found.fetch_all(conn).await?)
}

/// The vendors that somebody may mean by a word: by id or slug, also a former one; else by name, legal name, provider
/// name or alias, whatever the case; else by domain. At most ten, of the first kind that finds any.
pub async fn matching(conn: &mut PgConnection, word: &str) -> Result<Vec<Candidate>, Error> {
    let host = url::Url::parse(word).ok().and_then(|url| url.host_str().map(str::to_owned));
    let domain = text::registrable_domain(host.as_deref().unwrap_or(word)).filter(|domain| domain.contains('.'));
    let rows = sqlx::query!(
        r#"with found as (
               select id, 1 as rank from vendors where slug = lower($1) or id = $2
               union all select record_id, 2 from slug_history where kind = 'vendor' and slug = lower($1)
               union all select coalesce(merged_into_id, id), 3 from vendors where sort_key = $3 or lower(legal_name) = lower($1)
                   or lower(provider_name) = lower($1) or alias_keys @> array[$3]
               union all select coalesce(merged_into_id, id), 4 from vendors where domain = $4)
           select distinct v.id as "id!", v.slug as "slug!", v.name as "name!", v.created_at from found f
           join vendors v on v.id = f.id
           where f.rank = (select min(g.rank) from found g join vendors w on w.id = g.id
                           where g.rank = 1 or w.state <> 'retired')
             and (f.rank = 1 or v.state <> 'retired')
           order by v.created_at limit 10"#,
        word.trim(),
        Uuid::parse_str(word.trim()).ok(),
        text::sort_key(word),
        domain,
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    Ok(rows.map(|row| Candidate { id: row.id, slug: row.slug, name: row.name }).collect())
}
