//! Reads OpenAPI 2.0, 3.0 and 3.1 documents, JSON or YAML, in bounded time and memory: typed
//! visitors keep what the register wants and skip the rest.

mod extract;
mod lenient;
mod raw;
mod scan;

use std::io::Write;

use serde::de::DeserializeSeed;
use sha2::{Digest, Sha256};

use crate::{catalog::ops::DocumentImport, config::ImportLimits, error::Error};

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

/// Through which door a document came; the sizes differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The command line.
    Cli,
    /// A page or the API.
    Web,
}

/// Reads a document: checks size, encoding, nesting, duplicate keys and references, then extracts.
/// Refusals say what is wrong and where.
pub fn read(bytes: &[u8], door: Door, limits: &ImportLimits) -> Result<DocumentImport, Error> {
    let notation = notation_of(bytes);
    check_size(bytes.len(), notation, door, limits)?;
    let text = std::str::from_utf8(bytes).map_err(|error| {
        refuse(format!("The document is not valid UTF-8: the first wrong byte is number {}.", error.valid_up_to() + 1))
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let raw = match notation {
        Notation::Json => read_json(text)?,
        Notation::Yaml => read_yaml(text)?,
    };
    let mut import = extract::document(&raw)?;
    import.sha256 = Sha256::digest(bytes).to_vec();
    import.size = i64::try_from(bytes.len()).map_err(Error::internal)?;
    import.media_type = match notation {
        Notation::Json => "application/json",
        Notation::Yaml => "application/yaml",
    };
    import.compressed = compress(bytes)?;
    Ok(import)
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

fn check_size(size: usize, notation: Notation, door: Door, limits: &ImportLimits) -> Result<(), Error> {
    let (word, limit) = match (notation, door) {
        (Notation::Json, Door::Cli) => ("JSON", limits.json),
        (Notation::Json, Door::Web) => ("JSON", limits.upload),
        (Notation::Yaml, Door::Cli) => ("YAML", limits.yaml),
        (Notation::Yaml, Door::Web) => ("YAML", limits.yaml.min(limits.upload)),
    };
    if size as u64 > limit {
        return Err(Error::TooLarge(format!(
            "The document has {} MiB; {word} may have {} MiB here. An operator can raise the limit, or import it on the command line.",
            (size as u64).div_ceil(1 << 20),
            limit >> 20
        )));
    }
    if size == 0 {
        return Err(refuse("The document is empty.".into()));
    }
    Ok(())
}

fn read_json(text: &str) -> Result<raw::Document, Error> {
    let fault = |error: serde_json::Error| refuse(format!("The JSON cannot be read: {error}."));
    let mut scan = serde_json::Deserializer::from_str(text);
    scan::Scan::default().deserialize(&mut scan).map_err(fault)?;
    scan.end().map_err(fault)?;
    serde_json::from_str(text).map_err(fault)
}

fn read_yaml(text: &str) -> Result<raw::Document, Error> {
    let fault = |error: serde_saphyr::Error| {
        let reason = crate::text::clip(&error.to_string().replace('\n', " "), 300).to_owned();
        refuse(format!("The YAML cannot be read: {reason}."))
    };
    serde_saphyr::with_deserializer_from_str_with_options(text, yaml_options(text.len()), |de| {
        scan::Scan::default().deserialize(de)
    })
    .map_err(fault)?;
    serde_saphyr::from_str_with_options(text, yaml_options(text.len())).map_err(fault)
}

/// Budgets in proportion to the text: aliases can repeat little, nothing can explode.
fn yaml_options(size: usize) -> serde_saphyr::Options {
    let nodes = size + 1000;
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH + 8,
            max_nodes: nodes,
            max_events: nodes * 2,
            max_aliases: 10_000,
            max_anchors: 10_000,
            max_documents: 1,
            max_total_scalar_bytes: size * 2 + 1000,
            max_total_comment_bytes: size + 1000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: nodes,
            max_replay_stack_depth: 16,
        },
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::Error,
        strict_booleans: true,
        no_schema: false,
        with_snippet: false,
    }
}

fn compress(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::with_capacity(bytes.len() / 8), flate2::Compression::new(4));
    gzip.write_all(bytes).map_err(Error::internal)?;
    gzip.finish().map_err(Error::internal)
}

#[cfg(test)]
mod tests;
