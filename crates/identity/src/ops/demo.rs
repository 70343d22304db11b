//! The people of the demonstration: who they are, and signing in as one of them by a click.

use serde_json::json;
use uuid::Uuid;

use super::access::{open_session, signing_in};
use crate::{Actor, Arrival, Proof, Role, Via, store::people};
use base::{app::App, audit::Event, error::Error};

/// Somebody to sign in as.
#[derive(Debug)]
pub struct DemoPerson {
    /// Their id.
    pub id: Uuid,
    /// Their name.
    pub name: String,
    /// Their first role.
    pub role: &'static str,
    /// Their team.
    pub team: Option<String>,
}

fn command_line(actor: &Actor) -> Result<(), Error> {
    match actor.via {
        Via::Cli => Ok(()),
        _ => Err(Error::Forbidden("This is for the command line.".into())),
    }
}

/// Marks an empty register as the demonstration's. Refuses any other.
pub async fn mark_demo(app: &App, actor: &Actor) -> Result<(), Error> {
    command_line(actor)?;
    let mut tx = app.db.write(actor).await?;
    if !people::is_register_empty(tx.conn()).await? {
        return Err(Error::Conflict("The register is not empty. A demonstration needs one of its own.".into()));
    }
    if !people::mark_demo(tx.conn()).await? {
        return Err(Error::Conflict("This register has its demonstration already.".into()));
    }
    tx.record(Event::happened("demo.marked", "settings", None, json!(null))).await?.commit().await
}

/// Marks its people: their sessions and tokens hold only where the server shows the demonstration.
pub async fn mark_demo_people(app: &App, actor: &Actor) -> Result<(), Error> {
    command_line(actor)?;
    let mut tx = app.db.write(actor).await?;
    if !people::is_demo(tx.conn()).await? {
        return Err(Error::Conflict("This register is not the demonstration's.".into()));
    }
    let count = people::mark_demo_people(tx.conn()).await?;
    tx.record(Event::happened("demo.filled", "settings", None, json!({ "people": count }))).await?.commit().await
}

/// Whether the register is the demonstration's.
pub async fn is_demo(app: &App) -> Result<bool, Error> {
    people::is_demo(&mut *app.db.read().await?).await
}

/// The people to sign in as; nobody where the server does not show the demonstration.
pub async fn demo_people(app: &App) -> Result<Vec<DemoPerson>, Error> {
    if !app.config.demo {
        return Ok(Vec::new());
    }
    let found = people::demo_people(&mut *app.db.read().await?).await?;
    let person = |(id, name, roles, team): (Uuid, String, Vec<String>, Option<String>)| {
        let role = roles.first().and_then(|role| role.parse::<Role>().ok()).map_or("Reader", Role::label);
        DemoPerson { id, name, role, team }
    };
    Ok(found.into_iter().map(person).collect())
}

/// Signs in as one of them; the session's secret.
pub async fn sign_in_demo(app: &App, person: Uuid, arrival: Arrival) -> Result<String, Error> {
    if !demo_people(app).await?.iter().any(|known| known.id == person) {
        return Err(Error::NotFound("person"));
    }
    let actor = signing_in(person, &arrival);
    let mut tx = app.db.write(&actor).await?;
    let secret = open_session(&mut tx, person, &arrival.origin, &Proof::demo()).await?;
    tx.record(Event::happened("person.signed_in", "person", Some(person), json!({ "by": "demo" })))
        .await?
        .commit()
        .await?;
    crate::authorities(app).clear();
    Ok(secret)
}
