//! What stands beside a request for who decides: what was decided before, and what waits next.

use uuid::Uuid;

use crate::{
    approvals::{Request, ops},
    catalog,
    error::Error,
    identity::{self, GroupKind},
    lists::Query,
    web::{Web, extract::Signed, pages::view::ago},
};

/// Earlier requests shown at most.
const EARLIER: usize = 5;
/// Requests looked at for one that this person may decide.
const LOOKED: &str = "20";

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

/// What waits longest for one's review groups, besides this one, and what one did not ask for, take part
/// in, own or decide on already.
pub async fn next_one(web: &Web, signed: &Signed, besides: Uuid) -> Result<Option<(Uuid, String)>, Error> {
    let (app, actor) = (&web.app, &signed.actor);
    let groups = identity::ops::get_groups(app, actor, GroupKind::ReviewGroup, &actor.authority.review_groups).await?;
    let (Some(me), false) = (actor.person(), groups.is_empty()) else { return Ok(None) };
    let mut pairs: Vec<(String, String)> =
        groups.into_iter().map(|group| ("group".into(), group.content.slug)).collect();
    pairs.extend([
        ("state".into(), "open".into()),
        ("sort".into(), "waiting_since".into()),
        ("limit".into(), LOOKED.into()),
    ]);
    let query = Query::parse(&ops::REQUESTS, &pairs, &[])?;
    let rows = catalog::ops::list::<ops::RequestRow>(app, actor, &ops::REQUESTS, &query).await?.rows;
    let ids: Vec<Uuid> = rows.into_iter().map(|row| row.id).filter(|id| *id != besides).collect();
    let free = |one: &Request| {
        let asked = one.requested_by.person == Some(me) || one.participants.contains(&me);
        let decided = one.decisions.iter().any(|last| last.decided_by == me && last.round == one.round);
        !asked && !decided && !actor.is_in_team(one.refs.owners())
    };
    let found = ops::get_requests(app, actor, &ids).await?.into_iter().find(free);
    Ok(found.map(|one| (one.id, one.title)))
}
