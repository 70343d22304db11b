//! `WriteTx`: a transaction that cannot be committed before it has recorded what it did.

use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::{
    audit::{self, Event},
    clock::Clock,
    error::Error,
    identity::Actor,
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
    state: PhantomData<S>,
}

impl WriteTx<Open> {
    pub(super) fn new(tx: Transaction<'static, Postgres>, actor: Actor, clock: Clock) -> Self {
        Self { tx, actor, clock, state: PhantomData }
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

    /// Writes the event, and the new version of the record that it changed.
    pub async fn record(mut self, event: Event) -> Result<WriteTx<Recorded>, Error> {
        let now = self.clock.now();
        audit::write(&mut self.tx, &self.actor, now, event).await?;
        Ok(WriteTx { tx: self.tx, actor: self.actor, clock: self.clock, state: PhantomData })
    }
}

impl WriteTx<Recorded> {
    /// Makes everything durable.
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.tx.commit().await?)
    }
}
