//! A posted form: its token checked, its pairs as JSON.

use axum::{
    body::Bytes,
    extract::{FromRef, FromRequest, FromRequestParts, Request},
};
use serde_json::{Map, Value};

use super::{FieldKind, FormSpec};
use crate::{
    error::Error,
    web::{Web, csrf, error::PageError, extract::Signed},
};

/// A form posted by a signed-in person from a page of ours.
#[derive(Debug)]
pub struct Posted {
    /// Who posted it.
    pub signed: Signed,
    pairs: Vec<(String, String)>,
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
        let posted = Self { signed, pairs };
        csrf::check_token(&posted.signed.session, posted.get("csrf"))?;
        Ok(posted)
    }
}

impl Posted {
    /// The first value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a name.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.pairs
            .iter()
            .filter(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.clone())
            .collect()
    }

    /// The revision that the form was opened with.
    pub fn revision(&self) -> Result<i64, Error> {
        let text = self.get("revision").unwrap_or_default();
        text.parse().map_err(|_| Error::field("/revision", "Open the form anew."))
    }

    /// What was typed, over what was there: fields that the form did not show stay.
    pub fn over(&self, spec: &FormSpec, present: Value) -> Map<String, Value> {
        let mut fields = match present {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        for field in spec.fields() {
            if let Some(value) = self.value(field.name, &field.kind) {
                // Where the content holds a text that may be empty, empty is not null.
                let plain = value.is_null() && fields.get(field.name).is_some_and(Value::is_string);
                let value = if plain && field.name == "slug" { Value::String(String::new()) } else { value };
                fields.insert(field.name.to_owned(), value);
            }
        }
        fields
    }

    fn value(&self, name: &str, kind: &FieldKind) -> Option<Value> {
        let text = |name: &str| self.get(name).map(|text| text.replace("\r\n", "\n"));
        let or_null = |text: String| if text.trim().is_empty() { Value::Null } else { Value::String(text) };
        match kind {
            FieldKind::Needed | FieldKind::Select(_) => text(name).map(Value::String),
            FieldKind::Text
            | FieldKind::Lines
            | FieldKind::Url
            | FieldKind::Email
            | FieldKind::Date
            | FieldKind::Maybe(_)
            | FieldKind::Suggest => text(name).map(or_null),
            FieldKind::Number(_) | FieldKind::Count => {
                text(name).map(|text| text.trim().parse::<i64>().map_or_else(|_| or_null(text), Value::from))
            }
            FieldKind::Words => text(name).map(|text| {
                text.split([',', '\n']).map(str::trim).filter(|word| !word.is_empty()).map(Value::from).collect()
            }),
            FieldKind::Checks(_) | FieldKind::ChecksOf => {
                self.get(&format!("{name}.present"))?;
                Some(self.all(name).into_iter().map(Value::from).collect())
            }
            FieldKind::Rows(columns) => {
                self.get(&format!("{name}.present"))?;
                let row = |n: usize| -> Map<String, Value> {
                    let cell = |column: &super::SubField| {
                        Some((column.name.to_owned(), or_null(text(&format!("{name}.{n}.{}", column.name))?)))
                    };
                    columns.iter().filter_map(cell).collect()
                };
                let filled = |row: &Map<String, Value>| {
                    let typed = columns.iter().filter(|column| column.words.is_empty());
                    typed.into_iter().any(|column| row.get(column.name).is_some_and(|value| !value.is_null()))
                };
                let rows = (0..600).map(row).take_while(|row| !row.is_empty()).filter(filled);
                Some(
                    rows.map(|row| Value::Object(row.into_iter().filter(|(_, value)| !value.is_null()).collect()))
                        .collect(),
                )
            }
        }
    }
}
