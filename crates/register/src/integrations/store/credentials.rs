//! Credentials, where they are used, and every fingerprint they had.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::integrations::{Credential, CredentialContent};
use base::{error::Error, text};

struct Row {
    id: Uuid,
    slug: String,
    name: String,
    kind: String,
    environment: String,
    vault_reference: Option<String>,
    fingerprint: Option<String>,
    holder_id: Option<Uuid>,
    holder: Option<String>,
    created_on: Option<NaiveDate>,
    rotated_on: Option<NaiveDate>,
    maximum_age: Option<String>,
    expires_on: Option<NaiveDate>,
    next_rotation_on: Option<NaiveDate>,
    description: Option<String>,
    tags: Vec<String>,
    state: String,
    state_reason: Option<String>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    integration_ids: Vec<Uuid>,
    integrations: Vec<String>,
    same_fingerprint_elsewhere: Vec<String>,
}

impl TryFrom<Row> for Credential {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
            state: row.state.parse()?,
            state_reason: row.state_reason,
            rotated_on: row.rotated_on,
            next_rotation_on: row.next_rotation_on,
            holder_id: row.holder_id,
            integration_ids: row.integration_ids,
            same_fingerprint_elsewhere: row.same_fingerprint_elsewhere,
            content: CredentialContent {
                slug: row.slug,
                name: row.name,
                kind: row.kind.parse()?,
                environment: row.environment.parse()?,
                vault_reference: row.vault_reference,
                fingerprint: row.fingerprint,
                holder: row.holder,
                created_on: row.created_on,
                maximum_age: row.maximum_age,
                expires_on: row.expires_on,
                integrations: row.integrations,
                description: row.description,
                tags: row.tags,
            },
        })
    }
}

/// Whole credentials, in no particular order, in one statement.
pub async fn get_many(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Credential>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select c.id, c.slug, c.name, c.kind, c.environment, c.vault_reference, c.fingerprint, c.holder_id,
                  (select t.slug from teams t where t.id = c.holder_id) as holder, c.created_on, c.rotated_on,
                  c.maximum_age, c.expires_on, c.next_rotation_on, c.description, c.tags, c.state, c.state_reason,
                  c.revision, c.created_at, c.updated_at,
                  array(select u.integration_id from credential_uses u where u.credential_id = c.id
                        order by u.integration_id) as "integration_ids!",
                  array(select i.slug from credential_uses u join integrations i on i.id = u.integration_id
                        where u.credential_id = c.id order by i.slug) as "integrations!",
                  array(select o.name || ' (' || o.environment || ')' from credentials o
                        where o.fingerprint = c.fingerprint and o.id <> c.id and o.environment <> c.environment
                          and o.state <> 'revoked' order by o.sort_key) as "same_fingerprint_elsewhere!"
           from credentials c where c.id = any($1)"#,
        ids
    );
    rows.fetch_all(conn).await?.into_iter().map(Credential::try_from).collect()
}

pub async fn get(conn: &mut PgConnection, id: Uuid) -> Result<Option<Credential>, Error> {
    Ok(get_many(conn, &[id]).await?.pop())
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Credential>, Error> {
    sqlx::query!("select id from credentials where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    get(conn, id).await
}

/// The id behind an id, a slug or a former slug.
pub async fn find(conn: &mut PgConnection, key: &str) -> Result<Option<Uuid>, Error> {
    let id = sqlx::query_scalar!(
        r#"select id as "id!" from credentials where slug = $1
           union all select id from credentials where id = $2
           union all select record_id from slug_history where kind = 'credential' and slug = $1 limit 1"#,
        key,
        Uuid::parse_str(key).ok()
    );
    Ok(id.fetch_optional(conn).await?)
}

/// Writes the credential and where it is used; a new one where it is not here yet.
pub async fn save(conn: &mut PgConnection, credential: &Credential) -> Result<(), Error> {
    let c = &credential.content;
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    let search = text::search_text(&[
        &c.name,
        &c.slug,
        &part(&c.vault_reference),
        &part(&c.holder),
        &c.integrations.join(" "),
        &c.tags.join(" "),
        text::clip(&part(&c.description), 2000),
    ]);
    sqlx::query!(
        r#"with credential as (
               insert into credentials (id, slug, name, kind, environment, vault_reference, fingerprint, holder_id,
                   created_on, rotated_on, maximum_age, expires_on, next_rotation_on, description, tags, state,
                   state_reason, revision, created_at, updated_at, sort_key, search)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
               on conflict (id) do update set slug = excluded.slug, name = excluded.name, kind = excluded.kind,
                   environment = excluded.environment, vault_reference = excluded.vault_reference,
                   fingerprint = excluded.fingerprint, holder_id = excluded.holder_id,
                   created_on = excluded.created_on, rotated_on = excluded.rotated_on,
                   maximum_age = excluded.maximum_age, expires_on = excluded.expires_on,
                   next_rotation_on = excluded.next_rotation_on, description = excluded.description,
                   tags = excluded.tags, state = excluded.state, state_reason = excluded.state_reason,
                   revision = excluded.revision, updated_at = excluded.updated_at, sort_key = excluded.sort_key,
                   search = excluded.search
           ), gone as (
               delete from credential_uses u where u.credential_id = $1 and not u.integration_id = any($23)
           )
           insert into credential_uses (credential_id, integration_id)
           select $1, x from unnest($23::uuid[]) x on conflict do nothing"#,
        credential.id,
        c.slug,
        c.name,
        c.kind.key(),
        c.environment.key(),
        c.vault_reference,
        c.fingerprint,
        credential.holder_id,
        c.created_on,
        credential.rotated_on,
        c.maximum_age,
        c.expires_on,
        credential.next_rotation_on,
        c.description,
        &c.tags,
        credential.state.key(),
        credential.state_reason,
        credential.revision,
        credential.created_at,
        credential.updated_at,
        text::sort_key(&c.name),
        search,
        &credential.integration_ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes a fingerprint; the same one a second time is refused by its key.
pub async fn note_fingerprint(
    conn: &mut PgConnection,
    credential: Uuid,
    fingerprint: &str,
    on: NaiveDate,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into credential_rotations (credential_id, fingerprint, rotated_on, recorded_at) values ($1, $2, $3, $4)",
        credential,
        fingerprint,
        on,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The teams that own integrations: business, technical, backup.
pub async fn owners_of(conn: &mut PgConnection, integrations: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    let rows = sqlx::query!(
        r#"select i.business_owner_id, i.technical_owner_id, i.backup_owner_id,
                  (select s.team_id from systems s where s.id = i.system_id) as team_id
           from integrations i where i.id = any($1)"#,
        integrations
    )
    .fetch_all(conn)
    .await?;
    let teams = rows
        .into_iter()
        .flat_map(|row| [row.business_owner_id, row.technical_owner_id, row.backup_owner_id, row.team_id]);
    Ok(teams.flatten().collect())
}

/// How many credentials need a rotation in each week: the week's index from `from`, -1 for what is
/// overdue, with the count.
pub async fn weeks(conn: &mut PgConnection, from: NaiveDate) -> Result<Vec<(i32, i64)>, Error> {
    let rows = sqlx::query!(
        r#"select case when c.next_rotation_on < $1 then -1 else (c.next_rotation_on - $1) / 7 end as "week!", count(*) as "count!"
           from credentials c
           where c.state in ('active', 'compromised') and coalesce(c.next_rotation_on, 'infinity'::date) < $1::date + 371
           group by 1 order by 1"#,
        from
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.week, row.count)).collect())
}
