//! The verbs of integrations and credentials.

mod apply;
mod credential_list;
mod credentials;
mod find;
mod lists;
mod merging;
mod resolve;
mod suspend;

pub use super::store::suggestions::{OfferedScope, OwnerSuggestion};
pub use apply::{Standing, apply_content, register_in, steward_in};
pub use credential_list::{CREDENTIALS, CredentialRow};
pub use credentials::{
    begin_rotation, create_credential, find_credential, get_credentials, mark_compromised, record_rotation,
    revoke_credential, rotation_weeks, update_credential,
};
pub use find::{
    Start, find_integration, get_integrations, hints_for, integration_in, load, lock_free, lock_many, offered_scopes,
    offered_scopes_in, scopes_of, start_content, suggested_owners, teams_of, teams_of_many,
};
pub use lists::{DATA_FLOWS, FlowRow, GrantRow, INTEGRATIONS, IntegrationRow, SCOPES};
pub use merging::{OnTheirWay, follow_dependencies, put_down, take_up};
pub use resolve::{may_propose, resolve_in};
pub use suspend::{GrantFacts, record_grants, suspend, suspend_in};

use uuid::Uuid;

use base::error::Error;
use identity::{Actor, Permission};

/// Refuses people outside the teams; stewards and service accounts go by their rights alone.
fn may_rotate(actor: &Actor, teams: impl IntoIterator<Item = Uuid>) -> Result<(), Error> {
    if actor.person().is_none() || actor.may(Permission::Steward) || actor.is_in_team(teams) {
        return Ok(());
    }
    Err(Error::Forbidden("Only the teams of the system and of the integration do this.".into()))
}
