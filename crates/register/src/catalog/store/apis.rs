//! APIs with their upstreams.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::vendors::Likely;
use crate::catalog::{Api, ApiContent, Upstream};
use base::{error::Error, text};

struct Row {
    id: Uuid,
    vendor_id: Uuid,
    vendor_slug: String,
    slug: String,
    name: String,
    description: Option<String>,
    protocol: String,
    documentation_url: Option<String>,
    terms_url: Option<String>,
    licence: Option<String>,
    licence_url: Option<String>,
    contact_name: Option<String>,
    contact_email: Option<String>,
    contact_url: Option<String>,
    lifecycle: String,
    auth_methods: Vec<String>,
    tls_minimum: Option<String>,
    data_sensitivity: Option<String>,
    service_name: Option<String>,
    current_version_id: Option<Uuid>,
    tags: Vec<String>,
    state: String,
    verified_at: Option<DateTime<Utc>>,
    verified_by: Option<Uuid>,
    edited_by: Vec<Uuid>,
    merged_into_id: Option<Uuid>,
    imported: Json<Map<String, Value>>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    upstreams: Json<Vec<Upstream>>,
}

impl TryFrom<Row> for Api {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
            verified_at: row.verified_at,
            verified_by: row.verified_by,
            edited_by: row.edited_by,
            merged_into_id: row.merged_into_id,
            vendor_id: row.vendor_id,
            current_version_id: row.current_version_id,
            imported: row.imported.0,
            content: ApiContent {
                slug: row.slug,
                vendor: row.vendor_slug,
                name: row.name,
                description: row.description,
                protocol: row.protocol.parse()?,
                documentation_url: row.documentation_url,
                terms_url: row.terms_url,
                licence: row.licence,
                licence_url: row.licence_url,
                contact_name: row.contact_name,
                contact_email: row.contact_email,
                contact_url: row.contact_url,
                lifecycle: row.lifecycle.parse()?,
                auth_methods: row.auth_methods.iter().map(|m| m.parse()).collect::<Result<_, _>>()?,
                tls_minimum: row.tls_minimum.as_deref().map(str::parse).transpose()?,
                data_sensitivity: row.data_sensitivity.as_deref().map(str::parse).transpose()?,
                service_name: row.service_name,
                upstreams: row.upstreams.0,
                tags: row.tags,
                state: row.state.parse()?,
            },
        })
    }
}

/// Whole APIs, in no particular order.
pub async fn get_many(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Api>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select a.id, a.vendor_id, v.slug as vendor_slug, a.slug, a.name, a.description, a.protocol,
                  a.documentation_url, a.terms_url, a.licence, a.licence_url, a.contact_name, a.contact_email,
                  a.contact_url, a.lifecycle, a.auth_methods, a.tls_minimum, a.data_sensitivity, a.service_name, a.current_version_id,
                  a.tags, a.state, a.verified_at, a.verified_by, a.edited_by, a.merged_into_id,
                  a.imported as "imported: Json<Map<String, Value>>", a.revision, a.created_at, a.updated_at,
                  (select coalesce(jsonb_agg(jsonb_build_object('api', ua.slug, 'vendor', uv.slug) order by u.position), '[]')
                   from api_upstreams u left join apis ua on ua.id = u.upstream_api_id
                   left join vendors uv on uv.id = u.upstream_vendor_id
                   where u.api_id = a.id) as "upstreams!: Json<Vec<Upstream>>"
           from apis a join vendors v on v.id = a.vendor_id where a.id = any($1)"#,
        ids
    );
    rows.fetch_all(conn).await?.into_iter().map(Api::try_from).collect()
}

pub async fn get(conn: &mut PgConnection, id: Uuid) -> Result<Option<Api>, Error> {
    Ok(get_many(conn, &[id]).await?.pop())
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Api>, Error> {
    sqlx::query!("select id from apis where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    get(conn, id).await
}

/// The id behind an id, a slug or a former slug.
pub async fn find(conn: &mut PgConnection, key: &str) -> Result<Option<Uuid>, Error> {
    let id = sqlx::query_scalar!(
        r#"select id as "id!" from apis where slug = $1
           union all select id from apis where id = $2
           union all select record_id from slug_history where kind = 'api' and slug = $1 limit 1"#,
        key,
        Uuid::parse_str(key).ok()
    );
    Ok(id.fetch_optional(conn).await?)
}

/// The vendor's API of a name, whatever its case.
pub async fn by_name(conn: &mut PgConnection, vendor: Uuid, name: &str) -> Result<Option<Uuid>, Error> {
    let id = sqlx::query_scalar!(
        r#"select coalesce(merged_into_id, id) as "id!" from apis where vendor_id = $1 and sort_key = $2
           order by merged_into_id is not null, created_at limit 1"#,
        vendor,
        text::sort_key(name)
    );
    Ok(id.fetch_optional(conn).await?)
}

/// The vendor's APIs with a service name, or without one and with this title, the oldest first; at most 50.
pub async fn by_identity(
    conn: &mut PgConnection,
    vendor: Uuid,
    service: Option<&str>,
    title: &str,
) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        r#"select coalesce(merged_into_id, id) as "id!" from apis where vendor_id = $1
             and case when $2::text is not null then service_name = $2
                      else service_name is null and (imported ->> 'name' = $3 or name = $3) end
           group by 1 order by min(created_at) limit 50"#,
        vendor,
        service,
        title
    );
    Ok(ids.fetch_all(conn).await?)
}

/// Whether something that was merged into an API has this service name.
pub async fn has_merged_service(conn: &mut PgConnection, api: Uuid, service: &str) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from apis where merged_into_id = $1 and service_name = $2) as "any!""#,
        api,
        service
    );
    Ok(found.fetch_one(conn).await?)
}

pub async fn free_slug(conn: &mut PgConnection, slug: &str) -> Result<String, Error> {
    let taken = sqlx::query_scalar!(
        r#"select slug as "slug!" from apis where slug = $1 or slug ~ ('^' || $1 || '-[0-9]+$')"#,
        slug
    );
    Ok(base::slugs::first_free(slug, &taken.fetch_all(conn).await?))
}

pub async fn insert(
    conn: &mut PgConnection,
    api: &Api,
    upstreams: &[(Option<Uuid>, Option<Uuid>)],
) -> Result<(), Error> {
    let c = &api.content;
    let (sort_key, search) = keys(c);
    sqlx::query!(
        "insert into apis (id, vendor_id, slug, name, description, protocol, documentation_url, terms_url, licence,
             licence_url, contact_name, contact_email, contact_url, lifecycle, auth_methods, tls_minimum,
             service_name, tags, state, verified_at, verified_by, edited_by, imported, revision, created_at,
             updated_at, sort_key, search, data_sensitivity)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                 $22, $23, $24, $25, $26, $27, $28, $29)",
        api.id,
        api.vendor_id,
        c.slug,
        c.name,
        c.description,
        c.protocol.key(),
        c.documentation_url,
        c.terms_url,
        c.licence,
        c.licence_url,
        c.contact_name,
        c.contact_email,
        c.contact_url,
        c.lifecycle.key(),
        &methods(c),
        c.tls_minimum.map(super::super::api::TlsVersion::key),
        c.service_name,
        &c.tags,
        c.state.key(),
        api.verified_at,
        api.verified_by,
        &api.edited_by,
        Json(&api.imported) as _,
        api.revision,
        api.created_at,
        api.updated_at,
        sort_key,
        search,
        c.data_sensitivity.map(crate::catalog::Sensitivity::key),
    )
    .execute(&mut *conn)
    .await?;
    insert_upstreams(conn, api.id, upstreams).await
}

/// Changes an API and its upstreams.
pub async fn update(
    conn: &mut PgConnection,
    api: &Api,
    upstreams: &[(Option<Uuid>, Option<Uuid>)],
) -> Result<(), Error> {
    update_facts(conn, api).await?;
    sqlx::query!("delete from api_upstreams where api_id = $1", api.id).execute(&mut *conn).await?;
    insert_upstreams(conn, api.id, upstreams).await
}

/// Changes an API and leaves its upstreams alone.
pub async fn update_facts(conn: &mut PgConnection, api: &Api) -> Result<(), Error> {
    let c = &api.content;
    let (sort_key, search) = keys(c);
    sqlx::query!(
        "update apis set slug = $2, name = $3, description = $4, protocol = $5, documentation_url = $6,
             terms_url = $7, licence = $8, licence_url = $9, contact_name = $10, contact_email = $11,
             contact_url = $12, lifecycle = $13, auth_methods = $14, tls_minimum = $15, service_name = $16,
             tags = $17, state = $18, verified_at = $19, verified_by = $20, edited_by = $21, imported = $22,
             revision = $23, updated_at = $24, sort_key = $25, search = $26, current_version_id = $27,
             data_sensitivity = $28
         where id = $1",
        api.id,
        c.slug,
        c.name,
        c.description,
        c.protocol.key(),
        c.documentation_url,
        c.terms_url,
        c.licence,
        c.licence_url,
        c.contact_name,
        c.contact_email,
        c.contact_url,
        c.lifecycle.key(),
        &methods(c),
        c.tls_minimum.map(super::super::api::TlsVersion::key),
        c.service_name,
        &c.tags,
        c.state.key(),
        api.verified_at,
        api.verified_by,
        &api.edited_by,
        Json(&api.imported) as _,
        api.revision,
        api.updated_at,
        sort_key,
        search,
        api.current_version_id,
        c.data_sensitivity.map(crate::catalog::Sensitivity::key),
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn insert_upstreams(
    conn: &mut PgConnection,
    api: Uuid,
    upstreams: &[(Option<Uuid>, Option<Uuid>)],
) -> Result<(), Error> {
    if upstreams.is_empty() {
        return Ok(());
    }
    let (apis, vendors): (Vec<Option<Uuid>>, Vec<Option<Uuid>>) = upstreams.iter().copied().unzip();
    sqlx::query!(
        "insert into api_upstreams (api_id, position, upstream_api_id, upstream_vendor_id)
         select $1, row_number() over ()::int, x.a, x.v from unnest($2::uuid[], $3::uuid[]) x (a, v)",
        api,
        &apis as &[Option<Uuid>],
        &vendors as &[Option<Uuid>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Active APIs that depend on this one.
pub async fn dependents(conn: &mut PgConnection, id: Uuid) -> Result<Vec<(String, String)>, Error> {
    let rows = sqlx::query!(
        "select a.slug, a.name from api_upstreams u join apis a on a.id = u.api_id
         where u.upstream_api_id = $1 and a.state = 'active' order by a.sort_key limit 20",
        id
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.slug, row.name)).collect())
}

/// APIs that may be the same: a similar name at the same vendor, or the same host.
pub async fn likely_duplicates(
    conn: &mut PgConnection,
    except: Uuid,
    vendor: Option<Uuid>,
    name: &str,
    hosts: &[String],
) -> Result<Vec<Likely>, Error> {
    let rows = sqlx::query_as!(
        Likely,
        r#"select a.id, a.slug, a.name,
                  case when a.vendor_id = $2 and similarity(a.sort_key, $3) > 0.6 then 'name' else 'host' end as "shared!"
           from apis a
           where a.id <> $1 and (
               (a.vendor_id = $2 and similarity(a.sort_key, $3) > 0.6)
               or a.id in (select v.api_id from api_endpoints e join api_versions v on v.id = e.version_id
                           where e.host_pattern = any($4) and e.host_pattern <> ''))
           order by similarity(a.sort_key, $3) desc limit 5"#,
        except,
        vendor,
        text::sort_key(name),
        hosts
    );
    Ok(rows.fetch_all(conn).await?)
}

fn methods(c: &ApiContent) -> Vec<String> {
    c.auth_methods.iter().map(|method| method.key().to_owned()).collect()
}

fn keys(c: &ApiContent) -> (String, String) {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    let search = text::search_text(&[
        &c.name,
        &c.slug,
        &c.vendor,
        &part(&c.service_name),
        text::clip(&part(&c.description), 2000),
        &c.tags.join(" "),
    ]);
    (text::sort_key(&c.name), search)
}
