//! The people of the demonstration, their teams and the group that approves.

use std::collections::HashMap;

use uuid::Uuid;

use super::Stage;
use base::error::Error;
use identity::{
    Actor, Authority, GroupContent, GroupKind, Origin, Permissions, Person, PersonContent, Principal, Role, Via, ops,
};
use register::settings;

/// Name, role, team.
const PEOPLE: [(&str, &[Role], &str); 25] = [
    ("Maren Holt", &[Role::Requester], "payments"),
    ("Jonas Weber", &[Role::Requester], "payments"),
    ("Priya Nair", &[Role::Requester], "payments"),
    ("Tomás Rivera", &[Role::Requester], "growth"),
    ("Aiko Tanaka", &[Role::Requester], "growth"),
    ("Lena Fischer", &[Role::Requester], "growth"),
    ("Samuel Okoye", &[Role::Requester], "platform"),
    ("Nina Petrov", &[Role::Requester], "platform"),
    ("Björn Lind", &[Role::Requester], "platform"),
    ("Clara Moreau", &[Role::Requester], "finance-tools"),
    ("Dario Conti", &[Role::Requester], "finance-tools"),
    ("Hanna Kowalska", &[Role::Requester], "people-systems"),
    ("Oskar Nyman", &[Role::Requester], "people-systems"),
    ("Farah Aziz", &[Role::Requester], "data"),
    ("Pavel Dvořák", &[Role::Requester], "data"),
    ("Greta Simons", &[Role::Requester], "store-operations"),
    ("Emil Sørensen", &[Role::Requester], "store-operations"),
    ("Ines Ortega", &[Role::GovernanceLead], "security-operations"),
    ("Victor Laurent", &[Role::Reviewer], "security-operations"),
    ("Yara Haddad", &[Role::Reviewer], "security-operations"),
    ("Mateo Silva", &[Role::Reviewer, Role::GovernanceLead], ""),
    ("Ruth Adler", &[Role::Reviewer], ""),
    ("Ewa Zielińska", &[Role::Auditor], ""),
    ("Henrik Dahl", &[Role::Auditor], ""),
    ("Anton Berg", &[Role::Admin], ""),
];

/// Slug, name, what for.
const TEAMS: [(&str, &str, &str); 8] = [
    ("payments", "Payments", "Takes money and gives it back."),
    ("growth", "Growth", "Brings customers in and keeps in touch."),
    ("platform", "Platform", "Runs what everybody builds on."),
    ("finance-tools", "Finance tools", "Books, pays and reports."),
    ("people-systems", "People systems", "Keeps the records of our people."),
    ("data", "Data", "Gathers events and answers questions."),
    ("security-operations", "Security operations", "Watches and responds."),
    ("store-operations", "Store operations", "Runs the tills."),
];

/// The people and teams by name.
pub struct Cast {
    pub people: Vec<Person>,
    pub teams: HashMap<&'static str, Uuid>,
}

impl Cast {
    /// Somebody of a team who asks for things; different ones in turn.
    pub fn of_team(&self, team: &str, turn: usize) -> Actor {
        let asks = |roles: &[Role]| roles.iter().any(|role| matches!(role, Role::Requester | Role::GovernanceLead));
        let members: Vec<&str> =
            PEOPLE.iter().filter(|(_, roles, of)| *of == team && asks(roles)).map(|(name, _, _)| *name).collect();
        self.acting(members[turn % members.len()])
    }

    /// A reviewer; different ones in turn.
    pub fn reviewer(&self, turn: usize) -> Actor {
        let reviewers: Vec<&str> =
            PEOPLE.iter().filter(|(_, roles, _)| roles.contains(&Role::Reviewer)).map(|(name, _, _)| *name).collect();
        self.acting(reviewers[turn % reviewers.len()])
    }

    /// A person on a page.
    pub fn acting(&self, name: &str) -> Actor {
        let (index, (_, roles, team)) =
            PEOPLE.iter().enumerate().find(|(_, (known, _, _))| *known == name).unwrap_or((0, &PEOPLE[0]));
        let person = &self.people[index];
        let authority = Authority {
            principal: Principal::Person(person.id),
            name: person.content.name.clone(),
            email: person.content.email.clone(),
            roles: roles.to_vec(),
            teams: self.teams.get(team).copied().into_iter().collect(),
            review_groups: Vec::new(),
            permissions: Permissions::of_roles(roles),
            token_id: None,
            minted_by: None,
            session: None,
            reading: identity::Reading::default(),
        };
        let request_id = Uuid::now_v7().to_string();
        Actor { authority: authority.into(), via: Via::Page, request_id, origin: Origin::default() }
    }
}

/// Founds the organisation.
pub async fn found(stage: &Stage) -> Result<Cast, Error> {
    let (app, cli) = (&stage.app, &stage.cli);
    let mut people = Vec::new();
    for (name, roles, _) in PEOPLE {
        let email = format!("{}@harbour.example", base::text::slug(name, "person").replace('-', "."));
        let content = PersonContent { name: name.into(), email, roles: roles.to_vec(), ..PersonContent::default() };
        people.push(ops::create_person(app, cli, content).await?);
    }
    let mut teams = HashMap::new();
    for (slug, name, description) in TEAMS {
        let of_team = PEOPLE.iter().zip(&people).filter(|((_, _, team), _)| *team == slug);
        let content = GroupContent {
            slug: slug.into(),
            name: name.into(),
            description: Some(description.into()),
            email: Some(format!("{slug}@harbour.example")),
            members: of_team.map(|(_, person)| person.id).collect(),
            ..GroupContent::default()
        };
        teams.insert(slug, ops::create_group(app, cli, GroupKind::Team, content).await?.id);
    }
    let reviewers = PEOPLE.iter().zip(&people).filter(|((_, roles, _), _)| roles.contains(&Role::Reviewer));
    let group = GroupContent {
        slug: "architecture-and-security".into(),
        name: "Architecture and security".into(),
        description: Some("Decides on integrations.".into()),
        members: reviewers.map(|(_, person)| person.id).collect(),
        ..GroupContent::default()
    };
    ops::create_group(app, cli, GroupKind::ReviewGroup, group).await?;
    let present = settings::ops::get(app, cli).await?;
    let content = settings::SettingsContent {
        organisation: "Harbour Goods".into(),
        time_zone: "Europe/Berlin".into(),
        approval_group: Some("architecture-and-security".into()),
        ..present.content
    };
    settings::ops::update(app, cli, present.revision, content).await?;
    Ok(Cast { people, teams })
}
