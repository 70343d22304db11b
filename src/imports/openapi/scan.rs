//! One pass over a whole document that keeps nothing: nesting, duplicate keys, references that
//! would leave the document.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::LazyLock,
};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::DEPTH;

/// Keyed anew in each process, so that nobody can prepare keys that collide.
static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Visits a value; fails with a reason.
#[derive(Clone, Copy, Default)]
pub struct Scan {
    depth: usize,
    reference: bool,
}

impl Scan {
    fn below(self) -> Self {
        Self { depth: self.depth + 1, reference: false }
    }

    fn check_depth<E: Error>(self) -> Result<(), E> {
        if self.depth >= DEPTH {
            return Err(E::custom(format!("it nests deeper than {DEPTH} levels")));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Scan {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// A key of an object: its hash, and whether it is `$ref`.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = (u64, bool);
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = (u64, bool);
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok((KEYS.hash_one(key), key == "$ref"))
    }
}

impl<'de> Visitor<'de> for Scan {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_i128<E: Error>(self, _: i128) -> Result<(), E> {
        Ok(())
    }
    fn visit_u128<E: Error>(self, _: u128) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if self.reference && !text.starts_with('#') {
            let shown = crate::text::clip(text, 80);
            return Err(E::custom(format!(
                "the reference '{shown}' leaves the document; bundle it into one file first"
            )));
        }
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.check_depth()?;
        while seq.next_element_seed(self.below())?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.check_depth()?;
        let mut seen: Vec<u64> = Vec::new();
        while let Some((key, reference)) = map.next_key_seed(Key)? {
            seen.push(key);
            map.next_value_seed(Self { reference, ..self.below() })?;
        }
        seen.sort_unstable();
        if seen.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(A::Error::custom("an object has the same key twice"));
        }
        Ok(())
    }
}
