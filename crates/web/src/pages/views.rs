//! Saving and removing views of lists.

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use uuid::Uuid;

use crate::{Web, error::PageError, forms::Posted};
use base::words::State as Use;
use governance::approvals::{ViewAudience, ViewContent, ops};

pub fn router() -> Router<Web> {
    Router::new().route("/views", post(save)).route("/views/{id}/retire", post(retire))
}

/// Lists on which views are shown.
const PATHS: [&str; 5] = ["/integrations", "/credentials", "/data-flows", "/scopes", "/requests"];

fn back(posted: &Posted) -> &'static str {
    PATHS.into_iter().find(|path| Some(*path) == posted.get("back")).unwrap_or("/")
}

async fn save(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let text = |name: &str| posted.get(name).unwrap_or_default().to_owned();
    let audience = text("audience");
    let (audience, team) = match audience.split_once(':') {
        Some(("team", team)) => (ViewAudience::Team, Some(team.to_owned())),
        _ if audience == "everyone" => (ViewAudience::Everyone, None),
        _ => (ViewAudience::Own, None),
    };
    let content = ViewContent {
        list: text("list"),
        name: text("name"),
        query: text("query"),
        audience,
        team,
        state: Use::Active,
    };
    let view = ops::save_view(&web.app, &posted.signed.actor, content).await?;
    let note = if view.content.query.is_empty() { "?note=view" } else { "&note=view" };
    let question = if view.content.query.is_empty() { String::new() } else { format!("?{}", view.content.query) };
    Ok(Redirect::to(&format!("{}{question}{note}", back(&posted))).into_response())
}

async fn retire(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    ops::retire_view(&web.app, &posted.signed.actor, id).await?;
    Ok(Redirect::to(&format!("{}?note=removed", back(&posted))).into_response())
}
