//! `/api/v1`: JSON in, operation, JSON out.

mod assessments;
mod audit_events;
mod body;
mod campaigns;
mod catalog;
mod evidence;
mod identity;
mod imports;
mod integrations;
mod merges;
mod policy;
mod publication;
mod requests;
mod resource;
mod risk;
mod settings;
mod versions;

use axum::{Router, body::Bytes, http::header, middleware, response::IntoResponse, routing::get};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        ContentBuilder, Ref, RefOr, ResponseBuilder,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{ArrayBuilder, ObjectBuilder, Schema, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{Web, idempotent};
pub(super) use audit_events::filter as audit_filter;
use base::{
    feature,
    lists::{Spec, Test},
};
pub(super) use catalog::subject;
pub(super) use imports::read as read_document;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Muster",
        description = "The register of third-party APIs. Every call needs a token: `Authorization: Bearer muster_…`. \
            Writes to a record carry `If-Match` with its ETag; a POST may carry an `Idempotency-Key`. \
            Lists can be had as CSV or NDJSON by `Accept`. Errors are RFC 9457 problem details with a pointer for each field.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    modifiers(&Security),
    security(("token" = []))
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// The API and its document.
pub fn router(web: &Web) -> (Router<Web>, utoipa::openapi::OpenApi) {
    let (router, mut document) = OpenApiRouter::<Web>::with_openapi(Document::openapi())
        .nest("/api/v1", catalog::router())
        .nest("/api/v1", merges::router())
        .nest("/api/v1", versions::router())
        .nest("/api/v1", identity::router())
        .nest("/api/v1", integrations::router())
        .nest("/api/v1", requests::router())
        .nest("/api/v1", policy::router())
        .nest("/api/v1", assessments::router())
        .nest("/api/v1", evidence::router())
        .nest("/api/v1", risk::router())
        .nest("/api/v1", campaigns::router())
        .nest("/api/v1", imports::router())
        .nest("/api/v1", audit_events::router())
        .nest("/api/v1", settings::router())
        .split_for_parts();
    open_parts(&mut document);
    refusals(&mut document);
    for table in feature::tables().0 {
        document_filters(&mut document, &format!("/api/v1/{}", table.key.replace('_', "-")), table.spec);
    }
    let router = router.layer(middleware::from_fn_with_state(web.clone(), idempotent::once));
    (router, document)
}

/// What is part of something larger takes the larger one's fields beside its own: a schema that is
/// joined by `allOf` cannot forbid them.
fn open_parts(document: &mut utoipa::openapi::OpenApi) {
    let Some(components) = document.components.as_mut() else { return };
    let mut parts = Vec::new();
    for schema in components.schemas.values() {
        if let RefOr::T(Schema::AllOf(all)) = schema {
            for item in &all.items {
                if let RefOr::Ref(reference) = item {
                    parts.extend(reference.ref_location.rsplit('/').next().map(str::to_owned));
                }
            }
        }
    }
    for name in parts {
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(&name) {
            object.additional_properties = None;
        }
    }
}

/// Says of every operation that it refuses with problem details, where it does not say more itself.
fn refusals(document: &mut utoipa::openapi::OpenApi) {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let refused = ResponseBuilder::new().description("Refused").content("application/problem+json", content).build();
    for path in document.paths.paths.values_mut() {
        let operations = [&mut path.get, &mut path.put, &mut path.post, &mut path.delete, &mut path.patch];
        for operation in operations.into_iter().flatten() {
            operation.responses.responses.entry("4XX".into()).or_insert_with(|| RefOr::T(refused.clone()));
        }
    }
}

/// Names the filters of a list, which are read from its closed set.
fn document_filters(document: &mut utoipa::openapi::OpenApi, path: &str, spec: &Spec) {
    let Some(list) = document.paths.paths.get_mut(path).and_then(|item| item.get.as_mut()) else { return };
    let parameters = list.parameters.get_or_insert_with(Vec::new);
    for filter in spec.filters {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let date = matches!(filter.test, Test::Before(_) | Test::From(_));
        let schema: RefOr<utoipa::openapi::Schema> = if date {
            text.format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Date))).into()
        } else if matches!(filter.test, Test::OlderThan(_)) {
            ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(65_535)).into()
        } else {
            ArrayBuilder::new().items(text).into()
        };
        let parameter: Parameter = ParameterBuilder::new()
            .name(filter.name)
            .parameter_in(ParameterIn::Query)
            .description(Some(format!("{}; several values are alternatives.", filter.label)))
            .schema(Some(schema))
            .build();
        parameters.push(RefOr::T(parameter));
    }
    let sort = parameters.iter_mut().find_map(|parameter| match parameter {
        RefOr::T(parameter) if parameter.name == "sort" => Some(parameter),
        _ => None,
    });
    if let Some(sort) = sort {
        let names = spec.sorts.iter().flat_map(|sort| [sort.name.to_owned(), format!("-{}", sort.name)]);
        let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names.collect::<Vec<_>>()));
        sort.schema = Some(schema.into());
    }
}

/// The document itself, and a page to read it on that loads nothing from elsewhere.
pub fn docs(document: &utoipa::openapi::OpenApi) -> Router<Web> {
    let json = Bytes::from(document.to_json().unwrap_or_default());
    let page: Router<Web> = SwaggerUi::new("/api/v1/docs")
        .config(Config::new(["/api/v1/openapi.json"]).use_base_layout().validator_url("none"))
        .into();
    page.route(
        "/api/v1/openapi.json",
        get(move || {
            let json = json.clone();
            async move { ([(header::CONTENT_TYPE, "application/json")], json).into_response() }
        }),
    )
}
