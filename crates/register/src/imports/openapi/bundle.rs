//! Documents that are split over several files: a folder or a zip file, bounded in number and size.

use std::io::{Cursor, Read, Write};

use super::{
    Channel,
    node::{Documents, File},
    read_files, refuse,
};
use crate::catalog::ops::DocumentImport;
use base::{config::ImportLimits, error::Error, foreign::Deadline};

/// Files of one folder at most.
const MOST_FILES: usize = 5000;

/// The files of a folder, among them one or more documents.
pub struct Folder {
    files: Vec<File>,
}

/// Whether these are the bytes of a zip file.
pub fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// Whether a file of this name may be a part of a document.
pub fn is_part(path: &str) -> bool {
    let extension = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    matches!(extension.as_str(), "json" | "yaml" | "yml")
}

fn too_many() -> Error {
    Error::TooLarge(format!("There are more than {MOST_FILES} files in it."))
}

impl Folder {
    /// Files by their paths from the folder, with slashes.
    pub fn of_files(files: Vec<(String, Vec<u8>)>) -> Result<Self, Error> {
        if files.len() > MOST_FILES {
            return Err(too_many());
        }
        Ok(Self { files: files.into_iter().map(|(path, bytes)| File::new(path, bytes)).collect() })
    }

    /// The files of a zip file. What is counted is what comes out of it, not what it says of itself.
    pub fn of_zip(bytes: &[u8], channel: Channel, limits: &ImportLimits, deadline: &Deadline) -> Result<Self, Error> {
        let broken = |error: &dyn std::fmt::Display| refuse(format!("The zip file cannot be read: {error}."));
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
        if archive.len() > MOST_FILES {
            return Err(too_many());
        }
        let most = if channel == Channel::Cli { limits.json } else { limits.upload };
        let (mut left, mut files) = (most, Vec::new());
        for n in 0..archive.len() {
            deadline.check()?;
            let entry = archive.by_index(n).map_err(|error| broken(&error))?;
            // Only names that stay within the folder.
            let Some(path) = entry.enclosed_name().and_then(|path| path.to_str().map(|path| path.replace('\\', "/")))
            else {
                continue;
            };
            if !entry.is_file() || !is_part(&path) {
                continue;
            }
            let mut bytes = Vec::new();
            let size = entry.take(left + 1).read_to_end(&mut bytes).map_err(|error| broken(&error))?;
            left = left
                .checked_sub(size as u64)
                .ok_or_else(|| Error::TooLarge(format!("The zip file unpacks to more than {} MiB.", most >> 20)))?;
            files.push(File::new(path, bytes));
        }
        Ok(Self { files })
    }

    /// The paths of the documents among the files: those that say `openapi` or `swagger` at the top.
    pub fn roots(&self, deadline: &Deadline) -> Vec<String> {
        let documents = Documents::new(&self.files, deadline);
        let is_root = |n: &usize| {
            let bytes = &self.files[*n].bytes;
            let says = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
            if !says(b"openapi") && !says(b"swagger") {
                return false;
            }
            let top = documents.root(*n).map(|root| documents.plain(root)).unwrap_or_default();
            top.get("openapi").is_some() || top.get("swagger").is_some()
        };
        (0..self.files.len()).filter(is_root).map(|n| self.files[n].path.clone()).collect()
    }

    /// The path of the only document among the files.
    pub fn only_root(&self, deadline: &Deadline) -> Result<String, Error> {
        let mut roots = self.roots(deadline);
        deadline.check()?;
        match roots.len() {
            0 => Err(refuse("There is no OpenAPI document in this zip file: none of its files says 'openapi' or 'swagger' at the top.".into())),
            1 => Ok(roots.remove(0)),
            n => {
                let names = roots[..n.min(8)].join(", ");
                Err(refuse(format!("There are {n} documents in this zip file ({names}). Import one at a time, or the unpacked folder on the command line.")))
            }
        }
    }

    /// Reads one of the documents.
    pub fn read(
        &self,
        root: &str,
        channel: Channel,
        limits: &ImportLimits,
        deadline: &Deadline,
    ) -> Result<DocumentImport, Error> {
        let place = self.files.iter().position(|file| file.path == root);
        let place = place.ok_or_else(|| Error::internal("a document that is not in its folder"))?;
        read_files(&self.files, place, channel, limits, deadline)
    }
}

/// The document with the files that it refers to, as one zip file: the same files give the same bytes.
pub fn zipped(root: &File, used: &[&File]) -> Result<Vec<u8>, Error> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default());
    let others = used.iter().filter(|file| file.path != root.path);
    for file in std::iter::once(&root).chain(others) {
        archive.start_file(file.path.as_str(), options).map_err(Error::internal)?;
        archive.write_all(&file.bytes).map_err(Error::internal)?;
    }
    Ok(archive.finish().map_err(Error::internal)?.into_inner())
}
