//! Environments, data flows, scope grants and upstreams: replaced together, in one statement.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::integrations::{Integration, Refs, is_outside_eea};
use base::{error::Error, text};

/// Whether what is written was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// It was: the scopes asked for are approved from now on.
    Given,
    /// It was not yet.
    Pending,
}

fn flows(integration: &Integration, refs: &Refs) -> Value {
    let name = &integration.content.name;
    let about = refs.names.join(" ");
    let flow = |(flow, (class, _)): (&crate::integrations::DataFlow, &(Uuid, crate::catalog::Sensitivity))| {
        json!({
            "id": Uuid::now_v7(), "data_class_id": class, "direction": flow.direction,
            "environments": super::integrations::environment_keys(&flow.environments), "legal_basis": flow.legal_basis,
            "locations": flow.locations, "outside_eea": is_outside_eea(&flow.locations),
            "transfer_safeguard": flow.transfer_safeguard, "retention_days": flow.retention_days,
            "field_encryption": flow.field_encryption,
            "sort_key": text::sort_key(&format!("{name} {}", flow.data_class)),
            "search": text::search_text(&[name, &flow.data_class, &about, &flow.locations.join(" ")]),
        })
    };
    integration.content.data_flows.iter().zip(&refs.data_classes).map(flow).collect()
}

fn scopes(integration: &Integration, refs: &Refs) -> Value {
    let name = &integration.content.name;
    let about = refs.names.join(" ");
    let scope = |scope: &crate::integrations::ScopeRequest| {
        json!({
            "id": Uuid::now_v7(), "scope": scope.scope, "justification": scope.justification,
            "sort_key": text::sort_key(&format!("{} {name}", scope.scope)),
            "search": text::search_text(&[&scope.scope, name, &about, scope.justification.as_deref().unwrap_or_default()]),
        })
    };
    integration.content.scopes.iter().map(scope).collect()
}

/// Brings the parts of an integration to what its content says.
#[allow(clippy::too_many_lines, reason = "one statement with its columns")]
pub async fn save(
    conn: &mut PgConnection,
    integration: &Integration,
    refs: &Refs,
    approval: Approval,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let c = &integration.content;
    let environments = serde_json::to_value(&c.environments).map_err(Error::internal)?;
    let upstream = |(n, (upstream, id)): (usize, (&crate::catalog::Upstream, &Uuid))| json!({ "position": n, "upstream_api_id": upstream.api.as_ref().map(|_| id), "upstream_vendor_id": upstream.vendor.as_ref().map(|_| id) });
    let upstreams: Value = c.upstreams.iter().zip(&refs.upstreams).enumerate().map(upstream).collect();
    sqlx::query!(
        r#"with environments as (
               select * from jsonb_to_recordset($2) as e(environment text, endpoints text[], live_since date, suspended_on date)
           ), environments_gone as (
               delete from integration_environments x where x.integration_id = $1
                   and not exists (select from environments e where e.environment = x.environment)
           ), environments_here as (
               insert into integration_environments (integration_id, environment, endpoints, live_since, suspended_on)
               select $1, e.environment, e.endpoints, e.live_since, e.suspended_on from environments e
               on conflict (integration_id, environment) do update set endpoints = excluded.endpoints,
                   live_since = excluded.live_since, suspended_on = excluded.suspended_on
           ), flows as (
               select * from jsonb_to_recordset($3) as f(id uuid, data_class_id uuid, direction text, environments text[],
                   legal_basis text, locations text[], outside_eea boolean, transfer_safeguard text,
                   retention_days integer, field_encryption text, sort_key text, search text)
           ), flows_gone as (
               delete from data_flows x where x.integration_id = $1 and not exists (
                   select from flows f where f.data_class_id = x.data_class_id and f.direction = x.direction)
           ), flows_here as (
               insert into data_flows (id, integration_id, data_class_id, direction, environments, legal_basis, locations,
                   outside_eea, transfer_safeguard, retention_days, field_encryption, updated_at, sort_key, search)
               select f.id, $1, f.data_class_id, f.direction, f.environments, f.legal_basis, f.locations, f.outside_eea,
                   f.transfer_safeguard, f.retention_days, f.field_encryption, $6, f.sort_key, f.search from flows f
               on conflict (integration_id, data_class_id, direction) do update set environments = excluded.environments,
                   legal_basis = excluded.legal_basis, locations = excluded.locations,
                   outside_eea = excluded.outside_eea, transfer_safeguard = excluded.transfer_safeguard,
                   retention_days = excluded.retention_days, field_encryption = excluded.field_encryption,
                   updated_at = excluded.updated_at, sort_key = excluded.sort_key, search = excluded.search
           ), scopes as (
               select * from jsonb_to_recordset($4) as s(id uuid, scope text, justification text, sort_key text, search text)
           ), scopes_gone as (
               delete from scope_grants g where g.integration_id = $1 and g.granted_on is null
                   and not exists (select from scopes s where s.scope = g.scope)
           ), scopes_left as (
               update scope_grants g set requested = false, approved_at = null, updated_at = $6
               where g.integration_id = $1 and g.granted_on is not null and g.requested
                   and not exists (select from scopes s where s.scope = g.scope)
           ), scopes_here as (
               insert into scope_grants as g (id, integration_id, scope, justification, requested, approved_at, updated_at, sort_key, search)
               select s.id, $1, s.scope, s.justification, true, case when $7 then $6 end, $6, s.sort_key, s.search from scopes s
               on conflict (integration_id, scope) do update set justification = excluded.justification, requested = true,
                   approved_at = coalesce(g.approved_at, excluded.approved_at), updated_at = excluded.updated_at,
                   sort_key = excluded.sort_key, search = excluded.search
           ), upstreams as (
               select * from jsonb_to_recordset($5) as u(position integer, upstream_api_id uuid, upstream_vendor_id uuid)
           ), upstreams_gone as (
               delete from integration_upstreams x where x.integration_id = $1
                   and not exists (select from upstreams u where u.position = x.position)
           )
           insert into integration_upstreams (integration_id, position, upstream_api_id, upstream_vendor_id)
           select $1, u.position, u.upstream_api_id, u.upstream_vendor_id from upstreams u
           on conflict (integration_id, position) do update set upstream_api_id = excluded.upstream_api_id,
               upstream_vendor_id = excluded.upstream_vendor_id"#,
        integration.id,
        environments,
        flows(integration, refs),
        scopes(integration, refs),
        upstreams,
        now,
        approval == Approval::Given,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a vendor grants, or was seen in use; a grant that nobody asked for is noted as such.
pub struct GrantFact {
    pub scope: String,
    pub granted_on: Option<NaiveDate>,
    pub last_used_on: Option<NaiveDate>,
    pub sort_key: String,
    pub search: String,
}

/// Takes up what the vendor grants: the given scopes are granted, all others no longer are.
pub async fn save_grants(
    conn: &mut PgConnection,
    integration: Uuid,
    facts: &[GrantFact],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let rows: Value = facts
        .iter()
        .map(|fact| json!({ "id": Uuid::now_v7(), "scope": fact.scope, "granted_on": fact.granted_on, "last_used_on": fact.last_used_on, "sort_key": fact.sort_key, "search": fact.search }))
        .collect();
    sqlx::query!(
        r#"with facts as (
               select * from jsonb_to_recordset($2) as s(id uuid, scope text, granted_on date, last_used_on date, sort_key text, search text)
           ), gone as (
               delete from scope_grants g where g.integration_id = $1 and not g.requested
                   and not exists (select from facts f where f.scope = g.scope)
           ), no_longer as (
               update scope_grants g set granted_on = null, updated_at = $3
               where g.integration_id = $1 and g.requested and g.granted_on is not null
                   and not exists (select from facts f where f.scope = g.scope)
           )
           insert into scope_grants as g (id, integration_id, scope, requested, granted_on, last_used_on, updated_at, sort_key, search)
           select f.id, $1, f.scope, false, f.granted_on, f.last_used_on, $3, f.sort_key, f.search from facts f
           on conflict (integration_id, scope) do update set granted_on = excluded.granted_on,
               last_used_on = coalesce(excluded.last_used_on, g.last_used_on), updated_at = excluded.updated_at"#,
        integration,
        rows,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
