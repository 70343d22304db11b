//! Checks of input, shared by every model: tidies what was written, notes every fault, refuses
//! secrets.

use chrono::NaiveDate;
use url::Url;

use crate::{
    error::{Error, FieldErrors},
    secret::{self, Place},
    text,
};

/// Faults being collected.
#[derive(Debug, Default)]
pub struct Check(FieldErrors);

impl Check {
    /// Nothing found yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// `Ok` when nothing was found.
    pub fn finish(self) -> Result<(), Error> {
        self.0.finish()
    }

    /// Notes a fault.
    pub fn fault(&mut self, pointer: &str, message: impl Into<String>) {
        self.0.add(pointer, message);
    }

    /// A line of prose that must be there.
    pub fn required(&mut self, pointer: &str, value: &mut String, max: usize) {
        tidy(value);
        if value.is_empty() {
            self.fault(pointer, "This is needed.");
        }
        self.prose(pointer, value, max, Lines::One);
    }

    /// Prose that may be absent; empty counts as absent.
    pub fn optional(&mut self, pointer: &str, value: &mut Option<String>, max: usize) {
        tidy_option(value);
        if let Some(text) = value {
            self.prose(pointer, text, max, Lines::Many);
        }
    }

    fn prose(&mut self, pointer: &str, text: &str, max: usize, lines: Lines) {
        self.length(pointer, text, max);
        let control = |c: char| c.is_control() && !(matches!(lines, Lines::Many) && "\n\r\t".contains(c));
        if text.chars().any(control) {
            self.fault(pointer, "This holds control characters; remove them.");
        }
        secret::refuse(&mut self.0, pointer, text, Place::Prose);
    }

    fn length(&mut self, pointer: &str, text: &str, max: usize) {
        let length = text.chars().count();
        if length > max {
            self.fault(pointer, format!("This has {length} characters; at most {max} fit."));
        }
    }

    /// An identifier or reference without white space rules of its own.
    pub fn reference(&mut self, pointer: &str, value: &mut Option<String>, max: usize) {
        tidy_option(value);
        if let Some(text) = value {
            self.length(pointer, text, max);
            if text.chars().any(char::is_control) {
                self.fault(pointer, "This holds control characters; remove them.");
            }
            secret::refuse(&mut self.0, pointer, text, Place::Reference);
        }
    }

    /// Text typed by machines, in its limit of bytes; empty where it may be.
    pub fn identifier(&mut self, pointer: &str, text: &str, max: usize) {
        if text.len() > max {
            self.fault(pointer, format!("This has {} bytes; at most {max} fit.", text.len()));
        }
        if text.chars().any(char::is_control) {
            self.fault(pointer, "This holds control characters; remove them.");
        }
        secret::refuse(&mut self.0, pointer, text, Place::Name);
    }

    /// A vendor's name for a part of its API, such as an operation id, a scope or a label: one line.
    pub fn vendor_name(&mut self, pointer: &str, value: &mut Option<String>, max: usize) {
        tidy_option(value);
        if let Some(text) = value {
            self.length(pointer, text, max);
            self.identifier(pointer, text, 4 * max);
        }
    }

    /// A slug; made from `name` where it is empty.
    pub fn slug(&mut self, pointer: &str, value: &mut String, name: &str, fallback: &str) {
        tidy(value);
        if value.is_empty() {
            *value = text::slug(name, fallback);
        } else if !text::is_slug(value) {
            self.fault(pointer, "Use lower-case letters, digits and single hyphens, 80 at most.");
        }
    }

    /// An e-mail address that must be there.
    pub fn email(&mut self, pointer: &str, value: &mut String) {
        tidy(value);
        if !is_email(value) {
            self.fault(pointer, "Give an e-mail address, such as name@example.com.");
        }
        secret::refuse(&mut self.0, pointer, value, Place::Reference);
    }

    /// An e-mail address that may be absent.
    pub fn optional_email(&mut self, pointer: &str, value: &mut Option<String>) {
        tidy_option(value);
        if let Some(text) = value {
            self.email(pointer, text);
        }
    }

    /// An http or https URL that may be absent.
    pub fn url(&mut self, pointer: &str, value: &mut Option<String>) {
        tidy_option(value);
        if let Some(text) = value {
            self.length(pointer, text, 2000);
            let fine = Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
            if !fine {
                self.fault(pointer, "Give a whole URL that begins with https:// or http://.");
            } else if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
                self.fault(pointer, "This holds white space or control characters; remove them.");
            }
            secret::refuse(&mut self.0, pointer, text, Place::Reference);
        }
    }

    /// An ISO 3166-1 alpha-2 country code.
    pub fn country(&mut self, pointer: &str, value: &mut Option<String>) {
        tidy_option(value);
        if let Some(code) = value {
            code.make_ascii_uppercase();
            if !is_country(code) {
                self.fault(pointer, "Give a country by its two letters, such as DE.");
            }
        }
    }

    /// A Legal Entity Identifier (ISO 17442) with its check digits.
    pub fn lei(&mut self, pointer: &str, value: &mut Option<String>) {
        tidy_option(value);
        if let Some(lei) = value {
            lei.make_ascii_uppercase();
            if !is_lei(lei) {
                self.fault(pointer, "This is no LEI: 18 letters and digits and two check digits (ISO 17442).");
            }
        }
    }

    /// A set of tags: lower case, no commas, 50 characters each, 30 at most.
    pub fn tags(&mut self, pointer: &str, tags: &mut Vec<String>) {
        for tag in tags.iter_mut() {
            *tag = tag.trim().to_lowercase();
        }
        tags.retain(|tag| !tag.is_empty());
        tags.sort();
        tags.dedup();
        if tags.len() > 30 {
            self.fault(pointer, format!("These are {} tags; at most 30 fit.", tags.len()));
        }
        for (n, tag) in tags.iter().enumerate() {
            let at = format!("{pointer}/{n}");
            self.prose(&at, tag, 50, Lines::One);
            if tag.contains([',', '|']) {
                self.fault(&at, "A tag holds no comma and no bar.");
            }
        }
    }

    /// A day that people mean: of the years 1900 to 2200, which every calendar and database here can hold.
    pub fn day(&mut self, pointer: &str, day: Option<NaiveDate>) {
        if day.is_some_and(|day| !(1900..=2200).contains(&chrono::Datelike::year(&day))) {
            self.fault(pointer, "Give a day between the years 1900 and 2200.");
        }
    }

    /// Two dates in their order.
    pub fn in_order(&mut self, pointer: &str, first: Option<NaiveDate>, second: Option<NaiveDate>) {
        let sane = |date: &NaiveDate| (1900..=2200).contains(&chrono::Datelike::year(date));
        if !first.iter().chain(&second).all(sane) {
            self.fault(pointer, "Give dates between the years 1900 and 2200.");
        }
        if let (Some(first), Some(second)) = (first, second)
            && second < first
        {
            self.fault(pointer, format!("This lies before {first}."));
        }
    }

    /// How many parts fit.
    pub fn at_most(&mut self, pointer: &str, count: usize, max: usize) {
        if count > max {
            self.fault(pointer, format!("These are {count}; at most {max} fit."));
        }
    }
}

#[derive(Clone, Copy)]
enum Lines {
    One,
    Many,
}

fn tidy(value: &mut String) {
    if value.trim().len() != value.len() {
        *value = value.trim().to_owned();
    }
}

fn tidy_option(value: &mut Option<String>) {
    if let Some(text) = value {
        tidy(text);
        if text.is_empty() {
            *value = None;
        }
    }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && text.len() <= 254
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>\"(),;:\\[]".contains(c))
        && domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-'))
}

/// Two capital letters that are not reserved for private use.
fn is_country(code: &str) -> bool {
    let bytes = code.as_bytes();
    bytes.len() == 2
        && bytes.iter().all(u8::is_ascii_uppercase)
        && !matches!(bytes, [b'A', b'A'] | [b'Q', b'M'..=b'Z'] | [b'X', b'A'..=b'J' | b'L'..=b'Z'] | [b'Z', b'Z'])
}

/// ISO 17442 with the check of ISO 7064 MOD 97-10.
fn is_lei(lei: &str) -> bool {
    let bytes = lei.as_bytes();
    let shape = bytes.len() == 20
        && bytes.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && bytes[18..].iter().all(u8::is_ascii_digit);
    shape
        && bytes.iter().fold(0_u32, |rest, b| match b {
            b'0'..=b'9' => (rest * 10 + u32::from(b - b'0')) % 97,
            letter => (rest * 100 + u32::from(letter - b'A' + 10)) % 97,
        }) == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_lei_has_its_check_digits() {
        assert!(is_lei("5493001KJTIIGC8Y1R12"));
        assert!(!is_lei("5493001KJTIIGC8Y1R13"));
    }

    #[test]
    fn addresses_and_countries() {
        assert!(is_email("a.b+c@example.co.uk") && !is_email("a@") && !is_email("a b@c.d"));
        assert!(is_country("DE") && is_country("XK") && !is_country("ZZ") && !is_country("de"));
    }

    #[test]
    fn every_fault_is_noted() {
        let mut check = Check::new();
        check.required("/name", &mut "  ".to_owned(), 10);
        check.url("/website", &mut Some("ftp://x".into()));
        let Err(Error::Invalid(errors)) = check.finish() else { panic!("two faults") };
        assert_eq!(errors.as_slice().len(), 2);
    }
}
