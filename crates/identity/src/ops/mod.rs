//! The verbs of identity.

mod access;
mod arrivals;
mod demo;
mod endings;
mod federated;
mod groups;
mod local;
mod mappings;
mod passkeys;
mod people;
mod preferences;
mod review;
mod rights;
mod scim;
mod service_accounts;
mod shut_out;
mod throttle;
mod tokens;
mod ways;

use crate::Actor;
use base::error::Error;

/// A token never opens a session, grants a role or changes an account: that would be a way to get more
/// than its scopes say.
pub fn refuse_token(actor: &Actor) -> Result<(), Error> {
    match actor.authority.token_id {
        Some(_) => Err(Error::Forbidden("No token does this. Sign in, or use the command line.".into())),
        None => Ok(()),
    }
}

pub use access::{
    LinkFor, MintedLink, authenticate_session, authenticate_token, end_other_sessions, end_session, housekeep,
    link_holds, link_purpose, mint_admin_link, mint_link, mint_link_for, needs_first_admin, provider_of_session,
    sessions, sign_in, sign_out,
};
pub use demo::{DemoPerson, demo_people, is_demo, mark_demo, mark_demo_people, sign_in_demo};
pub use endings::{end_roles, remind_of_ends};
pub use federated::{
    Arrived, Begun, Fault, Present, Purpose, Returned, begin_at_provider, finish_at_provider, safe_back,
};
pub use groups::{
    GroupRow, REVIEW_GROUPS, TEAMS, addresses_of, create_group, create_group_in, find_group, get_group, get_groups,
    group_in, groups_list_spec, holders_of, list_groups, members_of, reviewers_of, update_group, update_group_in,
};
pub use local::{Step, accept_invitation, confirm_by_password, local_accounts, sign_in_by_code, sign_in_by_password};
pub use mappings::{
    NewMapping, Touched, add_mapping, allow_identity, mappings, preview_mapping, retire_mapping, unlink_identity,
};
pub use passkeys::{
    add_passkey, begin_passkey, begin_passkey_sign_in, finish_passkey_sign_in, identities, identities_of, passkeys,
    passkeys_work, retire_passkey,
};
pub use people::{PEOPLE, PersonRow, create_person, get_people, get_person, list_people, names, update_person};
pub use preferences::{preferences, set_preferences};
pub use review::{Held, access_review};
pub use rights::reconcile_groups;
pub use scim::{
    Kept, Refused, scim_change_group, scim_change_user, scim_create_group, scim_create_user, scim_group, scim_groups,
    scim_remove_group, scim_remove_user, scim_user, scim_users,
};
pub use service_accounts::{create_service_account, find_service_account, service_accounts, update_service_account};
pub use tokens::{MintedToken, bind_pepper, mint_token, revoke_token, tokens};
pub use ways::{
    Means, begin_app, confirm_app, hold_form, means, remove_app, renew_codes, require_recent, set_password, take_form,
};

/// Which refused sign-ins were recorded this minute: apart from other refusals, so that strangers cannot fill that set.
#[derive(Debug, Default)]
pub struct RefusedSignIns(pub(super) base::app::Refusals);
