//! Text as the register sorts, searches and links it.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Lower case without accents: what is searched and sorted by.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            'ø' => folded.push('o'),
            'æ' => folded.push_str("ae"),
            'ł' => folded.push('l'),
            'đ' => folded.push('d'),
            '\0' => {}
            other => folded.push(other),
        }
    }
    folded
}

/// The key that names sort by, compared byte by byte (collation "C"): folded, leading
/// punctuation dropped, inner white space collapsed.
pub fn sort_key(name: &str) -> String {
    let folded = fold(name);
    let start = folded.find(char::is_alphanumeric).unwrap_or(0);
    let words: Vec<&str> = folded[start..].split_whitespace().collect();
    words.join(" ")
}

/// A slug: lower-case ASCII letters, digits and single hyphens, 80 at most; `fallback` where
/// nothing is left.
pub fn slug(name: &str, fallback: &str) -> String {
    let mut slug = String::new();
    for c in fold(name).chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= 80 {
            break;
        }
    }
    let slug = slug.trim_matches('-');
    if slug.is_empty() { fallback.to_owned() } else { slug.to_owned() }
}

/// Whether `slug` has the form that [`slug`] makes.
pub fn is_slug(slug: &str) -> bool {
    (1..=80).contains(&slug.len())
        && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !slug.starts_with('-')
        && !slug.ends_with('-')
        && !slug.contains("--")
}

/// The words of `parts`, folded and split where a reader sees a boundary (`api.stripe.com` is
/// also `api`, `stripe` and `com`), for the search column.
pub fn search_text(parts: &[&str]) -> String {
    let mut text = String::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let folded = fold(part);
        let split: String = folded.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
        let words: Vec<&str> = split.split_whitespace().collect();
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&words.join(" "));
    }
    text
}

/// A `tsquery` in which each word of `q` must begin a word of the text; `None` where `q` has no
/// word.
pub fn prefix_query(q: &str) -> Option<String> {
    let words = search_text(&[q]);
    let terms: Vec<String> = words.split_whitespace().take(12).map(|word| format!("'{word}':*")).collect();
    if terms.is_empty() { None } else { Some(terms.join(" & ")) }
}

/// The first `max` characters of `text`, cut at a character boundary.
pub fn clip(text: &str, max: usize) -> &str {
    match text.char_indices().nth(max) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

/// The registrable domain of a host by the public suffix list (`api.stripe.com` → `stripe.com`).
pub fn registrable_domain(host: &str) -> Option<String> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if host.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    psl::domain_str(&host).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_to_what_people_type() {
        assert_eq!(fold("Crédit Agricole ÆØ Straße"), "credit agricole aeo strasse");
        assert_eq!(sort_key("  «Éclair  Pay»"), "eclair pay»");
        assert_eq!(slug("Amazon S3 (eu-west-1)", "x"), "amazon-s3-eu-west-1");
        assert_eq!(slug("日本", "vendor"), "vendor");
    }

    #[test]
    fn a_query_is_split_as_the_text_is() {
        assert_eq!(prefix_query("Api.Strip"), Some("'api':* & 'strip':*".into()));
        assert_eq!(prefix_query(" ' & ! "), None);
    }

    #[test]
    fn the_public_suffix_list_decides_what_is_registrable() {
        assert_eq!(registrable_domain("API.stripe.com"), Some("stripe.com".into()));
        assert_eq!(registrable_domain("a.b.co.uk"), Some("b.co.uk".into()));
        assert_eq!(registrable_domain("127.0.0.1"), None);
    }

    proptest::proptest! {
        #[test]
        fn every_slug_is_one(name in "\\PC{0,200}") {
            proptest::prop_assert!(is_slug(&slug(&name, "x")));
        }
        #[test]
        fn folding_twice_changes_nothing(name in "\\PC{0,80}") {
            let once = search_text(&[&name]);
            proptest::prop_assert_eq!(search_text(&[&once]), once);
        }
    }
}
