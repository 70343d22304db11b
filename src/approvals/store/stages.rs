//! Stages: which group decides, and who of it may.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{approvals::Stage, error::Error};

/// The group that approves: the one in the settings, else the only one there is.
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

/// Brings the stages of a request to these.
pub async fn save(conn: &mut PgConnection, request: Uuid, stages: &[Stage]) -> Result<(), Error> {
    for stage in stages {
        sqlx::query!(
            "insert into request_stages (request_id, position, name, review_group_id, approvals_needed, opened_at)
             values ($1, $2, $3, $4, $5, $6)
             on conflict (request_id, position) do update set name = excluded.name,
                 review_group_id = excluded.review_group_id, approvals_needed = excluded.approvals_needed,
                 opened_at = excluded.opened_at",
            request,
            stage.position,
            stage.name,
            stage.review_group_id,
            stage.approvals_needed,
            stage.opened_at,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Who of a group may decide: active reviewers who neither asked nor edited nor own.
pub async fn eligible(
    conn: &mut PgConnection,
    group: Uuid,
    barred: &[Uuid],
    owners: &[Uuid],
) -> Result<Vec<String>, Error> {
    let names = sqlx::query_scalar!(
        "select p.name from review_group_members m join people p on p.id = m.person_id
         where m.review_group_id = $1 and p.state = 'active' and not p.id = any($2)
           and exists (select from role_grants g where g.person_id = p.id and g.role = 'reviewer')
           and not exists (select from role_grants g where g.person_id = p.id and g.role = 'auditor')
           and not exists (select from team_members t where t.person_id = p.id and t.team_id = any($3))
         order by p.sort_key, p.id",
        group,
        barred,
        owners,
    );
    Ok(names.fetch_all(conn).await?)
}

/// Whether a person is in a review group, and whether in one of these teams; read now.
pub async fn standing(
    conn: &mut PgConnection,
    person: Uuid,
    group: Uuid,
    teams: &[Uuid],
) -> Result<(bool, bool), Error> {
    let row = sqlx::query!(
        r#"select exists (select from review_group_members m where m.person_id = $1 and m.review_group_id = $2) as "member!",
                  exists (select from team_members m where m.person_id = $1 and m.team_id = any($3)) as "owner!""#,
        person,
        group,
        teams,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.member, row.owner))
}
