//! Whole integrations: their rows, and their parts. A few are read with all their parts in one statement, as they are
//! at one moment; for many each kind of part has a statement of its own, which is several times faster for the server
//! and for us.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    catalog::Upstream,
    integrations::{
        CredentialUse, DataFlow, EnvironmentUse, Grant, Integration, IntegrationContent, OwnerIds, PartIds,
        ScopeRequest, Suspension,
    },
};
use base::error::Error;

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
    business_owner_id: Option<Uuid>,
    technical_owner_id: Option<Uuid>,
    backup_owner_id: Option<Uuid>,
    version_id: Option<Uuid>,
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
    environments: Option<Json<Vec<EnvironmentUse>>>,
    flows: Option<Json<Vec<DataFlow>>>,
    class_ids: Option<Json<BTreeMap<String, Uuid>>>,
    scopes: Option<Json<Vec<ScopeRow>>>,
    upstreams: Option<Json<Vec<Upstream>>>,
    upstream_ids: Option<Json<Vec<Uuid>>>,
    credentials: Option<Json<Vec<CredentialUse>>>,
}

#[derive(Debug, serde::Deserialize)]
struct ScopeRow {
    justification: Option<String>,
    #[serde(flatten)]
    grant: Grant,
}

/// The parts of one integration.
#[derive(Default)]
struct Parts {
    environments: Vec<EnvironmentUse>,
    flows: Vec<DataFlow>,
    grants: Vec<Grant>,
    asked: Vec<ScopeRequest>,
    upstreams: Vec<Upstream>,
    ids: PartIds,
    credentials: Vec<CredentialUse>,
}

type All = HashMap<Uuid, Parts>;

impl Parts {
    /// The parts that came with a row.
    fn of(row: &mut Row) -> Self {
        fn taken<T>(part: &mut Option<Json<Vec<T>>>) -> Vec<T> {
            part.take().map(|json| json.0).unwrap_or_default()
        }
        let mut parts = Self {
            environments: taken(&mut row.environments),
            flows: taken(&mut row.flows),
            upstreams: taken(&mut row.upstreams),
            credentials: taken(&mut row.credentials),
            ids: PartIds {
                version: None,
                upstreams: taken(&mut row.upstream_ids),
                data_classes: row.class_ids.take().map(|json| json.0).unwrap_or_default(),
            },
            ..Self::default()
        };
        for scope in taken(&mut row.scopes) {
            parts.add_scope(scope.grant, scope.justification);
        }
        parts
    }

    fn add_scope(&mut self, grant: Grant, justification: Option<String>) {
        if grant.requested {
            self.asked.push(ScopeRequest { scope: grant.scope.clone(), justification });
        }
        self.grants.push(grant);
    }

    /// In the order in which they are shown and compared.
    fn sorted(mut self) -> Self {
        self.environments.sort_by_key(|environment| environment.environment);
        self.flows.sort_by(|a, b| (&a.data_class, a.direction).cmp(&(&b.data_class, b.direction)));
        self.asked.sort_by(|a, b| a.scope.cmp(&b.scope));
        self.grants.sort_by(|a, b| a.scope.cmp(&b.scope));
        self
    }
}

fn word<T: std::str::FromStr<Err = Error>>(key: Option<String>) -> Result<Option<T>, Error> {
    key.map(|key| key.parse()).transpose()
}

fn words<T: std::str::FromStr<Err = Error>>(keys: Vec<String>) -> Result<Vec<T>, Error> {
    keys.into_iter().map(|key| key.parse()).collect()
}

fn whole(row: Row, parts: Parts) -> Result<Integration, Error> {
    let parts = parts.sorted();
    let suspension = match (row.suspended_at, row.suspension_reason) {
        (Some(at), Some(reason)) => Some(Suspension { at, by: row.suspended_by, reason }),
        _ => None,
    };
    Ok(Integration {
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
        owner_ids: OwnerIds {
            business_owner: row.business_owner_id,
            technical_owner: row.technical_owner_id,
            backup_owner: row.backup_owner_id,
        },
        part_ids: PartIds { version: row.version_id, ..parts.ids },
        grants: parts.grants,
        credentials: parts.credentials,
        content: IntegrationContent {
            slug: row.slug,
            name: row.name,
            system: row.system_slug,
            api: row.api_slug,
            version: row.version_slug,
            environments: parts.environments,
            purpose: row.purpose,
            business_logic: row.business_logic,
            business_owner: row.business_owner,
            technical_owner: row.technical_owner,
            backup_owner: row.backup_owner,
            criticality: word(row.criticality)?,
            exposure: word(row.exposure)?,
            initiated_by: word(row.initiated_by)?,
            data_flows: parts.flows,
            scopes: parts.asked,
            rate_limit: row.rate_limit,
            rate_limit_per: word(row.rate_limit_per)?,
            gateway_route: row.gateway_route,
            inbound_validation: words(row.inbound_validation)?,
            inbound_inspection: words(row.inbound_inspection)?,
            tls_minimum: word(row.tls_minimum)?,
            peer_verification: word(row.peer_verification)?,
            token_lifetime_minutes: row.token_lifetime_minutes,
            exit_plan: row.exit_plan,
            upstreams: parts.upstreams,
            next_review_on: row.next_review_on,
            tags: row.tags,
        },
    })
}

/// Whole integrations, in no particular order.
pub async fn get_many(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Integration>, Error> {
    rows(conn, ids, With::Parts)
        .await?
        .into_iter()
        .map(|mut row| {
            let parts = Parts::of(&mut row);
            whole(row, parts)
        })
        .collect()
}

/// The same, for many at once.
pub async fn load(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Integration>, Error> {
    let rows = rows(conn, ids, With::Nothing).await?;
    let mut all: All = HashMap::with_capacity(rows.len());
    environments(conn, ids, &mut all).await?;
    flows(conn, ids, &mut all).await?;
    scopes(conn, ids, &mut all).await?;
    upstreams(conn, ids, &mut all).await?;
    credentials(conn, ids, &mut all).await?;
    let one = |row: Row| {
        let parts = all.remove(&row.id).unwrap_or_default();
        whole(row, parts)
    };
    rows.into_iter().map(one).collect()
}

/// What rows are read with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum With {
    /// Their parts, of one moment.
    Parts,
    /// Nothing else.
    Nothing,
}

async fn rows(conn: &mut PgConnection, ids: &[Uuid], with: With) -> Result<Vec<Row>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select i.id, i.slug, i.name, i.state, i.system_id, i.api_id,
                  (select s.slug from systems s where s.id = i.system_id) as "system_slug!",
                  a.slug as api_slug, a.vendor_id, i.business_owner_id, i.technical_owner_id, i.backup_owner_id,
                  i.version_id, (select v.slug from api_versions v where v.id = i.version_id) as version_slug,
                  i.purpose, i.business_logic,
                  (select t.slug from teams t where t.id = i.business_owner_id) as business_owner,
                  (select t.slug from teams t where t.id = i.technical_owner_id) as technical_owner,
                  (select t.slug from teams t where t.id = i.backup_owner_id) as backup_owner,
                  i.criticality, i.exposure, i.initiated_by, i.rate_limit, i.rate_limit_per, i.gateway_route,
                  i.inbound_validation, i.inbound_inspection, i.tls_minimum, i.peer_verification,
                  i.token_lifetime_minutes, i.exit_plan, i.next_review_on, i.tags, i.suspended_at, i.suspended_by,
                  i.suspension_reason, i.direction, i.sensitivity, i.revision, i.created_at, i.updated_at,
                  case when $2 then coalesce((select jsonb_agg(jsonb_build_object('environment', e.environment,
                          'endpoints', e.endpoints, 'live_since', e.live_since, 'suspended_on', e.suspended_on))
                      from integration_environments e where e.integration_id = i.id), '[]') end
                      as "environments?: Json<Vec<EnvironmentUse>>",
                  case when $2 then coalesce((select jsonb_agg(jsonb_build_object('data_class', d.key, 'direction', f.direction,
                          'environments', f.environments, 'legal_basis', f.legal_basis, 'locations', f.locations,
                          'transfer_safeguard', f.transfer_safeguard, 'retention_days', f.retention_days,
                          'field_encryption', f.field_encryption))
                      from data_flows f join data_classes d on d.id = f.data_class_id where f.integration_id = i.id), '[]') end
                      as "flows?: Json<Vec<DataFlow>>",
                  case when $2 then coalesce((select jsonb_object_agg(d.key, d.id)
                      from data_flows f join data_classes d on d.id = f.data_class_id where f.integration_id = i.id), '{}') end
                      as "class_ids?: Json<BTreeMap<String, Uuid>>",
                  case when $2 then coalesce((select jsonb_agg(jsonb_build_object('scope', g.scope, 'justification', g.justification,
                          'requested', g.requested, 'approved_at', g.approved_at, 'granted_on', g.granted_on,
                          'last_used_on', g.last_used_on))
                      from scope_grants g where g.integration_id = i.id), '[]') end
                      as "scopes?: Json<Vec<ScopeRow>>",
                  case when $2 then coalesce((select jsonb_agg(jsonb_build_object(
                          'api', (select x.slug from apis x where x.id = u.upstream_api_id),
                          'vendor', (select x.slug from vendors x where x.id = u.upstream_vendor_id)) order by u.position)
                      from integration_upstreams u where u.integration_id = i.id), '[]') end
                      as "upstreams?: Json<Vec<Upstream>>",
                  case when $2 then coalesce((select jsonb_agg(coalesce(u.upstream_api_id, u.upstream_vendor_id) order by u.position)
                      from integration_upstreams u where u.integration_id = i.id), '[]') end
                      as "upstream_ids?: Json<Vec<Uuid>>",
                  case when $2 then coalesce((select jsonb_agg(jsonb_build_object('id', c.id, 'slug', c.slug, 'name', c.name,
                          'kind', c.kind, 'environment', c.environment, 'state', c.state,
                          'vault_reference', c.vault_reference, 'since', coalesce(c.rotated_on, c.created_on),
                          'next_rotation_on', c.next_rotation_on,
                          'uses', (select count(*) from credential_uses x where x.credential_id = c.id))
                          order by c.sort_key, c.id)
                      from credential_uses u join credentials c on c.id = u.credential_id where u.integration_id = i.id), '[]') end
                      as "credentials?: Json<Vec<CredentialUse>>"
           from integrations i join apis a on a.id = i.api_id where i.id = any($1)"#,
        ids,
        with == With::Parts
    );
    Ok(rows.fetch_all(conn).await?)
}

async fn environments(conn: &mut PgConnection, ids: &[Uuid], all: &mut All) -> Result<(), Error> {
    let rows = sqlx::query!(
        "select integration_id, environment, endpoints, live_since, suspended_on from integration_environments
         where integration_id = any($1)",
        ids
    );
    for row in rows.fetch_all(conn).await? {
        all.entry(row.integration_id).or_default().environments.push(EnvironmentUse {
            environment: row.environment.parse()?,
            endpoints: row.endpoints,
            live_since: row.live_since,
            suspended_on: row.suspended_on,
        });
    }
    Ok(())
}

async fn flows(conn: &mut PgConnection, ids: &[Uuid], all: &mut All) -> Result<(), Error> {
    let rows = sqlx::query!(
        "select f.integration_id, d.id, d.key, f.direction, f.environments, f.legal_basis, f.locations, f.transfer_safeguard,
                f.retention_days, f.field_encryption
         from data_flows f join data_classes d on d.id = f.data_class_id where f.integration_id = any($1)",
        ids
    );
    for row in rows.fetch_all(conn).await? {
        let parts = all.entry(row.integration_id).or_default();
        parts.ids.data_classes.insert(row.key.clone(), row.id);
        parts.flows.push(DataFlow {
            data_class: row.key,
            direction: row.direction.parse()?,
            environments: words(row.environments)?,
            legal_basis: word(row.legal_basis)?,
            locations: row.locations,
            transfer_safeguard: word(row.transfer_safeguard)?,
            retention_days: row.retention_days,
            field_encryption: word(row.field_encryption)?,
        });
    }
    Ok(())
}

async fn scopes(conn: &mut PgConnection, ids: &[Uuid], all: &mut All) -> Result<(), Error> {
    let rows = sqlx::query!(
        "select integration_id, scope, justification, requested, approved_at, granted_on, last_used_on
         from scope_grants where integration_id = any($1)",
        ids
    );
    for row in rows.fetch_all(conn).await? {
        let grant = Grant {
            scope: row.scope,
            requested: row.requested,
            approved_at: row.approved_at,
            granted_on: row.granted_on,
            last_used_on: row.last_used_on,
        };
        all.entry(row.integration_id).or_default().add_scope(grant, row.justification);
    }
    Ok(())
}

async fn upstreams(conn: &mut PgConnection, ids: &[Uuid], all: &mut All) -> Result<(), Error> {
    let rows = sqlx::query!(
        r#"select u.integration_id, coalesce(u.upstream_api_id, u.upstream_vendor_id) as "id!", (select x.slug from apis x where x.id = u.upstream_api_id) as api,
                (select x.slug from vendors x where x.id = u.upstream_vendor_id) as vendor
         from integration_upstreams u where u.integration_id = any($1) order by u.position"#,
        ids
    );
    for row in rows.fetch_all(conn).await? {
        let upstream = Upstream { api: row.api, vendor: row.vendor };
        let parts = all.entry(row.integration_id).or_default();
        parts.ids.upstreams.push(row.id);
        parts.upstreams.push(upstream);
    }
    Ok(())
}

async fn credentials(conn: &mut PgConnection, ids: &[Uuid], all: &mut All) -> Result<(), Error> {
    let rows = sqlx::query!(
        r#"select u.integration_id, c.id, c.slug, c.name, c.kind, c.environment, c.state, c.vault_reference,
                  coalesce(c.rotated_on, c.created_on) as since, c.next_rotation_on,
                  (select count(*) from credential_uses x where x.credential_id = c.id) as "uses!"
           from credential_uses u join credentials c on c.id = u.credential_id
           where u.integration_id = any($1) order by c.sort_key, c.id"#,
        ids
    );
    for row in rows.fetch_all(conn).await? {
        all.entry(row.integration_id).or_default().credentials.push(CredentialUse {
            id: row.id,
            slug: row.slug,
            name: row.name,
            kind: row.kind,
            environment: row.environment,
            state: row.state,
            vault_reference: row.vault_reference,
            since: row.since,
            next_rotation_on: row.next_rotation_on,
            uses: row.uses,
        });
    }
    Ok(())
}
