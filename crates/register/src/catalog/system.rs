//! A system: what uses APIs.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use base::{audit::Record, check::Check, error::Error, words, words::State};

words! {
    /// Whose application it is.
    #[derive(Default)]
    SystemKind, "/kind" {
        /// Ours; belongs to a team.
        #[default]
        Own = "own",
        /// A vendor's, with our tenant in it.
        Saas = "saas",
    }
}

/// What people say of a system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemContent {
    /// Human slug; made from the name where absent. May change; the old one redirects.
    #[serde(default)]
    pub slug: String,
    /// Its name.
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub description: Option<String>,
    /// Own or `SaaS`.
    pub kind: SystemKind,
    /// Id or slug of the team that answers for it; needed for own ones.
    #[serde(default)]
    pub team: Option<String>,
    /// Id or slug of the vendor, for `SaaS`.
    #[serde(default)]
    pub vendor: Option<String>,
    /// Where it is.
    #[serde(default)]
    pub url: Option<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Active or retired.
    #[serde(default)]
    pub state: State,
}

impl SystemContent {
    /// Tidies and checks; names every fault.
    pub fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        check.required("/name", &mut self.name, 200);
        check.slug("/slug", &mut self.slug, &self.name, "system");
        check.optional("/description", &mut self.description, 8000);
        check.reference("/team", &mut self.team, 100);
        check.reference("/vendor", &mut self.vendor, 100);
        check.url("/url", &mut self.url);
        check.tags("/tags", &mut self.tags);
        match self.kind {
            SystemKind::Own => {
                if self.team.is_none() {
                    check.fault("/team", "An own system belongs to a team. Name it.");
                }
                if self.vendor.is_some() {
                    check.fault("/vendor", "Only a SaaS system has a vendor. Leave this out.");
                }
            }
            SystemKind::Saas if self.vendor.is_none() => {
                check.fault("/vendor", "A SaaS system is a vendor's. Name the vendor.");
            }
            SystemKind::Saas => {}
        }
        check.finish()?;
        Ok(self)
    }
}

/// A system.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct System {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// The team's id.
    pub team_id: Option<Uuid>,
    /// The vendor's id.
    pub vendor_id: Option<Uuid>,
    /// What people say.
    #[serde(flatten)]
    pub content: SystemContent,
}

impl Record for System {
    const KIND: &'static str = "system";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}
