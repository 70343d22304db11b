//! A multipart form: its fields and its files, within limits.

use axum::{
    body::Bytes,
    extract::{FromRequest, Multipart, Request},
    http::header,
};

use super::Typed;
use crate::{Web, csrf, extract::Signed};
use base::error::Error;

/// What a multipart form brought.
#[derive(Debug, Default)]
pub struct Parts {
    /// Its fields.
    pub typed: Typed,
    /// Its files, as far as one was chosen.
    pub files: Vec<PostedFile>,
}

/// A file of a form.
#[derive(Debug)]
pub struct PostedFile {
    /// The name of its field.
    pub field: String,
    /// Its own name, as the browser gives it.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Fields of one form beside its files, in bytes.
const MOST_TEXT: usize = 1 << 20;

impl Parts {
    /// Reads a form; all its files together keep to the limit of one upload.
    pub async fn read(web: &Web, mut form: Multipart) -> Result<Self, Error> {
        let limit = web.app.config.limits.upload;
        let broken = |_| Error::field("/file", "The upload broke off.");
        let mut parts = Self::default();
        let mut fields = Vec::new();
        let (mut length, mut size) = (0, 0);
        while let Some(mut field) = form.next_field().await.map_err(broken)? {
            let name = field.name().unwrap_or_default().to_owned();
            let file = field.file_name().map(str::to_owned);
            let mut bytes = Vec::new();
            while let Some(chunk) = field.chunk().await.map_err(broken)? {
                // Text has a limit of its own.
                size += if file.is_some() { chunk.len() as u64 } else { 0 };
                if size > limit {
                    return Err(Error::TooLarge(format!("This is larger than {} MiB.", limit >> 20)));
                }
                bytes.extend_from_slice(&chunk);
                if file.is_none() && bytes.len() > MOST_TEXT {
                    return Err(Error::TooLarge("This form is too large.".into()));
                }
            }
            match file {
                Some(file) if !bytes.is_empty() => parts.files.push(PostedFile { field: name, name: file, bytes }),
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

    /// Reads what a form posts, with files or without.
    pub async fn posted(web: &Web, request: Request) -> Result<Self, Error> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
            let form = Multipart::from_request(request, web).await;
            let form = form.map_err(|_| Error::field("/file", "Send the form from its page."))?;
            return Self::read(web, form).await;
        }
        let bytes = Bytes::from_request(request, web).await;
        let bytes = bytes.map_err(|_| Error::TooLarge("This form is too large.".into()))?;
        let typed = Typed(url::form_urlencoded::parse(&bytes).into_owned().collect());
        Ok(Self { typed, files: Vec::new() })
    }

    /// The file of a form that has one.
    pub fn file(self) -> Option<PostedFile> {
        self.files.into_iter().next()
    }

    /// The same, posted by somebody signed in from a page of ours.
    pub async fn signed(web: &Web, signed: &Signed, form: Multipart) -> Result<Self, Error> {
        let parts = Self::read(web, form).await?;
        csrf::check_token(&signed.session, parts.typed.get("csrf"))?;
        Ok(parts)
    }
}
