//! Which facts an expression reads: where none of them changed, neither does what it says.

use std::sync::LazyLock;

use cel::{
    IdedExpr,
    common::ast::{ComprehensionExpr, EntryExpr, Expr},
};

use super::{evaluate::CALLED, walk::Watched};
use crate::policy::{
    Facts,
    vocabulary::{Digest, Keys, Term, leaves},
};

/// Every leaf of the facts, in the order of their hashes.
static LEAVES: LazyLock<Vec<String>> = LazyLock::new(|| leaves(Facts::fields()));
static KEYS: LazyLock<Keys> = LazyLock::new(Keys::default);

/// One hash for each leaf of facts.
pub(super) fn digests(facts: &Facts) -> Vec<Digest> {
    let mut all = Vec::with_capacity(LEAVES.len());
    facts.digest(&KEYS, &mut all);
    all
}

/// What an expression reads.
#[derive(Debug, Default)]
pub(super) struct Reads {
    /// Places among the leaves, rising.
    leaves: Vec<usize>,
    /// The same with what is shown besides where it fires: entries of lists by their names, lists as a whole.
    shown: Vec<usize>,
    /// The names at the top of the facts.
    pub tops: Vec<&'static str>,
}

impl Reads {
    pub(super) fn of(root: &IdedExpr, watched: &[Watched]) -> Self {
        let mut found = Found::default();
        found.visit(root);
        let fits = |leaf: &String| found.reads.iter().any(|read| read.covers(leaf));
        let mut leaves: Vec<usize> = (0..LEAVES.len()).filter(|n| fits(&LEAVES[*n])).collect();
        // What cannot be placed could be anything.
        if found.reads.iter().any(|read| !LEAVES.iter().any(|leaf| read.covers(leaf))) {
            leaves = (0..LEAVES.len()).collect();
        }
        let top = |name: &&str| leaves.iter().any(|n| LEAVES[*n].split(['.', '[']).next() == Some(name));
        let tops = Facts::fields().iter().map(|field| field.name).filter(top).collect();
        let shows = |leaf: &str| {
            let part = |part: &Watched| match part {
                Watched::Entries { path, fields, .. } => match leaf.strip_prefix(path.as_str()) {
                    // Of a list of texts the texts themselves.
                    Some("[]") => true,
                    rest => rest
                        .and_then(|rest| rest.strip_prefix("[]."))
                        .is_some_and(|field| CALLED.contains(&field) || fields.iter().any(|known| known == field)),
                },
                Watched::Fact { path, .. } => within(path, leaf),
            };
            watched.iter().any(part)
        };
        let shown = (0..LEAVES.len()).filter(|n| leaves.contains(n) || shows(&LEAVES[*n])).collect();
        Self { leaves, shown, tops }
    }

    /// One hash over all that is read.
    pub(super) fn key(&self, digests: &[Digest]) -> Digest {
        KEYS.together(self.leaves.iter().filter_map(|n| digests.get(*n)))
    }

    /// One hash over all that is read and shown.
    pub(super) fn shown(&self, digests: &[Digest]) -> Digest {
        KEYS.together(self.shown.iter().filter_map(|n| digests.get(*n)))
    }
}

/// Whether one path leads into another.
fn within(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// A fact that is read.
enum Read {
    /// It and all that is in it.
    Whole(String),
    /// Of a list, how many entries there are.
    Length(String),
}

impl Read {
    fn covers(&self, leaf: &str) -> bool {
        match self {
            Self::Whole(path) => within(path, leaf) || within(leaf, path),
            Self::Length(path) => within(leaf, path),
        }
    }
}

/// What a name stands for.
enum Named {
    /// The fact at a path.
    Fact(String),
    /// What was read already.
    Read,
}

#[derive(Default)]
struct Found {
    reads: Vec<Read>,
    /// Variables, with the path of what they stand for. Those without one stand for what was read when it was made.
    scope: Vec<(String, Option<String>)>,
}

impl Found {
    /// What a part names, if it is a name.
    fn named(&self, expr: &Expr) -> Option<Named> {
        match expr {
            Expr::Ident(name) => match self.scope.iter().rev().find(|(known, _)| known == name) {
                Some((_, Some(path))) => Some(Named::Fact(path.clone())),
                Some((_, None)) => Some(Named::Read),
                None => Some(Named::Fact(name.clone())),
            },
            Expr::Select(select) => match self.named(&select.operand.expr)? {
                Named::Fact(path) => Some(Named::Fact(format!("{path}.{}", select.field))),
                Named::Read => Some(Named::Read),
            },
            _ => None,
        }
    }

    fn visit(&mut self, at: &IdedExpr) {
        match self.named(&at.expr) {
            Some(Named::Fact(path)) => return self.reads.push(Read::Whole(path)),
            Some(Named::Read) => return,
            None => {}
        }
        match &at.expr {
            Expr::Select(select) => self.visit(&select.operand),
            Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).for_each(|part| self.visit(part)),
            Expr::List(list) => list.elements.iter().for_each(|part| self.visit(part)),
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.visit(&entry.key);
                        self.visit(&entry.value);
                    }
                }
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            _ => {}
        }
    }

    fn comprehension(&mut self, c: &ComprehensionExpr) {
        let entry = match self.named(&c.iter_range.expr) {
            Some(Named::Fact(path)) => {
                let entry = format!("{path}[]");
                self.reads.push(Read::Length(path));
                Some(entry)
            }
            Some(Named::Read) => None,
            None => {
                self.visit(&c.iter_range);
                None
            }
        };
        self.visit(&c.accu_init);
        let kept = self.scope.len();
        self.scope.push((c.accu_var.clone(), None));
        self.scope.push((c.iter_var.clone(), entry));
        self.scope.extend(c.iter_var2.iter().map(|name| (name.clone(), None)));
        self.visit(&c.loop_cond);
        self.visit(&c.loop_step);
        self.scope.truncate(kept + 1);
        self.visit(&c.result);
        self.scope.truncate(kept);
    }
}
