//! Passwords and one-time codes: what is strong enough, how it is kept, how it is checked.

use std::sync::LazyLock;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use totp_rs::{Algorithm, Builder, Secret, Totp};

use base::{clock::random, error::Error};

/// Characters of a password at least.
pub const SHORTEST: usize = 15;
/// Characters of a password at most; longer ones only cost.
const LONGEST: usize = 200;
/// Hashes that are computed at once: each takes 19 MiB.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
/// A hash of nothing that anybody knows, so that unknown names take as long as known ones.
static NOBODYS: LazyLock<Option<String>> = LazyLock::new(|| {
    let text = HEXLOWER.encode(&random::<32>().ok()?);
    hashed(&text).ok()
});

/// Refuses what is too short, or easily guessed: what is on lists of common passwords, with or without the usual
/// twists, a run of keys, or made of the person's own name.
pub fn check(pointer: &str, password: &str, own: &[&str]) -> Result<(), Error> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Err(Error::field(
            pointer,
            format!("Use at least {SHORTEST} characters: four words that do not belong together, say."),
        ));
    }
    if length > LONGEST {
        return Err(Error::field(pointer, format!("Use at most {LONGEST} characters.")));
    }
    // The estimate takes longer with the length, and nothing longer is guessed.
    let looked_at: String = password.chars().take(72).collect();
    if u8::from(zxcvbn::zxcvbn(&looked_at, own).score()) < 3 {
        return Err(Error::field(
            pointer,
            "This is on a list of common passwords, or easily made from one. Use words that do not belong together.",
        ));
    }
    Ok(())
}

/// Argon2id (RFC 9106) with 19 MiB, two passes, a random salt.
fn hashed(password: &str) -> Result<String, Error> {
    let salt = random::<16>()?;
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    Ok(hash.map_err(Error::internal)?.to_string())
}

/// The hash to keep, computed off the threads that answer requests.
pub async fn hash(password: String) -> Result<String, Error> {
    let _turn = AT_ONCE.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(move || hashed(&password)).await.map_err(Error::internal)?
}

/// Whether a password fits a hash. Without a hash it takes as long, and does not.
pub async fn fits(password: String, hash: Option<String>) -> Result<bool, Error> {
    let _turn = AT_ONCE.acquire().await.map_err(Error::internal)?;
    let work = move || {
        let known = hash.is_some();
        let Some(text) = hash.or_else(|| NOBODYS.clone()) else { return false };
        let Ok(parsed) = PasswordHash::new(&text) else { return false };
        Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known
    };
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}

/// A new secret for an authenticator app, 160 bits.
pub fn new_app_secret() -> Result<[u8; 20], Error> {
    random::<20>()
}

/// The authenticator app of a secret (RFC 6238: SHA-1, six digits, 30 s, one step to each side).
fn app(secret: [u8; 20], name: &str) -> Result<Totp, Error> {
    let name = name.replace(':', " ");
    let builder = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(1)
        .with_step_duration(30)
        .with_secret(Secret::new_stack(secret))
        .with_issuer(Some("Muster"))
        .with_account_name(name);
    builder.build().map_err(|error| Error::internal(error.to_string()))
}

/// The secret as an app takes it: by address (for a QR code), and by hand.
pub fn app_address(secret: [u8; 20], name: &str) -> Result<(String, String), Error> {
    let url = app(secret, name)?.to_url().map_err(|error| Error::internal(error.to_string()))?;
    let text = BASE32_NOPAD.encode(&secret);
    let groups: Vec<&str> = (0..text.len()).step_by(4).map(|at| &text[at..(at + 4).min(text.len())]).collect();
    Ok((url, groups.join(" ")))
}

/// The time step of a code that fits at a moment; `None` where it does not.
pub fn app_step(secret: [u8; 20], code: &str, at: i64) -> Result<Option<i64>, Error> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let at = u64::try_from(at).map_err(Error::internal)?;
    Ok(app(secret, "")?.check(&digits, at).and_then(|step| i64::try_from(step).ok()))
}

/// Ten recovery codes, shown once.
pub fn new_recovery_codes() -> Result<Vec<String>, Error> {
    let code = || -> Result<String, Error> {
        let text = BASE32_NOPAD.encode(&random::<10>()?).to_lowercase();
        Ok(format!("{}-{}-{}-{}", &text[..4], &text[4..8], &text[8..12], &text[12..]))
    };
    (0..10).map(|_| code()).collect()
}

/// How a recovery code is kept; 80 random bits need no salt.
pub fn recovery_hash(code: &str) -> Vec<u8> {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    Sha256::digest(plain.to_lowercase().as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_common_or_ones_own_name_is_refused() {
        let own = ["Ada Lovelace", "ada.lovelace@example.com"];
        for weak in [
            "short",
            "passwordpassword",
            "123456789012345",
            "aaaaaaaaaaaaaaaa",
            "qwertyuiopasdfgh",
            "ada.lovelace@example.com",
        ] {
            assert!(check("/password", weak, &own).is_err(), "{weak}");
        }
        for strong in ["umbrella tractor violin mud", "mZ4!kfP29$wq-Lx8"] {
            assert!(check("/password", strong, &own).is_ok(), "{strong}");
        }
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B: the secret, and the last six of the eight digits at 59 s and 1111111109 s.
        let secret = *b"12345678901234567890";
        assert_eq!(app_step(secret, "287082", 59).expect("read"), Some(1));
        assert_eq!(app_step(secret, "081 804", 1_111_111_109).expect("read"), Some(37_037_036));
        assert_eq!(app_step(secret, "287082", 59 + 90).expect("read"), None);
        assert_eq!(app_step(secret, "nonsense", 59).expect("read"), None);
        let (url, text) = app_address(secret, "ada@example.com").expect("an address");
        assert!(url.starts_with("otpauth://totp/Muster:ada") && text.starts_with("GEZD GNBV"), "{url} {text}");
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_alone() {
        let kept = hash("umbrella tractor violin mud".into()).await.expect("hashed");
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(fits("umbrella tractor violin mud".into(), Some(kept.clone())).await.expect("checked"));
        assert!(!fits("umbrella tractor violin mut".into(), Some(kept)).await.expect("checked"));
        assert!(!fits("umbrella tractor violin mud".into(), None).await.expect("checked"));
        let codes = new_recovery_codes().expect("codes");
        assert_eq!((codes.len(), codes[0].len()), (10, 19));
        assert_eq!(recovery_hash(&codes[0]), recovery_hash(&codes[0].to_uppercase().replace('-', " ")));
    }
}
