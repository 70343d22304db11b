//! Evidence: given, shown, taken out of use. Files go out as they came in, or not at all.

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::require_assessor;
use crate::assessments::{
    Assessment, Evidence, EvidenceContent, StoredFile,
    evidence::{media_type, plain_name},
    store::evidence as store,
};
use base::{
    app::App,
    audit::Event,
    db::WriteTx,
    error::{Error, FieldErrors, same_revision},
    words::State,
};
use identity::{Actor, Permission};
use register::catalog;

/// A file as it was uploaded.
#[derive(Clone, Copy, Debug)]
pub struct Upload<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Checks a file: its size, and that it is what its name says.
fn stored(upload: Upload<'_>, app: &App) -> Result<StoredFile, Error> {
    let size = upload.bytes.len() as u64;
    if size > app.config.limits.upload {
        let most = app.config.limits.upload >> 20;
        return Err(Error::TooLarge(format!("This file is larger than {most} MiB.")));
    }
    let name = plain_name(upload.name);
    let media = media_type(&name, upload.bytes).map_err(|fault| Error::field("/file", fault))?;
    Ok(StoredFile {
        name,
        media_type: media.to_owned(),
        size: i64::try_from(size).map_err(Error::internal)?,
        sha256: HEXLOWER.encode(&Sha256::digest(upload.bytes)),
    })
}

/// The evidence that a file is in an assessment, with its bytes.
pub(super) fn in_assessment<'a>(
    one: &Assessment,
    title: String,
    upload: Upload<'a>,
    by: Option<Uuid>,
    now: DateTime<Utc>,
    app: &App,
) -> Result<(Evidence, &'a [u8]), Error> {
    let evidence = Evidence {
        id: Uuid::now_v7(),
        revision: 1,
        title,
        vendor_id: one.vendor_id,
        assessment_id: Some(one.id),
        url: None,
        file: Some(stored(upload, app)?),
        certification: None,
        valid_until: None,
        state: State::Active,
        given_by: by,
        given_at: now,
    };
    Ok((evidence, upload.bytes))
}

pub(super) async fn insert<S>(tx: &mut WriteTx<S>, one: &Evidence, bytes: Option<&[u8]>) -> Result<(), Error> {
    store::insert(tx.conn(), one, bytes).await
}

/// What was given in an assessment.
pub(super) async fn given_in(conn: &mut PgConnection, assessment: Uuid) -> Result<Vec<Evidence>, Error> {
    let ids = store::of_assessment(conn, assessment).await?;
    Ok(sorted(store::get_many(conn, &ids).await?, &ids))
}

fn sorted(mut all: Vec<Evidence>, ids: &[Uuid]) -> Vec<Evidence> {
    all.sort_by_key(|one| ids.iter().position(|id| *id == one.id));
    all
}

/// Adds evidence of a vendor: a link, or a file.
pub async fn add_evidence(
    app: &App,
    actor: &Actor,
    content: EvidenceContent,
    upload: Option<Upload<'_>>,
) -> Result<Evidence, Error> {
    require_assessor(actor)?;
    let content = content.checked()?;
    let vendor = catalog::ops::find_vendor(app, actor, &content.vendor).await.map_err(|error| match error {
        Error::NotFound(_) => Error::field("/vendor", "There is no such vendor."),
        other => other,
    })?;
    let mut errors = FieldErrors::new();
    if upload.is_some() == content.url.is_some() {
        errors.add("/url", "Give either a link or a file.");
    }
    if let Some(name) = &content.certification
        && !vendor.content.certifications.iter().any(|known| known.name == *name)
    {
        errors.add("/certification", format!("The vendor has no certificate or report '{name}'."));
    }
    errors.finish()?;
    let file = upload.map(|upload| stored(upload, app)).transpose()?;
    let mut tx = app.db.write(actor).await?;
    let evidence = Evidence {
        id: Uuid::now_v7(),
        revision: 1,
        title: content.title,
        vendor_id: vendor.id,
        assessment_id: None,
        url: content.url,
        file,
        certification: content.certification,
        valid_until: content.valid_until,
        state: State::Active,
        given_by: actor.person(),
        given_at: tx.now(),
    };
    store::insert(tx.conn(), &evidence, upload.map(|upload| upload.bytes)).await?;
    tx.record(Event::created("evidence.given", &evidence)).await?.commit().await?;
    app.forget_counts();
    Ok(evidence)
}

/// One piece of evidence.
pub async fn find_evidence(app: &App, actor: &Actor, id: Uuid) -> Result<Evidence, Error> {
    get_evidence(app, actor, &[id]).await?.pop().ok_or(Error::NotFound("evidence"))
}

/// Evidence by id, in the order asked for.
pub async fn get_evidence(app: &App, actor: &Actor, ids: &[Uuid]) -> Result<Vec<Evidence>, Error> {
    actor.require(Permission::Read)?;
    Ok(sorted(store::get_many(&mut *app.db.read().await?, ids).await?, ids))
}

/// The evidence of a vendor in use, newest first.
pub async fn evidence_of_vendor(app: &App, actor: &Actor, vendor: Uuid) -> Result<Vec<Evidence>, Error> {
    let ids = store::of_vendor(&mut *app.db.read().await?, vendor).await?;
    get_evidence(app, actor, &ids).await
}

/// Its file, checked against the hash that it came with. That somebody takes it away is recorded.
pub async fn evidence_file(app: &App, actor: &Actor, id: Uuid) -> Result<(StoredFile, Vec<u8>), Error> {
    let one = find_evidence(app, actor, id).await?;
    let file = one.file.ok_or(Error::NotFound("file"))?;
    let mut conn = app.db.read().await?;
    // Reading a large object takes a transaction; it is read in one snapshot then, too.
    let mut tx = sqlx::Connection::begin(&mut *conn).await?;
    let bytes = store::read(&mut tx, id).await?;
    tx.commit().await?;
    drop(conn);
    if HEXLOWER.encode(&Sha256::digest(&bytes)) != file.sha256 {
        return Err(Error::internal(format!("the file of evidence {id} is not the one that was stored")));
    }
    let detail = serde_json::json!({ "file": file.name, "sha256": file.sha256 });
    let tx = app.db.write(actor).await?;
    tx.record(Event::happened("evidence.taken", "evidence", Some(id), detail)).await?.commit().await?;
    Ok((file, bytes))
}

/// Takes it out of use. It is kept.
pub async fn retire_evidence(app: &App, actor: &Actor, id: Uuid, revision: i64) -> Result<Evidence, Error> {
    require_assessor(actor)?;
    let mut tx = app.db.write(actor).await?;
    let before = store::lock(tx.conn(), id).await?.ok_or(Error::NotFound("evidence"))?;
    same_revision(revision, before.revision)?;
    if before.state == State::Retired {
        return Ok(before);
    }
    let after = Evidence { state: State::Retired, revision: revision + 1, ..before.clone() };
    let now = tx.now();
    store::save(tx.conn(), &after, now).await?;
    tx.record(Event::changed("evidence.retired", &before, &after)).await?.commit().await?;
    app.forget_counts();
    Ok(after)
}
