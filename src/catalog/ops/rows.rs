//! One row of a table import: created, or changed where its id or slug is known.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{apis, systems, vendors};
use crate::{audit::Event, catalog::store, db::WriteTx, error::Error};

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
/// The event, where anything changes, and whether the record is new.
pub async fn save_row<S>(
    tx: &mut WriteTx<S>,
    kind: RowKind,
    keys: &[String],
    fields: Map<String, Value>,
) -> Result<(Option<Event>, bool), Error> {
    match kind {
        RowKind::Vendor => {
            let mut id = None;
            for key in keys {
                id = id.or(store::vendors::find(tx.conn(), key).await?);
            }
            let Some((id, vendor)) = existing(id, async |id| store::vendors::lock(tx.conn(), id).await).await? else {
                return Ok((Some(vendors::create_in(tx, content(fields)?).await?.1), true));
            };
            let merged = over(&vendor.content, fields)?;
            Ok((vendors::update_in(tx, id, vendor.revision, merged).await?.1, false))
        }
        RowKind::Api => {
            let mut id = None;
            for key in keys {
                id = id.or(store::apis::find(tx.conn(), key).await?);
            }
            let Some((id, api)) = existing(id, async |id| store::apis::lock(tx.conn(), id).await).await? else {
                return Ok((Some(apis::create_in(tx, content(fields)?).await?.1), true));
            };
            let merged = over(&api.content, fields)?;
            Ok((apis::update_in(tx, id, api.revision, merged).await?.1, false))
        }
        RowKind::System => {
            let mut id = None;
            for key in keys {
                id = id.or(store::systems::find(tx.conn(), key).await?);
            }
            let Some((id, system)) = existing(id, async |id| store::systems::lock(tx.conn(), id).await).await? else {
                return Ok((Some(systems::create_in(tx, content(fields)?).await?.1), true));
            };
            let merged = over(&system.content, fields)?;
            Ok((systems::update_in(tx, id, system.revision, merged).await?.1, false))
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

/// A content from its fields; a wrong one is named.
pub fn content<C: serde::de::DeserializeOwned>(fields: Map<String, Value>) -> Result<C, Error> {
    crate::json::from_value(Value::Object(fields))
}

/// A content with some fields replaced.
pub fn over<C: serde::Serialize + serde::de::DeserializeOwned>(
    present: &C,
    fields: Map<String, Value>,
) -> Result<C, Error> {
    let Value::Object(mut all) = serde_json::to_value(present).map_err(Error::internal)? else {
        return Err(Error::internal("a content that is no object"));
    };
    all.extend(fields);
    content(all)
}
