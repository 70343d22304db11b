//! Integrations with their environments, data flows and scope grants, and the credentials that
//! they use. What is governed changes through `approvals` alone; facts, such as a rotation or what
//! a vendor granted, are recorded here.

mod content;
mod credential;
mod declared;
mod gaps;
mod hints;
mod integration;
pub mod ops;
mod parts;
mod rotation;
mod store;
pub mod tables;

pub use content::{FIELDS, IntegrationContent, Weight};
pub use credential::{Credential, CredentialContent, CredentialKind, CredentialState, Rotation, fingerprint};
pub use declared::FEATURE;
pub use gaps::{Gap, Missing, missing};
pub use hints::{Around, Hint, hints};
pub use integration::{
    CredentialUse, Direction, Grant, Integration, IntegrationState, OwnerIds, PartIds, Refs, Suspension,
};
pub use parts::{
    Criticality, DataFlow, EnvironmentUse, Exposure, FieldEncryption, FlowDirection, InboundInspection,
    InboundValidation, Initiator, LegalBasis, PeerVerification, RatePeriod, ScopeRequest, TransferSafeguard,
    is_outside_eea,
};
pub use rotation::{MaximumAge, next_rotation};
