//! One row of a table import: created, or changed where its id or slug is known.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{apis, systems, vendors};
use crate::catalog::store;
use base::{
    audit::Event,
    db::WriteTx,
    error::Error,
    json::{content, over},
};

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// Vendors.
    Vendor,
    /// APIs.
    Api,
    /// Systems.
    System,
}

/// Saves one row: `fields` over the present content of the record that one of
/// `keys` (ids and slugs) names, else anew.
/// The events, where anything changes, and whether the record is new.
pub async fn save_row<S>(
    tx: &mut WriteTx<S>,
    kind: RowKind,
    keys: &[String],
    fields: Map<String, Value>,
) -> Result<(Vec<Event>, bool), Error> {
    match kind {
        RowKind::Vendor => {
            let mut id = None;
            for key in keys {
                id = id.or(store::vendors::find(tx.conn(), key).await?);
            }
            let Some((id, vendor)) = existing(id, async |id| store::vendors::lock(tx.conn(), id).await).await? else {
                return Ok((vec![vendors::create_in(tx, content(fields)?).await?.1], true));
            };
            let merged = over(&vendor.content, fields)?;
            Ok((vendors::update_in(tx, id, vendor.revision, merged).await?.1.into_iter().collect(), false))
        }
        RowKind::Api => {
            let mut id = None;
            for key in keys {
                id = id.or(store::apis::find(tx.conn(), key).await?);
            }
            let Some((id, api)) = existing(id, async |id| store::apis::lock(tx.conn(), id).await).await? else {
                return Ok((vec![apis::create_in(tx, content(fields)?).await?.1], true));
            };
            let merged = over(&api.content, fields)?;
            Ok((apis::update_in(tx, id, api.revision, merged).await?.1.into_iter().collect(), false))
        }
        RowKind::System => {
            let mut id = None;
            for key in keys {
                id = id.or(store::systems::find(tx.conn(), key).await?);
            }
            let Some((id, system)) = existing(id, async |id| store::systems::lock(tx.conn(), id).await).await? else {
                return Ok((vec![systems::create_in(tx, content(fields)?).await?.1], true));
            };
            let merged = over(&system.content, fields)?;
            Ok((systems::update_in(tx, id, system.revision, merged).await?.1.into_iter().collect(), false))
        }
    }
}

async fn existing<R>(
    id: Option<Uuid>,
    lock: impl AsyncFnOnce(Uuid) -> Result<Option<R>, Error>,
) -> Result<Option<(Uuid, R)>, Error> {
    let Some(id) = id else { return Ok(None) };
    Ok(lock(id).await?.map(|record| (id, record)))
}
