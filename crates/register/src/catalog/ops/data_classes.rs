//! Data classes, and the taxonomy that a new register begins with.

use uuid::Uuid;

use crate::catalog::{DataClass, DataClassContent, store::data_classes};
use base::{
    app::App,
    audit::Event,
    db::Lock,
    error::{Error, same_revision},
    words::State,
};
use identity::{Actor, Permission};

/// Keys and names of the fideslang data categories (Ethyca, CC BY 4.0, see NOTICE) with the
/// sensitivity and regulations that Muster proposes: `key|name|sensitivity|regulations`.
const TAXONOMY: &str = include_str!("../taxonomy.txt");

/// The data class behind an id or a key.
pub async fn find_data_class(app: &App, actor: &Actor, key: &str) -> Result<DataClass, Error> {
    actor.require(Permission::Read)?;
    let mut conn = app.db.read().await?;
    let id = data_classes::find(&mut conn, key).await?.ok_or(Error::NotFound("data class"))?;
    data_classes::get(&mut conn, id).await?.ok_or(Error::NotFound("data class"))
}

/// Whole data classes by id, in the order asked for.
pub async fn get_data_classes(app: &App, actor: &Actor, ids: &[Uuid]) -> Result<Vec<DataClass>, Error> {
    actor.require(Permission::Read)?;
    let mut found = data_classes::get_many(&mut *app.db.read().await?, ids).await?;
    found.sort_by_key(|class| ids.iter().position(|id| *id == class.id));
    Ok(found)
}

/// Data classes by their keys, in no particular order.
pub async fn data_classes_by_key(app: &App, actor: &Actor, keys: &[String]) -> Result<Vec<DataClass>, Error> {
    actor.require(Permission::Read)?;
    let mut conn = app.db.read().await?;
    let ids = data_classes::by_key(&mut conn, keys).await?;
    data_classes::get_many(&mut conn, &ids).await
}

/// Extends the tree by a class of the organisation's own.
pub async fn create_data_class(app: &App, actor: &Actor, content: DataClassContent) -> Result<DataClass, Error> {
    actor.require(Permission::GovernDataClasses)?;
    let content = content.checked()?;
    let mut tx = app.db.write(actor).await?;
    let parent_id = match content.parent_key() {
        None => None,
        Some(parent) => Some(data_classes::find(tx.conn(), parent).await?.ok_or_else(|| {
            Error::field("/key", format!("There is no class '{parent}' to stand below. Add it first."))
        })?),
    };
    let now = tx.now();
    let class = DataClass {
        id: Uuid::now_v7(),
        revision: 1,
        created_at: now,
        updated_at: now,
        parent_id,
        source: "organisation".into(),
        content,
    };
    data_classes::insert(tx.conn(), &class).await?;
    tx.record(Event::created("data_class.created", &class)).await?.commit().await?;
    app.forget_counts();
    Ok(class)
}

/// Changes a class based on `revision`; its key stays.
pub async fn update_data_class(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    content: DataClassContent,
) -> Result<DataClass, Error> {
    actor.require(Permission::GovernDataClasses)?;
    let content = content.checked()?;
    let mut tx = app.db.write(actor).await?;
    let before = data_classes::lock(tx.conn(), id).await?.ok_or(Error::NotFound("data class"))?;
    same_revision(revision, before.revision)?;
    if content.key != before.content.key {
        return Err(Error::field("/key", "A key does not change. Add a new class and retire this one."));
    }
    if before.content == content {
        return Ok(before);
    }
    if content.state == State::Retired {
        let children = data_classes::children(tx.conn(), id).await?;
        if !children.is_empty() {
            return Err(Error::Conflict(format!(
                "Active classes stand below it: {}. Retire these first.",
                children.join(", ")
            )));
        }
    }
    let after = DataClass { revision: revision + 1, updated_at: tx.now(), content, ..before.clone() };
    data_classes::update(tx.conn(), &after).await?;
    tx.record(Event::changed("data_class.updated", &before, &after)).await?.commit().await?;
    app.forget_counts();
    Ok(after)
}

/// Fills an empty tree from the taxonomy; how many classes were added.
pub async fn seed_data_classes(app: &App, actor: &Actor) -> Result<usize, Error> {
    actor.require(Permission::GovernDataClasses)?;
    if data_classes::any(&mut *app.db.read().await?).await? {
        return Ok(0);
    }
    let mut tx = app.db.write(actor).await?;
    Lock::DataClassSeed.take_patiently(tx.conn()).await?;
    if data_classes::any(tx.conn()).await? {
        return Ok(0);
    }
    let mut lines: Vec<&str> = TAXONOMY.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    lines.sort_unstable();
    let mut ids = std::collections::HashMap::new();
    let mut events = Vec::new();
    for line in lines {
        let content = parse(line)?.checked()?;
        let now = tx.now();
        let class = DataClass {
            id: Uuid::now_v7(),
            revision: 1,
            created_at: now,
            updated_at: now,
            parent_id: content.parent_key().and_then(|key| ids.get(key).copied()),
            source: "fideslang".into(),
            content,
        };
        ids.insert(class.content.key.clone(), class.id);
        data_classes::insert(tx.conn(), &class).await?;
        events.push(Event::created("data_class.created", &class));
    }
    tx.commit_all(events).await
}

fn parse(line: &str) -> Result<DataClassContent, Error> {
    let parts: Vec<&str> = line.split('|').collect();
    let [key, name, sensitivity, regulations] = parts[..] else {
        return Err(Error::internal(format!("taxonomy line: {line}")));
    };
    Ok(DataClassContent {
        key: key.into(),
        name: name.into(),
        description: None,
        sensitivity: sensitivity.parse()?,
        regulations: regulations.split(',').filter(|r| !r.is_empty()).map(str::parse).collect::<Result<_, _>>()?,
        state: State::Active,
    })
}
