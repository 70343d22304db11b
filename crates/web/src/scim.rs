//! SCIM 2.0 below `/scim/v2`, for identity providers: JSON in, operation, JSON out.

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Web,
    error::{ApiError, Refused as RefusedMark},
    extract::{Caller, Pairs},
};
use identity::{
    ops::{self, Kept, Refused},
    scim::{Fault, GROUP, Group, Meta, Question, USER, User},
};

/// Largest body, in bytes.
const LARGEST: usize = 1 << 20;

pub fn router() -> Router<Web> {
    Router::new()
        .route("/scim/v2/Users", get(users).post(create_user))
        .route("/scim/v2/Users/{id}", get(user).put(put_user).patch(patch_user).delete(remove_user))
        .route("/scim/v2/Groups", get(groups).post(create_group))
        .route("/scim/v2/Groups/{id}", get(group).put(put_group).patch(patch_group).delete(remove_group))
        .route("/scim/v2/ServiceProviderConfig", get(capabilities))
        .route("/scim/v2/ResourceTypes", get(resource_types))
        .route("/scim/v2/Schemas", get(schemas))
}

/// An error in the standard's form (RFC 7644, 3.12).
struct ScimError(Refused);

impl<E: Into<Refused>> From<E> for ScimError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for ScimError {
    fn into_response(self) -> Response {
        let (mut response, fault) = match self.0 {
            Refused::Fault(fault) => (StatusCode::OK.into_response(), fault),
            // The status, the log and the record are those of any operation.
            Refused::Error(error) => {
                let detail = error.to_string();
                let plain = ApiError(error).into_response();
                let status = plain.status().as_u16();
                let (mut parts, _) = plain.into_parts();
                parts.headers.remove(header::CONTENT_LENGTH);
                let marked = parts.extensions.get::<RefusedMark>().cloned();
                let mut response = Response::from_parts(parts, axum::body::Body::empty());
                if let Some(mark) = marked {
                    response.extensions_mut().insert(mark);
                }
                (response, Fault { status, kind: None, detail })
            }
        };
        let mut body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": fault.status.to_string(), "detail": fault.detail });
        if let Some(kind) = fault.kind {
            body["scimType"] = kind.into();
        }
        *response.status_mut() = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/scim+json"));
        *response.body_mut() = axum::body::Body::from(body.to_string());
        response
    }
}

type Answer = Result<Response, ScimError>;

fn answer(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, body.to_string()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/scim+json"));
    if let Some(place) = body["meta"]["location"].as_str().and_then(|place| HeaderValue::from_str(place).ok()) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

fn base(web: &Web) -> String {
    format!("{}scim/v2", web.app.config.public_url)
}

fn meta<'a, T>(kept: &Kept<T>, base: &'a str) -> Meta<'a> {
    Meta { id: kept.id, created: kept.created, changed: kept.changed, revision: kept.revision, base }
}

/// A body in JSON, in bounds.
fn read(headers: &HeaderMap, body: &Bytes) -> Result<Value, ScimError> {
    if body.len() > LARGEST {
        return Err(Fault { status: 413, kind: None, detail: "At most 1 MiB.".into() }.into());
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !(kind.starts_with("application/scim+json") || kind.starts_with("application/json")) {
        let detail = "Send application/scim+json.".into();
        return Err(Fault { status: 415, kind: None, detail }.into());
    }
    serde_json::from_slice(body)
        .map_err(|_| Fault { status: 400, kind: Some("invalidSyntax"), detail: "The body is no JSON.".into() }.into())
}

fn list(total: i64, from: Option<i64>, resources: Vec<Value>) -> Response {
    let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": total,
        "startIndex": from.unwrap_or(1).max(1), "itemsPerPage": resources.len(), "Resources": resources });
    answer(StatusCode::OK, &body)
}

fn id(text: &str, what: &str) -> Result<Uuid, ScimError> {
    text.parse().map_err(|_| Fault::gone(what).into())
}

async fn users(State(web): State<Web>, Caller(actor): Caller, pairs: Pairs) -> Answer {
    let question = Question::read(&pairs.0)?;
    let (total, page) = ops::scim_users(&web.app, &actor, &question).await?;
    let base = base(&web);
    Ok(list(
        total,
        question.start_index,
        page.iter().map(|one| without(&question, one.what.shown(&meta(one, &base)))).collect(),
    ))
}

fn shown_user(web: &Web, status: StatusCode, kept: &Kept<User>) -> Response {
    answer(status, &kept.what.shown(&meta(kept, &base(web))))
}

async fn user(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>) -> Answer {
    Ok(shown_user(&web, StatusCode::OK, &ops::scim_user(&web.app, &actor, id(&key, "user")?).await?))
}

async fn create_user(State(web): State<Web>, Caller(actor): Caller, headers: HeaderMap, body: Bytes) -> Answer {
    let user = User::read(&read(&headers, &body)?)?;
    Ok(shown_user(&web, StatusCode::CREATED, &ops::scim_create_user(&web.app, &actor, user).await?))
}

async fn put_user(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let body = read(&headers, &body)?;
    let change = |before: User| before.replaced(&body);
    let kept = ops::scim_change_user(&web.app, &actor, id(&key, "user")?, change).await?;
    Ok(shown_user(&web, StatusCode::OK, &kept))
}

async fn patch_user(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let patch = read(&headers, &body)?;
    let kept = ops::scim_change_user(&web.app, &actor, id(&key, "user")?, |user| user.patched(&patch)).await?;
    Ok(shown_user(&web, StatusCode::OK, &kept))
}

async fn remove_user(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>) -> Answer {
    ops::scim_remove_user(&web.app, &actor, id(&key, "user")?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn groups(State(web): State<Web>, Caller(actor): Caller, pairs: Pairs) -> Answer {
    let question = Question::read(&pairs.0)?;
    let (total, page) = ops::scim_groups(&web.app, &actor, &question).await?;
    let base = base(&web);
    let shown = page.iter().map(|one| without(&question, one.what.shown(&meta(one, &base))));
    Ok(list(total, question.start_index, shown.collect()))
}

/// A resource without the attributes that a list leaves out (RFC 7644, 3.9); its id always comes.
fn without(question: &Question, mut shown: Value) -> Value {
    if let Some(all) = shown.as_object_mut() {
        all.retain(|key, _| key == "id" || key == "schemas" || !question.without.contains(&key.to_lowercase()));
    }
    shown
}

fn shown_group(web: &Web, status: StatusCode, kept: &Kept<Group>) -> Response {
    answer(status, &kept.what.shown(&meta(kept, &base(web))))
}

async fn group(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>) -> Answer {
    Ok(shown_group(&web, StatusCode::OK, &ops::scim_group(&web.app, &actor, id(&key, "group")?).await?))
}

async fn create_group(State(web): State<Web>, Caller(actor): Caller, headers: HeaderMap, body: Bytes) -> Answer {
    let group = Group::read(&read(&headers, &body)?)?;
    Ok(shown_group(&web, StatusCode::CREATED, &ops::scim_create_group(&web.app, &actor, group).await?))
}

async fn put_group(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let group = Group::read(&read(&headers, &body)?)?;
    let kept = ops::scim_change_group(&web.app, &actor, id(&key, "group")?, |_| Ok(group)).await?;
    Ok(shown_group(&web, StatusCode::OK, &kept))
}

async fn patch_group(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let patch = read(&headers, &body)?;
    let kept = ops::scim_change_group(&web.app, &actor, id(&key, "group")?, |group| group.patched(&patch)).await?;
    Ok(shown_group(&web, StatusCode::OK, &kept))
}

async fn remove_group(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>) -> Answer {
    ops::scim_remove_group(&web.app, &actor, id(&key, "group")?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What is supported (RFC 7643, 5).
async fn capabilities(Caller(_): Caller) -> Answer {
    let no = json!({ "supported": false });
    Ok(answer(
        StatusCode::OK,
        &json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": { "supported": true }, "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
            "filter": { "supported": true, "maxResults": 200 }, "changePassword": no, "sort": no, "etag": no,
            "authenticationSchemes": [{ "type": "oauthbearertoken", "name": "Token",
                "description": "An API token of the provider's service account", "primary": true }] }),
    ))
}

/// The kinds of resources (RFC 7643, 6).
async fn resource_types(Caller(_): Caller) -> Answer {
    let kind = |name: &str, schema: &str| {
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"], "id": name, "name": name,
            "endpoint": format!("/{name}s"), "schema": schema })
    };
    Ok(list(2, None, vec![kind("User", USER), kind("Group", GROUP)]))
}

/// What of each kind is kept (RFC 7643, 7).
async fn schemas(Caller(_): Caller) -> Answer {
    let text = |name: &str, required: bool, uniqueness: &str| {
        json!({ "name": name, "type": "string", "multiValued": false, "required": required, "caseExact": false,
            "mutability": "readWrite", "returned": "default", "uniqueness": uniqueness })
    };
    let many = |name: &str| {
        json!({ "name": name, "type": "complex", "multiValued": true, "required": false, "mutability": "readWrite",
            "returned": "default", "subAttributes": [text("value", true, "none")] })
    };
    let active = json!({ "name": "active", "type": "boolean", "multiValued": false, "required": false,
        "mutability": "readWrite", "returned": "default" });
    let name = json!({ "name": "name", "type": "complex", "multiValued": false, "required": false,
        "mutability": "readWrite", "returned": "default", "subAttributes": [text("formatted", false, "none"),
            text("givenName", false, "none"), text("familyName", false, "none")] });
    let schema = |id: &str, name: &str, attributes: Vec<Value>| {
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "id": id, "name": name,
            "attributes": attributes })
    };
    let user = vec![
        text("userName", true, "server"),
        text("displayName", false, "none"),
        text("externalId", false, "none"),
        name,
        many("emails"),
        active,
    ];
    let group = vec![text("displayName", true, "server"), text("externalId", false, "none"), many("members")];
    Ok(list(2, None, vec![schema(USER, "User", user), schema(GROUP, "Group", group)]))
}
