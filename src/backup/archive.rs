//! The file of a backup: a ZIP archive, encrypted on request, with a manifest of digests at its end.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use age::stream::StreamWriter as AgeWriter;
use anyhow::{Context, bail};
use data_encoding::HEXLOWER;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions, write::StreamWriter};

use super::{
    DecryptionKey, Encryption,
    manifest::{Entry, FORMAT, Manifest},
};

const MANIFEST: &str = "manifest.json";
/// Name of the entry that holds the pepper.
pub const PEPPER: &str = "pepper";
/// Name of the entry that holds the configuration.
pub const CONFIGURATION: &str = "configuration.toml";
/// Bytes of the pepper and of the configuration, at most.
const LARGEST_SMALL_ENTRY: u64 = 4 << 20;
/// Bytes of the manifest, at most: some two million files of evidence.
const LARGEST_MANIFEST: u64 = 256 << 20;
const MAGIC: &[u8] = b"age-encryption.org/";

/// A finished file.
#[derive(Clone, Debug)]
pub struct Finished {
    /// SHA-256 of the whole file in hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

type Zip = ZipWriter<StreamWriter<Sink>>;

/// Writes a backup beside its final name, and moves it there once all of it is on disk.
pub struct Writer {
    zip: Option<Zip>,
    target: PathBuf,
    partial: PathBuf,
    entry: Option<(String, Sha256, u64)>,
}

impl Writer {
    /// Begins the file with mode 0600. Refuses to replace an existing one.
    pub fn create(target: &Path, encryption: Option<&Encryption>) -> anyhow::Result<Self> {
        if target.exists() {
            bail!("{} exists already; choose another name", target.display());
        }
        if target.as_os_str().as_encoded_bytes().ends_with(b"/") {
            bail!("there is no folder {}", target.display());
        }
        let encryptor = encryption.map(Encryption::encryptor).transpose()?;
        let name = target.file_name().context("the backup needs a file name")?.to_string_lossy();
        let mark = HEXLOWER.encode(&base::clock::random::<6>()?);
        let partial = target.with_file_name(format!(".{name}.{mark}.partial"));
        let file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&partial)
            .with_context(|| format!("cannot write to {}", target.parent().unwrap_or(Path::new(".")).display()))?;
        let file = Hashed { file: BufWriter::with_capacity(1 << 18, file), digest: Sha256::new(), bytes: 0 };
        // From here on what fails removes the file.
        let mut writer = Self { zip: None, target: target.to_owned(), partial, entry: None };
        let sink = match encryptor {
            None => Sink::Plain(file),
            Some(encryptor) => Sink::Encrypted(Box::new(encryptor.wrap_output(file)?)),
        };
        writer.zip = Some(ZipWriter::new_stream(sink));
        Ok(writer)
    }

    /// Begins an entry.
    pub fn begin(&mut self, name: &str) -> anyhow::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(4))
            .large_file(true)
            .unix_permissions(0o600);
        self.zip()?.start_file(name, options)?;
        self.entry = Some((name.to_owned(), Sha256::new(), 0));
        Ok(())
    }

    /// Appends to the entry.
    pub fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.zip()?.write_all(bytes)?;
        if let Some((_, digest, size)) = &mut self.entry {
            digest.update(bytes);
            *size += bytes.len() as u64;
        }
        Ok(())
    }

    /// Ends the entry; its size and digest.
    pub fn end(&mut self) -> anyhow::Result<Entry> {
        let (name, digest, bytes) = self.entry.take().context("no entry was begun")?;
        Ok(Entry { name, bytes, sha256: HEXLOWER.encode(&digest.finalize()) })
    }

    /// Writes a whole entry.
    pub fn entry(&mut self, name: &str, bytes: &[u8]) -> anyhow::Result<Entry> {
        self.begin(name)?;
        self.write(bytes)?;
        self.end()
    }

    /// Writes the manifest, waits for the disk, and gives the file its name.
    pub fn finish(mut self, manifest: &Manifest) -> anyhow::Result<Finished> {
        let text = serde_json::to_vec(manifest)?;
        if text.len() as u64 > LARGEST_MANIFEST {
            bail!("the backup would have too many files of evidence: {}", manifest.objects.len());
        }
        self.entry(MANIFEST, &text)?;
        let zip = self.zip.take().context("the archive is finished already")?;
        let file = match zip.finish()?.into_inner() {
            Sink::Plain(file) => file,
            Sink::Encrypted(age) => age.finish()?,
        };
        let Hashed { file, digest, bytes } = file;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        self.give_name().with_context(|| format!("cannot give the backup its name {}", self.target.display()))?;
        let folder = self.target.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Some network file systems can't do this; the file itself is on disk.
        if let Err(error) = File::open(folder).and_then(|folder| folder.sync_all()) {
            tracing::warn!(%error, "the folder of the backup could not be synchronised");
        }
        Ok(Finished { sha256: HEXLOWER.encode(&digest.finalize()), bytes })
    }

    /// A link, unlike a rename, never replaces what someone else put there in the meantime. Where the file system
    /// has no links, what is there is looked for right before.
    fn give_name(&self) -> io::Result<()> {
        match fs::hard_link(&self.partial, &self.target) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                if self.target.exists() {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                fs::rename(&self.partial, &self.target)
            }
            other => other,
        }
    }

    fn zip(&mut self) -> anyhow::Result<&mut Zip> {
        self.zip.as_mut().context("the archive is finished already")
    }
}

/// Removes the name that it was written under, whether or not it was finished.
impl Drop for Writer {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.partial);
    }
}

/// Where the archive's bytes go.
enum Sink {
    Plain(Hashed),
    Encrypted(Box<AgeWriter<Hashed>>),
}

impl Write for Sink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(buf),
            Self::Encrypted(age) => age.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Encrypted(age) => age.flush(),
        }
    }
}

/// A file that is digested while it is written.
struct Hashed {
    file: BufWriter<File>,
    digest: Sha256,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buf)?;
        self.digest.update(&buf[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// A backup that is open for reading.
pub struct Archive {
    zip: ZipArchive<Box<dyn ReadSeek>>,
    manifest: Manifest,
}

impl Archive {
    /// Opens the file and reads its manifest. Refuses what is no backup, what cannot be decrypted with `key`, and a
    /// layout that this Muster does not know.
    pub fn open(path: &Path, key: Option<&DecryptionKey>) -> anyhow::Result<Self> {
        let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let mut start = [0; 19];
        let encrypted = file.read_exact(&mut start).is_ok() && start == *MAGIC;
        file.seek(SeekFrom::Start(0))?;
        let file = BufReader::with_capacity(1 << 18, file);
        let plain: Box<dyn ReadSeek> = match (encrypted, key) {
            (true, Some(key)) => Box::new(BufReader::with_capacity(1 << 16, key.decrypt(file)?)),
            (true, None) => {
                bail!("{} is encrypted: give --passphrase-file or --identity-file", path.display())
            }
            (false, Some(_)) => {
                bail!("{} is not encrypted: if that is expected, leave the passphrase or key out", path.display())
            }
            (false, None) => Box::new(file),
        };
        let mut zip = ZipArchive::new(plain)
            .with_context(|| format!("{} is not a backup, or it is damaged or incomplete", path.display()))?;
        let bytes = read_small(&mut zip, MANIFEST, LARGEST_MANIFEST)?;
        let manifest: Manifest = match serde_json::from_slice::<Format>(&bytes) {
            Ok(Format { format: FORMAT }) => serde_json::from_slice(&bytes).context("the backup's manifest")?,
            Ok(Format { format }) => {
                bail!(
                    "the backup has layout {format}, this Muster reads {FORMAT}: restore it with the Muster that made it"
                )
            }
            Err(error) => return Err(error).context("the backup's manifest"),
        };
        Ok(Self { zip, manifest })
    }

    /// What it contains.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// One of the entries beside the tables, checked against its digest.
    pub fn file(&mut self, name: &str) -> anyhow::Result<Vec<u8>> {
        let entry = self.manifest.files.iter().find(|entry| entry.name == name);
        let entry = entry.with_context(|| format!("the backup lacks {name}"))?.clone();
        let bytes = read_small(&mut self.zip, name, LARGEST_SMALL_ENTRY)?;
        if bytes.len() as u64 != entry.bytes || HEXLOWER.encode(&Sha256::digest(&bytes)) != entry.sha256 {
            bail!("the backup is damaged: {name} differs from its digest");
        }
        Ok(bytes)
    }

    /// An entry to be read in pieces; [`Checked::finish`] says whether it was all of it, unchanged.
    pub fn read<'a>(&'a mut self, entry: &'a Entry) -> anyhow::Result<Checked<'a>> {
        let reader = self.zip.by_name(&entry.name).with_context(|| format!("the backup lacks {}", entry.name))?;
        Ok(Checked {
            reader: Box::new(reader.take(entry.bytes.saturating_add(1))),
            entry,
            digest: Sha256::new(),
            bytes: 0,
        })
    }

    /// Reads everything and compares it with the digests.
    pub fn verify(&mut self) -> anyhow::Result<()> {
        let manifest = self.manifest.clone();
        let mut buffer = vec![0; 1 << 16];
        let tables = manifest.tables.iter().map(|table| &table.entry);
        let objects = manifest.objects.iter().map(|object| &object.entry);
        for entry in tables.chain(objects).chain(&manifest.files) {
            let mut reader = self.read(entry)?;
            while reader.read(&mut buffer)? > 0 {}
            reader.finish()?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// An entry that is digested while it is read.
pub struct Checked<'a> {
    reader: Box<dyn Read + 'a>,
    entry: &'a Entry,
    digest: Sha256,
    bytes: u64,
}

impl Checked<'_> {
    /// The next piece; 0 at the end.
    pub fn read(&mut self, buffer: &mut [u8]) -> anyhow::Result<usize> {
        let damaged = || format!("the backup is damaged: {} cannot be read", self.entry.name);
        let count = self.reader.read(buffer).with_context(damaged)?;
        self.digest.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    /// Refuses what differs from the digest.
    pub fn finish(self) -> anyhow::Result<()> {
        if self.bytes != self.entry.bytes || HEXLOWER.encode(&self.digest.finalize()) != self.entry.sha256 {
            bail!("the backup is damaged: {} differs from its digest", self.entry.name);
        }
        Ok(())
    }
}

fn read_small(zip: &mut ZipArchive<Box<dyn ReadSeek>>, name: &str, most: u64) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let entry = zip.by_name(name).with_context(|| format!("the backup lacks {name}"))?;
    entry.take(most + 1).read_to_end(&mut bytes).with_context(|| format!("the backup's {name}"))?;
    if bytes.len() as u64 > most {
        bail!("the backup's {name} is larger than {} MiB", most >> 20);
    }
    Ok(bytes)
}
