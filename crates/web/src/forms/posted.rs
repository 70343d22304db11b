//! A posted form: its token checked, its pairs as JSON.

use super::Typed;
use crate::{Web, csrf, error::PageError, extract::Signed};
use axum::{
    body::Bytes,
    extract::{FromRef, FromRequest, FromRequestParts, Request},
};
use base::error::Error;

/// A form posted by a signed-in person from a page of ours.
#[derive(Debug)]
pub struct Posted {
    /// Who posted it.
    pub signed: Signed,
    typed: Typed,
}

impl std::ops::Deref for Posted {
    type Target = Typed;
    fn deref(&self) -> &Typed {
        &self.typed
    }
}

impl<S: Send + Sync> FromRequest<S> for Posted
where
    Web: FromRef<S>,
{
    type Rejection = PageError;
    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let signed = Signed::from_request_parts(&mut parts, state).await?;
        let bytes = Bytes::from_request(Request::from_parts(parts, body), state).await;
        let bytes = bytes.map_err(|_| Error::TooLarge("This form is too large.".into()))?;
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(&bytes).into_owned().collect();
        let posted = Self { signed, typed: Typed(pairs) };
        csrf::check_token(&posted.signed.session, posted.get("csrf"))?;
        Ok(posted)
    }
}
