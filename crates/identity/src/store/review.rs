//! Who may do what, and by what.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use base::error::Error;

/// A right of somebody.
#[derive(Clone, Debug)]
pub struct Row {
    pub person: Uuid,
    pub name: String,
    pub email: String,
    pub kind: String,
    /// A role's word, or the slug of a team or review group.
    pub key: String,
    pub title: String,
    pub sources: Vec<String>,
    pub granted_by: Option<String>,
    pub granted_at: Option<DateTime<Utc>>,
    pub until_on: Option<NaiveDate>,
}

/// Every right of every active person, by their name.
pub async fn rights(conn: &mut PgConnection) -> Result<Vec<Row>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select p.id as "person!", p.name as "name!", p.email as "email!", k.kind as "kind!", k.key as "key!",
                  k.title as "title!", k.sources as "sources!", k.granted_by, k.granted_at, k.until_on
           from (select g.person_id, 'role' as kind, g.role as key, g.role as title, g.sources, b.name as granted_by,
                        g.granted_at, g.until_on
                 from role_grants g left join people b on b.id = g.granted_by
                 union all
                 select m.person_id, 'review_group', t.slug, t.name, m.sources, null, null, null
                 from review_group_members m join review_groups t on t.id = m.review_group_id and t.state = 'active'
                 union all
                 select m.person_id, 'team', t.slug, t.name, m.sources, null, null, null
                 from team_members m join teams t on t.id = m.team_id and t.state = 'active') k
           join people p on p.id = k.person_id and p.state = 'active'
           order by p.sort_key, p.id, k.kind desc, k.key limit 20000"#
    );
    Ok(rows.fetch_all(conn).await?)
}

/// The groups of everybody at providers, as each provider tells them: person, provider, group, whether it keeps them
/// here.
pub async fn groups(conn: &mut PgConnection) -> Result<Vec<(Uuid, String, String, bool)>, Error> {
    let rows = sqlx::query!(
        r#"select i.person_id as "person!", i.provider as "provider!", g as "group!", false as "kept!"
           from identities i cross join lateral unnest(i.groups) g where i.state = 'active'
           union all
           select m.person_id, g.provider, g.display_name, true
           from provider_groups g join provider_group_members m on m.group_id = g.id"#
    );
    let rows = rows.fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.person, row.provider, row.group, row.kept)).collect())
}
