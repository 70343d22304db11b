//! Service accounts.

use uuid::Uuid;

use crate::{
    Actor, Permission, Principal, Sensitive, ServiceAccount, ServiceAccountContent, TokenOwner, store::service_accounts,
};
use base::{
    app::App,
    audit::Event,
    error::{Error, same_revision},
    slugs,
    words::State,
};

/// The account behind an id or a slug.
pub async fn find_service_account(app: &App, actor: &Actor, key: &str) -> Result<ServiceAccount, Error> {
    actor.require(Permission::Read)?;
    let found = service_accounts::find(&mut *app.db.read().await?, key).await?;
    found.ok_or(Error::NotFound("service account"))
}

/// All service accounts, by name.
pub async fn service_accounts(app: &App, actor: &Actor) -> Result<Vec<ServiceAccount>, Error> {
    actor.require(Permission::Read)?;
    service_accounts::all(&mut *app.db.read().await?).await
}

/// Who provisions makes people and gives them roles by groups: an admin who could would grant roles to themselves.
/// The command line does it.
pub(super) fn refuse_provisioning(actor: &Actor, content: &ServiceAccountContent) -> Result<(), Error> {
    if content.scopes.contains(&Permission::Provision) && !matches!(actor.authority.principal, Principal::System(_)) {
        return Err(Error::Forbidden(
            "An account that provisions people, and its tokens, are made and changed on the command line alone.".into(),
        ));
    }
    Ok(())
}

/// Makes a service account.
pub async fn create_service_account(
    app: &App,
    actor: &Actor,
    content: ServiceAccountContent,
) -> Result<ServiceAccount, Error> {
    actor.require(Permission::ManagePeople)?;
    super::refuse_token(actor)?;
    actor.require_fresh(Sensitive::Administer, app.clock.now())?;
    let mut content = content.checked()?;
    refuse_provisioning(actor, &content)?;
    let mut tx = app.db.write(actor).await?;
    slugs::number(tx.conn(), "service_account", &content.name, ("service-account", &mut content.slug)).await?;
    let now = tx.now();
    let account = ServiceAccount { id: Uuid::now_v7(), revision: 1, created_at: now, updated_at: now, content };
    service_accounts::insert(tx.conn(), &account).await?;
    tx.record(Event::created("service_account.created", &account)).await?.commit().await?;
    Ok(account)
}

/// Changes a service account based on `revision`. Its tokens never do more than it may.
pub async fn update_service_account(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    content: ServiceAccountContent,
) -> Result<ServiceAccount, Error> {
    actor.require(Permission::ManagePeople)?;
    super::refuse_token(actor)?;
    actor.require_fresh(Sensitive::Administer, app.clock.now())?;
    let content = content.checked()?;
    let mut tx = app.db.write(actor).await?;
    let before = service_accounts::lock(tx.conn(), id).await?.ok_or(Error::NotFound("service account"))?;
    same_revision(revision, before.revision)?;
    if before.content == content {
        return Ok(before);
    }
    refuse_provisioning(actor, &content)?;
    refuse_provisioning(actor, &before.content)?;
    let after = ServiceAccount { revision: revision + 1, updated_at: tx.now(), content, ..before.clone() };
    service_accounts::update(tx.conn(), &after).await?;
    let mut events = vec![Event::changed("service_account.updated", &before, &after)];
    if after.content.state == State::Retired && before.content.state != State::Retired {
        events.extend(super::shut_out::revoke_tokens(&mut tx, TokenOwner::ServiceAccount(id)).await?);
    }
    tx.commit_all(events).await?;
    crate::authorities(app).clear();
    Ok(after)
}
