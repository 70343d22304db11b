//! `muster backup` and `muster restore`.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::bail;
use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::{Session, os_user, say};
use crate::backup::{Archive, DecryptionKey, Encryption, Manifest, ops};
use base::{
    clock::Clock,
    config::Config,
    db::{
        Db,
        connect::start_managed,
        local::{Managed, Use},
    },
};
use identity::{Actor, Pepper};

#[derive(Args, Debug)]
pub struct Backup {
    /// The file to write, or an existing folder to write one into
    target: PathBuf,
    /// Encrypt with the passphrase on the first line of this file
    #[arg(long, value_name = "FILE", conflicts_with = "recipient")]
    passphrase_file: Option<PathBuf>,
    /// Encrypt to the holder of an age key (age1…); may be given several times
    #[arg(long, value_name = "KEY")]
    recipient: Vec<String>,
    /// Where it lies and its digest, as JSON
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        if config.database_url.is_some() {
            bail!(
                "the database runs on a server of your own: back it up with pg_dump --format=custom, and the pepper file {} with it",
                config.pepper_file.display()
            );
        }
        if !config.data_dir.join("cluster.json").exists() {
            bail!("there is no register in {}: name its folder with --data-dir", config.data_dir.display());
        }
        let encryption = match &self.passphrase_file {
            Some(file) => Some(Encryption::from_passphrase_file(file)?),
            None if self.recipient.is_empty() => None,
            None => Some(Encryption::to_recipients(&self.recipient)?),
        };
        let session = Session::open(config).await?;
        let target = self.file(session.app.clock.now(), encryption.as_ref());
        let work = ops::back_up(&session.app, &session.actor, &session.database.app, &target, encryption.as_ref());
        let taken = interruptible(work).await;
        session.close().await;
        let taken = taken?;
        if self.json {
            let said = json!({
                "file": target, "bytes": taken.bytes, "sha256": taken.sha256, "rows": taken.rows,
                "taken_at": taken.manifest.taken_at, "position": taken.manifest.position,
            });
            say(&said.to_string());
            return Ok(ExitCode::SUCCESS);
        }
        say(&format!("{} ({} rows, {} bytes)", target.display(), taken.rows, taken.bytes));
        say(&format!("sha256 {}", taken.sha256));
        if encryption.is_none() {
            say("It is not encrypted, and holds the pepper: store it where only administrators can read it.");
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The file to write: as given, or named by the moment within the given folder.
    fn file(&self, now: DateTime<Utc>, encryption: Option<&Encryption>) -> PathBuf {
        if !self.target.is_dir() {
            return self.target.clone();
        }
        let ending = if encryption.is_some() { "zip.age" } else { "zip" };
        self.target.join(format!("muster-{}.{ending}", now.format("%Y%m%dT%H%M%SZ")))
    }
}

#[derive(Args, Debug)]
pub struct Restore {
    /// The backup
    source: PathBuf,
    /// Decrypt with the passphrase on the first line of this file
    #[arg(long, value_name = "FILE", conflicts_with = "identity_file")]
    passphrase_file: Option<PathBuf>,
    /// Decrypt with the age secret keys in this file
    #[arg(long, value_name = "FILE")]
    identity_file: Option<PathBuf>,
    /// Only check that the backup is complete and can be restored
    #[arg(long)]
    check: bool,
}

impl Restore {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        if config.database_url.is_some() && !self.check {
            bail!(
                "the database runs on a server of your own: restore it with pg_restore; without --database-url, muster restore fills a data directory"
            );
        }
        let key = match (&self.passphrase_file, &self.identity_file) {
            (Some(file), _) => Some(DecryptionKey::from_passphrase_file(file)?),
            (None, Some(file)) => Some(DecryptionKey::from_identity_file(file)?),
            (None, None) => None,
        };
        let mut archive = ops::check(&self.source, key.as_ref())?;
        let manifest = archive.manifest().clone();
        let rows: u64 = manifest.tables.iter().map(|table| table.rows).sum();
        let taken = manifest.taken_at.format("%Y-%m-%d %H:%M:%S UTC");
        if self.check {
            say(&format!("complete: {} as of {taken}, {rows} rows", manifest.organisation));
            return Ok(ExitCode::SUCCESS);
        }
        ops::check_pepper(&mut archive, &config.pepper_file)?;
        let managed = start_managed(config, Use::Restore).await?;
        if let Err(error) = interruptible(fill(config, &managed, &mut archive)).await {
            if let Err(left) = managed.abandon_restore() {
                tracing::warn!(reason = format!("{left:#}"), "what the failed restore made could not be removed");
            }
            return Err(error);
        }
        managed.stop(Instant::now() + Duration::from_secs(20));
        say(&format!(
            "restored {} as of {taken}, {rows} rows, into {}",
            manifest.organisation,
            config.data_dir.display()
        ));
        say(
            "Everyone has to sign in again. What was revoked or disabled since then is in effect again: check tokens and people.",
        );
        let settings = ops::configuration(&mut archive)?;
        let file = config.data_dir.join("restored.toml");
        if !settings.is_empty() && !file.exists() {
            base::files::create_private(&file, &settings)?;
            say(&format!("Its configuration is in {0}: start with --config {0}", file.display()));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Loads the register, puts the pepper in its place, and opens it once: what waited for its position gets one, and the
/// restore goes on record.
async fn fill(config: &Config, managed: &Managed, archive: &mut Archive) -> anyhow::Result<()> {
    ops::load(managed, archive).await?;
    let had_pepper = config.pepper_file.exists();
    ops::restore_pepper(archive, &config.pepper_file)?;
    let settled = settle(config, managed, archive.manifest()).await;
    if settled.is_err() && !had_pepper {
        // It belongs to a register that is not there.
        std::fs::remove_file(&config.pepper_file)?;
    }
    settled?;
    managed.finish_restore()
}

async fn settle(config: &Config, managed: &Managed, manifest: &Manifest) -> anyhow::Result<()> {
    let db = Db::new(&managed.app(), config.database_connections, Clock::system());
    let app = crate::house::app(db.clone(), Clock::system(), config.clone(), Pepper::load(&config.pepper_file)?);
    let actor = Actor::cli(os_user(), uuid::Uuid::now_v7().to_string());
    let settled = ops::settle(&app, &actor, manifest).await;
    db.close().await;
    Ok(settled?)
}

/// Gives up work when the process is told to stop, so that what it had begun is removed.
async fn interruptible<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        done = work => done,
        _ = terminate.recv() => bail!("stopped"),
        _ = interrupt.recv() => bail!("stopped"),
    }
}
