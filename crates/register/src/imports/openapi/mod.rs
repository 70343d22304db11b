//! Reads OpenAPI 2.0, 3.0, 3.1 and 3.2 documents, JSON or YAML, in one file or several, in bounded time and memory:
//! the text is walked, and what the register does not want is skipped.

mod bundle;
mod extract;
mod hosts;
mod node;
mod notes;
mod scan;
mod security;
mod yaml;

use std::io::Write;

use sha2::{Digest, Sha256};

use crate::catalog::ops::DocumentImport;
use base::{config::ImportLimits, error::Error, foreign::Deadline};
use node::{Documents, File};
use notes::Notes;

pub use bundle::Folder;

/// How deep objects and lists may nest.
pub const DEPTH: usize = 64;

/// The notation of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// RFC 8259.
    Json,
    /// YAML 1.2.
    Yaml,
}

/// Through which channel a document came; the sizes differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// The command line.
    Cli,
    /// A page or the API.
    Web,
}

/// Reads a document, or a zip file with one that is split over several files. `name` is what its file is called, where
/// it has a name. Refusals say what is wrong and where.
pub fn read(
    bytes: Vec<u8>,
    name: Option<&str>,
    channel: Channel,
    limits: &ImportLimits,
    deadline: &Deadline,
) -> Result<DocumentImport, Error> {
    if bundle::is_zip(&bytes) {
        let folder = Folder::of_zip(&bytes, channel, limits, deadline)?;
        let root = folder.only_root(deadline)?;
        return folder.read(&root, channel, limits, deadline);
    }
    let name = name.unwrap_or("document").to_owned();
    read_files(&[File::new(name, bytes)], 0, channel, limits, deadline)
}

/// Reads one of several files as the document; the others are what its references lead to.
fn read_files(
    files: &[File],
    root: usize,
    channel: Channel,
    limits: &ImportLimits,
    deadline: &Deadline,
) -> Result<DocumentImport, Error> {
    let file = &files[root];
    let notation = notation_of(&file.bytes);
    check_size(file.bytes.len(), notation, channel, limits)?;
    let documents = Documents::new(files, deadline);
    let text = file.json(deadline).map_err(|reason| {
        deadline.check().err().unwrap_or_else(|| refuse(format!("The {} cannot be read: {reason}.", notation.name())))
    })?;
    let mut notes = Notes::default();
    let meaning = scan::scan(text, &mut notes, deadline).map_err(|error| {
        let reason = || refuse(format!("The {} cannot be read: {error}.", notation.name()));
        deadline.check().err().unwrap_or_else(reason)
    })?;
    let mut import = extract::document(&documents, root, &mut notes)?;
    let used = documents.used();
    let (stored, media_type) = match used.as_slice() {
        [_] | [] => (file.bytes.clone(), notation.media_type()),
        several => (bundle::zipped(file, several)?, "application/zip"),
    };
    import.meaning = if used.len() > 1 { Sha256::digest(&stored).to_vec() } else { meaning };
    import.sha256 = Sha256::digest(&stored).to_vec();
    import.size = i64::try_from(stored.len()).map_err(Error::internal)?;
    import.media_type = media_type;
    import.compressed = compress(&stored)?;
    import.file = Some(file.path.clone()).filter(|path| path != "document");
    import.notes = notes.finish();
    Ok(import)
}

impl Notation {
    fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Yaml => "YAML",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Yaml => "application/yaml",
        }
    }
}

fn refuse(reason: String) -> Error {
    Error::field("/document", reason)
}

/// JSON begins with a brace; everything else is read as YAML.
fn notation_of(bytes: &[u8]) -> Notation {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match start.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'{' | b'[') => Notation::Json,
        _ => Notation::Yaml,
    }
}

fn check_size(size: usize, notation: Notation, channel: Channel, limits: &ImportLimits) -> Result<(), Error> {
    let limit = match (notation, channel) {
        (Notation::Json, Channel::Cli) => limits.json,
        (Notation::Json, Channel::Web) => limits.upload,
        (Notation::Yaml, Channel::Cli) => limits.yaml,
        (Notation::Yaml, Channel::Web) => limits.yaml.min(limits.upload),
    };
    if size as u64 > limit {
        return Err(Error::TooLarge(format!(
            "The document has {} MiB; {} may have {} MiB here. An operator can raise the limit, or import it on the command line.",
            (size as u64).div_ceil(1 << 20),
            notation.name(),
            limit >> 20
        )));
    }
    if size == 0 {
        return Err(refuse("The document is empty.".into()));
    }
    Ok(())
}

fn compress(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::with_capacity(bytes.len() / 8), flate2::Compression::new(4));
    gzip.write_all(bytes).map_err(Error::internal)?;
    gzip.finish().map_err(Error::internal)
}

#[cfg(test)]
mod tests;
