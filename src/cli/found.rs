//! What was read in a document, for those who compare readers.

use serde_json::{Value, json};

use register::catalog::ops::DocumentImport;

/// What was read in a document, so that another reader can be compared with it.
pub fn found(document: &DocumentImport) -> Value {
    let operations: Vec<String> = document
        .operations
        .iter()
        .map(|one| format!("{} {} {}", one.direction.key(), one.method.to_uppercase(), one.path))
        .collect();
    let mut hosts: Vec<&str> = document.endpoints.iter().map(|endpoint| endpoint.host_pattern.as_str()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let scopes: Vec<&str> = document.scopes.iter().map(|scope| scope.name.as_str()).collect();
    json!({ "title": document.title, "operations": operations, "hosts": hosts, "scopes": scopes })
}
