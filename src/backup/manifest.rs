//! What a backup says of itself.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The version of the archive's layout. Readers refuse others.
pub const FORMAT: u32 = 1;

/// What a backup contains, and the digest of each entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the archive's layout.
    pub format: u32,
    /// The version of the Muster that made it.
    pub muster: String,
    /// The moment whose state it holds.
    pub taken_at: DateTime<Utc>,
    /// The version of the database schema.
    pub schema: i64,
    /// The organisation.
    pub organisation: String,
    /// The last position of the audit log.
    pub position: i64,
    /// The tables, one entry each.
    pub tables: Vec<Table>,
    /// The counters of identity columns.
    pub counters: Vec<Counter>,
    /// The files of evidence, which PostgreSQL stores as large objects.
    pub objects: Vec<Object>,
    /// The pepper and the configuration.
    pub files: Vec<Entry>,
}

/// An entry of the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name in the archive.
    pub name: String,
    /// Its size before compression.
    pub bytes: u64,
    /// SHA-256 of its content in hexadecimal.
    pub sha256: String,
}

/// The rows of a table in `COPY` text format.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub table: String,
    /// The columns in their order; generated ones are left out.
    pub columns: Vec<String>,
    /// How many rows.
    pub rows: u64,
    /// The entry with the rows.
    #[serde(flatten)]
    pub entry: Entry,
}

/// A large object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Object {
    /// Its number, by which tables refer to it.
    pub oid: u32,
    /// The entry with its bytes.
    #[serde(flatten)]
    pub entry: Entry,
}

/// Where an identity column's counter stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Counter {
    /// The table.
    pub table: String,
    /// The identity column.
    pub column: String,
    /// The last number that it gave.
    pub last: i64,
}
