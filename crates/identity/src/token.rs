//! An API token as the register keeps it: never the token itself.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Permission;
use base::audit::Record;

/// Whose token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenOwner {
    /// The person's own.
    Person(Uuid),
    /// A service account's.
    ServiceAccount(Uuid),
}

/// A token to be minted.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for, 100 characters at most.
    pub name: String,
    /// A subset of the owner's rights; never widened later.
    pub scopes: Vec<Permission>,
    /// Days until it expires, 1 to 366.
    pub expires_in_days: i64,
}

/// A token's metadata.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Token {
    /// Immutable id.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// The person it belongs to.
    pub person_id: Option<Uuid>,
    /// The service account it belongs to.
    pub service_account_id: Option<Uuid>,
    /// What it may do.
    pub scopes: Vec<Permission>,
    /// When it was minted.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Rises when it is revoked.
    pub revision: i64,
}

impl Token {
    /// Whether it holds at `now`.
    pub fn holds(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

impl Record for Token {
    const KIND: &'static str = "token";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
    fn body(&self) -> serde_json::Value {
        serde_json::json!({
            "id": self.id, "name": self.name, "person_id": self.person_id,
            "service_account_id": self.service_account_id, "scopes": self.scopes,
            "created_at": self.created_at, "expires_at": self.expires_at,
            "revoked_at": self.revoked_at, "revision": self.revision,
        })
    }
}
