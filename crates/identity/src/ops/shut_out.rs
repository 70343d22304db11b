//! What ends with a person or an account that may no longer come in, who says so and wherever: nothing of it comes
//! back when they may again.

use uuid::Uuid;

use crate::{
    Token, TokenOwner,
    store::{access as sessions, people, tokens},
};
use base::{audit::Event, db::WriteTx, error::Error};

/// Ends the links, sessions and tokens of a person.
pub(super) async fn shut_out<S>(tx: &mut WriteTx<S>, person: Uuid) -> Result<Vec<Event>, Error> {
    let now = tx.now();
    people::end_links(tx.conn(), person, now).await?;
    sessions::end_sessions_of(tx.conn(), person, None).await?;
    revoke_tokens(tx, TokenOwner::Person(person)).await
}

/// Revokes every token of an owner that is not revoked yet.
pub(super) async fn revoke_tokens<S>(tx: &mut WriteTx<S>, owner: TokenOwner) -> Result<Vec<Event>, Error> {
    let now = tx.now();
    let mut events = Vec::new();
    for before in tokens::of_owner(tx.conn(), Some(owner)).await? {
        if before.revoked_at.is_none() {
            let after = Token { revoked_at: Some(now), revision: before.revision + 1, ..before.clone() };
            tokens::revoke(tx.conn(), &after).await?;
            events.push(Event::changed("token.revoked", &before, &after));
        }
    }
    Ok(events)
}
