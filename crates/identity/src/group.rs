//! Teams and review groups: named sets of people.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use base::{audit::Record, check::Check, error::Error, words::State};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// Owns systems and integrations.
    Team,
    /// Decides the stages given to it.
    ReviewGroup,
}

/// What an admin says of a team or review group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupContent {
    /// Human slug; made from the name where absent.
    #[serde(default)]
    pub slug: String,
    /// Name, 200 characters at most, unique.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Shared mailbox (teams only).
    #[serde(default)]
    pub email: Option<String>,
    /// Ids of the members.
    #[serde(default)]
    pub members: Vec<Uuid>,
    /// Id or slug of the review group that decides as well once a stage of this one is overdue (review
    /// groups only).
    #[serde(default)]
    pub escalates_to: Option<String>,
    /// Active or retired.
    #[serde(default)]
    pub state: State,
}

impl GroupContent {
    /// Tidies and checks; names every fault.
    pub fn checked(mut self, kind: GroupKind) -> Result<Self, Error> {
        let mut check = Check::new();
        check.required("/name", &mut self.name, 200);
        check.slug("/slug", &mut self.slug, &self.name, "group");
        check.optional("/description", &mut self.description, 4000);
        check.optional_email("/email", &mut self.email);
        if kind == GroupKind::ReviewGroup && self.email.is_some() {
            check.fault("/email", "A review group has no mailbox; leave this out.");
        }
        check.reference("/escalates_to", &mut self.escalates_to, 100);
        if kind == GroupKind::Team && self.escalates_to.is_some() {
            check.fault("/escalates_to", "Only review groups escalate; leave this out.");
        }
        self.members.sort_unstable();
        self.members.dedup();
        check.finish()?;
        Ok(self)
    }
}

/// A team or review group.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Group {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// What an admin says of it.
    #[serde(flatten)]
    pub content: GroupContent,
}

/// A team, for the record.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Team<'a>(pub &'a Group);
/// A review group, for the record.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct ReviewGroup<'a>(pub &'a Group);

impl Record for Team<'_> {
    const KIND: &'static str = "team";
    fn id(&self) -> Uuid {
        self.0.id
    }
    fn revision(&self) -> i64 {
        self.0.revision
    }
}
impl Record for ReviewGroup<'_> {
    const KIND: &'static str = "review_group";
    fn id(&self) -> Uuid {
        self.0.id
    }
    fn revision(&self) -> i64 {
        self.0.revision
    }
}
