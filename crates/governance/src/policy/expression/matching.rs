//! The function `matches` of the language, with each pattern compiled once. The crate's own compiles
//! the pattern anew for every text, which took a third of the time of judging a register.

use std::{
    collections::HashMap,
    sync::{LazyLock, PoisonError, RwLock},
};

use cel::{
    Env, ExecutionError,
    common::types::{CelBool, CelString},
};
use regex::{Regex, RegexBuilder};

/// Patterns kept at most. Each stands in the text of a rule, so that there are few.
const KEPT: usize = 1000;
/// Bytes of a compiled pattern at most.
const LARGEST: usize = 1 << 20;

static PATTERNS: LazyLock<RwLock<HashMap<String, Regex>>> = LazyLock::new(RwLock::default);

/// The standard library with `matches`, as a method of a text and as a function of two: the language has both.
pub(super) fn environment() -> Env {
    let mut env = Env::stdlib();
    let method = cel::add_member_overload!(env, fn matches: (CelString, CelString) -> Result<CelBool>);
    let function = cel::add_overload!(env, fn matches: (CelString, CelString) -> Result<CelBool>, id = "matches");
    debug_assert!(method.is_ok() && function.is_ok(), "the library brings its own: {method:?} {function:?}");
    env
}

/// A pattern in RE2 syntax, compiled; its clones share what was compiled.
pub(super) fn compiled(pattern: &str) -> Result<Regex, regex::Error> {
    if let Some(known) = PATTERNS.read().unwrap_or_else(PoisonError::into_inner).get(pattern) {
        return Ok(known.clone());
    }
    let made = RegexBuilder::new(pattern).size_limit(LARGEST).build()?;
    let mut patterns = PATTERNS.write().unwrap_or_else(PoisonError::into_inner);
    if patterns.len() >= KEPT {
        patterns.clear();
    }
    patterns.insert(pattern.to_owned(), made.clone());
    Ok(made)
}

fn matches(text: &CelString<'_>, pattern: &CelString<'_>) -> Result<CelBool, ExecutionError> {
    let found = compiled(pattern.inner()).map(|pattern| pattern.is_match(text.inner()));
    found.map(CelBool::from).map_err(|error| ExecutionError::function_error("matches", error))
}
