//! Roles that end: reminded of, and their ending recorded. That they no longer hold does not wait for this.

use chrono::{Days, NaiveDate};
use serde_json::json;
use uuid::Uuid;

use crate::{
    Actor, Person, PersonState, Role,
    store::{grants, people},
};
use base::{
    app::App,
    audit::Event,
    db::{Open, WriteTx},
    error::Error,
    mail::{self, Letter},
};

/// Days before the last day on which somebody is reminded that a role ends.
const REMINDED_BEFORE: u64 = 7;

/// Records the ending of roles that are past their last day; how many people had one. What a provider's group gives
/// besides stays.
pub async fn end_roles(app: &App) -> Result<usize, Error> {
    let today = app.today().await?;
    let ended = grants::ended(&mut *app.db.read().await?, today).await?;
    let mut run = app.background.run("end roles", &app.stop);
    let resting = run.resting();
    for person in ended.iter().filter(|id| !resting.contains(id)) {
        if !run.goes_on() {
            break;
        }
        let tx = app.db.write(&Actor::job("system:people", Uuid::now_v7().to_string())).await?;
        run.settle(*person, end_roles_of(app, tx, *person, today).await);
    }
    if run.done() > 0 {
        crate::authorities(app).clear();
    }
    Ok(run.done())
}

async fn end_roles_of(app: &App, mut tx: WriteTx<Open>, person: Uuid, today: NaiveDate) -> Result<(), Error> {
    people::lock_admins(tx.conn()).await?;
    let before = people::lock(tx.conn(), person).await?.ok_or(Error::NotFound("person"))?;
    // Prolonged meanwhile, or recorded by another server.
    if !before.content.role_ends.iter().any(|end| end.until_on < today) {
        return Ok(());
    }
    grants::take_ended(tx.conn(), person, today).await?;
    let now = tx.now();
    let written = people::get(tx.conn(), person).await?.ok_or(Error::NotFound("person"))?;
    let after = Person { revision: before.revision + 1, updated_at: now, ..written };
    people::update(tx.conn(), &after).await?;
    // What a provider's group gives besides goes on.
    let over = before.content.roles.iter().filter(|role| !after.content.roles.contains(role));
    let words: Vec<&str> = over.map(|role| role.label()).collect();
    if !words.is_empty() && after.content.state == PersonState::Active {
        let text = format!("Your role in Muster has ended: {}.", words.join(", "));
        write(app, &mut tx, &after, ("Your role has ended", text)).await?;
    }
    tx.record(Event::changed("person.role_ended", &before, &after)).await?.commit().await
}

/// Reminds people a week before a role of theirs ends, once; how many. By letter: the account page shows it always.
pub async fn remind_of_ends(app: &App) -> Result<usize, Error> {
    if app.config.post.is_none() {
        return Ok(0);
    }
    let today = app.today().await?;
    let mut run = app.background.run("remind of roles that end", &app.stop);
    while run.goes_on() {
        let mut tx = app.db.write(&Actor::job("system:people", Uuid::now_v7().to_string())).await?;
        let now = tx.now();
        let by = today + Days::new(REMINDED_BEFORE);
        let ending = grants::take_ending(tx.conn(), by, now, &run.resting()).await?;
        let Some((person, ..)) = ending.first() else { break };
        let person = *person;
        run.settle(person, remind_of_these(app, tx, ending).await);
    }
    Ok(run.done())
}

async fn remind_of_these(app: &App, mut tx: WriteTx<Open>, ending: Vec<(Uuid, Role, NaiveDate)>) -> Result<(), Error> {
    let mut events = Vec::new();
    for (id, role, until_on) in ending {
        let Some(person) = people::get(tx.conn(), id).await? else { continue };
        let text = format!("Your role {} in Muster ends after {until_on}. An admin can prolong it.", role.label());
        write(app, &mut tx, &person, ("A role of yours ends soon", text)).await?;
        let detail = json!({ "role": role, "until_on": until_on });
        events.push(Event::happened("person.reminded_of_role_end", "person", Some(id), detail));
    }
    tx.commit_all(events).await.map(|_| ())
}

async fn write(
    app: &App,
    tx: &mut WriteTx<Open>,
    person: &Person,
    (subject, text): (&str, String),
) -> Result<(), Error> {
    if app.config.post.is_none() {
        return Ok(());
    }
    let address = app.config.public_url.join("account").map_err(Error::internal)?;
    let now = tx.now();
    let letter = Letter {
        to: &person.content.email,
        subject: subject.to_owned(),
        text: format!("{text}\n\n{address}\n"),
        about: ("person", person.id),
        kind: mail::Kind::Notice,
    };
    mail::write(tx.conn(), letter, now).await
}
