//! Vendors, APIs, systems, data classes, and comments on them.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{body::Body, resource as answers};
use crate::{Web, conditional, error::ApiError, extract::Caller};
use base::error::Error;
use identity::Actor;
use register::catalog::{Api, Comment, NewComment, Vendor, VendorContent, ops};

mod vendors {
    use crate::api::resource::resource;
    use register::{
        catalog::tables,
        catalog::{Vendor, VendorContent, ops},
    };
    resource!("vendors", Vendor, VendorContent, ops::VendorRow, "vendor", &ops::VENDORS, &tables::VENDORS,
        paths: "/vendors", "/vendors/{key}", "/vendors/{key}/history", "/vendors/{key}/record",
        ids: "list_vendors", "create_vendor", "get_vendor", "update_vendor", "vendor_history", "vendor_at",
        ops: ops::find_vendor, ops::create_vendor, ops::update_vendor);
    pub fn router() -> OpenApiRouter<Web> {
        shared()
    }
}

mod apis {
    use crate::api::resource::resource;
    use register::{
        catalog::tables,
        catalog::{Api, ApiContent, ops},
    };
    resource!("apis", Api, ApiContent, ops::ApiRow, "api", &ops::APIS, &tables::APIS,
        paths: "/apis", "/apis/{key}", "/apis/{key}/history", "/apis/{key}/record",
        ids: "list_apis", "create_api", "get_api", "update_api", "api_history", "api_at",
        ops: ops::find_api, ops::create_api, ops::update_api);
    pub fn router() -> OpenApiRouter<Web> {
        shared()
    }
}

mod systems {
    use crate::api::resource::resource;
    use register::{
        catalog::tables,
        catalog::{System, SystemContent, ops},
    };
    resource!("systems", System, SystemContent, ops::SystemRow, "system", &ops::SYSTEMS, &tables::SYSTEMS,
        paths: "/systems", "/systems/{key}", "/systems/{key}/history", "/systems/{key}/record",
        ids: "list_systems", "create_system", "get_system", "update_system", "system_history", "system_at",
        ops: ops::find_system, ops::create_system, ops::update_system);
    pub fn router() -> OpenApiRouter<Web> {
        shared()
    }
}

mod data_classes {
    use crate::api::resource::resource;
    use register::{
        catalog::tables,
        catalog::{DataClass, DataClassContent, ops},
    };
    resource!("data classes", DataClass, DataClassContent, ops::DataClassRow, "data_class", &ops::DATA_CLASSES, &tables::DATA_CLASSES,
        paths: "/data-classes", "/data-classes/{key}", "/data-classes/{key}/history", "/data-classes/{key}/record",
        ids: "list_data_classes", "create_data_class", "get_data_class", "update_data_class", "data_class_history", "data_class_at",
        ops: ops::find_data_class, ops::create_data_class, ops::update_data_class);
    pub fn router() -> OpenApiRouter<Web> {
        shared()
    }
}

/// The catalog's routes.
pub fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .merge(vendors::router())
        .merge(apis::router())
        .merge(systems::router())
        .merge(data_classes::router())
        .routes(routes!(verify_vendor))
        .routes(routes!(vendor_duplicates))
        .routes(routes!(verify_api))
        .routes(routes!(comments, add_comment))
        .routes(routes!(withdraw_comment))
}

#[utoipa::path(post, path = "/vendors/{key}/verify", tag = "vendors",
    params(("key" = String, Path, description = "Id or slug"), ("If-Match" = String, Header, description = "The ETag that was looked at")),
    responses((status = 200, body = Vendor, description = "Verified")))]
async fn verify_vendor(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let revision = conditional::if_match(&headers)?;
    let found = ops::find_vendor(&web.app, &actor, &key).await?;
    let verified = ops::verify_vendor(&web.app, &actor, found.id, revision).await?;
    Ok(answers::record(StatusCode::OK, &verified, verified.revision))
}

#[utoipa::path(post, path = "/vendors/duplicates", tag = "vendors", request_body = VendorContent,
    responses((status = 200, body = Vec<ops::Likely>, description = "Vendors here that may be the same; nothing is written")))]
async fn vendor_duplicates(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(content): Body<VendorContent>,
) -> Result<Json<Vec<ops::Likely>>, ApiError> {
    Ok(Json(ops::duplicate_vendors(&web.app, &actor, None, &content).await?))
}

#[utoipa::path(post, path = "/apis/{key}/verify", tag = "apis",
    params(("key" = String, Path, description = "Id or slug"), ("If-Match" = String, Header, description = "The ETag that was looked at")),
    responses((status = 200, body = Api, description = "Verified")))]
async fn verify_api(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let revision = conditional::if_match(&headers)?;
    let found = ops::find_api(&web.app, &actor, &key).await?;
    let verified = ops::verify_api(&web.app, &actor, found.id, revision).await?;
    Ok(answers::record(StatusCode::OK, &verified, verified.revision))
}

/// A record by the plural of its kind and its key: its kind's word and id.
pub async fn subject(web: &Web, actor: &Actor, plural: &str, key: &str) -> Result<(&'static str, Uuid), Error> {
    Ok(match plural {
        "vendors" => ("vendor", ops::find_vendor(&web.app, actor, key).await?.id),
        "apis" => ("api", ops::find_api(&web.app, actor, key).await?.id),
        "systems" => ("system", ops::find_system(&web.app, actor, key).await?.id),
        "data-classes" => ("data_class", ops::find_data_class(&web.app, actor, key).await?.id),
        "integrations" => {
            ("integration", register::integrations::ops::find_integration(&web.app, actor, key).await?.id)
        }
        "credentials" => ("credential", register::integrations::ops::find_credential(&web.app, actor, key).await?.id),
        "requests" => {
            let id = key.parse().map_err(|_| Error::NotFound("change request"))?;
            ("change_request", governance::approvals::ops::find_request(&web.app, actor, id).await?.id)
        }
        _ => return Err(Error::NotFound("kind of record with comments")),
    })
}

#[utoipa::path(get, path = "/comments/{kind}/{key}", tag = "comments",
    params(("kind" = String, Path, description = "vendors, apis, systems, data-classes, integrations, credentials or requests"), ("key" = String, Path, description = "Id or slug")),
    responses((status = 200, body = Vec<Comment>, description = "Oldest first")))]
async fn comments(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path((kind, key)): Path<(String, String)>,
) -> Result<Json<Vec<Comment>>, ApiError> {
    let (kind, id) = subject(&web, &actor, &kind, &key).await?;
    Ok(Json(ops::comments(&web.app, &actor, kind, id).await?))
}

#[utoipa::path(post, path = "/comments/{kind}/{key}", tag = "comments", request_body = NewComment,
    params(("kind" = String, Path, description = "vendors, apis, systems, data-classes, integrations, credentials or requests"), ("key" = String, Path, description = "Id or slug")),
    responses((status = 201, body = Comment, description = "Added")))]
async fn add_comment(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path((kind, key)): Path<(String, String)>,
    Body(new): Body<NewComment>,
) -> Result<Response, ApiError> {
    let (kind, id) = subject(&web, &actor, &kind, &key).await?;
    let comment = ops::add_comment(&web.app, &actor, kind, id, new).await?;
    Ok(answers::record(StatusCode::CREATED, &comment, comment.revision))
}

#[utoipa::path(post, path = "/comments/{id}/withdraw", tag = "comments",
    params(("id" = Uuid, Path, description = "The comment")),
    responses((status = 200, body = Comment, description = "Withdrawn; it stays on record")))]
async fn withdraw_comment(
    State(web): State<Web>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<Comment>, ApiError> {
    let id = id.parse().map_err(|_| Error::NotFound("comment"))?;
    Ok(Json(ops::withdraw_comment(&web.app, &actor, id).await?))
}
