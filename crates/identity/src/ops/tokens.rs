//! API tokens: minted, revoked, listed.

use chrono::TimeDelta;
use uuid::Uuid;

use crate::{
    Actor, Bearer, NewToken, Permission, Permissions, Sensitive, Token, TokenKind, TokenOwner,
    store::{people, service_accounts, tokens},
};
use base::{app::App, audit::Event, check::Check, error::Error, words::State};

/// A token and its secret, which is shown this once.
#[derive(Debug)]
pub struct MintedToken {
    /// The secret.
    pub bearer: Bearer,
    /// Its metadata.
    pub token: Token,
}

/// Mints a token for oneself, or for a service account with the right to manage people. No token
/// mints a token. Scopes beyond the owner's rights are refused, naming them.
pub async fn mint_token(app: &App, actor: &Actor, owner: TokenOwner, new: NewToken) -> Result<MintedToken, Error> {
    if actor.authority.token_id.is_some() {
        return Err(Error::Forbidden("No token mints another one. Sign in, or use the command line.".into()));
    }
    actor.require_fresh(Sensitive::Tokens, app.clock.now())?;
    let new = checked(new)?;
    let mut tx = app.db.write(actor).await?;
    let (kind, ceiling) = match owner {
        TokenOwner::Person(id) => {
            if actor.person() != Some(id) {
                return Err(Error::Forbidden("A personal token is minted by its owner only.".into()));
            }
            let person = people::lock(tx.conn(), id).await?.ok_or(Error::NotFound("person"))?;
            (TokenKind::Personal, Permissions::of_roles(&person.content.roles))
        }
        TokenOwner::ServiceAccount(id) => {
            actor.require(Permission::ManagePeople)?;
            actor.require_fresh(Sensitive::Administer, app.clock.now())?;
            let account = service_accounts::lock(tx.conn(), id).await?.ok_or(Error::NotFound("service account"))?;
            if account.content.state == State::Retired {
                return Err(Error::Conflict("This service account is retired.".into()));
            }
            super::service_accounts::refuse_provisioning(actor, &account.content)?;
            (TokenKind::Service, account.content.scopes.into_iter().collect())
        }
    };
    let mut check = Check::new();
    for (n, scope) in new.scopes.iter().enumerate().filter(|(_, scope)| !ceiling.contains(**scope)) {
        check.fault(&format!("/scopes/{n}"), format!("The owner does not have the right '{}'.", scope.key()));
    }
    check.finish()?;
    let now = tx.now();
    let (person_id, service_account_id) = match owner {
        TokenOwner::Person(id) => (Some(id), None),
        TokenOwner::ServiceAccount(id) => (None, Some(id)),
    };
    let token = Token {
        id: Uuid::now_v7(),
        name: new.name,
        person_id,
        service_account_id,
        scopes: new.scopes,
        created_at: now,
        expires_at: now + TimeDelta::days(new.expires_in_days),
        revoked_at: None,
        last_used_at: None,
        revision: 1,
    };
    let bearer = Bearer::generate(kind)?;
    tokens::insert(tx.conn(), &token, (&crate::pepper(app).mac(&bearer)?, crate::pepper(app).id()), actor.person())
        .await?;
    tx.record(Event::created("token.minted", &token)).await?.commit().await?;
    Ok(MintedToken { bearer, token })
}

fn checked(mut new: NewToken) -> Result<NewToken, Error> {
    let mut check = Check::new();
    check.required("/name", &mut new.name, 100);
    new.scopes.sort_unstable();
    new.scopes.dedup();
    if new.scopes.is_empty() {
        check.fault("/scopes", "Choose at least one scope.");
    }
    if !(1..=366).contains(&new.expires_in_days) {
        check.fault("/expires_in_days", "Give 1 to 366 days.");
    }
    check.finish()?;
    Ok(new)
}

/// Revokes one's own token, or any with the right to manage people. Counts at once here and
/// within a second elsewhere.
pub async fn revoke_token(app: &App, actor: &Actor, id: Uuid) -> Result<Token, Error> {
    let mut tx = app.db.write(actor).await?;
    let before = tokens::lock(tx.conn(), id).await?.ok_or(Error::NotFound("token"))?;
    let own = before.person_id.is_some() && before.person_id == actor.person();
    if !own {
        actor.require(Permission::ManagePeople)?;
    } else if actor.authority.token_id.is_some_and(|token| token != id) {
        super::refuse_token(actor)?;
    }
    if before.revoked_at.is_some() {
        return Ok(before);
    }
    let after = Token { revoked_at: Some(tx.now()), revision: before.revision + 1, ..before.clone() };
    tokens::revoke(tx.conn(), &after).await?;
    tx.record(Event::changed("token.revoked", &before, &after)).await?.commit().await?;
    crate::authorities(app).clear();
    Ok(after)
}

/// One's own tokens; those of service accounts with the right to manage people.
pub async fn tokens(app: &App, actor: &Actor, owner: Option<TokenOwner>) -> Result<Vec<Token>, Error> {
    let own = matches!(owner, Some(TokenOwner::Person(id)) if actor.person() == Some(id));
    if !own {
        actor.require(Permission::ManagePeople)?;
    }
    tokens::of_owner(&mut *app.db.read().await?, owner).await
}

/// Binds the installation to the pepper at the first start. Refuses another pepper: every token
/// would silently fail.
pub async fn bind_pepper(app: &App) -> Result<(), Error> {
    if tokens::bind_pepper(&mut *app.db.housekeeping().await?, crate::pepper(app).id()).await? {
        return Ok(());
    }
    Err(Error::Conflict(
        "The pepper is not the one that this database's tokens were made with. Put the right pepper file in its place."
            .into(),
    ))
}
