//! Backups: the database, the pepper and the configuration of a register in one file, taken while Muster runs, and
//! restored into an empty data directory.
//!
//! The file is a ZIP archive with one entry per table (PostgreSQL's `COPY` text format), and `manifest.json` with the
//! SHA-256 digest of every entry. Encrypted, it is an age file (<https://age-encryption.org/v1>) around that archive, so
//! both can be opened without Muster.

mod archive;
mod encryption;
mod manifest;
pub mod ops;
mod store;

pub use archive::Archive;
pub use encryption::{DecryptionKey, Encryption};
pub use manifest::Manifest;
