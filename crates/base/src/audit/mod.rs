//! The record: one event per change, the versions of every record, and their order. Events are
//! written by `WriteTx` and read here; nobody changes them.

mod diff;
mod event;
pub mod ops;
mod store;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

pub use diff::{Change, diff};
pub use event::{Event, Record};
pub use ops::{AuditEvent, AuditFilter};

use crate::{actor::Actor, error::Error};

/// Writes events, each with the version that it carries, in their order; only `WriteTx` calls this.
pub(crate) async fn write(
    conn: &mut PgConnection,
    actor: &Actor,
    now: DateTime<Utc>,
    events: Vec<Event>,
) -> Result<(), Error> {
    for together in event::in_turns(events) {
        store::insert(conn, actor, now, together).await?;
    }
    Ok(())
}
