//! What the register knows that helps to fill a record in: what a version says, what others of the
//! same API carry, who may be the owner.

use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use base::error::Error;

/// What an API version says, as far as an integration takes it up.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub version: Option<String>,
    pub protocol: String,
    pub tls_minimum: Option<String>,
    pub data_sensitivity: Option<String>,
    pub endpoints: Vec<String>,
    pub environments: Vec<String>,
}

/// The API's current version, else its newest, and what it says.
pub async fn known(conn: &mut PgConnection, api: Uuid, version: Option<Uuid>) -> Result<Option<Known>, Error> {
    let row = sqlx::query!(
        r#"select a.protocol, a.tls_minimum, a.data_sensitivity, v.slug as "slug?",
                  array(select e.url from api_endpoints e where e.version_id = v.id and e.host_pattern <> ''
                        and e.host_pattern not like '%*%' order by e.position limit 20) as "urls!",
                  array(select e.environment from api_endpoints e where e.version_id = v.id and e.host_pattern <> ''
                        and e.host_pattern not like '%*%' order by e.position limit 20) as "environments!"
           from apis a left join lateral (
               select x.id, x.slug from api_versions x where x.api_id = a.id
               order by (x.id = $2) desc nulls last, (x.id = a.current_version_id) desc nulls last, x.created_at desc limit 1
           ) v on true
           where a.id = $1"#,
        api,
        version
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Known {
        version: row.slug,
        protocol: row.protocol,
        tls_minimum: row.tls_minimum,
        data_sensitivity: row.data_sensitivity,
        endpoints: row.urls,
        environments: row.environments,
    }))
}

/// A scope that a version offers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OfferedScope {
    /// As it is sent.
    pub name: String,
    /// What it permits.
    pub description: Option<String>,
}

/// The scopes of a version, each name once.
pub async fn offered(conn: &mut PgConnection, version: Uuid) -> Result<Vec<OfferedScope>, Error> {
    let rows = sqlx::query_as!(
        OfferedScope,
        r#"select s.name, min(s.description) as description from api_scopes s where s.version_id = $1
           group by s.name order by s.name collate "C""#,
        version
    );
    Ok(rows.fetch_all(conn).await?)
}

/// How many other integrations an API has, and the most sensitive data that they carry.
pub async fn others(conn: &mut PgConnection, api: Uuid, except: Option<Uuid>) -> Result<(i64, Option<String>), Error> {
    let row = sqlx::query!(
        r#"select count(*) as "count!",
                  (array_agg(i.sensitivity order by array_position('{restricted,confidential,internal,public}', i.sensitivity)))[1] as most
           from integrations i
           where i.api_id = $1 and i.id is distinct from $2 and i.state in ('active', 'suspended', 'deprecated')"#,
        api,
        except
    )
    .fetch_one(conn)
    .await?;
    Ok((row.count, row.most))
}

/// Which classes have others below them.
pub async fn divisible(conn: &mut PgConnection, classes: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    let rows = sqlx::query_scalar!(
        r#"select distinct d.parent_id as "id!" from data_classes d where d.parent_id = any($1) and d.state = 'active'"#,
        classes
    );
    Ok(rows.fetch_all(conn).await?)
}

/// A team that may be the owner, and why. It counts for nothing until somebody takes it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OwnerSuggestion {
    /// The integration that lacks an owner.
    pub integration_id: Uuid,
    /// The team's slug.
    pub team: String,
    /// The team's name.
    pub team_name: String,
    /// Where the suggestion comes from.
    pub source: String,
}

/// Owners to suggest: the system's team, the team of the person who registered it, the team that
/// owns the system's other integrations, the holder of a credential it uses.
pub async fn owners(conn: &mut PgConnection, integrations: &[Uuid]) -> Result<Vec<OwnerSuggestion>, Error> {
    let rows = sqlx::query_as!(
        OwnerSuggestion,
        r#"select distinct on (x.integration_id, t.id) x.integration_id as "integration_id!", t.slug as team, t.name as team_name, x.source as "source!"
           from (
               select i.id as integration_id, s.team_id, 1 as rank, 'team of the system ' || s.name as source
               from integrations i join systems s on s.id = i.system_id where i.id = any($1)
               union all
               select i.id, o.business_owner_id, 2, 'owns ' || o.name || ', of the same system'
               from integrations i join integrations o on o.system_id = i.system_id and o.id <> i.id where i.id = any($1)
               union all
               select u.integration_id, c.holder_id, 3, 'holds the credential ' || c.name
               from credential_uses u join credentials c on c.id = u.credential_id where u.integration_id = any($1)
               union all
               select i.id, m.team_id, 4, 'team of ' || p.name || ', who registered it'
               from integrations i join audit_events e on e.subject_kind = 'integration' and e.subject_id = i.id
                    and e.action = 'integration.registered' and e.actor_kind = 'person'
               join people p on p.id = e.actor_id join team_members m on m.person_id = p.id where i.id = any($1)
           ) x join teams t on t.id = x.team_id and t.state = 'active'
           order by x.integration_id, t.id, x.rank"#,
        integrations
    );
    Ok(rows.fetch_all(conn).await?)
}
