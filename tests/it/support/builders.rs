//! Small documents and contents.

use muster::{
    catalog::{VendorContent, ops::DocumentImport},
    config::ImportLimits,
    imports::openapi::{self, Door},
};
use serde_json::{Value, json};

pub const LIMITS: ImportLimits = ImportLimits { json: 1 << 26, yaml: 1 << 24, upload: 1 << 24 };

/// A document of a provider with one scope and two operations.
pub fn document(provider: &str, service: &str, version: &str) -> Value {
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": format!("{provider} {service}"), "version": version, "description": "Takes payments.",
            "x-providerName": provider, "x-serviceName": service,
            "license": { "name": "MIT" }, "contact": { "email": "api@example.com" }
        },
        "servers": [{ "url": format!("https://api.{provider}/v1") }],
        "components": { "securitySchemes": { "oauth": { "type": "oauth2", "flows": { "authorizationCode": {
            "authorizationUrl": "https://x.example/a", "tokenUrl": "https://x.example/t",
            "scopes": { "charges.read": "See charges", "charges.write": "Make charges" } } } } } },
        "paths": { "/charges": {
            "get": { "operationId": "listCharges", "summary": "List charges", "security": [{ "oauth": ["charges.read"] }] },
            "post": { "operationId": "makeCharge", "deprecated": true, "security": [{ "oauth": ["charges.write"] }] } } }
    })
}

pub fn read(document: &Value) -> DocumentImport {
    openapi::read(document.to_string().as_bytes(), Door::Cli, &LIMITS).expect("a document")
}

pub fn vendor(name: &str) -> VendorContent {
    VendorContent { name: name.into(), ..VendorContent::default() }
}
