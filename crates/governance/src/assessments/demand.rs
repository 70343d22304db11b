//! That an assessment is wanted: because of something that happened, once for each.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use base::{audit::Record, check::Check, error::Error, words};

words! {
    /// What asks for it.
    Cause, "/cause" {
        /// An integration of this vendor went live that the questionnaire is for.
        Intake = "intake",
        /// Another kind of data flows.
        NewDataClass = "new_data_class",
        /// Data is processed in another country.
        NewCountry = "new_country",
        /// Another company processes data for the vendor.
        NewSubProcessor = "new_sub_processor",
        /// Something happened at the vendor.
        Incident = "incident",
        /// What was concluded ends.
        Renewal = "renewal",
    }
}

words! {
    /// Where it stands.
    DemandState, "/state" {
        /// Nobody took it up yet.
        Open = "open",
        /// An assessment was begun.
        Answered = "answered",
        /// Somebody said why none is needed.
        Dismissed = "dismissed",
    }
}

/// That a vendor is to be assessed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Demand {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// The questionnaire.
    pub questionnaire_id: Uuid,
    /// The vendor.
    pub vendor_id: Uuid,
    /// What asks for it.
    pub cause: Cause,
    /// Which one of its kind: a data class, a country, a sub-processor, an incident, the assessment that ends.
    pub reference: String,
    /// Where it stands.
    pub state: DemandState,
    /// Why none is needed, where that was said.
    pub note: Option<String>,
    /// The assessment that was begun.
    pub assessment_id: Option<Uuid>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
}

impl Record for Demand {
    const KIND: &'static str = "assessment_demand";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}

impl Demand {
    /// An assessment was begun, or somebody says why none is needed.
    pub fn close(self, assessment: Option<Uuid>, note: Option<String>) -> Result<Self, Error> {
        if self.state != DemandState::Open {
            return Err(Error::Conflict(format!("It is {} already.", self.state.key())));
        }
        let state = if assessment.is_some() { DemandState::Answered } else { DemandState::Dismissed };
        Ok(Self { state, assessment_id: assessment, note, revision: self.revision + 1, ..self })
    }
}

/// Something that happened at a vendor, for which its assessments are to be made anew.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Occurrence {
    /// Id or slug of the vendor.
    pub vendor: String,
    /// What it is called elsewhere, such as a ticket; the same one asks once.
    pub reference: String,
}

impl Occurrence {
    /// Tidies and checks.
    pub fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        check.required("/vendor", &mut self.vendor, 100);
        check.required("/reference", &mut self.reference, 200);
        check.finish()?;
        Ok(self)
    }
}
