//! `WriteTx`: a transaction that cannot be committed before it has recorded what it did.

use std::{marker::PhantomData, sync::Arc};

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, Transaction};
use tokio::sync::Notify;

use crate::{
    actor::Actor,
    audit::{self, Event},
    clock::Clock,
    error::Error,
};

/// Nothing recorded yet; there is no `commit`.
#[derive(Debug)]
pub struct Open;
/// At least one event recorded.
#[derive(Debug)]
pub struct Recorded;

/// A transaction on the register, in the name of an actor.
#[derive(Debug)]
pub struct WriteTx<S> {
    tx: Transaction<'static, Postgres>,
    actor: Actor,
    clock: Clock,
    written: Arc<Notify>,
    state: PhantomData<S>,
}

impl WriteTx<Open> {
    pub(super) fn new(tx: Transaction<'static, Postgres>, actor: Actor, clock: Clock, written: Arc<Notify>) -> Self {
        Self { tx, actor, clock, written, state: PhantomData }
    }
}

impl<S> WriteTx<S> {
    /// The connection, for the stores.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Marks a place to go back to.
    pub async fn savepoint(&mut self) -> Result<(), Error> {
        sqlx::query("savepoint mark").execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Undoes everything since the mark.
    pub async fn back_to_savepoint(&mut self) -> Result<(), Error> {
        sqlx::query("rollback to savepoint mark").execute(&mut *self.tx).await?;
        Ok(())
    }

    /// The present moment; ask after the lock is taken.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Writes several events in their order; nothing where there is none, and then nothing may be
    /// committed either.
    pub async fn record_all(mut self, events: Vec<Event>) -> Result<Option<WriteTx<Recorded>>, Error> {
        if events.is_empty() {
            return Ok(None);
        }
        let now = self.clock.now();
        audit::write(&mut self.tx, &self.actor, now, events).await?;
        Ok(Some(self.recorded()))
    }

    fn recorded(self) -> WriteTx<Recorded> {
        WriteTx { tx: self.tx, actor: self.actor, clock: self.clock, written: self.written, state: PhantomData }
    }

    /// Writes several events and makes everything durable; how many there were. Without any, what was
    /// done is undone.
    pub async fn commit_all(self, events: Vec<Event>) -> Result<usize, Error> {
        let count = events.len();
        if let Some(tx) = self.record_all(events).await? {
            tx.commit().await?;
        }
        Ok(count)
    }

    /// Writes the event, and the new version of the record that it changed.
    pub async fn record(mut self, event: Event) -> Result<WriteTx<Recorded>, Error> {
        let now = self.clock.now();
        audit::write(&mut self.tx, &self.actor, now, vec![event]).await?;
        Ok(self.recorded())
    }
}

impl WriteTx<Recorded> {
    /// Makes everything durable.
    pub async fn commit(self) -> Result<(), Error> {
        self.tx.commit().await?;
        self.written.notify_one();
        Ok(())
    }
}
