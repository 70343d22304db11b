//! People, teams, review groups, service accounts, tokens.

use super::{
    body::{Body, patched},
    resource as answers,
};
use crate::{
    Web, conditional,
    error::{ApiError, Problem},
    extract::Caller,
    idempotent::Secret,
};
use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use base::error::Error;
use governance::dashboard::{self, Duty};
use identity::{NewToken, ServiceAccount, ServiceAccountContent, Token, TokenOwner, ops};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

mod people {
    use crate::api::resource::resource;
    use base::{app::App, error::Error};
    use identity::tables;
    use identity::{Actor, Person, PersonContent, ops};
    async fn find(app: &App, actor: &Actor, key: &str) -> Result<Person, Error> {
        ops::get_person(app, actor, key.parse().map_err(|_| Error::NotFound("person"))?).await
    }
    resource!("people", Person, PersonContent, ops::PersonRow, "person", &ops::PEOPLE, &tables::PEOPLE,
        paths: "/people", "/people/{key}", "/people/{key}/history", "/people/{key}/record",
        ids: "list_people", "create_person", "get_person", "update_person", "person_history", "person_at",
        ops: find, ops::create_person, ops::update_person);
    pub fn router() -> OpenApiRouter<Web> {
        shared()
    }
}

mod teams {
    use crate::api::resource::resource;
    use base::{app::App, error::Error};
    use identity::tables;
    use identity::{Actor, Group, GroupContent, GroupKind, ops};
    async fn find(app: &App, actor: &Actor, key: &str) -> Result<Group, Error> {
        ops::find_group(app, actor, GroupKind::Team, key).await
    }
    async fn create_one(app: &App, actor: &Actor, content: GroupContent) -> Result<Group, Error> {
        ops::create_group(app, actor, GroupKind::Team, content).await
    }
    async fn update_one(
        app: &App,
        actor: &Actor,
        id: uuid::Uuid,
        revision: i64,
        content: GroupContent,
    ) -> Result<Group, Error> {
        ops::update_group(app, actor, GroupKind::Team, id, revision, content).await
    }
    resource!("teams", Group, GroupContent, ops::GroupRow, "team", ops::groups_list_spec(GroupKind::Team), &tables::TEAMS,
        paths: "/teams", "/teams/{key}", "/teams/{key}/history", "/teams/{key}/record",
        ids: "list_teams", "create_team", "get_team", "update_team", "team_history", "team_at",
        ops: find, create_one, update_one);
    pub fn router() -> OpenApiRouter<Web> {
        shared()
    }
}

mod review_groups {
    use crate::api::resource::resource;
    use base::{app::App, error::Error};
    use identity::tables;
    use identity::{Actor, Group, GroupContent, GroupKind, ops};
    async fn find(app: &App, actor: &Actor, key: &str) -> Result<Group, Error> {
        ops::find_group(app, actor, GroupKind::ReviewGroup, key).await
    }
    async fn create_one(app: &App, actor: &Actor, content: GroupContent) -> Result<Group, Error> {
        ops::create_group(app, actor, GroupKind::ReviewGroup, content).await
    }
    async fn update_one(
        app: &App,
        actor: &Actor,
        id: uuid::Uuid,
        revision: i64,
        content: GroupContent,
    ) -> Result<Group, Error> {
        ops::update_group(app, actor, GroupKind::ReviewGroup, id, revision, content).await
    }
    resource!("review groups", Group, GroupContent, ops::GroupRow, "review_group", ops::groups_list_spec(GroupKind::ReviewGroup), &tables::REVIEW_GROUPS,
        paths: "/review-groups", "/review-groups/{key}", "/review-groups/{key}/history", "/review-groups/{key}/record",
        ids: "list_review_groups", "create_review_group", "get_review_group", "update_review_group", "review_group_history", "review_group_at",
        ops: find, create_one, update_one);
    pub fn router() -> OpenApiRouter<Web> {
        shared()
    }
}

/// The routes of identity.
pub fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .merge(people::router())
        .merge(teams::router())
        .merge(review_groups::router())
        .routes(routes!(mint_link))
        .routes(routes!(service_accounts, create_service_account))
        .routes(routes!(service_account, update_service_account))
        .routes(routes!(tokens))
        .routes(routes!(mint_token))
        .routes(routes!(revoke_token))
        .routes(routes!(person_duties))
        .routes(routes!(who_am_i))
}

#[utoipa::path(get, path = "/people/{key}/duties", tag = "people",
    params(("key" = uuid::Uuid, Path, description = "The person")),
    responses((status = 200, body = Vec<Duty>, description = "What they have in hand, to be handed over when they leave")))]
async fn person_duties(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Json<Vec<Duty>>, ApiError> {
    let id = key.parse().map_err(|_| Error::NotFound("person"))?;
    Ok(Json(dashboard::duties(&web.app, &actor, id).await?))
}

/// A one-time sign-in link.
#[derive(Debug, Serialize, ToSchema)]
struct Link {
    /// The link; shown this once, valid for one hour.
    url: String,
}

#[utoipa::path(post, path = "/people/{key}/sign-in-links", tag = "people",
    params(("key" = uuid::Uuid, Path, description = "The person")),
    responses((status = 201, body = Link, description = "Minted")))]
async fn mint_link(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<(StatusCode, Extension<Secret>, Json<Link>), ApiError> {
    let id = key.parse().map_err(|_| Error::NotFound("person"))?;
    let minted = ops::mint_link(&web.app, &actor, id).await?;
    Ok((
        StatusCode::CREATED,
        Extension(Secret),
        Json(Link { url: format!("{}sign-in/{}", web.app.config.public_url, minted.secret) }),
    ))
}

#[utoipa::path(get, path = "/service-accounts", tag = "service accounts",
    responses((status = 200, body = Vec<ServiceAccount>, description = "By name")))]
async fn service_accounts(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Result<Json<Vec<ServiceAccount>>, ApiError> {
    Ok(Json(ops::service_accounts(&web.app, &actor).await?))
}

#[utoipa::path(post, path = "/service-accounts", tag = "service accounts", request_body = ServiceAccountContent,
    responses((status = 201, body = ServiceAccount, description = "Made"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; no token makes one")))]
async fn create_service_account(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(content): Body<ServiceAccountContent>,
) -> Result<Response, ApiError> {
    let account = ops::create_service_account(&web.app, &actor, content).await?;
    Ok(answers::created(&account, account.revision, &format!("/api/v1/service-accounts/{}", account.id)))
}

#[utoipa::path(get, path = "/service-accounts/{key}", tag = "service accounts",
    params(("key" = String, Path, description = "Id or slug")),
    responses((status = 200, body = ServiceAccount, description = "The account")))]
async fn service_account(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
) -> Result<Response, ApiError> {
    let account = ops::find_service_account(&web.app, &actor, &key).await?;
    Ok(answers::record(StatusCode::OK, &account, account.revision))
}

#[utoipa::path(patch, path = "/service-accounts/{key}", tag = "service accounts",
    params(("key" = String, Path, description = "Id or slug"), ("If-Match" = String, Header, description = "The ETag that the change is based on")),
    request_body(content = ServiceAccountContent, content_type = "application/merge-patch+json"),
    responses((status = 200, body = ServiceAccount, description = "Changed"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; no token changes one")))]
async fn update_service_account(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
    Body(patch): Body<serde_json::Value>,
) -> Result<Response, ApiError> {
    let revision = conditional::if_match(&headers)?;
    let found = ops::find_service_account(&web.app, &actor, &key).await?;
    let content = patched(&found.content, patch)?;
    let account = ops::update_service_account(&web.app, &actor, found.id, revision, content).await?;
    Ok(answers::record(StatusCode::OK, &account, account.revision))
}

#[utoipa::path(get, path = "/tokens", tag = "tokens",
    responses((status = 200, body = Vec<Token>, description = "One's own, or with manage_people those of all service accounts; never the tokens themselves")))]
async fn tokens(State(web): State<Web>, Caller(actor): Caller) -> Result<Json<Vec<Token>>, ApiError> {
    let owner = actor.person().map(TokenOwner::Person);
    Ok(Json(ops::tokens(&web.app, &actor, owner).await?))
}

/// A token in the clear, shown this once.
#[derive(Debug, Serialize, ToSchema)]
struct FreshToken {
    /// The token itself.
    secret: String,
    /// Its metadata.
    token: Token,
}

#[utoipa::path(post, path = "/service-accounts/{key}/tokens", tag = "tokens", request_body = NewToken,
    params(("key" = String, Path, description = "Id or slug")),
    responses((status = 201, body = FreshToken, description = "Minted"),
        (status = "4XX", body = Problem, content_type = "application/problem+json", description = "Refused; no token mints one")))]
async fn mint_token(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    Body(new): Body<NewToken>,
) -> Result<(StatusCode, Extension<Secret>, Json<FreshToken>), ApiError> {
    let account = ops::find_service_account(&web.app, &actor, &key).await?;
    let minted = ops::mint_token(&web.app, &actor, TokenOwner::ServiceAccount(account.id), new).await?;
    Ok((
        StatusCode::CREATED,
        Extension(Secret),
        Json(FreshToken { secret: minted.bearer.reveal().to_owned(), token: minted.token }),
    ))
}

#[utoipa::path(post, path = "/tokens/{id}/revoke", tag = "tokens",
    params(("id" = uuid::Uuid, Path, description = "The token's id")),
    responses((status = 200, body = Token, description = "Revoked")))]
async fn revoke_token(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<Token>, ApiError> {
    let id = id.parse().map_err(|_| Error::NotFound("token"))?;
    Ok(Json(ops::revoke_token(&web.app, &actor, id).await?))
}

/// Who a token is.
#[derive(Debug, Serialize, ToSchema)]
struct Me {
    /// The name of the person or service account.
    name: String,
    /// What the token may do.
    scopes: Vec<identity::Permission>,
}

#[utoipa::path(get, path = "/me", tag = "tokens", responses((status = 200, body = Me, description = "Who asks")))]
async fn who_am_i(Caller(actor): Caller) -> Json<Me> {
    Json(Me { name: actor.authority.name.clone(), scopes: actor.authority.permissions.iter().collect() })
}
