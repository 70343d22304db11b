//! One row of a table import: an integration that is new is proposed, one that is proposed is
//! edited, one in force gets a draft of a change request. An import brings nothing into force.

use serde_json::{Map, Value};

use super::draft::{edit_in, propose_in, register_in};
use crate::approvals::{RequestKind, store::requests};
use base::{
    app::App,
    audit::Event,
    db::WriteTx,
    error::Error,
    json::{content, over},
};
use register::integrations::{IntegrationState, ops as uses, ops::Start};

/// Saves one row: `fields` over the content of the integration that one of `keys` names, else anew.
/// The events, and whether the integration is new.
pub async fn save_row<S>(
    app: &App,
    tx: &mut WriteTx<S>,
    keys: &[String],
    fields: Map<String, Value>,
) -> Result<(Vec<Event>, bool), Error> {
    let mut found = None;
    for key in keys {
        found = match uses::integration_in(tx, key).await {
            Ok(integration) => Some(integration),
            Err(Error::NotFound(_)) => found,
            Err(other) => return Err(other),
        };
        if found.is_some() {
            break;
        }
    }
    let Some(integration) = found else {
        let (_, _, events) = register_in(tx, content(fields)?, Start::AsGiven).await?;
        return Ok((events.into(), true));
    };
    if let Some(id) = requests::unclosed(tx.conn(), integration.id).await? {
        let request = requests::get(tx.conn(), id).await?.ok_or(Error::NotFound("change request"))?;
        let merged = over(&request.content, fields)?;
        let (_, events) = edit_in(app, tx, id, None, merged, request.reason).await?;
        return Ok((events, false));
    }
    let merged = over(&integration.content, fields)?;
    let (merged, _) = uses::resolve_in(tx, Some(&integration), merged).await?;
    if merged == integration.content {
        return Ok((Vec::new(), false));
    }
    let kind =
        if integration.state == IntegrationState::Proposed { RequestKind::Register } else { RequestKind::Change };
    let key = integration.id.to_string();
    let (_, event) = propose_in(tx, &key, kind, Some(merged), Some("From an imported table.".into())).await?;
    Ok((vec![event], false))
}
