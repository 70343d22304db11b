//! Finding integrations, and what helps to describe one.

use uuid::Uuid;

use crate::{
    catalog::{Environment, Sensitivity},
    integrations::{
        Around, EnvironmentUse, Hint, Initiator, Integration, IntegrationContent, Refs, hints,
        store::{integrations, suggestions},
    },
};
use base::{app::App, db::WriteTx, error::Error};
use identity::{Actor, Permission};

use super::{OfferedScope, OwnerSuggestion};

/// The integration behind an id, a slug or a former slug, with all its parts.
pub async fn find_integration(app: &App, actor: &Actor, key: &str) -> Result<Integration, Error> {
    actor.require(Permission::Read)?;
    let mut conn = app.db.read().await?;
    let id = integrations::find(&mut conn, key).await?.ok_or(Error::NotFound("integration"))?;
    integrations::get(&mut conn, id).await?.ok_or(Error::NotFound("integration"))
}

/// Whole integrations by id, in the order asked for.
pub async fn get_integrations(app: &App, actor: &Actor, ids: &[Uuid]) -> Result<Vec<Integration>, Error> {
    actor.require(Permission::Read)?;
    let mut found = integrations::get_many(&mut *app.db.read().await?, ids).await?;
    found.sort_by_key(|integration| ids.iter().position(|id| *id == integration.id));
    Ok(found)
}

/// Whole integrations within whatever reads or writes, in no particular order.
pub async fn load(conn: &mut sqlx::PgConnection, ids: &[Uuid]) -> Result<Vec<Integration>, Error> {
    integrations::load(conn, ids).await
}

/// Locks those of them that nobody else holds, for who can come back to the others later; which.
pub async fn lock_free(conn: &mut sqlx::PgConnection, ids: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    integrations::lock_free(conn, ids).await
}

/// The teams that own it or its system.
pub async fn teams_of(conn: &mut sqlx::PgConnection, id: Uuid) -> Result<Vec<Uuid>, Error> {
    integrations::teams_of(conn, id).await
}

/// The same of many: which integration, which team.
pub async fn teams_of_many(conn: &mut sqlx::PgConnection, ids: &[Uuid]) -> Result<Vec<(Uuid, Uuid)>, Error> {
    integrations::teams_of_many(conn, ids).await
}

/// Locks integrations within a transaction, in the order of their ids.
pub async fn lock_many<S>(tx: &mut WriteTx<S>, ids: &[Uuid]) -> Result<Vec<Integration>, Error> {
    integrations::lock_many(tx.conn(), ids).await
}

/// The integration behind a key, locked within a transaction.
pub async fn integration_in<S>(tx: &mut WriteTx<S>, key: &str) -> Result<Integration, Error> {
    let id = integrations::find(tx.conn(), key).await?.ok_or(Error::NotFound("integration"))?;
    integrations::lock(tx.conn(), id).await?.ok_or(Error::NotFound("integration"))
}

/// What a new integration begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// What the version says is filled in where nothing was given.
    FromVersion,
    /// Exactly what was given.
    AsGiven,
}

/// A content with what the API's version says, where nothing was said: version, endpoints by
/// environment, the lowest TLS version, who initiates.
pub async fn start_content<S>(
    tx: &mut WriteTx<S>,
    refs: &Refs,
    mut content: IntegrationContent,
) -> Result<IntegrationContent, Error> {
    let Some(known) = suggestions::known(tx.conn(), refs.api, refs.version).await? else { return Ok(content) };
    if content.version.is_none() {
        content.version = known.version;
    }
    if content.tls_minimum.is_none() {
        content.tls_minimum = known.tls_minimum.map(|word| word.parse()).transpose()?;
    }
    if content.initiated_by.is_none() {
        content.initiated_by = Some(if known.protocol == "webhook" { Initiator::Vendor } else { Initiator::Us });
    }
    if content.environments.is_empty() {
        let mut found: Vec<EnvironmentUse> = Vec::new();
        for (url, environment) in known.endpoints.into_iter().zip(known.environments) {
            let environment: Environment = environment.parse()?;
            if environment != Environment::Production {
                continue;
            }
            match found.iter_mut().find(|known| known.environment == environment) {
                Some(known) => known.endpoints.push(url),
                None => found.push(EnvironmentUse {
                    environment,
                    endpoints: vec![url],
                    live_since: None,
                    suspended_on: None,
                }),
            }
        }
        for environment in &mut found {
            environment.endpoints.sort();
            environment.endpoints.dedup();
        }
        content.environments = found;
    }
    Ok(content)
}

/// The scopes that a version offers, with their descriptions.
pub async fn offered_scopes(app: &App, actor: &Actor, version: Option<Uuid>) -> Result<Vec<OfferedScope>, Error> {
    actor.require(Permission::Read)?;
    match version {
        Some(version) => suggestions::offered(&mut *app.db.read().await?, version).await,
        None => Ok(Vec::new()),
    }
}

/// The scopes that the version of an integration offers.
pub async fn scopes_of(app: &App, actor: &Actor, integration: &Integration) -> Result<Vec<OfferedScope>, Error> {
    let Some(version) = &integration.content.version else { return Ok(Vec::new()) };
    let found = crate::catalog::ops::find_version(app, actor, integration.api_id, version).await?;
    offered_scopes(app, actor, Some(found.id)).await
}

/// The same within a transaction.
pub async fn offered_scopes_in<S>(tx: &mut WriteTx<S>, version: Option<Uuid>) -> Result<Vec<OfferedScope>, Error> {
    match version {
        Some(version) => suggestions::offered(tx.conn(), version).await,
        None => Ok(Vec::new()),
    }
}

/// 'Less data' hints for a content.
pub async fn hints_for(
    app: &App,
    actor: &Actor,
    id: Option<Uuid>,
    content: &IntegrationContent,
    refs: &Refs,
) -> Result<Vec<Hint>, Error> {
    actor.require(Permission::Read)?;
    let mut conn = app.db.read().await?;
    let offered: Vec<String> = match refs.version {
        Some(version) => suggestions::offered(&mut conn, version).await?.into_iter().map(|scope| scope.name).collect(),
        None => Vec::new(),
    };
    let known = suggestions::known(&mut conn, refs.api, refs.version).await?.unwrap_or_default();
    let (count, most) = suggestions::others(&mut conn, refs.api, id).await?;
    let classes: Vec<Uuid> = refs.data_classes.iter().map(|(id, _)| *id).collect();
    let divisible = suggestions::divisible(&mut conn, &classes).await?;
    let sensitivities: Vec<Sensitivity> = refs.data_classes.iter().map(|(_, sensitivity)| *sensitivity).collect();
    let most = most.map(|word| word.parse::<Sensitivity>()).transpose()?;
    let around = Around {
        offered: &offered,
        purpose: known.data_sensitivity.map(|word| word.parse()).transpose()?,
        others: Some((usize::try_from(count).unwrap_or(usize::MAX), most)),
        sensitivities: &sensitivities,
        divisible: &classes.iter().map(|class| divisible.contains(class)).collect::<Vec<_>>(),
    };
    Ok(hints(content, &around))
}

/// Teams that may be the owners of integrations without one, and where each suggestion comes from.
pub async fn suggested_owners(app: &App, actor: &Actor, ids: &[Uuid]) -> Result<Vec<OwnerSuggestion>, Error> {
    actor.require(Permission::Read)?;
    suggestions::owners(&mut *app.db.read().await?, ids).await
}
