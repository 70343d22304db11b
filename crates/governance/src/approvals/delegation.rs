//! A delegation: somebody decides for somebody else while they are away.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use base::{audit::Record, words::State};

/// Who decides for whom, and when.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Delegation {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// Who is away.
    pub from_id: Uuid,
    /// Who decides for them.
    pub to_id: Uuid,
    /// First day.
    pub from_on: NaiveDate,
    /// Last day.
    pub until_on: NaiveDate,
    /// Why.
    pub reason: Option<String>,
    /// Active, or taken back.
    pub state: State,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Record for Delegation {
    const KIND: &'static str = "delegation";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}
