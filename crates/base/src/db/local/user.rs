//! Which account the server runs as: PostgreSQL refuses root.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};
use nix::unistd::{Gid, Uid, User};
use sha2::{Digest, Sha256};

/// The account, and whether it is another than ours.
#[derive(Debug, Clone)]
pub struct Account {
    pub uid: Uid,
    pub gid: Gid,
    pub other: bool,
}

impl Account {
    /// Ourselves; as root the user postgres, else a system user `muster` that is made for it.
    pub fn choose() -> anyhow::Result<Self> {
        let me = Uid::effective();
        if !me.is_root() {
            let Some(user) = User::from_uid(me)? else {
                bail!(
                    "the user id {me} has no entry in the passwd file, and PostgreSQL needs one: run as a user that has a name"
                );
            };
            return Ok(Self { uid: me, gid: user.gid, other: false });
        }
        for name in ["postgres", "muster"] {
            if let Some(user) = User::from_name(name)? {
                return Ok(Self { uid: user.uid, gid: user.gid, other: true });
            }
        }
        let made = Command::new("useradd")
            .args(["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", "muster"])
            .status();
        match (made, User::from_name("muster")?) {
            (Ok(status), Some(user)) if status.success() => {
                tracing::info!("made the system user 'muster': PostgreSQL does not run as root");
                Ok(Self { uid: user.uid, gid: user.gid, other: true })
            }
            _ => bail!(
                "PostgreSQL does not run as root, there is no user 'postgres', and 'useradd muster' failed: run Muster as an ordinary user"
            ),
        }
    }

    /// The folder for the cluster: the data directory, or one under /var/lib/muster where the
    /// account could not reach it (below a home with mode 0700, say).
    pub fn home_for(&self, data_dir: &Path) -> anyhow::Result<PathBuf> {
        if !self.other || self.reaches(data_dir) {
            return Ok(data_dir.to_owned());
        }
        let name = data_encoding::HEXLOWER.encode(&Sha256::digest(data_dir.as_os_str().as_encoded_bytes())[..8]);
        let root = Path::new("/var/lib/muster").join(name);
        make_passable(&root)?;
        tracing::info!(cluster = %root.display(), "the server's user cannot reach the data directory; the cluster lies here instead");
        Ok(root)
    }

    fn reaches(&self, dir: &Path) -> bool {
        dir.ancestors().all(|folder| {
            let Ok(meta) = fs::metadata(folder) else { return true };
            let bit = if meta.uid() == self.uid.as_raw() {
                0o100
            } else if meta.gid() == self.gid.as_raw() {
                0o010
            } else {
                0o001
            };
            meta.mode() & bit != 0
        })
    }

    /// Makes `dir` with mode 0700, owned by the account.
    pub fn own_private_dir(&self, dir: &Path) -> anyhow::Result<()> {
        if !dir.exists() {
            DirBuilder::new()
                .recursive(false)
                .mode(0o700)
                .create(dir)
                .with_context(|| format!("cannot make {}", dir.display()))?;
        }
        let meta = fs::symlink_metadata(dir)?;
        if meta.uid() != self.uid.as_raw() && meta.uid() != Uid::effective().as_raw() {
            bail!("{} belongs to somebody else", dir.display());
        }
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        if self.other {
            chown(dir, Some(self.uid.as_raw()), Some(self.gid.as_raw()))?;
        }
        Ok(())
    }
}

/// Makes a folder that others may pass through but not list.
pub fn make_passable(dir: &Path) -> anyhow::Result<()> {
    if !dir.exists() {
        DirBuilder::new().recursive(true).mode(0o711).create(dir)?;
    }
    Ok(())
}
