//! Rights that come from a provider's groups: given and taken as the groups say, on record like any other.

use serde_json::json;
use uuid::Uuid;

use crate::{
    Actor, GroupKind, GroupMapping, Person, Role, Target,
    group::{ReviewGroup, Team},
    store::{grants, groups, people},
};
use base::{
    app::App,
    audit::Event,
    db::{Open, WriteTx},
    error::Error,
};

/// What stands on record as the source of a right.
pub(super) fn source(provider: &str) -> String {
    format!("provider:{provider}")
}

/// Who says in which groups of a provider somebody is.
pub(super) fn told(app: &App, provider: &str) -> grants::Told {
    let kept_here = crate::providers(app).get(provider).is_some_and(|one| one.scim_account.is_some());
    if kept_here { grants::Told::Kept } else { grants::Told::Token }
}

/// What these groups of a provider give, by the file and by the page.
pub(super) async fn targets(
    app: &App,
    conn: &mut sqlx::PgConnection,
    (provider, person): (&str, Uuid),
    names: &[String],
) -> Result<Vec<Target>, Error> {
    // Of a provider that is not configured any more nothing comes.
    if crate::providers(app).get(provider).is_none() {
        return Ok(Vec::new());
    }
    let stored = grants::mappings(conn, Some(provider)).await?;
    // Nobody gives a right to themselves by mapping a group that they are in, or join later.
    let own = |one: &&GroupMapping| one.created_by == Some(person) && one.team_id.is_none();
    let mut given: Vec<Target> = stored
        .iter()
        .filter(|one| names.contains(&one.group_name) && !own(one))
        .filter_map(GroupMapping::target)
        .collect();
    let fixed = crate::configuration(app).group_mappings.iter();
    given.extend(
        fixed.filter(|one| one.provider == provider && names.contains(&one.group)).map(|one| one.target.clone()),
    );
    Ok(given)
}

/// Brings what somebody has through a provider to what its groups give now; the events to be recorded. What
/// Muster or another provider gives stays.
pub(super) async fn follow_groups(
    app: &App,
    tx: &mut WriteTx<Open>,
    provider: &str,
    person: Uuid,
) -> Result<Vec<Event>, Error> {
    people::lock_regrouping(tx.conn()).await?;
    let before = grants::sources_of(tx.conn(), person).await?;
    let names = grants::groups_of(tx.conn(), person, provider, told(app, provider)).await?;
    let targets = targets(app, tx.conn(), (provider, person), &names).await?;
    let mut events = Vec::new();
    events.extend(follow_roles(tx, provider, person, &targets).await?);
    for kind in [GroupKind::Team, GroupKind::ReviewGroup] {
        let slugs = targets.iter().filter_map(|target| match (target, kind) {
            (Target::Team(slug), GroupKind::Team) | (Target::ReviewGroup(slug), GroupKind::ReviewGroup) => Some(slug),
            _ => None,
        });
        let mut wanted = Vec::new();
        for slug in slugs {
            if let Some(id) = groups::find(tx.conn(), kind, slug).await? {
                wanted.push(id);
            } else {
                tracing::warn!(provider, slug, "a mapping names a group that is not here");
            }
        }
        events.extend(follow_memberships(tx, (provider, person), kind, &wanted).await?);
    }
    // A right that stands as before and now comes from elsewhere is on record too.
    let after = grants::sources_of(tx.conn(), person).await?;
    if before != after {
        let moved = |these: &[(String, Vec<String>)], those: &[(String, Vec<String>)]| {
            let moved = these.iter().filter(|one| !those.contains(one));
            moved.map(|(right, sources)| format!("{right}: {}", sources.join(", "))).collect::<Vec<_>>()
        };
        let detail = json!({ "before": moved(&before, &after), "after": moved(&after, &before) });
        events.push(Event::happened("person.rights_followed", "person", Some(person), detail));
    }
    Ok(events)
}

async fn follow_roles(
    tx: &mut WriteTx<Open>,
    provider: &str,
    person: Uuid,
    targets: &[Target],
) -> Result<Option<Event>, Error> {
    let role = |target: &Target| if let Target::Role(role) = target { Some(*role) } else { None };
    let mut roles: Vec<Role> = targets.iter().filter_map(role).collect();
    roles.sort_unstable();
    roles.dedup();
    let before = people::lock_softly(tx.conn(), person).await?.ok_or(Error::NotFound("person"))?;
    let now = tx.now();
    grants::set_roles_from(tx.conn(), person, &source(provider), &roles, now).await?;
    let mut after = people::get(tx.conn(), person).await?.ok_or(Error::NotFound("person"))?;
    if before.content.roles == after.content.roles {
        return Ok(None);
    }
    // A link minted for who they were does not sign in who they become.
    people::end_links(tx.conn(), person, now).await?;
    (after.revision, after.updated_at) = (before.revision + 1, now);
    people::update(tx.conn(), &after).await?;
    Ok(Some(Event::changed::<Person>("person.regrouped", &before, &after)))
}

async fn follow_memberships(
    tx: &mut WriteTx<Open>,
    (provider, person): (&str, Uuid),
    kind: GroupKind,
    wanted: &[Uuid],
) -> Result<Vec<Event>, Error> {
    let source = source(provider);
    let has = grants::groups_from(tx.conn(), person, kind, &source).await?;
    let mut touched: Vec<Uuid> = has.iter().chain(wanted).copied().collect();
    touched.sort_unstable();
    touched.dedup();
    touched.retain(|id| has.contains(id) != wanted.contains(id));
    let now = tx.now();
    let mut events = Vec::new();
    for id in touched {
        let Some(before) = groups::lock(tx.conn(), kind, id).await? else { continue };
        if wanted.contains(&id) {
            grants::join(tx.conn(), person, (kind, id), &source).await?;
        } else {
            grants::leave(tx.conn(), person, (kind, id), &source).await?;
        }
        let Some(mut after) = groups::get(tx.conn(), kind, id).await? else { continue };
        if before.content.members == after.content.members {
            continue;
        }
        (after.revision, after.updated_at) = (before.revision + 1, now);
        grants::touch_group(tx.conn(), (kind, id), after.revision, now).await?;
        events.push(match kind {
            GroupKind::Team => Event::changed("team.regrouped", &Team(&before), &Team(&after)),
            GroupKind::ReviewGroup => {
                Event::changed("review_group.regrouped", &ReviewGroup(&before), &ReviewGroup(&after))
            }
        });
    }
    Ok(events)
}

/// Brings everybody's rights by groups to what the configuration says now: a mapping or a provider that left the
/// file gives nothing any more. How many people were looked at.
pub async fn reconcile_groups(app: &App) -> Result<usize, Error> {
    let all = grants::by_source(&mut *app.db.read().await?).await?;
    let mut count = 0;
    for (person, source) in all {
        let Some(provider) = source.strip_prefix("provider:") else { continue };
        let mut tx = app.db.write(&Actor::job("system:sign_in", Uuid::now_v7().to_string())).await?;
        let events = follow_groups(app, &mut tx, provider, person).await?;
        tx.commit_all(events).await?;
        count += 1;
    }
    crate::authorities(app).clear();
    Ok(count)
}
