//! A CEL expression over the facts: checked on save, compiled once, bounded, and able to say which
//! values made it fire.

mod bounds;
mod check;
mod evaluate;
mod guard;
mod matching;
mod memory;
mod reads;
mod walk;

use cel::{Env, Program};
use serde::Serialize;
use std::sync::{Arc, LazyLock};
use utoipa::ToSchema;

pub use evaluate::{Brief, Judged, Matched, Outcome};
use memory::Memory;
use reads::Reads;
use walk::Watched;

/// Longest text of an expression, in bytes.
pub const LONGEST: usize = 4000;
/// How deep one comprehension may stand in another.
const DEEPEST: usize = 2;
/// Nodes of the syntax tree at most.
const NODES: usize = 500;
/// How deep the syntax tree may be.
const LEVELS: usize = 100;
/// How deep brackets may stand within brackets.
const BRACKETS: usize = 50;
/// Bytes of stack for the parser: the longest text at its deepest fits several times.
const STACK: usize = 128 << 20;

/// One environment for all: the standard library of the language, its patterns compiled once.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(matching::environment()));

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// Line, from 1 on.
    pub line: usize,
    /// Column, from 1 on.
    pub column: usize,
    /// Why.
    pub message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line {}, column {}: {}", self.line, self.column, self.message)
    }
}

/// A checked expression.
pub struct Expression {
    program: Program,
    watched: Vec<Watched>,
    hints: Vec<Fault>,
    reads: Reads,
    /// Why it is not evaluated: its values or steps could get too many.
    unbounded: Option<String>,
    /// What it said, by what it had read.
    said: Memory<Result<bool, String>>,
    /// The hash of the values by which it fired, by what it had read and shows of it.
    fired: Memory<[u8; 32]>,
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Expression").field("source", &self.program.source_info().source).finish_non_exhaustive()
    }
}

impl Expression {
    /// Compiles and checks: syntax, names, types as far as they are known, and the bounds. Every fault
    /// comes with its place.
    pub fn compile(source: &str) -> Result<Self, Vec<Fault>> {
        let compiled = Self::stored(source)?;
        match compiled.unbounded {
            Some(message) => Err(vec![Fault { line: 1, column: 1, message }]),
            None => Ok(compiled),
        }
    }

    /// As `compile`, for what was saved before: one that exceeds the bounds is compiled all the same, and cannot be
    /// evaluated, so that the others are.
    pub fn stored(source: &str) -> Result<Self, Vec<Fault>> {
        if source.trim().is_empty() {
            return Err(vec![Fault { line: 1, column: 1, message: "Write an expression.".into() }]);
        }
        if source.len() > LONGEST {
            let message = format!("This has {} bytes; at most {LONGEST} fit.", source.len());
            return Err(vec![Fault { line: 1, column: 1, message }]);
        }
        let deepest = source.chars().scan(0_usize, |depth, c| {
            match c {
                '(' | '[' | '{' => *depth += 1,
                ')' | ']' | '}' => *depth = depth.saturating_sub(1),
                _ => {}
            }
            Some(*depth)
        });
        if deepest.max().unwrap_or_default() > BRACKETS {
            let message = format!("Brackets stand within brackets more than {BRACKETS} deep.");
            return Err(vec![Fault { line: 1, column: 1, message }]);
        }
        // The parser goes down as deep as the text does; it gets room for that, and what is too deep for
        // everybody else does not leave this thread.
        let thread = std::thread::Builder::new().stack_size(STACK);
        let compiled = std::thread::scope(|scope| {
            let work = || {
                let program = ENVIRONMENT.compile(source).map_err(syntax)?;
                let hints = check::check(&program, source)?;
                let unbounded = bounds::fault(program.expression());
                let watched = walk::watched(program.expression());
                let reads = Reads::of(program.expression(), &watched);
                let (said, fired) = (Memory::default(), Memory::default());
                Ok(Self { program, watched, hints, reads, unbounded, said, fired })
            };
            let wait = || thread.spawn_scoped(scope, work).map(std::thread::ScopedJoinHandle::join);
            base::foreign::compute(wait)
        });
        let broken = || vec![Fault { line: 1, column: 1, message: "This cannot be read.".into() }];
        compiled.map_err(|_| broken())?.map_err(|_| broken())?
    }

    /// What may be saved and is better mended: facts that may be null and are not asked for first.
    pub fn hints(&self) -> &[Fault] {
        &self.hints
    }

    /// Whether stored facts lack a name that it reads: they were kept before there was such a fact. What is
    /// null is known.
    pub fn lacks(&self, facts: &serde_json::Value) -> bool {
        self.watched.iter().any(|part| part.is_lacking_in(facts))
    }

    /// Whether it looks at a fact, by its path.
    pub fn names(&self, path: &str) -> bool {
        self.watched.iter().any(|part| part.path() == path)
    }
}

fn syntax(errors: cel::ParseErrors) -> Vec<Fault> {
    if errors.errors.iter().any(|error| error.msg.contains("Recursion limit")) {
        return vec![Fault {
            line: 1,
            column: 1,
            message: "Its parts stand within parts too deep. Split the rule.".into(),
        }];
    }
    let place = |n: isize| usize::try_from(n).unwrap_or(1).max(1);
    errors
        .errors
        .into_iter()
        .take(5)
        .map(|error| Fault { line: place(error.pos.0), column: place(error.pos.1), message: sentence(&error.msg) })
        .collect()
}

/// A message of the parser as a sentence.
fn sentence(text: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod reads_tests;
