//! Integrations.

use sqlx::PgConnection;
use uuid::Uuid;

pub use super::whole::{get_many, load};
use crate::{
    catalog::{Environment, TlsVersion},
    integrations::{
        Criticality, Exposure, InboundInspection, InboundValidation, Initiator, Integration, IntegrationContent,
        PeerVerification, RatePeriod, Refs,
    },
};
use base::{error::Error, text};

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
    let locked = sqlx::query_scalar!(
        "select id from integrations where id = any($1) order by id for no key update skip locked",
        ids
    );
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
