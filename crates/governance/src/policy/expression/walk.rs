//! What of an expression is shown when it fires: the facts that it names, and the entries of lists
//! that it asks for.

use cel::{
    IdedExpr,
    common::ast::{ComprehensionExpr, EntryExpr, Expr, LiteralValue, operators},
};
use serde_json::Value;

/// A part whose value is shown.
pub(super) enum Watched {
    /// A fact by its path.
    Fact { path: String, expression: IdedExpr },
    /// The entries of a list for which the predicate says `wanted`.
    Entries {
        path: String,
        list: IdedExpr,
        variable: String,
        predicate: IdedExpr,
        wanted: bool,
        /// The fields of an entry that the predicate names.
        fields: Vec<String>,
    },
}

impl Watched {
    pub(super) fn path(&self) -> &str {
        match self {
            Self::Fact { path, .. } | Self::Entries { path, .. } => path,
        }
    }

    /// Whether facts as they were stored have no such name.
    pub(super) fn is_lacking_in(&self, facts: &Value) -> bool {
        let mut at = facts;
        for name in self.path().split('.') {
            match at {
                Value::Object(fields) => match fields.get(name) {
                    Some(value) => at = value,
                    None => return true,
                },
                // Of what was not there nothing is asked.
                _ => return false,
            }
        }
        match (self, at) {
            (Self::Entries { fields, .. }, Value::Array(entries)) => entries.iter().any(|entry| {
                entry.as_object().is_some_and(|entry| fields.iter().any(|field| !entry.contains_key(field)))
            }),
            _ => false,
        }
    }
}

/// The parts to watch, each once.
pub(super) fn watched(root: &IdedExpr) -> Vec<Watched> {
    let mut all = Vec::new();
    visit(root, &mut all);
    let mut seen = std::collections::HashSet::new();
    all.retain(|part: &Watched| seen.insert(part.path().to_owned()));
    all
}

fn visit(at: &IdedExpr, all: &mut Vec<Watched>) {
    if let Some(path) = path(&at.expr) {
        all.push(Watched::Fact { path, expression: at.clone() });
        return;
    }
    match &at.expr {
        Expr::Select(select) => visit(&select.operand, all),
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).for_each(|part| visit(part, all)),
        Expr::List(list) => list.elements.iter().for_each(|part| visit(part, all)),
        Expr::Map(map) => {
            for entry in &map.entries {
                if let EntryExpr::MapEntry(entry) = &entry.expr {
                    visit(&entry.value, all);
                }
            }
        }
        Expr::Comprehension(comprehension) => entries(comprehension, all),
        _ => {}
    }
}

/// The dotted path of a fact.
pub(super) fn path(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Ident(name) if !name.starts_with('@') => Some(name.clone()),
        Expr::Select(select) => Some(format!("{}.{}", path(&select.operand.expr)?, select.field)),
        _ => None,
    }
}

fn entries(c: &ComprehensionExpr, all: &mut Vec<Watched>) {
    let (Some(path), Some((predicate, wanted))) = (path(&c.iter_range.expr), predicate(c)) else {
        return visit(&c.iter_range, all);
    };
    let mut fields = Vec::new();
    named(predicate, &c.iter_var, &mut fields);
    all.push(Watched::Entries {
        path,
        list: c.iter_range.clone(),
        variable: c.iter_var.clone(),
        predicate: predicate.clone(),
        wanted,
        fields,
    });
}

/// The predicate of `exists`, `all`, `exists_one` and `filter`, and for which answer an entry is shown: `all`
/// fires by those for which it fails, where it is denied; by its macro that cannot be told, so that
/// the failing ones are shown.
fn predicate(c: &ComprehensionExpr) -> Option<(&IdedExpr, bool)> {
    let Expr::Call(step) = &c.loop_step.expr else { return None };
    match (step.func_name.as_str(), &c.accu_init.expr) {
        (operators::LOGICAL_OR, Expr::Literal(LiteralValue::Boolean(_))) => Some((step.args.last()?, true)),
        (operators::LOGICAL_AND, Expr::Literal(LiteralValue::Boolean(_))) => Some((step.args.last()?, false)),
        (operators::CONDITIONAL, _) => Some((step.args.first()?, true)),
        _ => None,
    }
}

/// The fields of `variable` that are named.
fn named(at: &IdedExpr, variable: &str, fields: &mut Vec<String>) {
    match &at.expr {
        Expr::Select(select) => {
            if matches!(&select.operand.expr, Expr::Ident(name) if name == variable) && !fields.contains(&select.field)
            {
                fields.push(select.field.clone());
            }
            named(&select.operand, variable, fields);
        }
        Expr::Call(call) => {
            call.target.as_deref().into_iter().chain(&call.args).for_each(|part| named(part, variable, fields));
        }
        Expr::List(list) => list.elements.iter().for_each(|part| named(part, variable, fields)),
        Expr::Comprehension(c) => {
            named(&c.iter_range, variable, fields);
            named(&c.loop_step, variable, fields);
        }
        _ => {}
    }
}
