//! Stages: which group decides, who of it may, and since when someone waits.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::approvals::{Request, Stage};
use base::error::Error;

/// The group that approves where no workflow says otherwise: the one in the settings, else the only one.
pub async fn approving_group(conn: &mut PgConnection) -> Result<Option<(Uuid, String)>, Error> {
    let row = sqlx::query!(
        r#"select g.id, g.name from review_groups g
           where g.state = 'active' and (
               g.id = (select approval_group_id from installation)
               or ((select approval_group_id from installation) is null
                   and (select count(*) from review_groups x where x.state = 'active') = 1))"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.id, row.name)))
}

/// Active review groups by slug: slug, id, name.
pub async fn groups(conn: &mut PgConnection, slugs: &[String]) -> Result<Vec<(String, Uuid, String)>, Error> {
    let rows =
        sqlx::query!("select slug, id, name from review_groups where slug = any($1) and state = 'active'", slugs);
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.slug, row.id, row.name)).collect())
}

/// Brings the stages of a round to these.
pub async fn save(conn: &mut PgConnection, request: Uuid, round: i32, stages: &[Stage]) -> Result<(), Error> {
    for stage in stages {
        sqlx::query!(
            "insert into request_stages (request_id, round, position, name, review_group_id, approvals_needed, opened_at,
                 due_hours, due_at, called_in_by, escalated_to, escalated_at, remind_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
             on conflict (request_id, round, position) do update set opened_at = excluded.opened_at,
                 due_at = excluded.due_at, escalated_to = excluded.escalated_to, escalated_at = excluded.escalated_at,
                 remind_at = excluded.remind_at",
            request,
            round,
            stage.position,
            stage.name,
            stage.review_group_id,
            stage.approvals_needed,
            stage.opened_at,
            stage.due_hours,
            stage.due_at,
            stage.called_in_by,
            stage.escalated_to,
            stage.escalated_at,
            stage.remind_at,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Notes who is in the teams that own what is asked for: they do not decide on it, whatever they leave.
pub async fn note_owners(conn: &mut PgConnection, request: Uuid, teams: &[Uuid]) -> Result<(), Error> {
    sqlx::query!(
        "insert into request_owners (request_id, person_id)
         select distinct $1::uuid, m.person_id from team_members m where m.team_id = any($2) on conflict do nothing",
        request,
        teams
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Someone who may decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Eligible {
    /// The review group through which.
    pub group: Uuid,
    /// Who.
    pub person: Uuid,
    /// Their name.
    pub name: String,
    /// What their name sorts by.
    pub sort_key: String,
}

/// Whether those to whom someone delegated for the day count as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandIns {
    /// They do.
    Counted,
    /// They do not: a delegation ends, and the seat behind it stays.
    Left,
}

/// Who of these groups may decide on a day: active reviewers who neither asked nor edited nor own; and those to whom
/// one of these delegated.
pub async fn eligible(
    conn: &mut PgConnection,
    groups: &[Uuid],
    barred: &[Uuid],
    (request, owners): (&Request, &[Uuid]),
    (day, now, stand_ins): (NaiveDate, DateTime<Utc>, StandIns),
) -> Result<Vec<Eligible>, Error> {
    let rows = sqlx::query_as!(
        Eligible,
        r#"select distinct m.review_group_id as "group!", p.id as "person!", p.name as "name!", p.sort_key
         from (select m.review_group_id, m.person_id from review_group_members m where m.review_group_id = any($1)
               union all
               select m.review_group_id, d.to_id from review_group_members m
               join delegations d on d.from_id = m.person_id and d.state = 'active'
                   and $4::date between d.from_on and d.until_on
               join people f on f.id = d.from_id and f.state = 'active'
               join roles_on($4::date) h on h.person_id = d.from_id and h.role = 'reviewer'
               where $6 and m.review_group_id = any($1) and not d.from_id = any($2)
                 and not exists (select from roles_on($4::date) a where a.person_id = d.from_id and a.role = 'auditor')
                 and not exists (select from request_owners o where o.request_id = $5 and o.person_id = d.from_id)
                 and not owned_lately($7, d.from_id, $8)
                 and not exists (select from team_members t where t.person_id = d.from_id and t.team_id = any($3))) m
         join people p on p.id = m.person_id
         where p.state = 'active' and not p.id = any($2)
           and exists (select from roles_on($4::date) g where g.person_id = p.id and g.role = 'reviewer')
           and not exists (select from roles_on($4::date) g where g.person_id = p.id and g.role = 'auditor')
           and not exists (select from team_members t where t.person_id = p.id and t.team_id = any($3))
           and not exists (select from request_owners o where o.request_id = $5 and o.person_id = p.id)
           and not owned_lately($7, p.id, $8)
         order by p.sort_key, p.id"#,
        groups,
        barred,
        owners,
        day,
        request.id,
        stand_ins == StandIns::Counted,
        request.integration_id,
        request.phase.bound().map_or(now, |bound| bound.waiting_since.min(now)),
    );
    Ok(rows.fetch_all(conn).await?)
}

/// The teams that own an integration now.
pub async fn owning_teams(conn: &mut PgConnection, integration: Uuid) -> Result<Vec<Uuid>, Error> {
    let teams = sqlx::query_scalar!(
        r#"select t.id from integrations i
           join teams t on t.id in (i.business_owner_id, i.technical_owner_id, i.backup_owner_id) where i.id = $1"#,
        integration
    );
    Ok(teams.fetch_all(conn).await?)
}

/// Records that someone moved the owners of an integration.
pub async fn note_owner_move(
    conn: &mut PgConnection,
    integration: Uuid,
    people: &[Uuid],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into owner_moves (integration_id, person_id, moved_at) select $1, p, $3 from unnest($2::uuid[]) p",
        integration,
        people,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// In whose name someone can decide, and how that person stands to the integration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// In whose name.
    pub person: Uuid,
    /// Whether they own, or did when it was submitted.
    pub owner: bool,
    /// Whether they owned lately, or moved the owners.
    pub owned: bool,
}

/// Those in whose name someone can decide for these groups, read now: themselves first, then who delegated to them for
/// the day, in the order in which that was made.
pub async fn standing(
    conn: &mut PgConnection,
    person: Uuid,
    groups: &[Uuid],
    (request, teams): (&Request, &[Uuid]),
    (today, now): (NaiveDate, DateTime<Utc>),
) -> Result<Vec<Standing>, Error> {
    let rows = sqlx::query_as!(
        Standing,
        r#"select k.person as "person!",
                  (exists (select from team_members m where m.person_id = k.person and m.team_id = any($3))
                   or exists (select from request_owners o where o.request_id = $5 and o.person_id = k.person)) as "owner!",
                  owned_lately($6, k.person, least($7::timestamptz, coalesce($8, $7))) as "owned!"
           from (select $1::uuid as person, null::uuid as delegation
                 union all
                 select d.from_id, d.id from delegations d join people p on p.id = d.from_id and p.state = 'active'
                 join roles_on($4) h on h.person_id = d.from_id and h.role = 'reviewer'
                 where d.to_id = $1 and d.state = 'active' and $4 between d.from_on and d.until_on
                   and not exists (select from roles_on($4) a where a.person_id = d.from_id and a.role = 'auditor')) k
           where exists (select from review_group_members m where m.person_id = k.person and m.review_group_id = any($2))
           order by k.delegation nulls first"#,
        person,
        groups,
        teams,
        today,
        request.id,
        request.integration_id,
        now,
        request.phase.bound().map(|bound| bound.waiting_since),
    );
    Ok(rows.fetch_all(conn).await?)
}

/// How one person stands to what is asked for, in whatever group they are.
pub async fn standing_of(
    conn: &mut PgConnection,
    person: Uuid,
    (request, teams): (&Request, &[Uuid]),
    now: DateTime<Utc>,
) -> Result<Standing, Error> {
    let row = sqlx::query_as!(
        Standing,
        r#"select $1::uuid as "person!",
                  (exists (select from team_members m where m.person_id = $1 and m.team_id = any($2))
                   or exists (select from request_owners o where o.request_id = $3 and o.person_id = $1)) as "owner!",
                  owned_lately($4, $1, least($5::timestamptz, coalesce($6, $5))) as "owned!""#,
        person,
        teams,
        request.id,
        request.integration_id,
        now,
        request.phase.bound().map(|bound| bound.waiting_since),
    );
    Ok(row.fetch_one(conn).await?)
}

/// Requests that went on from a stage whose approvals no longer suffice, since a seat behind one is lost: a hundred at
/// most. One that was approved again in its place is not among them.
pub async fn lapsed(conn: &mut PgConnection) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select r.id from change_requests r
         where r.state in ('open', 'approved') and exists (
             select from request_stages s where s.request_id = r.id and s.round = r.round
               and (r.state = 'approved' or exists (select from request_stages l where l.request_id = r.id
                   and l.round = r.round and l.position > s.position and l.opened_at is not null))
               and s.approvals_needed > (select count(*) from request_decisions d where d.request_id = r.id
                   and d.round = r.round and d.position = s.position and d.material_hash = r.material_hash
                   and d.decision in ('approve', 'approve_with_conditions') and seat_stands(d)))
         order by r.updated_at limit 100"
    );
    Ok(ids.fetch_all(conn).await?)
}

/// Closes the stages after one again: they wait for it once more.
pub async fn close_after(conn: &mut PgConnection, request: Uuid, round: i32, position: i32) -> Result<(), Error> {
    sqlx::query!(
        "update request_stages set opened_at = null, due_at = null, remind_at = null, escalated_to = null,
             escalated_at = null, reminded_at = null
         where request_id = $1 and round = $2 and position > $3",
        request,
        round,
        position
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A stage that waits too long, and whom to remind.
pub struct Waiting {
    pub request: Uuid,
    pub title: String,
    pub position: i32,
    pub stage: String,
    pub due_at: DateTime<Utc>,
}

/// The next open stage of whose working hours three quarters or all have passed and of which no one was reminded
/// since; marked as reminded of. Requests in `skip` are left out.
pub async fn take_waiting(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    skip: &[Uuid],
) -> Result<Option<Waiting>, Error> {
    let row = sqlx::query_as!(
        Waiting,
        r#"update request_stages u set reminded_at = $1 from change_requests r
           where (u.request_id, u.round, u.position) in (
                   select s.request_id, s.round, s.position from request_stages s
                   join change_requests q on q.id = s.request_id and q.round = s.round and q.state = 'open'
                   where s.opened_at is not null and s.due_at is not null and s.request_id <> all($2)
                     and not exists (select from request_stages l where l.request_id = s.request_id
                         and l.round = s.round and l.opened_at is not null and l.position > s.position)
                     and (($1 >= s.remind_at
                             and (s.reminded_at is null or s.reminded_at < coalesce(s.escalated_at, s.opened_at)))
                         or ($1 >= s.due_at and s.reminded_at < s.due_at))
                   order by s.due_at limit 1 for update of s skip locked)
             and r.id = u.request_id
           returning r.id as request, r.title, u.position, u.name as stage,
               u.due_at as "due_at!""#,
        now,
        skip
    );
    Ok(row.fetch_optional(conn).await?)
}

/// Open requests whose open stage is overdue and has someone to escalate to: request, and the group.
pub async fn overdue(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<Vec<(Uuid, Uuid)>, Error> {
    let rows = sqlx::query!(
        r#"select r.id, g.escalates_to_id as "to!"
           from change_requests r
           join lateral (select s.* from request_stages s where s.request_id = r.id and s.round = r.round
               and s.opened_at is not null order by s.position desc limit 1) s on true
           join review_groups g on g.id = coalesce(s.escalated_to, s.review_group_id)
           where r.state = 'open' and s.due_at < $1 and g.escalates_to_id is not null
           order by s.due_at limit 100"#,
        now
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.id, row.to)).collect())
}
