//! Publications and their versions.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Draft, Proposal, Publication, Publishable, Published, Version};
use base::{error::Error, text};

struct Row {
    id: Uuid,
    draft: Option<Value>,
    draft_edited_by: Vec<Uuid>,
    proposed_by: Option<Uuid>,
    proposed_at: Option<DateTime<Utc>>,
    version: i32,
    content: Option<Value>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

fn read<C: Publishable>(value: Value) -> Result<C, Error> {
    serde_json::from_value(value).map_err(Error::internal)
}

impl<C: Publishable> TryFrom<Row> for Publication<C> {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        let proposal = row.proposed_by.zip(row.proposed_at).map(|(by, at)| Proposal { by, at });
        let draft = row.draft.map(read::<C>).transpose()?;
        let content = row.content.map(read::<C>).transpose()?;
        Ok(Self {
            id: row.id,
            revision: row.revision,
            draft: draft.map(|content| Draft { content, edited_by: row.draft_edited_by, proposal }),
            published: content.map(|content| Published { version: row.version, content }),
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Whole publications, in no particular order.
pub async fn get_many<C: Publishable>(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Publication<C>>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select p.id, p.draft, p.draft_edited_by, p.proposed_by, p.proposed_at, p.version, v.content as "content?",
                  p.revision, p.created_at, p.updated_at
           from publications p left join publication_versions v on v.publication_id = p.id and v.version = p.version
           where p.kind = $1 and p.id = any($2)"#,
        C::KIND,
        ids
    );
    rows.fetch_all(conn).await?.into_iter().map(Publication::try_from).collect()
}

/// What of a kind holds now: id, version, content; in the order of their keys.
pub async fn in_force<C: Publishable>(conn: &mut PgConnection) -> Result<Vec<(Uuid, i32, C)>, Error> {
    let rows = sqlx::query!(
        "select p.id, v.version, v.content from publications p
         join publication_versions v on v.publication_id = p.id and v.version = p.version
         where p.kind = $1 order by p.sort_key, p.id",
        C::KIND
    );
    rows.fetch_all(conn).await?.into_iter().map(|row| Ok((row.id, row.version, read(row.content)?))).collect()
}

/// Which versions of a kind hold now, without what they say; in the order of their keys.
pub async fn versions_in_force(conn: &mut PgConnection, kind: &str) -> Result<Vec<(Uuid, i32)>, Error> {
    let rows = sqlx::query!(
        "select p.id, p.version from publications p where p.kind = $1 and p.version > 0 order by p.sort_key, p.id",
        kind
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.id, row.version)).collect())
}

/// What these versions say, in no particular order.
pub async fn contents<C: Publishable>(
    conn: &mut PgConnection,
    wanted: &[(Uuid, i32)],
) -> Result<Vec<(Uuid, i32, C)>, Error> {
    let (ids, versions): (Vec<Uuid>, Vec<i32>) = wanted.iter().copied().unzip();
    let rows = sqlx::query!(
        "select v.publication_id, v.version, v.content from publication_versions v
         join unnest($1::uuid[], $2::integer[]) k (id, version) on k.id = v.publication_id and k.version = v.version",
        &ids,
        &versions
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    rows.map(|row| Ok((row.publication_id, row.version, read(row.content)?))).collect()
}

pub async fn lock<C: Publishable>(conn: &mut PgConnection, id: Uuid) -> Result<Option<Publication<C>>, Error> {
    sqlx::query!("select id from publications where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    Ok(get_many(conn, &[id]).await?.pop())
}

/// The id behind an id or a key.
pub async fn find(conn: &mut PgConnection, kind: &str, key: &str) -> Result<Option<Uuid>, Error> {
    let id = sqlx::query_scalar!(
        r#"select id as "id!" from publications where kind = $1 and key = $2
           union all select id from publications where kind = $1 and id = $3 limit 1"#,
        kind,
        key,
        Uuid::parse_str(key).ok()
    );
    Ok(id.fetch_optional(conn).await?)
}

/// The versions of one, newest first.
pub async fn versions<C: Publishable>(conn: &mut PgConnection, id: Uuid) -> Result<Vec<Version<C>>, Error> {
    let rows = sqlx::query!(
        "select version, content, edited_by, proposed_by, published_by, published_at
         from publication_versions where publication_id = $1 order by version desc limit 200",
        id
    );
    let version = |content| read::<C>(content);
    rows.fetch_all(conn)
        .await?
        .into_iter()
        .map(|row| {
            Ok(Version {
                version: row.version,
                content: version(row.content)?,
                edited_by: row.edited_by,
                proposed_by: row.proposed_by,
                published_by: row.published_by,
                published_at: row.published_at,
            })
        })
        .collect()
}

/// What one of its versions says.
pub async fn version<C: Publishable>(conn: &mut PgConnection, id: Uuid, version: i32) -> Result<Option<C>, Error> {
    let content = sqlx::query_scalar!(
        "select content from publication_versions where publication_id = $1 and version = $2",
        id,
        version
    );
    content.fetch_optional(conn).await?.map(read).transpose()
}

/// Inserts or updates the record itself; its versions are inserted apart.
pub async fn save<C: Publishable>(conn: &mut PgConnection, record: &Publication<C>) -> Result<(), Error> {
    let shown = record.shown()?;
    let (mode, severity) = record.published.as_ref().map_or_else(|| shown.facets(), |held| held.content.facets());
    let proposal = record.draft.as_ref().and_then(|draft| draft.proposal);
    let value = |content: &C| serde_json::to_value(content).map_err(Error::internal);
    let draft = record.draft.as_ref().map(|draft| value(&draft.content)).transpose()?;
    let edited_by = record.draft.as_ref().map(|draft| draft.edited_by.clone()).unwrap_or_default();
    sqlx::query!(
        "insert into publications (id, kind, key, title, draft, draft_edited_by, proposed_by, proposed_at, version,
             mode, severity, revision, created_at, updated_at, sort_key, search)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
         on conflict (id) do update set title = excluded.title, draft = excluded.draft,
             draft_edited_by = excluded.draft_edited_by, proposed_by = excluded.proposed_by,
             proposed_at = excluded.proposed_at, version = excluded.version, mode = excluded.mode,
             severity = excluded.severity, revision = excluded.revision, updated_at = excluded.updated_at,
             sort_key = excluded.sort_key, search = excluded.search",
        record.id,
        C::KIND,
        shown.key(),
        shown.title(),
        draft,
        &edited_by,
        proposal.map(|proposal| proposal.by),
        proposal.map(|proposal| proposal.at),
        record.published.as_ref().map_or(0, |published| published.version),
        mode,
        severity,
        record.revision,
        record.created_at,
        record.updated_at,
        text::sort_key(shown.title()),
        text::search_text(&[shown.title(), shown.key(), &serde_json::to_string(shown).unwrap_or_default()]),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn insert_version<C: Publishable>(
    conn: &mut PgConnection,
    id: Uuid,
    version: &Version<C>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into publication_versions (publication_id, version, content, edited_by, proposed_by, published_by,
             published_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        id,
        version.version,
        serde_json::to_value(&version.content).map_err(Error::internal)?,
        &version.edited_by,
        version.proposed_by,
        version.published_by,
        version.published_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}
