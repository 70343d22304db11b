//! Pages of people, teams, review groups and service accounts.

mod accounts;
mod groups;
mod mappings;
mod people;
mod review;

use axum::Router;

use crate::{
    Web,
    forms::{Choice, FieldKind, FieldSpec, FormSpec, Section, SubField, field},
};
use base::{error::Error, lists::Query};
use identity::{Actor, Role, ops};

pub fn router() -> Router<Web> {
    Router::new()
        .merge(people::router())
        .merge(groups::router())
        .merge(mappings::router())
        .merge(review::router())
        .merge(accounts::router())
}

const ROLES: &[&str] = &["requester", "reviewer", "governance_lead", "auditor", "admin"];

static PERSON: FormSpec = FormSpec {
    sections: &[Section {
        title: "The person",
        hint: "Whoever is signed in reads the register. Nobody grants a role to themselves.",
        fields: &[
            field("name", "Name", "", FieldKind::Needed),
            field("email", "E-mail address", "", FieldKind::Email),
            field("roles", "Roles", "An auditor writes nothing, whatever else they are.", FieldKind::Checks(ROLES)),
            field(
                "role_ends",
                "Roles that end",
                "The last day of a role that is lent: for a project, for an absence.",
                FieldKind::Rows(&[
                    SubField { name: "role", label: "Role", input: "select", words: ROLES },
                    SubField { name: "until_on", label: "Last day", input: "date", words: &[] },
                ]),
            ),
            field(
                "state",
                "State",
                "A disabled person is signed out within a second.",
                FieldKind::Select(&["active", "disabled"]),
            ),
        ],
    }],
};

const NAME: FieldSpec = field("name", "Name", "", FieldKind::Needed);
const SLUG: FieldSpec = field("slug", "Slug", "Made from the name where empty.", FieldKind::Text);
const ABOUT: FieldSpec = field("description", "What it is for", "", FieldKind::Lines);
const STATE: FieldSpec =
    field("state", "State", "Nothing is deleted: it retires.", FieldKind::Select(&["active", "retired"]));
const MEMBERS: FieldSpec = field("members", "Members", "", FieldKind::ChecksOf);

static TEAM: FormSpec = FormSpec {
    sections: &[Section {
        title: "The team",
        hint: "",
        fields: &[NAME, field("email", "Mailbox", "", FieldKind::Email), ABOUT, MEMBERS, SLUG, STATE],
    }],
};
static REVIEW_GROUP: FormSpec = FormSpec {
    sections: &[Section {
        title: "The review group",
        hint: "Nobody adds themselves.",
        fields: &[
            NAME,
            ABOUT,
            MEMBERS,
            field(
                "escalates_to",
                "Escalates to",
                "Slug of the review group that decides as well once a stage of this one is overdue.",
                FieldKind::Text,
            ),
            SLUG,
            STATE,
        ],
    }],
};

const SCOPES: &[&str] = &[
    "read",
    "read_audit",
    "edit_catalog",
    "verify_catalog",
    "govern_data_classes",
    "propose",
    "rotate",
    "suspend",
    "steward",
    "govern",
    "manage_people",
    "manage_settings",
    "provision",
];

static SERVICE_ACCOUNT: FormSpec = FormSpec {
    sections: &[Section {
        title: "The service account",
        hint: "Its tokens never do more than it may.",
        fields: &[
            NAME,
            ABOUT,
            field("scopes", "Scopes", "The most that a token of it may be given.", FieldKind::Checks(SCOPES)),
            SLUG,
            STATE,
        ],
    }],
};

/// Active people to choose from, 500 at most.
async fn people_choices(web: &Web, actor: &Actor) -> Result<Vec<Choice>, Error> {
    let query = Query::parse(&ops::PEOPLE, &[("state".into(), "active".into()), ("limit".into(), "500".into())], &[])?;
    let rows = ops::list_people(&web.app, actor, &query).await?.rows;
    Ok(rows.into_iter().map(|row| Choice { value: row.id.to_string(), label: row.name }).collect())
}

/// Roles as people read them.
fn roles(keys: &[String]) -> Vec<String> {
    keys.iter().map(|key| key.parse::<Role>().map_or_else(|_| key.clone(), |role| role.label().to_owned())).collect()
}
