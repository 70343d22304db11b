//! People and groups as a provider keeps them here.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::scim::{Filter, Group, User};
use base::error::Error;

/// A resource with what stands around it.
#[derive(Clone, Debug)]
pub struct Kept<T> {
    pub id: Uuid,
    pub created: DateTime<Utc>,
    pub changed: DateTime<Utc>,
    pub revision: i64,
    pub what: T,
}

/// The people that a service account made, one page: how many there are, and the page.
pub async fn users(
    conn: &mut PgConnection,
    account: &str,
    filter: Option<&Filter>,
    (offset, limit): (i64, i64),
) -> Result<(i64, Vec<Kept<User>>), Error> {
    let asked = |name: &str| filter.and_then(|filter| filter.get(name));
    let Some(id) = id_of(asked("id")).filter(|_| !filter.is_some_and(|filter| filter.fits_nothing)) else {
        return Ok((0, Vec::new()));
    };
    let state = asked("active").map(|said| if said.eq_ignore_ascii_case("true") { "active" } else { "disabled" });
    let (name, external, email) = (asked("userName"), asked("externalId"), asked("emails"));
    let total = sqlx::query_scalar!(
        r#"select count(*) as "total!" from people p where p.provisioned_by = $1 and p.user_name is not null
             and ($2::text is null or lower(p.user_name) = lower($2)) and ($3::text is null or p.external_id = $3)
             and ($4::uuid is null or p.id = $4) and ($5::text is null or lower(p.email) = lower($5))
             and ($6::text is null or p.state = $6)"#,
        account,
        name,
        external,
        id,
        email,
        state
    )
    .fetch_one(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        r#"select p.id, p.external_id, p.user_name as "user_name!", p.name, p.given_name, p.family_name, p.email, p.state,
                  p.revision, p.created_at, p.updated_at
           from people p where p.provisioned_by = $1 and p.user_name is not null
             and ($2::text is null or lower(p.user_name) = lower($2)) and ($3::text is null or p.external_id = $3)
             and ($4::uuid is null or p.id = $4) and ($5::text is null or lower(p.email) = lower($5))
             and ($6::text is null or p.state = $6)
           order by p.created_at, p.id offset $7 limit $8"#,
        account,
        name,
        external,
        id,
        email,
        state,
        offset,
        limit
    )
    .fetch_all(conn)
    .await?;
    let kept = rows.into_iter().map(|row| Kept {
        id: row.id,
        created: row.created_at,
        changed: row.updated_at,
        revision: row.revision,
        what: User {
            external_id: row.external_id,
            user_name: row.user_name,
            name: row.name,
            given_name: row.given_name,
            family_name: row.family_name,
            email: row.email,
            active: row.state == "active",
        },
    });
    Ok((total, kept.collect()))
}

/// An id that is asked for: `Some(None)` where none is, `None` where what is asked for is no id.
#[allow(clippy::option_option, reason = "asked for or not, and a resource's id or not")]
fn id_of(asked: Option<&str>) -> Option<Option<Uuid>> {
    match asked {
        None => Some(None),
        Some(text) => text.parse().ok().map(Some),
    }
}

/// What a provider knows a person by.
pub async fn set_names(conn: &mut PgConnection, id: Uuid, account: &str, user: &User) -> Result<(), Error> {
    sqlx::query!(
        "update people set provisioned_by = $2, external_id = $3, user_name = $4, given_name = $5, family_name = $6
         where id = $1",
        id,
        account,
        user.external_id,
        user.user_name,
        user.given_name,
        user.family_name
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The groups of a provider, one page: how many there are, and the page.
pub async fn groups(
    conn: &mut PgConnection,
    provider: &str,
    filter: Option<&Filter>,
    (offset, limit): (i64, i64),
) -> Result<(i64, Vec<Kept<Group>>), Error> {
    let asked = |name: &str| filter.and_then(|filter| filter.get(name));
    let ids = id_of(asked("id")).zip(id_of(asked("members")));
    let Some((id, member)) = ids.filter(|_| !filter.is_some_and(|filter| filter.fits_nothing)) else {
        return Ok((0, Vec::new()));
    };
    let (name, external) = (asked("displayName"), asked("externalId"));
    let total = sqlx::query_scalar!(
        r#"select count(*) as "total!" from provider_groups g where g.provider = $1
             and ($2::text is null or lower(g.display_name) = lower($2)) and ($3::text is null or g.external_id = $3)
             and ($4::uuid is null or g.id = $4) and ($5::uuid is null or exists (select from provider_group_members m
                 where m.group_id = g.id and m.person_id = $5))"#,
        provider,
        name,
        external,
        id,
        member
    )
    .fetch_one(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        r#"select g.id, g.external_id, g.display_name, g.revision, g.created_at, g.updated_at,
                  array(select m.person_id from provider_group_members m where m.group_id = g.id order by 1) as "members!"
           from provider_groups g where g.provider = $1
             and ($2::text is null or lower(g.display_name) = lower($2)) and ($3::text is null or g.external_id = $3)
             and ($4::uuid is null or g.id = $4) and ($5::uuid is null or exists (select from provider_group_members m
                 where m.group_id = g.id and m.person_id = $5))
           order by g.created_at, g.id offset $6 limit $7"#,
        provider,
        name,
        external,
        id,
        member,
        offset,
        limit
    )
    .fetch_all(conn)
    .await?;
    let kept = rows.into_iter().map(|row| Kept {
        id: row.id,
        created: row.created_at,
        changed: row.updated_at,
        revision: row.revision,
        what: Group { external_id: row.external_id, display_name: row.display_name, members: row.members },
    });
    Ok((total, kept.collect()))
}

/// Locks a group of a provider.
pub async fn lock_group(conn: &mut PgConnection, provider: &str, id: Uuid) -> Result<Option<Kept<Group>>, Error> {
    sqlx::query!("select id from provider_groups where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    let filter = Filter::of("id", id.to_string());
    Ok(groups(conn, provider, Some(&filter), (0, 1)).await?.1.pop())
}

/// Writes a group with its members.
pub async fn save_group(conn: &mut PgConnection, provider: &str, kept: &Kept<Group>) -> Result<(), Error> {
    sqlx::query!(
        "insert into provider_groups (id, provider, display_name, external_id, revision, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (id) do update set display_name = excluded.display_name, external_id = excluded.external_id,
             revision = excluded.revision, updated_at = excluded.updated_at",
        kept.id,
        provider,
        kept.what.display_name,
        kept.what.external_id,
        kept.revision,
        kept.created,
        kept.changed
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from provider_group_members where group_id = $1 and person_id <> all ($2)",
        kept.id,
        &kept.what.members
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into provider_group_members (group_id, person_id) select $1, unnest($2::uuid[]) on conflict do nothing",
        kept.id,
        &kept.what.members
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes a group.
pub async fn remove_group(conn: &mut PgConnection, id: Uuid) -> Result<(), Error> {
    sqlx::query!("delete from provider_group_members where group_id = $1", id).execute(&mut *conn).await?;
    sqlx::query!("delete from provider_groups where id = $1", id).execute(conn).await?;
    Ok(())
}

/// Those of these people whom the service account did not make.
pub async fn strangers(conn: &mut PgConnection, account: &str, ids: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    let found = sqlx::query_scalar!(
        r#"select k.id as "id!" from unnest($2::uuid[]) k (id)
           where not exists (select from people p where p.id = k.id and p.provisioned_by = $1)"#,
        account,
        ids
    );
    Ok(found.fetch_all(conn).await?)
}
