//! The tables of identity: what is exported of people, teams and review groups, and how teams are imported.

use serde_json::{Map, Value};

use super::{GroupKind, ops};
use base::{
    actor::{Actor, Permission},
    app::App,
    db::{Open, WriteTx},
    json::{content, over},
    lists::Query,
    tables::{Import, Reading, Saving, Table, whole},
};

/// The tables of this feature.
pub static ALL: &[&Table] = &[&PEOPLE, &TEAMS, &REVIEW_GROUPS];

/// People; export only.
pub static PEOPLE: Table = Table {
    key: "people",
    command: "people",
    spec: &ops::PEOPLE,
    columns: &["id", "name", "email", "roles", "state"],
    derived: &[],
    read: people,
    import: None,
};

/// Teams.
pub static TEAMS: Table = Table {
    key: "teams",
    command: "teams",
    spec: &ops::TEAMS,
    columns: &["id", "slug", "name", "description", "email", "members", "state"],
    derived: &[],
    read: teams,
    import: Some(Import {
        permission: Permission::ManagePeople,
        save: save_team,
        applied: |app| super::authorities(app).clear(),
    }),
};

/// Review groups; export only.
pub static REVIEW_GROUPS: Table = Table {
    key: "review_groups",
    command: "review-groups",
    spec: &ops::REVIEW_GROUPS,
    columns: &["id", "slug", "name", "description", "members", "escalates_to", "state"],
    derived: &[],
    read: review_groups,
    import: None,
};

fn people<'a>(app: &'a App, actor: &'a Actor, table: &'static Table, query: &'a Query) -> Reading<'a> {
    Box::pin(whole(app, actor, table, query, async |ids| ops::get_people(app, actor, ids).await))
}

fn teams<'a>(app: &'a App, actor: &'a Actor, table: &'static Table, query: &'a Query) -> Reading<'a> {
    Box::pin(whole(app, actor, table, query, async |ids| ops::get_groups(app, actor, GroupKind::Team, ids).await))
}

fn review_groups<'a>(app: &'a App, actor: &'a Actor, table: &'static Table, query: &'a Query) -> Reading<'a> {
    let kind = GroupKind::ReviewGroup;
    Box::pin(whole(app, actor, table, query, async move |ids| ops::get_groups(app, actor, kind, ids).await))
}

fn save_team<'a>(_: &'a App, tx: &'a mut WriteTx<Open>, keys: &'a [String], fields: Map<String, Value>) -> Saving<'a> {
    Box::pin(async move {
        let mut found = None;
        for key in keys {
            found = match found {
                None => ops::group_in(tx, GroupKind::Team, key).await?,
                some => some,
            };
        }
        let Some(team) = found else {
            let (_, event) = ops::create_group_in(tx, GroupKind::Team, content(fields)?).await?;
            return Ok((vec![event], true));
        };
        let merged = over(&team.content, fields)?;
        let (_, event) = ops::update_group_in(tx, GroupKind::Team, team.id, team.revision, merged).await?;
        Ok((event.into_iter().collect(), false))
    })
}
