//! Requests to a router, as a script or as a browser.

use std::io::Read;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::strict::Strict;

/// An answer.
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> serde_json::Value {
        let read: Result<Strict, _> = serde_json::from_slice(&self.body);
        read.unwrap_or_else(|error| panic!("{}: {error}: {}", self.status, self.text())).0
    }
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
    /// The pointers of a problem's fields.
    pub fn pointers(&self) -> Vec<String> {
        let problem = self.json();
        let fields = problem["errors"].as_array().cloned().unwrap_or_default();
        fields.iter().map(|field| field["pointer"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// Sends a request with these headers. Like a browser it takes a compressed answer, unless they say otherwise, and
/// unpacks it.
pub async fn send(router: Router, method: &str, path: &str, headers: &[(&str, String)], body: Vec<u8>) -> Reply {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "localhost");
    }
    if !headers.iter().any(|(name, _)| *name == "accept-encoding") {
        request = request.header("accept-encoding", "gzip");
    }
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let response = router.oneshot(request.body(Body::from(body)).expect("a request")).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let mut body = body.collect().await.expect("a body").to_bytes().to_vec();
    if parts.headers.get("content-encoding").is_some_and(|encoding| encoding == "gzip") {
        let packed = std::mem::take(&mut body);
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut body).expect("whole gzip");
    }
    Reply { status: parts.status, headers: parts.headers, body }
}

/// A signed-in browser.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    pub cookie: String,
    pub csrf: String,
}

impl Browser {
    /// Presses the button of a sign-in link.
    pub async fn sign_in(router: Router, secret: &str) -> Self {
        let reply = send(
            router.clone(),
            "POST",
            &format!("/sign-in/{secret}"),
            &[("sec-fetch-site", "same-origin".into())],
            Vec::new(),
        )
        .await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.text());
        let cookie = reply.header("set-cookie").split(';').next().expect("a cookie").to_owned();
        Self::with_cookie(router, cookie).await
    }

    /// With the cookie of a session.
    pub async fn with_cookie(router: Router, cookie: String) -> Self {
        let page = send(router.clone(), "GET", "/account", &[("cookie", cookie.clone())], Vec::new()).await.text();
        let csrf = page
            .split("name=\"csrf\" value=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .expect("a token")
            .to_owned();
        Self { router, cookie, csrf }
    }

    pub async fn get(&self, path: &str) -> Reply {
        send(self.router.clone(), "GET", path, &[("cookie", self.cookie.clone())], Vec::new()).await
    }

    /// Posts a form from a page of ours.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let mut all = vec![("csrf", self.csrf.as_str())];
        all.extend(fields);
        self.post_raw(path, &all, &[("sec-fetch-site", "same-origin".into())]).await
    }

    /// Posts a body of another type from a page of ours.
    pub async fn post_bytes(&self, path: &str, content_type: &str, body: Vec<u8>) -> Reply {
        let headers = [
            ("cookie", self.cookie.clone()),
            ("content-type", content_type.to_owned()),
            ("sec-fetch-site", "same-origin".to_owned()),
        ];
        send(self.router.clone(), "POST", path, &headers, body).await
    }

    /// Posts a form with exactly these fields and headers besides the cookie.
    pub async fn post_raw(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, String)]) -> Reply {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut all =
            vec![("cookie", self.cookie.clone()), ("content-type", "application/x-www-form-urlencoded".into())];
        all.extend(headers.iter().cloned());
        send(self.router.clone(), "POST", path, &all, body.into_bytes()).await
    }
}
