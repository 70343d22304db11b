//! YAML as JSON text, so that one reader serves both notations. Events come from a port of libyaml, which reads what
//! `PyYAML` reads; scalars follow the core schema of YAML 1.2, where `no` and `12:30` are texts. Aliases are written out,
//! bounded by what they come to.

use std::{collections::HashMap, rc::Rc};

use libyaml_safer::{EventData, Parser, ScalarStyle};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::DEPTH;
use base::foreign::Deadline;

/// Bytes of JSON that a document may come to with its aliases written out, whatever its size.
const LEAST_EXPANSION: usize = 64 << 20;
/// Bytes of all anchored parts together.
const MOST_ANCHORED: usize = 64 << 20;
/// Events between two looks at the clock.
const EVENTS_A_LOOK: usize = 512;

/// Converts a document. The reason where it cannot: with line and column, as libyaml counts them.
pub fn to_json(text: &str, deadline: &Deadline) -> Result<String, String> {
    let mut input = text.as_bytes();
    let mut parser: Parser<&mut &[u8]> = Parser::new();
    parser.set_input_string(&mut input);
    let mut writer = Writer::new(LEAST_EXPANSION.max(text.len().saturating_mul(2)));
    for n in 1_usize.. {
        if n.is_multiple_of(EVENTS_A_LOOK) && deadline.is_over() {
            return Err("reading it takes too long".into());
        }
        let event = parser.parse().map_err(|error| described(&error))?;
        let place = (event.start_mark.line + 1, event.start_mark.column + 1);
        let (end, written) = match event.data {
            EventData::StreamEnd => (true, Ok(())),
            EventData::DocumentStart { .. } => (false, writer.document()),
            EventData::StreamStart { .. } | EventData::DocumentEnd { .. } => (false, Ok(())),
            EventData::Alias { anchor } => (false, writer.alias(&anchor)),
            EventData::Scalar { anchor, tag, value, style, .. } => {
                let scalar = Scalar { plain: style == ScalarStyle::Plain, tag: tag.as_deref(), text: &value };
                (false, writer.scalar(&scalar, anchor))
            }
            EventData::SequenceStart { anchor, .. } => (false, writer.open(Kind::List, anchor)),
            EventData::MappingStart { anchor, .. } => (false, writer.open(Kind::Map, anchor)),
            EventData::SequenceEnd | EventData::MappingEnd => (false, writer.close()),
        };
        written.map_err(|reason| format!("{reason}, at line {} column {}", place.0, place.1))?;
        if end {
            break;
        }
    }
    writer.finish()
}

fn described(error: &libyaml_safer::Error) -> String {
    match error.problem_mark() {
        Some(mark) => format!("{}, at line {} column {}", error.problem(), mark.line + 1, mark.column + 1),
        None => error.problem().to_owned(),
    }
}

struct Scalar<'a> {
    plain: bool,
    tag: Option<&'a str>,
    text: &'a str,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    List,
    Map,
}

/// An object or a list that is being written.
struct Frame {
    kind: Kind,
    /// Where it begins.
    start: usize,
    anchor: Option<String>,
    count: usize,
    /// Whether the key of an entry is written and its value comes next.
    keyed: bool,
    /// Where the value of `<<` begins, while it is being written.
    merging: Option<usize>,
    /// What `<<` brought.
    merged: Vec<String>,
}

struct Writer {
    out: String,
    most: usize,
    stack: Vec<Frame>,
    anchors: HashMap<String, Rc<str>>,
    anchored: usize,
    documents: usize,
}

type Written = Result<(), String>;

impl Writer {
    fn new(most: usize) -> Self {
        Self { out: String::new(), most, stack: Vec::new(), anchors: HashMap::new(), anchored: 0, documents: 0 }
    }

    fn document(&mut self) -> Written {
        self.documents += 1;
        if self.documents > 1 { Err("there is more than one document in it".into()) } else { Ok(()) }
    }

    fn finish(self) -> Result<String, String> {
        if self.out.is_empty() { Err("there is nothing in it".into()) } else { Ok(self.out) }
    }

    /// Writes what stands before a value or a key; `true` where a key is to be written.
    fn before(&mut self) -> bool {
        let Some(frame) = self.stack.last_mut() else { return false };
        match (frame.kind, frame.keyed) {
            (Kind::Map, true) => false,
            (kind, _) => {
                if frame.count > 0 && (kind == Kind::List || frame.merging.is_none()) {
                    self.out.push(',');
                }
                kind == Kind::Map
            }
        }
    }

    /// A value is complete.
    fn after(&mut self) -> Written {
        if self.out.len() > self.most {
            return Err(format!("with its aliases written out it has more than {} MiB", self.most >> 20));
        }
        if let Some(frame) = self.stack.last_mut() {
            frame.keyed = false;
            if let Some(start) = frame.merging.take() {
                frame.merged.push(self.out.split_off(start));
            } else {
                frame.count += 1;
            }
        }
        Ok(())
    }

    fn scalar(&mut self, scalar: &Scalar, anchor: Option<String>) -> Written {
        let is_map = self.stack.last().is_some_and(|frame| frame.kind == Kind::Map && !frame.keyed);
        if is_map && scalar.plain && scalar.text == "<<" {
            let start = self.out.len();
            if let Some(frame) = self.stack.last_mut() {
                (frame.keyed, frame.merging) = (true, Some(start));
            }
            return Ok(());
        }
        let key = self.before();
        let start = self.out.len();
        if key {
            quoted(&mut self.out, scalar.text);
            self.keep(anchor, start)?;
            self.out.push(':');
            if let Some(frame) = self.stack.last_mut() {
                frame.keyed = true;
            }
            return Ok(());
        }
        written(&mut self.out, scalar);
        self.keep(anchor, start)?;
        self.after()
    }

    fn alias(&mut self, anchor: &str) -> Written {
        let Some(known) = self.anchors.get(anchor).cloned() else {
            return Err(format!("the alias '{}' refers to nothing before it", base::text::clip(anchor, 60)));
        };
        if self.out.len() + known.len() > self.most {
            return Err(format!("with its aliases written out it has more than {} MiB", self.most >> 20));
        }
        if self.before() {
            if !known.starts_with('"') {
                return Err("a key is no text".into());
            }
            self.out.push_str(&known);
            self.out.push(':');
            if let Some(frame) = self.stack.last_mut() {
                frame.keyed = true;
            }
            return Ok(());
        }
        self.out.push_str(&known);
        self.after()
    }

    fn open(&mut self, kind: Kind, anchor: Option<String>) -> Written {
        if self.stack.len() >= DEPTH {
            return Err(format!("it nests deeper than {DEPTH} levels"));
        }
        if self.before() {
            return Err("a key is no text".into());
        }
        let start = self.out.len();
        self.out.push(if kind == Kind::List { '[' } else { '{' });
        let frame = Frame { kind, start, anchor, count: 0, keyed: false, merging: None, merged: Vec::new() };
        self.stack.push(frame);
        Ok(())
    }

    fn close(&mut self) -> Written {
        let Some(frame) = self.stack.pop() else { return Err("it ends before it begins".into()) };
        if !frame.merged.is_empty() {
            self.merge(&frame)?;
        }
        self.out.push(if frame.kind == Kind::List { ']' } else { '}' });
        self.keep(frame.anchor, frame.start)?;
        self.after()
    }

    /// Adds what `<<` brought under keys that the mapping does not have itself; the first of several wins.
    fn merge(&mut self, frame: &Frame) -> Written {
        let no_mapping = |_| "'<<' takes a mapping or a list of them".to_owned();
        let here = format!("{}}}", &self.out[frame.start..]);
        let own: Entries = serde_json::from_str(&here).map_err(no_mapping)?;
        let mut known: std::collections::HashSet<String> = own.0.into_iter().map(|(key, _)| key).collect();
        let mut count = frame.count;
        for merged in &frame.merged {
            let all: Vec<Entries> = if merged.starts_with('[') {
                serde_json::from_str(merged).map_err(no_mapping)?
            } else {
                vec![serde_json::from_str(merged).map_err(no_mapping)?]
            };
            for (key, value) in all.into_iter().flat_map(|entries| entries.0) {
                if known.insert(key.clone()) {
                    if count > 0 {
                        self.out.push(',');
                    }
                    count += 1;
                    quoted(&mut self.out, &key);
                    self.out.push(':');
                    self.out.push_str(value.get());
                    if self.out.len() > self.most {
                        return Err(format!("with its merges written out it has more than {} MiB", self.most >> 20));
                    }
                }
            }
        }
        Ok(())
    }

    fn keep(&mut self, anchor: Option<String>, start: usize) -> Written {
        let Some(anchor) = anchor else { return Ok(()) };
        let part: Rc<str> = self.out[start..].into();
        self.anchored += part.len() + anchor.len();
        if self.anchored > MOST_ANCHORED {
            return Err(format!("its anchored parts have more than {} MiB", MOST_ANCHORED >> 20));
        }
        self.anchors.insert(anchor, part);
        Ok(())
    }
}

/// The entries of an object as they are written.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Found;
        impl<'de> Visitor<'de> for Found {
            type Value = Vec<(String, &'de RawValue)>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a mapping")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(Found).map(Entries)
    }
}

fn quoted(out: &mut String, text: &str) {
    // A text is always JSON.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

fn written(out: &mut String, scalar: &Scalar) {
    let text = scalar.text;
    let tag = scalar.tag.and_then(|tag| tag.strip_prefix("tag:yaml.org,2002:"));
    if tag == Some("str") || !(scalar.plain || tag.is_some()) {
        return quoted(out, text);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => out.push_str("null"),
        "true" | "True" | "TRUE" => out.push_str("true"),
        "false" | "False" | "FALSE" => out.push_str("false"),
        _ if is_plain_number(text) => out.push_str(text),
        _ => quoted(out, text),
    }
}

/// Whether a number says no more than its value: `2.10` and `007` are kept as they are written, as texts.
fn is_plain_number(text: &str) -> bool {
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '-') || text.len() > 18 {
        return false;
    }
    if let Ok(number) = text.parse::<i64>() {
        return number.to_string() == text;
    }
    text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-')
        && text.parse::<f64>().is_ok_and(|number| format!("{number:?}") == text)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn json(text: &str) -> String {
        to_json(text, &Deadline::within(Duration::from_secs(5))).unwrap_or_else(|reason| format!("refused: {reason}"))
    }

    #[test]
    fn scalars_follow_the_core_schema_and_keep_what_they_say() {
        let cases = [
            ("a: 1", r#"{"a":1}"#),
            ("a: 2.10", r#"{"a":"2.10"}"#),
            ("a: 1.0", r#"{"a":1.0}"#),
            ("a: 007", r#"{"a":"007"}"#),
            ("a: no", r#"{"a":"no"}"#),
            ("a: 12:30:00", r#"{"a":"12:30:00"}"#),
            ("a: 2024-01-31", r#"{"a":"2024-01-31"}"#),
            ("a: ~\nb:\n", r#"{"a":null,"b":null}"#),
            ("a: 'true'\nb: True", r#"{"a":"true","b":true}"#),
            ("a: !!str 1", r#"{"a":"1"}"#),
            ("200: {}", r#"{"200":{}}"#),
            ("a: .inf", r#"{"a":".inf"}"#),
            ("a: |\n  one\n  two\n", r#"{"a":"one\ntwo\n"}"#),
        ];
        for (yaml, expected) in cases {
            assert_eq!(json(yaml), expected, "{yaml}");
        }
    }

    #[test]
    fn aliases_and_merges_are_written_out() {
        assert_eq!(json("a: &x {b: 1}\nc: *x"), r#"{"a":{"b":1},"c":{"b":1}}"#);
        assert_eq!(json("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}"), r#"{"a":{"b":1,"c":2},"d":{"c":3,"b":1}}"#);
        assert_eq!(json("x: &x {b: 1}\ny: &y {b: 2, c: 3}\nz: {<<: [*x, *y]}"), {
            r#"{"x":{"b":1},"y":{"b":2,"c":3},"z":{"b":1,"c":3}}"#
        });
        assert_eq!(json("&k a: 1\nb: *k"), r#"{"a":1,"b":"a"}"#);
        assert!(json("a: &a [*a]").contains("refers to nothing"));
        assert!(json("a: {<<: 1}").contains("takes a mapping"));
    }

    #[test]
    fn continuation_lines_at_the_indent_of_their_parent_are_read() {
        let text = "info:\n  description: \"Runs containers on hosts,\n  several at a time.\"\n";
        assert_eq!(json(text), r#"{"info":{"description":"Runs containers on hosts, several at a time."}}"#);
    }

    #[test]
    fn what_explodes_is_refused_by_what_it_comes_to() {
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for n in 1..12 {
            let last = n - 1;
            let refs = vec![format!("*a{last}"); 10].join(",");
            bomb.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
        }
        assert!(json(&bomb).contains("MiB"), "{}", base::text::clip(&json(&bomb), 100));
        let many = format!("a: &a 1\nb: [{}]", vec!["*a"; 5000].join(","));
        assert!(json(&many).starts_with("{\"a\":1,\"b\":[1,1"), "few anchors with many aliases are fine");
        assert!(json(&"[".repeat(100)).contains("deeper than 64"));
        assert!(json("a: 1\n---\nb: 2").contains("more than one document"));
        assert!(json("? [a]\n: 1").contains("a key is no text"));
    }

    #[test]
    fn the_deadline_stops_it() {
        let text = "- a\n".repeat(1 << 20);
        let begun = std::time::Instant::now();
        let reason = to_json(&text, &Deadline::within(Duration::from_millis(20))).expect_err("it takes longer");
        assert!(reason.contains("too long") && begun.elapsed() < Duration::from_secs(2), "{reason}");
    }
}
