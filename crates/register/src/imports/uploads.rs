//! What was uploaded and previewed, but not applied yet: kept for a day, for its owner alone.

use std::io::{Read, Write};

use sqlx::types::Json;
use uuid::Uuid;

use crate::catalog::ops::Identity;
use base::{app::App, error::Error};
use identity::Actor;

/// An uploaded file.
#[derive(Debug)]
pub struct Upload {
    /// Its id.
    pub id: Uuid,
    /// `openapi`, or a table's word.
    pub kind: String,
    /// The file's name.
    pub name: String,
    /// What was said of a document's identity.
    pub identity: Identity,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Keeps an upload for its owner.
pub async fn keep(app: &App, actor: &Actor, upload: &Upload) -> Result<(), Error> {
    let person = actor.person().ok_or(Error::Unauthenticated)?;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&upload.bytes).map_err(Error::internal)?;
    let body = gzip.finish().map_err(Error::internal)?;
    let name = upload.name.replace('\0', "");
    sqlx::query!(
        "insert into import_uploads (id, person_id, kind, name, options, body, created_at) values ($1, $2, $3, $4, $5, $6, $7)",
        upload.id,
        person,
        upload.kind,
        base::text::clip(&name, 200),
        Json(&upload.identity) as _,
        body,
        app.clock.now()
    )
    .execute(&mut *app.db.housekeeping().await?)
    .await?;
    Ok(())
}

/// One's own upload.
pub async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<Upload, Error> {
    let row = sqlx::query!(
        r#"select kind, name, options as "options: Json<Identity>", body from import_uploads where id = $1 and person_id = $2"#,
        id,
        actor.person()
    )
    .fetch_optional(&mut *app.db.read().await?)
    .await?
    .ok_or(Error::NotFound("upload; it is kept for a day"))?;
    let mut bytes = Vec::new();
    let limit = app.config.limits.upload + 1;
    flate2::read::GzDecoder::new(&row.body[..]).take(limit).read_to_end(&mut bytes).map_err(Error::internal)?;
    Ok(Upload { id, kind: row.kind, name: row.name, identity: row.options.0, bytes })
}

/// Forgets an upload once it is applied.
pub async fn drop(app: &App, actor: &Actor, id: Uuid) -> Result<(), Error> {
    sqlx::query!("delete from import_uploads where id = $1 and person_id = $2", id, actor.person())
        .execute(&mut *app.db.housekeeping().await?)
        .await?;
    Ok(())
}
