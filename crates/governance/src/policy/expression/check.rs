//! What is checked on save: names and types against the facts, functions, and the bounds.

use cel::{
    IdedExpr, Program,
    common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, SelectExpr, operators},
};

use super::{
    DEEPEST, Fault, LEVELS, NODES,
    guard::{self, Came},
    matching,
    walk::path,
};
use crate::policy::{
    Facts,
    vocabulary::{Field, Ty},
};

/// What is known of a part's type.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    Fact(&'static Ty),
    Bool,
    Number,
    Text,
    Null,
    List,
    Any,
}

impl Known {
    /// The scalar that it is, where that is known: 'b', 'n', 't'.
    fn scalar(self) -> Option<char> {
        match self {
            Self::Bool => Some('b'),
            Self::Number => Some('n'),
            Self::Text => Some('t'),
            Self::Fact(ty) => match ty.present() {
                Ty::Bool => Some('b'),
                Ty::Number => Some('n'),
                Ty::Text => Some('t'),
                _ => None,
            },
            _ => None,
        }
    }

    fn label(self) -> String {
        match self {
            Self::Fact(ty) => ty.label(),
            Self::Bool => "true or false".into(),
            Self::Number => "a number".into(),
            Self::Text => "text".into(),
            Self::List => "a list".into(),
            Self::Null => "null".into(),
            Self::Any => "anything".into(),
        }
    }
}

/// Functions of the language that are of use on facts.
const FUNCTIONS: &[&str] =
    &["size", "startsWith", "endsWith", "contains", "matches", "string", "int", "type", operators::NOT_STRICTLY_FALSE];
const ARITHMETIC: &[&str] = &[
    operators::ADD,
    operators::SUBSTRACT,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::NEGATE,
];
const ORDER: &[&str] = &[operators::LESS, operators::LESS_EQUALS, operators::GREATER, operators::GREATER_EQUALS];
const SAME: &[&str] = &[operators::EQUALS, operators::NOT_EQUALS];
const LOGIC: &[&str] = &[operators::LOGICAL_AND, operators::LOGICAL_OR, operators::LOGICAL_NOT];

struct Checker<'a> {
    program: &'a Program,
    source: &'a str,
    faults: Vec<Fault>,
    scope: Vec<(String, Known)>,
    depth: usize,
    nodes: usize,
    level: usize,
    lowest: usize,
    /// Facts that are not null here, by their paths.
    present: Vec<String>,
    hints: Vec<Fault>,
}

/// Checks a compiled expression; what may be saved and is better mended.
pub(super) fn check(program: &Program, source: &str) -> Result<Vec<Fault>, Vec<Fault>> {
    let mut checker = Checker {
        program,
        source,
        faults: Vec::new(),
        scope: Vec::new(),
        depth: 0,
        nodes: 0,
        level: 0,
        lowest: 0,
        present: Vec::new(),
        hints: Vec::new(),
    };
    let root = program.expression();
    let known = checker.visit(root);
    if !matches!(known.scalar(), Some('b')) && known != Known::Any {
        checker.fault(root, format!("A rule says true where it fires, else false; this gives {}.", known.label()));
    }
    if checker.nodes > NODES {
        checker.fault(root, format!("This has {} parts; at most {NODES} are judged. Split the rule.", checker.nodes));
    }
    if checker.lowest > LEVELS {
        checker.fault(root, format!("Its parts stand within parts more than {LEVELS} deep. Split the rule."));
    }
    checker.faults.truncate(10);
    checker.hints.dedup();
    checker.hints.truncate(10);
    if checker.faults.is_empty() { Ok(checker.hints) } else { Err(checker.faults) }
}

impl Checker<'_> {
    fn fault(&mut self, at: &IdedExpr, message: impl Into<String>) {
        let fault = self.placed(at, message.into());
        self.faults.push(fault);
    }

    fn placed(&self, at: &IdedExpr, message: String) -> Fault {
        let offset = self.program.source_info().offset_for(at.id).map_or(0, |(start, _)| start as usize);
        let before: String = self.source.chars().take(offset).collect();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Fault { line, column, message }
    }

    /// Says so where a fact may be null that is used as if it were there.
    fn needed(&mut self, at: &IdedExpr, known: Known) {
        let Known::Fact(Ty::Maybe(_)) = known else { return };
        let Some(path) = path(&at.expr).filter(|path| !self.present.contains(path)) else { return };
        let message = format!("'{path}' may be null, and then this cannot be evaluated: ask {path} != null first.");
        let hint = self.placed(at, message);
        self.hints.push(hint);
    }

    /// Visits a part with what a condition before it makes sure of.
    fn visit_after(&mut self, before: &IdedExpr, came: Came, part: &IdedExpr) -> Known {
        let kept = self.present.len();
        self.present.extend(guard::present(&before.expr, came));
        let found = self.visit(part);
        self.present.truncate(kept);
        found
    }

    /// The type of a part.
    fn visit(&mut self, at: &IdedExpr) -> Known {
        self.level += 1;
        self.lowest = self.lowest.max(self.level);
        let found = self.part(at);
        self.level -= 1;
        found
    }

    fn part(&mut self, at: &IdedExpr) -> Known {
        self.nodes += 1;
        // Beyond this the tree is refused anyway.
        if self.nodes > 4 * NODES {
            return Known::Any;
        }
        match &at.expr {
            Expr::Unspecified => Known::Any,
            Expr::Ident(name) => self.ident(at, name),
            Expr::Literal(literal) => known(literal),
            Expr::Select(select) => self.select(at, select),
            Expr::Call(call) => self.call(at, call),
            Expr::Comprehension(comprehension) => self.comprehension(at, comprehension),
            Expr::List(list) => {
                for element in &list.elements {
                    self.visit(element);
                }
                Known::List
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.visit(&entry.key);
                        self.visit(&entry.value);
                    }
                }
                Known::Any
            }
            Expr::Struct(_) => {
                self.fault(at, "Messages are not made here; use the facts.");
                Known::Any
            }
        }
    }

    fn ident(&mut self, at: &IdedExpr, name: &str) -> Known {
        if let Some((_, known)) = self.scope.iter().rev().find(|(known, _)| known == name) {
            return *known;
        }
        if let Some(field) = Facts::fields().iter().find(|field| field.name == name) {
            return Known::Fact(&field.ty);
        }
        self.fault(at, unknown(&format!("There is no '{name}' here."), name, Facts::fields()));
        Known::Any
    }

    fn select(&mut self, at: &IdedExpr, select: &SelectExpr) -> Known {
        let operand = self.visit(&select.operand);
        self.needed(&select.operand, operand);
        let name = &select.field;
        let found = match operand {
            Known::Fact(ty) => match ty.present() {
                Ty::Object(fields) => {
                    if let Some(field) = fields.iter().find(|field| field.name == *name) {
                        Known::Fact(&field.ty)
                    } else {
                        self.fault(at, unknown(&format!("There is no '{name}' in it."), name, fields));
                        Known::Any
                    }
                }
                Ty::List { .. } => {
                    self.fault(at, format!("This is a list; ask its entries: exists(x, x.{name} …)."));
                    Known::Any
                }
                other => {
                    self.fault(at, format!("This is {}; it has no '{name}'.", other.label()));
                    Known::Any
                }
            },
            Known::Any => Known::Any,
            other => {
                self.fault(at, format!("This is {}; it has no '{name}'.", other.label()));
                Known::Any
            }
        };
        if select.test { Known::Bool } else { found }
    }

    fn call(&mut self, at: &IdedExpr, call: &CallExpr) -> Known {
        let mut kinds = Vec::new();
        let name = call.func_name.as_str();
        for (n, part) in call.target.as_deref().into_iter().chain(&call.args).enumerate() {
            // Of 'and' and 'or' either side may say what spares the other: false, or true, wins over an error.
            let other = if n == 0 { call.args.get(1) } else { call.args.first() };
            let known = match (name, n, other) {
                (operators::LOGICAL_AND, 0, Some(after)) => self.visit_after(after, Came::True, part),
                (operators::LOGICAL_OR, 0, Some(after)) => self.visit_after(after, Came::False, part),
                (operators::LOGICAL_AND | operators::CONDITIONAL, 1, Some(before)) => {
                    self.visit_after(before, Came::True, part)
                }
                (operators::LOGICAL_OR, 1, Some(before)) | (operators::CONDITIONAL, 2, Some(before)) => {
                    self.visit_after(before, Came::False, part)
                }
                _ => self.visit(part),
            };
            if is_needed(name, n) {
                self.needed(part, known);
            }
            kinds.push(known);
        }
        if LOGIC.contains(&name) {
            for (part, known) in call.args.iter().zip(&kinds) {
                if known.scalar().is_some_and(|kind| kind != 'b') {
                    self.fault(part, format!("This has to be true or false, and is {}.", known.label()));
                }
            }
            Known::Bool
        } else if SAME.contains(&name) || ORDER.contains(&name) {
            self.comparable(at, name, &kinds);
            Known::Bool
        } else if ARITHMETIC.contains(&name) {
            if kinds.contains(&Known::List) { Known::List } else { kinds.first().copied().unwrap_or(Known::Any) }
        } else {
            match name {
                operators::IN | "startsWith" | "endsWith" | "contains" | operators::NOT_STRICTLY_FALSE => Known::Bool,
                "matches" => {
                    self.pattern(call);
                    Known::Bool
                }
                "size" | "int" => Known::Number,
                "string" => Known::Text,
                operators::CONDITIONAL => kinds.get(1).copied().unwrap_or(Known::Any),
                operators::INDEX | "type" => Known::Any,
                other => {
                    if !FUNCTIONS.contains(&other) {
                        let known = FUNCTIONS[..6].join(", ");
                        self.fault(
                            at,
                            format!("There is no function '{other}'. Use {known}, exists, all, filter, map."),
                        );
                    }
                    Known::Any
                }
            }
        }
    }

    fn comparable(&mut self, at: &IdedExpr, name: &str, kinds: &[Known]) {
        let [left, right] = kinds else { return };
        if let (Some(a), Some(b)) = (left.scalar(), right.scalar())
            && a != b
        {
            self.fault(at, format!("This compares {} with {}.", left.label(), right.label()));
        }
        if ORDER.contains(&name) && kinds.contains(&Known::Null) {
            self.fault(at, "Null has no order. Ask '!= null' first.");
        }
    }

    fn pattern(&mut self, call: &CallExpr) {
        let Some(last) = call.args.last() else { return };
        match &last.expr {
            Expr::Literal(LiteralValue::String(pattern)) => {
                if let Err(error) = matching::compiled(pattern.inner()) {
                    let text = error.to_string();
                    let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                    self.fault(last, format!("This pattern cannot be read: {reason}."));
                }
            }
            _ => self.fault(last, "Write the pattern as a text: one that is made while judging cannot be checked."),
        }
    }

    fn comprehension(&mut self, at: &IdedExpr, c: &ComprehensionExpr) -> Known {
        let range = self.visit(&c.iter_range);
        self.needed(&c.iter_range, range);
        let element = match range {
            Known::Fact(ty) => match ty.present() {
                Ty::List { of, .. } => Known::Fact(of),
                other => {
                    self.fault(&c.iter_range, format!("This is {}, not a list to go through.", other.label()));
                    Known::Any
                }
            },
            Known::List | Known::Any => Known::Any,
            other => {
                self.fault(&c.iter_range, format!("This is {}, not a list to go through.", other.label()));
                Known::Any
            }
        };
        self.depth += 1;
        if self.depth == DEEPEST + 1 {
            self.fault(at, format!("Lists are gone through within lists at most {DEEPEST} deep."));
        }
        let accumulated = self.visit(&c.accu_init);
        let kept = self.scope.len();
        self.scope.push((c.accu_var.clone(), accumulated));
        self.scope.push((c.iter_var.clone(), element));
        if let Some(second) = &c.iter_var2 {
            self.scope.push((second.clone(), Known::Any));
        }
        self.visit(&c.loop_cond);
        self.visit(&c.loop_step);
        self.scope.truncate(kept + 1);
        let result = self.visit(&c.result);
        self.scope.truncate(kept);
        self.depth -= 1;
        result
    }
}

/// Whether a function cannot take null as its `n`th part, the target counted.
fn is_needed(function: &str, n: usize) -> bool {
    let asked = ["startsWith", "endsWith", "contains", "matches", "size", "int"];
    ORDER.contains(&function)
        || ARITHMETIC.contains(&function)
        || asked.contains(&function)
        || (function == operators::IN && n == 1)
}

fn known(literal: &LiteralValue) -> Known {
    match literal {
        LiteralValue::Boolean(_) => Known::Bool,
        LiteralValue::Int(_) | LiteralValue::UInt(_) | LiteralValue::Double(_) => Known::Number,
        LiteralValue::String(_) => Known::Text,
        LiteralValue::Null => Known::Null,
        LiteralValue::Bytes(_) => Known::Any,
    }
}

/// What there is instead, with the likeliest first.
fn unknown(what: &str, name: &str, fields: &[Field]) -> String {
    let near = fields.iter().min_by_key(|field| strsim::osa_distance(field.name, name));
    if let Some(field) = near.filter(|field| strsim::osa_distance(field.name, name) <= 3) {
        return format!("{what} Did you mean '{}'?", field.name);
    }
    let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
    format!("{what} There are {}.", names.join(", "))
}
