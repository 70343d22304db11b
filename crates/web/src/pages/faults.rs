//! Forms that come back with what is wrong beside their fields.

use axum::{http::StatusCode, response::Response};

use crate::telemetry::note_refusal;
use base::error::Error;

/// What is wrong, as a page shows it; what is no fault of the input goes on as it is.
pub fn faults(error: Error) -> Result<Vec<(String, String)>, Error> {
    match error {
        Error::Invalid(errors) => {
            Ok(errors.as_slice().iter().map(|error| (error.pointer.clone(), error.message.clone())).collect())
        }
        Error::Forbidden(reason) => {
            note_refusal(&reason);
            Ok(vec![(String::new(), reason)])
        }
        error @ (Error::Conflict(_) | Error::Stale { .. } | Error::TooLarge(_)) => {
            Ok(vec![(String::new(), error.to_string())])
        }
        other => Err(other),
    }
}

/// The same in lines, each with the name of its field.
pub fn labelled(error: Error) -> Result<Vec<String>, Error> {
    let line = |(pointer, message): (String, String)| match pointer.trim_start_matches('/') {
        "" => message,
        field => format!("{}: {message}", base::words::label(field)),
    };
    Ok(faults(error)?.into_iter().map(line).collect())
}

/// The same page, which says what is wrong with what was sent.
pub fn unprocessable(mut response: Response) -> Response {
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    response
}

/// The messages for a field of a form, or for anything within it.
pub fn faults_at<'a>(errors: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    let of = |pointer: &str| {
        let pointer = pointer.trim_start_matches('/');
        pointer == name || pointer.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'))
    };
    errors.iter().filter(|(pointer, _)| of(pointer)).map(|(_, message)| message.as_str()).collect()
}
