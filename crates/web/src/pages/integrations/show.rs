//! An integration's page: what goes where, scopes, credentials, who answers, what happens next.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use chrono::NaiveDate;

use super::cells;
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::Posted,
    pages::{
        Shell,
        approvals::waited,
        faults, html,
        list::Cell,
        policy::{Found, RiskCard},
        unprocessable,
        view::{CommentView, EventView, ago, exact},
    },
};
use base::{audit, error::Error};
use governance::{
    approvals::{self, Request, ops::RequestView},
    policy::{self, ViolationState},
};
use identity::{GroupKind, Permission};
use register::{
    catalog::{self, DataClass},
    integrations::{CredentialUse, DataFlow, Grant, Integration, IntegrationState, ops},
};

/// A team that owns it.
struct Owner {
    label: &'static str,
    slug: String,
    name: String,
}

#[derive(Template)]
#[template(path = "integrations/show.html")]
#[allow(clippy::struct_excessive_bools, reason = "what this person may do, for the template")]
pub struct IntegrationPage {
    shell: Shell,
    integration: Integration,
    /// Why what was asked for on this page was refused.
    problems: Vec<String>,
    pending: Option<RequestView>,
    waiting: String,
    requests: Vec<Request>,
    classes: Vec<DataClass>,
    vendor: (String, String, Option<i16>),
    api_name: String,
    system_name: String,
    version_label: Option<String>,
    owners: Vec<Owner>,
    suspended_by: Option<String>,
    found: Vec<(uuid::Uuid, Found)>,
    pub card: RiskCard,
    of_vendor: bool,
    events: Vec<EventView>,
    comments: Vec<CommentView>,
    today: NaiveDate,
    me: Option<uuid::Uuid>,
    may_propose: bool,
    may_suspend: bool,
    may_note: bool,
    may_comment: bool,
}

impl IntegrationPage {
    fn path(&self) -> String {
        format!("/integrations/{}", self.integration.content.slug)
    }
    fn state_class(&self) -> &'static str {
        cells::state_class(self.integration.state.key())
    }
    fn is(&self, state: &str) -> bool {
        self.integration.state.key() == state
    }
    fn in_use(&self) -> bool {
        matches!(
            self.integration.state,
            IntegrationState::Active | IntegrationState::Suspended | IntegrationState::Deprecated
        )
    }
    fn flows(&self) -> Vec<(&DataFlow, Cell, String)> {
        let line = |flow| {
            let flow: &DataFlow = flow;
            let class = self.classes.iter().find(|class| class.content.key == flow.data_class);
            let sensitivity = class.map(|class| class.content.sensitivity.key());
            let name = class.map_or_else(|| flow.data_class.clone(), |class| class.content.name.clone());
            (flow, cells::sensitivity(sensitivity), name)
        };
        self.integration.content.data_flows.iter().map(line).collect()
    }
    fn justification(&self, grant: &Grant) -> Option<&str> {
        let asked = self.integration.content.scopes.iter().find(|scope| scope.scope == grant.scope);
        asked.and_then(|scope| scope.justification.as_deref())
    }
    fn exact(&self, at: &chrono::DateTime<chrono::Utc>) -> String {
        exact(*at)
    }
    fn day(&self, date: &NaiveDate) -> String {
        cells::months(*date, self.today)
    }
    fn unused(&self, grant: &Grant) -> bool {
        let last = grant.last_used_on.or(grant.granted_on);
        grant.granted_on.is_some() && last.is_some_and(|last| (self.today - last).num_days() > 90)
    }
    fn unused_count(&self) -> usize {
        self.integration.grants.iter().filter(|grant| self.unused(grant)).count()
    }
    fn rotation(&self, credential: &CredentialUse) -> Cell {
        match credential.state.as_str() {
            "active" => cells::rotation(credential.next_rotation_on, self.today),
            "compromised" => Cell::badge("over", "Compromised"),
            "rotating" => Cell::badge("review", "Rotating"),
            other => Cell::badge("draft", base::words::label(other)),
        }
    }
    fn age(&self, credential: &CredentialUse) -> String {
        let days = credential.since.map(|since| (self.today - since).num_days());
        let span = credential.since.zip(credential.next_rotation_on).map(|(since, next)| (next - since).num_days());
        match (days, span) {
            (Some(days), Some(span)) => format!("{days} of {span} days"),
            (Some(days), None) => format!("{days} days"),
            _ => "–".into(),
        }
    }
    /// How much of its age is used up, out of 100.
    fn used_up(&self, credential: &CredentialUse) -> Option<i64> {
        let (since, next) = credential.since.zip(credential.next_rotation_on)?;
        let span = (next - since).num_days().max(1);
        Some(((self.today - since).num_days() * 100 / span).clamp(0, 100))
    }
    fn review_class(&self) -> (&'static str, &'static str) {
        cells::review(self.pending.as_ref().map_or("draft", |pending| pending.request.phase.key()))
    }
    fn request_class(&self, request: &Request) -> &'static str {
        cells::request_class(request.phase.key())
    }
    fn label(&self, key: &str) -> String {
        base::words::label(key)
    }
    fn since(&self, request: &Request) -> String {
        ago(request.updated_at, self.shell_now())
    }
    fn shell_now(&self) -> chrono::DateTime<chrono::Utc> {
        self.shell.now
    }
}

async fn owners(web: &Web, signed: &Signed, integration: &Integration) -> Result<Vec<Owner>, base::error::Error> {
    let c = &integration.content;
    let mut found = Vec::new();
    for (label, slug) in [("Owner", &c.business_owner), ("Technical", &c.technical_owner), ("Backup", &c.backup_owner)]
    {
        if let Some(slug) = slug {
            let team = identity::ops::find_group(&web.app, &signed.actor, GroupKind::Team, slug).await?;
            found.push(Owner { label, slug: slug.clone(), name: team.content.name });
        }
    }
    Ok(found)
}

/// Its open violations.
async fn found(web: &Web, signed: &Signed, id: uuid::Uuid) -> Result<Vec<(uuid::Uuid, Found)>, Error> {
    let today = web.app.today().await?;
    let all = policy::ops::violations_of(&web.app, &signed.actor, id).await?;
    let open: Vec<_> = all.into_iter().filter(|violation| violation.state == ViolationState::Open).collect();
    let ids: Vec<uuid::Uuid> = open.iter().map(|violation| violation.id).collect();
    let findings = open.into_iter().map(|violation| violation.finding).collect();
    Ok(ids.into_iter().zip(Found::all(findings, today)).collect())
}

pub async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(key): Path<String>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    let integration = ops::find_integration(&web.app, &signed.actor, &key).await?;
    if key != integration.content.slug {
        return Ok(Redirect::permanent(&format!("/integrations/{}", integration.content.slug)).into_response());
    }
    html(&page(&web, &signed, integration, &pairs).await?)
}

/// The page of an integration.
pub async fn page(
    web: &Web,
    signed: &Signed,
    integration: Integration,
    pairs: &Pairs,
) -> Result<IntegrationPage, Error> {
    let (app, actor) = (&web.app, &signed.actor);
    let now = app.clock.now();
    let pending = match approvals::ops::request_of(app, actor, integration.id).await? {
        Some(request) => Some(approvals::ops::view_request(app, actor, request.id).await?),
        None => None,
    };
    let classes: Vec<String> = integration.content.data_flows.iter().map(|flow| flow.data_class.clone()).collect();
    let vendor = catalog::ops::get_vendors(app, actor, &[integration.vendor_id]).await?.pop();
    let api = catalog::ops::get_apis(app, actor, &[integration.api_id]).await?.pop();
    let system = catalog::ops::get_systems(app, actor, &[integration.system_id]).await?.pop();
    let versions = catalog::ops::versions(app, actor, integration.api_id).await?;
    let version = integration.content.version.as_deref();
    let stopped_by = integration.suspension.as_ref().and_then(|suspension| suspension.by);
    let owners = owners(web, signed, &integration).await?;
    let teams: Vec<uuid::Uuid> = system.iter().filter_map(|system| system.team_id).collect();
    let (proposes, reviews) = (actor.may(Permission::Propose), actor.may(Permission::Decide));
    Ok(IntegrationPage {
        problems: Vec::new(),
        card: RiskCard::of_integration(web, signed, &integration.content.slug).await?,
        of_vendor: false,
        waiting: waited(pending.as_ref().and_then(|view| view.next.since), now),
        requests: approvals::ops::requests_of(app, actor, integration.id).await?,
        classes: catalog::ops::data_classes_by_key(app, actor, &classes).await?,
        vendor: vendor
            .map(|vendor| (vendor.content.slug, vendor.content.name, vendor.content.tier))
            .unwrap_or_default(),
        api_name: api.map(|api| api.content.name).unwrap_or_default(),
        system_name: system.map(|system| system.content.name).unwrap_or_default(),
        version_label: versions.into_iter().find(|row| Some(row.slug.as_str()) == version).map(|row| row.label),
        suspended_by: identity::ops::names(app, actor, stopped_by.as_slice()).await?.pop(),
        found: found(web, signed, integration.id).await?,
        events: EventView::all(audit::ops::history(app, actor, "integration", integration.id).await?, now),
        comments: CommentView::all(catalog::ops::comments(app, actor, "integration", integration.id).await?, now),
        today: app.today().await?,
        me: actor.person(),
        may_propose: proposes && pending.is_none(),
        may_suspend: actor.may(Permission::Suspend) || (proposes && actor.is_in_team(teams)),
        may_note: proposes,
        may_comment: proposes || reviews || actor.may(Permission::EditCatalog),
        shell: Shell::new(web, signed, "/integrations", integration.content.name.clone(), pairs).await?,
        owners,
        pending,
        integration,
    })
}

pub async fn suspend(State(web): State<Web>, Path(key): Path<String>, posted: Posted) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    let found = ops::find_integration(&web.app, actor, &key).await?;
    let reason = posted.get("reason").unwrap_or_default();
    match ops::suspend(&web.app, actor, found.id, posted.revision()?, reason).await {
        Ok(done) => Ok(Redirect::to(&format!("/integrations/{}?note=suspended", done.content.slug)).into_response()),
        Err(error) => again(&web, &posted.signed, found, error).await,
    }
}

/// The page again, with why what was asked for was refused.
async fn again(web: &Web, signed: &Signed, found: Integration, error: Error) -> Result<Response, PageError> {
    let problems = faults(error)?.into_iter().map(|(_, message)| message).collect();
    let page = page(web, signed, found, &Pairs::default()).await?;
    Ok(unprocessable(html(&IntegrationPage { problems, ..page })?))
}

pub async fn propose(State(web): State<Web>, Path(key): Path<String>, posted: Posted) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    actor.require(Permission::Propose)?;
    let kind = posted.get("kind").unwrap_or_default().parse()?;
    let reason = posted.get("reason").map(str::to_owned);
    let request = match approvals::ops::propose(&web.app, actor, &key, kind, None, reason).await {
        Ok(request) => request,
        Err(error) => {
            let found = ops::find_integration(&web.app, actor, &key).await?;
            return again(&web, &posted.signed, found, error).await;
        }
    };
    let to = if kind.keeps_content() { "" } else { "/edit" };
    Ok(Redirect::to(&format!("/requests/{}{to}", request.id)).into_response())
}
