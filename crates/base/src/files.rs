//! Files that only their owner may read.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;

/// Writes a file with mode 0600, whole or not at all, in place of what is there.
pub fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || -> io::Result<()> {
        let new = write_beside(path, bytes)?;
        fs::rename(&new, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a file with mode 0600 unless there is one: of two processes at once, one's file stays
/// and both find it.
pub fn create_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let create = || -> io::Result<()> {
        let new = write_beside(path, bytes)?;
        let linked = fs::hard_link(&new, path);
        fs::remove_file(&new)?;
        match linked {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    };
    create().with_context(|| format!("cannot write {}", path.display()))
}

/// Writes the bytes to a file of this process's own beside `path`.
fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let new = path.with_extension(format!("new.{}", std::process::id()));
    // A left-over of a process that had the same id may be in the way.
    let _ = fs::remove_file(&new);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(new)
}
