//! Recognises input that looks like a live secret, so that none is ever stored.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use crate::error::FieldErrors;

/// What kind of text is checked: high entropy counts only where people write prose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A name, description or comment that a person writes.
    Prose,
    /// A URL, identifier, reference or other field with a form of its own.
    Reference,
    /// A path, operation id, scope or label of a vendor: only keys of a known form count.
    Name,
}

/// What is said of a secret: where it belongs instead.
pub const ADVICE: &str = "This looks like a live secret. Muster keeps no secrets: put it in your \
    vault, give the vault reference here, and rotate it if it was real.";

/// What stands in the place of a secret that was removed from a vendor's document.
pub const REMOVED: &str = "[removed]";

/// Keys that are known by their form.
const FORMATS: [&str; 22] = [
    r"-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----",
    r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    r"\b(sk|rk)_(live|test)_[A-Za-z0-9]{16,}",
    r"\bwhsec_[A-Za-z0-9+/=]{20,}",
    r"\b(AKIA|ASIA)[A-Z0-9]{16}\b",
    r"\bgh[pousr]_[A-Za-z0-9]{36,}",
    r"\bgithub_pat_[A-Za-z0-9_]{40,}",
    r"\bglpat-[A-Za-z0-9_-]{20,}",
    r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    r"\bxapp-[0-9]-[A-Za-z0-9-]{10,}",
    r"hooks\.slack\.com/services/T[A-Za-z0-9]+/B[A-Za-z0-9]+/[A-Za-z0-9]{20,}",
    r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"\bAIza[A-Za-z0-9_-]{35}",
    r"\bya29\.[A-Za-z0-9_-]{20,}",
    r"\bGOCSPX-[A-Za-z0-9_-]{20,}",
    r"\bsk-(ant-|proj-)?[A-Za-z0-9_-]{32,}",
    r"\b(npm|dop_v1|shpat|shpss|shpca)_[A-Za-z0-9]{30,}",
    r"\bpypi-[A-Za-z0-9_-]{50,}",
    r"\b(SK|AC)[0-9a-f]{32}\b",
    r"\bkey-[0-9a-f]{32}\b",
    r"\bmuster_(pat|svc)_[a-z0-9]{30,}",
    r"\b(secret|ntn)_[A-Za-z0-9]{40,}",
];

/// A name with a value that follows it, and a password within a URL. The value is the first group.
const ASSIGNED: [&str; 2] = [
    r"(?i)\b(?:password|passwd|client_secret|api[_-]?key|access[_-]?token)\s*[:=]\s*([^\s<>{}\[\]\$]{8,})",
    r"[a-z][a-z0-9+.-]*://[^/\s:@{}]+:([^/\s:@{}]{3,})@",
];

static FORMAT_SET: LazyLock<Option<RegexSet>> = LazyLock::new(|| RegexSet::new(FORMATS).ok());
static FORMAT: LazyLock<Vec<Regex>> = LazyLock::new(|| FORMATS.iter().filter_map(|one| Regex::new(one).ok()).collect());
static ASSIGNMENT: LazyLock<Vec<Regex>> =
    LazyLock::new(|| ASSIGNED.iter().filter_map(|one| Regex::new(one).ok()).collect());

/// Whether `text` looks like a live secret. `sha256:` fingerprints and vault references pass.
pub fn looks_secret(text: &str, place: Place) -> bool {
    if FORMAT_SET.as_ref().is_none_or(|formats| formats.is_match(text)) {
        return true;
    }
    if place == Place::Name {
        return false;
    }
    let assigned = |pattern: &Regex| {
        pattern.captures_iter(text).filter_map(|found| found.get(1)).any(|value| !is_placeholder(value.as_str()))
    };
    ASSIGNMENT.iter().any(assigned) || (place == Place::Prose && text.split(is_between).any(dense))
}

/// The text with everything that looks like a live secret blanked, and whether there was anything.
pub fn blanked(text: &str, place: Place) -> (String, bool) {
    if !looks_secret(text, place) {
        return (text.to_owned(), false);
    }
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for pattern in FORMAT.iter() {
        spans.extend(pattern.find_iter(text).map(|found| (found.start(), found.end())));
    }
    if place != Place::Name {
        for found in ASSIGNMENT.iter().flat_map(|pattern| pattern.captures_iter(text)) {
            spans.extend(found.get(1).filter(|v| !is_placeholder(v.as_str())).map(|v| (v.start(), v.end())));
        }
    }
    if place == Place::Prose {
        let start = text.as_ptr() as usize;
        for word in text.split(is_between).filter(|word| dense(word)) {
            let at = word.as_ptr() as usize - start;
            spans.push((at, at + word.trim_end_matches(['.', ':', '!', '?']).len()));
        }
    }
    spans.sort_unstable();
    let (mut out, mut end) = (String::with_capacity(text.len()), 0);
    for (from, to) in spans {
        if from >= end {
            out.push_str(&text[end..from]);
            out.push_str(REMOVED);
        }
        end = end.max(to);
    }
    out.push_str(&text[end..]);
    // What begins a private key does not end where the pattern does.
    if looks_secret(&out, place) || text.contains("PRIVATE KEY") { (REMOVED.to_owned(), true) } else { (out, true) }
}

/// What separates words that may be keys.
fn is_between(c: char) -> bool {
    c.is_whitespace() || "\"'`,;()<>".contains(c)
}

/// Whether a value stands for one: `YOUR_API_KEY`, `your-token-here`, `xxxxxxxx`.
fn is_placeholder(value: &str) -> bool {
    let bare = value.trim_matches(|c: char| !c.is_alphanumeric() && c != '*');
    let lower = bare.to_lowercase();
    let shouted = bare.contains(['_', '-']) && bare.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c == '-');
    let says =
        ["your", "example", "changeme", "placeholder", "xxx", "***", "...", "insert", "replace", "redacted", "removed"];
    let is = ["pass", "password", "passwd", "secret", "token", "apikey", "api_key"];
    bare.is_empty()
        || shouted
        || value.starts_with('<')
        || is.contains(&lower.as_str())
        || says.iter().any(|word| lower.contains(word))
}

/// Notes a fault at `pointer` when `text` looks like a secret.
pub fn refuse(errors: &mut FieldErrors, pointer: &str, text: &str, place: Place) {
    if looks_secret(text, place) {
        errors.add(pointer, ADVICE);
    }
}

/// A word that no person writes: 24 or more characters of a key alphabet, with letters and digits
/// mixed and at least 3.8 bits of Shannon entropy a character.
fn dense(word: &str) -> bool {
    let word = word.trim_end_matches(['.', ':', '!', '?']);
    let reference = ["sha256:", "vault:", "http://", "https://", "urn:", "arn:", "projects/"];
    if word.len() < 24 || word.len() > 4096 || reference.iter().any(|start| word.starts_with(start)) {
        return false;
    }
    let key_like = |b: u8| b.is_ascii_alphanumeric() || b"+/=_-".contains(&b);
    let mixed = word.bytes().any(|b| b.is_ascii_digit())
        && word.bytes().any(|b| b.is_ascii_lowercase())
        && word.bytes().any(|b| b.is_ascii_uppercase());
    let hex = word.len() >= 32 && word.bytes().all(|b| b.is_ascii_hexdigit());
    word.bytes().all(key_like) && ((mixed && entropy(word) >= 3.8 && is_jumbled(word)) || (hex && entropy(word) >= 3.0))
}

/// Whether letters and digits alternate as by chance; `CamelCase2024Names` keep to runs.
fn is_jumbled(word: &str) -> bool {
    let class = |b: u8| match b {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    let changes = word.as_bytes().windows(2).filter(|pair| class(pair[0]) != class(pair[1])).count();
    changes * 5 >= word.len() * 2
}

/// Shannon entropy of the bytes, in bits a byte.
fn entropy(word: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for b in word.bytes() {
        counts[usize::from(b)] += 1;
    }
    let total = f64::from(u32::try_from(word.len()).unwrap_or(u32::MAX));
    counts.iter().filter(|n| **n > 0).map(|n| f64::from(*n) / total).map(|p| -p * p.log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_keys_are_recognised() {
        let samples = [
            ["sk_live", "_4eC39HqLyjWDarjtT1zdp7dc"].concat(),
            ["AKIA", "IOSFODNN7EXAMPLE"].concat(),
            ["-----BEGIN RSA ", "PRIVATE KEY-----"].concat(),
            ["eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxMjM0NTY3ODkwIn0", ".dozjgNryP4J3jVmNHl0w5N"].concat(),
            ["postgres://app:", "hunter22@db/x"].concat(),
        ];
        for sample in samples {
            assert!(looks_secret(&format!("key {sample} here"), Place::Reference), "{sample}");
        }
    }

    #[test]
    fn references_and_prose_pass() {
        for text in [
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "vault:kv/pay/stripe",
            "Takes card payments and refunds in the web shop.",
            "https://docs.stripe.com/api/charges/create#create_charge-description",
            "antidisestablishmentarianism2024",
            "StorSimple8000SeriesManagementClient",
            "api_key: <from the vault>",
        ] {
            assert!(!looks_secret(text, Place::Prose), "{text}");
        }
    }

    #[test]
    fn placeholders_are_no_secrets_and_real_ones_are_blanked() {
        for text in [
            "curl -H \"X-API-Key: YOUR_API_KEY\"",
            "?access_token=YOUR_ACCESS_TOKEN_HERE",
            "client_secret=your-client-secret",
            "password: xxxxxxxxxx",
            "https://user:<password>@example.com",
        ] {
            assert_eq!(blanked(text, Place::Prose), (text.to_owned(), false));
        }
        let key = ["sk_live", "_4eC39HqLyjWDarjtT1zdp7dc"].concat();
        let (text, found) = blanked(&format!("Use {key} as the key, and api_key=hunter2hunter2."), Place::Prose);
        assert_eq!((text.as_str(), found), ("Use [removed] as the key, and api_key=[removed]", true));
        assert_eq!(blanked(&["-----BEGIN RSA ", "PRIVATE KEY-----\nMIIE"].concat(), Place::Prose).0, "[removed]");
    }

    #[test]
    fn names_of_vendors_are_judged_by_form_alone() {
        for name in [
            "/shipEasy/2024-03-23/timeSlot",
            "/v1/AuthTokens/Secondary",
            "/apiKey:rotateKeysNow",
            "get-/cms/v3/hubs/tables_getAllTables",
        ] {
            assert!(!looks_secret(name, Place::Name), "{name}");
        }
        assert!(looks_secret(&["AKIA", "IOSFODNN7EXAMPLE"].concat(), Place::Name));
    }

    #[test]
    fn dense_words_count_only_in_prose() {
        let dense = ["q7Rz9LxK2mVb", "N4pTc8WyHs3JfGd6"].concat();
        assert!(looks_secret(&dense, Place::Prose));
        assert!(!looks_secret(&dense, Place::Reference));
    }
}
