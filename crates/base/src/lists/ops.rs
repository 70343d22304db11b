//! A list as the actor sees it today: a page of it, its total and its facets.

use sqlx::{FromRow, postgres::PgRow};

use super::{Alike, Count, Facet, Page, Query, Spec};
use crate::{
    actor::{Actor, Permission},
    app::App,
    error::Error,
};

/// One page of a list, as of today.
pub async fn list<R>(app: &App, actor: &Actor, spec: &Spec, query: &Query) -> Result<Page<R>, Error>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    actor.require(Permission::Read)?;
    let query = query.clone().on(app.today().await?);
    super::page(&mut *app.db.read().await?, spec, &query).await
}

/// The total and facets of a list, at most some seconds old: they count thousands of rows.
pub async fn list_facets(
    app: &App,
    actor: &Actor,
    spec: &Spec,
    query: &Query,
    alike: Alike,
) -> Result<std::sync::Arc<(Count, Vec<Facet>)>, Error> {
    actor.require(Permission::Read)?;
    let query = query.clone().on(app.today().await?);
    let subject = format!("{} {alike:?}", query.subject(spec));
    let _turn = match app.facets.get(&subject) {
        Ok(kept) => return Ok(kept),
        Err(turn) => turn.lock_owned().await,
    };
    // Whoever waited for somebody else's count takes that one.
    if let Ok(kept) = app.facets.get(&subject) {
        return Ok(kept);
    }
    let begun = std::time::Instant::now();
    let counted = std::sync::Arc::new(super::facets(&mut *app.db.read().await?, spec, &query, alike).await?);
    app.facets.put(subject, begun, counted.clone());
    Ok(counted)
}

/// The total of a list alone, at most some seconds old.
pub async fn list_total(app: &App, actor: &Actor, spec: &Spec, query: &Query) -> Result<Count, Error> {
    actor.require(Permission::Read)?;
    let query = query.clone().on(app.today().await?);
    let subject = format!("{} total", query.subject(spec));
    if let Ok(kept) = app.facets.get(&subject) {
        return Ok(kept.0);
    }
    let begun = std::time::Instant::now();
    let total = super::total(&mut *app.db.read().await?, spec, &query).await?;
    app.facets.put(subject, begun, std::sync::Arc::new((total, Vec::new())));
    Ok(total)
}
