//! Asking for an exception, and deciding on it.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use chrono::NaiveDate;
use uuid::Uuid;

use super::standing_class;
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::Posted,
    pages::{
        Shell, faults, faults_at, html, unprocessable,
        view::{EventView, day},
    },
};
use base::{audit, error::Error};
use governance::policy::{Exception, ExceptionContent, Grant, RuleContent, ops};
use identity::Permission;
use register::{
    integrations,
    publications::{self, Publishable},
};

#[derive(Template)]
#[template(path = "policy/exception_form.html")]
struct AskPage {
    shell: Shell,
    content: ExceptionContent,
    rule_title: String,
    integration_name: String,
    today: NaiveDate,
    errors: Vec<(String, String)>,
}

impl AskPage {
    fn faults(&self, name: &str) -> Vec<&str> {
        faults_at(&self.errors, name)
    }
    fn others(&self) -> Vec<&str> {
        let shown = ["reason", "compensating_control", "ends_on"];
        let of = |pointer: &str| !shown.contains(&pointer.trim_start_matches('/'));
        self.errors.iter().filter(|(pointer, _)| of(pointer)).map(|(_, message)| message.as_str()).collect()
    }
    fn ends_on(&self) -> String {
        self.content.ends_on.map(|day| day.to_string()).unwrap_or_default()
    }
}

async fn ask_page(web: &Web, signed: &Signed, content: ExceptionContent) -> Result<AskPage, Error> {
    let (app, actor) = (&web.app, &signed.actor);
    actor.require(Permission::Propose)?;
    let rule = publications::ops::find::<RuleContent>(app, actor, &content.rule).await?;
    let integration = integrations::ops::find_integration(app, actor, &content.integration).await?;
    Ok(AskPage {
        shell: Shell::new(web, signed, "/exceptions", "Ask for an exception", &Pairs::default()).await?,
        rule_title: rule.shown()?.title().to_owned(),
        integration_name: integration.content.name,
        today: app.today().await?,
        content,
        errors: Vec::new(),
    })
}

pub async fn new(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let text = |name: &str| pairs.get(name).unwrap_or_default().to_owned();
    let content =
        ExceptionContent { rule: text("rule"), integration: text("integration"), ..ExceptionContent::default() };
    html(&ask_page(&web, &signed, content).await?)
}

pub async fn ask(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let text = |name: &str| posted.get(name).unwrap_or_default().replace("\r\n", "\n");
    let content = ExceptionContent {
        rule: text("rule"),
        integration: text("integration"),
        reason: text("reason"),
        compensating_control: text("compensating_control"),
        ends_on: text("ends_on").parse().ok(),
    };
    let errors = match ops::request_exception(&web.app, &posted.signed.actor, content.clone()).await {
        Ok(made) => return Ok(Redirect::to(&format!("/exceptions/{}?note=asked", made.id)).into_response()),
        Err(error) => faults(error)?,
    };
    let mut page = ask_page(&web, &posted.signed, content).await?;
    page.errors = errors;
    Ok(unprocessable(html(&page)?))
}

#[derive(Template)]
#[template(path = "policy/exception.html")]
struct ExceptionPage {
    shell: Shell,
    exception: Exception,
    rule_title: String,
    integration_name: String,
    requester: String,
    decider: Option<String>,
    events: Vec<EventView>,
    today: NaiveDate,
    may_decide: bool,
    may_revoke: bool,
    problem: Option<String>,
    typed: String,
}

impl ExceptionPage {
    fn standing(&self) -> &'static str {
        self.exception.standing(self.today)
    }
    fn class(&self) -> &'static str {
        standing_class(self.standing())
    }
    fn label(&self, key: &str) -> String {
        base::words::label(key)
    }
    fn day(&self, date: &NaiveDate) -> String {
        day(*date, self.today)
    }
}

async fn page(web: &Web, signed: &Signed, id: Uuid, pairs: &Pairs) -> Result<ExceptionPage, Error> {
    let (app, actor) = (&web.app, &signed.actor);
    let exception = ops::find_exception(app, actor, id).await?;
    let rule = publications::ops::find::<RuleContent>(app, actor, &exception.rule).await?;
    let integration = integrations::ops::find_integration(app, actor, &exception.integration).await?;
    let requester = identity::ops::names(app, actor, exception.requested_by.as_slice()).await?.pop();
    let decider = identity::ops::names(app, actor, exception.decided_by.as_slice()).await?.pop();
    let now = app.clock.now();
    let lead = actor.may(Permission::Govern) && actor.person().is_some();
    Ok(ExceptionPage {
        shell: Shell::new(web, signed, "/exceptions", format!("Exception: {}", rule.shown()?.title()), pairs).await?,
        rule_title: rule.shown()?.title().to_owned(),
        integration_name: integration.content.name,
        requester: requester.unwrap_or_else(|| "a script".into()),
        decider,
        events: EventView::all(audit::ops::history(app, actor, "exception", id).await?, now),
        today: app.today().await?,
        may_decide: lead
            && exception.state.key() == "requested"
            && actor.person().is_some_and(|me| exception.refuse_own(me).is_ok()),
        may_revoke: lead && exception.state.key() == "granted",
        exception,
        problem: None,
        typed: String::new(),
    })
}

pub async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<Uuid>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    html(&page(&web, &signed, id, &pairs).await?)
}

async fn answered(
    web: &Web,
    posted: &Posted,
    id: Uuid,
    done: Result<Exception, Error>,
    note: &str,
) -> Result<Response, PageError> {
    match done {
        Ok(_) => Ok(Redirect::to(&format!("/exceptions/{id}?note={note}")).into_response()),
        Err(error) => {
            let told: Vec<String> = faults(error)?.into_iter().map(|(_, message)| message).collect();
            let mut page = page(web, &posted.signed, id, &Pairs::default()).await?;
            page.problem = Some(told.join(" "));
            page.typed = posted.get("reason").unwrap_or_default().to_owned();
            Ok(unprocessable(html(&page)?))
        }
    }
}

pub async fn decide(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let (grant, note) =
        if posted.get("verdict") == Some("grant") { (Grant::Yes, "granted") } else { (Grant::No, "denied") };
    let reason = posted.get("reason").unwrap_or_default();
    let done = ops::decide_exception(&web.app, &posted.signed.actor, id, posted.revision()?, grant, reason).await;
    answered(&web, &posted, id, done, note).await
}

pub async fn revoke(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let reason = posted.get("reason").unwrap_or_default();
    let done = ops::revoke_exception(&web.app, &posted.signed.actor, id, posted.revision()?, reason).await;
    answered(&web, &posted, id, done, "exception_revoked").await
}
