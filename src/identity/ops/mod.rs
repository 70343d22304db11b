//! The verbs of identity.

mod access;
mod demo;
mod groups;
mod people;
mod service_accounts;
mod tokens;

use crate::{error::Error, identity::Actor};

/// A token never opens a session, grants a role or changes an account: that would be a way to get more
/// than its scopes say.
pub fn refuse_token(actor: &Actor) -> Result<(), Error> {
    match actor.authority.token_id {
        Some(_) => Err(Error::Forbidden("No token does this. Sign in, or use the command line.".into())),
        None => Ok(()),
    }
}

pub use access::{
    MintedLink, authenticate_session, authenticate_token, end_session, housekeep, link_holds, mint_admin_link,
    mint_link, needs_first_admin, sessions, sign_in, sign_out,
};
pub use demo::{DemoPerson, demo_people, is_demo, mark_demo, mark_demo_people, sign_in_demo};
pub use groups::{
    GroupRow, addresses_of, members_of, create_group, create_group_in, find_group, get_group, get_groups, group_in,
    groups_list_spec, list_groups, reviewers_of, update_group, update_group_in,
};
pub use people::{PEOPLE, PersonRow, create_person, get_people, get_person, list_people, names, update_person};
pub use service_accounts::{create_service_account, find_service_account, service_accounts, update_service_account};
pub use tokens::{MintedToken, bind_pepper, mint_token, revoke_token, tokens};
