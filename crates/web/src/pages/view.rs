//! Records as templates show them: times as ages, changes as text.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::telemetry::noted_reading;
use base::{
    audit::{AuditEvent, Change},
    words,
};
use register::catalog::Comment;

/// A moment as people read it: `3 min ago`, `in 12 days`, a date beyond half a year.
pub fn ago(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - then).num_seconds();
    let (n, unit) = match seconds.abs() {
        0..=59 => return "now".into(),
        s @ 60..=3599 => (s / 60, "min"),
        s @ 3600..=86_399 => (s / 3600, "h"),
        s @ 86_400..=15_552_000 => (s / 86_400, if s < 172_800 { "day" } else { "days" }),
        _ => return date(then),
    };
    if seconds >= 0 { format!("{n} {unit} ago") } else { format!("in {n} {unit}") }
}

/// A day as whoever asks writes it.
pub fn day_alone(date: NaiveDate) -> String {
    date.format(noted_reading().language.day()).to_string()
}

/// The day of a moment where whoever asks is, as they write it.
pub fn date(at: DateTime<Utc>) -> String {
    let reading = noted_reading();
    at.with_timezone(&reading.time_zone).format(reading.language.day()).to_string()
}

/// A moment to the second where whoever asks is, with the time zone.
pub fn exact(at: DateTime<Utc>) -> String {
    let reading = noted_reading();
    let format = format!("{}, {}", reading.language.day(), reading.language.hour());
    at.with_timezone(&reading.time_zone).format(&format).to_string()
}

/// A day as people read it, with the distance.
pub fn day(date: NaiveDate, today: NaiveDate) -> String {
    let days = (date - today).num_days();
    match days {
        0 => "today".into(),
        1 => "tomorrow".into(),
        -1 => "yesterday".into(),
        2..=90 => format!("in {days} days"),
        -90..=-2 => format!("{} days ago", -days),
        _ => day_alone(date),
    }
}

/// An event with the moment it is looked at.
#[derive(Debug)]
pub struct EventView {
    event: AuditEvent,
    now: DateTime<Utc>,
}

impl std::ops::Deref for EventView {
    type Target = AuditEvent;
    fn deref(&self) -> &AuditEvent {
        &self.event
    }
}

impl EventView {
    /// Events looked at now.
    pub fn all(events: Vec<AuditEvent>, now: DateTime<Utc>) -> Vec<Self> {
        events.into_iter().map(|event| Self { event, now }).collect()
    }

    /// The action in words: `vendor.updated` is `Vendor updated`.
    pub fn title(&self) -> String {
        let (kind, verb) = self.event.action.split_once('.').unwrap_or(("", &self.event.action));
        format!("{} {}", words::label(kind), verb.replace('_', " "))
    }

    /// Who did it.
    pub fn who(&self) -> String {
        self.event.actor_name.clone().unwrap_or_else(|| "somebody whose name was erased".into())
    }

    /// When, as an age.
    pub fn ago(&self) -> String {
        ago(self.event.at, self.now)
    }

    /// When, exactly.
    pub fn iso(&self) -> String {
        self.event.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    }

    /// When, exactly, as whoever asks reads it.
    pub fn exact(&self) -> String {
        exact(self.event.at)
    }

    /// The first changes; an import may change thousands of parts.
    pub fn shown_changes(&self) -> Vec<ChangeView<'_>> {
        self.event.changes.iter().take(60).map(ChangeView).collect()
    }

    /// What the record is called; its kind where it has no name.
    pub fn subject(&self) -> String {
        self.event.subject_name.clone().unwrap_or_else(|| base::words::label(&self.event.subject_kind))
    }

    /// Where the record is.
    pub fn href(&self) -> Option<String> {
        href_of(&self.event.subject_kind, self.event.subject_id?)
    }
}

/// Where a record of a kind is, for kinds that have pages.
pub fn href_of(kind: &str, id: Uuid) -> Option<String> {
    Some(format!("/{}/{id}", base::feature::record(kind)?.path?))
}

/// A change as text.
#[derive(Debug)]
pub struct ChangeView<'a>(pub &'a Change);

impl ChangeView<'_> {
    /// The field's name in words.
    pub fn label(&self) -> String {
        match self.0.field.split_once('/') {
            Some((field, part)) => format!("{} › {part}", words::label(field)),
            None => words::label(&self.0.field),
        }
    }
    /// Whether there was something.
    pub fn had(&self) -> bool {
        !is_empty(&self.0.before)
    }
    /// Whether there is something.
    pub fn has(&self) -> bool {
        !is_empty(&self.0.after)
    }
    /// What it was.
    pub fn before_text(&self) -> String {
        plain(&self.0.before)
    }
    /// What it is.
    pub fn after_text(&self) -> String {
        plain(&self.0.after)
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// A value as a person reads it, cut at 400 characters.
pub fn plain(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.len() > 12 => format!("{} entries", items.len()),
        Value::Array(items) => {
            let parts: Vec<String> = items.iter().map(plain).collect();
            parts.join(", ")
        }
        Value::Object(fields) => {
            let parts: Vec<String> = fields
                .iter()
                .filter(|(_, v)| !is_empty(v))
                .map(|(name, v)| format!("{}: {}", name.replace('_', " "), plain(v)))
                .collect();
            parts.join(" · ")
        }
        other => other.to_string(),
    };
    if text.chars().count() > 400 { format!("{}…", base::text::clip(&text, 400)) } else { text }
}

/// A comment with the moment it is looked at.
#[derive(Debug)]
pub struct CommentView {
    /// The comment.
    pub comment: Comment,
    now: DateTime<Utc>,
}

impl CommentView {
    /// Comments looked at now.
    pub fn all(comments: Vec<Comment>, now: DateTime<Utc>) -> Vec<Self> {
        comments.into_iter().map(|comment| Self { comment, now }).collect()
    }
    /// Who wrote it.
    pub fn author(&self) -> &str {
        self.comment.author_name.as_deref().unwrap_or("A script")
    }
    /// When, as an age.
    pub fn ago(&self) -> String {
        ago(self.comment.created_at, self.now)
    }
    /// When, exactly.
    pub fn iso(&self) -> String {
        self.comment.created_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    }
    /// Whether it is still shown.
    pub fn shown(&self) -> bool {
        self.comment.state == "shown"
    }
    /// Sanitised HTML.
    pub fn html(&self) -> String {
        self.comment.html()
    }
    /// Whether this person may withdraw it.
    pub fn is_mine(&self, me: Option<&Uuid>) -> bool {
        self.shown() && me.is_some() && self.comment.author_id.as_ref() == me
    }
}
