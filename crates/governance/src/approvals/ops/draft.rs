//! Requests in the making: registering, proposing a change, editing.

use uuid::Uuid;

use super::{locked, may_continue, owner_teams};
use crate::approvals::{Phase, Request, RequestKind, Requester, store::requests};
use base::{
    app::App,
    audit::Event,
    check::Check,
    db::WriteTx,
    error::{Error, same_revision},
};
use identity::Actor;
use register::integrations::{
    Integration, IntegrationContent, Refs,
    ops::{self as uses, Standing, Start},
};

/// Begins the registration of an integration: it is proposed, and its request is a draft. What the
/// API's version says is filled in.
pub async fn register(
    app: &App,
    actor: &Actor,
    content: IntegrationContent,
    start: Start,
) -> Result<(Integration, Request), Error> {
    let mut tx = app.db.write(actor).await?;
    let (integration, request, events) = register_in(&mut tx, content, start).await?;
    let [first, second] = events;
    tx.record(first).await?.record(second).await?.commit().await?;
    app.forget_counts();
    Ok((integration, request))
}

/// The same within a transaction, for imports of many.
pub(super) async fn register_in<S>(
    tx: &mut WriteTx<S>,
    content: IntegrationContent,
    start: Start,
) -> Result<(Integration, Request, [Event; 2]), Error> {
    let actor = tx.actor().clone();
    actor.require(identity::Permission::Propose)?;
    let (mut content, mut refs) = uses::resolve_in(tx, None, content).await?;
    uses::may_propose(&actor, &refs, &[])?;
    if start == Start::FromVersion {
        let begun = uses::start_content(tx, &refs, content.clone()).await?;
        if begun != content {
            (content, refs) = uses::resolve_in(tx, None, begun).await?;
        }
    }
    let (integration, registered) = uses::register_in(tx, content, &refs).await?;
    let request = new_request(&actor, tx.now(), &integration, RequestKind::Register, refs, integration.content.clone());
    requests::save(tx.conn(), &request, None).await?;
    let events = [registered, Event::created("change_request.drafted", &request)];
    Ok((integration, request, events))
}

fn title(kind: RequestKind, name: &str) -> String {
    format!("{} {name}", kind.label())
}

fn new_request(
    actor: &Actor,
    now: chrono::DateTime<chrono::Utc>,
    integration: &Integration,
    kind: RequestKind,
    refs: Refs,
    content: IntegrationContent,
) -> Request {
    Request {
        id: Uuid::now_v7(),
        revision: 1,
        integration_id: integration.id,
        kind,
        phase: Phase::Draft,
        title: title(kind, &content.name),
        reason: None,
        base_revision: integration.revision,
        base_content: integration.content.clone(),
        content,
        requested_by: Requester { person: actor.person(), service_account: actor.service_account() },
        participants: actor.answers_for().into_iter().collect(),
        stages: Vec::new(),
        decisions: Vec::new(),
        conditions: Vec::new(),
        workflow: None,
        round: 0,
        created_at: now,
        updated_at: now,
        refs,
    }
}

/// Begins a request on an integration that is here: a draft over what is in force.
pub async fn propose(
    app: &App,
    actor: &Actor,
    key: &str,
    kind: RequestKind,
    content: Option<IntegrationContent>,
    reason: Option<String>,
) -> Result<Request, Error> {
    let mut tx = app.db.write(actor).await?;
    let (request, event) = propose_in(&mut tx, key, kind, content, reason).await?;
    tx.record(event).await?.commit().await?;
    app.forget_counts();
    Ok(request)
}

/// The same within a transaction.
pub(super) async fn propose_in<S>(
    tx: &mut WriteTx<S>,
    key: &str,
    kind: RequestKind,
    content: Option<IntegrationContent>,
    reason: Option<String>,
) -> Result<(Request, Event), Error> {
    let actor = tx.actor().clone();
    actor.require(identity::Permission::Propose)?;
    let may = |live: &Refs| {
        let owners: Vec<Uuid> = live.owners().chain(live.system_team).collect();
        uses::may_propose(&actor, live, &owners)
    };
    let (request, event) = open_in(tx, key, kind, (content, reason), may).await?;
    requests::save(tx.conn(), &request, None).await?;
    Ok((request, event))
}

/// The same for whoever another feature lets open one, such as the reviewer of a campaign: they ask for
/// it, and so do not decide on it.
pub async fn open_draft_in<S>(
    tx: &mut WriteTx<S>,
    key: &str,
    kind: RequestKind,
    content: Option<IntegrationContent>,
    reason: Option<String>,
) -> Result<(Request, Event), Error> {
    let (request, event) = open_in(tx, key, kind, (content, reason), |_| Ok(())).await?;
    requests::save(tx.conn(), &request, None).await?;
    Ok((request, event))
}

/// `may` refuses who must not, before anything else is said of the integration.
async fn open_in<S>(
    tx: &mut WriteTx<S>,
    key: &str,
    kind: RequestKind,
    (content, reason): (Option<IntegrationContent>, Option<String>),
    may: impl FnOnce(&Refs) -> Result<(), Error>,
) -> Result<(Request, Event), Error> {
    let actor = tx.actor().clone();
    let integration = uses::integration_in(tx, key).await?;
    let (live, live_refs) = uses::resolve_in(tx, Some(&integration), integration.content.clone()).await?;
    may(&live_refs)?;
    kind.outcome(integration.state)?;
    if kind.keeps_content() && content.as_ref().is_some_and(|content| *content != integration.content) {
        return Err(Error::field("/content", "This request changes the state alone; leave the content out."));
    }
    if requests::unclosed(tx.conn(), integration.id).await?.is_some() {
        return Err(Error::Conflict(
            "There is an open request for this integration. Edit that one, or wait for it.".into(),
        ));
    }
    let (content, refs) = match content {
        Some(content) => uses::resolve_in(tx, Some(&integration), content).await?,
        None => (live, live_refs),
    };
    let mut request = new_request(&actor, tx.now(), &integration, kind, refs, content);
    request.reason = checked_reason(reason)?;
    let event = Event::created("change_request.drafted", &request);
    Ok((request, event))
}

pub(super) fn checked_reason(mut reason: Option<String>) -> Result<Option<String>, Error> {
    let mut check = Check::new();
    check.optional("/reason", &mut reason, 4000);
    check.finish()?;
    Ok(reason)
}

/// Edits what is proposed, based on the request's `revision`. While it is open, a material edit
/// voids the approvals.
pub async fn edit_request(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i64,
    content: IntegrationContent,
    reason: Option<String>,
) -> Result<Request, Error> {
    let mut tx = app.db.write(actor).await?;
    let (request, mut events) = edit_in(app, &mut tx, id, Some(revision), content, reason).await?;
    events.reverse();
    if tx.commit_all(events).await? > 0 {
        app.forget_counts();
    }
    Ok(request)
}

/// The same within a transaction; no events where nothing changes.
pub(super) async fn edit_in<S>(
    app: &App,
    tx: &mut WriteTx<S>,
    id: Uuid,
    revision: Option<i64>,
    content: IntegrationContent,
    reason: Option<String>,
) -> Result<(Request, Vec<Event>), Error> {
    let actor = tx.actor().clone();
    actor.require(identity::Permission::Propose)?;
    let reason = checked_reason(reason)?;
    let (before, integration) = locked(tx, id).await?;
    let owners = owner_teams(tx.conn(), &before).await?;
    may_continue(&actor, &before, &owners)?;
    same_revision(revision.unwrap_or(before.revision), before.revision)?;
    before.editable()?;
    let (content, refs) = uses::resolve_in(tx, Some(&integration), content).await?;
    if before.kind.keeps_content() && content != before.content {
        return Err(Error::field("/content", "This request changes the state alone; only its reason can be edited."));
    }
    if content == before.content && reason == before.reason {
        return Ok((before, Vec::new()));
    }
    let now = tx.now();
    let mut after = Request {
        revision: before.revision + 1,
        updated_at: now,
        title: title(before.kind, &content.name),
        reason,
        content,
        refs,
        ..before.clone()
    };
    // Whatever was edited, the reason as well: who shapes what is decided on does not decide.
    super::submit::take_part(&actor, &mut after.participants);
    let mut events = Vec::new();
    let mut mirrored = integration.clone();
    if before.kind == RequestKind::Register {
        // What is not yet in force shows what is proposed.
        let (changed, event) = uses::apply_content(
            tx,
            integration,
            after.content.clone(),
            &after.refs,
            Standing::Proposed,
            "integration.proposal_edited",
        )
        .await?;
        after.base_revision = changed.revision;
        after.base_content = changed.content.clone();
        mirrored = changed;
        events.push(event);
    }
    let after = super::submit::rebound(app, tx, after, &mirrored, &owners).await?;
    events.push(Event::changed("change_request.edited", &before, &after));
    Ok((after, events))
}
