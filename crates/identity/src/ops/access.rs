//! Signing in and out, and who stands behind a session or a token.

use std::{sync::Arc, time::Instant};

use serde_json::json;
use uuid::Uuid;

use crate::{
    Actor, Arrival, Authority, Bearer, Origin, Permission, Person, PersonContent, Principal, Proof, Role, Sensitive,
    Via, seal, secrets,
    store::{
        access::{self, NewSession, SessionRow},
        flows, people, tokens,
    },
};
use base::{app::App, audit::Event, db::WriteTx, error::Error};

/// A one-time sign-in link, in the clear; shown once.
#[derive(Debug)]
pub struct MintedLink {
    /// The secret part of the link's URL.
    pub secret: String,
    /// Whom it signs in.
    pub person: Uuid,
}

/// The authority behind a session secret, at most 0.7 s old.
pub async fn authenticate_session(app: &App, secret: &str) -> Result<Arc<Authority>, Error> {
    let hash = secrets::hash(secret);
    if let Some(known) = crate::authorities(app).get(&hash) {
        return Ok(known);
    }
    let (begun, now) = (Instant::now(), app.clock.now());
    let found = access::by_session(&mut *app.db.read().await?, &hash, now, demo(app)).await?;
    let (authority, last_seen) = found.ok_or(Error::Unauthenticated)?;
    if let Some(session) = &authority.session
        && now - last_seen > chrono::TimeDelta::minutes(1)
    {
        access::seen(&mut *app.db.housekeeping().await?, session.id, now).await?;
    }
    let authority = Arc::new(authority);
    crate::authorities(app).put(hash, begun, Arc::clone(&authority));
    Ok(authority)
}

fn demo(app: &App) -> access::Demo {
    if app.config.demo { access::Demo::Shown } else { access::Demo::Hidden }
}

/// The authority behind an API token, at most 0.7 s old.
pub async fn authenticate_token(app: &App, text: &str, origin: &Origin) -> Result<Arc<Authority>, Error> {
    let bearer = Bearer::parse(text).ok_or(Error::Unauthenticated)?;
    let mac = crate::pepper(app).mac(&bearer)?;
    if let Some(known) = crate::authorities(app).get(&mac) {
        return Ok(known);
    }
    let (begun, now) = (Instant::now(), app.clock.now());
    let found = access::by_token(&mut *app.db.read().await?, &mac, now, demo(app)).await?;
    let authority = Arc::new(found.ok_or(Error::Unauthenticated)?);
    if let Some(id) = authority.token_id {
        let address = origin.address.map(|address| address.to_string());
        tokens::used(&mut *app.db.housekeeping().await?, id, now, address).await?;
    }
    crate::authorities(app).put(mac, begun, Arc::clone(&authority));
    Ok(authority)
}

/// What a one-time link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkFor {
    /// To sign in once; an hour.
    SignIn,
    /// To set a first password; a week.
    Invitation,
    /// To set a new password where the old one or the authenticator app is lost; an hour.
    Reset,
}

impl LinkFor {
    fn key(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Invitation => "invitation",
            Self::Reset => "reset",
        }
    }

    /// What it is called.
    pub fn title(self) -> &'static str {
        match self {
            Self::SignIn => "Sign-in link",
            Self::Invitation => "Invitation",
            Self::Reset => "Link for a new password",
        }
    }

    /// How often and how long it works.
    pub fn terms(self) -> &'static str {
        match self {
            Self::SignIn => "It works once, within an hour.",
            Self::Invitation => "It works once, within a week: they choose a password by it.",
            Self::Reset => {
                "It works once, within an hour: they choose a new password. Their authenticator app, passkeys, tokens and \
                 linked accounts are taken away, and their sessions end."
            }
        }
    }

    fn hours(self) -> i32 {
        if self == Self::Invitation { 7 * 24 } else { 1 }
    }
}

/// Mints a link for a person, by an admin. Never for another admin: that would be a way to act as
/// one.
pub async fn mint_link(app: &App, actor: &Actor, person: Uuid) -> Result<MintedLink, Error> {
    mint_link_for(app, actor, person, LinkFor::SignIn).await
}

/// The same for one of the things that links are for.
pub async fn mint_link_for(app: &App, actor: &Actor, person: Uuid, what: LinkFor) -> Result<MintedLink, Error> {
    actor.require(Permission::ManagePeople)?;
    super::refuse_token(actor)?;
    actor.require_fresh(Sensitive::Administer, app.clock.now())?;
    let mut tx = app.db.write(actor).await?;
    let target = people::lock(tx.conn(), person).await?.ok_or(Error::NotFound("person"))?;
    if target.content.roles.contains(&Role::Admin) && !matches!(actor.authority.principal, Principal::System(_)) {
        return Err(Error::Forbidden(
            "Links for admins are minted on the command line only: muster admin link EMAIL.".into(),
        ));
    }
    let link = insert_link(&mut tx, person, what).await?;
    let detail = json!({ "for": what.key() });
    tx.record(Event::happened("sign_in_link.minted", "person", Some(person), detail)).await?.commit().await?;
    Ok(link)
}

async fn insert_link<S>(tx: &mut WriteTx<S>, person: Uuid, what: LinkFor) -> Result<MintedLink, Error> {
    let secret = secrets::generate()?;
    let now = tx.now();
    let terms = (what.key(), what.hours());
    access::insert_link(tx.conn(), Uuid::now_v7(), person, &secrets::hash(&secret), terms, now).await?;
    Ok(MintedLink { secret, person })
}

/// Mints a link for whoever holds the data directory. An unknown address becomes a person with
/// `roles`; a known one keeps theirs.
pub async fn mint_admin_link(
    app: &App,
    actor: &Actor,
    email: &str,
    name: Option<&str>,
    roles: &[Role],
) -> Result<MintedLink, Error> {
    if !matches!(actor.via, Via::Cli | Via::Job) {
        return Err(Error::Forbidden("This is for the command line.".into()));
    }
    let mut tx = app.db.write(actor).await?;
    people::lock_admins(tx.conn()).await?;
    if let Some(person) = people::by_email(tx.conn(), email).await? {
        let link = insert_link(&mut tx, person, LinkFor::SignIn).await?;
        tx.record(Event::happened("sign_in_link.minted", "person", Some(person), json!(null))).await?.commit().await?;
        return Ok(link);
    }
    let content = PersonContent {
        name: name.unwrap_or_else(|| email.split('@').next().unwrap_or(email)).to_owned(),
        email: email.to_owned(),
        roles: roles.to_vec(),
        ..PersonContent::default()
    };
    let now = tx.now();
    let person =
        Person { id: Uuid::now_v7(), revision: 1, created_at: now, updated_at: now, content: content.checked()? };
    people::insert(tx.conn(), &person).await?;
    people::set_roles(tx.conn(), person.id, &person.content, None, now).await?;
    let link = insert_link(&mut tx, person.id, LinkFor::SignIn).await?;
    let tx = tx.record(Event::created("person.created", &person)).await?;
    tx.record(Event::happened("sign_in_link.minted", "person", Some(person.id), json!(null))).await?.commit().await?;
    Ok(link)
}

/// Whether nobody can administer yet.
pub async fn needs_first_admin(app: &App) -> Result<bool, Error> {
    let today = app.today().await?;
    Ok(!people::any_admin(&mut *app.db.read().await?, today).await?)
}

/// Whether a link would still work. Says nothing else of it.
pub async fn link_holds(app: &App, secret: &str) -> Result<bool, Error> {
    let now = app.clock.now();
    Ok(access::link_person(&mut *app.db.read().await?, &secrets::hash(secret), now).await?.is_some())
}

/// What a link is for, if it would still work.
pub async fn link_purpose(app: &App, secret: &str) -> Result<Option<LinkFor>, Error> {
    let now = app.clock.now();
    let found = access::link_purpose(&mut *app.db.read().await?, &secrets::hash(secret), now).await?;
    Ok(found.map(|(_, purpose)| match purpose.as_str() {
        "invitation" => LinkFor::Invitation,
        "reset" => LinkFor::Reset,
        _ => LinkFor::SignIn,
    }))
}

/// Uses a link up and begins a session; the session's secret. `previous` is ended with it.
pub async fn sign_in(app: &App, link: &str, previous: Option<&str>, arrival: Arrival) -> Result<String, Error> {
    let used = || Error::Conflict("This link has been used or is over an hour old. Ask for a new one.".into());
    let hash = secrets::hash(link);
    let found = access::link_purpose(&mut *app.db.read().await?, &hash, app.clock.now()).await?;
    let (person, _) = found.filter(|(_, purpose)| purpose == "sign_in").ok_or_else(used)?;
    let actor = signing_in(person, &arrival);
    let mut tx = app.db.write(&actor).await?;
    let now = tx.now();
    // Used up only here, so that of two who press at once one is refused.
    access::consume_link(tx.conn(), &hash, now).await?.ok_or_else(used)?;
    if let Some(previous) = previous {
        access::end_session(tx.conn(), None, None, Some(&secrets::hash(previous))).await?;
    }
    let secret = open_session(&mut tx, person, &arrival.origin, &Proof::link()).await?;
    tx.record(Event::happened("person.signed_in", "person", Some(person), json!({ "by": "link" })))
        .await?
        .commit()
        .await?;
    crate::authorities(app).clear();
    Ok(secret)
}

/// Somebody as they sign in: the rights they will have are read with their first request.
pub(super) fn signing_in(person: Uuid, arrival: &Arrival) -> Actor {
    let system = Actor::job("system:sign_in", arrival.request_id.clone());
    let authority = Authority { principal: Principal::Person(person), ..(*system.authority).clone() };
    Actor { authority: Arc::new(authority), origin: arrival.origin.clone(), via: Via::Page, ..system }
}

/// Begins a session; its secret.
pub(super) async fn open_session<S>(
    tx: &mut WriteTx<S>,
    person: Uuid,
    origin: &Origin,
    proof: &Proof,
) -> Result<String, Error> {
    let (id, secret, csrf) = (Uuid::now_v7(), secrets::generate()?, secrets::generate()?);
    let new = NewSession { id, hash: &secrets::hash(&secret), csrf: &csrf, person, origin, proof };
    let now = tx.now();
    access::insert_session(tx.conn(), new, now).await?;
    Ok(secret)
}

/// A session goes on under a new secret, with a proof of now; the secret.
pub(super) async fn confirm_session<S>(tx: &mut WriteTx<S>, session: Uuid, proof: &Proof) -> Result<String, Error> {
    let secret = secrets::generate()?;
    let now = tx.now();
    access::confirm_session(tx.conn(), session, &secrets::hash(&secret), proof, now).await?;
    Ok(secret)
}

/// What a provider needs to sign somebody out there as well: its key and the token that it gave.
pub async fn provider_of_session(app: &App, actor: &Actor) -> Result<Option<(String, Option<String>)>, Error> {
    let session = actor.authority.session.as_ref().ok_or(Error::Unauthenticated)?;
    let found = access::provider_of(&mut *app.db.read().await?, session.id).await?;
    let Some((provider, sealed)) = found else { return Ok(None) };
    let token = match sealed {
        Some(sealed) => {
            seal::open(crate::pepper(app), "id token", &sealed)?.and_then(|bytes| String::from_utf8(bytes).ok())
        }
        None => None,
    };
    Ok(Some((provider, token)))
}

/// Ends all of the actor's own sessions but the one that asks; how many.
pub async fn end_other_sessions(app: &App, actor: &Actor) -> Result<u64, Error> {
    let person = actor.person().ok_or(Error::Unauthenticated)?;
    let session = actor.authority.session.as_ref().ok_or(Error::Unauthenticated)?.id;
    let mut tx = app.db.write(actor).await?;
    let ended = access::end_sessions_of(tx.conn(), person, Some(session)).await?;
    let detail = json!({ "sessions": ended });
    tx.record(Event::happened("person.signed_out_elsewhere", "person", Some(person), detail)).await?.commit().await?;
    crate::authorities(app).clear();
    Ok(ended)
}

/// Ends the session that asks.
pub async fn sign_out(app: &App, actor: &Actor) -> Result<(), Error> {
    let session = actor.authority.session.as_ref().ok_or(Error::Unauthenticated)?;
    end_session(app, actor, session.id).await
}

/// Ends one of the actor's own sessions.
pub async fn end_session(app: &App, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let person = actor.person().ok_or(Error::Unauthenticated)?;
    let mut tx = app.db.write(actor).await?;
    if access::end_session(tx.conn(), Some(person), Some(id), None).await? == 0 {
        return Err(Error::NotFound("session"));
    }
    tx.record(Event::happened("person.signed_out", "person", Some(person), json!(null))).await?.commit().await?;
    crate::authorities(app).clear();
    Ok(())
}

/// The actor's own sessions.
pub async fn sessions(app: &App, actor: &Actor) -> Result<Vec<SessionRow>, Error> {
    let person = actor.person().ok_or(Error::Unauthenticated)?;
    access::sessions_of(&mut *app.db.read().await?, person, app.clock.now()).await
}

/// Removes sessions, idempotency keys and uploads that have ended.
pub async fn housekeep(app: &App) -> Result<u64, Error> {
    let now = app.clock.now();
    let mut conn = app.db.housekeeping().await?;
    Ok(access::sweep(&mut conn, now).await? + flows::sweep(&mut conn, now).await?)
}
