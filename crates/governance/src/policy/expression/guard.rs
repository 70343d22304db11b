//! What is known not to be null where a part is evaluated, from what was asked before it.

use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};

use super::walk::path;

/// How a condition came out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    True,
    False,
}

/// The facts that are not null where a condition came out so, by their paths.
pub(super) fn present(condition: &Expr, came: Came) -> Vec<String> {
    let Expr::Call(call) = condition else { return Vec::new() };
    let each = |came| call.args.iter().flat_map(|part| present(&part.expr, came)).collect();
    match (call.func_name.as_str(), came) {
        (operators::LOGICAL_AND, Came::True) | (operators::LOGICAL_OR, Came::False) => each(came),
        (operators::LOGICAL_NOT, Came::True) => each(Came::False),
        (operators::LOGICAL_NOT, Came::False) => each(Came::True),
        (operators::NOT_EQUALS, Came::True) | (operators::EQUALS, Came::False) => compared(call, is_null),
        (operators::EQUALS, Came::True) | (operators::NOT_EQUALS, Came::False) => compared(call, |one| !is_null(one)),
        (operators::IN, Came::True) => call.args.first().and_then(|part| path(&part.expr)).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn is_null(literal: &LiteralValue) -> bool {
    matches!(literal, LiteralValue::Null)
}

/// The fact that is compared with such a literal.
fn compared(call: &CallExpr, fits: impl Fn(&LiteralValue) -> bool) -> Vec<String> {
    let [left, right] = call.args.as_slice() else { return Vec::new() };
    let fact = match (&left.expr, &right.expr) {
        (fact, Expr::Literal(literal)) | (Expr::Literal(literal), fact) if fits(literal) => path(fact),
        _ => None,
    };
    fact.into_iter().collect()
}
