//! What somebody signs in with here, as they set it themselves; and forms that wait until they have confirmed.

use serde_json::json;
use uuid::Uuid;

use super::{
    local::{opened, refuse_closed, second_factor},
    throttle::{attempt, failed, succeeded, tried},
};
use crate::{
    Actor, StrongWay, password, seal,
    store::{access as sessions, local},
};
use base::{
    app::App,
    audit::Event,
    db::{Open, WriteTx},
    error::Error,
};
pub use local::Means;

/// Refuses to change what the actor signs in with where their sign-in is too old or too weak for that.
pub async fn require_recent(app: &App, actor: &Actor) -> Result<(), Error> {
    let me = actor.person().ok_or(Error::Unauthenticated)?;
    let strong = local::has_strong_way(&mut *app.db.read().await?, me).await?;
    actor.require_recent(if strong { StrongWay::Yes } else { StrongWay::No }, app.clock.now())
}

/// What the actor has to sign in with here.
pub async fn means(app: &App, actor: &Actor) -> Result<Means, Error> {
    let me = actor.person().ok_or(Error::Unauthenticated)?;
    local::means(&mut *app.db.read().await?, me).await
}

/// Sets the actor's own password. The present one has to be typed where there is one; all other sessions end.
pub async fn set_password(app: &App, actor: &Actor, present: String, new: String) -> Result<(), Error> {
    super::refuse_token(actor)?;
    refuse_closed(app).await?;
    let me = actor.person().ok_or(Error::Unauthenticated)?;
    let session = actor.authority.session.as_ref().ok_or(Error::Unauthenticated)?;
    let tried = tried(&format!("person {me}"), &actor.origin);
    let now = app.clock.now();
    attempt(app, &tried, now).await?;
    let means = local::means(&mut *app.db.read().await?, me).await?;
    let had = means.hash.is_some();
    if had && !password::fits(present, means.hash).await? {
        failed();
        return Err(Error::field("/present", "This is not your present password."));
    }
    // The first one is a new way to come in; a later one was asked for the present one.
    if !had {
        require_recent(app, actor).await?;
    }
    password::check("/password", &new, &[&actor.authority.name, &actor.authority.email])?;
    let hash = password::hash(new).await?;
    let mut tx = app.db.write(actor).await?;
    let now = tx.now();
    succeeded(tx.conn(), &tried, now).await?;
    local::set_password(tx.conn(), me, &hash, now).await?;
    let ended = sessions::end_sessions_of(tx.conn(), me, Some(session.id)).await?;
    let detail = json!({ "first": !had, "sessions_ended": ended });
    tx.record(Event::happened("person.password_set", "person", Some(me), detail)).await?.commit().await?;
    crate::authorities(app).clear();
    Ok(())
}

/// Begins an authenticator app: its address for a QR code, and the secret to type. It counts once a code of it
/// was typed.
pub async fn begin_app(app: &App, actor: &Actor) -> Result<(String, String), Error> {
    super::refuse_token(actor)?;
    refuse_closed(app).await?;
    let me = actor.person().ok_or(Error::Unauthenticated)?;
    require_recent(app, actor).await?;
    let mut tx = app.db.write(actor).await?;
    if local::lock_app(tx.conn(), me).await?.is_some_and(|(_, confirmed, _)| confirmed) {
        return Err(Error::Conflict("You have an authenticator app already. Take it away first.".into()));
    }
    let secret = password::new_app_secret()?;
    let now = tx.now();
    local::begin_app(tx.conn(), me, &seal::seal(crate::pepper(app), "authenticator app", &secret)?, now).await?;
    let event = Event::happened("person.app_begun", "person", Some(me), json!(null));
    tx.record(event).await?.commit().await?;
    password::app_address(secret, &actor.authority.email)
}

/// Confirms the app by a code of it; the recovery codes, shown once.
pub async fn confirm_app(app: &App, actor: &Actor, code: &str) -> Result<Vec<String>, Error> {
    super::refuse_token(actor)?;
    refuse_closed(app).await?;
    let me = actor.person().ok_or(Error::Unauthenticated)?;
    require_recent(app, actor).await?;
    let mut tx = app.db.write(actor).await?;
    let Some((sealed, confirmed, last)) = local::lock_app(tx.conn(), me).await? else {
        return Err(Error::Conflict("Begin with a new secret first.".into()));
    };
    let now = tx.now();
    let step = password::app_step(opened(app, &sealed)?, code, now.timestamp())?.filter(|step| *step > last);
    let step = step.ok_or_else(|| Error::field("/code", "This code does not fit. Look at the app's clock."))?;
    if confirmed {
        return Err(Error::Conflict("It is confirmed already.".into()));
    }
    local::use_app(tx.conn(), me, step, now).await?;
    let codes = new_codes(&mut tx, me).await?;
    tx.record(Event::happened("person.app_confirmed", "person", Some(me), json!(null))).await?.commit().await?;
    Ok(codes)
}

/// A transaction in which the actor's own code was used up: for what takes one.
async fn with_code(app: &App, actor: &Actor, code: &str) -> Result<(WriteTx<Open>, Uuid), Error> {
    super::refuse_token(actor)?;
    let me = actor.person().ok_or(Error::Unauthenticated)?;
    require_recent(app, actor).await?;
    let (tried, now) = (tried(&format!("person {me}"), &actor.origin), app.clock.now());
    attempt(app, &tried, now).await?;
    let mut tx = app.db.write(actor).await?;
    if second_factor(app, &mut tx, me, code).await?.is_none() {
        failed();
        return Err(Error::field("/code", "This code does not fit."));
    }
    succeeded(tx.conn(), &tried, now).await?;
    Ok((tx, me))
}

/// New recovery codes; those from before no longer count.
pub async fn renew_codes(app: &App, actor: &Actor, code: &str) -> Result<Vec<String>, Error> {
    let (mut tx, me) = with_code(app, actor, code).await?;
    let codes = new_codes(&mut tx, me).await?;
    tx.record(Event::happened("person.codes_renewed", "person", Some(me), json!(null))).await?.commit().await?;
    Ok(codes)
}

async fn new_codes(tx: &mut WriteTx<Open>, person: Uuid) -> Result<Vec<String>, Error> {
    let codes = password::new_recovery_codes()?;
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| password::recovery_hash(code)).collect();
    let now = tx.now();
    local::set_codes(tx.conn(), person, &hashes, now).await?;
    Ok(codes)
}

/// Takes the actor's own app away, with a code of it or a recovery code.
pub async fn remove_app(app: &App, actor: &Actor, code: &str) -> Result<(), Error> {
    let (mut tx, me) = with_code(app, actor, code).await?;
    local::remove_app(tx.conn(), me).await?;
    tx.record(Event::happened("person.app_removed", "person", Some(me), json!(null))).await?.commit().await
}

/// Keeps a form that asked for a fresh sign-in; its id. Sealed: a form may hold what is not for the database.
pub async fn hold_form(app: &App, session: Uuid, path: &str, body: &[u8]) -> Result<Uuid, Error> {
    let id = Uuid::now_v7();
    let sealed = seal::seal(crate::pepper(app), "held form", body)?;
    local::hold_form(&mut *app.db.housekeeping().await?, id, session, path, &sealed, app.clock.now()).await?;
    Ok(id)
}

/// The form that was held, once.
pub async fn take_form(app: &App, actor: &Actor, id: Uuid) -> Result<(String, Vec<u8>), Error> {
    let session = actor.authority.session.as_ref().ok_or(Error::Unauthenticated)?;
    let held = local::take_form(&mut *app.db.housekeeping().await?, id, session.id).await?;
    let (path, sealed) = held.ok_or(Error::NotFound("form"))?;
    let body = seal::open(crate::pepper(app), "held form", &sealed)?.ok_or(Error::NotFound("form"))?;
    Ok((path, body))
}
