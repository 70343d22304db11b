//! Vendors with certifications and sub-processors.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

pub use super::vendor_names::{by_domain, by_provider_name, find, matching};
use crate::catalog::{Certification, Identifier, SubProcessor, Vendor, VendorContent};
use base::{error::Error, text};

struct Row {
    id: Uuid,
    slug: String,
    name: String,
    legal_name: Option<String>,
    description: Option<String>,
    lei: Option<String>,
    identifiers: Json<Vec<Identifier>>,
    country: Option<String>,
    parent_id: Option<Uuid>,
    parent_slug: Option<String>,
    website: Option<String>,
    provider_name: Option<String>,
    tier: Option<i16>,
    locations: Vec<String>,
    security_contact: Option<String>,
    incident_contact: Option<String>,
    status_page: Option<String>,
    dpa_status: String,
    dpa_signed_on: Option<NaiveDate>,
    dpa_expires_on: Option<NaiveDate>,
    dpa_reference: Option<String>,
    tags: Vec<String>,
    state: String,
    verified_at: Option<DateTime<Utc>>,
    verified_by: Option<Uuid>,
    edited_by: Vec<Uuid>,
    imported: Json<Map<String, Value>>,
    aliases: Vec<String>,
    merged_into_id: Option<Uuid>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    certifications: Json<Vec<Certification>>,
    sub_processors: Json<Vec<SubProcessor>>,
}

impl TryFrom<Row> for Vendor {
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
            parent_id: row.parent_id,
            merged_into_id: row.merged_into_id,
            imported: row.imported.0,
            content: VendorContent {
                slug: row.slug,
                name: row.name,
                legal_name: row.legal_name,
                description: row.description,
                lei: row.lei,
                identifiers: row.identifiers.0,
                country: row.country,
                parent: row.parent_slug,
                website: row.website,
                provider_name: row.provider_name,
                security_contact: row.security_contact,
                incident_contact: row.incident_contact,
                status_page: row.status_page,
                tags: row.tags,
                aliases: row.aliases,
                state: row.state.parse()?,
                tier: row.tier,
                locations: row.locations,
                dpa_status: row.dpa_status.parse()?,
                dpa_signed_on: row.dpa_signed_on,
                dpa_expires_on: row.dpa_expires_on,
                dpa_reference: row.dpa_reference,
                certifications: row.certifications.0,
                sub_processors: row.sub_processors.0,
            },
        })
    }
}

/// Whole vendors, in no particular order.
pub async fn get_many(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Vendor>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select v.id, v.slug, v.name, v.legal_name, v.description, v.lei,
                  v.identifiers as "identifiers: Json<Vec<Identifier>>", v.country, v.parent_id,
                  (select p.slug from vendors p where p.id = v.parent_id) as parent_slug,
                  v.website, v.provider_name, v.tier, v.locations, v.security_contact, v.incident_contact,
                  v.status_page, v.dpa_status, v.dpa_signed_on, v.dpa_expires_on, v.dpa_reference, v.tags,
                  v.state, v.verified_at, v.verified_by, v.edited_by, v.aliases, v.merged_into_id,
                  v.imported as "imported: Json<Map<String, Value>>", v.revision, v.created_at, v.updated_at,
                  (select coalesce(jsonb_agg(jsonb_build_object('name', c.name, 'reference', c.reference,
                        'valid_from', c.valid_from, 'expires_on', c.expires_on, 'evidence_url', c.evidence_url)
                        order by c.position), '[]')
                   from vendor_certifications c where c.vendor_id = v.id) as "certifications!: Json<Vec<Certification>>",
                  (select coalesce(jsonb_agg(jsonb_build_object('name', s.name, 'country', s.country,
                        'purpose', s.purpose) order by s.position), '[]')
                   from vendor_sub_processors s where s.vendor_id = v.id) as "sub_processors!: Json<Vec<SubProcessor>>"
           from vendors v where v.id = any($1)"#,
        ids
    );
    rows.fetch_all(conn).await?.into_iter().map(Vendor::try_from).collect()
}

pub async fn get(conn: &mut PgConnection, id: Uuid) -> Result<Option<Vendor>, Error> {
    Ok(get_many(conn, &[id]).await?.pop())
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Vendor>, Error> {
    sqlx::query!("select id from vendors where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    get(conn, id).await
}

/// Taken slugs among `slug`, `slug-2`, `slug-3` …: the first free one.
pub async fn free_slug(conn: &mut PgConnection, slug: &str) -> Result<String, Error> {
    let taken = sqlx::query_scalar!(
        r#"select slug as "slug!" from vendors where slug = $1 or slug ~ ('^' || $1 || '-[0-9]+$')"#,
        slug
    );
    Ok(base::slugs::first_free(slug, &taken.fetch_all(conn).await?))
}

pub async fn insert(conn: &mut PgConnection, vendor: &Vendor) -> Result<(), Error> {
    let c = &vendor.content;
    let (sort_key, search) = keys(c);
    sqlx::query!(
        "insert into vendors (id, slug, name, legal_name, description, lei, identifiers, country, parent_id,
             website, domain, provider_name, tier, locations, security_contact, incident_contact, status_page,
             dpa_status, dpa_signed_on, dpa_expires_on, dpa_reference, tags, state, verified_at, verified_by,
             edited_by, imported, revision, created_at, updated_at, sort_key, search, aliases, alias_keys)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                 $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34)",
        vendor.id,
        c.slug,
        c.name,
        c.legal_name,
        c.description,
        c.lei,
        Json(&c.identifiers) as _,
        c.country,
        vendor.parent_id,
        c.website,
        c.domain(),
        c.provider_name,
        c.tier,
        &c.locations,
        c.security_contact,
        c.incident_contact,
        c.status_page,
        c.dpa_status.key(),
        c.dpa_signed_on,
        c.dpa_expires_on,
        c.dpa_reference,
        &c.tags,
        c.state.key(),
        vendor.verified_at,
        vendor.verified_by,
        &vendor.edited_by,
        Json(&vendor.imported) as _,
        vendor.revision,
        vendor.created_at,
        vendor.updated_at,
        sort_key,
        search,
        &c.aliases,
        &alias_keys(c)
    )
    .execute(&mut *conn)
    .await?;
    insert_parts(conn, vendor).await
}

pub async fn update(conn: &mut PgConnection, vendor: &Vendor) -> Result<(), Error> {
    let c = &vendor.content;
    let (sort_key, search) = keys(c);
    sqlx::query!(
        "update vendors set slug = $2, name = $3, legal_name = $4, description = $5, lei = $6, identifiers = $7,
             country = $8, parent_id = $9, website = $10, domain = $11, provider_name = $12, tier = $13,
             locations = $14, security_contact = $15, incident_contact = $16, status_page = $17, dpa_status = $18,
             dpa_signed_on = $19, dpa_expires_on = $20, dpa_reference = $21, tags = $22, state = $23,
             verified_at = $24, verified_by = $25, edited_by = $26, imported = $27, revision = $28,
             updated_at = $29, sort_key = $30, search = $31, aliases = $32, alias_keys = $33
         where id = $1",
        vendor.id,
        c.slug,
        c.name,
        c.legal_name,
        c.description,
        c.lei,
        Json(&c.identifiers) as _,
        c.country,
        vendor.parent_id,
        c.website,
        c.domain(),
        c.provider_name,
        c.tier,
        &c.locations,
        c.security_contact,
        c.incident_contact,
        c.status_page,
        c.dpa_status.key(),
        c.dpa_signed_on,
        c.dpa_expires_on,
        c.dpa_reference,
        &c.tags,
        c.state.key(),
        vendor.verified_at,
        vendor.verified_by,
        &vendor.edited_by,
        Json(&vendor.imported) as _,
        vendor.revision,
        vendor.updated_at,
        sort_key,
        search,
        &c.aliases,
        &alias_keys(c)
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from vendor_certifications where vendor_id = $1", vendor.id).execute(&mut *conn).await?;
    sqlx::query!("delete from vendor_sub_processors where vendor_id = $1", vendor.id).execute(&mut *conn).await?;
    insert_parts(conn, vendor).await
}

async fn insert_parts(conn: &mut PgConnection, vendor: &Vendor) -> Result<(), Error> {
    let c = &vendor.content;
    if !c.certifications.is_empty() {
        sqlx::query!(
            "insert into vendor_certifications (vendor_id, position, name, reference, valid_from, expires_on, evidence_url)
             select $1, row_number() over ()::int, x.name, x.reference, x.valid_from, x.expires_on, x.evidence_url
             from jsonb_to_recordset($2::jsonb) x (name text, reference text, valid_from date, expires_on date, evidence_url text)",
            vendor.id,
            Json(&c.certifications) as _
        )
        .execute(&mut *conn)
        .await?;
    }
    if !c.sub_processors.is_empty() {
        sqlx::query!(
            "insert into vendor_sub_processors (vendor_id, position, name, country, purpose)
             select $1, row_number() over ()::int, x.name, x.country, x.purpose
             from jsonb_to_recordset($2::jsonb) x (name text, country text, purpose text)",
            vendor.id,
            Json(&c.sub_processors) as _
        )
        .execute(conn)
        .await?;
    }
    Ok(())
}

/// Whether making `parent` the parent of `vendor` would close a circle.
pub async fn would_circle(conn: &mut PgConnection, vendor: Uuid, parent: Uuid) -> Result<bool, Error> {
    let circle = sqlx::query_scalar!(
        r#"with recursive up (id, depth) as (
               select $2::uuid, 0
               union all select v.parent_id, up.depth + 1 from up join vendors v on v.id = up.id
               where v.parent_id is not null and up.depth < 100)
           select exists (select from up where id = $1) as "circle!""#,
        vendor,
        parent
    );
    Ok(circle.fetch_one(conn).await?)
}

/// What still refers to a vendor: (kind, name), ten of each at most.
pub async fn referrers(conn: &mut PgConnection, id: Uuid) -> Result<Vec<(String, String)>, Error> {
    let rows = sqlx::query!(
        r#"(select 'API' as "kind!", name as "name!" from apis where vendor_id = $1 and state = 'active' order by sort_key limit 10)
           union all (select 'system', name from systems where vendor_id = $1 and state = 'active' order by sort_key limit 10)
           union all (select 'vendor', name from vendors where parent_id = $1 and state = 'active' order by sort_key limit 10)"#,
        id
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.kind, row.name)).collect())
}

/// A vendor that may be the same as one about to be saved.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct Likely {
    /// Its id.
    pub id: Uuid,
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// What they share: `domain` or `name`.
    pub shared: String,
}

pub async fn likely_duplicates(
    conn: &mut PgConnection,
    except: Uuid,
    domain: Option<&str>,
    name: &str,
) -> Result<Vec<Likely>, Error> {
    let rows = sqlx::query_as!(
        Likely,
        r#"select id, slug, name, case when domain = $2 then 'domain' else 'name' end as "shared!"
           from vendors where id <> $1 and (domain = $2 or (sort_key % $3 and similarity(sort_key, $3) > 0.6))
           order by (domain = $2) desc nulls last, similarity(sort_key, $3) desc limit 5"#,
        except,
        domain,
        text::sort_key(name)
    );
    Ok(rows.fetch_all(conn).await?)
}

/// The aliases as names are compared.
fn alias_keys(c: &VendorContent) -> Vec<String> {
    c.aliases.iter().map(|alias| text::sort_key(alias)).collect()
}

fn keys(c: &VendorContent) -> (String, String) {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    let tags = c.tags.join(" ");
    let search = text::search_text(&[
        &c.name,
        &c.slug,
        &part(&c.legal_name),
        &c.aliases.join(" "),
        &part(&c.provider_name),
        &c.domain().unwrap_or_default(),
        &part(&c.lei),
        text::clip(&part(&c.description), 2000),
        &tags,
    ]);
    (text::sort_key(&c.name), search)
}
