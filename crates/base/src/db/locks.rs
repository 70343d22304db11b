//! Advisory locks of PostgreSQL: the one list, so that no two uses share a number by mistake.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;

/// Locks of this program have this first key; a second program in the same database has another.
const CLASS: i32 = 7236;
/// The first keys of locks that there is one of for each kind of record, and for each vendor.
const CLASS_OF_SLUGS: i32 = 7237;
const CLASS_OF_VENDORS: i32 = 7238;

/// What takes turns across connections and processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock<'a> {
    /// Giving positions to events of the audit log.
    Positions,
    /// Making a first admin, and taking the last one's rights.
    Admins,
    /// Bringing rights to what groups of providers give.
    Regrouping,
    /// Importing a document.
    Imports,
    /// Bringing the schema up to date.
    Migrations,
    /// Filling in the data classes that come with Muster.
    DataClassSeed,
    /// Filling in the rules, questionnaires and risk model that come with Muster.
    PublicationSeed,
    /// Numbering slugs of one kind of record.
    Slugs(&'a str),
    /// Following up what changed at one vendor.
    Vendor(Uuid),
}

impl Lock<'_> {
    /// The two keys. Those of a text or an id are hashes: two that share one wait for each other, and nothing else.
    pub fn keys(self) -> (i32, i32) {
        match self {
            Self::Positions => (CLASS, 1),
            Self::Admins => (CLASS, 2),
            Self::Regrouping => (CLASS, 3),
            Self::Imports => (CLASS, 4),
            Self::Migrations => (CLASS, 5),
            Self::DataClassSeed => (CLASS, 7),
            Self::PublicationSeed => (CLASS, 8),
            Self::Slugs(kind) => (CLASS_OF_SLUGS, hash(kind.as_bytes())),
            Self::Vendor(id) => (CLASS_OF_VENDORS, hash(id.as_bytes())),
        }
    }

    /// Takes the lock until the end of the transaction; waits while another holds it, up to `lock_timeout`.
    pub async fn take(self, conn: &mut PgConnection) -> Result<(), Error> {
        let (class, key) = self.keys();
        sqlx::query!("select pg_advisory_xact_lock($1, $2)", class, key).execute(conn).await?;
        Ok(())
    }

    /// The same at a start, where another process may be filling in its own for longer than requests may wait: up to a
    /// minute.
    pub async fn take_patiently(self, conn: &mut PgConnection) -> Result<(), Error> {
        sqlx::query!("set local lock_timeout = '60s'").execute(&mut *conn).await?;
        sqlx::query!("set local statement_timeout = '60s'").execute(&mut *conn).await?;
        self.take(conn).await
    }
}

/// FNV-1a of 32 bits: the same in every version and on every machine.
fn hash(bytes: &[u8]) -> i32 {
    let hash = bytes.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    i32::from_ne_bytes(hash.to_ne_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_locks_share_their_keys() {
        use Lock::{Admins, DataClassSeed, Imports, Migrations, Positions, PublicationSeed, Regrouping, Slugs, Vendor};
        let all = [
            Positions,
            Admins,
            Regrouping,
            Imports,
            Migrations,
            DataClassSeed,
            PublicationSeed,
            Slugs("vendor"),
            Slugs("api"),
            Vendor(Uuid::nil()),
            Vendor(Uuid::max()),
        ];
        for (n, one) in all.iter().enumerate() {
            assert!(all[n + 1..].iter().all(|other| other.keys() != one.keys()), "{one:?}");
        }
        assert_eq!(hash(b"a"), i32::from_ne_bytes(0xe40c_292c_u32.to_ne_bytes()), "FNV-1a's own test vector");
    }
}
