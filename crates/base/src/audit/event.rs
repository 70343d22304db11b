//! What an event says, and how records become versions.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::diff::{Change, diff};

/// A kind of record whose versions are kept. The body holds the parts and names people by id.
pub trait Record: Serialize {
    /// The record's word, such as `vendor`.
    const KIND: &'static str;
    /// The version of the body's form.
    const SCHEMA: i32 = 1;
    /// Immutable id.
    fn id(&self) -> Uuid;
    /// Rises by one with each change.
    fn revision(&self) -> i64;
    /// What is kept: all fields, people by id only.
    fn body(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }
}

/// A change of the register, to be recorded in the transaction that makes it.
#[derive(Debug)]
pub struct Event {
    pub(super) action: &'static str,
    pub(super) subject_kind: &'static str,
    pub(super) subject_id: Option<Uuid>,
    pub(super) revision: Option<i64>,
    pub(super) changes: Vec<Change>,
    pub(super) version: Option<(i32, Value)>,
}

/// Fields that say nothing on their own.
const SILENT: [&str; 4] = ["revision", "updated_at", "refs", "owner_ids"];

impl Event {
    /// A record came to be. The version holds all of it; no changes are listed.
    pub fn created<R: Record>(action: &'static str, record: &R) -> Self {
        Self {
            action,
            subject_kind: R::KIND,
            subject_id: Some(record.id()),
            revision: Some(record.revision()),
            changes: Vec::new(),
            version: Some((R::SCHEMA, record.body())),
        }
    }

    /// A record changed.
    pub fn changed<R: Record>(action: &'static str, before: &R, after: &R) -> Self {
        let body = after.body();
        let changes = diff(&before.body(), &body);
        Self {
            action,
            subject_kind: R::KIND,
            subject_id: Some(after.id()),
            revision: Some(after.revision()),
            changes: changes
                .into_iter()
                .filter(|c| !SILENT.contains(&c.field.split('/').next().unwrap_or_default()))
                .collect(),
            version: Some((R::SCHEMA, body)),
        }
    }

    /// What changed, field by field.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Something happened that changes no record, such as a sign-in or an export.
    pub fn happened(action: &'static str, kind: &'static str, id: Option<Uuid>, detail: Value) -> Self {
        let changes = match detail {
            Value::Null => Vec::new(),
            detail => diff(&Value::Object(serde_json::Map::new()), &detail),
        };
        Self { action, subject_kind: kind, subject_id: id, revision: None, changes, version: None }
    }
}

/// Events that are written together at most.
const TOGETHER: usize = 500;

/// Events in their order, divided so that no record comes twice in one part: the moment from which a version holds
/// follows the one before it.
pub(super) fn in_turns(events: Vec<Event>) -> Vec<Vec<Event>> {
    let mut parts: Vec<Vec<Event>> = Vec::new();
    let mut here = HashSet::new();
    for event in events {
        let record = (event.subject_kind, event.subject_id);
        let fits = parts.last().is_some_and(|part| part.len() < TOGETHER) && !here.contains(&record);
        if !fits {
            here.clear();
            parts.push(Vec::new());
        }
        here.insert(record);
        if let Some(part) = parts.last_mut() {
            part.push(event);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_once_in_each_turn_and_nothing_changes_places() {
        let ids = [1, 2, 1, 3, 2, 2].map(Uuid::from_u128);
        let event = |id: &Uuid| Event::happened("vendor.seen", "vendor", Some(*id), Value::Null);
        let turns = in_turns(ids.iter().map(event).collect());
        let told: Vec<Vec<u128>> = turns
            .iter()
            .map(|part| part.iter().filter_map(|event| event.subject_id).map(|id| id.as_u128()).collect())
            .collect();
        assert_eq!(told, [vec![1, 2], vec![1, 3, 2], vec![2]]);
        let many = (0..1200).map(|n| Event::happened("vendor.seen", "vendor", Some(Uuid::from_u128(n)), Value::Null));
        assert_eq!(in_turns(many.collect()).iter().map(Vec::len).collect::<Vec<_>>(), [500, 500, 200]);
    }
}
