//! Comments on records.

use uuid::Uuid;

use crate::catalog::{Comment, NewComment, store::comments};
use base::{app::App, audit::Event, error::Error};
use identity::{Actor, Permission};

/// The comments on a record, oldest first.
pub async fn comments(app: &App, actor: &Actor, kind: &str, id: Uuid) -> Result<Vec<Comment>, Error> {
    actor.require(Permission::Read)?;
    comments::on(&mut *app.db.read().await?, kind, id).await
}

/// Adds a comment. Everyone who may edit or review does; an auditor writes nothing.
pub async fn add_comment(
    app: &App,
    actor: &Actor,
    kind: &'static str,
    id: Uuid,
    new: NewComment,
) -> Result<Comment, Error> {
    if !actor.may(Permission::VerifyCatalog) {
        actor.require(Permission::EditCatalog)?;
    }
    let new = new.checked()?;
    let mut tx = app.db.write(actor).await?;
    let comment = Comment {
        id: Uuid::now_v7(),
        subject_kind: kind.to_owned(),
        subject_id: id,
        author_id: actor.person(),
        author_name: Some(actor.authority.name.clone()),
        body: new.body,
        state: "shown".into(),
        revision: 1,
        created_at: tx.now(),
    };
    comments::insert(tx.conn(), &comment).await?;
    tx.record(Event::created("comment.added", &comment)).await?.commit().await?;
    Ok(comment)
}

/// Withdraws one's own comment: it is no longer shown, and stays on record.
pub async fn withdraw_comment(app: &App, actor: &Actor, id: Uuid) -> Result<Comment, Error> {
    if !actor.may(Permission::VerifyCatalog) {
        actor.require(Permission::EditCatalog)?;
    }
    let mut tx = app.db.write(actor).await?;
    let before = comments::lock(tx.conn(), id).await?.ok_or(Error::NotFound("comment"))?;
    if before.author_id.is_none() || before.author_id != actor.person() {
        return Err(Error::Forbidden("Only its author withdraws a comment.".into()));
    }
    if before.state == "withdrawn" {
        return Ok(before);
    }
    let after = Comment { state: "withdrawn".into(), revision: before.revision + 1, ..before.clone() };
    comments::withdraw(tx.conn(), &after).await?;
    tx.record(Event::changed("comment.withdrawn", &before, &after)).await?.commit().await?;
    Ok(after)
}
