//! Registering: three names, then everything that can be known is filled in.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Value, json};

use super::specs;
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::{Choice, FormView, Posted, Typed},
    pages::{catalog::form_page, drafts::unsaved, html},
};
use base::{
    drafts,
    error::Error,
    json,
    lists::{self, Query, Spec},
};
use governance::approvals;
use identity::{GroupKind, Permission};
use register::{
    catalog::ops::{self as catalog, ApiRow, SystemRow},
    integrations::{IntegrationContent, ops::Start},
};

const HERE: &str = "/integrations/new";

fn form(values: Value) -> FormView {
    let mut form = FormView::new(&specs::START, values, "/integrations", "/integrations")
        .submit("Go on")
        .intro("Three answers now; the API's version fills in endpoints, scopes and more on the next page.");
    form.draft = Some(HERE.into());
    form.suggest = Some("/integrations/new/suggestions");
    form
}

fn start() -> Value {
    json!({ "system": "", "api": "", "name": "", "purpose": null })
}

pub async fn new(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    signed.actor.require(Permission::Propose)?;
    let mut values = Value::Object(Typed(pairs.0.clone()).over(&specs::START, start()));
    let mut restored = None;
    if pairs.0.is_empty()
        && let Some((typed, age)) = unsaved(&web, &signed, HERE, None).await?
    {
        values = Value::Object(typed.over(&specs::START, values));
        restored = Some(age);
    }
    let mut form = decorate(&web, &signed, form(values)).await?;
    form.restored = restored;
    form_page(&web, &signed, "/integrations", "Register an integration", form).await
}

pub async fn create(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &posted.signed.actor);
    actor.require(Permission::Propose)?;
    let fields = posted.over(&specs::START, start());
    let typed = Value::Object(fields.clone());
    let made = match json::content::<IntegrationContent>(fields) {
        Ok(content) => approvals::ops::register(app, actor, content, Start::FromVersion).await,
        Err(error) => Err(error),
    };
    match made {
        Ok((_, request)) => {
            drafts::forget(app, actor, HERE).await?;
            Ok(Redirect::to(&format!("/requests/{}/edit?note=registered", request.id)).into_response())
        }
        Err(error) => {
            let form = decorate(&web, &posted.signed, form(typed).refused(error)?).await?;
            form_page(&web, &posted.signed, "/integrations", "Register an integration", form).await
        }
    }
}

async fn choices<R>(
    web: &Web,
    signed: &Signed,
    spec: &'static Spec,
    q: &str,
    choice: impl Fn(R) -> Choice,
) -> Result<Vec<Choice>, Error>
where
    R: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
{
    let pairs = [("q".to_owned(), q.to_owned()), ("state".into(), "active".into()), ("limit".into(), "40".into())];
    let query = Query::parse(spec, &pairs, &[])?;
    let rows = lists::ops::list::<R>(&web.app, &signed.actor, spec, &query).await?.rows;
    Ok(rows.into_iter().map(choice).collect())
}

async fn apis(web: &Web, signed: &Signed, q: &str) -> Result<Vec<Choice>, Error> {
    choices(web, signed, &catalog::APIS, q, |row: ApiRow| Choice {
        label: format!("{} · {}", row.name, row.vendor_name),
        value: row.slug,
    })
    .await
}

async fn systems(web: &Web, signed: &Signed, q: &str) -> Result<Vec<Choice>, Error> {
    choices(web, signed, &catalog::SYSTEMS, q, |row: SystemRow| Choice { label: row.name, value: row.slug }).await
}

/// Teams to choose from.
pub async fn teams(web: &Web, signed: &Signed) -> Result<Vec<Choice>, Error> {
    let spec = identity::ops::groups_list_spec(GroupKind::Team);
    let query = Query::parse(spec, &[("state".into(), "active".into()), ("limit".into(), "500".into())], &[])?;
    let teams = identity::ops::list_groups(&web.app, &signed.actor, GroupKind::Team, &query).await?.rows;
    Ok(teams.into_iter().map(|team| Choice { value: team.slug, label: team.name }).collect())
}

/// Systems and APIs on offer; typing brings more.
pub async fn decorate(web: &Web, signed: &Signed, form: FormView) -> Result<FormView, Error> {
    let (systems, apis) = (systems(web, signed, "").await?, apis(web, signed, "").await?);
    Ok(form.offer("system", systems).offer("api", apis))
}

#[derive(Template)]
#[template(path = "integrations/suggestions.html")]
struct Suggestions {
    choices: Vec<Choice>,
}

/// What fits to the letters typed so far, as options.
pub async fn suggestions(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let q = base::text::clip(pairs.get("q").unwrap_or_default(), 200);
    let choices = match pairs.get("field") {
        Some("api") => apis(&web, &signed, q).await?,
        Some("system") => systems(&web, &signed, q).await?,
        _ => Vec::new(),
    };
    html(&Suggestions { choices })
}
