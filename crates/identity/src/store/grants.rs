//! Rights by the groups of a provider: what they give, and what stands of it.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{GroupKind, GroupMapping, Role};
use base::error::Error;

/// The mappings of a provider that hold; of all, where none is named.
pub async fn mappings(conn: &mut PgConnection, provider: Option<&str>) -> Result<Vec<GroupMapping>, Error> {
    let found = sqlx::query_as!(
        GroupMapping,
        r#"select m.id, m.provider, m.group_name, m.role, m.team_id, m.review_group_id,
                  coalesce(t.slug, g.slug) as "slug?", coalesce(t.name, g.name) as "name?",
                  m.state, m.created_by, m.revision, m.created_at, m.updated_at
           from group_mappings m left join teams t on t.id = m.team_id left join review_groups g on g.id = m.review_group_id
           where m.state = 'active' and ($1::text is null or m.provider = $1)
           order by m.provider, m.group_name, m.id"#,
        provider
    );
    Ok(found.fetch_all(conn).await?)
}

/// One mapping, locked.
pub async fn lock_mapping(conn: &mut PgConnection, id: Uuid) -> Result<Option<GroupMapping>, Error> {
    sqlx::query!("select id from group_mappings where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    Ok(mappings(conn, None).await?.into_iter().find(|mapping| mapping.id == id))
}

/// Writes a mapping.
pub async fn save_mapping(conn: &mut PgConnection, one: &GroupMapping) -> Result<(), Error> {
    sqlx::query!(
        "insert into group_mappings (id, provider, group_name, role, team_id, review_group_id, state, created_by, revision,
             created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (id) do update set state = excluded.state, revision = excluded.revision,
             updated_at = excluded.updated_at",
        one.id,
        one.provider,
        one.group_name,
        one.role,
        one.team_id,
        one.review_group_id,
        one.state,
        one.created_by,
        one.revision,
        one.created_at,
        one.updated_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// People whom a group of a provider touches: by the token of their last sign-in there, or as the provider keeps it.
pub async fn touched(conn: &mut PgConnection, provider: &str, group: &str, told: Told) -> Result<Vec<Uuid>, Error> {
    let found = sqlx::query_scalar!(
        r#"select i.person_id as "id!" from identities i
           where not $3 and i.provider = $1 and i.state = 'active' and $2 = any(i.groups)
           union
           select m.person_id from provider_groups g join provider_group_members m on m.group_id = g.id
           where $3 and g.provider = $1 and g.display_name = $2
           order by 1"#,
        provider,
        group,
        told == Told::Kept
    );
    Ok(found.fetch_all(conn).await?)
}

/// Who says in which groups somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The token of the last sign-in.
    Token,
    /// The provider, which keeps its groups here.
    Kept,
}

/// The groups of a person at a provider.
pub async fn groups_of(
    conn: &mut PgConnection,
    person: Uuid,
    provider: &str,
    told: Told,
) -> Result<Vec<String>, Error> {
    let found = sqlx::query_scalar!(
        r#"select unnest(i.groups) as "name!" from identities i
           where not $3 and i.person_id = $1 and i.provider = $2 and i.state = 'active'
           union
           select g.display_name from provider_groups g join provider_group_members m on m.group_id = g.id
           where $3 and m.person_id = $1 and g.provider = $2"#,
        person,
        provider,
        told == Told::Kept
    );
    Ok(found.fetch_all(conn).await?)
}

/// Everybody who has something by a source other than Muster, with the source.
pub async fn by_source(conn: &mut PgConnection) -> Result<Vec<(Uuid, String)>, Error> {
    let rows = sqlx::query!(
        r#"select distinct k.person_id as "person!", s.source as "source!" from (
               select person_id, sources from role_grants where sources <> '{muster}'
               union all select person_id, sources from team_members where sources <> '{muster}'
               union all select person_id, sources from review_group_members where sources <> '{muster}') k
           cross join lateral unnest(k.sources) s (source) where s.source <> 'muster' order by 1, 2"#
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.person, row.source)).collect())
}

/// Brings the roles that come from a source to these. What else gives them stays.
pub async fn set_roles_from(
    conn: &mut PgConnection,
    person: Uuid,
    source: &str,
    roles: &[Role],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let keys: Vec<String> = roles.iter().map(|role| role.key().to_owned()).collect();
    sqlx::query!(
        "delete from role_grants where person_id = $1 and sources = array[$2::text] and role <> all ($3)",
        person,
        source,
        &keys
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update role_grants set sources = array_remove(sources, $2)
         where person_id = $1 and $2 = any(sources) and role <> all ($3)",
        person,
        source,
        &keys
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into role_grants (person_id, role, granted_at, sources)
         select $1, role, $4, array[$2::text] from unnest($3::text[]) role
         on conflict (person_id, role) do update
             set sources = array_append(role_grants.sources, $2) where not ($2 = any(role_grants.sources))",
        person,
        source,
        &keys,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The groups of a kind in which somebody is because of a source.
pub async fn groups_from(
    conn: &mut PgConnection,
    person: Uuid,
    kind: GroupKind,
    source: &str,
) -> Result<Vec<Uuid>, Error> {
    let found = match kind {
        GroupKind::Team => {
            sqlx::query_scalar!(
                "select team_id from team_members where person_id = $1 and $2 = any(sources)",
                person,
                source
            )
            .fetch_all(conn)
            .await?
        }
        GroupKind::ReviewGroup => {
            sqlx::query_scalar!(
                "select review_group_id from review_group_members where person_id = $1 and $2 = any(sources)",
                person,
                source
            )
            .fetch_all(conn)
            .await?
        }
    };
    Ok(found)
}

/// Puts somebody into a group because of a source.
pub async fn join(
    conn: &mut PgConnection,
    person: Uuid,
    (kind, group): (GroupKind, Uuid),
    source: &str,
) -> Result<(), Error> {
    match kind {
        GroupKind::Team => {
            sqlx::query!(
                "insert into team_members as m (team_id, person_id, sources) values ($1, $2, array[$3::text])
                 on conflict (team_id, person_id) do update set sources = array_append(m.sources, $3)
                     where not ($3 = any(m.sources))",
                group,
                person,
                source
            )
            .execute(conn)
            .await?
        }
        GroupKind::ReviewGroup => {
            sqlx::query!(
                "insert into review_group_members as m (review_group_id, person_id, sources) values ($1, $2, array[$3::text])
                 on conflict (review_group_id, person_id) do update set sources = array_append(m.sources, $3)
                     where not ($3 = any(m.sources))",
                group,
                person,
                source
            )
            .execute(conn)
            .await?
        }
    };
    Ok(())
}

/// Takes a source away from somebody's membership; without any other they are no longer in the group.
pub async fn leave(
    conn: &mut PgConnection,
    person: Uuid,
    (kind, group): (GroupKind, Uuid),
    source: &str,
) -> Result<(), Error> {
    match kind {
        GroupKind::Team => {
            sqlx::query!(
                "delete from team_members where team_id = $1 and person_id = $2 and sources = array[$3::text]",
                group,
                person,
                source
            )
            .execute(&mut *conn)
            .await?;
            sqlx::query!(
                "update team_members set sources = array_remove(sources, $3) where team_id = $1 and person_id = $2",
                group,
                person,
                source
            )
            .execute(conn)
            .await?
        }
        GroupKind::ReviewGroup => {
            sqlx::query!(
                "delete from review_group_members where review_group_id = $1 and person_id = $2 and sources = array[$3::text]",
                group,
                person,
                source
            )
            .execute(&mut *conn)
            .await?;
            sqlx::query!(
                "update review_group_members set sources = array_remove(sources, $3)
                 where review_group_id = $1 and person_id = $2",
                group,
                person,
                source
            )
            .execute(conn)
            .await?
        }
    };
    Ok(())
}

/// Writes that a group's membership changed.
pub async fn touch_group(
    conn: &mut PgConnection,
    (kind, group): (GroupKind, Uuid),
    revision: i64,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    match kind {
        GroupKind::Team => {
            sqlx::query!("update teams set revision = $2, updated_at = $3 where id = $1", group, revision, now)
                .execute(conn)
                .await?
        }
        GroupKind::ReviewGroup => {
            sqlx::query!("update review_groups set revision = $2, updated_at = $3 where id = $1", group, revision, now)
                .execute(conn)
                .await?
        }
    };
    Ok(())
}

/// People with a role that is past its last day.
pub async fn ended(conn: &mut PgConnection, today: NaiveDate) -> Result<Vec<Uuid>, Error> {
    let found = sqlx::query_scalar!("select distinct person_id from role_grants where until_on < $1", today);
    Ok(found.fetch_all(conn).await?)
}

/// Takes from somebody what Muster granted until a day that is past; what a group gives stays.
pub async fn take_ended(conn: &mut PgConnection, person: Uuid, today: NaiveDate) -> Result<(), Error> {
    sqlx::query!(
        "delete from role_grants where person_id = $1 and until_on < $2 and sources = '{muster}'",
        person,
        today
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update role_grants set sources = array_remove(sources, 'muster'), until_on = null, reminded_at = null
         where person_id = $1 and until_on < $2",
        person,
        today
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The next person with roles that end by a day and that no one was reminded of: who, which roles, and their last
/// days. They are now marked as reminded of. People in `skip` are left out.
pub async fn take_ending(
    conn: &mut PgConnection,
    by: NaiveDate,
    now: DateTime<Utc>,
    skip: &[Uuid],
) -> Result<Vec<(Uuid, Role, NaiveDate)>, Error> {
    let rows = sqlx::query!(
        r#"update role_grants g set reminded_at = $2 from people p
           where p.id = g.person_id and p.state = 'active' and g.until_on <= $1 and g.reminded_at is null
             and g.sources = '{muster}'
             and g.person_id = (select e.person_id from role_grants e join people q on q.id = e.person_id
                 where q.state = 'active' and e.until_on <= $1 and e.reminded_at is null and e.sources = '{muster}'
                   and e.person_id <> all($3) limit 1)
           returning g.person_id, g.role, g.until_on as "until_on!""#,
        by,
        now,
        skip
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    rows.map(|row| Ok((row.person_id, row.role.parse()?, row.until_on))).collect()
}

/// Where each right of somebody comes from: the right, and its sources.
pub async fn sources_of(conn: &mut PgConnection, person: Uuid) -> Result<Vec<(String, Vec<String>)>, Error> {
    let rows = sqlx::query!(
        r#"select k.title as "title!", k.sources as "sources!" from (
               select person_id, 'role ' || role as title, sources from role_grants
               union all select person_id, 'team ' || team_id::text, sources from team_members
               union all select person_id, 'review_group ' || review_group_id::text, sources from review_group_members) k
           where k.person_id = $1 order by 1"#,
        person
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.title, row.sources)).collect())
}
