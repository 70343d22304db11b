//! From configuration to a migrated database: the managed server, or the one at `DATABASE_URL`.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use super::{
    Db,
    local::{Managed, Use},
    migrate,
};
use crate::{clock::Clock, config::Config};

/// The oldest server that Muster works with.
const OLDEST: i32 = 150_000;

/// An open database, with the managed server behind it when there is one.
#[derive(Debug)]
pub struct Database {
    /// The pools.
    pub db: Db,
    /// The managed server, when this process runs or uses it.
    pub managed: Option<Managed>,
    /// How the application connects.
    pub app: PgConnectOptions,
}

impl Database {
    /// Connects, checks the server, migrates. `purpose` says whether this process may run beside
    /// another one on the same data directory.
    pub async fn open(config: &Config, purpose: Use) -> anyhow::Result<Self> {
        let (owner, app, managed) = if let Some(url) = &config.database_url {
            let app = PgConnectOptions::from_str(url).context("database-url")?;
            let owner = match &config.owner_database_url {
                Some(url) => PgConnectOptions::from_str(url).context("owner-database-url")?,
                None => app.clone(),
            };
            check_server(&app, config).await?;
            (owner, app, None)
        } else {
            let managed = start_managed(config, purpose).await?;
            (managed.owner(), managed.app(), Some(managed))
        };
        let external = managed.is_none();
        let applied = migrate::run(&owner, app.get_username()).await?;
        if applied > 0 {
            tracing::info!(migrations = applied, "schema brought up to date");
        }
        if external && !migrate::record_is_guarded(&app).await.unwrap_or(false) {
            tracing::warn!(
                "the database role could rewrite the audit record; give the owner's URL as MUSTER_OWNER_DATABASE_URL and an application role as DATABASE_URL"
            );
        }
        let db = Db::new(&app, config.database_connections, Clock::system());
        Ok(Self { db, managed, app })
    }

    /// Starts the managed server again whenever it ends by itself; see [`Managed::supervise`].
    pub fn supervise(&mut self) -> anyhow::Result<Option<tokio::sync::oneshot::Receiver<String>>> {
        self.managed.as_mut().map_or(Ok(None), Managed::supervise)
    }

    /// Closes the pools, and the managed server where this process runs it.
    pub async fn close(self) {
        self.close_by(Instant::now() + Duration::from_secs(20)).await;
    }

    /// As `close`; connections and processes that still use the database are waited for until `deadline`.
    pub async fn close_by(self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_secs(1));
        if tokio::time::timeout(left, self.db.close()).await.is_err() {
            tracing::warn!("database connections were still in use; their transactions are rolled back");
        }
        if let Some(managed) = self.managed {
            // The server's own shutdown is waited for; nothing is left to do when that fails.
            let _ = tokio::task::spawn_blocking(move || managed.stop(deadline)).await;
        }
    }
}

/// Starts the managed server, with its roles and its database.
pub async fn start_managed(config: &Config, purpose: Use) -> anyhow::Result<Managed> {
    let config = config.clone();
    let managed = tokio::task::spawn_blocking(move || Managed::start(&config, purpose))
        .await
        .context("starting the managed PostgreSQL")??;
    managed.prepare().await?;
    Ok(managed)
}

/// Refuses a server that is too old, unreachable for 30 s, or may lose answered writes.
async fn check_server(options: &PgConnectOptions, config: &Config) -> anyhow::Result<()> {
    let mut conn = connect_patiently(options).await?;
    let version: i32 =
        sqlx::query_scalar("select current_setting('server_version_num')::int").fetch_one(&mut conn).await?;
    if version < OLDEST {
        bail!("the server is PostgreSQL {}; Muster needs 15 or newer", version / 10_000);
    }
    let off: Vec<String> = sqlx::query_scalar(
        "select name from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off'",
    )
    .fetch_all(&mut conn)
    .await?;
    conn.close().await?;
    if !off.is_empty() && !config.accept_losing_answered_writes {
        bail!(
            "the server may lose writes that Muster has answered ({} off): switch it on, or start with --accept-losing-answered-writes",
            off.join(", ")
        );
    }
    Ok(())
}

/// Connects; a server that is just starting or away is waited for, 30 s at most.
pub(super) async fn connect_patiently(options: &PgConnectOptions) -> anyhow::Result<PgConnection> {
    let start = tokio::time::Instant::now();
    let mut wait = Duration::from_millis(250);
    loop {
        let error = match PgConnection::connect_with(options).await {
            Ok(conn) => return Ok(conn),
            Err(error) => error,
        };
        let temporary = match &error {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
            sqlx::Error::Database(db) => matches!(db.code().as_deref(), Some("57P03" | "53300")),
            _ => false,
        };
        let place = format!("{}:{}", options.get_host(), options.get_port());
        if !temporary || start.elapsed() + wait > Duration::from_secs(30) {
            bail!("cannot connect to the database at {place}: {error}");
        }
        tracing::warn!(%error, "database at {place} does not answer; trying again");
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(4));
    }
}
