//! `ETag` and If-Match: the revision of a record.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::error::Error;

/// The entity tag of a revision.
pub fn etag(revision: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{revision}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"0\""))
}

/// The revision that a write is based on: 428 when missing, a field error when it is none.
pub fn if_match(headers: &HeaderMap) -> Result<i64, Error> {
    let value = headers.get(header::IF_MATCH).ok_or(Error::PreconditionRequired)?;
    let text = value.to_str().unwrap_or_default().trim();
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner
        .and_then(|inner| inner.parse().ok())
        .ok_or_else(|| Error::field("", "If-Match has to be the ETag as it was sent, such as \"3\"."))
}
