//! API versions and their documents.

use data_encoding::HEXLOWER;
use uuid::Uuid;

use super::VersionRow;
use crate::catalog::{
    ApiVersion, Endpoint, Scope, Source, VersionContent,
    store::{apis, versions},
};
use base::{
    app::App,
    audit::Event,
    error::{Error, same_revision},
};
use identity::{Actor, Permission};

/// The versions of an API, the current one first.
pub async fn versions(app: &App, actor: &Actor, api: Uuid) -> Result<Vec<VersionRow>, Error> {
    actor.require(Permission::Read)?;
    versions::of_api(&mut *app.db.read().await?, api).await
}

/// The version of an API behind an id or a slug, with all its parts.
pub async fn find_version(app: &App, actor: &Actor, api: Uuid, key: &str) -> Result<ApiVersion, Error> {
    actor.require(Permission::Read)?;
    let mut conn = app.db.read().await?;
    let id = versions::find(&mut conn, api, key).await?.ok_or(Error::NotFound("API version"))?;
    versions::get(&mut conn, id).await?.ok_or(Error::NotFound("API version"))
}

/// The slugs of an API and its version, by the version's id.
pub async fn version_address(app: &App, actor: &Actor, id: Uuid) -> Result<(String, String), Error> {
    actor.require(Permission::Read)?;
    versions::address(&mut *app.db.read().await?, id).await?.ok_or(Error::NotFound("API version"))
}

/// A kept document by its hash in hexadecimal: media type and gzip-compressed body.
pub async fn document(app: &App, actor: &Actor, sha256: &str) -> Result<(String, Vec<u8>), Error> {
    actor.require(Permission::Read)?;
    let hash = HEXLOWER.decode(sha256.as_bytes()).map_err(|_| Error::NotFound("document"))?;
    versions::document(&mut *app.db.read().await?, &hash).await?.ok_or(Error::NotFound("document"))
}

/// Adds a version to an API.
pub async fn create_version(app: &App, actor: &Actor, api: Uuid, content: VersionContent) -> Result<ApiVersion, Error> {
    actor.require(Permission::EditCatalog)?;
    let content = content.checked()?;
    let mut tx = app.db.write(actor).await?;
    apis::lock(tx.conn(), api).await?.ok_or(Error::NotFound("API"))?;
    let now = tx.now();
    let content = with_sources(content, &VersionContent::default());
    let version = ApiVersion {
        id: Uuid::now_v7(),
        revision: 1,
        created_at: now,
        updated_at: now,
        api_id: api,
        slug: versions::free_slug(tx.conn(), api, &content.label).await?,
        openapi_version: None,
        document_sha256: None,
        imported: serde_json::Map::new(),
        content,
    };
    versions::insert(tx.conn(), &version).await?;
    tx.record(Event::created("api_version.created", &version)).await?.commit().await?;
    Ok(version)
}

/// Changes a version based on `revision`. Its slug stays: others may have linked it.
pub async fn update_version(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    content: VersionContent,
) -> Result<ApiVersion, Error> {
    actor.require(Permission::EditCatalog)?;
    let content = content.checked()?;
    let mut tx = app.db.write(actor).await?;
    let before = versions::lock(tx.conn(), id).await?.ok_or(Error::NotFound("API version"))?;
    same_revision(revision, before.revision)?;
    let content = with_sources(content, &before.content);
    if before.content == content {
        return Ok(before);
    }
    let after = ApiVersion { revision: revision + 1, updated_at: tx.now(), content, ..before.clone() };
    versions::update(tx.conn(), &after).await?;
    tx.record(Event::changed("api_version.updated", &before, &after)).await?.commit().await?;
    Ok(after)
}

/// A row that stands as it was keeps its source; whatever a person adds or alters is a person's.
fn with_sources(mut content: VersionContent, before: &VersionContent) -> VersionContent {
    for endpoint in &mut content.endpoints {
        let as_imported = Endpoint { source: Source::Import, ..endpoint.clone() };
        let kept = before.endpoints.contains(&as_imported);
        endpoint.source = if kept { Source::Import } else { Source::Person };
    }
    for scope in &mut content.scopes {
        let as_imported = Scope { source: Source::Import, ..scope.clone() };
        let kept = before.scopes.contains(&as_imported);
        scope.source = if kept { Source::Import } else { Source::Person };
    }
    content
}
