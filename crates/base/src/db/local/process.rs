//! The server as a process: made, started, awaited, stopped.

use std::{
    fs,
    io::{Read, Seek, SeekFrom},
    os::unix::{
        fs::{OpenOptionsExt, PermissionsExt},
        process::CommandExt,
    },
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{Cluster, user::Account};

/// How long a server may take to start or stop.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of the server's log after which a new one begins.
const LARGEST_LOG: u64 = 4 << 20;

/// Makes the cluster: UTF-8, locale C, data checksums, scram for everyone.
pub fn initdb(cluster: &Cluster, account: &Account) -> anyhow::Result<()> {
    account.own_private_dir(&cluster.dir)?;
    let password = cluster.dir.with_extension("password");
    crate::files::write_private(&password, cluster.superuser_password.as_bytes())?;
    if account.other {
        std::os::unix::fs::chown(&password, Some(account.uid.as_raw()), Some(account.gid.as_raw()))?;
    }
    let mut command = command(cluster, account, "initdb");
    command
        .arg("-D")
        .arg(&cluster.dir)
        .args(["--username=postgres", "--locale=C", "-E", "UTF8", "--data-checksums"])
        .args(["--auth-local=scram-sha-256", "--auth-host=scram-sha-256"])
        .arg(format!("--pwfile={}", password.display()));
    if cluster.throwaway {
        command.arg("--no-sync");
    }
    let output = command.output().context("cannot run initdb");
    fs::remove_file(&password)?;
    let output = output?;
    if !output.status.success() {
        bail!("initdb failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// Starts the server and waits until it accepts connections. An orphan of a killed Muster is
/// stopped first; its left-over lock file is waited for.
pub fn start(cluster: &Cluster, account: &Account) -> anyhow::Result<Child> {
    account.own_private_dir(&cluster.socket_dir)?;
    stop_orphan(cluster);
    let begin = Instant::now();
    loop {
        let said = log_size(cluster);
        let mut child = spawn(cluster, account)?;
        match wait_ready(cluster, &mut child, begin, said)? {
            Start::Ready => return Ok(child),
            Start::LockHeld if begin.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(200));
            }
            Start::LockHeld | Start::Failed => {
                let log = log_since(cluster, said);
                let lines: Vec<&str> = log.lines().rev().take(3).collect();
                let tail: Vec<&str> = lines.into_iter().rev().collect();
                bail!("PostgreSQL did not start: {}", tail.join(" / "));
            }
        }
    }
}

enum Start {
    Ready,
    LockHeld,
    Failed,
}

fn spawn(cluster: &Cluster, account: &Account) -> anyhow::Result<Child> {
    let log = open_log(cluster).context("the server's log file")?;
    let mut command = command(cluster, account, "postgres");
    command.arg("-D").arg(&cluster.dir).arg("-k").arg(&cluster.socket_dir);
    let mut settings = vec![
        "listen_addresses=",
        "port=5432",
        "unix_socket_permissions=0700",
        "max_connections=60",
        "password_encryption=scram-sha-256",
        "log_min_messages=warning",
        // Details and statements hold the contents of rows.
        "log_error_verbosity=terse",
        "log_min_error_statement=panic",
        "jit=off",
    ];
    if cluster.throwaway {
        settings.extend(["fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=200"]);
    }
    for setting in settings {
        command.arg("-c").arg(setting);
    }
    // A group of its own, so that Ctrl-C in a terminal reaches Muster alone, which then stops it.
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command.spawn().with_context(|| format!("cannot run {}/postgres", cluster.binaries.display()))
}

fn wait_ready(cluster: &Cluster, child: &mut Child, begin: Instant, said: u64) -> anyhow::Result<Start> {
    let pid = child.id().to_string();
    // A server that recovers from a crash takes as long as it takes.
    while begin.elapsed() < PATIENCE || recovering(cluster) {
        if child.try_wait()?.is_some() {
            let log = log_since(cluster, said);
            let held = log.contains("already exists") || log.contains("pre-existing shared memory");
            return Ok(if held { Start::LockHeld } else { Start::Failed });
        }
        // A stale file says 'ready' too: the first line has to be our child.
        let file = fs::read_to_string(cluster.dir.join("postmaster.pid")).unwrap_or_default();
        if file.lines().next() == Some(&pid) && file.lines().nth(7).is_some_and(|l| l.trim() == "ready") {
            return Ok(Start::Ready);
        }
        std::thread::sleep(Duration::from_millis(4));
    }
    // It is still there, but of no use.
    let _ = child.kill();
    child.wait()?;
    Ok(Start::Failed)
}

fn recovering(cluster: &Cluster) -> bool {
    let file = fs::read_to_string(cluster.dir.join("postmaster.pid")).unwrap_or_default();
    file.lines().nth(7).is_some_and(|line| line.trim() == "starting")
}

/// Fast shutdown, waited for.
pub fn stop(mut child: Child) {
    let Ok(pid) = i32::try_from(child.id()) else { return };
    if kill(Pid::from_raw(pid), Signal::SIGINT).is_err() {
        return;
    }
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    tracing::warn!("PostgreSQL did not stop in time; it recovers at the next start");
    // A killed server recovers from its log.
    let _ = child.kill();
    let _ = child.wait();
}

/// Stops a server that a killed Muster left behind. We hold the lock: nobody else uses it.
pub fn stop_orphan(cluster: &Cluster) {
    let file = fs::read_to_string(cluster.dir.join("postmaster.pid")).unwrap_or_default();
    let Some(pid) = file.lines().next().and_then(|line| line.parse::<i32>().ok()) else { return };
    let ours = || {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let dir = cluster.dir.as_os_str().as_encoded_bytes();
        command.split(|b| *b == 0).any(|arg| arg == dir)
    };
    if !ours() {
        return;
    }
    tracing::warn!(pid, "stopping the PostgreSQL that a killed Muster left behind");
    // If it is gone already, all the better.
    let _ = kill(Pid::from_raw(pid), Signal::SIGINT);
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE && ours() {
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn command(cluster: &Cluster, account: &Account, program: &str) -> Command {
    let mut command = Command::new(cluster.binaries.join(program));
    // The server's user may not be able to read our folder; and it gets nothing of our environment.
    command.current_dir("/").env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
    if account.other {
        command.uid(account.uid.as_raw()).gid(account.gid.as_raw());
    }
    command
}

/// Opens the server's log for appending; only we may read it. One that has grown is put aside first.
fn open_log(cluster: &Cluster) -> std::io::Result<fs::File> {
    let path = log_file(cluster);
    if log_size(cluster) > LARGEST_LOG {
        fs::rename(&path, path.with_extension("log.old"))?;
    }
    let file = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

fn log_size(cluster: &Cluster) -> u64 {
    fs::metadata(log_file(cluster)).map_or(0, |meta| meta.len())
}

/// What the server wrote since its log had this size; at most the last 64 KiB of it.
fn log_since(cluster: &Cluster, size: u64) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = fs::File::open(log_file(cluster))?;
        let end = file.metadata()?.len();
        // A log that was put aside begins again.
        let from = if size > end { 0 } else { size };
        file.seek(SeekFrom::Start(from.max(end.saturating_sub(64 << 10))))?;
        let mut bytes = Vec::new();
        file.take(64 << 10).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

fn log_file(cluster: &Cluster) -> std::path::PathBuf {
    cluster.dir.parent().unwrap_or(Path::new(".")).join("postgres.log")
}
