//! References that go from one record to another when two are merged, and back when that is undone.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use base::audit::{Event, Record};

/// Which references move where.
#[derive(Clone, Debug)]
pub struct Repointing {
    /// The record that they point to.
    pub from: Uuid,
    /// The record that they are to point to.
    pub to: Uuid,
    /// Only the references of these records; of all where absent.
    pub only: Option<Vec<MovedRecord>>,
    /// Dependencies that come back.
    pub dropped: Vec<Dropped>,
}

/// A record whose reference moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MovedRecord {
    /// Its kind, such as `api`.
    pub kind: String,
    /// Its id.
    pub id: Uuid,
}

/// A dependency that a merge removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// `api` or `integration`.
    pub kind: String,
    /// The record that depends.
    pub id: Uuid,
    /// Its place among the dependencies of that record.
    pub position: i32,
}

/// What moved, and the events that say so.
#[derive(Debug, Default)]
pub struct Moved {
    /// The records.
    pub records: Vec<MovedRecord>,
    /// An event each.
    pub events: Vec<Event>,
    /// Dependencies that went, as the record has the same one already or would depend on itself.
    pub dropped: Vec<Dropped>,
}

impl Repointing {
    /// The dependencies of one kind of record that come back.
    pub fn dropped(&self, kind: &str) -> Vec<(Uuid, i32)> {
        self.dropped.iter().filter(|one| one.kind == kind).map(|one| (one.id, one.position)).collect()
    }

    /// The ids of one kind that may move; `None` for all.
    pub fn ids(&self, kind: &str) -> Option<Vec<Uuid>> {
        let of = |moved: &&MovedRecord| moved.kind == kind;
        self.only.as_ref().map(|only| only.iter().filter(of).map(|moved| moved.id).collect())
    }
}

impl Moved {
    /// Adds records of one kind as they were and as they are.
    pub fn add<R: Record>(&mut self, action: &'static str, before: &[R], after: &[R]) {
        for now in after {
            if let Some(was) = before.iter().find(|was| was.id() == now.id()) {
                self.records.push(MovedRecord { kind: R::KIND.to_owned(), id: now.id() });
                self.events.push(Event::changed(action, was, now));
            }
        }
    }

    /// Adds records whose dependencies changed, and which of their dependencies went. What lost one was not moved.
    pub fn add_dependencies<R: Record>(
        &mut self,
        action: &'static str,
        (before, after): (&[R], &[R]),
        dropped: Vec<(Uuid, i32)>,
    ) {
        let mut changed = Self::default();
        changed.add(action, before, after);
        changed.records.retain(|record| !dropped.iter().any(|(id, _)| *id == record.id));
        for record in &mut changed.records {
            record.kind = format!("{}_dependency", R::KIND);
        }
        let gone = |(id, position)| Dropped { kind: R::KIND.to_owned(), id, position };
        changed.dropped = dropped.into_iter().map(gone).collect();
        self.append(changed);
    }

    /// Adds what another feature moved.
    pub fn append(&mut self, mut other: Self) {
        self.records.append(&mut other.records);
        self.events.append(&mut other.events);
        self.dropped.append(&mut other.dropped);
    }
}
