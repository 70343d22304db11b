//! Who acts, through which door, with which rights.

use std::{net::IpAddr, sync::Arc};

use uuid::Uuid;

use super::{Permission, Permissions, Role};
use crate::error::Error;

/// Who somebody is, as the record keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// A person.
    Person(Uuid),
    /// A service account.
    ServiceAccount(Uuid),
    /// Muster itself, by the part that acts, such as `system:cli`.
    System(&'static str),
}

/// The door through which a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// A page.
    Page,
    /// The REST API.
    Api,
    /// The command line.
    Cli,
    /// A job of Muster's own.
    Job,
}

impl Via {
    /// The door's word in the record.
    pub fn key(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Api => "api",
            Self::Cli => "cli",
            Self::Job => "job",
        }
    }
}

/// Somebody's identity and rights, read from the database and kept for at most a second.
#[derive(Clone, Debug)]
pub struct Authority {
    /// Who it is.
    pub principal: Principal,
    /// Their name, for pages only.
    pub name: String,
    /// Their e-mail address, for pages only.
    pub email: String,
    /// The roles granted.
    pub roles: Vec<Role>,
    /// The teams they are in; a service account's team.
    pub teams: Vec<Uuid>,
    /// The review groups they are in.
    pub review_groups: Vec<Uuid>,
    /// What they may do.
    pub permissions: Permissions,
    /// The token that was used, if one was.
    pub token_id: Option<Uuid>,
    /// The session that was used, if one was.
    pub session: Option<Session>,
}

/// A browser session: its id, and the token that every form of it carries.
#[derive(Clone, Debug)]
pub struct Session {
    /// Which session.
    pub id: Uuid,
    /// The forms' token.
    pub csrf: String,
}

/// Where a request came from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The peer's address.
    pub address: Option<IpAddr>,
    /// The user agent it named, cut at 300 characters.
    pub user_agent: Option<String>,
    /// The operating system's user, for the CLI.
    pub os_user: Option<String>,
}

/// Somebody acting: every operation takes one.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Who, with which rights.
    pub authority: Arc<Authority>,
    /// Through which door.
    pub via: Via,
    /// The request's id, on every log line and event.
    pub request_id: String,
    /// From where.
    pub origin: Origin,
}

impl Actor {
    /// The CLI: may do everything that is not a decision.
    pub fn cli(os_user: String, request_id: String) -> Self {
        let origin = Origin { os_user: Some(os_user), ..Origin::default() };
        Self { authority: Arc::new(Authority::system("system:cli")), via: Via::Cli, request_id, origin }
    }

    /// A job of Muster's own.
    pub fn job(name: &'static str, request_id: String) -> Self {
        Self { authority: Arc::new(Authority::system(name)), via: Via::Job, request_id, origin: Origin::default() }
    }

    /// Whoever holds a link that shows one thing alone: no rights, and no name of their own.
    pub fn link(name: &'static str, request_id: String, origin: Origin) -> Self {
        let authority = Authority { permissions: Permissions::default(), ..Authority::system(name) };
        Self { authority: Arc::new(authority), via: Via::Page, request_id, origin }
    }

    /// Refuses whoever lacks the right, naming it.
    pub fn require(&self, permission: Permission) -> Result<(), Error> {
        if self.may(permission) {
            return Ok(());
        }
        Err(Error::Forbidden(format!(
            "You may not do this: it needs the right '{}'. An admin can grant it.",
            permission.key()
        )))
    }

    /// Whether the actor has the right.
    pub fn may(&self, permission: Permission) -> bool {
        self.authority.permissions.contains(permission)
    }

    /// Whether the actor is in one of these teams.
    pub fn is_in_team(&self, teams: impl IntoIterator<Item = Uuid>) -> bool {
        teams.into_iter().any(|team| self.authority.teams.contains(&team))
    }
    /// The service account acting, when it is one.
    pub fn service_account(&self) -> Option<Uuid> {
        match self.authority.principal {
            Principal::ServiceAccount(id) => Some(id),
            Principal::Person(_) | Principal::System(_) => None,
        }
    }

    /// The person acting, when it is one.
    pub fn person(&self) -> Option<Uuid> {
        match self.authority.principal {
            Principal::Person(id) => Some(id),
            Principal::ServiceAccount(_) | Principal::System(_) => None,
        }
    }
}

impl Authority {
    fn system(name: &'static str) -> Self {
        Self {
            principal: Principal::System(name),
            name: name.into(),
            email: String::new(),
            roles: Vec::new(),
            teams: Vec::new(),
            review_groups: Vec::new(),
            permissions: Permissions::all(),
            token_id: None,
            session: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auditor_writes_nothing_whatever_else_they_are() {
        let left: Vec<Permission> = Permissions::of_roles(&Role::ALL).iter().collect();
        assert_eq!(left, [Permission::Read, Permission::ReadAudit]);
    }

    #[test]
    fn everyone_signed_in_reads_and_no_more() {
        let left: Vec<Permission> = Permissions::of_roles(&[]).iter().collect();
        assert_eq!(left, [Permission::Read]);
    }
}
