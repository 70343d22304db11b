//! A service account: what a script acts as.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Permission;
use base::{audit::Record, check::Check, error::Error, words::State};

/// What an admin says of a service account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceAccountContent {
    /// Human slug; made from the name where absent.
    #[serde(default)]
    pub slug: String,
    /// Name, unique.
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub description: Option<String>,
    /// Id of the team that answers for it.
    #[serde(default)]
    pub team_id: Option<Uuid>,
    /// The most that a token of it may be given.
    pub scopes: Vec<Permission>,
    /// Active or retired.
    #[serde(default)]
    pub state: State,
}

impl ServiceAccountContent {
    /// Tidies and checks; names every fault.
    pub fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        check.required("/name", &mut self.name, 200);
        check.slug("/slug", &mut self.slug, &self.name, "service-account");
        check.optional("/description", &mut self.description, 4000);
        self.scopes.sort_unstable();
        self.scopes.dedup();
        if self.scopes.is_empty() {
            check.fault("/scopes", "Choose at least one scope.");
        }
        check.finish()?;
        Ok(self)
    }
}

/// A service account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ServiceAccount {
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
    pub content: ServiceAccountContent,
}

impl Record for ServiceAccount {
    const KIND: &'static str = "service_account";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}
