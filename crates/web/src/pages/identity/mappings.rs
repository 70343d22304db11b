//! What groups of identity providers give: a table, a form, and whom it would touch before it is saved.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use uuid::Uuid;

use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::Posted,
    pages::{Shell, faults, html, unprocessable},
};
use base::{error::Error, lists::Query};
use identity::{
    FixedMapping, GroupKind, GroupMapping, Role, Target,
    ops::{self, NewMapping, Touched},
};

pub fn router() -> Router<Web> {
    Router::new()
        .route("/group-mappings", get(index).post(add))
        .route("/group-mappings/preview", post(preview))
        .route("/group-mappings/{id}/retire", post(retire))
}

#[derive(Template)]
#[template(path = "identity/mappings.html")]
struct MappingsPage {
    shell: Shell,
    mappings: Vec<GroupMapping>,
    fixed: Vec<FixedMapping>,
    /// Keys and names of the providers.
    providers: Vec<(String, String)>,
    /// What a group can give, by kind: value and label.
    gives: Vec<(&'static str, Vec<(String, String)>)>,
    new: NewMapping,
    touched: Option<Touched>,
    problems: Vec<(String, String)>,
}

impl MappingsPage {
    fn fixed_label(&self, one: &FixedMapping) -> String {
        match &one.target {
            Target::Role(role) => format!("Role: {}", role.label()),
            Target::Team(slug) => format!("Team: {slug}"),
            Target::ReviewGroup(slug) => format!("Review group: {slug}"),
        }
    }
    fn fault(&self, pointer: &str) -> Option<&str> {
        self.problems.iter().find(|(at, _)| at == pointer).map(|(_, message)| message.as_str())
    }
}

async fn groups(web: &Web, signed: &Signed, kind: GroupKind, word: &str) -> Result<Vec<(String, String)>, Error> {
    let pairs = [("state".into(), "active".into()), ("limit".into(), "500".into())];
    let query = Query::parse(ops::groups_list_spec(kind), &pairs, &[])?;
    let rows = ops::list_groups(&web.app, &signed.actor, kind, &query).await?.rows;
    Ok(rows.into_iter().map(|row| (format!("{word}:{}", row.slug), row.name)).collect())
}

async fn page(web: &Web, signed: &Signed, pairs: &Pairs) -> Result<MappingsPage, PageError> {
    let (mappings, fixed) = ops::mappings(&web.app, &signed.actor).await?;
    let roles = Role::ALL.iter().map(|role| (format!("role:{}", role.key()), role.label().to_owned()));
    let mut gives = vec![("Role", roles.collect::<Vec<_>>())];
    for (label, kind, word) in
        [("Team", GroupKind::Team, "team"), ("Review group", GroupKind::ReviewGroup, "review_group")]
    {
        gives.push((label, groups(web, signed, kind, word).await?));
    }
    Ok(MappingsPage {
        shell: Shell::new(web, signed, "/group-mappings", "Group mappings", pairs).await?,
        mappings,
        fixed,
        providers: identity::providers(&web.app).all().map(|(one, _)| (one.key.clone(), one.name.clone())).collect(),
        gives,
        new: NewMapping::default(),
        touched: None,
        problems: Vec::new(),
    })
}

fn new(posted: &Posted) -> NewMapping {
    let text = |name: &str| posted.get(name).unwrap_or_default().trim().to_owned();
    NewMapping { provider: text("provider"), group_name: text("group_name"), gives: text("gives") }
}

async fn index(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    html(&page(&web, &signed, &pairs).await?)
}

async fn preview(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let wanted = new(&posted);
    let found = ops::preview_mapping(&web.app, &posted.signed.actor, wanted.clone()).await;
    let mut page = page(&web, &posted.signed, &Pairs::default()).await?;
    page.new = wanted;
    match found {
        Ok(touched) => page.touched = Some(touched),
        Err(error) => {
            page.problems = faults(error)?;
            return Ok(unprocessable(html(&page)?));
        }
    }
    html(&page)
}

async fn add(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let wanted = new(&posted);
    match ops::add_mapping(&web.app, &posted.signed.actor, wanted.clone()).await {
        Ok(_) => Ok(Redirect::to("/group-mappings?note=mapped").into_response()),
        Err(error) => {
            let problems = faults(error)?;
            let mut page = page(&web, &posted.signed, &Pairs::default()).await?;
            (page.new, page.problems) = (wanted, problems);
            Ok(unprocessable(html(&page)?))
        }
    }
}

async fn retire(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    ops::retire_mapping(&web.app, &posted.signed.actor, id).await?;
    Ok(Redirect::to("/group-mappings?note=unmapped").into_response())
}
