//! One's own account: sessions and tokens.

mod own;

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use uuid::Uuid;

use super::{
    Shell, faults, html, labelled, unprocessable,
    view::{ago, day_alone as day},
};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::Posted,
};
use base::{error::Error, lists::Query};
use governance::approvals::ops as approvals;
use identity::{Language, NewToken, Notices, Permission, Preferences, RoleEnd, Theme, Token, TokenOwner, ops};
use own::Ways;
use register::settings;

pub fn router() -> Router<Web> {
    Router::new()
        .route("/account", get(show))
        .route("/account/profile", post(set_profile))
        .route("/account/tokens", post(mint))
        .route("/tokens/{id}/revoke", post(revoke))
        .route("/account/sessions/{id}/end", post(end_session))
        .route("/account/sessions/end-others", post(end_others))
        .merge(own::router())
        .route("/account/delegations", post(delegate))
        .route("/account/delegations/{id}/retire", post(take_back))
}

/// A session as its owner sees it.
struct SessionView {
    id: Uuid,
    device: String,
    address: String,
    by: String,
    seen: String,
    current: bool,
}

/// A browser and its system, as people call them, from what it says of itself.
fn device(agent: &str) -> String {
    let named =
        |names: &[(&str, &'static str)]| names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    let browser = named(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = named(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "Unknown device".into(),
    }
}

/// A token as its owner sees it.
pub struct TokenView {
    pub id: Uuid,
    pub name: String,
    pub scopes: Vec<&'static str>,
    pub state: &'static str,
    pub class: &'static str,
    pub expires: String,
    pub used: String,
    pub holds: bool,
}

impl TokenView {
    /// A token looked at now.
    pub fn new(token: &Token, now: chrono::DateTime<chrono::Utc>) -> Self {
        let holds = token.holds(now);
        let state = match (holds, token.revoked_at) {
            (true, _) => "Active",
            (false, Some(_)) => "Revoked",
            (false, None) => "Expired",
        };
        Self {
            id: token.id,
            name: token.name.clone(),
            scopes: token.scopes.iter().map(|scope| scope.key()).collect(),
            state,
            class: if holds { "active" } else { "over" },
            expires: ago(token.expires_at, now),
            used: token.last_used_at.map_or_else(|| "never".into(), |at| ago(at, now)),
            holds,
        }
    }
}

#[derive(Template)]
#[template(path = "account/show.html")]
struct AccountPage {
    shell: Shell,
    email: String,
    scopes: Vec<(&'static str, &'static str)>,
    sessions: Vec<SessionView>,
    tokens: Vec<TokenView>,
    minted: Option<String>,
    errors: Vec<String>,
    name: String,
    delegations: Vec<DelegationView>,
    /// Who can decide for somebody: id and name.
    reviewers: Vec<(Uuid, String)>,
    may_delegate: bool,
    today: chrono::NaiveDate,
    refused: Vec<String>,
    ways: Ways,
    way_problems: Vec<String>,
    profile: Profile,
}

/// How pages look and write moments, with what there is to choose from.
struct Profile {
    chosen: Preferences,
    languages: Vec<(&'static str, &'static str)>,
    themes: Vec<(&'static str, &'static str)>,
    notices: Vec<(&'static str, &'static str)>,
    zones: Vec<&'static str>,
    organisation_zone: String,
    /// Roles that end, in words.
    ends: Vec<String>,
    problems: Vec<String>,
}

impl Profile {
    async fn of(web: &Web, signed: &Signed) -> Result<Self, Error> {
        let (app, actor) = (&web.app, &signed.actor);
        let me = ops::get_person(app, actor, actor.person().ok_or(Error::Unauthenticated)?).await?;
        let end = |end: &RoleEnd| format!("{} until {}", end.role.label(), day(end.until_on));
        Ok(Self {
            chosen: ops::preferences(app, actor).await?,
            languages: Language::ALL.iter().map(|(one, label)| (one.key(), *label)).collect(),
            themes: Theme::ALL.iter().map(|(one, label)| (one.key(), *label)).collect(),
            notices: Notices::ALL.iter().map(|(one, label)| (one.key(), *label)).collect(),
            zones: chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect(),
            organisation_zone: settings::ops::time_zone(app).await?.name().to_owned(),
            ends: me.content.role_ends.iter().map(end).collect(),
            problems: Vec::new(),
        })
    }
}

/// A delegation as one of both sees it.
struct DelegationView {
    id: Uuid,
    text: String,
    reason: String,
    mine: bool,
}

async fn page(web: &Web, signed: &Signed, pairs: &Pairs) -> Result<AccountPage, PageError> {
    let (actor, now) = (&signed.actor, web.app.clock.now());
    let me = actor.person().ok_or(Error::Unauthenticated)?;
    let sessions = ops::sessions(&web.app, actor).await?.into_iter().map(|row| SessionView {
        current: row.id == signed.session.id,
        id: row.id,
        device: device(row.user_agent.as_deref().unwrap_or_default()),
        address: row.address.unwrap_or_default(),
        by: match (&row.provider, row.method.as_str()) {
            (Some(key), _) => {
                identity::providers(&web.app).get(key).map_or_else(|| key.clone(), |one| one.name.clone())
            }
            (None, method) => base::words::label(method),
        },
        seen: ago(row.last_seen_at, now),
    });
    let tokens = ops::tokens(&web.app, actor, Some(TokenOwner::Person(me))).await?;
    Ok(AccountPage {
        shell: Shell::new(web, signed, "/account", "Your account", pairs).await?,
        email: actor.authority.email.clone(),
        scopes: actor.authority.permissions.iter().map(|p| (p.key(), p.label())).collect(),
        sessions: sessions.collect(),
        tokens: tokens.iter().map(|token| TokenView::new(token, now)).collect(),
        minted: None,
        errors: Vec::new(),
        name: String::new(),
        delegations: delegations(web, signed).await?,
        reviewers: reviewers(web, signed, me).await?,
        may_delegate: actor.may(Permission::Decide),
        today: web.app.today().await?,
        refused: Vec::new(),
        ways: Ways::of(web, signed).await?,
        way_problems: Vec::new(),
        profile: Profile::of(web, signed).await?,
    })
}

async fn delegations(web: &Web, signed: &Signed) -> Result<Vec<DelegationView>, Error> {
    let me = signed.actor.person();
    let mut all = Vec::new();
    for one in approvals::delegations(&web.app, &signed.actor).await? {
        let mine = Some(one.from_id) == me;
        let other = if mine { one.to_id } else { one.from_id };
        let name = ops::names(&web.app, &signed.actor, &[other]).await?.pop().unwrap_or_default();
        let text = if mine {
            format!("{name} decides for you from {} to {}.", one.from_on, one.until_on)
        } else {
            format!("You decide for {name} from {} to {}.", one.from_on, one.until_on)
        };
        all.push(DelegationView { id: one.id, text, reason: one.reason.unwrap_or_default(), mine });
    }
    Ok(all)
}

async fn reviewers(web: &Web, signed: &Signed, me: Uuid) -> Result<Vec<(Uuid, String)>, Error> {
    if !signed.actor.may(Permission::Decide) {
        return Ok(Vec::new());
    }
    let pairs = [("role".into(), "reviewer".into()), ("state".into(), "active".into()), ("limit".into(), "500".into())];
    let query = Query::parse(&ops::PEOPLE, &pairs, &[])?;
    let rows = ops::list_people(&web.app, &signed.actor, &query).await?.rows;
    Ok(rows.into_iter().filter(|row| row.id != me).map(|row| (row.id, row.name)).collect())
}

async fn delegate(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    posted.signed.actor.require(Permission::Decide)?;
    let day = |name: &str| {
        let text = posted.get(name).unwrap_or_default();
        text.parse::<chrono::NaiveDate>().map_err(|_| Error::field(&format!("/{name}"), "Give a day."))
    };
    let to = posted.get("to").and_then(|id| id.parse().ok()).unwrap_or_default();
    let reason = posted.get("reason").map(str::to_owned);
    let done = match (day("from_on"), day("until_on")) {
        (Ok(from), Ok(until)) => {
            approvals::make_delegation(&web.app, &posted.signed.actor, to, (from, until), reason).await
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    match done {
        Ok(_) => Ok(Redirect::to("/account?note=delegated").into_response()),
        Err(error) => {
            let refused = faults(error)?.into_iter().map(|(_, message)| message).collect();
            let mut page = page(&web, &posted.signed, &Pairs::default()).await?;
            page.refused = refused;
            Ok(unprocessable(html(&page)?))
        }
    }
}

async fn take_back(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    approvals::retire_delegation(&web.app, &posted.signed.actor, id).await?;
    Ok(Redirect::to("/account?note=undelegated").into_response())
}

async fn show(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    html(&page(&web, &signed, &pairs).await?)
}

async fn set_profile(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let text = |name: &str| posted.get(name).unwrap_or_default().to_owned();
    let mut typed = Preferences { time_zone: Some(text("time_zone")), ..Preferences::default() };
    let done = match (
        text("language").parse(),
        text("theme").parse(),
        posted.get("notices").unwrap_or(Notices::default().key()).parse(),
    ) {
        (Ok(language), Ok(theme), Ok(notices)) => {
            (typed.language, typed.theme, typed.notices) = (language, theme, notices);
            ops::set_preferences(&web.app, &posted.signed.actor, typed.clone()).await
        }
        (Err(error), ..) | (_, Err(error), _) | (_, _, Err(error)) => Err(error),
    };
    match done {
        Ok(_) => Ok(Redirect::to("/account?note=profile_set").into_response()),
        Err(error) => {
            let mut page = page(&web, &posted.signed, &Pairs::default()).await?;
            page.profile.chosen = typed;
            page.profile.problems = labelled(error)?;
            Ok(unprocessable(html(&page)?))
        }
    }
}

/// Reads the fields of a token form.
pub fn new_token(posted: &Posted) -> Result<NewToken, Error> {
    Ok(NewToken {
        name: posted.get("name").unwrap_or_default().to_owned(),
        scopes: posted.all("scopes").iter().map(|scope| scope.parse()).collect::<Result<Vec<Permission>, Error>>()?,
        expires_in_days: posted.get("expires_in_days").and_then(|days| days.parse().ok()).unwrap_or(0),
    })
}

async fn mint(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let me = posted.signed.actor.person().ok_or(Error::Unauthenticated)?;
    let minted = match new_token(&posted) {
        Ok(new) => ops::mint_token(&web.app, &posted.signed.actor, TokenOwner::Person(me), new).await,
        Err(error) => Err(error),
    };
    let mut page = page(&web, &posted.signed, &Pairs::default()).await?;
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

async fn revoke(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let token = ops::revoke_token(&web.app, &posted.signed.actor, id).await?;
    let back = match token.service_account_id {
        Some(account) => format!("/service-accounts/{account}?note=revoked"),
        None => "/account?note=revoked".into(),
    };
    Ok(Redirect::to(&back).into_response())
}

async fn end_others(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    ops::end_other_sessions(&web.app, &posted.signed.actor).await?;
    Ok(Redirect::to("/account?note=all_ended").into_response())
}

async fn end_session(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    ops::end_session(&web.app, &posted.signed.actor, id).await?;
    Ok(Redirect::to("/account?note=ended").into_response())
}
