//! Judging: whether an expression fires on facts, and by which values.

use std::{
    cell::{Ref, RefCell},
    sync::Arc,
};

use cel::{Context, Value, objects::Key};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::{ENVIRONMENT, Expression, reads, walk::Watched};
use crate::policy::{
    Facts,
    vocabulary::{Digest, Term},
};
use base::text;

/// Entries of a list shown at most.
const SHOWN: usize = 5;
/// The fields by which an entry is called, where it has them.
pub(super) const CALLED: [&str; 5] = ["name", "data_class", "scope", "questionnaire", "rule"];

/// A value that made a rule fire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Matched {
    /// The name of the fact; of a list, its entries for which the rule fires.
    pub path: String,
    /// Its value.
    pub value: serde_json::Value,
}

impl Matched {
    /// The values without days that pass: ages and terms change every night and say nothing new.
    pub fn timeless(all: &[Self]) -> Vec<Self> {
        let stays = |one: &&Self| !one.path.contains("_days") && one.path != "today";
        let kept = all.iter().filter(stays);
        kept.map(|one| Self { path: one.path.clone(), value: without_days(&one.value) }).collect()
    }
}

fn without_days(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Array(all) => all.iter().map(without_days).collect(),
        serde_json::Value::Object(all) => {
            let kept = all.iter().filter(|(name, _)| !name.ends_with("_days"));
            serde_json::Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        other => other.clone(),
    }
}

/// What an expression says of facts, in brief: the same where it says the same, but for days that pass. It is
/// stable over releases and may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brief {
    /// Nothing.
    Quiet,
    /// It fires; SHA-256 of the values.
    Fires([u8; 32]),
    /// It could not be evaluated; SHA-256 of why.
    Failed([u8; 32]),
}

impl Brief {
    /// Of what could not be evaluated.
    pub fn failed(why: &str) -> Self {
        Self::Failed(Sha256::digest(why).into())
    }
}

/// What an expression says of facts.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Nothing.
    Quiet,
    /// It fires, by these values.
    Fires(Vec<Matched>),
    /// It could not be evaluated: a finding of its own.
    Failed(String),
}

/// Facts as expressions read them, made once for all rules: what no expression asks for is not even
/// brought into their form.
pub struct Judged<'a> {
    facts: &'a Facts,
    digests: Vec<Digest>,
    context: RefCell<(Context<'static, 'static>, Vec<&'static str>)>,
}

impl<'a> Judged<'a> {
    /// The facts of one integration.
    pub fn new(facts: &'a Facts) -> Self {
        let context = Context::with_env(Arc::clone(&ENVIRONMENT));
        Self { facts, digests: reads::digests(facts), context: RefCell::new((context, Vec::new())) }
    }

    /// The facts with these names at the top.
    fn with(&self, tops: &[&'static str]) -> Ref<'_, Context<'static, 'static>> {
        {
            let (context, there) = &mut *self.context.borrow_mut();
            for name in tops {
                if !there.contains(name) {
                    there.push(name);
                    if let Some(value) = self.facts.part(name) {
                        context.add_variable_from_value(*name, value);
                    }
                }
            }
        }
        Ref::map(self.context.borrow(), |(context, _)| context)
    }
}

impl Expression {
    /// Judges facts.
    pub fn judge(&self, facts: &Judged) -> Outcome {
        match self.holds(facts) {
            Ok(false) => Outcome::Quiet,
            Ok(true) => Outcome::Fires(self.matched(facts)),
            Err(why) => Outcome::Failed(why),
        }
    }

    /// Judges facts without giving the values. What was shown of the same facts before is not gathered again.
    pub fn brief(&self, facts: &Judged) -> Brief {
        match self.holds(facts) {
            Ok(false) => return Brief::Quiet,
            Ok(true) => {}
            Err(why) => return Brief::failed(&why),
        }
        let key = self.reads.shown(&facts.digests);
        if let Some(known) = self.fired.get(&key) {
            return Brief::Fires(known);
        }
        let values = Matched::timeless(&self.matched(facts));
        let mut hash = Sha256::new();
        for one in &values {
            // Neither a path nor JSON has a line break in it.
            hash.update(format!("{}\n{}\n", one.path, one.value));
        }
        let hash = hash.finalize().into();
        self.fired.keep(key, hash);
        Brief::Fires(hash)
    }

    fn matched(&self, facts: &Judged) -> Vec<Matched> {
        let context = facts.with(&self.reads.tops);
        self.watched.iter().filter_map(|part| matched(part, &context)).collect()
    }

    /// Whether it is true of facts, without by which values; or why it could not be evaluated. What it said
    /// of the same facts before is not worked out again.
    pub fn holds(&self, facts: &Judged) -> Result<bool, String> {
        if let Some(why) = &self.unbounded {
            return Err(why.clone());
        }
        let key = self.reads.key(&facts.digests);
        if let Some(known) = self.said.get(&key) {
            return known;
        }
        let said = match self.program.execute(&facts.with(&self.reads.tops)) {
            Ok(Value::Bool(said)) => Ok(said),
            Ok(_) => Err("It gives neither true nor false.".into()),
            Err(error) => Err(text::clip(&error.to_string(), 500).to_owned()),
        };
        self.said.keep(key, said.clone());
        said
    }

    /// Forgets what it said.
    #[cfg(test)]
    pub(super) fn forget(&self) {
        self.said.clear();
        self.fired.clear();
    }
}

fn matched(part: &Watched, context: &Context) -> Option<Matched> {
    match part {
        Watched::Fact { path, expression } => {
            let value = context.resolve(expression).ok()?;
            // A whole object says too much; its fields are watched by themselves.
            let value = if matches!(value, Value::Map(_)) { return None } else { json_of(&value) };
            Some(Matched { path: path.clone(), value })
        }
        Watched::Entries { path, list, variable, predicate, wanted, fields } => {
            let Value::List(entries) = context.resolve(list).ok()? else { return None };
            let fits = |entry: &&Value| {
                let mut scope = context.new_inner_scope();
                scope.add_variable_from_value(variable.as_str(), (*entry).clone());
                matches!(scope.resolve(predicate), Ok(Value::Bool(said)) if said == *wanted)
            };
            let mut shown: Vec<serde_json::Value> = Vec::new();
            let mut more = 0;
            for entry in entries.iter().filter(fits) {
                if shown.len() < SHOWN { shown.push(brief(entry, fields)) } else { more += 1 }
            }
            if more > 0 {
                shown.push(json!(format!("and {more} more")));
            }
            Some(Matched { path: path.clone(), value: serde_json::Value::Array(shown) })
        }
    }
}

/// An entry by what it is called and the fields that matter.
fn brief(entry: &Value, fields: &[String]) -> serde_json::Value {
    let serde_json::Value::Object(all) = json_of(entry) else { return json_of(entry) };
    let kept: Map<String, serde_json::Value> =
        all.into_iter().filter(|(name, _)| CALLED.contains(&name.as_str()) || fields.contains(name)).collect();
    serde_json::Value::Object(kept)
}

fn json_of(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(b) => json!(b),
        Value::Int(n) => json!(n),
        Value::UInt(n) => json!(n),
        Value::Float(n) => json!(n),
        Value::String(s) => json!(text::clip(s, 300)),
        Value::List(items) => items.iter().take(20).map(json_of).collect(),
        Value::Map(map) => {
            let fields = map.map.iter().filter_map(|(key, value)| match key {
                Key::String(name) => Some((name.to_string(), json_of(value))),
                _ => None,
            });
            let mut fields: Vec<_> = fields.collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            serde_json::Value::Object(fields.into_iter().collect())
        }
        _ => serde_json::Value::Null,
    }
}
