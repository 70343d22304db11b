//! A credential's page: when it has to change, and what was done about it.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use chrono::NaiveDate;

use super::class;
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::Posted,
    pages::{
        Shell, faults, html,
        integrations::cells,
        list::Cell,
        unprocessable,
        view::{CommentView, EventView},
    },
};
use base::{audit, error::Error};
use identity::Permission;
use register::{
    catalog::ops as catalog,
    integrations::{Credential, CredentialState, Integration, Rotation, ops},
};

#[derive(Template)]
#[template(path = "credentials/show.html")]
struct CredentialPage {
    shell: Shell,
    credential: Credential,
    uses: Vec<Integration>,
    events: Vec<EventView>,
    comments: Vec<CommentView>,
    today: NaiveDate,
    me: Option<uuid::Uuid>,
    may_edit: bool,
    may_rotate: bool,
    errors: Vec<(String, String)>,
    typed: String,
}

impl CredentialPage {
    fn path(&self) -> String {
        format!("/credentials/{}", self.credential.content.slug)
    }
    fn standing(&self) -> &'static str {
        self.credential.standing(self.today)
    }
    fn class(&self) -> &'static str {
        class(self.standing())
    }
    fn label(&self, key: &str) -> String {
        base::words::label(key)
    }
    fn next(&self) -> Cell {
        cells::rotation(self.credential.next_rotation_on, self.today)
    }
    fn day(&self, date: &NaiveDate) -> String {
        cells::months(*date, self.today)
    }
    fn age(&self) -> Option<i64> {
        self.credential.since().map(|since| (self.today - since).num_days())
    }
    fn lives(&self) -> bool {
        self.credential.state != CredentialState::Revoked
    }
    fn is_active(&self) -> bool {
        self.credential.state == CredentialState::Active
    }
}

async fn page(web: &Web, signed: &Signed, key: &str, pairs: &Pairs) -> Result<CredentialPage, Error> {
    let (app, actor) = (&web.app, &signed.actor);
    let credential = ops::find_credential(app, actor, key).await?;
    let now = app.clock.now();
    Ok(CredentialPage {
        uses: ops::get_integrations(app, actor, &credential.integration_ids).await?,
        events: EventView::all(audit::ops::history(app, actor, "credential", credential.id).await?, now),
        comments: CommentView::all(catalog::comments(app, actor, "credential", credential.id).await?, now),
        today: app.today().await?,
        me: actor.person(),
        may_edit: actor.may(Permission::Propose),
        may_rotate: actor.may(Permission::Rotate),
        errors: Vec::new(),
        typed: String::new(),
        shell: Shell::new(web, signed, "/credentials", credential.content.name.clone(), pairs).await?,
        credential,
    })
}

pub async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(key): Path<String>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    let page = page(&web, &signed, &key, &pairs).await?;
    if key != page.credential.content.slug {
        return Ok(Redirect::permanent(&page.path()).into_response());
    }
    html(&page)
}

/// Goes back with a note, or shows the page again with what is wrong.
async fn answered(
    web: &Web,
    posted: &Posted,
    key: &str,
    done: Result<Credential, Error>,
    note: &str,
) -> Result<Response, PageError> {
    match done {
        Ok(after) => Ok(Redirect::to(&format!("/credentials/{}?note={note}", after.content.slug)).into_response()),
        Err(error) => {
            let errors = faults(error)?;
            let mut page = page(web, &posted.signed, key, &Pairs::default()).await?;
            page.typed = posted.get("fingerprint").unwrap_or_default().to_owned();
            // What looks like a secret is not sent back either.
            if base::secret::looks_secret(&page.typed, base::secret::Place::Reference) {
                page.typed.clear();
            }
            page.errors = errors;
            Ok(unprocessable(html(&page)?))
        }
    }
}

fn date(posted: &Posted, name: &str) -> Result<Option<NaiveDate>, Error> {
    let text = posted.get(name).unwrap_or_default().trim();
    if text.is_empty() {
        return Ok(None);
    }
    let fault = |_| Error::field(&format!("/{name}"), "Give a date, such as 2027-01-31.");
    text.parse().map(Some).map_err(fault)
}

pub async fn rotate(State(web): State<Web>, Path(key): Path<String>, posted: Posted) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    let found = ops::find_credential(&web.app, actor, &key).await?;
    let revision = posted.revision()?;
    let rotation = date(&posted, "rotated_on").and_then(|rotated_on| {
        let fingerprint = posted.get("fingerprint").unwrap_or_default().to_owned();
        Ok(Rotation { fingerprint, rotated_on, expires_on: date(&posted, "expires_on")? })
    });
    let done = match rotation {
        Ok(rotation) => ops::record_rotation(&web.app, actor, found.id, revision, rotation).await,
        Err(error) => Err(error),
    };
    answered(&web, &posted, &key, done, "rotated").await
}

pub async fn begin(State(web): State<Web>, Path(key): Path<String>, posted: Posted) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    let found = ops::find_credential(&web.app, actor, &key).await?;
    let done = ops::begin_rotation(&web.app, actor, found.id, posted.revision()?).await;
    answered(&web, &posted, &key, done, "begun").await
}

pub async fn compromise(
    State(web): State<Web>,
    Path(key): Path<String>,
    posted: Posted,
) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    let found = ops::find_credential(&web.app, actor, &key).await?;
    let reason = posted.get("reason").unwrap_or_default();
    let done = ops::mark_compromised(&web.app, actor, found.id, posted.revision()?, reason).await;
    answered(&web, &posted, &key, done, "compromised").await
}

pub async fn revoke(State(web): State<Web>, Path(key): Path<String>, posted: Posted) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    let found = ops::find_credential(&web.app, actor, &key).await?;
    let reason = posted.get("reason").unwrap_or_default();
    let done = ops::revoke_credential(&web.app, actor, found.id, posted.revision()?, reason).await;
    answered(&web, &posted, &key, done, "revoked").await
}
