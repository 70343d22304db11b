//! Local accounts: signing in by a password and a code, confirming by both, and links that set a password.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    access, rights,
    throttle::{attempt, failed, succeeded, tried},
};
use crate::{
    Actor, Arrival, Identity, Passkey, Proof, TokenOwner, password, seal, secrets,
    store::{
        access as sessions, flows,
        local::{self, Counted},
        passkeys, people,
    },
};
use base::{
    app::App,
    audit::Event,
    db::{Open, WriteTx},
    error::Error,
};

/// How long the second step may take.
const SECOND_STEP: TimeDelta = TimeDelta::minutes(5);

/// What a first step came to.
#[derive(Debug)]
pub enum Step {
    /// A session; its secret.
    Signed(String),
    /// A code is needed; what to send it with.
    Code(String),
}

/// Between the two steps, sealed: who, and when the first was taken.
#[derive(Serialize, Deserialize)]
struct Halfway {
    person: Uuid,
    email: String,
    at: DateTime<Utc>,
}

/// The same words whether a name is unknown, a password wrong, or an account without one.
fn wrong() -> Error {
    Error::field("/password", "This name and password do not fit.")
}

/// Whether local accounts are open here.
pub async fn local_accounts(app: &App) -> Result<bool, Error> {
    local::is_open(&mut *app.db.read().await?).await
}

pub(super) async fn refuse_closed(app: &App) -> Result<(), Error> {
    if local_accounts(app).await? {
        return Ok(());
    }
    Err(Error::Forbidden("Local accounts are switched off here. Sign in at your identity provider.".into()))
}

/// The first step: name and password. Unknown names take as long, and get the same words.
pub async fn sign_in_by_password(
    app: &App,
    email: &str,
    typed: String,
    previous: Option<&str>,
    arrival: Arrival,
) -> Result<Step, Error> {
    refuse_closed(app).await?;
    let now = app.clock.now();
    let tried = tried(email, &arrival.origin);
    attempt(app, &tried, now).await?;
    let account = local::by_email(&mut *app.db.read().await?, email.trim()).await?;
    let hash = account.as_ref().and_then(|account| account.hash.clone());
    let fits = typed.len() <= 1000 && password::fits(typed, hash).await?;
    let Some(account) = account.filter(|_| fits) else {
        failed();
        return Err(wrong());
    };
    if account.has_app {
        let halfway = Halfway { person: account.person, email: email.trim().to_lowercase(), at: now };
        let clear = serde_json::to_vec(&halfway).map_err(Error::internal)?;
        let sealed = seal::seal(crate::pepper(app), "second step", &clear)?;
        return Ok(Step::Code(data_encoding::BASE64URL_NOPAD.encode(&sealed)));
    }
    let secret = begin_session(app, account.person, Proof::password(), previous, arrival, &tried).await?;
    Ok(Step::Signed(secret))
}

/// The second step: a code of the app, or a recovery code, which then is used up.
pub async fn sign_in_by_code(
    app: &App,
    halfway: &str,
    code: &str,
    previous: Option<&str>,
    arrival: Arrival,
) -> Result<String, Error> {
    refuse_closed(app).await?;
    let now = app.clock.now();
    let again = || Error::field("/code", "This took too long. Begin again with name and password.");
    let sealed = data_encoding::BASE64URL_NOPAD.decode(halfway.as_bytes()).map_err(|_| again())?;
    let clear = seal::open(crate::pepper(app), "second step", &sealed)?.ok_or_else(again)?;
    let halfway: Halfway = serde_json::from_slice(&clear).map_err(|_| again())?;
    if now - halfway.at > SECOND_STEP || halfway.at > now {
        return Err(again());
    }
    let tried = tried(&halfway.email, &arrival.origin);
    attempt(app, &tried, now).await?;
    let proof = Proof::password_and_code();
    let actor = access::signing_in(halfway.person, &arrival);
    let mut tx = app.db.write(&actor).await?;
    let Some(used) = second_factor(app, &mut tx, halfway.person, code).await? else {
        drop(tx);
        failed();
        return Err(Error::field("/code", "This code does not fit. Codes change every half minute and count once."));
    };
    if !is_active(&mut tx, halfway.person).await? {
        return Err(again());
    }
    if let Some(previous) = previous {
        sessions::end_session(tx.conn(), None, None, Some(&secrets::hash(previous))).await?;
    }
    let secret = access::open_session(&mut tx, halfway.person, &arrival.origin, &proof).await?;
    succeeded(tx.conn(), &tried, now).await?;
    let detail = json!({ "by": "password", "with": used.key() });
    tx.record(Event::happened("person.signed_in", "person", Some(halfway.person), detail)).await?.commit().await?;
    crate::authorities(app).clear();
    Ok(secret)
}

async fn is_active(tx: &mut WriteTx<Open>, person: Uuid) -> Result<bool, Error> {
    let found = people::get(tx.conn(), person).await?;
    Ok(found.is_some_and(|person| person.content.state == crate::PersonState::Active))
}

async fn begin_session(
    app: &App,
    person: Uuid,
    proof: Proof,
    previous: Option<&str>,
    arrival: Arrival,
    tried: &[(Counted, Vec<u8>)],
) -> Result<String, Error> {
    let actor = access::signing_in(person, &arrival);
    let mut tx = app.db.write(&actor).await?;
    if let Some(previous) = previous {
        sessions::end_session(tx.conn(), None, None, Some(&secrets::hash(previous))).await?;
    }
    let secret = access::open_session(&mut tx, person, &arrival.origin, &proof).await?;
    let now = tx.now();
    succeeded(tx.conn(), tried, now).await?;
    let detail = json!({ "by": proof.method });
    tx.record(Event::happened("person.signed_in", "person", Some(person), detail)).await?.commit().await?;
    crate::authorities(app).clear();
    Ok(secret)
}

/// Which second factor somebody used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Factor {
    App,
    Recovery,
}

impl Factor {
    fn key(self) -> &'static str {
        match self {
            Self::App => "authenticator_app",
            Self::Recovery => "recovery_code",
        }
    }
}

/// Uses a code up: of the app, each step of which counts once, else a recovery code. `None` where it is neither.
pub(super) async fn second_factor(
    app: &App,
    tx: &mut WriteTx<Open>,
    person: Uuid,
    code: &str,
) -> Result<Option<Factor>, Error> {
    let Some((sealed, true, last)) = local::lock_app(tx.conn(), person).await? else { return Ok(None) };
    let now = tx.now();
    if let Some(step) = password::app_step(opened(app, &sealed)?, code, now.timestamp())? {
        if step <= last {
            return Ok(None);
        }
        local::use_app(tx.conn(), person, step, now).await?;
        return Ok(Some(Factor::App));
    }
    let used = local::use_code(tx.conn(), person, &password::recovery_hash(code), now).await?;
    Ok(used.then_some(Factor::Recovery))
}

pub(super) fn opened(app: &App, sealed: &[u8]) -> Result<[u8; 20], Error> {
    let clear = seal::open(crate::pepper(app), "authenticator app", sealed)?;
    let clear = clear.and_then(|clear| <[u8; 20]>::try_from(clear).ok());
    clear.ok_or_else(|| Error::internal("an authenticator app that was sealed under another pepper"))
}

/// Confirms who is signed in by password and code; the session's new secret.
pub async fn confirm_by_password(app: &App, actor: &Actor, typed: String, code: &str) -> Result<String, Error> {
    refuse_closed(app).await?;
    let me = actor.person().ok_or(Error::Unauthenticated)?;
    let session = actor.authority.session.as_ref().ok_or(Error::Unauthenticated)?;
    let now = app.clock.now();
    let tried = tried(&format!("person {me}"), &actor.origin);
    attempt(app, &tried, now).await?;
    let means = local::means(&mut *app.db.read().await?, me).await?;
    if !(typed.len() <= 1000 && password::fits(typed, means.hash).await?) {
        failed();
        return Err(Error::field("/password", "This is not your password."));
    }
    let mut tx = app.db.write(actor).await?;
    let Some(used) = second_factor(app, &mut tx, me, code).await? else {
        drop(tx);
        failed();
        return Err(Error::field("/code", "This code does not fit. Codes change every half minute and count once."));
    };
    let secret = access::confirm_session(&mut tx, session.id, &Proof::password_and_code()).await?;
    succeeded(tx.conn(), &tried, now).await?;
    let detail = json!({ "by": "password", "with": used.key() });
    tx.record(Event::happened("person.stepped_up", "person", Some(me), detail)).await?.commit().await?;
    crate::authorities(app).clear();
    Ok(secret)
}

/// Sets the password of whoever a link invites or lets begin anew, and signs them in. Beginning anew takes the
/// authenticator app away: whoever lost it could not come in otherwise. It ends all sessions, and what else an
/// intruder may have added: passkeys, tokens, linked accounts.
pub async fn accept_invitation(app: &App, link: &str, new: String, arrival: Arrival) -> Result<String, Error> {
    refuse_closed(app).await?;
    let used = || Error::Conflict("This link has been used, or is too old. Ask for a new one.".into());
    let hash = secrets::hash(link);
    let now = app.clock.now();
    let (person, purpose) = sessions::link_purpose(&mut *app.db.read().await?, &hash, now).await?.ok_or_else(used)?;
    if purpose == "sign_in" {
        return Err(used());
    }
    let actor = access::signing_in(person, &arrival);
    let known = people::get(&mut *app.db.read().await?, person).await?.ok_or_else(used)?;
    if purpose == "invitation" && local::has_any_way(&mut *app.db.read().await?, person).await? {
        return Err(Error::Conflict(
            "You have a way to sign in already. Use it, or ask for a link to reset your password.".into(),
        ));
    }
    password::check("/password", &new, &[&known.content.name, &known.content.email])?;
    let kept = password::hash(new).await?;
    let mut tx = app.db.write(&actor).await?;
    if purpose == "reset" {
        // Before the link: whoever regroups ends links as well, and both wait in the same order.
        people::lock_regrouping(tx.conn()).await?;
    }
    let now = tx.now();
    sessions::consume_link(tx.conn(), &hash, now).await?.ok_or_else(used)?;
    local::set_password(tx.conn(), person, &kept, now).await?;
    let mut detail = json!({ "by": purpose });
    let mut events = Vec::new();
    if purpose == "reset" {
        detail["app_removed"] = json!(local::remove_app(tx.conn(), person).await? > 0);
        events.extend(take_ways(app, &mut tx, person).await?);
        detail["sessions_ended"] = json!(sessions::end_sessions_of(tx.conn(), person, None).await?);
    }
    let secret = access::open_session(&mut tx, person, &arrival.origin, &Proof::password()).await?;
    events.push(Event::happened("person.password_set", "person", Some(person), detail));
    events.push(Event::happened("person.signed_in", "person", Some(person), json!({ "by": "link" })));
    tx.commit_all(events).await?;
    crate::authorities(app).clear();
    Ok(secret)
}

/// Takes from somebody who begins anew what an intruder may have added: every passkey, every token, and every account
/// of a provider but that of the one who keeps them here, under the name that it keeps them by. What came by those
/// ends as well.
async fn take_ways(app: &App, tx: &mut WriteTx<Open>, person: Uuid) -> Result<Vec<Event>, Error> {
    let now = tx.now();
    let mut events = Vec::new();
    for (before, _) in passkeys::of_person(tx.conn(), person).await? {
        let (state, revision) = ("retired".to_owned(), before.revision + 1);
        let after = Passkey { state, revision, updated_at: now, ..before.clone() };
        passkeys::retire(tx.conn(), &after).await?;
        events.push(Event::changed("passkey.retired", &before, &after));
    }
    events.extend(super::shut_out::revoke_tokens(tx, TokenOwner::Person(person)).await?);
    let keeper = flows::keeper_of(tx.conn(), person).await?;
    let kept = |one: &Identity| {
        let account = crate::providers(app).get(&one.provider).and_then(|provider| provider.scim_account.clone());
        keeper.as_ref().is_some_and(|(by, named)| account.as_ref() == Some(by) && *named == one.subject)
    };
    for before in flows::identities_of(tx.conn(), person).await? {
        if before.state != "active" || kept(&before) {
            continue;
        }
        let (state, revision) = ("retired".to_owned(), before.revision + 1);
        let after = Identity { state, groups: Vec::new(), revision, updated_at: now, ..before.clone() };
        flows::save_identity(tx.conn(), &after).await?;
        events.push(Event::changed("identity.unlinked", &before, &after));
        events.extend(rights::follow_groups(app, tx, &before.provider, person).await?);
    }
    Ok(events)
}
