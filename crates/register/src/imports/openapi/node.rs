//! A document is walked, not loaded: each object is read one level deep, its values stay slices of the text. `$ref`s
//! are followed within the document and the files that came with it, never outside.

use std::{borrow::Cow, cell::OnceCell, cell::RefCell, collections::HashMap, fmt, rc::Rc};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Notation, notation_of, yaml};
use base::foreign::Deadline;

/// How many references may lead from one to the next.
const HOPS: usize = 16;

/// A file of a document, converted to JSON when it is first needed.
pub struct File {
    /// Its path, with slashes, from the folder that all of them are in.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
    json: OnceCell<Result<String, String>>,
}

impl File {
    pub fn new(path: String, bytes: Vec<u8>) -> Self {
        Self { path, bytes, json: OnceCell::new() }
    }

    /// As JSON text; what is wrong where it cannot be read.
    pub fn json(&self, deadline: &Deadline) -> Result<&str, &str> {
        let read = || {
            let text = std::str::from_utf8(&self.bytes)
                .map_err(|error| format!("it is not valid UTF-8: byte {} is wrong", error.valid_up_to() + 1))?;
            let text = text.trim_start_matches('\u{feff}');
            match notation_of(&self.bytes) {
                Notation::Json => Ok(text.to_owned()),
                Notation::Yaml => yaml::to_json(text, deadline),
            }
        };
        self.json.get_or_init(read).as_deref().map_err(String::as_str)
    }
}

/// A value of a document, where it stands.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    file: usize,
    text: &'a str,
}

/// An object, one level deep, in its order.
#[derive(Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Node<'a>)>);

impl<'a> Object<'a> {
    /// The first value of a key.
    pub fn get(&self, key: &str) -> Option<Node<'a>> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, node)| *node)
    }

    /// Its entries.
    pub fn entries(&self) -> impl Iterator<Item = (&str, Node<'a>)> {
        self.0.iter().map(|(key, node)| (key.as_ref(), *node))
    }

    /// A text, or a plain scalar as it is written; `None` for anything else.
    pub fn text(&self, key: &str) -> Option<String> {
        self.get(key).and_then(Node::scalar)
    }
}

impl Node<'_> {
    /// A text, or a number or boolean as it is written.
    pub fn scalar(self) -> Option<String> {
        let text = match self.text.as_bytes().first()? {
            b'"' => serde_json::from_str::<String>(self.text).ok()?,
            b'{' | b'[' | b'n' => return None,
            _ => self.text.to_owned(),
        };
        let text = text.trim();
        let text = if text.contains('\0') { text.replace('\0', "") } else { text.to_owned() };
        (!text.is_empty()).then_some(text)
    }

    /// Whether it is an object or a list that has something in it.
    fn is_object(self) -> bool {
        self.text.starts_with('{')
    }
}

/// What a reference leads to, or why to nothing.
type Followed<'a> = Result<Node<'a>, String>;
/// Values by their keys, one level deep.
type Level<'a> = Rc<HashMap<Cow<'a, str>, Node<'a>>>;

/// A document with the files that came with it.
pub struct Documents<'a> {
    files: &'a [File],
    deadline: &'a Deadline,
    /// Levels that references went through, by file and place.
    levels: RefCell<HashMap<*const u8, Level<'a>>>,
    /// Files that references led to.
    used: RefCell<Vec<usize>>,
}

impl<'a> Documents<'a> {
    pub fn new(files: &'a [File], deadline: &'a Deadline) -> Self {
        Self { files, deadline, levels: RefCell::default(), used: RefCell::default() }
    }

    /// The whole of a file.
    pub fn root(&self, file: usize) -> Followed<'a> {
        let found = &self.files[file];
        if !self.used.borrow().contains(&file) {
            self.used.borrow_mut().push(file);
        }
        let text = found.json(self.deadline).map_err(|reason| format!("'{}' cannot be read: {reason}", found.path))?;
        Ok(Node { file, text: text.trim() })
    }

    /// The files that were needed, in the order of their paths.
    pub fn used(&self) -> Vec<&'a File> {
        let mut used: Vec<&File> = self.used.borrow().iter().map(|file| &self.files[*file]).collect();
        used.sort_by(|a, b| a.path.cmp(&b.path));
        used
    }

    /// An object as it stands, references not followed; anything else is empty.
    pub fn plain(&self, node: Node<'a>) -> Object<'a> {
        if !node.is_object() {
            return Object::default();
        }
        let entries: Entries = serde_json::from_str(node.text).unwrap_or_default();
        Object(entries.0.into_iter().map(|(key, raw)| (key, Node { file: node.file, text: raw.get() })).collect())
    }

    /// An object, its `$ref` followed: what it has itself comes before what the reference brings. The reason where
    /// the reference leads nowhere.
    pub fn object(&self, node: Node<'a>) -> Result<Object<'a>, String> {
        let mut object = self.plain(node);
        let mut here = node;
        for _ in 0..HOPS {
            let Some(reference) = object.0.iter().position(|(key, _)| key == "$ref") else { return Ok(object) };
            let (_, reference) = object.0.remove(reference);
            let Some(reference) = reference.scalar() else { return Ok(object) };
            here = self.follow(here, &reference)?;
            for (key, value) in self.plain(here).0 {
                if object.get(&key).is_none() {
                    object.0.push((key, value));
                }
            }
        }
        Err(format!("references lead from one to the next more than {HOPS} times"))
    }

    /// The entries of a list; anything else is empty.
    pub fn items(&self, node: Node<'a>) -> Vec<Node<'a>> {
        let items: Items = serde_json::from_str(node.text).unwrap_or_default();
        items.0.into_iter().map(|raw| Node { file: node.file, text: raw.get() }).collect()
    }

    /// What a reference leads to from where it stands.
    fn follow(&self, from: Node<'a>, reference: &str) -> Followed<'a> {
        let shown = base::text::clip(reference, 120);
        let (path, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let file = if path.is_empty() { from.file } else { self.file(from.file, path, shown)? };
        let mut node = self.root(file)?;
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(format!("the reference '{shown}' is not a JSON pointer"));
        }
        for token in pointer.split('/').skip(1) {
            let token = percent_decoded(token).replace("~1", "/").replace("~0", "~");
            node = self.step(node, &token).ok_or_else(|| format!("the reference '{shown}' leads to nothing"))?;
        }
        Ok(node)
    }

    fn step(&self, node: Node<'a>, token: &str) -> Option<Node<'a>> {
        if node.text.starts_with('[') {
            return self.items(node).get(token.parse::<usize>().ok()?).copied();
        }
        let place = node.text.as_ptr();
        if let Some(level) = self.levels.borrow().get(&place) {
            return level.get(token).copied();
        }
        let level: Level = Rc::new(self.plain(node).0.into_iter().rev().collect());
        let found = level.get(token).copied();
        self.levels.borrow_mut().insert(place, level);
        found
    }

    /// The file at a path beside another one; never above the folder that they came in.
    fn file(&self, from: usize, path: &str, shown: &str) -> Result<usize, String> {
        let leaves = || {
            format!(
                "the reference '{shown}' leaves the document: import the folder or a zip file that holds all its \
                 files, or bundle them into one"
            )
        };
        let path = percent_decoded(path);
        if path.contains("://")
            || path.starts_with(['/', '\\'])
            || path.split('/').next().is_some_and(|s| s.contains(':'))
        {
            return Err(leaves());
        }
        let mut parts: Vec<&str> = self.files[from].path.split('/').collect();
        parts.pop();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop().ok_or_else(leaves)?),
                part => parts.push(part),
            }
        }
        let wanted = parts.join("/");
        self.files.iter().position(|file| file.path == wanted).ok_or_else(leaves)
    }
}

fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let form = text.replace('+', "%2B");
    url::form_urlencoded::parse(form.as_bytes()).next().map_or_else(|| text.to_owned(), |(key, _)| key.into_owned())
}

/// The entries of an object, unparsed.
#[derive(Default)]
struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);
/// The entries of a list, unparsed.
#[derive(Default)]
struct Items<'a>(Vec<&'a RawValue>);

/// A key, borrowed where it holds no escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Found;
        impl<'de> Visitor<'de> for Found {
            type Value = Entries<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    entries.push((key, map.next_value()?));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Found)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Found;
        impl<'de> Visitor<'de> for Found {
            type Value = Items<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Items(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Items::default())
            }
        }
        deserializer.deserialize_any(Found)
    }
}
