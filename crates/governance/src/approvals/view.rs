//! Saved views: a list's question under a name, for oneself, a team or everyone.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use base::{audit::Record, check::Check, error::Error, words, words::State};

words! {
    /// Who sees it.
    #[derive(Default)]
    ViewAudience, "/audience" {
        /// Its owner.
        #[default]
        Own = "own",
        /// The owner's team.
        Team = "team",
        /// Everyone.
        Everyone = "everyone",
    }
}

/// Lists that views are saved of.
const LISTS: [&str; 5] = ["integrations", "credentials", "data_flows", "scopes", "requests"];

/// What its owner says of a view.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewContent {
    /// `integrations`, `credentials`, `data_flows`, `scopes` or `requests`.
    pub list: String,
    /// Its name.
    pub name: String,
    /// The query of the list's URL, such as `state=active&sensitivity=restricted`.
    #[serde(default)]
    pub query: String,
    /// Who sees it.
    #[serde(default)]
    pub audience: ViewAudience,
    /// Id or slug of the team, where it is a team's.
    #[serde(default)]
    pub team: Option<String>,
    /// Active or retired.
    #[serde(default)]
    pub state: State,
}

impl ViewContent {
    /// Tidies and checks; names every fault.
    pub fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        if !LISTS.contains(&self.list.as_str()) {
            check.fault("/list", format!("Name one of {}.", LISTS.join(", ")));
        }
        check.required("/name", &mut self.name, 100);
        check.identifier("/query", &self.query, 4000);
        check.reference("/team", &mut self.team, 100);
        match (self.audience, &self.team) {
            (ViewAudience::Team, None) => check.fault("/team", "Name the team that sees it."),
            (ViewAudience::Own | ViewAudience::Everyone, Some(_)) => {
                check.fault("/team", "Only a team's view has a team. Leave this out.");
            }
            _ => {}
        }
        // A page is not part of a question.
        let kept =
            url::form_urlencoded::parse(self.query.trim_start_matches('?').as_bytes()).filter(|(name, value)| {
                !value.is_empty() && !matches!(name.as_ref(), "cursor" | "note" | "limit" | "view")
            });
        self.query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
        check.finish()?;
        Ok(self)
    }
}

/// A saved view.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SavedView {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// Who saved it.
    pub owner_id: Uuid,
    /// The team's id.
    pub team_id: Option<Uuid>,
    /// When it was saved.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// What its owner says.
    #[serde(flatten)]
    pub content: ViewContent,
}

impl Record for SavedView {
    const KIND: &'static str = "saved_view";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}
