//! What a reviewer does with answers: remarks, handing back, concluding, closing findings.

use std::collections::BTreeMap;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use uuid::Uuid;

use super::show::{answered, page, with_link};
use crate::{
    Web,
    error::PageError,
    extract::Pairs,
    forms::Posted,
    pages::{faults, html, unprocessable},
};
use base::error::Error;
use governance::assessments::{Closing, ConclusionVerdict, FlagState, Remark, ops};
use identity::Permission;

/// Saves remarks; by the button pressed also returns it, or says that it was reviewed.
pub async fn remarks(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &posted.signed.actor);
    let mut remarks: BTreeMap<String, (Option<Remark>, Option<String>)> = BTreeMap::new();
    for (name, value) in &posted.0 {
        if let Some(key) = name.strip_prefix("remark.") {
            remarks.entry(key.to_owned()).or_default().0 = value.parse().ok();
        } else if let Some(key) = name.strip_prefix("comment.") {
            remarks.entry(key.to_owned()).or_default().1 = Some(value.replace("\r\n", "\n"));
        }
    }
    let saved = ops::remark(app, actor, id, posted.revision()?, remarks).await;
    let revision = match &saved {
        Ok(saved) => saved.revision,
        Err(_) => return answered(&web, &posted, id, saved, "remarked").await,
    };
    match posted.get("then") {
        Some("return") => {
            let done = ops::hand_back(app, actor, id, revision).await;
            with_link(&web, &posted, id, done, "assessment_returned").await
        }
        Some("review") => {
            let done = ops::review(app, actor, id, revision).await;
            answered(&web, &posted, id, done, "reviewed").await
        }
        _ => answered(&web, &posted, id, saved, "remarked").await,
    }
}

pub async fn conclude(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    if !ops::may_assess(&posted.signed.actor) {
        posted.signed.actor.require(Permission::Govern)?;
    }
    let text = |name: &str| posted.get(name).unwrap_or_default();
    let verdict: Result<ConclusionVerdict, Error> = text("verdict").parse();
    let done = match verdict {
        Ok(verdict) => {
            let conclusion = (verdict, text("reason"), text("valid_until").parse().ok());
            ops::conclude(&web.app, &posted.signed.actor, id, posted.revision()?, conclusion).await
        }
        Err(_) => Err(Error::field("/verdict", "Choose a conclusion.")),
    };
    answered(&web, &posted, id, done, "concluded").await
}

pub async fn close(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &posted.signed.actor);
    let found = ops::find_finding(app, actor, id).await?;
    let closing = Closing {
        state: if posted.get("state") == Some("accepted") { FlagState::Accepted } else { FlagState::Mended },
        note: posted.get("note").unwrap_or_default().to_owned(),
        compensating_control: posted.get("compensating_control").map(str::to_owned),
    };
    match ops::close_finding(app, actor, id, posted.revision()?, closing).await {
        Ok(_) => {
            let to = format!("/assessments/{}?note=finding_closed#findings", found.assessment_id);
            Ok(Redirect::to(&to).into_response())
        }
        Err(error) => {
            let problems = faults(error)?;
            let mut page = page(&web, &posted.signed, found.assessment_id, &Pairs::default()).await?;
            page.problems = problems;
            page.typed = posted.get("note").unwrap_or_default().to_owned();
            Ok(unprocessable(html(&page)?))
        }
    }
}
