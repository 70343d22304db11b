//! The access review: who may do what, and why.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use crate::{
    Actor, GroupMapping, Permission, Role, Target,
    store::{
        grants,
        review::{self, Row},
    },
};
use base::{app::App, error::Error};

/// A right of somebody, with why they have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Whose.
    pub person: Uuid,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// `role`, `team` or `review_group`.
    pub kind: String,
    /// What it is called.
    pub title: String,
    /// Why, each in words.
    pub because: Vec<String>,
    /// When it was granted, where that is known.
    pub granted_at: Option<DateTime<Utc>>,
    /// The last day of what Muster granted; `None` where it does not end by itself.
    pub until_on: Option<NaiveDate>,
}

/// Every right of every active person. For admins, and for whoever reads the record.
pub async fn access_review(app: &App, actor: &Actor) -> Result<Vec<Held>, Error> {
    if !actor.may(Permission::ManagePeople) {
        actor.require(Permission::ReadAudit)?;
    }
    let mut conn = app.db.read().await?;
    let rows = review::rights(&mut conn).await?;
    let stored = grants::mappings(&mut conn, None).await?;
    let mut groups: HashMap<(Uuid, String), Vec<(String, bool)>> = HashMap::new();
    for (person, provider, group, kept) in review::groups(&mut conn).await? {
        groups.entry((person, provider)).or_default().push((group, kept));
    }
    let reason = |row: &Row, source: &String| match source.strip_prefix("provider:") {
        None => match &row.granted_by {
            Some(name) => format!("granted in Muster by {name}"),
            None => "granted in Muster".to_owned(),
        },
        Some(key) => {
            let provider = crate::providers(app).get(key);
            let kept_here = provider.is_some_and(|one| one.scim_account.is_some());
            let mine = groups.get(&(row.person, key.to_owned())).map(Vec::as_slice).unwrap_or_default();
            let gives = |group: &str| {
                let by_page = stored.iter().any(|one| one.provider == key && one.group_name == group && fits(one, row));
                let fixed = crate::configuration(app).group_mappings.iter();
                by_page || fixed.clone().any(|one| one.provider == key && one.group == group && is(&one.target, row))
            };
            let through =
                mine.iter().filter(|(group, kept)| *kept == kept_here && gives(group)).map(|(group, _)| group);
            let through: Vec<&str> = through.map(String::as_str).collect();
            let name = provider.map_or(key, |provider| provider.name.as_str());
            if through.is_empty() {
                format!("through {name}")
            } else {
                format!("through group {} of {name}", through.join(", "))
            }
        }
    };
    let held = rows.iter().map(|row| Held {
        person: row.person,
        name: row.name.clone(),
        email: row.email.clone(),
        kind: row.kind.clone(),
        title: row.title.parse::<Role>().map_or_else(|_| row.title.clone(), |role| role.label().to_owned()),
        because: row.sources.iter().map(|source| reason(row, source)).collect(),
        granted_at: row.granted_at,
        until_on: row.until_on,
    });
    Ok(held.collect())
}

fn fits(mapping: &GroupMapping, row: &Row) -> bool {
    mapping.target().is_some_and(|target| is(&target, row))
}

fn is(target: &Target, row: &Row) -> bool {
    match target {
        Target::Role(role) => row.kind == "role" && row.key == role.key(),
        Target::Team(slug) => row.kind == "team" && row.key == *slug,
        Target::ReviewGroup(slug) => row.kind == "review_group" && row.key == *slug,
    }
}
