//! Passkeys: registered by whoever is signed in, used to sign in and to confirm.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{access, local::refuse_closed, ways::require_recent};
use crate::{
    Actor, Arrival, Passkey, Proof,
    passkey::Site,
    secrets,
    store::{access as sessions, flows, passkeys},
};
use base::{app::App, audit::Event, check::Check, error::Error};

/// Passkeys of one person at most.
const MOST: usize = 20;

fn site(app: &App) -> Result<Site, Error> {
    Site::of(&app.config.public_url).ok_or_else(|| {
        Error::Conflict(
            "Browsers keep passkeys for names, not for addresses in numbers: reach Muster by a name (localhost, say), and \
             set public-url to it."
                .into(),
        )
    })
}

/// Whether passkeys can be used at the public URL.
pub fn passkeys_work(app: &App) -> bool {
    Site::of(&app.config.public_url).is_some()
}

/// The actor's own passkeys in use.
pub async fn passkeys(app: &App, actor: &Actor) -> Result<Vec<Passkey>, Error> {
    let me = actor.person().ok_or(Error::Unauthenticated)?;
    let all = passkeys::of_person(&mut *app.db.read().await?, me).await?;
    Ok(all.into_iter().map(|(passkey, _)| passkey).collect())
}

/// Who the actor is at providers.
pub async fn identities(app: &App, actor: &Actor) -> Result<Vec<crate::Identity>, Error> {
    let me = actor.person().ok_or(Error::Unauthenticated)?;
    flows::identities_of(&mut *app.db.read().await?, me).await
}

/// Who somebody is at providers, for admins.
pub async fn identities_of(app: &App, actor: &Actor, person: Uuid) -> Result<Vec<crate::Identity>, Error> {
    actor.require(crate::Permission::ManagePeople)?;
    flows::identities_of(&mut *app.db.read().await?, person).await
}

/// Begins to register a passkey; what the browser needs. `browser` is a secret of this browser alone.
pub async fn begin_passkey(app: &App, actor: &Actor) -> Result<Value, Error> {
    super::refuse_token(actor)?;
    let me = actor.person().ok_or(Error::Unauthenticated)?;
    let session = actor.authority.session.as_ref().ok_or(Error::Unauthenticated)?;
    refuse_closed(app).await?;
    require_recent(app, actor).await?;
    let mine = passkeys::of_person(&mut *app.db.read().await?, me).await?;
    if mine.len() >= MOST {
        return Err(Error::Conflict(format!("You have {MOST} passkeys. Take one away first.")));
    }
    let kept: Vec<_> = mine.into_iter().map(|(_, kept)| kept).collect();
    let named = (actor.authority.email.as_str(), actor.authority.name.as_str());
    let (ceremony, options) = site(app)?.begin_registration(me, named, &kept)?;
    let browser = secrets::hash(&session.id.to_string());
    passkeys::begin(&mut *app.db.housekeeping().await?, &ceremony, ("register", &browser, Some(me))).await?;
    Ok(options)
}

/// Registers the passkey that the browser made, under a name.
pub async fn add_passkey(app: &App, actor: &Actor, name: &str, answer: &[u8]) -> Result<Passkey, Error> {
    super::refuse_token(actor)?;
    let me = actor.person().ok_or(Error::Unauthenticated)?;
    let session = actor.authority.session.as_ref().ok_or(Error::Unauthenticated)?;
    refuse_closed(app).await?;
    require_recent(app, actor).await?;
    let mut check = Check::new();
    let mut name = name.to_owned();
    check.required("/name", &mut name, 100);
    check.finish()?;
    let (response, challenge) = Site::read_registration(answer)?;
    let browser = secrets::hash(&session.id.to_string());
    let taken = passkeys::take(&mut *app.db.housekeeping().await?, &challenge, ("register", &browser)).await?;
    let again = || Error::Conflict("This took too long, or was begun elsewhere. Begin again.".into());
    let (state, owner) = taken.ok_or_else(again)?;
    if owner != Some(me) {
        return Err(again());
    }
    let kept = site(app)?.finish_registration(me, &state, &response)?;
    let mut tx = app.db.write(actor).await?;
    let now = tx.now();
    let passkey = Passkey {
        id: Uuid::now_v7(),
        person_id: me,
        name,
        state: "active".into(),
        revision: 1,
        created_at: now,
        updated_at: now,
        last_used_at: None,
    };
    passkeys::insert(tx.conn(), &passkey, &kept).await?;
    tx.record(Event::created("passkey.added", &passkey)).await?.commit().await?;
    Ok(passkey)
}

/// Takes one of the actor's own passkeys out of use.
pub async fn retire_passkey(app: &App, actor: &Actor, id: Uuid) -> Result<(), Error> {
    super::refuse_token(actor)?;
    let me = actor.person().ok_or(Error::Unauthenticated)?;
    require_recent(app, actor).await?;
    let mut tx = app.db.write(actor).await?;
    let mine = passkeys::of_person(tx.conn(), me).await?;
    let (before, _) = mine.into_iter().find(|(passkey, _)| passkey.id == id).ok_or(Error::NotFound("passkey"))?;
    let after =
        Passkey { state: "retired".into(), revision: before.revision + 1, updated_at: tx.now(), ..before.clone() };
    passkeys::retire(tx.conn(), &after).await?;
    tx.record(Event::changed("passkey.retired", &before, &after)).await?.commit().await
}

/// Begins a sign-in by a passkey, or a confirmation; what the browser needs.
pub async fn begin_passkey_sign_in(app: &App, browser: &str) -> Result<Value, Error> {
    refuse_closed(app).await?;
    let (ceremony, options) = site(app)?.begin_sign_in()?;
    let hash = secrets::hash(browser);
    passkeys::begin(&mut *app.db.housekeeping().await?, &ceremony, ("sign_in", &hash, None)).await?;
    Ok(options)
}

/// Finishes a sign-in by a passkey: without `present` it begins a session, with it the present one is confirmed,
/// by a passkey of the same person. The session's secret.
pub async fn finish_passkey_sign_in(
    app: &App,
    (browser, answer): (&str, &[u8]),
    present: Option<&Actor>,
    previous: Option<&str>,
    arrival: Arrival,
) -> Result<String, Error> {
    refuse_closed(app).await?;
    let claim = Site::read_sign_in(answer)?;
    let hash = secrets::hash(browser);
    let taken = passkeys::take(&mut *app.db.housekeeping().await?, &claim.challenge, ("sign_in", &hash)).await?;
    let unfit = || Error::Conflict("This passkey does not fit, or it took too long. Begin again.".into());
    let (state, _) = taken.ok_or_else(unfit)?;
    let actor = match present {
        Some(actor) => actor.clone(),
        None => access::signing_in(claim.person, &arrival),
    };
    if actor.person() != Some(claim.person) {
        return Err(unfit());
    }
    let mut tx = app.db.write(&actor).await?;
    let (passkey, kept) = passkeys::lock(tx.conn(), &claim.credential_id).await?.ok_or_else(unfit)?;
    let moved = site(app)?.finish_sign_in(passkey.person_id, &state, &claim, &kept)?;
    if passkey.person_id != claim.person {
        return Err(unfit());
    }
    let now = tx.now();
    passkeys::used(tx.conn(), passkey.id, &moved, now).await?;
    let session = present.and_then(|actor| actor.authority.session.as_ref());
    let (secret, action) = if let Some(session) = session {
        (access::confirm_session(&mut tx, session.id, &Proof::passkey()).await?, "person.stepped_up")
    } else {
        if let Some(previous) = previous {
            sessions::end_session(tx.conn(), None, None, Some(&secrets::hash(previous))).await?;
        }
        (
            access::open_session(&mut tx, passkey.person_id, &arrival.origin, &Proof::passkey()).await?,
            "person.signed_in",
        )
    };
    let detail = json!({ "by": "passkey", "passkey": passkey.id });
    tx.record(Event::happened(action, "person", Some(passkey.person_id), detail)).await?.commit().await?;
    crate::authorities(app).clear();
    Ok(secret)
}
