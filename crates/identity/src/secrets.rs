//! The form of what proves an identity: API tokens with their pepper, session and link secrets.

use std::path::Path;

use anyhow::{Context, bail};
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use base::{clock::random, error::Error};

/// Whose token it is, as its prefix says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A person's own.
    Personal,
    /// A service account's.
    Service,
}

impl TokenKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Personal => "muster_pat_",
            Self::Service => "muster_svc_",
        }
    }
}

/// An API token in the clear: prefix, 160 random bits, CRC32 of both, in base 32. Shown once.
#[derive(Clone)]
pub struct Bearer(String);

impl std::fmt::Debug for Bearer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bearer(…)")
    }
}

impl Bearer {
    /// A new token.
    pub fn generate(kind: TokenKind) -> Result<Self, Error> {
        let secret = random::<20>()?;
        let body = format!("{}{}", kind.prefix(), BASE32_NOPAD.encode(&secret).to_lowercase());
        let check = crc32fast::hash(body.as_bytes()).to_be_bytes();
        Ok(Self(format!("{body}{}", BASE32_NOPAD.encode(&check).to_lowercase())))
    }

    /// Checks the form, so that a mistyped token never reaches the database.
    pub fn parse(text: &str) -> Option<Self> {
        let kinds = [TokenKind::Personal, TokenKind::Service];
        let rest = kinds.iter().find_map(|kind| text.strip_prefix(kind.prefix()))?;
        if rest.len() != 39 || !rest.is_ascii() {
            return None;
        }
        let (body, check) = text.split_at(text.len() - 7);
        let expected = BASE32_NOPAD.encode(&crc32fast::hash(body.as_bytes()).to_be_bytes());
        (expected.to_lowercase() == check).then(|| Self(text.to_owned()))
    }

    /// The token itself, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// The key that tokens are hashed with. It lies outside the database, so that a copy of the
/// database alone does not let anybody try tokens.
#[derive(Clone)]
pub struct Pepper {
    key: [u8; 32],
    id: String,
}

impl std::fmt::Debug for Pepper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pepper({})", self.id)
    }
}

impl Pepper {
    /// Reads the file, or makes it at the first start.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        if !path.exists() {
            if let Some(dir) = path.parent() {
                std::fs::create_dir_all(dir)?;
            }
            let text = format!("{}\n", HEXLOWER.encode(&random::<32>()?));
            base::files::create_private(path, text.as_bytes())?;
        }
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read the pepper in {}", path.display()))?;
        match HEXLOWER.decode(text.trim().as_bytes()).ok().and_then(|key| key.try_into().ok()) {
            Some(key) => Ok(Self::from_key(key)),
            None => bail!("{} does not hold 64 hexadecimal digits", path.display()),
        }
    }

    /// A pepper from its key.
    pub fn from_key(key: [u8; 32]) -> Self {
        let id = HEXLOWER.encode(&Sha256::digest([b"muster pepper id", &key[..]].concat())[..8]);
        Self { key, id }
    }

    /// The key's public id, stored beside each token and in the installation.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Another key made from this one, for one purpose.
    pub(super) fn derive(&self, purpose: &[u8]) -> Result<[u8; 32], Error> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).map_err(Error::internal)?;
        mac.update(purpose);
        Ok(mac.finalize().into_bytes().into())
    }

    /// HMAC-SHA256 of a token.
    pub fn mac(&self, bearer: &Bearer) -> Result<Vec<u8>, Error> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).map_err(Error::internal)?;
        mac.update(bearer.0.as_bytes());
        Ok(mac.finalize().into_bytes().to_vec())
    }
}

/// 256 random bits in hexadecimal, for sessions and links.
pub fn generate() -> Result<String, Error> {
    Ok(HEXLOWER.encode(&random::<32>()?))
}

/// How such a secret is stored; 256 random bits need no salt.
pub fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_its_form_and_a_mistyped_one_is_none() {
        let token = Bearer::generate(TokenKind::Service).expect("random");
        assert!(token.reveal().starts_with("muster_svc_"));
        assert!(Bearer::parse(token.reveal()).is_some());
        let mut wrong = token.reveal().to_owned();
        let last = if wrong.pop() == Some('a') { 'b' } else { 'a' };
        wrong.push(last);
        assert!(Bearer::parse(&wrong).is_none());
        assert!(Bearer::parse("muster_pat_").is_none());
    }

    #[test]
    fn another_pepper_gives_another_mac() {
        let token = Bearer::generate(TokenKind::Personal).expect("random");
        let (one, two) = (Pepper::from_key([1; 32]), Pepper::from_key([2; 32]));
        assert_ne!(one.mac(&token).expect("mac"), two.mac(&token).expect("mac"));
        assert_ne!(one.id(), two.id());
    }
}
