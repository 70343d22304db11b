//! Somebody proved who they are at a provider: whose that is here, and what follows.

use serde_json::json;
use uuid::Uuid;

use super::{
    access,
    federated::{Fault, Present},
    rights,
};
use crate::{
    Arrival, Identity, Person, PersonContent, PersonState, Proof,
    oidc::{Proved, Refusal},
    secrets,
    store::{access as sessions, flows, people},
};
use base::{
    app::App,
    audit::Event,
    db::{Open, WriteTx},
    error::Error,
    text,
};

/// Begins a session for whoever the provider's subject belongs to; a stranger becomes a person where the
/// provider is configured so. Never by the address: that may be somebody else's tomorrow.
pub(super) async fn sign_in(
    app: &App,
    key: &str,
    proved: &Proved,
    proof: &Proof,
    previous: Option<&str>,
    arrival: Arrival,
) -> Result<String, Fault> {
    let who = whose(app, key, proved).await?.unwrap_or_else(Uuid::now_v7);
    let actor = access::signing_in(who, &arrival);
    let mut tx = app.db.write(&actor).await?;
    people::lock_regrouping(tx.conn()).await?;
    let mut events = Vec::new();
    let found = flows::find_identity(tx.conn(), &proved.issuer, &proved.subject).await?;
    let (person, identity) = match found {
        Some(identity) if identity.state == "active" => {
            let person = people::get(tx.conn(), identity.person_id).await?.ok_or(Error::NotFound("person"))?;
            (person, Some(identity))
        }
        Some(_) => return Err(Refusal("the identity was taken out of use".into()).into()),
        None => (stranger(app, &mut tx, (key, who), proved, &mut events).await?, None),
    };
    if person.content.state != PersonState::Active {
        return Err(Refusal("the person is disabled".into()).into());
    }
    let event = note(&mut tx, key, proved, &person, identity).await?;
    events.push(event);
    events.extend(rights::follow_groups(app, &mut tx, key, person.id).await?);
    if let Some(previous) = previous {
        sessions::end_session(tx.conn(), None, None, Some(&secrets::hash(previous))).await?;
    }
    let secret = access::open_session(&mut tx, person.id, &arrival.origin, proof).await?;
    let detail = json!({ "by": "provider", "provider": key, "acr": proved.acr, "amr": proved.amr });
    events.push(Event::happened("person.signed_in", "person", Some(person.id), detail));
    tx.commit_all(events).await?;
    crate::authorities(app).clear();
    Ok(secret)
}

/// Whose a proved subject is: as it was used before, else as the provider's own service account keeps them here,
/// where they have no account of this provider yet.
async fn whose(app: &App, key: &str, proved: &Proved) -> Result<Option<Uuid>, Error> {
    let mut conn = app.db.read().await?;
    if let Some(known) = flows::person_of(&mut conn, &proved.issuer, &proved.subject).await? {
        return Ok(Some(known));
    }
    let Some(account) = crate::providers(app).get(key).and_then(|provider| provider.scim_account.clone()) else {
        return Ok(None);
    };
    flows::provisioned(&mut conn, &account, &proved.subject, key).await
}

/// Writes who somebody is at the provider, with the groups of now. Groups that are not told stay as they were.
async fn note(
    tx: &mut WriteTx<Open>,
    key: &str,
    proved: &Proved,
    person: &Person,
    identity: Option<Identity>,
) -> Result<Event, Error> {
    let now = tx.now();
    let Some(before) = identity else {
        let one = Identity {
            id: Uuid::now_v7(),
            person_id: person.id,
            provider: key.to_owned(),
            issuer: proved.issuer.clone(),
            subject: proved.subject.clone(),
            groups: proved.groups.clone().unwrap_or_default(),
            state: "active".into(),
            barred: false,
            revision: 1,
            created_at: now,
            updated_at: now,
            last_used_at: Some(now),
        };
        flows::save_identity(tx.conn(), &one).await?;
        return Ok(Event::created("identity.linked", &one));
    };
    let after = Identity {
        groups: proved.groups.clone().unwrap_or_else(|| before.groups.clone()),
        state: "active".into(),
        provider: key.to_owned(),
        revision: before.revision + 1,
        updated_at: now,
        last_used_at: Some(now),
        ..before.clone()
    };
    flows::save_identity(tx.conn(), &after).await?;
    let action = if before.state == "active" { "identity.used" } else { "identity.linked_again" };
    Ok(Event::changed(action, &before, &after))
}

/// Who an unknown subject is: whom the provider's own service account made under this id, else a new person.
async fn stranger(
    app: &App,
    tx: &mut WriteTx<Open>,
    (key, id): (&str, Uuid),
    proved: &Proved,
    events: &mut Vec<Event>,
) -> Result<Person, Fault> {
    let provider = crate::providers(app).get(key).ok_or_else(|| Error::internal("a provider that is gone"))?;
    if let Some(account) = &provider.scim_account
        && let Some(kept) = flows::provisioned(tx.conn(), account, &proved.subject, key).await?
    {
        return Ok(people::get(tx.conn(), kept).await?.ok_or(Error::NotFound("person"))?);
    }
    if !provider.create_people {
        return Err(Fault::Told("Nobody here has this account. Ask an admin to add you.".into()));
    }
    let Some(email) = proved.email.as_deref().filter(|email| !email.trim().is_empty()) else {
        return Err(Refusal("the provider tells no e-mail address: ask for the scope email".into()).into());
    };
    if !proved.email_verified && !provider.accept_unverified_email {
        return Err(Refusal(
            "the provider does not vouch for the e-mail address (email_verified): where it never does, set \
             accept_unverified_email"
                .into(),
        )
        .into());
    }
    if people::by_email(tx.conn(), email.trim()).await?.is_some() {
        return Err(Fault::Told(
            "Somebody with your e-mail address is here already. Sign in as you did before, and link this provider on \
             your account page; or ask an admin."
                .into(),
        ));
    }
    let name = proved.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| email.split('@').next().unwrap_or(email));
    let content = PersonContent {
        name: text::clip(name, 200).to_owned(),
        email: email.trim().to_owned(),
        ..PersonContent::default()
    };
    let content =
        content.checked().map_err(|_| Refusal("the provider's name or e-mail address does not fit".into()))?;
    let now = tx.now();
    let person = Person { id, revision: 1, created_at: now, updated_at: now, content };
    people::insert(tx.conn(), &person).await?;
    events.push(Event::created("person.created", &person));
    Ok(person)
}

/// Ties the provider's account to the person who is signed in.
pub(super) async fn link(
    app: &App,
    key: &str,
    proved: &Proved,
    present: Present<'_>,
    arrival: Arrival,
) -> Result<(), Fault> {
    let actor = access::signing_in(present.person, &arrival);
    let mut tx = app.db.write(&actor).await?;
    people::lock_regrouping(tx.conn()).await?;
    let person = people::get(tx.conn(), present.person).await?.ok_or(Error::NotFound("person"))?;
    let found = flows::find_identity(tx.conn(), &proved.issuer, &proved.subject).await?;
    if found.as_ref().is_some_and(|identity| identity.person_id != person.id) {
        return Err(Fault::Told("This account of the provider belongs to somebody else here.".into()));
    }
    if found.as_ref().is_some_and(|identity| identity.barred) {
        return Err(Fault::Told("An admin has untied this account from you. Ask them to allow it again.".into()));
    }
    let mut events = vec![note(&mut tx, key, proved, &person, found).await?];
    events.extend(rights::follow_groups(app, &mut tx, key, person.id).await?);
    tx.commit_all(events).await?;
    crate::authorities(app).clear();
    Ok(())
}

/// Confirms that it is still they: by an account of theirs, freshly and strongly.
pub(super) async fn step_up(
    app: &App,
    proved: &Proved,
    proof: &Proof,
    present: Present<'_>,
    arrival: Arrival,
) -> Result<String, Fault> {
    let actor = access::signing_in(present.person, &arrival);
    let mut tx = app.db.write(&actor).await?;
    let found = flows::find_identity(tx.conn(), &proved.issuer, &proved.subject).await?;
    if found.is_none_or(|identity| identity.person_id != present.person || identity.state != "active") {
        return Err(Refusal("somebody else confirmed than who is signed in".into()).into());
    }
    if !proof.strong {
        return Err(Fault::Told(
            "The provider did not confirm by a second factor. Set one up there, or use a passkey.".into(),
        ));
    }
    let secret = access::confirm_session(&mut tx, present.session.id, proof).await?;
    let detail = json!({ "by": "provider", "acr": proved.acr, "amr": proved.amr });
    tx.record(Event::happened("person.stepped_up", "person", Some(present.person), detail)).await?.commit().await?;
    crate::authorities(app).clear();
    Ok(secret)
}
