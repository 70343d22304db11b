//! Looking at requests: what would change, who must act next, since when.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{entitled::why_not, owner_teams};
use crate::approvals::store::facts::JudgedFacts;
use crate::{
    approvals::{
        Decision, Phase, Request, RequestKind,
        store::{
            facts, requests,
            stages::{self, StandIns},
        },
    },
    policy::{
        Finding,
        ops::{self as policy, Subject},
    },
};
use base::{
    app::App,
    audit::{Change, diff},
    error::Error,
};
use identity::{Actor, Permission};
use register::integrations::{self, Integration, IntegrationContent, Missing, ops as uses};

/// Who must act next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NextStep {
    /// Who: a review group, a person, or nobody.
    pub who: String,
    /// What they do.
    pub what: String,
    /// Since when it waits for them.
    pub since: Option<DateTime<Utc>>,
    /// The people of a group who may decide.
    pub people: Vec<String>,
}

/// A request with what follows from it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RequestView {
    /// The request.
    #[serde(flatten)]
    pub request: Request,
    /// Slug of the integration.
    pub integration: String,
    /// Whether the integration changed since it was written.
    pub stale: bool,
    /// What it would change, field by field.
    pub changes: Vec<Change>,
    /// What is missing before it can be submitted.
    pub missing: Vec<Missing>,
    /// What rules say of the proposal today; of a closed one nothing.
    pub findings: Vec<Finding>,
    /// Who must act next.
    pub next: NextStep,
    /// Why who reads it does not decide on it now, for pages; nothing where they may, or where nothing waits for a decision.
    #[serde(skip)]
    #[schema(ignore)]
    pub why_not: Option<String>,
}

/// One request.
pub async fn find_request(app: &App, actor: &Actor, id: Uuid) -> Result<Request, Error> {
    actor.require(Permission::Read)?;
    requests::get(&mut *app.db.read().await?, id).await?.ok_or(Error::NotFound("change request"))
}

/// Whole requests by id, in the order asked for.
pub async fn get_requests(app: &App, actor: &Actor, ids: &[Uuid]) -> Result<Vec<Request>, Error> {
    actor.require(Permission::Read)?;
    let mut found = requests::get_many(&mut *app.db.read().await?, ids).await?;
    found.sort_by_key(|request| ids.iter().position(|id| *id == request.id));
    Ok(found)
}

/// What rules looked at and found when a request was submitted, edited, decided on and applied. Findings of
/// rules in shadow are for who governs.
pub async fn facts_of_request(app: &App, actor: &Actor, id: Uuid) -> Result<Vec<JudgedFacts>, Error> {
    let request = find_request(app, actor, id).await?;
    let mut all = facts::of_request(&mut *app.db.read().await?, request.id).await?;
    if !actor.may(Permission::Govern) {
        for findings in all.iter_mut().filter_map(|one| one.findings.as_array_mut()) {
            findings.retain(|finding| finding["mode"] != "shadow");
        }
    }
    Ok(all)
}

/// The unclosed request of an integration.
pub async fn request_of(app: &App, actor: &Actor, integration: Uuid) -> Result<Option<Request>, Error> {
    actor.require(Permission::Read)?;
    let mut conn = app.db.read().await?;
    match requests::unclosed(&mut conn, integration).await? {
        Some(id) => requests::get(&mut conn, id).await,
        None => Ok(None),
    }
}

/// All requests of an integration, newest first.
pub async fn requests_of(app: &App, actor: &Actor, integration: Uuid) -> Result<Vec<Request>, Error> {
    actor.require(Permission::Read)?;
    let ids = requests::of_integration(&mut *app.db.read().await?, integration).await?;
    get_requests(app, actor, &ids).await
}

/// A request with what it would change, what it lacks and who acts next.
pub async fn view_request(app: &App, actor: &Actor, id: Uuid) -> Result<RequestView, Error> {
    let request = find_request(app, actor, id).await?;
    let integration = uses::get_integrations(app, actor, &[request.integration_id])
        .await?
        .pop()
        .ok_or(Error::NotFound("integration"))?;
    let value = |content: &IntegrationContent| serde_json::to_value(content).map_err(Error::internal);
    let nothing = IntegrationContent::default();
    let base = value(if request.kind == RequestKind::Register { &nothing } else { &request.base_content })?;
    let changes = diff(&base, &value(&request.content)?);
    let missing = if matches!(request.phase, Phase::Draft | Phase::ChangesRequested(_)) && !request.kind.keeps_content()
    {
        let offered = uses::offered_scopes(app, actor, request.refs.version).await?;
        let names: Vec<String> = offered.into_iter().map(|scope| scope.name).collect();
        integrations::missing(&request.content, &names)
    } else {
        Vec::new()
    };
    let findings = findings(app, actor, &request, &integration).await?;
    Ok(RequestView {
        findings,
        integration: integration.content.slug.clone(),
        stale: request.is_stale(&integration.content),
        changes,
        missing,
        next: next(app, actor, &request).await?,
        why_not: why_not(app, actor, &request, &integration).await?,
        request,
    })
}

/// What rules say of the proposal; of rules in shadow only to those who govern.
async fn findings(
    app: &App,
    actor: &Actor,
    request: &Request,
    integration: &Integration,
) -> Result<Vec<Finding>, Error> {
    if request.phase.is_closed() {
        return Ok(Vec::new());
    }
    let subject = Subject { integration, proposed: Some((request.kind.key(), &request.content, &request.refs)) };
    let today = app.today().await?;
    let judged =
        policy::judge(&mut *app.db.read().await?, app.slot::<crate::policy::ops::RuleCache>(), today, &[subject])
            .await?;
    let found = judged.into_iter().flat_map(|judgement| judgement.findings);
    Ok(found.filter(|finding| finding.is_shown() || actor.may(Permission::Govern)).collect())
}

/// Who may decide the open stage and has not: active reviewers of its group and of the one it went up to,
/// who neither asked, nor edited, nor are in a team that owns; and who decides for one of them today.
pub(super) async fn deciders(
    conn: &mut sqlx::PgConnection,
    request: &Request,
    owners: &[Uuid],
    (today, now): (NaiveDate, DateTime<Utc>),
) -> Result<Vec<stages::Eligible>, Error> {
    let (Some(stage), Some(bound)) = (request.open_stage(), request.phase.bound()) else { return Ok(Vec::new()) };
    let mut barred = request.participants.clone();
    barred.extend(request.requested_by.person);
    let groups: Vec<Uuid> = [Some(stage.review_group_id), stage.escalated_to].into_iter().flatten().collect();
    let twice = request.workflow.is_some_and(|workflow| workflow.same_person_twice);
    let decided = |person: Uuid| {
        let mine = |d: &Decision| d.decided_by == person && (!twice || d.position == stage.position);
        request.decisions.iter().any(|d| d.round == bound.round && mine(d))
    };
    let mut found =
        stages::eligible(conn, &groups, &barred, (request, owners), (today, now, StandIns::Counted)).await?;
    found.retain(|one| !decided(one.person));
    Ok(found)
}

async fn next(app: &App, actor: &Actor, request: &Request) -> Result<NextStep, Error> {
    let step = |who: String, what: &str, since: Option<DateTime<Utc>>| NextStep {
        who,
        what: what.into(),
        since,
        people: Vec::new(),
    };
    let names = identity::ops::names(app, actor, request.requested_by.person.as_slice()).await?;
    let requester = names.into_iter().next().unwrap_or_else(|| "the script that asked".into());
    Ok(match &request.phase {
        Phase::Draft => step(requester, "finishes and submits it", Some(request.created_at)),
        Phase::ChangesRequested(bound) => step(requester, "changes and submits it again", Some(bound.waiting_since)),
        Phase::Open(bound) => {
            let Some(stage) = request.open_stage() else {
                return Err(Error::internal("an open request without an open stage"));
            };
            let today = app.today().await?;
            let mut conn = app.db.read().await?;
            let owners = owner_teams(&mut conn, request).await?;
            let mut people: Vec<String> = Vec::new();
            for one in deciders(&mut conn, request, &owners, (today, app.clock.now())).await? {
                if !people.contains(&one.name) {
                    people.push(one.name);
                }
            }
            NextStep { people, ..step(stage.review_group.clone(), "decides", Some(bound.waiting_since)) }
        }
        Phase::Approved(bound) => {
            let mut teams: Vec<&str> = request.unmet().map(|condition| condition.owner.as_str()).collect();
            teams.dedup();
            step(teams.join(", "), "meets the conditions before it goes live", Some(bound.waiting_since))
        }
        closed => step("Nobody".into(), "has to act: it is closed", closed.closed_at()),
    })
}
