//! Who somebody is at a provider, and what a provider's groups give.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Role, Target};
use base::audit::Record;

/// Who a person is at a provider: issuer and subject, which stay theirs for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// Immutable id.
    pub id: Uuid,
    /// The person.
    pub person_id: Uuid,
    /// Key of the provider.
    pub provider: String,
    /// Its issuer.
    pub issuer: String,
    /// Their subject there.
    pub subject: String,
    /// Their groups there, as of the last sign-in.
    pub groups: Vec<String>,
    /// `active` or `retired`.
    pub state: String,
    /// Whether somebody else than the person untied it: then they do not tie it again themselves.
    pub barred: bool,
    /// Rises with each change.
    pub revision: i64,
    /// When it was linked.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was last used.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// An identity, for the record: the subject names a person, and the record names people by id alone.
#[derive(Serialize)]
struct OnRecord<'a> {
    id: Uuid,
    person_id: Uuid,
    provider: &'a str,
    issuer: &'a str,
    state: &'a str,
    barred: bool,
    groups: &'a [String],
    revision: i64,
}

impl Record for Identity {
    const KIND: &'static str = "identity";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
    fn body(&self) -> serde_json::Value {
        let Self { id, person_id, provider, issuer, state, barred, groups, revision, .. } = self;
        let on_record = OnRecord {
            id: *id,
            person_id: *person_id,
            provider,
            issuer,
            state,
            barred: *barred,
            groups,
            revision: *revision,
        };
        serde_json::to_value(on_record).unwrap_or_default()
    }
}

/// A passkey of somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Passkey {
    /// Immutable id.
    pub id: Uuid,
    /// The person.
    pub person_id: Uuid,
    /// What they call it.
    pub name: String,
    /// `active` or `retired`.
    pub state: String,
    /// Rises with each change.
    pub revision: i64,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was last used.
    #[serde(skip)]
    pub last_used_at: Option<DateTime<Utc>>,
}

impl Record for Passkey {
    const KIND: &'static str = "passkey";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}

/// What a group of a provider gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct GroupMapping {
    /// Immutable id.
    pub id: Uuid,
    /// Key of the provider.
    pub provider: String,
    /// The group, exactly as the provider names it.
    pub group_name: String,
    /// A role.
    pub role: Option<String>,
    /// A team.
    pub team_id: Option<Uuid>,
    /// A review group.
    pub review_group_id: Option<Uuid>,
    /// Slug of the team or review group today.
    pub slug: Option<String>,
    /// Its name today.
    pub name: Option<String>,
    /// `active` or `retired`.
    pub state: String,
    /// Who made it.
    pub created_by: Option<Uuid>,
    /// Rises with each change.
    pub revision: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Record for GroupMapping {
    const KIND: &'static str = "group_mapping";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}

impl GroupMapping {
    /// What it gives.
    pub fn target(&self) -> Option<Target> {
        match (&self.role, self.team_id, &self.slug) {
            (Some(role), ..) => role.parse::<Role>().ok().map(Target::Role),
            (None, Some(_), Some(slug)) => Some(Target::Team(slug.clone())),
            (None, None, Some(slug)) => Some(Target::ReviewGroup(slug.clone())),
            _ => None,
        }
    }

    /// What it gives, as people read it.
    pub fn label(&self) -> String {
        match (&self.role, self.team_id, &self.name) {
            (Some(role), ..) => {
                format!("Role: {}", role.parse::<Role>().map_or_else(|_| role.clone(), |role| role.label().to_owned()))
            }
            (None, Some(_), Some(name)) => format!("Team: {name}"),
            (None, None, Some(name)) => format!("Review group: {name}"),
            _ => "nothing any more".into(),
        }
    }
}
