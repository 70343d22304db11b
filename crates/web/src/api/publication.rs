//! The routes of a kind of publication: its list, its drafts, its versions. What takes two people
//! is done on pages.

use base::error::Error;
use register::publications::{Publication, Publishable};

use super::body::patched;

/// The draft of a publication after a merge patch (RFC 7396).
pub fn over<C: Publishable>(found: &Publication<C>, patch: serde_json::Value) -> Result<C, Error> {
    patched(found.shown()?, patch)
}

/// The routes of a kind of publication.
macro_rules! publication {
    ($module:ident, $content:ident, $spec:expr, $table:expr, $row:ident, $tag:literal,
     paths: $list:literal, $one:literal, $versions:literal, $discard:literal, $history:literal,
     ids: $list_id:literal, $($create_id:literal,)? get $get_id:literal, $update_id:literal, $versions_id:literal, $discard_id:literal, $history_id:literal) => {
        mod $module {
            use axum::{
                Json,
                extract::{Path, State},
                http::{HeaderMap, StatusCode},
                response::Response,
            };
            use utoipa_axum::{router::OpenApiRouter, routes};

            use super::*;
            use base::audit::{self, AuditEvent};
            use register::publications::{self, Publication, Publishable, Versions};
            use $crate::{
                Web,
                api::{body::Body, publication::over, resource as answers},
                conditional,
                error::ApiError,
                extract::{Caller, Pairs},
                listing::{self, ListOf, ListParams},
            };

            pub fn router() -> OpenApiRouter<Web> {
                OpenApiRouter::new()
                    .routes(routes!(list))
                    $(.routes({ let _ = $create_id; routes!(create) }))?
                    .routes(routes!(get, update))
                    .routes(routes!(versions))
                    .routes(routes!(discard))
                    .routes(routes!(history))
            }

            #[utoipa::path(get, path = $list, tag = $tag, operation_id = $list_id, params(ListParams),
                responses((status = 200, body = ListOf<$row>, description = "A page; all of it as `text/csv` or `application/x-ndjson` by Accept")))]
            async fn list(State(web): State<Web>, Caller(actor): Caller, pairs: Pairs, headers: HeaderMap) -> Result<Response, ApiError> {
                listing::answer::<$row>(&web, &actor, $spec, $table, &pairs, &headers).await
            }

            $(
            #[utoipa::path(post, path = $list, tag = $tag, operation_id = $create_id, request_body = $content,
                params(("Idempotency-Key" = Option<String>, Header, description = "The same request with the same key is answered once")),
                responses((status = 201, body = Publication<$content>, description = "A draft; two people publish it on its page"),
                    (status = "4XX", body = $crate::error::Problem, content_type = "application/problem+json", description = "Refused; every fault with its place")))]
            async fn create(State(web): State<Web>, Caller(actor): Caller, Body(content): Body<$content>) -> Result<Response, ApiError> {
                let done = publications::ops::create(&web.app, &actor, content).await?;
                let address = format!("/api/v1{}/{}", $list, done.shown()?.key());
                Ok(answers::created(&done, done.revision, &address))
            }
            )?

            #[utoipa::path(get, path = $one, tag = $tag, operation_id = $get_id,
                params(("key" = String, Path, description = "Id or key")),
                responses((status = 200, body = Publication<$content>, description = "Its draft, and what is in force")))]
            async fn get(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>) -> Result<Response, ApiError> {
                let found = publications::ops::find::<$content>(&web.app, &actor, &key).await?;
                Ok(answers::record(StatusCode::OK, &found, found.revision))
            }

            #[utoipa::path(patch, path = $one, tag = $tag, operation_id = $update_id,
                params(("key" = String, Path, description = "Id or key"), ("If-Match" = String, Header, description = "The ETag that the edit is based on")),
                request_body(content = $content, content_type = "application/merge-patch+json", description = "The fields of the draft to change (RFC 7396)"),
                responses((status = 200, body = Publication<$content>, description = "The draft is changed; a proposal of something else falls")))]
            async fn update(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>, headers: HeaderMap, Body(patch): Body<serde_json::Value>) -> Result<Response, ApiError> {
                let revision = conditional::if_match(&headers)?;
                let found = publications::ops::find::<$content>(&web.app, &actor, &key).await?;
                let done = publications::ops::edit(&web.app, &actor, found.id, revision, over(&found, patch)?).await?;
                Ok(answers::record(StatusCode::OK, &done, done.revision))
            }

            #[utoipa::path(get, path = $versions, tag = $tag, operation_id = $versions_id,
                params(("key" = String, Path, description = "Id or key")),
                responses((status = 200, body = Versions<$content>, description = "Its published versions, newest first")))]
            async fn versions(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>) -> Result<Json<Versions<$content>>, ApiError> {
                let found = publications::ops::find::<$content>(&web.app, &actor, &key).await?;
                Ok(Json(Versions { items: publications::ops::versions(&web.app, &actor, found.id).await? }))
            }

            #[utoipa::path(post, path = $discard, tag = $tag, operation_id = $discard_id,
                params(("key" = String, Path, description = "Id or key"), ("If-Match" = String, Header, description = "The ETag that was looked at")),
                responses((status = 200, body = Publication<$content>, description = "The draft is given up; what is in force stays")))]
            async fn discard(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
                let revision = conditional::if_match(&headers)?;
                let found = publications::ops::find::<$content>(&web.app, &actor, &key).await?;
                let done = publications::ops::discard::<$content>(&web.app, &actor, found.id, revision).await?;
                Ok(answers::record(StatusCode::OK, &done, done.revision))
            }

            #[utoipa::path(get, path = $history, tag = $tag, operation_id = $history_id,
                params(("key" = String, Path, description = "Id or key")),
                responses((status = 200, body = Vec<AuditEvent>, description = "What happened to it, newest first")))]
            async fn history(State(web): State<Web>, Caller(actor): Caller, Path(key): Path<String>) -> Result<Json<Vec<AuditEvent>>, ApiError> {
                let found = publications::ops::find::<$content>(&web.app, &actor, &key).await?;
                Ok(Json(audit::ops::history(&web.app, &actor, $content::KIND, found.id).await?))
            }
        }
    };
}
pub(super) use publication;
