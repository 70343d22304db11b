//! Teams and review groups: the same statements on two pairs of tables.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Group, GroupContent, GroupKind, Role};
use base::{error::Error, text};

struct Row {
    id: Uuid,
    slug: String,
    name: String,
    description: Option<String>,
    email: Option<String>,
    state: String,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    members: Vec<Uuid>,
    escalates_to: Option<String>,
}

impl TryFrom<Row> for Group {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
            content: GroupContent {
                slug: row.slug,
                name: row.name,
                description: row.description,
                email: row.email,
                members: row.members,
                escalates_to: row.escalates_to,
                state: row.state.parse()?,
            },
        })
    }
}

/// Whole groups, in no particular order.
pub async fn get_many(conn: &mut PgConnection, kind: GroupKind, ids: &[Uuid]) -> Result<Vec<Group>, Error> {
    let rows = match kind {
        GroupKind::Team => {
            sqlx::query_as!(
                Row,
                r#"select id, slug, name, description, email, state, revision, created_at, updated_at,
                   array(select person_id from team_members where team_id = g.id order by 1) as "members!",
                   null::text as escalates_to
                   from teams g where id = any($1)"#,
                ids
            )
            .fetch_all(conn)
            .await?
        }
        GroupKind::ReviewGroup => {
            sqlx::query_as!(
                Row,
                r#"select id, slug, name, description, null::text as email, state, revision, created_at, updated_at,
                   array(select person_id from review_group_members where review_group_id = g.id order by 1) as "members!",
                   (select x.slug from review_groups x where x.id = g.escalates_to_id) as escalates_to
                   from review_groups g where id = any($1)"#,
                ids
            )
            .fetch_all(conn)
            .await?
        }
    };
    rows.into_iter().map(Group::try_from).collect()
}

pub async fn get(conn: &mut PgConnection, kind: GroupKind, id: Uuid) -> Result<Option<Group>, Error> {
    Ok(get_many(conn, kind, &[id]).await?.pop())
}

pub async fn lock(conn: &mut PgConnection, kind: GroupKind, id: Uuid) -> Result<Option<Group>, Error> {
    match kind {
        GroupKind::Team => sqlx::query!("select id from teams where id = $1 for update", id)
            .fetch_optional(&mut *conn)
            .await?
            .map(|row| row.id),
        GroupKind::ReviewGroup => sqlx::query!("select id from review_groups where id = $1 for update", id)
            .fetch_optional(&mut *conn)
            .await?
            .map(|row| row.id),
    };
    get(conn, kind, id).await
}

/// The id behind an id or a slug.
pub async fn find(conn: &mut PgConnection, kind: GroupKind, key: &str) -> Result<Option<Uuid>, Error> {
    let id = match kind {
        GroupKind::Team => {
            sqlx::query_scalar!(
                r#"select id as "id!" from teams where slug = $1 or id::text = $1
                   union all select record_id from slug_history where kind = 'team' and slug = $1 limit 1"#,
                key
            )
            .fetch_optional(conn)
            .await?
        }
        GroupKind::ReviewGroup => {
            sqlx::query_scalar!(
                r#"select id as "id!" from review_groups where slug = $1 or id::text = $1
                   union all select record_id from slug_history where kind = 'review_group' and slug = $1 limit 1"#,
                key
            )
            .fetch_optional(conn)
            .await?
        }
    };
    Ok(id)
}

pub async fn insert(conn: &mut PgConnection, kind: GroupKind, group: &Group) -> Result<(), Error> {
    let content = &group.content;
    let (sort_key, search) = keys(content);
    match kind {
        GroupKind::Team => sqlx::query!(
            "insert into teams (id, slug, name, description, email, state, revision, created_at, updated_at, sort_key, search)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            group.id, content.slug, content.name, content.description, content.email, content.state.key(),
            group.revision, group.created_at, group.updated_at, sort_key, search,
        )
        .execute(&mut *conn)
        .await?,
        GroupKind::ReviewGroup => sqlx::query!(
            "insert into review_groups (id, slug, name, description, state, revision, created_at, updated_at, sort_key, search)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            group.id, content.slug, content.name, content.description, content.state.key(),
            group.revision, group.created_at, group.updated_at, sort_key, search,
        )
        .execute(&mut *conn)
        .await?,
    };
    set_members(conn, kind, group.id, &content.members).await
}

pub async fn update(conn: &mut PgConnection, kind: GroupKind, group: &Group) -> Result<(), Error> {
    let content = &group.content;
    let (sort_key, search) = keys(content);
    match kind {
        GroupKind::Team => {
            sqlx::query!(
                "update teams set slug = $2, name = $3, description = $4, email = $5, state = $6, revision = $7,
                    updated_at = $8, sort_key = $9, search = $10 where id = $1",
                group.id,
                content.slug,
                content.name,
                content.description,
                content.email,
                content.state.key(),
                group.revision,
                group.updated_at,
                sort_key,
                search,
            )
            .execute(&mut *conn)
            .await?
        }
        GroupKind::ReviewGroup => {
            sqlx::query!(
                "update review_groups set slug = $2, name = $3, description = $4, state = $5, revision = $6,
                    updated_at = $7, sort_key = $8, search = $9 where id = $1",
                group.id,
                content.slug,
                content.name,
                content.description,
                content.state.key(),
                group.revision,
                group.updated_at,
                sort_key,
                search,
            )
            .execute(&mut *conn)
            .await?
        }
    };
    set_members(conn, kind, group.id, &content.members).await
}

/// Whether the chain from a review group comes back to `id`.
pub async fn escalates_back(conn: &mut PgConnection, from: Uuid, id: Uuid) -> Result<bool, Error> {
    let back = sqlx::query_scalar!(
        r#"with recursive chain as (
               select g.id, g.escalates_to_id from review_groups g where g.id = $1
               union select g.id, g.escalates_to_id from review_groups g join chain c on g.id = c.escalates_to_id)
           select exists (select from chain where id = $2) as "back!""#,
        from,
        id
    );
    Ok(back.fetch_one(conn).await?)
}

/// Sets which review group decides as well once a stage of this one is overdue.
pub async fn set_escalation(conn: &mut PgConnection, id: Uuid, to: Option<Uuid>) -> Result<(), Error> {
    sqlx::query!("update review_groups set escalates_to_id = $2 where id = $1", id, to).execute(conn).await?;
    Ok(())
}

async fn set_members(conn: &mut PgConnection, kind: GroupKind, id: Uuid, members: &[Uuid]) -> Result<(), Error> {
    match kind {
        GroupKind::Team => {
            sqlx::query!("delete from team_members where team_id = $1 and person_id <> all ($2)", id, members)
                .execute(&mut *conn)
                .await?;
            sqlx::query!(
                "insert into team_members (team_id, person_id) select $1, unnest($2::uuid[]) on conflict do nothing",
                id,
                members
            )
            .execute(conn)
            .await?;
        }
        GroupKind::ReviewGroup => {
            sqlx::query!(
                "delete from review_group_members where review_group_id = $1 and person_id <> all ($2)",
                id,
                members
            )
            .execute(&mut *conn)
            .await?;
            sqlx::query!(
                "insert into review_group_members (review_group_id, person_id) select $1, unnest($2::uuid[]) on conflict do nothing",
                id,
                members
            )
            .execute(conn)
            .await?;
        }
    }
    Ok(())
}

/// The addresses of those of these people who are active.
pub async fn addresses_of(conn: &mut PgConnection, people: &[Uuid]) -> Result<Vec<String>, Error> {
    let found =
        sqlx::query_scalar!("select email from people where id = any($1) and state = 'active' order by 1", people);
    Ok(found.fetch_all(conn).await?)
}

/// The active people of teams.
pub async fn members(conn: &mut PgConnection, teams: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    let found = sqlx::query_scalar!(
        "select distinct p.id from team_members m join people p on p.id = m.person_id
         where m.team_id = any($1) and p.state = 'active' order by p.id",
        teams
    );
    Ok(found.fetch_all(conn).await?)
}

/// The active reviewers of a review group at a moment.
pub async fn reviewers(conn: &mut PgConnection, review_group: Uuid, now: DateTime<Utc>) -> Result<Vec<Uuid>, Error> {
    let found = sqlx::query_scalar!(
        "select p.id from review_group_members m join people p on p.id = m.person_id
         where m.review_group_id = $1 and p.state = 'active'
           and exists (select from roles_on(our_day($2)) g where g.person_id = p.id and g.role = 'reviewer')
           and not exists (select from roles_on(our_day($2)) g where g.person_id = p.id and g.role = 'auditor')",
        review_group,
        now
    );
    Ok(found.fetch_all(conn).await?)
}

/// The active people who have a role at a moment.
pub async fn holders(conn: &mut PgConnection, role: Role, now: DateTime<Utc>) -> Result<Vec<Uuid>, Error> {
    let found = sqlx::query_scalar!(
        "select p.id from roles_on(our_day($2)) g join people p on p.id = g.person_id
         where g.role = $1 and p.state = 'active' order by p.id",
        role.key(),
        now
    );
    Ok(found.fetch_all(conn).await?)
}

/// Those of `ids` that are nobody's.
pub async fn unknown_people(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        r#"select id as "id!" from unnest($1::uuid[]) id where not exists (select from people p where p.id = id)"#,
        ids
    );
    Ok(ids.fetch_all(conn).await?)
}

/// Active systems of a team, which cannot retire before them.
pub async fn systems_of_team(conn: &mut PgConnection, id: Uuid) -> Result<Vec<String>, Error> {
    let names = sqlx::query_scalar!(
        "select name from systems where team_id = $1 and state = 'active' order by sort_key limit 10",
        id
    );
    Ok(names.fetch_all(conn).await?)
}

fn keys(content: &GroupContent) -> (String, String) {
    let description = content.description.as_deref().unwrap_or_default();
    (text::sort_key(&content.name), text::search_text(&[&content.name, &content.slug, description]))
}

/// Whether another review group had a slug.
pub async fn had_slug(conn: &mut PgConnection, id: Uuid, slug: &str) -> Result<bool, Error> {
    let had = sqlx::query_scalar!(
        r#"select exists (select from slug_history where kind = 'review_group' and slug = $2 and record_id <> $1) as "had!""#,
        id,
        slug
    );
    Ok(had.fetch_one(conn).await?)
}

/// What a review group decides on: stages of open requests, and what the settings give it.
pub async fn decides_on(conn: &mut PgConnection, id: Uuid) -> Result<i64, Error> {
    let count = sqlx::query_scalar!(
        r#"select (select count(distinct r.id) from change_requests r join request_stages s
                on s.request_id = r.id and s.round = r.round
                where r.state = 'open' and $1 in (s.review_group_id, s.escalated_to))
            + (select count(*) from installation where approval_group_id = $1) as "count!""#,
        id
    );
    Ok(count.fetch_one(conn).await?)
}
