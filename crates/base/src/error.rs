//! The one error of every operation, and the field errors it may carry.

use serde::Serialize;

/// One fault of the input: where it is (an RFC 6901 JSON pointer), and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// RFC 6901 pointer into the input, such as `/endpoints/0/url`; empty for the whole input.
    pub pointer: String,
    /// What is wrong and what to do, in one sentence.
    pub message: String,
}

/// Every fault of one input, in the order in which they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// An empty collection, to be filled by `add` and closed by `finish`.
    pub fn new() -> Self {
        Self::default()
    }

    /// A collection with one fault.
    pub fn one(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        let mut errors = Self::new();
        errors.add(pointer, message);
        errors
    }

    /// Notes a fault.
    pub fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError { pointer: pointer.into(), message: message.into() });
    }

    /// Notes the faults of a part under the part's own pointer.
    pub fn add_all(&mut self, prefix: &str, other: FieldErrors) {
        for error in other.0 {
            self.add(format!("{prefix}{}", error.pointer), error.message);
        }
    }

    /// `Ok` when nothing is wrong.
    pub fn finish(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self)) }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The faults, as a slice.
    pub fn as_slice(&self) -> &[FieldError] {
        &self.0
    }
}

impl std::fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, error) in self.0.iter().enumerate() {
            let gap = if n == 0 { "" } else { "; " };
            let place = if error.pointer.is_empty() { "" } else { ": " };
            write!(f, "{gap}{}{place}{}", error.pointer, error.message)?;
        }
        Ok(())
    }
}

/// Why an operation did not happen. Nothing was written when one of these is returned.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The thing named does not exist.
    #[error("There is no such {0}.")]
    NotFound(&'static str),
    /// Nobody is signed in, or the token does not hold.
    #[error("Sign in, or send a valid token.")]
    Unauthenticated,
    /// Signed in, but not allowed; says which right is missing.
    #[error("{0}")]
    Forbidden(String),
    /// Signed in, and allowed, but not freshly or not strongly enough: sign in once more.
    #[error("This needs a sign-in that is fresh and strong. Confirm that it is you, then it goes on.")]
    StepUp,
    /// The input is wrong; every fault is named.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// The state of the register does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// Somebody changed the record meanwhile: the revision given is not the current one.
    #[error("Somebody changed this meanwhile: you had revision {given}, it is now at {current}.")]
    Stale {
        /// The revision the change was based on.
        given: i64,
        /// The revision the record has now.
        current: i64,
    },
    /// A write without the `If-Match` that it needs.
    #[error("Send If-Match with the ETag that you read, so that nobody's change is lost.")]
    PreconditionRequired,
    /// The input is larger than the limit, named in the text.
    #[error("{0}")]
    TooLarge(String),
    /// Too many requests; the seconds after which to try again.
    #[error("Too many requests. Try again in {0} s.")]
    TooMany(u64),
    /// A part that is needed does not answer; trying again may help.
    #[error("{0}")]
    Unavailable(String),
    /// A fault of ours; logged, never shown.
    #[error("Something went wrong on our side.")]
    Internal(#[source] anyhow::Error),
}

impl Error {
    /// One invalid field.
    pub fn field(pointer: &str, message: impl Into<String>) -> Self {
        Self::Invalid(FieldErrors::one(pointer, message))
    }

    /// An internal fault with a text for the log.
    pub fn internal(message: impl std::fmt::Display) -> Self {
        Self::Internal(anyhow::anyhow!("{message}"))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => Self::Unavailable("The database is busy. Try again in a moment.".into()),
            sqlx::Error::Io(_) | sqlx::Error::PoolClosed => {
                tracing::warn!(%error, "database unreachable");
                Self::Unavailable("The database does not answer. Try again in a moment.".into())
            }
            sqlx::Error::Database(db) => match constraint_fault(db.as_ref()) {
                Some(fault) => fault,
                None => Self::Internal(error.into()),
            },
            _ => Self::Internal(error.into()),
        }
    }
}

/// Turns a violated constraint into the field error that a person can act on.
fn constraint_fault(db: &dyn sqlx::error::DatabaseError) -> Option<Error> {
    match db.code().as_deref() {
        Some("55P03" | "57014" | "53300" | "57P01" | "57P02" | "57P03") => {
            return Some(Error::Unavailable("The database is busy. Try again in a moment.".into()));
        }
        // Text with a NUL, a moment out of range, a key too long for its index.
        Some("22021" | "22007" | "22008" | "22009" | "22P05" | "54000") => {
            return Some(Error::field(
                "",
                "This holds a value that cannot be kept: a NUL character, a date out of range, or a text that is too long.",
            ));
        }
        Some("40001" | "40P01") => {
            return Some(Error::Conflict("Two changes met. Try again.".into()));
        }
        _ => {}
    }
    crate::feature::refusal(db.constraint()?, db.message())
}

/// Refuses what was based on another revision than the one that holds.
pub fn same_revision(given: i64, current: i64) -> Result<(), Error> {
    if given == current { Ok(()) } else { Err(Error::Stale { given, current }) }
}
