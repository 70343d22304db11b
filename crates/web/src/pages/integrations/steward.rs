//! Owners, tags and review dates of many integrations at once.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Value, json};

use super::{new::teams, specs};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::{FormView, Posted, Typed},
    pages::catalog::form_page,
};
use base::{error::Error, json::content};
use governance::approvals::ops::{Stewardship, steward};
use identity::Permission;

fn start() -> Value {
    json!({ "business_owner": null, "technical_owner": null, "backup_owner": null, "next_review_on": null, "add_tags": [], "remove_tags": [] })
}

async fn form(web: &Web, signed: &Signed, values: Value, chosen: &[String]) -> Result<FormView, Error> {
    let mut form = FormView::new(&specs::STEWARD, values, "/integrations/bulk", "/integrations")
        .submit("Change all of them")
        .intro("All of them change, or none; each leaves its own record.");
    form.hidden = chosen.iter().map(|key| ("integrations".to_owned(), key.clone())).collect();
    let teams = teams(web, signed).await?;
    Ok(form.offer("business_owner", teams.clone()).offer("technical_owner", teams.clone()).offer("backup_owner", teams))
}

fn title(chosen: &[String]) -> String {
    match chosen.len() {
        1 => "Edit 1 integration".into(),
        n => format!("Edit {n} integrations"),
    }
}

pub async fn choose(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    if !signed.actor.may(Permission::Steward) {
        signed.actor.require(Permission::Propose)?;
    }
    let typed = Typed(pairs.0.clone());
    let chosen = typed.all("integrations");
    if chosen.is_empty() {
        return Ok(Redirect::to("/integrations?note=choose").into_response());
    }
    let values = Value::Object(typed.over(&specs::STEWARD, start()));
    let form = form(&web, &signed, values, &chosen).await?;
    form_page(&web, &signed, "/integrations", &title(&chosen), form).await
}

pub async fn apply(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let chosen = posted.all("integrations");
    let mut fields = posted.over(&specs::STEWARD, start());
    let typed = Value::Object(fields.clone());
    fields.insert("integrations".into(), json!(chosen));
    let done = match content::<Stewardship>(fields) {
        Ok(edit) => steward(&web.app, &posted.signed.actor, edit).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(_) => Ok(Redirect::to("/integrations?note=saved").into_response()),
        Err(error) => {
            let form = form(&web, &posted.signed, typed, &chosen).await?.refused(error)?;
            form_page(&web, &posted.signed, "/integrations", &title(&chosen), form).await
        }
    }
}
