//! `Idempotency-Key` on POSTs of the API.

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{Method, Response as HttpResponse, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use super::{Web, error::ApiError, extract::Caller};
use base::{
    error::Error,
    idempotency::{self, Claim, Kept},
};

/// Headers of an answer that are kept with it.
const KEPT: [header::HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// Marks an answer that shows a secret.
#[derive(Clone, Debug)]
pub struct Secret;

/// Answers a repeated POST from what is kept.
pub async fn once(State(web): State<Web>, caller: Result<Caller, ApiError>, request: Request, next: Next) -> Response {
    // An unreadable key is an empty one, which is refused below: silently ignoring it would double a write.
    let key = request.headers().get("idempotency-key").map(|value| value.to_str().unwrap_or_default().to_owned());
    match (request.method() == Method::POST, key, caller) {
        (true, Some(key), Ok(Caller(actor))) => {
            let actor = format!("{:?} {:?}", actor.authority.principal, actor.authority.token_id);
            guarded(&web, &actor, &key, request, next).await.unwrap_or_else(|error| ApiError(error).into_response())
        }
        _ => next.run(request).await,
    }
}

async fn guarded(web: &Web, actor: &str, key: &str, request: Request, next: Next) -> Result<Response, Error> {
    if key.is_empty() || key.len() > 200 {
        return Err(Error::field("", "Idempotency-Key has 1 to 200 characters."));
    }
    let most = usize::try_from(web.app.config.limits.upload).unwrap_or(usize::MAX);
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, most)
        .await
        .map_err(|_| Error::TooLarge("The body is larger than this endpoint takes.".into()))?;
    let mut hash = Sha256::new();
    hash.update(parts.method.as_str());
    hash.update(parts.uri.to_string());
    hash.update(&bytes);
    let hash = hash.finalize().to_vec();
    let claim =
        idempotency::claim(&mut *web.app.db.housekeeping().await?, actor, key, &hash, web.app.clock.now()).await?;
    match claim {
        Claim::Fresh => {}
        Claim::Answered(kept) => return replay(kept),
        Claim::Running => return Err(Error::Conflict("A request with this Idempotency-Key is running, or its outcome is unknown. Look before you repeat it with a new key.".into())),
        Claim::OtherRequest => return Err(Error::field("", "This Idempotency-Key was used for another request.")),
    }
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, most).await.map_err(Error::internal)?;
    let mut conn = web.app.db.housekeeping().await?;
    // An answer that shows a secret once is not kept: the key stays used, and a repeat is refused.
    let secret = parts.extensions.get::<Secret>().is_some();
    if parts.status.is_success() && secret {
        return Ok(Response::from_parts(parts, Body::from(body)));
    }
    if parts.status.is_success() {
        let headers =
            KEPT.iter().filter_map(|name| Some((name.to_string(), parts.headers.get(name)?.to_str().ok()?.to_owned())));
        let kept = Kept { status: parts.status.as_u16(), headers: headers.collect(), body: body.to_vec() };
        idempotency::keep(&mut conn, actor, key, &kept).await?;
    } else {
        idempotency::release(&mut conn, actor, key).await?;
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn replay(kept: Kept) -> Result<Response, Error> {
    let mut response = HttpResponse::builder().status(kept.status).header("idempotency-replayed", "true");
    for (name, value) in kept.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(kept.body)).map_err(Error::internal)
}
