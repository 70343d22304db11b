//! JSON bodies: type, syntax and every field checked, with pointers.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::header,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::error::ApiError;
use base::error::Error;

/// A JSON body.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;
    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !matches!(kind.as_str(), "application/json" | "application/merge-patch+json") {
            return Err(ApiError(Error::field("", "Send JSON, with Content-Type: application/json.")));
        }
        let bytes = raw(request, state).await?;
        Ok(Self(base::json::from_slice(&bytes)?))
    }
}

/// The bytes of a body, within the limit.
pub async fn raw<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Error> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
            Error::TooLarge("The body is larger than this endpoint takes.".into())
        } else {
            Error::field("", "The body broke off.")
        }
    })
}

/// A content after a merge patch (RFC 7396): null removes, objects merge, all else replaces.
pub fn patched<C: Serialize + DeserializeOwned>(content: &C, patch: Value) -> Result<C, Error> {
    if !patch.is_object() {
        return Err(Error::field("", "Send an object with the fields to change."));
    }
    let mut value = serde_json::to_value(content).map_err(Error::internal)?;
    base::json::merge(&mut value, patch);
    base::json::from_value(value)
}
