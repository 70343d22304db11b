//! APIs.

use uuid::Uuid;

use super::{Likely, refuse_referrers, vendors::require_review, with_editor};
use crate::catalog::{
    Api, ApiContent,
    store::{apis, vendors, versions},
};
use base::{
    app::App,
    audit::Event,
    db::WriteTx,
    error::{Error, same_revision},
    slugs,
    words::State,
};
use identity::{Actor, Permission};

/// The API behind an id, a slug or a former slug.
pub async fn find_api(app: &App, actor: &Actor, key: &str) -> Result<Api, Error> {
    actor.require(Permission::Read)?;
    let mut conn = app.db.read().await?;
    let id = apis::find(&mut conn, key).await?.ok_or(Error::NotFound("API"))?;
    apis::get(&mut conn, id).await?.ok_or(Error::NotFound("API"))
}

/// Whole APIs by id, in the order asked for.
pub async fn get_apis(app: &App, actor: &Actor, ids: &[Uuid]) -> Result<Vec<Api>, Error> {
    actor.require(Permission::Read)?;
    let mut found = apis::get_many(&mut *app.db.read().await?, ids).await?;
    found.sort_by_key(|api| ids.iter().position(|id| *id == api.id));
    Ok(found)
}

/// Active APIs that depend on one: slug and name.
pub async fn api_dependents(app: &App, actor: &Actor, id: Uuid) -> Result<Vec<(String, String)>, Error> {
    actor.require(Permission::Read)?;
    apis::dependents(&mut *app.db.read().await?, id).await
}

/// APIs that may be the same as one about to be saved.
pub async fn duplicate_apis(
    app: &App,
    actor: &Actor,
    except: Option<Uuid>,
    content: &ApiContent,
    hosts: &[String],
) -> Result<Vec<Likely>, Error> {
    actor.require(Permission::Read)?;
    let mut conn = app.db.read().await?;
    let vendor = vendors::find(&mut conn, &content.vendor).await?;
    apis::likely_duplicates(&mut conn, except.unwrap_or_default(), vendor, &content.name, hosts).await
}

/// Creates an API; unverified until a reviewer who did not edit it verifies it.
pub async fn create_api(app: &App, actor: &Actor, content: ApiContent) -> Result<Api, Error> {
    let mut tx = app.db.write(actor).await?;
    let (api, event) = create_in(&mut tx, content).await?;
    tx.record(event).await?.commit().await?;
    app.forget_counts();
    Ok(api)
}

/// The same within a transaction, for imports of many.
pub(super) async fn create_in<S>(tx: &mut WriteTx<S>, content: ApiContent) -> Result<(Api, Event), Error> {
    let actor = tx.actor().clone();
    actor.require(Permission::EditCatalog)?;
    let mut content = content.checked()?;
    let made = base::text::slug(&format!("{} {}", content.vendor, content.name), "api");
    slugs::number(tx.conn(), "api", &content.name, (&made, &mut content.slug)).await?;
    let (vendor_id, vendor) = resolve_vendor(tx, &content.vendor).await?;
    let content = ApiContent { vendor, ..content };
    let (content, upstreams) = resolve_upstreams(tx, content, None).await?;
    let now = tx.now();
    let api = Api {
        id: Uuid::now_v7(),
        revision: 1,
        created_at: now,
        updated_at: now,
        verified_at: None,
        verified_by: None,
        edited_by: with_editor(&[], actor.answers_for()),
        merged_into_id: None,
        vendor_id,
        current_version_id: None,
        imported: serde_json::Map::new(),
        content,
    };
    apis::insert(tx.conn(), &api, &upstreams).await?;
    let event = Event::created("api.created", &api);
    Ok((api, event))
}

/// Changes an API based on `revision`. A change of identity ends the verification.
pub async fn update_api(app: &App, actor: &Actor, id: Uuid, revision: i64, content: ApiContent) -> Result<Api, Error> {
    let mut tx = app.db.write(actor).await?;
    let (api, event) = update_in(&mut tx, id, revision, content).await?;
    if let Some(event) = event {
        tx.record(event).await?.commit().await?;
        app.forget_counts();
    }
    Ok(api)
}

/// The same within a transaction; no event where nothing changes.
pub(super) async fn update_in<S>(
    tx: &mut WriteTx<S>,
    id: Uuid,
    revision: i64,
    content: ApiContent,
) -> Result<(Api, Option<Event>), Error> {
    let actor = tx.actor().clone();
    actor.require(Permission::EditCatalog)?;
    let content = content.checked()?;
    let before = apis::lock(tx.conn(), id).await?.ok_or(Error::NotFound("API"))?;
    same_revision(revision, before.revision)?;
    super::refuse_merged(before.merged_into_id)?;
    if resolve_vendor(tx, &content.vendor).await?.0 != before.vendor_id {
        return Err(Error::field(
            "/vendor",
            "An API stays with its vendor. Register it again under the other one, or merge the two vendors.",
        ));
    }
    let content = ApiContent { vendor: before.content.vendor.clone(), ..content };
    let (content, upstreams) = resolve_upstreams(tx, content, Some(id)).await?;
    if before.content == content {
        return Ok((before, None));
    }
    if content.state == State::Retired && before.content.state == State::Active {
        let dependents = apis::dependents(tx.conn(), id).await?;
        let named: Vec<(String, String)> = dependents.into_iter().map(|(_, name)| ("API".into(), name)).collect();
        refuse_referrers(&named)?;
    }
    let voided = before.content.identity_differs(&content)
        || (before.verified_by.is_some() && before.verified_by == actor.person());
    let after = Api {
        revision: revision + 1,
        updated_at: tx.now(),
        verified_at: before.verified_at.filter(|_| !voided),
        verified_by: before.verified_by.filter(|_| !voided),
        edited_by: with_editor(&before.edited_by, actor.answers_for()),
        content,
        ..before.clone()
    };
    save(tx, &before, &after, &upstreams).await?;
    let event = Event::changed("api.updated", &before, &after);
    Ok((after, Some(event)))
}

/// A reviewer says that the API is what it claims to be. Not somebody who edited it.
pub async fn verify_api(app: &App, actor: &Actor, id: Uuid, revision: i64) -> Result<Api, Error> {
    actor.require(Permission::VerifyCatalog)?;
    let reviewer = actor.person().ok_or_else(|| Error::Forbidden("A person has to verify.".into()))?;
    let mut tx = app.db.write(actor).await?;
    let before = apis::lock(tx.conn(), id).await?.ok_or(Error::NotFound("API"))?;
    same_revision(revision, before.revision)?;
    super::refuse_merged(before.merged_into_id)?;
    require_review(actor, &before.edited_by)?;
    let now = tx.now();
    let after = Api {
        revision: revision + 1,
        updated_at: now,
        verified_at: Some(now),
        verified_by: Some(reviewer),
        ..before.clone()
    };
    let (_, upstreams) = resolve_upstreams(&mut tx, before.content.clone(), Some(id)).await?;
    save(&mut tx, &before, &after, &upstreams).await?;
    tx.record(Event::changed("api.verified", &before, &after)).await?.commit().await?;
    app.forget_counts();
    Ok(after)
}

/// A person says which version is the current one: its id or slug, or none.
pub async fn set_current_version(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    version: Option<&str>,
) -> Result<Api, Error> {
    actor.require(Permission::EditCatalog)?;
    let mut tx = app.db.write(actor).await?;
    let before = apis::lock(tx.conn(), id).await?.ok_or(Error::NotFound("API"))?;
    same_revision(revision, before.revision)?;
    let current = match version {
        None => None,
        Some(key) => Some(
            versions::find(tx.conn(), id, key)
                .await?
                .ok_or_else(|| Error::field("/version", format!("This API has no version '{key}'.")))?,
        ),
    };
    if before.current_version_id == current {
        return Ok(before);
    }
    let after = Api { revision: revision + 1, updated_at: tx.now(), current_version_id: current, ..before.clone() };
    let (_, upstreams) = resolve_upstreams(&mut tx, before.content.clone(), Some(id)).await?;
    save(&mut tx, &before, &after, &upstreams).await?;
    tx.record(Event::changed("api.current_version_set", &before, &after)).await?.commit().await?;
    Ok(after)
}

async fn save<S>(tx: &mut WriteTx<S>, before: &Api, after: &Api, upstreams: &[UpstreamIds]) -> Result<(), Error> {
    apis::update(tx.conn(), after, upstreams).await?;
    if before.content.slug != after.content.slug {
        base::slugs::remember(tx.conn(), "api", &before.content.slug, after.id).await?;
    }
    Ok(())
}

/// An upstream by ids: API or vendor.
type UpstreamIds = (Option<Uuid>, Option<Uuid>);

/// The vendor's id and present slug.
async fn resolve_vendor<S>(tx: &mut WriteTx<S>, key: &str) -> Result<(Uuid, String), Error> {
    let missing = || Error::field("/vendor", format!("There is no vendor '{key}'."));
    let id = vendors::find(tx.conn(), key).await?.ok_or_else(missing)?;
    let vendor = vendors::get(tx.conn(), id).await?.ok_or_else(missing)?;
    Ok((id, vendor.content.slug))
}

/// Finds the ids of the upstreams, and writes their present slugs into the content.
pub(super) async fn resolve_upstreams<S>(
    tx: &mut WriteTx<S>,
    mut content: ApiContent,
    id: Option<Uuid>,
) -> Result<(ApiContent, Vec<UpstreamIds>), Error> {
    let mut ids = Vec::new();
    for (n, upstream) in content.upstreams.iter_mut().enumerate() {
        let at = format!("/upstreams/{n}");
        if let Some(key) = &mut upstream.api {
            let found = apis::find(tx.conn(), key).await?;
            let found = found.ok_or_else(|| Error::field(&at, format!("There is no API '{key}'.")))?;
            if Some(found) == id {
                return Err(Error::field(&at, "An API does not depend on itself."));
            }
            if let Some(api) = apis::get(tx.conn(), found).await? {
                *key = api.content.slug;
            }
            ids.push((Some(found), None));
        } else if let Some(key) = &mut upstream.vendor {
            let found = vendors::find(tx.conn(), key).await?;
            let found = found.ok_or_else(|| Error::field(&at, format!("There is no vendor '{key}'.")))?;
            if let Some(vendor) = vendors::get(tx.conn(), found).await? {
                *key = vendor.content.slug;
            }
            ids.push((None, Some(found)));
        }
    }
    Ok((content, ids))
}
