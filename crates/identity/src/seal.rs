//! Small secrets that have to be read back: sealed with a key that lies outside the database.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::Pepper;
use base::{clock::random, error::Error};

/// Seals and opens (ChaCha20-Poly1305, RFC 8439) under a key made from the pepper.
fn key(pepper: &Pepper) -> Result<LessSafeKey, Error> {
    let bytes = pepper.derive(b"muster seal 1")?;
    let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes).map_err(|_| Error::internal("a key of the wrong length"))?;
    Ok(LessSafeKey::new(key))
}

/// The sealed form: a random nonce, then the text. `what` is bound to it: opened as anything else, it is nothing.
pub fn seal(pepper: &Pepper, what: &str, clear: &[u8]) -> Result<Vec<u8>, Error> {
    let nonce = random::<NONCE_LEN>()?;
    let mut text = clear.to_vec();
    key(pepper)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(what.as_bytes()), &mut text)
        .map_err(|_| Error::internal("a text that cannot be sealed"))?;
    Ok([nonce.to_vec(), text].concat())
}

/// What was sealed; `None` where it was not sealed by us as this.
pub fn open(pepper: &Pepper, what: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let Some((nonce, text)) = sealed.split_at_checked(NONCE_LEN) else { return Ok(None) };
    let Ok(nonce) = Nonce::try_assume_unique_for_key(nonce) else { return Ok(None) };
    let mut text = text.to_vec();
    let opened = key(pepper)?.open_in_place(nonce, Aad::from(what.as_bytes()), &mut text);
    Ok(opened.ok().map(|clear| clear.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_as_the_same_thing_under_the_same_pepper_alone() {
        let (one, two) = (Pepper::from_key([1; 32]), Pepper::from_key([2; 32]));
        let sealed = seal(&one, "totp", b"secret").expect("sealed");
        assert_eq!(open(&one, "totp", &sealed).expect("read").as_deref(), Some(&b"secret"[..]));
        assert_eq!(open(&one, "id token", &sealed).expect("read"), None);
        assert_eq!(open(&two, "totp", &sealed).expect("read"), None);
        assert_eq!(open(&one, "totp", b"short").expect("read"), None);
        let mut bent = sealed.clone();
        bent[20] ^= 1;
        assert_eq!(open(&one, "totp", &bent).expect("read"), None);
    }
}
