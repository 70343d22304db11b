//! From a document's parts to what the register keeps: tidied, bounded, without secrets.

use std::collections::HashSet;

use super::{
    lenient::{Items, Object, Pairs, Text},
    raw, refuse,
};
use crate::{
    catalog::{AuthMethod, AuthScheme, Endpoint, Operation, Scope, Source, ops::DocumentImport},
    check::Check,
    error::Error,
    secret::{self, Place},
    text,
};

pub fn document(raw: &raw::Document) -> Result<DocumentImport, Error> {
    let openapi_version = version(raw)?;
    let names = [&raw.info.title, &raw.info.service_name, &raw.info.provider_name];
    let title = names
        .into_iter()
        .find_map(|name| line(name.0.as_deref(), 200))
        .ok_or_else(|| refuse("info.title is missing: a document has to say what it describes.".into()))?;
    let label = line(raw.info.version.0.as_deref(), 200)
        .ok_or_else(|| refuse("info.version is missing: a document has to say which version it describes.".into()))?;
    let endpoints = endpoints(raw);
    let schemes = if raw.swagger.0.is_some() { &raw.security_definitions } else { &raw.components.security_schemes };
    let (auth_schemes, scopes) = security(schemes);
    let operations = operations(&raw.paths, raw.security.as_ref(), &auth_schemes);
    let mut auth_methods: Vec<AuthMethod> = auth_schemes.iter().map(|scheme| scheme.method).collect();
    auth_methods.sort_unstable();
    auth_methods.dedup();
    Ok(DocumentImport {
        openapi_version,
        provider_name: line(raw.info.provider_name.0.as_deref(), 200),
        service_name: line(raw.info.service_name.0.as_deref(), 200),
        description: prose(raw.info.description.0.as_deref().or(raw.info.summary.0.as_deref()), 8000),
        terms_url: url(raw.info.terms.0.clone()),
        contact_name: line(raw.info.contact.name.0.as_deref(), 200),
        contact_email: email(raw.info.contact.email.0.clone()),
        contact_url: url(raw.info.contact.url.0.clone()),
        licence: line(raw.info.license.name.0.as_deref(), 200),
        licence_url: url(raw.info.license.url.0.clone()),
        documentation_url: url(raw.external_docs.url.0.clone()),
        title,
        label,
        auth_methods,
        auth_schemes,
        endpoints,
        scopes,
        operations,
        ..DocumentImport::default()
    })
}

fn version(raw: &raw::Document) -> Result<String, Error> {
    let said = raw.openapi.0.as_deref().or(raw.swagger.0.as_deref());
    let known = |version: &str| version == "2.0" || version.starts_with("3.0") || version.starts_with("3.1");
    match said {
        Some(version) if known(version) => Ok(text::clip(version, 20).to_owned()),
        Some(other) => {
            Err(refuse(format!("This is OpenAPI {}; Muster reads 2.0, 3.0 and 3.1.", text::clip(other, 20))))
        }
        None => Err(refuse("This is no OpenAPI document: it has neither 'openapi' nor 'swagger' at the top.".into())),
    }
}

/// One line of prose without a secret; white space collapsed, cut at `max` characters.
fn line(value: Option<&str>, max: usize) -> Option<String> {
    let words: Vec<&str> =
        value?.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    keep(text::clip(&words.join(" "), max))
}

/// Prose of several lines without a secret.
fn prose(value: Option<&str>, max: usize) -> Option<String> {
    let clean: String = text::clip(value?, max).chars().filter(|c| !c.is_control() || "\n\t".contains(*c)).collect();
    keep(clean.trim())
}

fn keep(text: &str) -> Option<String> {
    (!text.is_empty() && !secret::looks_secret(text, Place::Prose)).then(|| text.to_owned())
}

fn url(mut value: Option<String>) -> Option<String> {
    let mut check = Check::new();
    check.url("", &mut value);
    check.finish().ok().and(value)
}

fn email(mut value: Option<String>) -> Option<String> {
    let mut check = Check::new();
    check.optional_email("", &mut value);
    check.finish().ok().and(value)
}

fn endpoints(raw: &raw::Document) -> Vec<Endpoint> {
    let mut written: Vec<(String, Option<String>)> = raw
        .servers
        .0
        .iter()
        .filter_map(|server| Some((server.url.0.clone()?, line(server.description.0.as_deref(), 500))))
        .collect();
    if raw.swagger.0.is_some() {
        let base = raw.base_path.0.clone().unwrap_or_default();
        let base = if base.len() > 2000 { String::new() } else { base };
        let schemes: Vec<&str> = raw.schemes.0.iter().filter_map(|scheme| scheme.0.as_deref()).take(8).collect();
        let schemes = if schemes.is_empty() { vec!["https"] } else { schemes };
        match &raw.host.0 {
            Some(host) => written.extend(schemes.iter().map(|scheme| (format!("{scheme}://{host}{base}"), None))),
            None if !base.is_empty() => written.push((base, None)),
            None => {}
        }
    }
    let mut seen = HashSet::new();
    written
        .into_iter()
        .filter(|(url, _)| url.chars().count() <= 2000 && keep(url).is_some() && seen.insert(url.clone()))
        .filter_map(|(url, description)| Endpoint::imported(url, description))
        .take(500)
        .collect()
}

fn security(schemes: &Pairs<Object<raw::SecurityScheme>>) -> (Vec<AuthScheme>, Vec<Scope>) {
    let (mut found, mut scopes, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for (name, scheme) in schemes.0.iter().take(200) {
        let Some((method, detail)) = method(scheme) else { continue };
        let Some(name) = line(Some(name), 200) else { continue };
        let offered = scheme.flows.0.iter().flat_map(|(_, flow)| &flow.scopes.0).chain(&scheme.scopes.0);
        for (scope, description) in offered {
            let Some(scope) = line(Some(scope), 500) else { continue };
            if seen.insert((name.clone(), scope.clone())) && scopes.len() < 5000 {
                let description = prose(description.0.as_deref(), 2000);
                scopes.push(Scope { name: scope, description, scheme: name.clone(), source: Source::Import });
            }
        }
        found.push(AuthScheme { name, method, detail });
    }
    (found, scopes)
}

fn method(scheme: &raw::SecurityScheme) -> Option<(AuthMethod, Option<String>)> {
    let text = |value: &Text| value.0.as_deref().and_then(|v| line(Some(v), 100));
    let http = scheme.scheme.0.as_deref().unwrap_or_default().to_ascii_lowercase();
    Some(match scheme.kind.0.as_deref()? {
        "apiKey" => {
            let place = text(&scheme.place).unwrap_or_default();
            (AuthMethod::ApiKey, Some(format!("{} in {place}", text(&scheme.name).unwrap_or_default())))
        }
        "basic" => (AuthMethod::HttpBasic, None),
        "http" if http == "basic" => (AuthMethod::HttpBasic, None),
        "http" if http == "bearer" => (AuthMethod::HttpBearer, None),
        "http" if http == "mutual" => (AuthMethod::MutualTls, None),
        "http" => (AuthMethod::HttpOther, line(Some(&http), 100)),
        "mutualTLS" => (AuthMethod::MutualTls, None),
        "openIdConnect" => (AuthMethod::OpenidConnect, None),
        "oauth2" => {
            let flows: Vec<&str> = scheme.flows.0.iter().map(|(name, _)| name.as_str()).collect();
            let flows = if flows.is_empty() { scheme.flow.0.iter().map(String::as_str).collect() } else { flows };
            (AuthMethod::Oauth2, line(Some(&flows.join(", ")), 200))
        }
        _ => return None,
    })
}

/// A security requirement list: alternatives of schemes with their scopes.
type Security = Items<Pairs<Items<Text>>>;

/// Operations of one document at most, and scope names over all of them together.
const MOST_OPERATIONS: usize = 50_000;
const MOST_NEEDED: usize = 500_000;

fn operations(paths: &Pairs<raw::PathItem>, global: Option<&Security>, schemes: &[AuthScheme]) -> Vec<Operation> {
    let scoped: HashSet<&str> = schemes
        .iter()
        .filter(|s| matches!(s.method, AuthMethod::Oauth2 | AuthMethod::OpenidConnect))
        .map(|s| s.name.as_str())
        .collect();
    let everywhere = needed(global, &scoped);
    let (mut found, mut seen, mut named) = (Vec::new(), HashSet::new(), 0);
    for (path, item) in &paths.0 {
        let Some(path) = line(Some(path), 2000).filter(|path| path.len() <= 2000) else { continue };
        for (method, operation) in &item.0 {
            if found.len() >= MOST_OPERATIONS {
                return found;
            }
            if !seen.insert((path.clone(), *method)) {
                continue;
            }
            let mut scopes = match &operation.security {
                Some(own) => needed(Some(own), &scoped),
                None => everywhere.clone(),
            };
            named += scopes.len();
            if named > MOST_NEEDED {
                scopes.clear();
            }
            found.push(Operation {
                method: (*method).to_owned(),
                path: path.clone(),
                operation_id: line(operation.operation_id.0.as_deref(), 300),
                summary: line(operation.summary.0.as_deref(), 500),
                scopes,
                deprecated: operation.deprecated.is_true(),
            });
        }
    }
    found
}

/// The scopes named by any alternative, each once; 100 at most, of the first 1,000 names.
fn needed(security: Option<&Security>, scoped: &HashSet<&str>) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    let alternatives = security.iter().flat_map(|s| &s.0).flat_map(|alternative| &alternative.0);
    let names = alternatives.filter(|(scheme, _)| scoped.contains(scheme.as_str())).flat_map(|(_, names)| &names.0);
    for name in names.take(1000).filter_map(|name| line(name.0.as_deref(), 300)) {
        if !scopes.contains(&name) && scopes.len() < 100 {
            scopes.push(name);
        }
    }
    scopes
}
