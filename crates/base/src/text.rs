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
/// also `api`, `stripe` and `com`).
pub fn words_of(parts: &[&str]) -> String {
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

/// What the search column holds: the [words](words_of), and of scripts that are written without spaces every two
/// characters that stand together, with the last by itself, so that what stands inside such a name is found too.
pub fn search_text(parts: &[&str]) -> String {
    let mut text = words_of(parts);
    let inner: Vec<String> = text
        .split_whitespace()
        .flat_map(stretches)
        .filter(|stretch| stretch.unsegmented)
        .flat_map(|stretch| {
            let mut pairs = pairs(&stretch.text);
            pairs.extend(stretch.text.chars().last().map(String::from));
            pairs
        })
        .collect();
    for one in inner {
        text.push(' ');
        text.push_str(&one);
    }
    text
}

/// A part of a word in one kind of script.
struct Stretch {
    text: String,
    unsegmented: bool,
}

/// A word cut where scripts without spaces begin and end.
fn stretches(word: &str) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = Vec::new();
    // Folding takes Hangul apart into letters; people mean its syllables.
    for c in word.nfc() {
        let unsegmented = is_unsegmented(c);
        match all.last_mut().filter(|last| last.unsegmented == unsegmented) {
            Some(last) => last.text.push(c),
            None => all.push(Stretch { text: c.to_string(), unsegmented }),
        }
    }
    all
}

fn pairs(stretch: &str) -> Vec<String> {
    stretch.chars().zip(stretch.chars().skip(1)).map(|(one, two)| format!("{one}{two}")).collect()
}

/// Whether a character is of a script in which words are not set apart by spaces, or, as in Korean, are joined: Thai, Lao,
/// Myanmar, Khmer, Kana, Han, Hangul (Unicode blocks).
fn is_unsegmented(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3005}'..='\u{3007}'
        | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// A `tsquery` in which each word of `q` must begin a word of the text, and each pair of characters of a script without
/// spaces must be in it; `None` where `q` has no word.
pub fn prefix_query(q: &str) -> Option<String> {
    let words = words_of(&[q]);
    let terms: Vec<String> = words
        .split_whitespace()
        .flat_map(|word| {
            let all = stretches(word);
            if all.iter().all(|stretch| !stretch.unsegmented) {
                return vec![word.to_owned()];
            }
            all.into_iter()
                .flat_map(|stretch| {
                    let pairs = if stretch.unsegmented { pairs(&stretch.text) } else { Vec::new() };
                    if pairs.is_empty() { vec![stretch.text] } else { pairs }
                })
                .collect()
        })
        .take(12)
        .map(|word| format!("'{word}':*"))
        .collect();
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
    fn what_stands_inside_a_name_without_spaces_is_found() {
        assert_eq!(search_text(&["日本銀行 Pay"]), "日本銀行 pay 日本 本銀 銀行 行");
        assert_eq!(prefix_query("本銀行"), Some("'本銀':* & '銀行':*".into()));
        assert_eq!(prefix_query("行"), Some("'行':*".into()));
        assert_eq!(prefix_query("LINE株式"), Some("'line':* & '株式':*".into()));
        assert!(search_text(&["한국은행"]).ends_with(" 한국 국은 은행 행"), "{}", search_text(&["한국은행"]));
        assert_eq!(prefix_query("은행"), Some("'은행':*".into()));
        assert_eq!(search_text(&["Crédit Agricole"]), "credit agricole");
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
            let once = words_of(&[&name]);
            proptest::prop_assert_eq!(words_of(&[&once]), once);
        }
    }
}
