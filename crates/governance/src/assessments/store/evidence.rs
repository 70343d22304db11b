//! Evidence, and its files as large objects.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, postgres::types::Oid};
use uuid::Uuid;

use crate::assessments::{Evidence, StoredFile};
use base::{error::Error, text};

/// Bytes of one part on the way in and out.
const PART: usize = 1 << 20;

struct Row {
    id: Uuid,
    title: String,
    vendor_id: Uuid,
    assessment_id: Option<Uuid>,
    url: Option<String>,
    file_name: Option<String>,
    media_type: Option<String>,
    size: Option<i64>,
    sha256: Option<String>,
    certification: Option<String>,
    valid_until: Option<NaiveDate>,
    state: String,
    given_by: Option<Uuid>,
    given_at: DateTime<Utc>,
    revision: i64,
}

impl TryFrom<Row> for Evidence {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        let file = match (row.file_name, row.media_type, row.size, row.sha256) {
            (Some(name), Some(media_type), Some(size), Some(sha256)) => {
                Some(StoredFile { name, media_type, size, sha256 })
            }
            _ => None,
        };
        Ok(Self {
            id: row.id,
            revision: row.revision,
            title: row.title,
            vendor_id: row.vendor_id,
            assessment_id: row.assessment_id,
            url: row.url,
            file,
            certification: row.certification,
            valid_until: row.valid_until,
            state: row.state.parse()?,
            given_by: row.given_by,
            given_at: row.given_at,
        })
    }
}

/// Evidence by id, in no particular order.
pub async fn get_many(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Evidence>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select id, title, vendor_id, assessment_id, url, file_name, media_type, size, sha256, certification,
                valid_until, state, given_by, given_at, revision
         from evidence where id = any($1)",
        ids
    );
    rows.fetch_all(conn).await?.into_iter().map(Evidence::try_from).collect()
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Evidence>, Error> {
    sqlx::query!("select id from evidence where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    Ok(get_many(conn, &[id]).await?.pop())
}

/// The evidence of a vendor in use, newest first.
pub async fn of_vendor(conn: &mut PgConnection, vendor: Uuid) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select id from evidence where vendor_id = $1 and state = 'active' order by given_at desc, id limit 200",
        vendor
    );
    Ok(ids.fetch_all(conn).await?)
}

/// The evidence given in an assessment.
pub async fn of_assessment(conn: &mut PgConnection, assessment: Uuid) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!("select id from evidence where assessment_id = $1 order by given_at, id", assessment);
    Ok(ids.fetch_all(conn).await?)
}

/// Inserts it; its file with it, in the same transaction.
pub async fn insert(conn: &mut PgConnection, one: &Evidence, bytes: Option<&[u8]>) -> Result<(), Error> {
    let object = match bytes {
        None => None,
        Some(bytes) => Some(write(conn, bytes).await?),
    };
    let file = one.file.as_ref();
    sqlx::query!(
        "insert into evidence (id, title, vendor_id, assessment_id, url, file_name, media_type, size, sha256,
             large_object, certification, valid_until, state, given_by, given_at, revision, updated_at, sort_key, search)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $15, $17, $18)",
        one.id,
        one.title,
        one.vendor_id,
        one.assessment_id,
        one.url,
        file.map(|file| file.name.clone()),
        file.map(|file| file.media_type.clone()),
        file.map(|file| file.size),
        file.map(|file| file.sha256.clone()),
        object,
        one.certification,
        one.valid_until,
        one.state.key(),
        one.given_by,
        one.given_at,
        one.revision,
        text::sort_key(&one.title),
        text::search_text(&[
            &one.title,
            one.certification.as_deref().unwrap_or_default(),
            file.map(|file| file.name.as_str()).unwrap_or_default()
        ]),
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn write(conn: &mut PgConnection, bytes: &[u8]) -> Result<Oid, Error> {
    let (first, rest) = bytes.split_at(bytes.len().min(PART));
    let object =
        sqlx::query_scalar!(r#"select lo_from_bytea(0, $1) as "object!""#, first).fetch_one(&mut *conn).await?;
    let mut offset = i64::try_from(first.len()).map_err(Error::internal)?;
    for part in rest.chunks(PART) {
        sqlx::query!("select lo_put($1, $2, $3)", object, offset, part).execute(&mut *conn).await?;
        offset += i64::try_from(part.len()).map_err(Error::internal)?;
    }
    Ok(object)
}

/// The bytes of its file.
pub async fn read(conn: &mut PgConnection, id: Uuid) -> Result<Vec<u8>, Error> {
    let row = sqlx::query!(
        r#"select large_object as "object!", size as "size!" from evidence where id = $1 and large_object is not null"#,
        id
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(Error::NotFound("file"))?;
    let mut bytes = Vec::with_capacity(usize::try_from(row.size).map_err(Error::internal)?);
    while i64::try_from(bytes.len()).map_err(Error::internal)? < row.size {
        let offset = i64::try_from(bytes.len()).map_err(Error::internal)?;
        let length = i32::try_from(PART).map_err(Error::internal)?;
        let part = sqlx::query_scalar!(r#"select lo_get($1, $2, $3) as "part!""#, row.object, offset, length)
            .fetch_one(&mut *conn)
            .await?;
        if part.is_empty() {
            return Err(Error::internal("a stored file is shorter than it was"));
        }
        bytes.extend(part);
    }
    Ok(bytes)
}

/// What may change of it.
pub async fn save(conn: &mut PgConnection, one: &Evidence, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "update evidence set state = $2, certification = $3, valid_until = $4, revision = $5, updated_at = $6,
             title = $7 where id = $1",
        one.id,
        one.state.key(),
        one.certification,
        one.valid_until,
        one.revision,
        now,
        one.title,
    )
    .execute(conn)
    .await?;
    Ok(())
}
