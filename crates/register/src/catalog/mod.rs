//! Vendors, their APIs and API versions, systems, data classes, comments: what the organisation
//! depends on. Facts come from people and from imports; both pass through the operations here.

mod absorbing;
mod api;
mod api_version;
mod comment;
mod data_class;
mod declared;
pub mod ops;
mod repointing;
mod store;
mod system;
pub mod tables;
mod vendor;

pub use api::{Api, ApiContent, AuthMethod, Lifecycle, Protocol, TlsVersion, Upstream};
pub use api_version::{
    ApiVersion, AuthScheme, Endpoint, Environment, Operation, OperationDirection, Scope, Source, VersionContent,
    endpoint_of,
};
pub use comment::{Comment, NewComment, render as render_markdown};
pub use data_class::{DataClass, DataClassContent, Regulation, Sensitivity};
pub use declared::FEATURE;
pub use repointing::{Dropped, Moved, MovedRecord, Repointing};
pub use system::{System, SystemContent, SystemKind};
pub use vendor::{Certification, DpaStatus, Identifier, SubProcessor, Vendor, VendorContent};
