//! The endpoints that every kind of record has. Each is an ordinary handler; the macro writes it
//! once for all kinds.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::conditional;

/// A record with its entity tag.
pub fn record<R: Serialize>(status: StatusCode, record: &R, revision: i64) -> Response {
    (status, [(header::ETAG, conditional::etag(revision))], Json(record)).into_response()
}

/// A new record: 201 with its address.
pub fn created<R: Serialize>(made: &R, revision: i64, address: &str) -> Response {
    let mut response = record(StatusCode::CREATED, made, revision);
    if let Ok(value) = HeaderValue::from_str(address) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// A moment in a query.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AtMoment {
    /// The moment (RFC 3339).
    pub at: chrono::DateTime<chrono::Utc>,
}

/// Lists, creates, reads and changes one kind of record, and shows its history.
macro_rules! resource {
    (
        $tag:literal, $record:ty, $content:ty, $row:ty, $kind:literal, $spec:expr, $table:expr,
        paths: $list:literal, $item:literal, $history:literal, $past:literal,
        ids: $list_id:literal, $create_id:literal, $get_id:literal, $update_id:literal, $history_id:literal, $past_id:literal,
        ops: $find:expr, $create:expr, $update:expr
    ) => {
        use axum::{
            extract::{Path, Query, State},
            http::{HeaderMap, StatusCode},
            response::Response,
        };
        use utoipa_axum::{router::OpenApiRouter, routes};

        use base::audit::{self, AuditEvent};
        use crate::{
            Web,
            api::{body::{Body, patched}, resource},
            conditional,
            error::ApiError,
            extract::{Caller, Pairs},
            listing::{self, ListOf, ListParams},
        };

        #[utoipa::path(get, path = $list, operation_id = $list_id, tag = $tag, params(ListParams),
            responses((status = 200, body = ListOf<$row>, description = "A page; all of it as `text/csv` or `application/x-ndjson` by Accept")))]
        async fn list(State(web): State<Web>, Caller(actor): Caller, pairs: Pairs, headers: HeaderMap) -> Result<Response, ApiError> {
            listing::answer::<$row>(&web, &actor, $spec, $table, &pairs, &headers).await
        }

        #[utoipa::path(post, path = $list, operation_id = $create_id, tag = $tag, request_body = $content,
            params(("Idempotency-Key" = Option<String>, Header, description = "The same request with the same key is answered once")),
            responses((status = 201, body = $record, description = "Made")))]
        async fn create(State(web): State<Web>, Caller(actor): Caller, Body(content): Body<$content>) -> Result<Response, ApiError> {
            let made = $create(&web.app, &actor, content).await?;
            Ok(resource::created(&made, made.revision, &format!("/api/v1{}/{}", $list, made.id)))
        }

        #[utoipa::path(get, path = $item, operation_id = $get_id, tag = $tag,
            params(("key" = String, Path, description = "Id or slug")),
            responses((status = 200, body = $record, description = "The whole record; its ETag is the revision")))]
        async fn get_one(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>) -> Result<Response, ApiError> {
            let found = $find(&web.app, &actor, &key).await?;
            Ok(resource::record(StatusCode::OK, &found, found.revision))
        }

        #[utoipa::path(patch, path = $item, operation_id = $update_id, tag = $tag,
            params(("key" = String, Path, description = "Id or slug"), ("If-Match" = String, Header, description = "The ETag that the change is based on")),
            request_body(content = $content, content_type = "application/merge-patch+json", description = "The fields to change (RFC 7396)"),
            responses((status = 200, body = $record, description = "Changed")))]
        async fn update(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>, headers: HeaderMap, Body(patch): Body<serde_json::Value>) -> Result<Response, ApiError> {
            let revision = conditional::if_match(&headers)?;
            let found = $find(&web.app, &actor, &key).await?;
            let content = patched(&found.content, patch)?;
            let changed = $update(&web.app, &actor, found.id, revision, content).await?;
            Ok(resource::record(StatusCode::OK, &changed, changed.revision))
        }

        #[utoipa::path(get, path = $history, operation_id = $history_id, tag = $tag,
            params(("key" = String, Path, description = "Id or slug")),
            responses((status = 200, body = Vec<AuditEvent>, description = "What happened to it, newest first")))]
        async fn history(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>) -> Result<axum::Json<Vec<AuditEvent>>, ApiError> {
            let found = $find(&web.app, &actor, &key).await?;
            Ok(axum::Json(audit::ops::history(&web.app, &actor, $kind, found.id).await?))
        }

        #[utoipa::path(get, path = $past, operation_id = $past_id, tag = $tag,
            params(("key" = String, Path, description = "Id or slug"), resource::AtMoment),
            responses((status = 200, body = audit::ops::PastRecord, description = "The record as it was then")))]
        async fn past(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>, query: Result<Query<resource::AtMoment>, axum::extract::rejection::QueryRejection>) -> Result<axum::Json<audit::ops::PastRecord>, ApiError> {
            let Query(moment) = query.map_err(|_| base::error::Error::field("/at", "Give a moment, such as 2027-01-31T00:00:00Z."))?;
            let found = $find(&web.app, &actor, &key).await?;
            Ok(axum::Json(audit::ops::version_at(&web.app, &actor, $kind, found.id, moment.at).await?))
        }

        fn shared() -> OpenApiRouter<Web> {
            OpenApiRouter::new()
                .routes(routes!(list, create))
                .routes(routes!(get_one, update))
                .routes(routes!(history))
                .routes(routes!(past))
        }
    };
}

pub(super) use resource;
