//! How large the values of an expression may get, and how many steps it may take: worked out from its text and the
//! types of the facts, since an evaluation under way cannot be stopped.

use cel::{
    IdedExpr,
    common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, operators},
};

use crate::policy::{Facts, vocabulary::Ty};

/// Bytes that any one value of an evaluation may take, as estimated.
const LARGEST: u64 = 8 << 20;
/// What a text among the facts is taken for, in bytes.
const TEXT: u64 = 256;
/// What a number, a boolean or an empty list is taken for, in bytes.
const LEAST: u64 = 8;
/// Bytes that are copied, compared or searched in one step.
const BYTES_A_STEP: u64 = 1024;
/// Steps that an evaluation may take, as estimated.
const STEPS: u64 = 100_000;

/// What a part comes to at most.
#[derive(Clone, Copy, Debug)]
struct Bound {
    steps: u64,
    bytes: u64,
    entries: u64,
    entry: u64,
    /// Its type, where it is a fact.
    ty: Option<&'static Ty>,
}

impl Bound {
    fn scalar(bytes: u64) -> Self {
        Self { steps: 1, bytes: bytes.max(LEAST), entries: 0, entry: 0, ty: None }
    }

    /// Something of so many bytes of which no more is known: it may be a list of the smallest entries.
    fn unknown(bytes: u64) -> Self {
        Self { steps: 1, bytes: bytes.max(LEAST), entries: bytes / LEAST, entry: bytes, ty: None }
    }

    /// A fact of a type.
    fn of(ty: &'static Ty) -> Self {
        let ty = ty.present();
        let (bytes, entries, entry) = match ty {
            Ty::Text => (TEXT, 0, 0),
            Ty::List { of, cap } => {
                let entry = Self::of(of).bytes + LEAST;
                let entries = u64::try_from(*cap).unwrap_or(u64::MAX);
                (entries.saturating_mul(entry), entries, entry)
            }
            Ty::Object(fields) => (fields.iter().map(|field| Self::of(&field.ty).bytes).sum(), 0, 0),
            _ => (LEAST, 0, 0),
        };
        Self { steps: 1, bytes: bytes.max(LEAST), entries, entry, ty: Some(ty) }
    }

    /// One of its entries.
    fn one(self) -> Self {
        match self.ty {
            Some(Ty::List { of, .. }) => Self::of(of),
            _ => Self::unknown(self.entry.max(LEAST)),
        }
    }

    /// The steps that going through its bytes once takes.
    fn reading(self) -> u64 {
        // Facts are mostly words; what is made of them may be anything.
        self.bytes / if self.ty.is_some() { 4 * BYTES_A_STEP } else { BYTES_A_STEP }
    }
}

/// Why an expression is not evaluated, where its values or its steps could get too many.
pub(super) fn fault(root: &IdedExpr) -> Option<String> {
    let mut walk = Walk { largest: 0, scope: Vec::new() };
    let steps = walk.visit(root).steps;
    if walk.largest > LARGEST {
        return Some(format!(
            "Its values may take {} MiB; at most {} are allowed. Ask the facts with exists, all or filter instead of \
             building lists and texts.",
            (walk.largest >> 20) + 1,
            LARGEST >> 20
        ));
    }
    (steps > STEPS).then(|| {
        format!("This may take about {steps} steps; at most {STEPS} are allowed. Go through one list at a time.")
    })
}

struct Walk {
    largest: u64,
    scope: Vec<(String, Bound)>,
}

impl Walk {
    fn visit(&mut self, at: &IdedExpr) -> Bound {
        let found = self.part(&at.expr);
        self.largest = self.largest.max(found.bytes);
        found
    }

    fn part(&mut self, expression: &Expr) -> Bound {
        match expression {
            Expr::Literal(LiteralValue::String(text)) => Bound::scalar(text.inner().len() as u64),
            Expr::Literal(LiteralValue::Bytes(bytes)) => Bound::scalar(bytes.inner().len() as u64),
            Expr::Literal(_) | Expr::Unspecified | Expr::Struct(_) => Bound::scalar(LEAST),
            Expr::Ident(name) => self.ident(name),
            Expr::Select(select) => {
                let operand = self.visit(&select.operand);
                let field = match operand.ty {
                    Some(Ty::Object(fields)) => fields.iter().find(|field| field.name == select.field),
                    _ => None,
                };
                let found = field.map_or_else(|| Bound::unknown(operand.bytes), |field| Bound::of(&field.ty));
                Bound { steps: operand.steps.saturating_add(1), ..found }
            }
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::List(list) => {
                let entries: Vec<Bound> = list.elements.iter().map(|entry| self.visit(entry)).collect();
                collected(&entries)
            }
            Expr::Map(map) => {
                let mut entries = Vec::new();
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        let (key, value) = (self.visit(&entry.key), self.visit(&entry.value));
                        let bytes = key.bytes.saturating_add(value.bytes);
                        entries.push(Bound { steps: key.steps.saturating_add(value.steps), bytes, ..value });
                    }
                }
                collected(&entries)
            }
        }
    }

    fn ident(&self, name: &str) -> Bound {
        if let Some((_, bound)) = self.scope.iter().rev().find(|(known, _)| known == name) {
            return Bound { steps: 1, ..*bound };
        }
        let field = Facts::fields().iter().find(|field| field.name == name);
        field.map_or_else(|| Bound::scalar(LEAST), |field| Bound::of(&field.ty))
    }

    fn call(&mut self, call: &CallExpr) -> Bound {
        let parts: Vec<Bound> =
            call.target.as_deref().into_iter().chain(&call.args).map(|part| self.visit(part)).collect();
        let steps = parts.iter().fold(1_u64, |steps, part| steps.saturating_add(part.steps));
        let reading = parts.iter().fold(0_u64, |steps, part| steps.saturating_add(part.reading()));
        let largest = parts.iter().map(|part| part.bytes).max().unwrap_or(LEAST);
        let found = match (call.func_name.as_str(), parts.as_slice()) {
            (operators::ADD, [left, right]) => Bound {
                bytes: left.bytes.saturating_add(right.bytes),
                entries: left.entries.saturating_add(right.entries),
                entry: left.entry.max(right.entry),
                steps: reading,
                ty: None,
            },
            (operators::CONDITIONAL, [_, one, other]) => Bound {
                bytes: one.bytes.max(other.bytes),
                entries: one.entries.max(other.entries),
                entry: one.entry.max(other.entry),
                steps: 0,
                ty: one.ty.filter(|ty| other.ty == Some(ty)),
            },
            (operators::INDEX, [list, _]) => Bound { steps: 0, ..list.one() },
            ("string", _) => Bound { steps: reading, ..Bound::scalar(largest.max(32)) },
            // Going through a text with a pattern costs more than its length.
            ("matches" | "contains", _) => Bound { steps: reading.saturating_mul(4) + 20, ..Bound::scalar(LEAST) },
            (operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT, _) => {
                Bound { steps: 0, ..Bound::scalar(LEAST) }
            }
            _ => Bound { steps: reading, ..Bound::scalar(LEAST) },
        };
        Bound { steps: steps.saturating_add(found.steps), ..found }
    }

    /// What is accumulated grows with each entry by what one step adds to nothing.
    fn comprehension(&mut self, c: &ComprehensionExpr) -> Bound {
        let range = self.visit(&c.iter_range);
        let begin = self.visit(&c.accu_init);
        let kept = self.scope.len();
        let nothing = Bound { bytes: 0, entries: 0, entry: 0, steps: 1, ty: None };
        self.scope.push((c.accu_var.clone(), nothing));
        self.scope.push((c.iter_var.clone(), range.one()));
        if let Some(second) = &c.iter_var2 {
            self.scope.push((second.clone(), range.one()));
        }
        let (condition, step) = (self.visit(&c.loop_cond), self.visit(&c.loop_step));
        self.scope.truncate(kept);
        let turns = range.entries;
        let accumulated = Bound {
            bytes: begin.bytes.saturating_add(turns.saturating_mul(step.bytes)),
            entries: begin.entries.saturating_add(turns.saturating_mul(step.entries)),
            entry: begin.entry.max(step.entry),
            steps: 1,
            ty: None,
        };
        self.largest = self.largest.max(accumulated.bytes);
        self.scope.push((c.accu_var.clone(), accumulated));
        let result = self.visit(&c.result);
        self.scope.truncate(kept);
        let turn = condition.steps.saturating_add(step.steps);
        let steps = [begin.steps, turns.saturating_mul(turn), result.steps];
        Bound { steps: steps.into_iter().fold(range.steps, u64::saturating_add), ..result }
    }
}

/// A list or map of these.
fn collected(entries: &[Bound]) -> Bound {
    let sum = |of: fn(&Bound) -> u64| entries.iter().map(of).fold(0_u64, u64::saturating_add);
    let entry = entries.iter().map(|entry| entry.bytes).max().unwrap_or_default();
    let count = entries.len() as u64;
    Bound {
        steps: sum(|entry| entry.steps).saturating_add(1),
        bytes: sum(|entry| entry.bytes).saturating_add(LEAST * (count + 1)),
        entries: count,
        entry,
        ty: None,
    }
}
