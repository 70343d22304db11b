//! One pass over a whole document that keeps nothing: nesting, duplicate keys, references to elsewhere, and a digest
//! of what it says, whatever its notation and the order of its keys.

use std::{cell::Cell, cell::RefCell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use sha2::{Digest as _, Sha256};

use super::{DEPTH, notes::Notes};
use base::foreign::Deadline;

/// The digest of a value, the first half of its SHA-256.
type Digest = [u8; 16];

/// Values between two looks at the clock.
const VALUES_A_LOOK: usize = 1024;

/// What the pass is made with.
struct Pass<'a> {
    deadline: &'a Deadline,
    notes: RefCell<&'a mut Notes>,
    values: Cell<usize>,
}

/// Reads a text; the digest of what it says, or what is wrong with it.
pub fn scan(text: &str, notes: &mut Notes, deadline: &Deadline) -> Result<Vec<u8>, serde_json::Error> {
    let pass = Pass { deadline, notes: RefCell::new(notes), values: Cell::new(0) };
    let mut json = serde_json::Deserializer::from_str(text);
    let digest = Scan { pass: &pass, depth: 0, place: Place::Root, reference: false }.deserialize(&mut json)?;
    json.end()?;
    Ok(digest.to_vec())
}

/// Where a value stands, as far as it matters: what the register reads must be unambiguous.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    Paths,
    PathItem,
    Operation,
    Components,
    /// What is read to its depths: info, servers, security schemes, requirements.
    Read,
    Elsewhere,
}

impl Place {
    fn below(self, key: &str) -> Self {
        match (self, key) {
            (_, key) if key.starts_with("x-") && key != "x-webhooks" => Self::Elsewhere,
            (Self::Root, "paths" | "webhooks" | "x-webhooks") | (Self::Components, "pathItems") => Self::Paths,
            (Self::Root, "components") => Self::Components,
            (Self::Root, "info" | "servers" | "security" | "securityDefinitions")
            | (Self::Components, "securitySchemes")
            | (Self::PathItem, "servers")
            | (Self::Operation, "servers" | "security")
            | (Self::Read, _) => Self::Read,
            (Self::Paths, _) | (Self::PathItem, "additionalOperations") => Self::PathItem,
            (Self::PathItem, key) if !matches!(key, "parameters" | "description" | "summary") => Self::Operation,
            _ => Self::Elsewhere,
        }
    }
}

#[derive(Clone, Copy)]
struct Scan<'p, 'a> {
    pass: &'p Pass<'a>,
    depth: usize,
    place: Place,
    reference: bool,
}

impl Scan<'_, '_> {
    fn look<E: Error>(self) -> Result<(), E> {
        let values = self.pass.values.get() + 1;
        self.pass.values.set(values);
        if values.is_multiple_of(VALUES_A_LOOK) && self.pass.deadline.is_over() {
            return Err(E::custom("reading it takes too long"));
        }
        if self.depth >= DEPTH {
            return Err(E::custom(format!("it nests deeper than {DEPTH} levels")));
        }
        Ok(())
    }
}

fn digest(kind: u8, bytes: &[u8]) -> Digest {
    let mut hash = Sha256::new();
    hash.update([kind]);
    hash.update(bytes);
    let mut short = Digest::default();
    short.copy_from_slice(&hash.finalize()[..16]);
    short
}

impl<'de> DeserializeSeed<'de> for Scan<'_, '_> {
    type Value = Digest;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Digest, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan<'_, '_> {
    type Value = Digest;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Digest, E> {
        Ok(digest(b'b', &[u8::from(value)]))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Digest, E> {
        Ok(digest(b'n', value.to_string().as_bytes()))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Digest, E> {
        Ok(digest(b'n', value.to_string().as_bytes()))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Digest, E> {
        Ok(digest(b'n', value.to_string().as_bytes()))
    }
    fn visit_unit<E: Error>(self) -> Result<Digest, E> {
        Ok(digest(b'0', &[]))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Digest, E> {
        if self.reference && !text.starts_with('#') {
            let shown = base::text::clip(text, 80);
            self.pass.notes.borrow_mut().add(format!("A reference leads to another file: '{shown}'."));
        }
        Ok(digest(b's', text.as_bytes()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Digest, A::Error> {
        self.look()?;
        // Entries of a list have no keys: what is read stays read, and nothing else begins to be.
        let place = if self.place == Place::Read { Place::Read } else { Place::Elsewhere };
        let below = Self { depth: self.depth + 1, place, reference: false, ..self };
        let mut all = Vec::new();
        while let Some(entry) = seq.next_element_seed(below)? {
            all.extend_from_slice(&entry);
        }
        Ok(digest(b'l', &all))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Digest, A::Error> {
        self.look()?;
        let mut all: Vec<[Digest; 2]> = Vec::new();
        while let Some(key) = map.next_key::<std::borrow::Cow<str>>()? {
            let below = Self { depth: self.depth + 1, place: self.place.below(&key), reference: key == "$ref", ..self };
            all.push([digest(b'k', key.as_bytes()), map.next_value_seed(below)?]);
        }
        all.sort_unstable();
        if all.windows(2).any(|pair| pair[0][0] == pair[1][0]) {
            if self.place != Place::Elsewhere {
                return Err(A::Error::custom("an object has the same key twice"));
            }
            self.pass.notes.borrow_mut().add("An example or a schema has the same key twice.".into());
        }
        Ok(digest(b'm', &all.concat().concat()))
    }
}
