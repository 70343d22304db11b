//! Who runs the server in a data directory, and who uses it beside.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use super::Use;

/// The locks of this process: `muster.lock` is held by whoever runs the server, `use.lock` is
/// shared by everyone who uses it.
#[derive(Debug)]
pub struct Locks {
    run: Option<File>,
    using: File,
    purpose: Use,
}

impl Locks {
    /// Takes the locks, or says in one line who has them.
    pub fn take(data_dir: &Path, purpose: Use) -> anyhow::Result<Self> {
        let using = open(&data_dir.join("use.lock"))?;
        let mut run = open(&data_dir.join("muster.lock"))?;
        match run.try_lock() {
            Ok(()) => {
                run.set_len(0)?;
                run.rewind()?;
                let command: Vec<String> = std::env::args().take(2).collect();
                let name = command.get(1).filter(|arg| !arg.starts_with('-')).map_or("serve", |a| a);
                write!(run, "{} (muster {name})", std::process::id())?;
                Ok(Self { run: Some(run), using, purpose })
            }
            Err(TryLockError::WouldBlock) if purpose == Use::Beside => {
                using.lock_shared().context("use.lock")?;
                // Whoever ran the server may have stopped while we waited: then it is ours to run.
                if run.try_lock().is_ok() {
                    using.unlock().context("use.lock")?;
                    drop(run);
                    return Self::take(data_dir, purpose);
                }
                Ok(Self { run: None, using, purpose })
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                run.read_to_string(&mut holder)?;
                bail!("another Muster uses {}: process {holder}", data_dir.display())
            }
            Err(TryLockError::Error(error)) => bail!("cannot lock {}: {error}", data_dir.display()),
        }
    }

    /// Whether no process runs the server of a data directory.
    pub fn is_free(data_dir: &Path) -> anyhow::Result<bool> {
        let run = open(&data_dir.join("muster.lock"))?;
        // The lock goes with the file at once.
        Ok(run.try_lock().is_ok())
    }

    /// Whether this process is the one that runs the server.
    pub fn runs_server(&self) -> bool {
        self.run.is_some()
    }

    /// Waits until no other process uses the server: `serve`, which was told to stop, until `deadline`; a
    /// command until the other command is done.
    pub fn wait_for_others(&self, deadline: Instant) {
        while self.purpose == Use::Beside || Instant::now() < deadline {
            if !matches!(self.using.try_lock(), Err(TryLockError::WouldBlock)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn open(path: &Path) -> anyhow::Result<File> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))
}
