//! Encryption of backups with age: by a passphrase (scrypt), or to the holders of X25519 keys.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Seek},
    path::Path,
};

use age::{
    DecryptError, Decryptor, Encryptor, IdentityFile, scrypt,
    secrecy::{ExposeSecret, SecretString},
    x25519,
};
use anyhow::{Context, bail};

/// How many times scrypt doubles its work, as a power of two: 128 MiB of memory, about a third of a second.
const WORK_FACTOR: u8 = 17;
/// Files that ask for more work than this are refused: 1 GiB of memory.
const MAX_WORK_FACTOR: u8 = 20;
/// Characters of a passphrase, at least.
const SHORTEST_PASSPHRASE: usize = 12;
/// Passphrase and key files are read up to this size.
const LARGEST_KEY_FILE: u64 = 64 << 10;

/// Who can decrypt a new backup.
#[derive(Debug)]
pub enum Encryption {
    /// Everyone who knows the passphrase.
    Passphrase(SecretString),
    /// The holders of these keys.
    Recipients(Vec<x25519::Recipient>),
}

impl Encryption {
    /// Reads the passphrase from the first line of a file.
    pub fn from_passphrase_file(path: &Path) -> anyhow::Result<Self> {
        let passphrase = read_passphrase(path)?;
        if passphrase.expose_secret().chars().count() < SHORTEST_PASSPHRASE {
            bail!("the passphrase in {} has fewer than {SHORTEST_PASSPHRASE} characters", path.display());
        }
        Ok(Self::Passphrase(passphrase))
    }

    /// Public keys such as `age1…`; the secret keys stay with their holders.
    pub fn to_recipients(keys: &[String]) -> anyhow::Result<Self> {
        let parse = |key: &String| {
            key.parse::<x25519::Recipient>()
                .map_err(|reason| anyhow::anyhow!("'{key}' is not an age public key: {reason}"))
        };
        Ok(Self::Recipients(keys.iter().map(parse).collect::<anyhow::Result<_>>()?))
    }

    pub(super) fn encryptor(&self) -> anyhow::Result<Encryptor> {
        let encryptor = match self {
            Self::Passphrase(passphrase) => {
                let mut recipient = scrypt::Recipient::new(passphrase.clone());
                recipient.set_work_factor(WORK_FACTOR);
                Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
            }
            Self::Recipients(keys) => Encryptor::with_recipients(keys.iter().map(|key| key as &dyn age::Recipient)),
        };
        encryptor.context("cannot encrypt the backup")
    }
}

/// What decrypts an encrypted backup.
pub struct DecryptionKey(Vec<Box<dyn age::Identity>>);

impl std::fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DecryptionKey")
    }
}

impl DecryptionKey {
    /// Reads the passphrase from the first line of a file.
    pub fn from_passphrase_file(path: &Path) -> anyhow::Result<Self> {
        let mut identity = scrypt::Identity::new(read_passphrase(path)?);
        identity.set_max_work_factor(MAX_WORK_FACTOR);
        Ok(Self(vec![Box::new(identity)]))
    }

    /// Reads secret keys from a file as `age-keygen` writes it.
    pub fn from_identity_file(path: &Path) -> anyhow::Result<Self> {
        let text = read_small(path)?;
        let keys = IdentityFile::from_buffer(BufReader::new(text.as_bytes()))
            .and_then(|file| file.into_identities().map_err(std::io::Error::other))
            .map_err(|_| anyhow::anyhow!("{} does not contain an age secret key", path.display()))?;
        if keys.is_empty() {
            bail!("{} does not contain an age secret key", path.display());
        }
        Ok(Self(keys))
    }

    pub(super) fn decrypt<R: BufRead + Seek>(&self, file: R) -> anyhow::Result<age::stream::StreamReader<R>> {
        let decryptor = Decryptor::new_buffered(file).context("this is not a backup")?;
        decryptor.decrypt(self.0.iter().map(Box::as_ref)).map_err(|error| match error {
            DecryptError::NoMatchingKeys | DecryptError::KeyDecryptionFailed | DecryptError::DecryptionFailed => {
                anyhow::anyhow!("the passphrase or key does not decrypt this backup")
            }
            other => anyhow::anyhow!("cannot decrypt the backup: {other}"),
        })
    }
}

fn read_passphrase(path: &Path) -> anyhow::Result<SecretString> {
    let text = read_small(path)?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        bail!("{} does not contain a passphrase: put it on the first line", path.display());
    }
    Ok(SecretString::from(line.to_owned()))
}

fn read_small(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    fs::File::open(path)
        .and_then(|file| file.take(LARGEST_KEY_FILE).read_to_string(&mut text))
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text)
}
