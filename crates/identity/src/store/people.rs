//! People and their roles.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{Person, PersonContent, PersonState, Role, RoleEnd};
use base::{db::Lock, error::Error, text};

struct Row {
    id: Uuid,
    name: String,
    email: String,
    state: String,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    roles: Vec<String>,
    role_ends: Json<Vec<RoleEnd>>,
}

impl TryFrom<Row> for Person {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        let mut roles = row.roles.iter().map(|r| r.parse()).collect::<Result<Vec<Role>, _>>()?;
        roles.sort_unstable();
        let mut role_ends = row.role_ends.0;
        role_ends.sort_unstable();
        let state = match row.state.as_str() {
            "active" => PersonState::Active,
            "disabled" => PersonState::Disabled,
            other => return Err(super::impossible(other)),
        };
        Ok(Self {
            id: row.id,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
            content: PersonContent { name: row.name, email: row.email, roles, role_ends, state },
        })
    }
}

/// Whole people, in no particular order.
pub async fn get_many(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Person>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select p.id, p.name, p.email, p.state, p.revision, p.created_at, p.updated_at,
                  array(select g.role from role_grants g where g.person_id = p.id) as "roles!",
                  coalesce((select jsonb_agg(jsonb_build_object('role', g.role, 'until_on', g.until_on))
                      from role_grants g where g.person_id = p.id and g.until_on is not null), '[]')
                      as "role_ends!: Json<Vec<RoleEnd>>"
           from people p where p.id = any($1)"#,
        ids
    );
    rows.fetch_all(conn).await?.into_iter().map(Person::try_from).collect()
}

pub async fn get(conn: &mut PgConnection, id: Uuid) -> Result<Option<Person>, Error> {
    Ok(get_many(conn, &[id]).await?.pop())
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Person>, Error> {
    sqlx::query!("select id from people where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    get(conn, id).await
}

/// Locks a person against changes, not against what refers to them.
pub async fn lock_softly(conn: &mut PgConnection, id: Uuid) -> Result<Option<Person>, Error> {
    sqlx::query!("select id from people where id = $1 for no key update", id).fetch_optional(&mut *conn).await?;
    get(conn, id).await
}

/// One at a time brings rights to what groups give: what was read still holds when it is written, and nobody waits
/// for each other crosswise.
pub async fn lock_regrouping(conn: &mut PgConnection) -> Result<(), Error> {
    Lock::Regrouping.take(conn).await
}

pub async fn by_email(conn: &mut PgConnection, email: &str) -> Result<Option<Uuid>, Error> {
    let id = sqlx::query_scalar!("select id from people where lower(email) = lower($1)", email);
    Ok(id.fetch_optional(conn).await?)
}

/// Whether anybody may administer on a day.
pub async fn any_admin(conn: &mut PgConnection, day: NaiveDate) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from roles_on($1) g join people p on p.id = g.person_id
                          where g.role = 'admin' and p.state = 'active' and not p.demo) as "any!""#,
        day
    );
    Ok(found.fetch_one(conn).await?)
}

/// Whether anybody may administer without an end.
pub async fn any_lasting_admin(conn: &mut PgConnection) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from role_grants g join people p on p.id = g.person_id
                          where g.role = 'admin' and p.state = 'active' and not p.demo
                            and (g.until_on is null or g.sources <> '{muster}')) as "any!""#
    );
    Ok(found.fetch_one(conn).await?)
}

/// Locks against two first admins being made at once.
pub async fn lock_admins(conn: &mut PgConnection) -> Result<(), Error> {
    Lock::Admins.take(conn).await
}

pub async fn insert(conn: &mut PgConnection, person: &Person) -> Result<(), Error> {
    let content = &person.content;
    sqlx::query!(
        "insert into people (id, name, email, state, revision, created_at, updated_at, sort_key, search)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        person.id,
        content.name,
        content.email,
        state(content.state),
        person.revision,
        person.created_at,
        person.updated_at,
        text::sort_key(&content.name),
        text::search_text(&[&content.name, &content.email]),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn update(conn: &mut PgConnection, person: &Person) -> Result<(), Error> {
    let content = &person.content;
    sqlx::query!(
        "update people set name = $2, email = $3, state = $4, revision = $5, updated_at = $6,
                sort_key = $7, search = $8 where id = $1",
        person.id,
        content.name,
        content.email,
        state(content.state),
        person.revision,
        person.updated_at,
        text::sort_key(&content.name),
        text::search_text(&[&content.name, &content.email]),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the open sign-in links of a person.
pub async fn end_links(conn: &mut PgConnection, person: Uuid, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!("update sign_in_links set used_at = $2 where person_id = $1 and used_at is null", person, now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Makes the grants what the person's content says; `by` is null for the system. An end is written where Muster
/// granted the role: what a provider's group gives has none.
pub async fn set_roles(
    conn: &mut PgConnection,
    person: Uuid,
    content: &PersonContent,
    by: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let keys: Vec<String> = content.roles.iter().map(|role| role.key().to_owned()).collect();
    let ends: Vec<Option<NaiveDate>> = content.roles.iter().map(|role| content.end_of(*role)).collect();
    sqlx::query!("delete from role_grants where person_id = $1 and role <> all ($2)", person, &keys)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "update role_grants g set until_on = k.until_on, reminded_at = null
         from unnest($2::text[], $3::date[]) as k (role, until_on)
         where g.person_id = $1 and g.role = k.role and 'muster' = any (g.sources)
           and g.until_on is distinct from k.until_on",
        person,
        &keys,
        &ends as &[Option<NaiveDate>]
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into role_grants (person_id, role, granted_by, granted_at, until_on)
         select $1, k.role, $3, $4, k.until_on from unnest($2::text[], $5::date[]) as k (role, until_on)
         where not exists (select from role_grants g where g.person_id = $1 and g.role = k.role)
         on conflict (person_id, role) do nothing",
        person,
        &keys,
        by,
        now,
        &ends as &[Option<NaiveDate>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn state(state: PersonState) -> &'static str {
    match state {
        PersonState::Active => "active",
        PersonState::Disabled => "disabled",
    }
}

/// Whether nothing but the taxonomy is here.
pub async fn is_register_empty(conn: &mut PgConnection) -> Result<bool, Error> {
    let used = sqlx::query_scalar!(
        r#"select (exists (select from vendors) or exists (select from systems) or exists (select from teams)
                   or exists (select from role_grants g join people p on p.id = g.person_id
                              where exists (select from audit_events e where e.actor_id = p.id))) as "used!""#
    );
    Ok(!used.fetch_one(conn).await?)
}

/// Marks the register as the demonstration's; false where it is already.
pub async fn mark_demo(conn: &mut PgConnection) -> Result<bool, Error> {
    let done = sqlx::query!("update installation set demo = true where not demo").execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

/// Whether it is marked so.
pub async fn is_demo(conn: &mut PgConnection) -> Result<bool, Error> {
    Ok(sqlx::query_scalar!("select demo from installation").fetch_one(conn).await?)
}

/// Marks people as the demonstration's.
pub async fn mark_demo_people(conn: &mut PgConnection) -> Result<u64, Error> {
    let done = sqlx::query!("update people set demo = true where email like '%@harbour.example'").execute(conn).await?;
    Ok(done.rows_affected())
}

/// The people of the demonstration: id, name, roles, team.
pub async fn demo_people(conn: &mut PgConnection) -> Result<Vec<(Uuid, String, Vec<String>, Option<String>)>, Error> {
    let rows = sqlx::query!(
        r#"select p.id, p.name, array(select g.role from role_grants g where g.person_id = p.id order by g.role) as "roles!",
                  (select t.name from team_members m join teams t on t.id = m.team_id where m.person_id = p.id
                   order by t.sort_key limit 1) as team
           from people p where p.demo and p.state = 'active' order by p.sort_key"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name, row.roles, row.team)).collect())
}
