//! Integrations.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    catalog::{Environment, TlsVersion, Upstream},
    error::Error,
    integrations::{
        CredentialUse, Criticality, DataFlow, EnvironmentUse, Exposure, Grant, InboundInspection, InboundValidation,
        Initiator, Integration, IntegrationContent, PeerVerification, RatePeriod, Refs, ScopeRequest, Suspension,
    },
    text,
};

struct Row {
    id: Uuid,
    slug: String,
    name: String,
    state: String,
    system_id: Uuid,
    system_slug: String,
    api_id: Uuid,
    api_slug: String,
    vendor_id: Uuid,
    version_slug: Option<String>,
    purpose: Option<String>,
    business_logic: Option<String>,
    business_owner: Option<String>,
    technical_owner: Option<String>,
    backup_owner: Option<String>,
    criticality: Option<String>,
    exposure: Option<String>,
    initiated_by: Option<String>,
    rate_limit: Option<i32>,
    rate_limit_per: Option<String>,
    gateway_route: Option<String>,
    inbound_validation: Vec<String>,
    inbound_inspection: Vec<String>,
    tls_minimum: Option<String>,
    peer_verification: Option<String>,
    token_lifetime_minutes: Option<i32>,
    exit_plan: Option<String>,
    next_review_on: Option<NaiveDate>,
    tags: Vec<String>,
    suspended_at: Option<DateTime<Utc>>,
    suspended_by: Option<Uuid>,
    suspension_reason: Option<String>,
    direction: String,
    sensitivity: Option<String>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    environments: Json<Vec<EnvironmentUse>>,
    flows: Json<Vec<DataFlow>>,
    scopes: Json<Vec<ScopeRow>>,
    upstreams: Json<Vec<Upstream>>,
    credentials: Json<Vec<CredentialUse>>,
}

#[derive(serde::Deserialize)]
struct ScopeRow {
    justification: Option<String>,
    #[serde(flatten)]
    grant: Grant,
}

fn word<T: std::str::FromStr<Err = Error>>(key: Option<String>) -> Result<Option<T>, Error> {
    key.map(|key| key.parse()).transpose()
}

fn words<T: std::str::FromStr<Err = Error>>(keys: Vec<String>) -> Result<Vec<T>, Error> {
    keys.into_iter().map(|key| key.parse()).collect()
}

impl TryFrom<Row> for Integration {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        let mut environments = row.environments.0;
        environments.sort_by_key(|environment| environment.environment);
        let mut flows = row.flows.0;
        flows.sort_by(|a, b| (&a.data_class, a.direction).cmp(&(&b.data_class, b.direction)));
        let asked = row.scopes.0.iter().filter(|scope| scope.grant.requested);
        let mut scopes: Vec<ScopeRequest> = asked
            .map(|row| ScopeRequest { scope: row.grant.scope.clone(), justification: row.justification.clone() })
            .collect();
        scopes.sort_by(|a, b| a.scope.cmp(&b.scope));
        let suspension = match (row.suspended_at, row.suspension_reason) {
            (Some(at), Some(reason)) => Some(Suspension { at, by: row.suspended_by, reason }),
            _ => None,
        };
        Ok(Self {
            id: row.id,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
            state: row.state.parse()?,
            direction: row.direction.parse()?,
            sensitivity: word(row.sensitivity)?,
            suspension,
            system_id: row.system_id,
            api_id: row.api_id,
            vendor_id: row.vendor_id,
            grants: row.scopes.0.into_iter().map(|row| row.grant).collect(),
            credentials: row.credentials.0,
            content: IntegrationContent {
                slug: row.slug,
                name: row.name,
                system: row.system_slug,
                api: row.api_slug,
                version: row.version_slug,
                environments,
                purpose: row.purpose,
                business_logic: row.business_logic,
                business_owner: row.business_owner,
                technical_owner: row.technical_owner,
                backup_owner: row.backup_owner,
                criticality: word(row.criticality)?,
                exposure: word(row.exposure)?,
                initiated_by: word(row.initiated_by)?,
                data_flows: flows,
                scopes,
                rate_limit: row.rate_limit,
                rate_limit_per: word(row.rate_limit_per)?,
                gateway_route: row.gateway_route,
                inbound_validation: words(row.inbound_validation)?,
                inbound_inspection: words(row.inbound_inspection)?,
                tls_minimum: word(row.tls_minimum)?,
                peer_verification: word(row.peer_verification)?,
                token_lifetime_minutes: row.token_lifetime_minutes,
                exit_plan: row.exit_plan,
                upstreams: row.upstreams.0,
                next_review_on: row.next_review_on,
                tags: row.tags,
            },
        })
    }
}

/// Whole integrations, in no particular order, in one statement.
pub async fn get_many(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Integration>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select i.id, i.slug, i.name, i.state, i.system_id, i.api_id,
                  (select s.slug from systems s where s.id = i.system_id) as "system_slug!",
                  a.slug as api_slug, a.vendor_id,
                  (select v.slug from api_versions v where v.id = i.version_id) as version_slug,
                  i.purpose, i.business_logic,
                  (select t.slug from teams t where t.id = i.business_owner_id) as business_owner,
                  (select t.slug from teams t where t.id = i.technical_owner_id) as technical_owner,
                  (select t.slug from teams t where t.id = i.backup_owner_id) as backup_owner,
                  i.criticality, i.exposure, i.initiated_by, i.rate_limit, i.rate_limit_per, i.gateway_route,
                  i.inbound_validation, i.inbound_inspection, i.tls_minimum, i.peer_verification,
                  i.token_lifetime_minutes, i.exit_plan, i.next_review_on, i.tags, i.suspended_at, i.suspended_by,
                  i.suspension_reason, i.direction, i.sensitivity, i.revision, i.created_at, i.updated_at,
                  coalesce((select jsonb_agg(jsonb_build_object('environment', e.environment, 'endpoints', e.endpoints,
                                'live_since', e.live_since, 'suspended_on', e.suspended_on))
                            from integration_environments e where e.integration_id = i.id), '[]')
                      as "environments!: Json<Vec<EnvironmentUse>>",
                  coalesce((select jsonb_agg(jsonb_build_object('data_class', d.key, 'direction', f.direction,
                                'environments', f.environments, 'legal_basis', f.legal_basis, 'locations', f.locations,
                                'transfer_safeguard', f.transfer_safeguard, 'retention_days', f.retention_days,
                                'field_encryption', f.field_encryption))
                            from data_flows f join data_classes d on d.id = f.data_class_id
                            where f.integration_id = i.id), '[]') as "flows!: Json<Vec<DataFlow>>",
                  coalesce((select jsonb_agg(jsonb_build_object('scope', g.scope, 'justification', g.justification,
                                'requested', g.requested, 'approved_at', g.approved_at, 'granted_on', g.granted_on,
                                'last_used_on', g.last_used_on) order by g.scope collate "C")
                            from scope_grants g where g.integration_id = i.id), '[]') as "scopes!: Json<Vec<ScopeRow>>",
                  coalesce((select jsonb_agg(jsonb_build_object(
                                'api', (select x.slug from apis x where x.id = u.upstream_api_id),
                                'vendor', (select x.slug from vendors x where x.id = u.upstream_vendor_id))
                                order by u.position)
                            from integration_upstreams u where u.integration_id = i.id), '[]')
                      as "upstreams!: Json<Vec<Upstream>>",
                  coalesce((select jsonb_agg(jsonb_build_object('id', c.id, 'slug', c.slug, 'name', c.name,
                                'kind', c.kind, 'environment', c.environment, 'state', c.state,
                                'vault_reference', c.vault_reference, 'since', coalesce(c.rotated_on, c.created_on),
                                'next_rotation_on', c.next_rotation_on,
                                'uses', (select count(*) from credential_uses x where x.credential_id = c.id))
                                order by c.sort_key, c.id)
                            from credential_uses u join credentials c on c.id = u.credential_id
                            where u.integration_id = i.id), '[]') as "credentials!: Json<Vec<CredentialUse>>"
           from integrations i join apis a on a.id = i.api_id where i.id = any($1)"#,
        ids
    );
    rows.fetch_all(conn).await?.into_iter().map(Integration::try_from).collect()
}

/// The teams that own it or its system.
pub async fn teams_of(conn: &mut PgConnection, id: Uuid) -> Result<Vec<Uuid>, Error> {
    let teams = sqlx::query_scalar!(
        r#"select t.id from integrations i join systems s on s.id = i.system_id
           join teams t on t.id in (i.business_owner_id, i.technical_owner_id, i.backup_owner_id, s.team_id)
           where i.id = $1"#,
        id
    );
    Ok(teams.fetch_all(conn).await?)
}

/// The same of many: which integration, which team.
pub async fn teams_of_many(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<(Uuid, Uuid)>, Error> {
    let teams = sqlx::query!(
        r#"select i.id as integration, t.id as team from integrations i join systems s on s.id = i.system_id
           join teams t on t.id in (i.business_owner_id, i.technical_owner_id, i.backup_owner_id, s.team_id)
           where i.id = any($1)"#,
        ids
    );
    Ok(teams.fetch_all(conn).await?.into_iter().map(|row| (row.integration, row.team)).collect())
}

pub async fn get(conn: &mut PgConnection, id: Uuid) -> Result<Option<Integration>, Error> {
    Ok(get_many(conn, &[id]).await?.pop())
}

/// Locks those of them that nobody else holds; which.
pub async fn lock_free(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    let locked =
        sqlx::query_scalar!("select id from integrations where id = any($1) order by id for update skip locked", ids);
    Ok(locked.fetch_all(conn).await?)
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Integration>, Error> {
    sqlx::query!("select id from integrations where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    get(conn, id).await
}

/// Locks many, in the order of their ids so that two who lock do not wait for each other in a circle.
pub async fn lock_many(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Integration>, Error> {
    sqlx::query!("select id from integrations where id = any($1) order by id for update", ids)
        .fetch_all(&mut *conn)
        .await?;
    get_many(conn, ids).await
}

/// The id behind an id, a slug or a former slug.
pub async fn find(conn: &mut PgConnection, key: &str) -> Result<Option<Uuid>, Error> {
    let id = sqlx::query_scalar!(
        r#"select id as "id!" from integrations where slug = $1
           union all select id from integrations where id = $2
           union all select record_id from slug_history where kind = 'integration' and slug = $1 limit 1"#,
        key,
        Uuid::parse_str(key).ok()
    );
    Ok(id.fetch_optional(conn).await?)
}

fn search(c: &IntegrationContent, refs: &Refs) -> String {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    let classes: Vec<&str> = c.data_flows.iter().map(|flow| flow.data_class.as_str()).collect();
    let scopes: Vec<&str> = c.scopes.iter().take(100).map(|scope| scope.scope.as_str()).collect();
    let endpoints: Vec<&str> = c.environments.iter().flat_map(|e| e.endpoints.iter().map(String::as_str)).collect();
    text::search_text(&[
        &c.name,
        &c.slug,
        &refs.names.join(" "),
        text::clip(&part(&c.purpose), 2000),
        text::clip(&part(&c.business_logic), 2000),
        &part(&c.gateway_route),
        &c.tags.join(" "),
        &classes.join(" "),
        &scopes.join(" "),
        &endpoints.join(" "),
    ])
}

fn keys<T: Copy>(words: &[T], key: impl Fn(T) -> &'static str) -> Vec<String> {
    words.iter().map(|word| key(*word).to_owned()).collect()
}

/// Writes the row; a new one where the revision is 1.
#[allow(clippy::too_many_lines, reason = "one statement with its columns")]
pub async fn save(conn: &mut PgConnection, integration: &Integration, refs: &Refs) -> Result<(), Error> {
    let c = &integration.content;
    let classes: Vec<Uuid> = refs.data_classes.iter().map(|(id, _)| *id).collect();
    let suspension = integration.suspension.as_ref();
    sqlx::query!(
        r#"insert into integrations as i (id, slug, name, state, system_id, api_id, version_id, purpose, business_logic,
               business_owner_id, technical_owner_id, backup_owner_id, criticality, exposure, initiated_by, rate_limit,
               rate_limit_per, gateway_route, inbound_validation, inbound_inspection, tls_minimum, peer_verification,
               token_lifetime_minutes, exit_plan, next_review_on, tags, suspended_at, suspended_by, suspension_reason,
               direction, sensitivity, revision, created_at, updated_at, sort_key, search)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
               $23, $24, $25, $26, $27, $28, $29, $30,
               (select d.sensitivity from data_classes d where d.id = any($31)
                order by array_position('{restricted,confidential,internal,public}', d.sensitivity) limit 1),
               $32, $33, $34, $35, $36)
           on conflict (id) do update set slug = excluded.slug, name = excluded.name, state = excluded.state,
               system_id = excluded.system_id, api_id = excluded.api_id, version_id = excluded.version_id,
               purpose = excluded.purpose, business_logic = excluded.business_logic,
               business_owner_id = excluded.business_owner_id, technical_owner_id = excluded.technical_owner_id,
               backup_owner_id = excluded.backup_owner_id, criticality = excluded.criticality,
               exposure = excluded.exposure, initiated_by = excluded.initiated_by, rate_limit = excluded.rate_limit,
               rate_limit_per = excluded.rate_limit_per, gateway_route = excluded.gateway_route,
               inbound_validation = excluded.inbound_validation, inbound_inspection = excluded.inbound_inspection,
               tls_minimum = excluded.tls_minimum, peer_verification = excluded.peer_verification,
               token_lifetime_minutes = excluded.token_lifetime_minutes, exit_plan = excluded.exit_plan,
               next_review_on = excluded.next_review_on, tags = excluded.tags, suspended_at = excluded.suspended_at,
               suspended_by = excluded.suspended_by, suspension_reason = excluded.suspension_reason,
               direction = excluded.direction, sensitivity = excluded.sensitivity, revision = excluded.revision,
               updated_at = excluded.updated_at, sort_key = excluded.sort_key, search = excluded.search"#,
        integration.id,
        c.slug,
        c.name,
        integration.state.key(),
        refs.system,
        refs.api,
        refs.version,
        c.purpose,
        c.business_logic,
        refs.business_owner,
        refs.technical_owner,
        refs.backup_owner,
        c.criticality.map(Criticality::key),
        c.exposure.map(Exposure::key),
        c.initiated_by.map(Initiator::key),
        c.rate_limit,
        c.rate_limit_per.map(RatePeriod::key),
        c.gateway_route,
        &keys(&c.inbound_validation, InboundValidation::key),
        &keys(&c.inbound_inspection, InboundInspection::key),
        c.tls_minimum.map(TlsVersion::key),
        c.peer_verification.map(PeerVerification::key),
        c.token_lifetime_minutes,
        c.exit_plan,
        c.next_review_on,
        &c.tags,
        suspension.map(|suspension| suspension.at),
        suspension.and_then(|suspension| suspension.by),
        suspension.map(|suspension| suspension.reason.as_str()),
        integration.direction.key(),
        &classes,
        integration.revision,
        integration.created_at,
        integration.updated_at,
        text::sort_key(&c.name),
        search(c, refs),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the state alone, and that something changed.
pub async fn save_state(conn: &mut PgConnection, integration: &Integration) -> Result<(), Error> {
    let suspension = integration.suspension.as_ref();
    sqlx::query!(
        "update integrations set state = $2, suspended_at = $3, suspended_by = $4, suspension_reason = $5,
             revision = $6, updated_at = $7
         where id = $1",
        integration.id,
        integration.state.key(),
        suspension.map(|suspension| suspension.at),
        suspension.and_then(|suspension| suspension.by),
        suspension.map(|suspension| suspension.reason.as_str()),
        integration.revision,
        integration.updated_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Environments as their keys.
pub fn environment_keys(environments: &[Environment]) -> Vec<String> {
    keys(environments, Environment::key)
}
