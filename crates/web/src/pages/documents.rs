//! A vendor's document as it was imported.

use axum::{
    Router,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{Web, error::PageError, extract::Signed};
use register::catalog::ops;

pub fn router() -> Router<Web> {
    Router::new().route("/documents/{sha256}", get(download))
}

/// Always a download: a document of somebody else's is never shown under our origin.
async fn download(State(web): State<Web>, signed: Signed, Path(sha256): Path<String>) -> Result<Response, PageError> {
    let (kind, body) = ops::document(&web.app, &signed.actor, &sha256).await?;
    let extension = match kind.as_str() {
        kind if kind.contains("yaml") => "yaml",
        kind if kind.contains("zip") => "zip",
        _ => "json",
    };
    let name = format!("attachment; filename=\"{}.{extension}\"", base::text::clip(&sha256, 12));
    let headers =
        [(header::CONTENT_TYPE, kind), (header::CONTENT_ENCODING, "gzip".into()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, body).into_response())
}
