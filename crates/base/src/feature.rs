//! What a feature declares: its kinds of records, tables, constraints, scheduled work, and what it writes without an
//! audit event. The binary lists the features once and declares them at start; code below them asks here, and names
//! none.

use std::sync::OnceLock;

use futures_util::future::BoxFuture;

use crate::{
    app::App,
    error::Error,
    tables::{Table, Tables},
};

/// What a feature brings along, as data.
#[derive(Debug)]
pub struct Feature {
    /// Its name, as its folder.
    pub name: &'static str,
    /// The kinds of records that it owns.
    pub records: &'static [RecordKind],
    /// The tables that it exports or imports.
    pub tables: &'static [&'static Table],
    /// What its constraints in the database mean to a person.
    pub constraints: &'static [Constraint],
    /// What it does when time passes or something changes.
    pub scheduled: &'static [Scheduled],
    /// The tables that it writes without an audit event.
    pub housekeeping: &'static [&'static str],
}

impl Feature {
    /// One that declares nothing yet.
    pub const fn named(name: &'static str) -> Self {
        Self { name, records: &[], tables: &[], constraints: &[], scheduled: &[], housekeeping: &[] }
    }
}

/// A kind of record: the subject of audit events.
#[derive(Debug)]
pub struct RecordKind {
    /// Its word in the audit log.
    pub kind: &'static str,
    /// SQL that gives the name of the record with the id `e.subject_id`; none for one that has no name.
    pub name: Option<&'static str>,
    /// SQL that gives the ids of the records that a word means: `$1` is the word, `$2` its sort key.
    pub find: Option<&'static str>,
    /// The first part of the path of its page; none for one that has no page.
    pub path: Option<&'static str>,
    /// The table whose rows have a slug that can change; a filter with the name of the kind finds them by former slugs.
    pub former_slugs: Option<&'static str>,
    /// Whether it acts, so that events can have it as their actor.
    pub acts: bool,
}

impl RecordKind {
    /// One without a name, a page or a word to find it by.
    pub const fn of(kind: &'static str) -> Self {
        Self { kind, name: None, find: None, path: None, former_slugs: None, acts: false }
    }

    /// Gives it its name.
    #[must_use]
    pub const fn named(self, sql: &'static str) -> Self {
        Self { name: Some(sql), ..self }
    }

    /// Says how a word finds it.
    #[must_use]
    pub const fn found(self, sql: &'static str) -> Self {
        Self { find: Some(sql), ..self }
    }

    /// Says where its page is.
    #[must_use]
    pub const fn at(self, path: &'static str) -> Self {
        Self { path: Some(path), ..self }
    }
}

/// What a constraint means to a person when a write violates it.
#[derive(Debug)]
pub struct Constraint {
    /// Its name in the database.
    pub name: &'static str,
    /// What the error says.
    pub says: Says,
}

/// The error that stands for a violated constraint.
#[derive(Debug)]
pub enum Says {
    /// A field, by its pointer, and what is wrong with it.
    Field(&'static str, &'static str),
    /// A conflict with what is there.
    Conflict(&'static str),
    /// Something that this person may not do.
    Forbidden(&'static str),
    /// A conflict that the trigger itself describes.
    Conflicting,
}

impl Constraint {
    /// An invalid field.
    pub const fn field(name: &'static str, pointer: &'static str, message: &'static str) -> Self {
        Self { name, says: Says::Field(pointer, message) }
    }

    /// A conflict.
    pub const fn conflict(name: &'static str, message: &'static str) -> Self {
        Self { name, says: Says::Conflict(message) }
    }

    /// Something that this person may not do.
    pub const fn forbidden(name: &'static str, message: &'static str) -> Self {
        Self { name, says: Says::Forbidden(message) }
    }
}

/// Work that a feature does by itself.
#[derive(Debug)]
pub struct Scheduled {
    /// What it does, as metrics and the log name it.
    pub name: &'static str,
    /// When it runs.
    pub when: When,
    /// Does what is due.
    pub run: for<'a> fn(&'a App) -> BoxFuture<'a, Result<(), Error>>,
}

/// When scheduled work runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Each minute, before what follows changes.
    EachMinute,
    /// As soon as this process has changed the register, and each second for what another process changed.
    AfterChanges,
    /// Each minute, apart from the others: removes what has expired.
    Cleaning,
    /// Every two seconds: sends e-mails.
    Sending,
}

static FEATURES: OnceLock<&'static [&'static Feature]> = OnceLock::new();

/// Declares the features of this process. The first declaration stays.
pub fn declare(features: &'static [&'static Feature]) {
    FEATURES.get_or_init(|| features);
}

/// The declared features; none in a test of base code.
pub fn all() -> impl Iterator<Item = &'static Feature> {
    FEATURES.get().copied().unwrap_or_default().iter().copied()
}

/// The declared kinds of records.
pub fn records() -> impl Iterator<Item = &'static RecordKind> {
    all().flat_map(|feature| feature.records)
}

/// The kind of record with this word.
pub fn record(kind: &str) -> Option<&'static RecordKind> {
    records().find(|record| record.kind == kind)
}

/// The declared tables.
pub fn tables() -> Tables {
    Tables(all().flat_map(|feature| feature.tables.iter().copied()).collect())
}

/// The error that a feature declares for a violated constraint; `message` is what the database says.
pub fn refusal(constraint: &str, message: &str) -> Option<Error> {
    let declared = all().flat_map(|feature| feature.constraints).find(|one| one.name == constraint)?;
    Some(match declared.says {
        Says::Field(pointer, text) => Error::field(pointer, text),
        Says::Conflict(text) => Error::Conflict(text.into()),
        Says::Forbidden(text) => Error::Forbidden(text.into()),
        Says::Conflicting => Error::Conflict(message.to_owned()),
    })
}

/// The work that runs at such a time, in the order of the features.
pub fn scheduled(when: When) -> impl Iterator<Item = &'static Scheduled> {
    all().flat_map(|feature| feature.scheduled).filter(move |work| work.when == when)
}

/// What base code itself declares: the audit log's positions, drafts, answers kept for repeated requests, and e-mails.
pub static BASE: Feature = Feature {
    constraints: &[Constraint { name: "still_in_use", says: Says::Conflicting }],
    scheduled: &[
        Scheduled {
            name: "send e-mails",
            when: When::Sending,
            run: |app| Box::pin(async { crate::mail::deliver(app).await.map(|_| ()) }),
        },
        Scheduled {
            name: "remove old drafts",
            when: When::Cleaning,
            run: |app| Box::pin(async { crate::drafts::sweep(app).await.map(|_| ()) }),
        },
    ],
    housekeeping: &["audit_pending", "audit_positions", "form_drafts", "last_visits", "idempotency_keys", "mails_due"],
    ..Feature::named("base")
};
