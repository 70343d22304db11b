//! Paths and filters of SCIM 2.0 (RFC 7644, 3.4.2.2 and 3.5.2): one reader for the paths of a PATCH, for the keys of its
//! values, which providers write like paths, and for filters.

use std::{collections::BTreeMap, iter::Peekable, str::Chars};

use super::scim::{Fault, GROUP, USER};

/// An attribute as it is named: with or without the URN of its schema, a condition on its values, a part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// The attribute, in lower case; empty for the whole resource.
    pub attribute: String,
    /// What holds of its values that are meant: part and text, each in lower case but the text.
    pub conditions: Vec<(String, String)>,
    /// The part that is meant, in lower case.
    pub part: Option<String>,
    /// Whether it is of a schema that is not kept here.
    pub is_foreign: bool,
}

impl Path {
    /// Reads a path. What is well-formed and not kept is read all the same; what is not well-formed is refused.
    pub fn read(text: &str) -> Result<Self, Fault> {
        let unreadable =
            || Fault { status: 400, kind: Some("invalidPath"), detail: format!("'{text}' is not a path.") };
        let mut reader = Reader::new(text);
        let path = reader.path().ok_or_else(unreadable)?;
        reader.space();
        if reader.rest.peek().is_some() {
            return Err(unreadable());
        }
        Ok(path)
    }

    /// The attribute and its part, joined by a dot.
    pub fn name(&self) -> String {
        match &self.part {
            Some(part) => format!("{}.{part}", self.attribute),
            None => self.attribute.clone(),
        }
    }

    /// The text that a part has to equal.
    pub fn condition(&self, part: &str) -> Option<&str> {
        self.conditions.iter().find(|(name, _)| name == part).map(|(_, text)| text.as_str())
    }
}

/// What a filter asks: attributes that equal texts, all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    terms: BTreeMap<&'static str, String>,
    /// Whether nothing can fit: it asks for two values of one attribute, or for a kind of address that is not kept.
    pub fits_nothing: bool,
}

impl Filter {
    /// One attribute that equals a text.
    pub fn of(attribute: &'static str, value: impl Into<String>) -> Self {
        Self { terms: [(attribute, value.into())].into(), fits_nothing: false }
    }

    /// The text that an attribute has to equal.
    pub fn get(&self, attribute: &str) -> Option<&str> {
        self.terms.get(attribute).map(String::as_str)
    }

    /// Reads `attribute eq "text"`, several joined by `and`; attributes are those of `known`.
    pub fn read(text: &str, known: &[&'static str]) -> Result<Self, Fault> {
        let unfit = || Fault {
            status: 400,
            kind: Some("invalidFilter"),
            detail: format!(
                "Filter by {} with eq and a text in double quotes; several can be joined by and.",
                known.join(", ")
            ),
        };
        let mut reader = Reader::new(text);
        let mut filter = Self::default();
        loop {
            let path = reader.path().ok_or_else(unfit)?;
            let value = if reader.word("eq") { Some(reader.literal().ok_or_else(unfit)?) } else { None };
            filter.add(&path, value, known).ok_or_else(unfit)?;
            if !reader.word("and") {
                break;
            }
        }
        reader.space();
        if reader.rest.peek().is_some() { Err(unfit()) } else { Ok(filter) }
    }

    fn add(&mut self, path: &Path, value: Option<String>, known: &[&'static str]) -> Option<()> {
        let attribute =
            known.iter().find(|one| one.eq_ignore_ascii_case(&path.attribute)).filter(|_| !path.is_foreign)?;
        if path.part.as_deref().is_some_and(|part| part != "value") {
            return None;
        }
        for (part, text) in &path.conditions {
            match part.as_str() {
                "value" => self.term(attribute, text.clone()),
                // Addresses kept here are all of one kind, and there is one.
                "type" if !text.eq_ignore_ascii_case("work") => self.fits_nothing = true,
                "primary" if !text.eq_ignore_ascii_case("true") => self.fits_nothing = true,
                "type" | "primary" => {}
                _ => return None,
            }
        }
        match value {
            Some(value) => self.term(attribute, value),
            // A condition alone asks for what fits it.
            None if path.conditions.is_empty() => return None,
            None => {}
        }
        Some(())
    }

    fn term(&mut self, attribute: &'static str, value: String) {
        if let Some(other) = self.terms.insert(attribute, value.clone())
            && other != value
        {
            self.fits_nothing = true;
        }
    }
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text.chars().peekable() }
    }

    fn space(&mut self) {
        while self.rest.next_if(|c| c.is_whitespace()).is_some() {}
    }

    fn takes(&mut self, wanted: char) -> bool {
        self.space();
        self.rest.next_if_eq(&wanted).is_some()
    }

    /// A word of its own, in any case; not taken where another one stands.
    fn word(&mut self, wanted: &str) -> bool {
        self.space();
        let mut ahead = self.rest.clone();
        for c in wanted.chars() {
            if !ahead.next().is_some_and(|found| found.eq_ignore_ascii_case(&c)) {
                return false;
            }
        }
        if ahead.peek().is_some_and(|c| c.is_alphanumeric()) {
            return false;
        }
        self.rest = ahead;
        true
    }

    /// An attribute, which may begin with the URN of its schema.
    fn path(&mut self) -> Option<Path> {
        self.space();
        let mut name = String::new();
        while let Some(c) = self.rest.next_if(|c| c.is_alphanumeric() || "$-_.:".contains(*c)) {
            name.push(c.to_ascii_lowercase());
        }
        let mut path = Path::default();
        if name.starts_with("urn:") {
            let core = [USER, GROUP].into_iter().map(str::to_ascii_lowercase);
            let own = core.into_iter().find_map(|urn| {
                let rest = name.strip_prefix(&urn)?;
                if rest.is_empty() { Some(String::new()) } else { rest.strip_prefix([':', '.']).map(str::to_owned) }
            });
            match own {
                Some(rest) => name = rest,
                None => path.is_foreign = true,
            }
        }
        if path.is_foreign {
            path.attribute = name;
        } else {
            match name.split_once('.') {
                Some((attribute, part)) if !attribute.is_empty() && !part.is_empty() => {
                    (path.attribute, path.part) = (attribute.to_owned(), Some(part.to_owned()));
                }
                Some(_) => return None,
                None => path.attribute = name,
            }
            if path.attribute.contains(':') {
                return None;
            }
        }
        if self.rest.peek() == Some(&'[') || (self.peek_after_space() == Some('[')) {
            self.takes('[');
            loop {
                let part = self.path()?;
                if !self.word("eq") {
                    return None;
                }
                path.conditions.push((part.name(), self.literal()?));
                if !self.word("and") {
                    break;
                }
            }
            if !self.takes(']') {
                return None;
            }
            if self.rest.next_if_eq(&'.').is_some() {
                let part = self.path()?;
                path.part = Some(part.name()).filter(|part| !part.is_empty());
                path.part.as_ref()?;
            }
        }
        (!path.attribute.is_empty() || path.conditions.is_empty()).then_some(path)
    }

    fn peek_after_space(&self) -> Option<char> {
        self.rest.clone().find(|c| !c.is_whitespace())
    }

    /// A text in quotes, a number, true or false, as text.
    fn literal(&mut self) -> Option<String> {
        self.space();
        if self.rest.peek() != Some(&'"') {
            let mut word = String::new();
            while let Some(c) = self.rest.next_if(|c| c.is_alphanumeric() || *c == '.' || *c == '-') {
                word.push(c);
            }
            let plain = matches!(word.to_ascii_lowercase().as_str(), "true" | "false") || word.parse::<f64>().is_ok();
            return plain.then_some(word);
        }
        let mut quoted = String::new();
        quoted.push(self.rest.next()?);
        let mut escaped = false;
        loop {
            let c = self.rest.next()?;
            quoted.push(c);
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => return serde_json::from_str(&quoted).ok(),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> (String, bool) {
        let path = Path::read(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
        (path.name(), path.is_foreign)
    }

    #[test]
    fn paths_are_read_as_providers_write_them() {
        for (text, name) in [
            ("active", "active"),
            ("  Active ", "active"),
            ("urn:ietf:params:scim:schemas:core:2.0:User:active", "active"),
            ("URN:ietf:params:scim:schemas:core:2.0:user:name.givenName", "name.givenname"),
            ("urn:ietf:params:scim:schemas:core:2.0:Group:members", "members"),
            ("urn:ietf:params:scim:schemas:core:2.0:User", ""),
            ("name.familyName", "name.familyname"),
            ("emails[type eq \"work\"].value", "emails.value"),
            ("emails[ type  EQ \"work\" and primary eq true ].value", "emails.value"),
            ("members[value eq \"x\"]", "members"),
        ] {
            assert_eq!(path(text), (name.to_owned(), false), "{text}");
        }
        assert!(path("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager").1);
        let work = Path::read("emails[type eq \"work\"].value").expect("a path");
        assert_eq!(work.condition("type"), Some("work"));
        for bad in
            ["emails[", "emails[type]", "emails[type eq work].value", "a b", "emails[type eq \"x\"].", ".x", "a:b"]
        {
            assert_eq!(Path::read(bad).expect_err(bad).kind, Some("invalidPath"), "{bad}");
        }
    }

    #[test]
    fn filters_are_attributes_that_equal_texts() {
        let known = ["userName", "externalId", "id", "emails", "members"];
        let read = |text: &str| Filter::read(text, &known).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
        assert_eq!(read("userName Eq \"a\\\"b\"").get("userName"), Some("a\"b"));
        assert_eq!(read("urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"a\"").get("userName"), Some("a"));
        for text in [
            "emails[type eq \"work\"].value eq \"x\"",
            "emails [ type eq \"work\" and value eq \"x\" ]",
            "emails.value  eq  \"x\"",
            "emails[type eq \"work\"] eq \"x\"",
        ] {
            assert_eq!(read(text).get("emails"), Some("x"), "{text}");
        }
        let both = read("id eq \"g\" and members eq \"u\"");
        assert_eq!((both.get("id"), both.get("members")), (Some("g"), Some("u")));
        assert!(read("emails[type eq \"home\"].value eq \"x\"").fits_nothing);
        assert!(read("id eq \"a\" and id eq \"b\"").fits_nothing);
        for bad in [
            "userName",
            "userName co \"a\"",
            "title eq \"a\"",
            "userName eq a",
            "userName eq \"a\" or active eq true",
            "userName eq \"a\" and",
            "emails.display eq \"x\"",
        ] {
            assert_eq!(Filter::read(bad, &known).expect_err(bad).kind, Some("invalidFilter"), "{bad}");
        }
    }
}
