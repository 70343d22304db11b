//! What stands beside a request for who decides: what was decided before, and what waits next.

use uuid::Uuid;

use crate::{Web, extract::Signed, pages::view::ago};
use base::{
    error::Error,
    lists::{self, Query},
};
use governance::approvals::{Request, ops};

/// Earlier requests shown at most.
const EARLIER: usize = 5;

/// A request on the same integration that is closed.
pub struct Earlier {
    pub id: Uuid,
    pub title: String,
    pub state: &'static str,
    pub ago: String,
    /// What was decided last, with its reason.
    pub last: Option<(String, String)>,
}

/// What was decided on the integration of a request before, newest first.
pub async fn earlier(web: &Web, signed: &Signed, request: &Request) -> Result<Vec<Earlier>, Error> {
    let all = ops::requests_of(&web.app, &signed.actor, request.integration_id).await?;
    let now = web.app.clock.now();
    let closed = all.into_iter().filter(|one| one.id != request.id && one.phase.is_closed()).take(EARLIER);
    let shown = closed.map(|one| Earlier {
        id: one.id,
        state: one.phase.key(),
        ago: ago(one.phase.closed_at().unwrap_or(one.updated_at), now),
        last: one.decisions.last().map(|last| (last.verdict.label(), last.reason.clone())),
        title: one.title,
    });
    Ok(shown.collect())
}

/// What waits longest for one's own decision, besides this one: by one's groups, by what came up to them, and
/// for whoever is away.
pub async fn next_one(web: &Web, signed: &Signed, besides: Uuid) -> Result<Option<(Uuid, String)>, Error> {
    let (app, actor) = (&web.app, &signed.actor);
    let Some(me) = actor.person() else { return Ok(None) };
    let pairs = [("decider", me.to_string()), ("sort", "waiting_since".into()), ("limit", "2".into())];
    let pairs: Vec<(String, String)> = pairs.into_iter().map(|(name, value)| (name.into(), value)).collect();
    let query = Query::parse(&ops::REQUESTS, &pairs, &[])?;
    let rows = lists::ops::list::<ops::RequestRow>(app, actor, &ops::REQUESTS, &query).await?.rows;
    Ok(rows.into_iter().find(|row| row.id != besides).map(|row| (row.id, row.title)))
}
