//! States, sensitivities and dates as cells.

use chrono::NaiveDate;

use crate::pages::{list::Cell, view::day};
use base::words::label;
use register::catalog::Sensitivity;

/// The shape of an integration's state.
pub fn state_class(state: &str) -> &'static str {
    match state {
        "active" => "active",
        "suspended" => "over",
        "deprecated" => "due",
        _ => "draft",
    }
}

/// The shape and words of where a review stands.
pub fn review(state: &str) -> (&'static str, &'static str) {
    match state {
        "open" => ("review", "In review"),
        "changes_requested" => ("due", "Changes requested"),
        "approved" => ("active", "Approved"),
        _ => ("draft", "Draft"),
    }
}

/// The shape of a change request's state.
pub fn request_class(state: &str) -> &'static str {
    match state {
        "open" => "review",
        "changes_requested" => "due",
        "approved" | "applied" => "active",
        "rejected" => "over",
        _ => "draft",
    }
}

/// The state of an integration, with its review where one is under way.
pub fn state(state: &str, review_state: Option<&str>) -> Cell {
    let mut cell = Cell::badge(state_class(state), label(state));
    if let Some(review_state) = review_state {
        let (class, text) = review(review_state);
        if state == "proposed" {
            return Cell::badge(class, text);
        }
        cell.sub = Some(text.to_lowercase());
    }
    cell
}

/// A sensitivity as bars.
pub fn sensitivity(word: Option<&str>) -> Cell {
    match word.and_then(|word| word.parse::<Sensitivity>().ok()) {
        Some(sensitivity) => Cell::level(sensitivity.level(), sensitivity.key()),
        None => Cell::soft("not classified", None),
    }
}

/// When a credential has to change.
pub fn rotation(next: Option<NaiveDate>, today: NaiveDate) -> Cell {
    let Some(next) = next else { return Cell::soft("–", None) };
    let title = Some(next.to_string());
    match (next - today).num_days() {
        days if days < 0 => {
            let plural = if days == -1 { "" } else { "s" };
            Cell { title, ..Cell::badge("over", format!("{} day{plural} overdue", -days)) }
        }
        0..=30 => Cell { title, ..Cell::badge("due", day(next, today)) },
        _ => Cell { title, ..Cell::text(months(next, today)) },
    }
}

/// A day far off, in months.
pub fn months(date: NaiveDate, today: NaiveDate) -> String {
    match (date - today).num_days() {
        days @ 61..=700 => format!("in {} months", (days + 15) / 30),
        _ => day(date, today),
    }
}
