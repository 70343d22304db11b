//! People, teams, review groups, service accounts, sessions and API tokens: who somebody is and
//! what they may do. Sign-in by one-time link ends here; other ways of signing in add a door, not
//! a second notion of a person.

mod actor;
mod authority;
mod group;
mod link;
pub mod oidc;
pub mod ops;
mod passkey;
mod password;
mod permission;
mod person;
mod proof;
mod provider;
mod reading;
pub mod scim;
mod scim_group;
mod scim_path;
pub mod seal;
pub mod seats;
pub mod secrets;
mod service_account;
mod store;
mod token;

pub use actor::{Actor, Authority, FRESH, Origin, Principal, Sensitive, Session, StrongWay, Via};
pub use authority::Authorities;
pub use group::{Group, GroupContent, GroupKind};
pub use link::{GroupMapping, Identity, Passkey};
pub use permission::{Permission, Permissions, Role};
pub use person::{Person, PersonContent, PersonState, RoleEnd};
pub use proof::Proof;
pub use provider::{ClientAuth, FixedMapping, MappingOptions, Provider, ProviderOptions, Target};
pub use reading::{Language, Notices, Preferences, Reading, Theme};
pub use secrets::{Bearer, Pepper, TokenKind};
pub use service_account::{ServiceAccount, ServiceAccountContent};
pub use token::{NewToken, Token, TokenOwner};
