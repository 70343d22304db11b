//! A person.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Role;
use base::{audit::Record, check::Check, error::Error};

/// Whether a person may sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonState {
    /// May sign in.
    #[default]
    Active,
    /// May not; sessions and tokens of theirs no longer hold.
    Disabled,
}

/// When a role ends that Muster granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleEnd {
    /// The role.
    pub role: Role,
    /// The last day on which it holds, in the organisation's time zone.
    pub until_on: NaiveDate,
}

/// What an admin says of a person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonContent {
    /// Full name, 200 characters at most.
    pub name: String,
    /// E-mail address, unique.
    pub email: String,
    /// Roles granted in Muster.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// Those of them that end by themselves. What a provider's group gives ends with the group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub role_ends: Vec<RoleEnd>,
    /// Whether they may sign in.
    #[serde(default)]
    pub state: PersonState,
}

impl PersonContent {
    /// The last day of a role; `None` where it does not end by itself.
    pub fn end_of(&self, role: Role) -> Option<NaiveDate> {
        self.role_ends.iter().find(|end| end.role == role).map(|end| end.until_on)
    }

    /// Tidies and checks; names every fault.
    pub fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        check.required("/name", &mut self.name, 200);
        check.email("/email", &mut self.email);
        self.roles.sort_unstable();
        self.roles.dedup();
        self.role_ends.sort_unstable();
        for (n, end) in self.role_ends.iter().enumerate() {
            let word = end.role.label();
            check.day(&format!("/role_ends/{n}/until_on"), Some(end.until_on));
            if !self.roles.contains(&end.role) {
                check.fault(
                    &format!("/role_ends/{n}/role"),
                    format!("{word} is not granted: tick it, or drop its end."),
                );
            }
            if self.role_ends[..n].iter().any(|other| other.role == end.role) {
                check.fault(&format!("/role_ends/{n}/role"), format!("{word} ends once; give one day."));
            }
        }
        check.finish()?;
        Ok(self)
    }
}

/// A person with what Muster knows of them.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Person {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// When they were added.
    pub created_at: DateTime<Utc>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// What an admin says of them.
    #[serde(flatten)]
    pub content: PersonContent,
}

impl Record for Person {
    const KIND: &'static str = "person";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
    /// Without name and address: the record names people by id only.
    fn body(&self) -> Value {
        json!({
            "id": self.id,
            "revision": self.revision,
            "roles": self.content.roles,
            "role_ends": self.content.role_ends,
            "state": self.content.state,
        })
    }
}
