//! People, teams, review groups, service accounts, sessions and API tokens: who somebody is and
//! what they may do. Sign-in by one-time link ends here; other ways of signing in add a door, not
//! a second notion of a person.

use base::{app::App, config::Config, slots::Slots};

mod authority;
mod configuration;
mod declared;
mod group;
mod link;
pub mod oidc;
pub mod ops;
mod passkey;
mod password;
mod person;
mod proof;
mod provider;
pub mod scim;
mod scim_group;
mod scim_path;
pub mod seal;
pub mod seats;
pub mod secrets;
mod service_account;
mod store;
pub mod tables;
mod token;

pub use authority::Authorities;
pub use base::actor::{
    Actor, Arrival, Authority, FRESH, Language, Notices, Origin, Permission, Permissions, Preferences, Principal,
    Reading, Role, Sensitive, Session, StrongWay, Theme, Via,
};
pub use configuration::{Configuration, NAMES as CONFIGURATION_NAMES};
pub use declared::FEATURE;
pub use group::{Group, GroupContent, GroupKind};
pub use link::{GroupMapping, Identity, Passkey};
pub use person::{Person, PersonContent, PersonState, RoleEnd};
pub use proof::Proof;
pub use provider::{ClientAuth, FixedMapping, MappingOptions, Provider, ProviderOptions, Target};
pub use secrets::{Bearer, Pepper, TokenKind};
pub use service_account::{ServiceAccount, ServiceAccountContent};
pub use token::{NewToken, Token, TokenOwner};

/// What this feature brings along: the pepper, its section of the configuration, who is who for less than a second, the
/// providers with what is known of them, and which refused sign-ins were recorded this minute.
pub fn slots(slots: Slots, config: &Config, pepper: Pepper) -> Slots {
    let configuration = config.sections.get::<Configuration>().cloned().unwrap_or_default();
    slots
        .with(pepper)
        .with(Authorities::default())
        .with(oidc::Providers::new(&configuration.providers))
        .with(configuration)
        .with(ops::RefusedSignIns::default())
}

/// What API tokens are hashed with.
pub fn pepper(app: &App) -> &Pepper {
    app.slot()
}

/// Who is who, for less than a second.
pub fn authorities(app: &App) -> &Authorities {
    app.slot()
}

/// The identity providers, with what is known of them.
pub fn providers(app: &App) -> &oidc::Providers {
    app.slot()
}

/// The section of the configuration file that is about signing in.
pub fn configuration(app: &App) -> &Configuration {
    app.slot()
}
