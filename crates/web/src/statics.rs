//! Style, script, font and icons, built into the binary.

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rust_embed::RustEmbed;

use super::Web;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../static/"]
struct Own;

#[derive(RustEmbed)]
#[folder = "$OUT_DIR/web/"]
struct Fetched;

pub fn router() -> Router<Web> {
    Router::new().route("/static/{*path}", get(file)).route("/favicon.ico", get(icon))
}

async fn icon(headers: HeaderMap) -> Response {
    file(Path("icon.svg".into()), headers).await
}

async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let Some(file) = Own::get(&path).or_else(|| Fetched::get(&path)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = format!("\"{}\"", data_encoding::HEXLOWER.encode(&file.metadata.sha256_hash()[..8]));
    if headers.get(header::IF_NONE_MATCH).is_some_and(|given| given.as_bytes() == tag.as_bytes()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let kind = file.metadata.mimetype().to_owned();
    let caching = "public, max-age=3600, must-revalidate".to_owned();
    ([(header::CONTENT_TYPE, kind), (header::ETAG, tag), (header::CACHE_CONTROL, caching)], file.data).into_response()
}

/// A short mark of the style and script, so that a new version is fetched at once.
pub fn mark() -> &'static str {
    static MARK: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let hash = |name: &str| Own::get(name).map(|file| file.metadata.sha256_hash()).unwrap_or_default();
        let (style, script) = (hash("app.css"), hash("app.js"));
        data_encoding::HEXLOWER.encode(&[style[0], style[1], style[2], script[0], script[1], script[2]])
    });
    &MARK
}
