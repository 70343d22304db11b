//! A data class: what kind of data, in a tree whose keys follow the fideslang taxonomy.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use base::{audit::Record, check::Check, error::Error, words, words::State};

words! {
    /// How bad a leak would be.
    #[derive(Default)]
    Sensitivity, "/sensitivity" {
        /// Anybody may know.
        Public = "public",
        /// For our own people.
        Internal = "internal",
        /// For those who need it.
        #[default]
        Confidential = "confidential",
        /// For few; harm to people or the organisation.
        Restricted = "restricted",
    }
}

words! {
    /// A regulation that a class of data falls under.
    Regulation, "/regulations" {
        /// Regulation (EU) 2016/679.
        Gdpr = "gdpr",
        /// Payment Card Industry Data Security Standard.
        PciDss = "pci_dss",
        /// Health Insurance Portability and Accountability Act.
        Hipaa = "hipaa",
    }
}

impl Sensitivity {
    /// 1 (public) to 4 (restricted): as many bars are shown.
    pub fn level(self) -> u8 {
        match self {
            Self::Public => 1,
            Self::Internal => 2,
            Self::Confidential => 3,
            Self::Restricted => 4,
        }
    }
}

/// What the governance lead says of a data class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DataClassContent {
    /// Dotted key; everything before the last dot is the parent's. Does not change.
    pub key: String,
    /// Its name.
    pub name: String,
    /// What belongs to it.
    #[serde(default)]
    pub description: Option<String>,
    /// How bad a leak would be.
    pub sensitivity: Sensitivity,
    /// Regulations that it falls under.
    #[serde(default)]
    pub regulations: Vec<Regulation>,
    /// Active or retired.
    #[serde(default)]
    pub state: State,
}

impl DataClassContent {
    /// Tidies and checks; names every fault.
    pub fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        self.key = self.key.trim().to_owned();
        let fine = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_lowercase())
                && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        if self.key.len() > 200 || !self.key.split('.').all(fine) {
            check.fault(
                "/key",
                "Use words of lower-case letters, digits and _, joined by dots, such as user.contact.email.",
            );
        }
        check.required("/name", &mut self.name, 200);
        check.optional("/description", &mut self.description, 4000);
        self.regulations.sort_unstable();
        self.regulations.dedup();
        check.finish()?;
        Ok(self)
    }

    /// The parent's key; `None` at the root.
    pub fn parent_key(&self) -> Option<&str> {
        self.key.rsplit_once('.').map(|(parent, _)| parent)
    }
}

/// A data class.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DataClass {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// The parent's id.
    pub parent_id: Option<Uuid>,
    /// `fideslang` or `organisation`.
    pub source: String,
    /// What the governance lead says.
    #[serde(flatten)]
    pub content: DataClassContent,
}

impl Record for DataClass {
    const KIND: &'static str = "data_class";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}
