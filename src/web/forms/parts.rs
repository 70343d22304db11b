//! A multipart form: its fields and one file, within limits.

use axum::extract::Multipart;

use super::Typed;
use crate::{
    error::Error,
    web::{Web, csrf, extract::Signed},
};

/// What a multipart form brought.
#[derive(Debug, Default)]
pub struct Parts {
    /// Its fields.
    pub typed: Typed,
    /// The name of its file; empty where there is none.
    pub file_name: String,
    /// The bytes of its file.
    pub bytes: Vec<u8>,
}

/// Fields of one form beside its file, in bytes.
const MOST_TEXT: usize = 1 << 20;

impl Parts {
    /// Reads a form; the last file counts.
    pub async fn read(web: &Web, mut form: Multipart) -> Result<Self, Error> {
        let limit = web.app.config.limits.upload;
        let broken = |_| Error::field("/file", "The upload broke off.");
        let mut parts = Self::default();
        let mut fields = Vec::new();
        let mut length = 0;
        while let Some(mut field) = form.next_field().await.map_err(broken)? {
            let name = field.name().unwrap_or_default().to_owned();
            let file = field.file_name().map(str::to_owned);
            let mut bytes = Vec::new();
            while let Some(chunk) = field.chunk().await.map_err(broken)? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() as u64 > limit {
                    return Err(Error::TooLarge(format!("The file is larger than {} MiB.", limit >> 20)));
                }
            }
            match file {
                Some(file) if !bytes.is_empty() => (parts.file_name, parts.bytes) = (file, bytes),
                Some(_) => {}
                None => {
                    length += bytes.len();
                    if length > MOST_TEXT {
                        return Err(Error::TooLarge("This form is too large.".into()));
                    }
                    fields.push((name, String::from_utf8_lossy(&bytes).into_owned()));
                }
            }
        }
        parts.typed = Typed(fields);
        Ok(parts)
    }

    /// The same, posted by somebody signed in from a page of ours.
    pub async fn signed(web: &Web, signed: &Signed, form: Multipart) -> Result<Self, Error> {
        let parts = Self::read(web, form).await?;
        csrf::check_token(&signed.session, parts.typed.get("csrf"))?;
        Ok(parts)
    }
}
