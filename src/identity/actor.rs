//! Who acts, through which door, with which rights.

use std::{net::IpAddr, sync::Arc};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;

/// A role of a person. What each may do stands in [`Role::permissions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Proposes for their own teams, creates vendors and APIs.
    Requester,
    /// Decides in their review groups, verifies vendors and APIs, sets what only reviewers may set.
    Reviewer,
    /// Sets sensitivities, overrides imported facts.
    GovernanceLead,
    /// Reads everything with its history; writes nothing, whatever else they are.
    Auditor,
    /// People, groups, settings.
    Admin,
}

/// One right. A token's scopes are the same words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Read the register.
    Read,
    /// Read the audit log with its origins.
    ReadAudit,
    /// Create and edit vendors, APIs, versions, systems; import documents; comment.
    EditCatalog,
    /// Verify vendors and APIs; set DPA, certifications, tier, locations, sub-processors.
    VerifyCatalog,
    /// Extend the data classes and set their sensitivity.
    GovernDataClasses,
    /// Register integrations, propose changes, note credentials; for one's own teams.
    Propose,
    /// Record rotations and what vendors granted.
    Rotate,
    /// Decide on change requests. No token does, whatever its scopes.
    Decide,
    /// Suspend an integration at once.
    Suspend,
    /// Change owners, tags and review dates of any integration; propose for any team.
    Steward,
    /// People, roles, teams, review groups, service accounts and their tokens.
    ManagePeople,
    /// Settings of the organisation.
    ManageSettings,
}

impl Role {
    /// Every role, in the order in which pages show them.
    pub const ALL: [Self; 5] = [Self::Requester, Self::Reviewer, Self::GovernanceLead, Self::Auditor, Self::Admin];

    /// The role's word in code, database and API.
    pub fn key(self) -> &'static str {
        match self {
            Self::Requester => "requester",
            Self::Reviewer => "reviewer",
            Self::GovernanceLead => "governance_lead",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }

    /// The role as people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Requester => "Requester",
            Self::Reviewer => "Reviewer",
            Self::GovernanceLead => "Governance lead",
            Self::Auditor => "Auditor",
            Self::Admin => "Admin",
        }
    }

    /// What the role may do beyond reading.
    pub fn permissions(self) -> &'static [Permission] {
        match self {
            Self::Requester => &[Permission::EditCatalog, Permission::Propose, Permission::Rotate],
            Self::Reviewer => &[Permission::VerifyCatalog, Permission::Decide, Permission::Suspend],
            Self::GovernanceLead => &[
                Permission::EditCatalog,
                Permission::Propose,
                Permission::Rotate,
                Permission::Suspend,
                Permission::Steward,
                Permission::GovernDataClasses,
                Permission::ReadAudit,
            ],
            Self::Auditor => &[Permission::ReadAudit],
            Self::Admin => &[Permission::ManagePeople, Permission::ManageSettings, Permission::ReadAudit],
        }
    }
}

impl std::str::FromStr for Role {
    type Err = Error;
    fn from_str(key: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|role| role.key() == key)
            .ok_or_else(|| Error::field("/roles", format!("'{key}' is not a role.")))
    }
}

impl Permission {
    /// Every right, in the order in which pages show them.
    pub const ALL: [Self; 12] = [
        Self::Read,
        Self::ReadAudit,
        Self::EditCatalog,
        Self::VerifyCatalog,
        Self::GovernDataClasses,
        Self::Propose,
        Self::Rotate,
        Self::Decide,
        Self::Suspend,
        Self::Steward,
        Self::ManagePeople,
        Self::ManageSettings,
    ];

    /// The right's word, which is also the token scope.
    pub fn key(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadAudit => "read_audit",
            Self::EditCatalog => "edit_catalog",
            Self::VerifyCatalog => "verify_catalog",
            Self::GovernDataClasses => "govern_data_classes",
            Self::Propose => "propose",
            Self::Rotate => "rotate",
            Self::Decide => "decide",
            Self::Suspend => "suspend",
            Self::Steward => "steward",
            Self::ManagePeople => "manage_people",
            Self::ManageSettings => "manage_settings",
        }
    }

    /// What it lets somebody do, as people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Read => "Read the register",
            Self::ReadAudit => "Read the audit log",
            Self::EditCatalog => "Create, edit and import",
            Self::VerifyCatalog => "Verify vendors and APIs",
            Self::GovernDataClasses => "Govern data classes",
            Self::Propose => "Register and propose changes",
            Self::Rotate => "Record rotations and grants",
            Self::Decide => "Decide on change requests",
            Self::Suspend => "Suspend integrations",
            Self::Steward => "Change owners, tags and review dates of any",
            Self::ManagePeople => "Manage people and tokens",
            Self::ManageSettings => "Change settings",
        }
    }

    fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

impl std::str::FromStr for Permission {
    type Err = Error;
    fn from_str(key: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.key() == key)
            .ok_or_else(|| Error::field("/scopes", format!("'{key}' is not a scope.")))
    }
}

/// A set of rights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u16);

impl Permissions {
    /// What somebody with these roles may do. An auditor never writes, whatever else they are.
    pub fn of_roles(roles: &[Role]) -> Self {
        let mut set: Self = [Permission::Read].into_iter().collect();
        for role in roles {
            for permission in role.permissions() {
                set.0 |= permission.bit();
            }
        }
        if roles.contains(&Role::Auditor) {
            set.0 &= Permission::Read.bit() | Permission::ReadAudit.bit();
        }
        set
    }

    /// Every right there is.
    pub fn all() -> Self {
        Permission::ALL.into_iter().collect()
    }

    /// Whether the right is in the set.
    pub fn contains(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The rights of the set.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |permission| self.contains(*permission))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(iter: I) -> Self {
        Self(iter.into_iter().fold(0, |bits, permission| bits | permission.bit()))
    }
}

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
