//! The database: one pool that may write, one that can only read, and `WriteTx`, the only way to
//! change the register.

pub mod connect;
pub mod local;
mod locks;
pub mod migrate;
pub mod references;
mod tx;
mod zone;

use std::{sync::Arc, time::Duration};

use sqlx::{
    PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::Notify;

pub use locks::Lock;
pub use tx::{Open, Recorded, WriteTx};
pub use zone::time_zone;

use crate::{actor::Actor, clock::Clock, error::Error};

/// A connection that was idle for so long is asked whether it still works before it is used.
const IDLE: Duration = Duration::from_millis(500);

/// The two pools.
#[derive(Clone, Debug)]
pub struct Db {
    read: PgPool,
    write: PgPool,
    clock: Clock,
    written: Arc<Notify>,
    writers: u32,
}

impl Db {
    /// Pools of at most `connections` together, made lazily; sessions carry the time limits.
    pub fn new(options: &PgConnectOptions, connections: u32, clock: Clock) -> Self {
        let base = options.clone().application_name("muster").statement_cache_capacity(300).options([
            ("statement_timeout", "15s"),
            ("lock_timeout", "5s"),
            // What `<%` takes for alike, in searches that forgive typing errors.
            ("pg_trgm.word_similarity_threshold", "0.2"),
            ("idle_in_transaction_session_timeout", "30s"),
        ]);
        let pool = |size: u32| {
            PgPoolOptions::new()
                .max_connections(size.max(1))
                .acquire_timeout(Duration::from_secs(2))
                .test_before_acquire(false)
                // A server that was started again has closed what was idle here.
                .before_acquire(|connection, meta| {
                    Box::pin(
                        async move { Ok(meta.idle_for < IDLE || sqlx::Connection::ping(connection).await.is_ok()) },
                    )
                })
        };
        let read = base.clone().options([("default_transaction_read_only", "on")]);
        // What is written goes by keys, and one plan fits all of them: planning a large statement for each record
        // anew would take longer than running it. Lists are read, and their filters want a plan of their own.
        let base = base.options([("plan_cache_mode", "force_generic_plan")]);
        let half = connections / 2;
        Self {
            read: pool(connections - half).connect_lazy_with(read),
            write: pool(half).connect_lazy_with(base),
            clock,
            written: Arc::default(),
            writers: half.max(1),
        }
    }

    /// The same pools with another clock.
    #[must_use]
    pub fn at(&self, clock: Clock) -> Self {
        Self { clock, ..self.clone() }
    }

    /// A connection that cannot write.
    pub async fn read(&self) -> Result<PoolConnection<Postgres>, Error> {
        Ok(self.read.acquire().await?)
    }

    /// A transaction that changes the register on somebody's behalf.
    pub async fn write(&self, actor: &Actor) -> Result<WriteTx<Open>, Error> {
        Ok(WriteTx::new(self.write.begin().await?, actor.clone(), self.clock.clone(), self.written.clone()))
    }

    /// A connection for what is not the register: sessions, token use, idempotency keys, audit
    /// positions, uploads that wait for their preview.
    pub async fn housekeeping(&self) -> Result<PoolConnection<Postgres>, Error> {
        Ok(self.write.acquire().await?)
    }

    /// Connections that may write, at most.
    pub fn writers(&self) -> usize {
        usize::try_from(self.writers).unwrap_or(1)
    }

    /// Waits until this process has changed the register again: what follows from it need not wait for the
    /// next look. What another process changes is found at that look.
    pub async fn written(&self) {
        self.written.notified().await;
    }

    /// Closes both pools once their connections are back.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}
