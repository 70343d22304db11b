//! Who acts, through which door, with which rights.

use std::{net::IpAddr, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;

mod display;
mod permission;

pub use display::{Language, Notices, Preferences, Reading, Theme};
pub use permission::{Permission, Permissions, Role};

/// Who someone is, as the record keeps it.
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

/// Someone's identity and rights, read from the database and kept for at most a second.
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
    /// The person who minted that token.
    pub minted_by: Option<Uuid>,
    /// The session that was used, if one was.
    pub session: Option<Session>,
    /// How pages are written for them.
    pub reading: Reading,
}

/// What a sign-in that is fresh and strong can be demanded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sensitive {
    /// Deciding: on requests, exceptions, review items, what is published.
    Decide,
    /// Minting tokens.
    Tokens,
    /// People, groups, mappings, service accounts, settings.
    Administer,
}

impl Sensitive {
    /// All of them, in the order in which pages show them.
    pub const ALL: [Self; 3] = [Self::Decide, Self::Tokens, Self::Administer];

    /// Its word.
    pub fn key(self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::Tokens => "tokens",
            Self::Administer => "administer",
        }
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Decide => "Deciding",
            Self::Tokens => "Minting tokens",
            Self::Administer => "Administration",
        }
    }
}

impl std::str::FromStr for Sensitive {
    type Err = Error;
    fn from_str(key: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|one| one.key() == key);
        found.ok_or_else(|| Error::field("/strong_for", format!("'{key}' is not one of decide, tokens, administer.")))
    }
}

/// Whether someone has a way to sign in that is strong by itself: a passkey, or a password with an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrongWay {
    /// They have.
    Yes,
    /// They have not yet.
    No,
}

/// How long a sign-in counts as fresh.
pub const FRESH: TimeDelta = TimeDelta::minutes(15);

/// A browser session: its id, the token that every form of it carries, and how its person proved who they are.
#[derive(Clone, Debug)]
pub struct Session {
    /// Which session.
    pub id: Uuid,
    /// The forms' token.
    pub csrf: String,
    /// When they proved it last.
    pub authenticated_at: DateTime<Utc>,
    /// Whether by more than one factor, or by a passkey.
    pub strong: bool,
    /// What needs a fresh and strong sign-in here.
    pub demanded: Vec<Sensitive>,
}

impl Session {
    /// Whether the last proof is strong and at most 15 minutes old.
    pub fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        self.strong && now - self.authenticated_at <= FRESH
    }
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

/// A request as it came in, before it is known who sends it.
#[derive(Clone, Debug, Default)]
pub struct Arrival {
    /// From where.
    pub origin: Origin,
    /// The request's id, on every log line and event.
    pub request_id: String,
}

/// Someone acting: every operation takes one.
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

    /// Who holds a link that shows one thing alone: no rights, and no name of their own.
    pub fn link(name: &'static str, arrival: Arrival) -> Self {
        let authority = Authority { permissions: Permissions::default(), ..Authority::system(name) };
        let Arrival { origin, request_id } = arrival;
        Self { authority: Arc::new(authority), via: Via::Page, request_id, origin }
    }

    /// Refuses who lacks the right, naming it.
    pub fn require(&self, permission: Permission) -> Result<(), Error> {
        if self.may(permission) {
            return Ok(());
        }
        Err(Error::Forbidden(format!(
            "You may not do this: it needs the right '{}'. An admin can grant it.",
            permission.key()
        )))
    }

    /// Refuses who has not signed in freshly and strongly where the organisation demands it for this. A
    /// script's token is no sign-in; what it may do stands in its scopes.
    pub fn require_fresh(&self, what: Sensitive, now: DateTime<Utc>) -> Result<(), Error> {
        match &self.authority.session {
            Some(session) if session.demanded.contains(&what) && !session.is_fresh(now) => Err(Error::StepUp),
            _ => Ok(()),
        }
    }

    /// Refuses to change what someone signs in with on an old or weak sign-in: a fresh and strong one where they
    /// have a strong way already, else one of the last 15 minutes. Who takes over an open session adds no
    /// way of their own, and a way that was just added confirms nothing.
    pub fn require_recent(&self, has_strong_way: StrongWay, now: DateTime<Utc>) -> Result<(), Error> {
        let session = self.authority.session.as_ref().ok_or(Error::Unauthenticated)?;
        let recent = now - session.authenticated_at <= FRESH;
        let enough = if has_strong_way == StrongWay::Yes { session.is_fresh(now) } else { recent };
        if enough { Ok(()) } else { Err(Error::StepUp) }
    }

    /// Whether the actor has the right.
    pub fn may(&self, permission: Permission) -> bool {
        self.authority.permissions.contains(permission)
    }

    /// Whether the actor is in one of these teams.
    pub fn is_in_team(&self, teams: impl IntoIterator<Item = Uuid>) -> bool {
        teams.into_iter().any(|team| self.authority.teams.contains(&team))
    }

    /// Whether the actor may hand something that grants rights from one team to another: stewards may, and who is in
    /// every team that loses or gains it. What belongs to no team is handed out by stewards alone.
    pub fn may_move(&self, from: Option<Uuid>, to: Option<Uuid>) -> bool {
        let mine = |team: Uuid| self.authority.teams.contains(&team);
        self.may(Permission::Steward) || (from.is_some_and(mine) && to.is_none_or(mine))
    }

    /// The service account acting, when it is one.
    pub fn service_account(&self) -> Option<Uuid> {
        match self.authority.principal {
            Principal::ServiceAccount(id) => Some(id),
            Principal::Person(_) | Principal::System(_) => None,
        }
    }

    /// The person who answers for what is done: who acts, or who minted the token that does. Separation of duties counts
    /// both as one.
    pub fn answers_for(&self) -> Option<Uuid> {
        self.person().or(self.authority.minted_by)
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
            minted_by: None,
            session: None,
            reading: Reading::default(),
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
