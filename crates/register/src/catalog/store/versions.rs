//! API versions with endpoints, scopes and operations; documents by hash.

use chrono::{DateTime, NaiveDate, Utc};
use data_encoding::HEXLOWER;
use serde_json::{Map, Value};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::catalog::ops::DocumentImport;
use crate::catalog::{ApiVersion, AuthScheme, Endpoint, Operation, Scope, VersionContent};
use base::{error::Error, text};

struct Row {
    id: Uuid,
    api_id: Uuid,
    slug: String,
    label: String,
    description: Option<String>,
    lifecycle: String,
    deprecated_on: Option<NaiveDate>,
    sunset_on: Option<NaiveDate>,
    openapi_version: Option<String>,
    document_sha256: Option<Vec<u8>>,
    auth_schemes: Json<Vec<AuthScheme>>,
    imported: Json<Map<String, Value>>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    endpoints: Json<Vec<Endpoint>>,
    scopes: Json<Vec<Scope>>,
    operations: Json<Vec<Operation>>,
}

impl TryFrom<Row> for ApiVersion {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
            api_id: row.api_id,
            slug: row.slug,
            openapi_version: row.openapi_version,
            document_sha256: row.document_sha256.map(|hash| HEXLOWER.encode(&hash)),
            imported: row.imported.0,
            content: VersionContent {
                label: row.label,
                description: row.description,
                lifecycle: row.lifecycle.parse()?,
                deprecated_on: row.deprecated_on,
                sunset_on: row.sunset_on,
                endpoints: row.endpoints.0,
                scopes: row.scopes.0,
                operations: row.operations.0,
                auth_schemes: row.auth_schemes.0,
            },
        })
    }
}

/// One version with all its parts.
pub async fn get(conn: &mut PgConnection, id: Uuid) -> Result<Option<ApiVersion>, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"select v.id, v.api_id, v.slug, v.label, v.description, v.lifecycle, v.deprecated_on, v.sunset_on,
                  v.openapi_version, v.document_sha256, v.auth_schemes as "auth_schemes: Json<Vec<AuthScheme>>",
                  v.imported as "imported: Json<Map<String, Value>>", v.revision, v.created_at, v.updated_at,
                  (select coalesce(jsonb_agg(jsonb_build_object('url', e.url, 'host_pattern', e.host_pattern,
                      'path_prefix', e.path_prefix, 'environment', e.environment, 'description', e.description,
                      'source', e.source) order by e.position), '[]')
                   from api_endpoints e where e.version_id = v.id) as "endpoints!: Json<Vec<Endpoint>>",
                  (select coalesce(jsonb_agg(jsonb_build_object('name', s.name, 'description', s.description,
                      'scheme', s.scheme, 'source', s.source) order by s.position), '[]')
                   from api_scopes s where s.version_id = v.id) as "scopes!: Json<Vec<Scope>>",
                  (select coalesce(jsonb_agg(jsonb_build_object('method', o.method, 'path', o.path,
                      'operation_id', o.operation_id, 'summary', o.summary, 'scopes', o.scopes,
                      'deprecated', o.deprecated, 'direction', o.direction) order by o.position), '[]')
                   from api_operations o where o.version_id = v.id) as "operations!: Json<Vec<Operation>>"
           from api_versions v where v.id = $1"#,
        id
    );
    row.fetch_optional(conn).await?.map(ApiVersion::try_from).transpose()
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<ApiVersion>, Error> {
    sqlx::query!("select id from api_versions where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    get(conn, id).await
}

pub async fn by_label(conn: &mut PgConnection, api: Uuid, label: &str) -> Result<Option<Uuid>, Error> {
    let id = sqlx::query_scalar!("select id from api_versions where api_id = $1 and label = $2", api, label);
    Ok(id.fetch_optional(conn).await?)
}

/// The id behind an id, or a slug within an API.
pub async fn find(conn: &mut PgConnection, api: Uuid, key: &str) -> Result<Option<Uuid>, Error> {
    let id = sqlx::query_scalar!(
        "select id from api_versions where api_id = $1 and (slug = $2 or id = $3) limit 1",
        api,
        key,
        Uuid::parse_str(key).ok()
    );
    Ok(id.fetch_optional(conn).await?)
}

/// A version in the list of its API, without its parts.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct VersionRow {
    /// Immutable id.
    pub id: Uuid,
    /// The label's slug, unique within the API.
    pub slug: String,
    /// The vendor's label.
    pub label: String,
    /// Where it is in its life.
    pub lifecycle: String,
    /// When it is switched off.
    pub sunset_on: Option<NaiveDate>,
    /// OpenAPI version of its document.
    pub openapi_version: Option<String>,
    /// How many endpoints it has.
    pub endpoints: i64,
    /// How many scopes it offers.
    pub scopes: i64,
    /// How many operations it has.
    pub operations: i64,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
    /// Whether a person named it as the current one.
    pub current: bool,
}

pub async fn of_api(conn: &mut PgConnection, api: Uuid) -> Result<Vec<VersionRow>, Error> {
    let rows = sqlx::query_as!(
        VersionRow,
        r#"select v.id, v.slug, v.label, v.lifecycle, v.sunset_on, v.openapi_version,
                  (select count(*) from api_endpoints e where e.version_id = v.id) as "endpoints!",
                  (select count(*) from api_scopes s where s.version_id = v.id) as "scopes!",
                  (select count(*) from api_operations o where o.version_id = v.id) as "operations!",
                  v.updated_at, v.revision, (a.current_version_id is not distinct from v.id) as "current!"
           from api_versions v join apis a on a.id = v.api_id
           where v.api_id = $1 order by (a.current_version_id is not distinct from v.id) desc, v.created_at desc limit 200"#,
        api
    );
    Ok(rows.fetch_all(conn).await?)
}

/// The slugs of API and version.
pub async fn address(conn: &mut PgConnection, id: Uuid) -> Result<Option<(String, String)>, Error> {
    let row = sqlx::query!(
        "select a.slug as api, v.slug as version from api_versions v join apis a on a.id = v.api_id where v.id = $1",
        id
    );
    Ok(row.fetch_optional(conn).await?.map(|row| (row.api, row.version)))
}

pub async fn free_slug(conn: &mut PgConnection, api: Uuid, label: &str) -> Result<String, Error> {
    let slug = text::slug(label, "version");
    let taken = sqlx::query_scalar!("select slug from api_versions where api_id = $1", api).fetch_all(conn).await?;
    Ok(base::slugs::first_free(&slug, &taken))
}

pub async fn insert(conn: &mut PgConnection, version: &ApiVersion) -> Result<(), Error> {
    let c = &version.content;
    sqlx::query!(
        "insert into api_versions (id, api_id, slug, label, description, lifecycle, deprecated_on, sunset_on,
             openapi_version, document_sha256, auth_schemes, imported, revision, created_at, updated_at, sort_key)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        version.id,
        version.api_id,
        version.slug,
        c.label,
        c.description,
        c.lifecycle.key(),
        c.deprecated_on,
        c.sunset_on,
        version.openapi_version,
        hash(version)?,
        Json(&c.auth_schemes) as _,
        Json(&version.imported) as _,
        version.revision,
        version.created_at,
        version.updated_at,
        text::sort_key(&c.label),
    )
    .execute(&mut *conn)
    .await?;
    insert_parts(conn, version).await
}

pub async fn update(conn: &mut PgConnection, version: &ApiVersion) -> Result<(), Error> {
    let c = &version.content;
    sqlx::query!(
        "update api_versions set label = $2, description = $3, lifecycle = $4, deprecated_on = $5, sunset_on = $6,
             openapi_version = $7, document_sha256 = $8, auth_schemes = $9, imported = $10, revision = $11,
             updated_at = $12, sort_key = $13
         where id = $1",
        version.id,
        c.label,
        c.description,
        c.lifecycle.key(),
        c.deprecated_on,
        c.sunset_on,
        version.openapi_version,
        hash(version)?,
        Json(&c.auth_schemes) as _,
        Json(&version.imported) as _,
        version.revision,
        version.updated_at,
        text::sort_key(&c.label),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from api_endpoints where version_id = $1", version.id).execute(&mut *conn).await?;
    sqlx::query!("delete from api_scopes where version_id = $1", version.id).execute(&mut *conn).await?;
    sqlx::query!("delete from api_operations where version_id = $1", version.id).execute(&mut *conn).await?;
    insert_parts(conn, version).await
}

async fn insert_parts(conn: &mut PgConnection, version: &ApiVersion) -> Result<(), Error> {
    let c = &version.content;
    // One statement for each kind of part, however many there are.
    if !c.endpoints.is_empty() {
        sqlx::query!(
            "insert into api_endpoints (version_id, position, url, host_pattern, path_prefix, environment, description, source)
             select $1, row_number() over ()::int, x.url, x.host_pattern, x.path_prefix, x.environment, x.description, x.source
             from jsonb_to_recordset($2::jsonb) x (url text, host_pattern text, path_prefix text, environment text, description text, source text)",
            version.id,
            Json(&c.endpoints) as _
        )
        .execute(&mut *conn)
        .await?;
    }
    if !c.scopes.is_empty() {
        sqlx::query!(
            "insert into api_scopes (version_id, position, name, description, scheme, source)
             select $1, row_number() over ()::int, x.name, x.description, x.scheme, x.source
             from jsonb_to_recordset($2::jsonb) x (name text, description text, scheme text, source text)",
            version.id,
            Json(&c.scopes) as _
        )
        .execute(&mut *conn)
        .await?;
    }
    if !c.operations.is_empty() {
        sqlx::query!(
            "insert into api_operations (version_id, position, method, path, operation_id, summary, scopes, deprecated, direction)
             select $1, row_number() over ()::int, x.method, x.path, x.operation_id, x.summary, x.scopes, x.deprecated,
                 x.direction
             from jsonb_to_recordset($2::jsonb) x (method text, path text, operation_id text, summary text, scopes text[],
                 deprecated boolean, direction text)",
            version.id,
            Json(&c.operations) as _
        )
        .execute(conn)
        .await?;
    }
    Ok(())
}

fn hash(version: &ApiVersion) -> Result<Option<Vec<u8>>, Error> {
    let decode = |hex: &String| HEXLOWER.decode(hex.as_bytes()).map_err(Error::internal);
    version.document_sha256.as_ref().map(decode).transpose()
}

/// Keeps a document, once by its hash.
pub async fn keep_document(
    conn: &mut PgConnection,
    document: &DocumentImport,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into documents (sha256, media_type, size, body, created_at, meaning) values ($1, $2, $3, $4, $5, $6)
         on conflict do nothing",
        document.sha256,
        document.media_type,
        document.size,
        document.compressed,
        now,
        document.meaning
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A kept document: media type and gzip-compressed body.
pub async fn document(conn: &mut PgConnection, sha256: &[u8]) -> Result<Option<(String, Vec<u8>)>, Error> {
    let row = sqlx::query!("select media_type, body from documents where sha256 = $1", sha256);
    Ok(row.fetch_optional(conn).await?.map(|row| (row.media_type, row.body)))
}

/// A document that a version had.
pub struct KnownDocument {
    /// SHA-256 of its bytes.
    pub sha256: Vec<u8>,
    /// The digest of what it says; none where it was imported before there was such a digest.
    pub meaning: Option<Vec<u8>>,
    /// When it was published, as far as known.
    pub published_at: Option<DateTime<Utc>>,
}

impl KnownDocument {
    /// Whether another one is this one, in whatever notation.
    pub fn says_the_same(&self, sha256: &[u8], meaning: &[u8]) -> bool {
        self.sha256 == sha256 || self.meaning.as_deref() == Some(meaning)
    }
}

/// The documents of a version, newest import first.
pub async fn documents_of(conn: &mut PgConnection, version: Uuid) -> Result<Vec<KnownDocument>, Error> {
    let rows = sqlx::query_as!(
        KnownDocument,
        "select v.sha256, d.meaning, v.published_at from version_documents v join documents d on d.sha256 = v.sha256
         where v.version_id = $1 order by v.imported_at desc",
        version
    );
    Ok(rows.fetch_all(conn).await?)
}

/// The operations of an API's version with a label, as 'direction method path'.
pub async fn operation_keys(conn: &mut PgConnection, api: Uuid, label: &str) -> Result<Vec<String>, Error> {
    let keys = sqlx::query_scalar!(
        r#"select o.direction || ' ' || o.method || ' ' || o.path as "key!"
           from api_versions v join api_operations o on o.version_id = v.id where v.api_id = $1 and v.label = $2"#,
        api,
        label
    );
    Ok(keys.fetch_all(conn).await?)
}

pub async fn remember_document(
    conn: &mut PgConnection,
    version: Uuid,
    sha256: &[u8],
    published_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into version_documents (version_id, sha256, published_at, imported_at) values ($1, $2, $3, $4)
         on conflict do nothing",
        version,
        sha256,
        published_at,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
