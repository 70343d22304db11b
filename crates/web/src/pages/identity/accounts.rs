//! Service accounts and their tokens.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};

use super::SERVICE_ACCOUNT;
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::{FormView, Posted},
    pages::{
        Shell,
        account::{TokenView, new_token},
        catalog::form_page,
        html, labelled,
        simple::simple_pages,
        unprocessable,
        view::EventView,
    },
};
use base::{audit, error::Error};
use identity::{Permission, ServiceAccount, ServiceAccountContent, TokenOwner, ops};

pub fn router() -> Router<Web> {
    Router::new()
        .route("/service-accounts", get(index).post(create))
        .route("/service-accounts/new", get(new))
        .route("/service-accounts/{key}", get(show).post(update))
        .route("/service-accounts/{key}/edit", get(edit))
        .route("/service-accounts/{key}/tokens", post(mint))
}

#[derive(Template)]
#[template(path = "identity/accounts.html")]
struct AccountsPage {
    shell: Shell,
    accounts: Vec<ServiceAccount>,
}

async fn index(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    signed.actor.require(Permission::ManagePeople)?;
    let accounts = ops::service_accounts(&web.app, &signed.actor).await?;
    html(&AccountsPage {
        shell: Shell::new(&web, &signed, "/service-accounts", "Service accounts", &pairs).await?,
        accounts,
    })
}

async fn decorate(_: &Web, _: &Signed, form: FormView) -> Result<FormView, Error> {
    Ok(form)
}

simple_pages!(
    "/service-accounts",
    "service account",
    SERVICE_ACCOUNT,
    ServiceAccountContent,
    ServiceAccountContent::default(),
    Permission::ManagePeople,
    ops::find_service_account,
    ops::create_service_account,
    ops::update_service_account,
    |account: &ServiceAccount| account.content.slug.clone(),
    |account: &ServiceAccount| account.content.name.clone(),
    decorate
);

#[derive(Template)]
#[template(path = "identity/account.html")]
struct AccountPage {
    shell: Shell,
    account: ServiceAccount,
    scopes: Vec<(&'static str, &'static str)>,
    tokens: Vec<TokenView>,
    minted: Option<String>,
    errors: Vec<String>,
    name: String,
    events: Vec<EventView>,
}

async fn page(web: &Web, signed: &Signed, key: &str, pairs: &Pairs) -> Result<AccountPage, PageError> {
    let (app, actor) = (&web.app, &signed.actor);
    actor.require(Permission::ManagePeople)?;
    let account = ops::find_service_account(app, actor, key).await?;
    let now = app.clock.now();
    let tokens = ops::tokens(app, actor, Some(TokenOwner::ServiceAccount(account.id))).await?;
    Ok(AccountPage {
        shell: Shell::new(web, signed, "/service-accounts", account.content.name.clone(), pairs).await?,
        scopes: account.content.scopes.iter().map(|p| (p.key(), p.label())).collect(),
        tokens: tokens.iter().map(|token| TokenView::new(token, now)).collect(),
        events: EventView::all(audit::ops::history(app, actor, "service_account", account.id).await?, now),
        minted: None,
        errors: Vec::new(),
        name: String::new(),
        account,
    })
}

async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(key): Path<String>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    html(&page(&web, &signed, &key, &pairs).await?)
}

async fn mint(State(web): State<Web>, Path(key): Path<String>, posted: Posted) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &posted.signed.actor);
    let account = ops::find_service_account(app, actor, &key).await?;
    let minted = match new_token(&posted) {
        Ok(new) => ops::mint_token(app, actor, TokenOwner::ServiceAccount(account.id), new).await,
        Err(error) => Err(error),
    };
    let mut page = page(&web, &posted.signed, &key, &Pairs::default()).await?;
    match minted {
        Ok(minted) => page.minted = Some(minted.bearer.reveal().to_owned()),
        Err(error) => {
            page.errors = labelled(error)?;
            page.name = posted.get("name").unwrap_or_default().to_owned();
            return Ok(unprocessable(html(&page)?));
        }
    }
    html(&page)
}
