//! How the OpenAPI document describes a request's phase: one flat object. Generators of clients drop
//! every type that merges a union into another object, and with it the operations that answer it.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use super::Phase;

/// Where the request is in its life. Before the first submission and after a withdrawal there is no
/// hash; `closed_at` is there once it is applied, rejected or withdrawn.
#[derive(ToSchema)]
#[expect(dead_code, reason = "Only its schema is read.")]
struct PhaseFields {
    /// The state.
    state: RequestState,
    /// SHA-256 of the canonical content, in hexadecimal.
    #[schema(nullable = false)]
    content_hash: Option<String>,
    /// The same without what is immaterial.
    #[schema(nullable = false)]
    material_hash: Option<String>,
    /// When it was submitted last.
    #[schema(nullable = false)]
    submitted_at: Option<DateTime<Utc>>,
    /// Since when someone has to act.
    #[schema(nullable = false)]
    waiting_since: Option<DateTime<Utc>>,
    /// When it was applied, rejected or withdrawn.
    #[schema(nullable = false)]
    closed_at: Option<DateTime<Utc>>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "Only its schema is read.")]
enum RequestState {
    Draft,
    Open,
    ChangesRequested,
    Approved,
    Applied,
    Rejected,
    Withdrawn,
}

impl PartialSchema for Phase {
    fn schema() -> RefOr<Schema> {
        PhaseFields::schema()
    }
}

impl ToSchema for Phase {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Phase")
    }
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        PhaseFields::schemas(schemas);
    }
}
