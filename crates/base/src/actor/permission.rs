//! Roles, and what each may do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
    /// Draft and publish rules and workflows, grant exceptions. Drafting is all that a token does.
    Govern,
    /// People, roles, teams, review groups, service accounts and their tokens.
    ManagePeople,
    /// Settings of the organisation.
    ManageSettings,
    /// Keep a provider's people and groups here (SCIM). Of the service account alone that the provider names.
    Provision,
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
                Permission::Govern,
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
    pub const ALL: [Self; 14] = [
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
        Self::Govern,
        Self::ManagePeople,
        Self::ManageSettings,
        Self::Provision,
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
            Self::Govern => "govern",
            Self::ManagePeople => "manage_people",
            Self::ManageSettings => "manage_settings",
            Self::Provision => "provision",
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
            Self::Govern => "Write rules and workflows, grant exceptions",
            Self::ManagePeople => "Manage people and tokens",
            Self::ManageSettings => "Change settings",
            Self::Provision => "Keep a provider's people and groups (SCIM)",
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
