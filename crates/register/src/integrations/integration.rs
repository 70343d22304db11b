//! An integration: one system's use of one API.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Initiator, IntegrationContent};
use crate::catalog::{Sensitivity, SystemKind};
use base::{audit::Record, error::Error, words};

words! {
    /// Where it is in its life.
    #[derive(Default)]
    IntegrationState, "/state" {
        /// Asked for; not yet approved.
        #[default]
        Proposed = "proposed",
        /// In use.
        Active = "active",
        /// Stopped at once, with a reason.
        Suspended = "suspended",
        /// Works, but is to be left.
        Deprecated = "deprecated",
        /// No longer.
        Retired = "retired",
    }
}

words! {
    /// Who calls whom; derived from the kind of system and who initiates.
    #[derive(Default)]
    Direction, "/direction" {
        /// Nobody said yet.
        #[default]
        Unknown = "unknown",
        /// We call the vendor.
        Outbound = "outbound",
        /// The vendor calls us.
        Inbound = "inbound",
        /// Both.
        OutboundAndInbound = "outbound_and_inbound",
        /// One vendor's application calls another's.
        SaasToSaas = "saas_to_saas",
    }
}

impl Direction {
    /// What follows from the system's kind and who initiates.
    pub fn of(system: SystemKind, initiator: Option<Initiator>) -> Self {
        match (system, initiator) {
            (SystemKind::Saas, _) => Self::SaasToSaas,
            (SystemKind::Own, Some(Initiator::Us)) => Self::Outbound,
            (SystemKind::Own, Some(Initiator::Vendor)) => Self::Inbound,
            (SystemKind::Own, Some(Initiator::Both)) => Self::OutboundAndInbound,
            (SystemKind::Own, None) => Self::Unknown,
        }
    }
}

/// The ids behind the names of a content, taken when it was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refs {
    /// The system.
    pub system: Uuid,
    /// Its kind.
    pub system_kind: Option<SystemKind>,
    /// The team of the system.
    pub system_team: Option<Uuid>,
    /// The API.
    pub api: Uuid,
    /// Its vendor.
    pub vendor: Uuid,
    /// The version.
    pub version: Option<Uuid>,
    /// The owners.
    pub business_owner: Option<Uuid>,
    /// The team that runs it.
    pub technical_owner: Option<Uuid>,
    /// The team that steps in.
    pub backup_owner: Option<Uuid>,
    /// The data class of each flow, with its sensitivity at that moment.
    pub data_classes: Vec<(Uuid, Sensitivity)>,
    /// The API or vendor of each upstream.
    pub upstreams: Vec<Uuid>,
    /// Names for the search: system, API, vendor, owners.
    pub names: Vec<String>,
}

impl Refs {
    /// The teams that own it.
    pub fn owners(&self) -> impl Iterator<Item = Uuid> {
        [self.business_owner, self.technical_owner, self.backup_owner].into_iter().flatten()
    }

    /// The same by their seats.
    pub fn owner_ids(&self) -> OwnerIds {
        OwnerIds {
            business_owner: self.business_owner,
            technical_owner: self.technical_owner,
            backup_owner: self.backup_owner,
        }
    }

    /// The same by the parts that name a record.
    pub fn part_ids(&self, content: &IntegrationContent) -> PartIds {
        let classes = content.data_flows.iter().zip(&self.data_classes);
        PartIds {
            version: self.version,
            upstreams: self.upstreams.clone(),
            data_classes: classes.map(|(flow, (id, _))| (flow.data_class.clone(), *id)).collect(),
        }
    }

    /// The highest sensitivity of the flows.
    pub fn sensitivity(&self) -> Option<Sensitivity> {
        self.data_classes.iter().map(|(_, sensitivity)| *sensitivity).max_by_key(|sensitivity| sensitivity.level())
    }
}

/// That it was stopped at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Suspension {
    /// Since when.
    pub at: DateTime<Utc>,
    /// By whom; null when a script or a command did it.
    pub by: Option<Uuid>,
    /// Why.
    pub reason: String,
}

/// What stands of a scope: asked for, approved, granted by the vendor, used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    /// As it is sent.
    pub scope: String,
    /// Whether the content in force asks for it.
    pub requested: bool,
    /// When it was approved.
    pub approved_at: Option<DateTime<Utc>>,
    /// Since when the vendor grants it.
    pub granted_on: Option<NaiveDate>,
    /// When it was last seen in use.
    pub last_used_on: Option<NaiveDate>,
}

/// A credential that the integration uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CredentialUse {
    /// Its id.
    pub id: Uuid,
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its environment.
    pub environment: String,
    /// Its state, before dates are looked at.
    pub state: String,
    /// Where it is kept.
    pub vault_reference: Option<String>,
    /// Since when it is what it is: rotated, else created.
    pub since: Option<NaiveDate>,
    /// When it has to change.
    pub next_rotation_on: Option<NaiveDate>,
    /// How many integrations use it.
    pub uses: i64,
}

/// The ids of the teams that own an integration: slugs change, ids do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnerIds {
    /// The team that answers for it.
    pub business_owner: Option<Uuid>,
    /// The team that runs it.
    pub technical_owner: Option<Uuid>,
    /// The team that steps in.
    pub backup_owner: Option<Uuid>,
}

/// The ids of what the parts of an integration name, for its history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PartIds {
    /// The API's version.
    pub version: Option<Uuid>,
    /// The API or vendor of each upstream, in their order.
    pub upstreams: Vec<Uuid>,
    /// The data class behind each key of the data flows.
    pub data_classes: BTreeMap<String, Uuid>,
}

/// An integration with its parts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Integration {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// Where it is in its life.
    pub state: IntegrationState,
    /// Who calls whom; derived.
    pub direction: Direction,
    /// The highest sensitivity of its data flows; derived.
    pub sensitivity: Option<Sensitivity>,
    /// Why it is suspended.
    pub suspension: Option<Suspension>,
    /// The system's id.
    pub system_id: Uuid,
    /// The API's id.
    pub api_id: Uuid,
    /// The vendor's id.
    pub vendor_id: Uuid,
    /// The ids of the teams that own it.
    pub owner_ids: OwnerIds,
    /// The ids behind the names in its parts.
    #[serde(skip)]
    pub part_ids: PartIds,
    /// Where each scope stands.
    pub grants: Vec<Grant>,
    /// The credentials it uses.
    pub credentials: Vec<CredentialUse>,
    /// What people say, as it is in force; of a proposed one, as it is proposed.
    #[serde(flatten)]
    pub content: IntegrationContent,
}

impl Record for Integration {
    const KIND: &'static str = "integration";
    const SCHEMA: i32 = 2;
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
    /// What is derived, and credentials, which are records of their own, are left out.
    /// With the ids of what the parts name: slugs change, ids do not.
    fn body(&self) -> Value {
        let mut body = serde_json::to_value(self).unwrap_or(Value::Null);
        if let Value::Object(fields) = &mut body {
            for derived in ["credentials", "direction", "sensitivity"] {
                fields.remove(derived);
            }
            fields.insert("refs".into(), serde_json::to_value(&self.part_ids).unwrap_or(Value::Null));
        }
        body
    }
}

impl Integration {
    /// Stops it at once.
    pub fn suspend(self, by: Option<Uuid>, at: DateTime<Utc>, reason: String) -> Result<Self, Error> {
        match self.state {
            IntegrationState::Active | IntegrationState::Deprecated => Ok(Self {
                state: IntegrationState::Suspended,
                suspension: Some(Suspension { at, by, reason }),
                revision: self.revision + 1,
                updated_at: at,
                ..self
            }),
            IntegrationState::Suspended => Err(Error::Conflict("It is suspended already.".into())),
            IntegrationState::Proposed | IntegrationState::Retired => {
                Err(Error::Conflict("Only what is in use can be suspended.".into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direction_follows_from_the_facts() {
        assert_eq!(Direction::of(SystemKind::Saas, Some(Initiator::Us)), Direction::SaasToSaas);
        assert_eq!(Direction::of(SystemKind::Own, Some(Initiator::Both)), Direction::OutboundAndInbound);
        assert_eq!(Direction::of(SystemKind::Own, None), Direction::Unknown);
    }
}
