//! The managed local PostgreSQL: one private cluster in the data directory, reached through a
//! unix socket by two roles with random passwords, started and stopped with Muster.

mod binaries;
mod lock;
mod package;
mod process;
mod supervise;
mod user;

use std::{
    fs,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Connection, postgres::PgConnectOptions};

pub use binaries::{Binaries, candidates};
use lock::Locks;
use supervise::Server;
use tokio::sync::oneshot;

use super::connect::connect_patiently;
use crate::config::Config;

/// Whether a process insists on running the server itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// `serve`: nobody else may.
    Exclusive,
    /// A command: works beside a running server, else brings it up and down itself.
    Beside,
    /// `restore`: makes a cluster where there is none. It is of no use until [`Managed::finish_restore`].
    Restore,
}

/// What is known of the cluster, kept in `cluster.json` (mode 0600, as it holds the passwords).
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Cluster {
    dir: PathBuf,
    socket_dir: PathBuf,
    binaries: PathBuf,
    major: u32,
    superuser_password: String,
    owner_password: String,
    app_password: String,
    prepared: bool,
    /// A restore has not loaded everything yet.
    #[serde(default)]
    restoring: bool,
    #[serde(skip)]
    throwaway: bool,
}

/// The managed server, run by this process or by another one.
#[derive(Debug)]
pub struct Managed {
    data_dir: PathBuf,
    cluster: Cluster,
    server: Option<Arc<Server>>,
    watcher: Option<JoinHandle<()>>,
    account: Option<user::Account>,
    locks: Locks,
}

/// How long the start of another Muster is waited for.
const LONGEST_START: Duration = Duration::from_mins(5);

const DATABASE: &str = "muster";
const OWNER: &str = "muster_owner";
const APP: &str = "muster_app";

impl Managed {
    /// Starts the server, or finds the running one. Blocking; run it on a thread that may wait.
    pub fn start(config: &Config, purpose: Use) -> anyhow::Result<Self> {
        let data_dir = config.data_dir.clone();
        user::make_passable(&data_dir).with_context(|| format!("the data directory {}", data_dir.display()))?;
        let file = data_dir.join("cluster.json");
        refuse_unfinished(&data_dir, purpose)?;
        let locks = loop {
            let locks = Locks::take(&data_dir, purpose)?;
            if locks.runs_server() {
                break locks;
            }
            if let Some(cluster) = wait_prepared(&file, &data_dir)? {
                refuse_unfinished(&data_dir, purpose)?;
                return Ok(Self { data_dir, cluster, server: None, watcher: None, account: None, locks });
            }
        };
        refuse_unfinished(&data_dir, purpose)?;
        let account = user::Account::choose()?;
        if purpose == Use::Restore {
            begin_restore(&data_dir, &account)?;
        }
        let cluster = match read(&file)? {
            Some(cluster) => binaries::for_existing(config, cluster)?,
            None => Cluster { restoring: purpose == Use::Restore, ..create(config, &data_dir, &account)? },
        };
        write(&file, &cluster)?;
        remove_file(&starting(&cluster.dir))?;
        let child = process::start(&cluster, &account)?;
        let server = Some(Server::new(child));
        Ok(Self { data_dir, cluster, server, watcher: None, account: Some(account), locks })
    }

    /// Makes the roles and the database on the first start.
    pub async fn prepare(&self) -> anyhow::Result<()> {
        if self.cluster.prepared {
            return Ok(());
        }
        let options = self.options("postgres", &self.cluster.superuser_password, "postgres");
        let mut conn = connect_patiently(&options).await.context("the new cluster")?;
        let exists = "select exists (select from pg_roles where rolname = $1)";
        for (role, password) in [(OWNER, &self.cluster.owner_password), (APP, &self.cluster.app_password)] {
            if !sqlx::query_scalar::<_, bool>(exists).bind(role).fetch_one(&mut conn).await? {
                // Both strings are ours: a constant name and a hexadecimal password.
                let sql = format!("create role {role} login password '{password}'");
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await?;
            }
        }
        let exists = "select exists (select from pg_database where datname = $1)";
        if !sqlx::query_scalar::<_, bool>(exists).bind(DATABASE).fetch_one(&mut conn).await? {
            let sql = format!("create database {DATABASE} owner {OWNER}");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await?;
            let sql =
                format!("revoke all on database {DATABASE} from public; grant connect on database {DATABASE} to {APP}");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await?;
        }
        conn.close().await?;
        let done = Cluster { prepared: true, ..self.cluster.clone() };
        write(&self.data_dir.join("cluster.json"), &done)
    }

    /// How the owner of the schema connects.
    pub fn owner(&self) -> PgConnectOptions {
        self.options(OWNER, &self.cluster.owner_password, DATABASE)
    }

    /// How the application connects.
    pub fn app(&self) -> PgConnectOptions {
        self.options(APP, &self.cluster.app_password, DATABASE)
    }

    /// How the superuser connects: tests make their databases as it.
    pub fn superuser(&self) -> PgConnectOptions {
        self.options("postgres", &self.cluster.superuser_password, "postgres")
    }

    /// How the superuser connects to the register: a restore loads it as it was, without triggers.
    pub fn superuser_of_register(&self) -> PgConnectOptions {
        self.options("postgres", &self.cluster.superuser_password, DATABASE)
    }

    /// From here on the restored register can be used.
    pub fn finish_restore(&self) -> anyhow::Result<()> {
        let done = Cluster { prepared: true, restoring: false, ..self.cluster.clone() };
        write(&self.data_dir.join("cluster.json"), &done)
    }

    /// Stops the server and removes the cluster of a failed restore. The locks are given back after that.
    pub fn abandon_restore(mut self) -> anyhow::Result<()> {
        if let Some(server) = self.server.take() {
            server.stop(self.watcher.take());
        }
        // In this order: a folder without the file is an interrupted start, and no register.
        remove_file(&self.data_dir.join("cluster.json"))?;
        fs::write(starting(&self.cluster.dir), b"")?;
        fs::remove_dir_all(&self.cluster.dir)
            .with_context(|| format!("cannot remove {}", self.cluster.dir.display()))?;
        remove_file(&starting(&self.cluster.dir))
    }

    /// The server's major version and where its programs lie.
    pub fn binaries(&self) -> (u32, &Path) {
        (self.cluster.major, &self.cluster.binaries)
    }

    /// The process id of the server, where this process runs it.
    pub fn server_pid(&self) -> Option<u32> {
        self.server.as_ref().and_then(|server| server.pid())
    }

    /// Starts the server again whenever it ends by itself. The receiver hears of it when that fails repeatedly;
    /// `None` where another process runs the server.
    pub fn supervise(&mut self) -> anyhow::Result<Option<oneshot::Receiver<String>>> {
        let (Some(server), Some(account)) = (&self.server, &self.account) else { return Ok(None) };
        let (watcher, given_up) = supervise::watch(server, self.cluster.clone(), account.clone())?;
        self.watcher = Some(watcher);
        Ok(Some(given_up))
    }

    /// Stops the server where this process runs it, once no other process uses it; `serve` waits for others until
    /// `deadline`.
    pub fn stop(mut self, deadline: Instant) {
        if let Some(server) = self.server.take() {
            self.locks.wait_for_others(deadline);
            server.stop(self.watcher.take());
        }
    }

    /// Leaves the server running when this value goes; a test's watchdog stops it.
    pub fn leave_running(mut self) {
        if let Some(server) = self.server.take() {
            server.release();
        }
    }

    fn options(&self, role: &str, password: &str, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.cluster.socket_dir)
            .port(5432)
            .username(role)
            .password(password)
            .database(database)
    }
}

/// Whatever goes wrong after the start, no server is left behind.
impl Drop for Managed {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop(self.watcher.take());
        }
    }
}

/// Half a register is none: only another restore may use what an interrupted one left.
fn refuse_unfinished(data_dir: &Path, purpose: Use) -> anyhow::Result<()> {
    let restoring = read(&data_dir.join("cluster.json"))?.is_some_and(|cluster| cluster.restoring);
    if purpose != Use::Restore && restoring {
        bail!(
            "a restore into {} is running or was interrupted: wait for it, or run muster restore again",
            data_dir.display()
        );
    }
    Ok(())
}

/// Makes sure that there is no register. What an interrupted restore into this very folder left is removed.
fn begin_restore(data_dir: &Path, account: &user::Account) -> anyhow::Result<()> {
    let file = data_dir.join("cluster.json");
    let Some(left) = read(&file)? else { return Ok(()) };
    if !left.restoring || left.dir != account.home_for(data_dir)?.join("postgres") {
        bail!("{} holds a register already: restore into another folder with --data-dir", data_dir.display());
    }
    process::stop_orphan(&left);
    fs::write(starting(&left.dir), b"")?;
    fs::remove_file(&file)?;
    match fs::remove_dir_all(&left.dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", left.dir.display()))
        }
        _ => Ok(()),
    }
}

/// A file beside the cluster that is there while the cluster is being made.
fn starting(dir: &Path) -> PathBuf {
    dir.with_extension("starting")
}

fn remove_file(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn create(config: &Config, data_dir: &Path, account: &user::Account) -> anyhow::Result<Cluster> {
    let root = account.home_for(data_dir)?;
    let binaries = binaries::choose(config, &root)?;
    let dir = root.join("postgres");
    if dir.exists() {
        // The cluster may lie apart from the data directory, and outlive it.
        if !starting(&dir).exists() && root != data_dir {
            bail!(
                "{} belongs to a register whose data directory was moved away: move it back, or move {0} away",
                dir.display()
            );
        }
        // Without cluster.json nothing was ever answered from here: an interrupted first start.
        let moved = root
            .join(format!("postgres.interrupted.{}", data_encoding::HEXLOWER.encode(&crate::clock::random::<6>()?)));
        fs::rename(&dir, &moved)?;
        tracing::warn!(moved_to = %moved.display(), "an interrupted first start was moved aside");
    }
    let cluster = Cluster {
        socket_dir: socket_dir(&root)?,
        dir,
        binaries: binaries.dir,
        major: binaries.major,
        superuser_password: password()?,
        owner_password: password()?,
        app_password: password()?,
        prepared: false,
        restoring: false,
        throwaway: config.throwaway,
    };
    fs::write(starting(&cluster.dir), b"")?;
    process::initdb(&cluster, account)?;
    Ok(cluster)
}

/// The cluster of the Muster that runs the server, once its first start is through and the server accepts
/// connections: for as long as that process lives, since a first start takes its time on a busy machine. `None`
/// where it has ended in the meantime.
fn wait_prepared(file: &Path, data_dir: &Path) -> anyhow::Result<Option<Cluster>> {
    let begin = Instant::now();
    loop {
        if let Ok(Some(cluster)) = read(file)
            && cluster.prepared
            && UnixStream::connect(cluster.socket_dir.join(".s.PGSQL.5432")).is_ok()
        {
            return Ok(Some(cluster));
        }
        if Locks::is_free(data_dir)? {
            return Ok(None);
        }
        if begin.elapsed() > LONGEST_START {
            bail!("another Muster has been starting for {} minutes; try again", LONGEST_START.as_secs() / 60);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A folder whose socket path stays within the 107 bytes that the kernel takes.
fn socket_dir(root: &Path) -> anyhow::Result<PathBuf> {
    let near = root.join("socket");
    if near.as_os_str().len() + "/.s.PGSQL.5432".len() <= 100 {
        return Ok(near);
    }
    let name = crate::clock::random::<8>()?;
    Ok(std::env::temp_dir().join(format!("muster-{}", data_encoding::HEXLOWER.encode(&name))))
}

fn password() -> anyhow::Result<String> {
    Ok(data_encoding::HEXLOWER.encode(&crate::clock::random::<32>()?))
}

fn read(file: &Path) -> anyhow::Result<Option<Cluster>> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).with_context(|| format!("{}", file.display()))?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => bail!("cannot read {}: {error}", file.display()),
    }
}

fn write(file: &Path, cluster: &Cluster) -> anyhow::Result<()> {
    crate::files::write_private(file, &serde_json::to_vec_pretty(cluster)?)
}
