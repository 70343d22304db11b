//! A request: what would change, what is known around it, who must act, and the decision.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use uuid::Uuid;

use super::{
    beside::{Earlier, earlier, next_one},
    moved::{Moved, moved},
};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    pages::{
        Shell,
        assessments::Assured,
        html,
        integrations::cells,
        policy::Found,
        view::{ChangeView, CommentView, EventView, ago},
    },
};
use base::{
    audit::{self, Change},
    error::Error,
    lists::{self, Query},
};
use governance::approvals::{
    Condition, Decision, Phase, Stage,
    ops::{self, RequestView},
};
use identity::Permission;
use register::{
    catalog::{self, Vendor},
    integrations::{self, FIELDS, Hint, Integration, ops::IntegrationRow},
};

/// A decision with who made it.
struct Decided {
    decision: Decision,
    who: String,
    ago: String,
    for_whom: Option<String>,
    void: bool,
}

#[derive(Template)]
#[template(path = "approvals/show.html")]
pub struct RequestPage {
    shell: Shell,
    view: RequestView,
    integration: Integration,
    changes: Vec<Change>,
    /// What moved under it, where it is stale.
    moved: Vec<Moved>,
    hints: Vec<Hint>,
    vendor: Option<Vendor>,
    assured: Assured,
    siblings: Vec<IntegrationRow>,
    /// What was decided on this integration before.
    earlier: Vec<Earlier>,
    decided: Vec<Decided>,
    requester: String,
    waiting: String,
    events: Vec<EventView>,
    comments: Vec<CommentView>,
    me: Option<Uuid>,
    may_decide: bool,
    may_continue: bool,
    why_not: Option<String>,
    today: chrono::NaiveDate,
    findings: Vec<Found>,
    /// Slugs and names of teams that can be given a condition.
    teams: Vec<(String, String)>,
    /// The next request that waits for this person, once this one is decided.
    next_one: Option<(Uuid, String)>,
    met_by_me: Vec<Uuid>,
    problems: Vec<(String, String)>,
    typed: Typed,
}

/// What someone wrote into the forms of a request's page, as they wrote it: a refusal loses none of it.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    /// Why.
    pub reason: String,
    /// Conditions of an approval, in their rows.
    pub conditions: Vec<TypedCondition>,
    /// What was done for a condition, and which.
    pub note: Option<(Uuid, String)>,
}

/// One row of conditions, as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedCondition {
    /// What has to be done.
    pub text: String,
    /// Slug of the team.
    pub owner: String,
    /// The day, which may be none.
    pub due_on: String,
    /// The timing's word.
    pub timing: String,
}

impl TypedCondition {
    /// Whether anything was written into it.
    pub fn says_something(&self) -> bool {
        !(self.text.is_empty() && self.owner.is_empty() && self.due_on.is_empty())
    }
}

impl RequestPage {
    fn path(&self) -> String {
        format!("/requests/{}", self.view.request.id)
    }
    fn state(&self) -> &'static str {
        self.view.request.phase.key()
    }
    fn class(&self) -> &'static str {
        cells::request_class(self.state())
    }
    fn state_label(&self) -> String {
        base::words::label(if self.state() == "open" { "in_review" } else { self.state() })
    }
    fn shown(&self) -> Vec<ChangeView<'_>> {
        self.changes.iter().map(ChangeView).collect()
    }
    fn unchanged(&self) -> usize {
        let touched =
            |field: &str| self.changes.iter().any(|change| change.field.split('/').next().unwrap_or_default() == field);
        FIELDS.iter().filter(|(name, _)| !touched(name)).count()
    }
    /// The hash as people compare it, where there is one.
    fn hash(&self) -> Option<(String, String)> {
        let bound = self.view.request.phase.bound()?;
        let hash = bound.content_hash.clone();
        let short = format!("{}…{}", &hash[..4], &hash[hash.len() - 2..]);
        Some((short, hash))
    }
    fn is_draft(&self) -> bool {
        matches!(self.view.request.phase, Phase::Draft | Phase::ChangesRequested(_))
    }
    /// How a stage stands: its mark, and what is beside its name.
    fn stage(&self, stage: &Stage) -> (&'static str, String) {
        let request = &self.view.request;
        let Some(bound) = request.phase.bound() else { return ("", String::new()) };
        let approvals = request.approvals(stage, bound);
        if approvals >= stage.approvals_needed {
            return ("done", String::new());
        }
        let open = request.open_stage().is_some_and(|open| open.position == stage.position);
        let count = if stage.approvals_needed > 1 {
            format!("{approvals} of {}", stage.approvals_needed)
        } else {
            String::new()
        };
        if open { ("open", count) } else { ("", count) }
    }
    /// When a stage is due, as people read it; and whether that is past.
    fn due(&self, stage: &Stage) -> Option<(String, bool)> {
        let due = stage.due_at.filter(|_| self.stage(stage).0 == "open")?;
        Some((ago(due, self.shell.now), due < self.shell.now))
    }
    fn may_meet(&self, condition: &Condition) -> bool {
        condition.met_at.is_none() && self.met_by_me.contains(&condition.id)
    }
    fn day(&self, date: &chrono::NaiveDate) -> String {
        crate::pages::view::day(*date, self.today)
    }
    fn keeps_content(&self) -> bool {
        self.view.request.kind.keeps_content()
    }
    fn vendor_age(&self, date: &chrono::NaiveDate) -> String {
        cells::months(*date, self.today)
    }
    fn expired(&self, date: &chrono::NaiveDate) -> bool {
        *date < self.today
    }
    fn sibling_class(&self, row: &IntegrationRow) -> &'static str {
        cells::state_class(&row.state)
    }
    fn label(&self, key: &str) -> String {
        base::words::label(key)
    }
    /// The rows of the conditions: what was written, and an empty one to go on with.
    fn rows(&self) -> Vec<TypedCondition> {
        let mut rows = self.typed.conditions.clone();
        rows.resize(rows.len().max(1) + 1, TypedCondition::default());
        rows
    }
    fn note(&self, condition: &Uuid) -> &str {
        self.typed.note.as_ref().filter(|(of, _)| of == condition).map_or("", |(_, note)| note)
    }
    fn field(&self, pointer: &str) -> String {
        let mut parts = pointer.trim_start_matches('/').split('/');
        let head = base::words::label(parts.next().unwrap_or_default());
        match parts.next().and_then(|n| n.parse::<usize>().ok()) {
            Some(n) => format!("{head}, row {}", n + 1),
            None => head,
        }
    }

    /// Takes up why a step was refused, and keeps what was typed.
    pub fn refused(&mut self, error: &Error, typed: Typed) {
        self.typed = typed;
        self.problems = match error {
            Error::Invalid(errors) => {
                errors.as_slice().iter().map(|error| (error.pointer.clone(), error.message.clone())).collect()
            }
            other => vec![(String::new(), other.to_string())],
        };
    }
}

pub async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<Uuid>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    html(&page(&web, &signed, id, &pairs).await?)
}

/// Data flows and scopes first, then as the fields stand in the content.
fn ordered(mut changes: Vec<Change>) -> Vec<Change> {
    let place = |change: &Change| {
        let head = change.field.split('/').next().unwrap_or_default();
        match head {
            "data_flows" => 0,
            "scopes" => 1,
            head => 2 + FIELDS.iter().position(|(name, _)| *name == head).unwrap_or(FIELDS.len()),
        }
    };
    changes.sort_by_key(place);
    changes
}

async fn decided(web: &Web, signed: &Signed, view: &RequestView) -> Result<Vec<Decided>, Error> {
    let ids: Vec<Uuid> =
        view.request.decisions.iter().flat_map(|d| [Some(d.decided_by), d.decided_for]).flatten().collect();
    let people = identity::ops::get_people(&web.app, &signed.actor, &ids).await?;
    let material = view.request.phase.bound().map(|bound| bound.material_hash.clone());
    let now = web.app.clock.now();
    let one = |decision: &Decision| Decided {
        who: people
            .iter()
            .find(|person| person.id == decision.decided_by)
            .map_or_else(|| "somebody".into(), |person| person.content.name.clone()),
        for_whom: decision
            .decided_for
            .and_then(|id| people.iter().find(|person| person.id == id))
            .map(|person| person.content.name.clone()),
        ago: ago(decision.decided_at, now),
        void: material.as_ref().is_some_and(|material| *material != decision.material_hash)
            || decision.round != view.request.round
            || decision.lapsed,
        decision: decision.clone(),
    };
    Ok(view.request.decisions.iter().map(one).collect())
}

/// For how long somebody has been waited for; nothing within the first minute.
pub fn waited(since: Option<chrono::DateTime<chrono::Utc>>, now: chrono::DateTime<chrono::Utc>) -> String {
    let age = since.map(|since| ago(since, now)).unwrap_or_default();
    match age.strip_suffix(" ago") {
        Some(age) => age.to_owned(),
        None if age == "now" || age.is_empty() => String::new(),
        None => format!("since {age}"),
    }
}

async fn teams(web: &Web, signed: &Signed) -> Result<Vec<(String, String)>, Error> {
    let choices = crate::pages::integrations::new::teams(web, signed).await?;
    Ok(choices.into_iter().map(|team| (team.value, team.label)).collect())
}

/// Other integrations of the vendor.
async fn siblings(
    web: &Web,
    signed: &Signed,
    vendor: Option<&Vendor>,
    but: Uuid,
) -> Result<Vec<IntegrationRow>, Error> {
    let Some(vendor) = vendor else { return Ok(Vec::new()) };
    let spec = &integrations::ops::INTEGRATIONS;
    let asked = [("vendor".into(), vendor.content.slug.clone()), ("limit".into(), "8".into())];
    let query = Query::parse(spec, &asked, &[])?;
    let rows = lists::ops::list::<IntegrationRow>(&web.app, &signed.actor, spec, &query).await?;
    Ok(rows.rows.into_iter().filter(|row| row.id != but).collect())
}

/// The page of a request.
pub async fn page(web: &Web, signed: &Signed, id: Uuid, pairs: &Pairs) -> Result<RequestPage, Error> {
    let (app, actor) = (&web.app, &signed.actor);
    let view = ops::view_request(app, actor, id).await?;
    let request = &view.request;
    let found = integrations::ops::get_integrations(app, actor, &[request.integration_id]).await?.pop();
    let integration = found.ok_or(Error::NotFound("integration"))?;
    let vendor = catalog::ops::get_vendors(app, actor, &[integration.vendor_id]).await?.pop();
    let siblings = siblings(web, signed, vendor.as_ref(), integration.id).await?;
    let slug = vendor.as_ref().map(|vendor| vendor.content.slug.clone()).unwrap_or_default();
    let assured = Assured::load(web, signed, integration.vendor_id, &slug).await?;
    let now = app.clock.now();
    let may_continue = !request.phase.is_closed() && ops::refuse_stranger(app, actor, request).await.is_ok();
    let today = app.today().await?;
    let may_decide = matches!(request.phase, Phase::Open(_)) && view.why_not.is_none();
    let teams = if may_decide { teams(web, signed).await? } else { Vec::new() };
    let next_one = if actor.may(Permission::Decide) { next_one(web, signed, id).await? } else { None };
    let may_meet = |c: &&Condition| actor.may(Permission::Steward) || actor.is_in_team([c.owner_id]);
    let met_by_me = request.conditions.iter().filter(may_meet).map(|c| c.id).collect();
    let requester = identity::ops::names(app, actor, request.requested_by.person.as_slice()).await?.pop();
    Ok(RequestPage {
        changes: ordered(view.changes.clone()),
        moved: if view.stale { moved(&view.request, &integration.content)? } else { Vec::new() },
        hints: integrations::ops::hints_for(app, actor, Some(integration.id), &request.content, &request.refs).await?,
        decided: decided(web, signed, &view).await?,
        requester: requester.unwrap_or_else(|| "a script".into()),
        waiting: waited(view.next.since, now),
        events: EventView::all(audit::ops::history(app, actor, "change_request", id).await?, now),
        comments: CommentView::all(catalog::ops::comments(app, actor, "change_request", id).await?, now),
        me: actor.person(),
        may_decide,
        findings: Found::all(view.findings.clone(), today),
        teams,
        next_one,
        met_by_me,
        may_continue,
        why_not: view.why_not.clone(),
        today,
        problems: Vec::new(),
        typed: Typed::default(),
        shell: Shell::new(web, signed, "/requests", request.title.clone(), pairs).await?,
        vendor,
        assured,
        siblings,
        earlier: earlier(web, signed, &view.request).await?,
        integration,
        view,
    })
}
