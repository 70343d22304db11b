//! `ETag` and `If-Match` (RFC 9110, 8.8.3 and 13.1.1): the revision of a record.

use std::net::SocketAddr;

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower::ServiceExt;

use super::error::ApiError;
use base::error::Error;

/// The media type of refusals (RFC 9457).
const PROBLEM: &str = "application/problem+json";

/// The entity tag of a revision.
pub fn etag(revision: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{revision}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"0\""))
}

/// What a write may be based on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    /// Any revision, as long as there is one: `*`.
    Any,
    /// One of these; never empty.
    OneOf(Vec<i64>),
}

impl Wanted {
    /// Reads `If-Match`; `None` where it is not sent. A weak tag counts as the strong one: a revision says the same of
    /// every form of its record, and proxies that compress an answer make its tag weak. A tag that is no revision
    /// matches nothing, and is none of what is returned.
    fn read(headers: &HeaderMap) -> Result<Option<Self>, Error> {
        let wrong = || Error::field("", "If-Match has to be *, or the ETag as it was sent, such as \"3\".");
        let mut tags = Vec::new();
        let mut sent = false;
        for value in headers.get_all(header::IF_MATCH) {
            sent = true;
            let mut rest = value.to_str().map_err(|_| wrong())?.trim();
            if rest == "*" {
                return Ok(Some(Self::Any));
            }
            while !rest.is_empty() {
                let tag = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"').ok_or_else(wrong)?;
                let (inner, after) = tag.split_once('"').ok_or_else(wrong)?;
                tags.push(inner.parse::<i64>().unwrap_or(-1));
                rest = after.trim_start();
                match rest.strip_prefix(',') {
                    Some(next) => rest = next.trim_start_matches([',', ' ', '\t']),
                    None if rest.is_empty() => {}
                    None => return Err(wrong()),
                }
            }
        }
        match (sent, tags.is_empty()) {
            (false, _) => Ok(None),
            (true, true) => Err(wrong()),
            (true, false) => Ok(Some(Self::OneOf(tags))),
        }
    }
}

/// The revision that a write is based on: 428 when missing, a field error when it is none. Lists and `*` have been
/// [`resolved`](resolve) before.
pub fn if_match(headers: &HeaderMap) -> Result<i64, Error> {
    match Wanted::read(headers)?.ok_or(Error::PreconditionRequired)? {
        Wanted::OneOf(tags) if tags.len() == 1 => Ok(tags[0]),
        // A record that cannot be read at an address of its own.
        Wanted::OneOf(_) | Wanted::Any => {
            Err(Error::field("", "Here If-Match takes the one ETag that this is based on."))
        }
    }
}

/// Brings `*` and lists of tags down to the one tag that holds now, which it reads from the record itself: at the address
/// of the write, or at the record above it for a verb such as `/requests/{id}/submit`. What changes in between is
/// refused by the write like any other revision that is past.
pub async fn resolve(reader: Router, mut request: Request, next: Next) -> Response {
    if ![Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(request.method()) {
        return next.run(request).await;
    }
    let tags = match Wanted::read(request.headers()) {
        Ok(Some(Wanted::Any)) => None,
        Ok(Some(Wanted::OneOf(tags))) if tags.len() > 1 => Some(tags),
        // What cannot be read is refused by the write itself, after it has asked who writes.
        Ok(_) | Err(_) => return next.run(request).await,
    };
    let (parts, body) = request.into_parts();
    let current = match current(&reader, &parts).await {
        Ok(Some(current)) => current,
        Ok(None) => return next.run(Request::from_parts(parts, body)).await,
        Err(answer) => return *answer,
    };
    if let Some(tags) = tags
        && !tags.contains(&current)
    {
        let given = tags.into_iter().max().unwrap_or(-1);
        return ApiError(Error::Stale { given, current }).into_response();
    }
    request = Request::from_parts(parts, body);
    request.headers_mut().insert(header::IF_MATCH, etag(current));
    next.run(request).await
}

/// The revision that a record has now; none where it has no address to be read at. Else the answer of who asked for it:
/// not there, or not for them.
async fn current(reader: &Router, parts: &Parts) -> Result<Option<i64>, Box<Response>> {
    let path = parts.uri.path();
    let above = path.rsplit_once('/').map(|(above, _)| above);
    let mut refusal = None;
    for path in std::iter::once(path).chain(above) {
        let mut look = Request::new(Body::empty());
        let Ok(uri) = path.parse() else { continue };
        *look.uri_mut() = uri;
        *look.headers_mut() = parts.headers.clone();
        for name in [header::IF_MATCH, header::CONTENT_LENGTH, header::CONTENT_TYPE, header::TRANSFER_ENCODING] {
            look.headers_mut().remove(name);
        }
        // Only where it comes from: what routing noted of the write is not the reading's.
        if let Some(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>() {
            look.extensions_mut().insert(*peer);
        }
        let answer = match reader.clone().oneshot(look).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        let tag = answer.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
        if answer.status().is_success()
            && let Some(revision) = tag.and_then(|tag| tag.trim_matches('"').parse().ok())
        {
            return Ok(Some(revision));
        }
        // What the record itself says; the list above it has nothing to say of it, nor does an address without a record.
        let problem = answer.headers().get(header::CONTENT_TYPE).is_some_and(|media| media == PROBLEM);
        if refusal.is_none() && problem && answer.status() != StatusCode::METHOD_NOT_ALLOWED {
            refusal = Some(answer);
        }
    }
    refusal.map_or(Ok(None), |answer| Err(Box::new(answer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&'static str]) -> Result<Option<Wanted>, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::IF_MATCH, HeaderValue::from_static(value));
        }
        Wanted::read(&headers).map_err(|error| error.to_string())
    }

    #[test]
    fn conditions_are_read_as_the_standard_writes_them() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["*"]), Ok(Some(Wanted::Any)));
        assert_eq!(read(&["\"3\""]), Ok(Some(Wanted::OneOf(vec![3]))));
        assert_eq!(read(&["W/\"3\""]), Ok(Some(Wanted::OneOf(vec![3]))));
        assert_eq!(read(&["\"1\", W/\"2\" ,\"3\""]), Ok(Some(Wanted::OneOf(vec![1, 2, 3]))));
        assert_eq!(read(&["\"1\"", "\"2\""]), Ok(Some(Wanted::OneOf(vec![1, 2]))));
        assert_eq!(read(&["\"a,b\""]), Ok(Some(Wanted::OneOf(vec![-1]))), "a comma may stand inside a tag");
        for wrong in ["", "3", "\"3", "W/3", "\"1\" \"2\"", "w/\"3\""] {
            assert!(read(&[wrong]).is_err(), "{wrong}");
        }
    }
}
