//! Security schemes, the scopes that they offer, and what operations need of them.

use std::collections::HashSet;

use super::{
    extract::{line, name, prose},
    node::{Documents, Node, Object},
    notes::Notes,
    refuse,
};
use crate::catalog::{AuthMethod, AuthScheme, Scope, Source};
use base::error::Error;

/// Security schemes of one document at most.
const MOST_SCHEMES: usize = 200;
/// Scopes of one document at most.
const MOST_SCOPES: usize = 5000;

/// The schemes of a document and the scopes that they offer. Refuses a scheme that is in a file which did not come.
pub fn schemes<'a>(
    documents: &Documents<'a>,
    schemes: &Object<'a>,
    notes: &mut Notes,
) -> Result<(Vec<AuthScheme>, Vec<Scope>), Error> {
    let (mut found, mut scopes, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for (key, node) in schemes.entries().take(MOST_SCHEMES) {
        let missing = |reason| refuse(format!("The security scheme '{}': {reason}.", base::text::clip(key, 80)));
        let scheme = documents.object(node).map_err(missing)?;
        let Some(scheme_name) = name(Some(key), 200) else { continue };
        let flows = children(documents, &scheme, "flows");
        let Some((method, detail)) = method(&scheme, &flows) else {
            notes.add(format!("The security scheme '{scheme_name}' is of no known type and was left out."));
            continue;
        };
        let own = scheme.get("scopes").map(|node| documents.plain(node)).unwrap_or_default();
        let mut offered = vec![own];
        for (_, flow) in flows.entries() {
            let flow = documents.object(flow).unwrap_or_default();
            offered.push(children(documents, &flow, "scopes"));
        }
        for (scope, description) in offered.iter().flat_map(Object::entries) {
            let Some(scope) = name(Some(scope), 500) else { continue };
            if !seen.insert((scheme_name.clone(), scope.clone())) {
                continue;
            }
            if scopes.len() >= MOST_SCOPES {
                notes.add(format!("Only the first {MOST_SCOPES} scopes were read."));
                break;
            }
            let description = prose(description.scalar().as_deref(), 2000, "a scope", notes);
            scopes.push(Scope { name: scope, description, scheme: scheme_name.clone(), source: Source::Import });
        }
        found.push(AuthScheme { name: scheme_name, method, detail });
    }
    Ok((found, scopes))
}

/// The object under a key; empty where it is none or leads nowhere.
pub fn children<'a>(documents: &Documents<'a>, object: &Object<'a>, key: &str) -> Object<'a> {
    object.get(key).and_then(|node| documents.object(node).ok()).unwrap_or_default()
}

fn method(scheme: &Object, flows: &Object) -> Option<(AuthMethod, Option<String>)> {
    let text = |key: &str| scheme.text(key).as_deref().and_then(|value| name(Some(value), 100));
    let http = scheme.text("scheme").unwrap_or_default().to_ascii_lowercase();
    Some(match scheme.text("type")?.as_str() {
        "apiKey" => {
            let place = text("in").unwrap_or_default();
            (AuthMethod::ApiKey, Some(format!("{} in {place}", text("name").unwrap_or_default())))
        }
        "basic" => (AuthMethod::HttpBasic, None),
        "http" if http == "basic" => (AuthMethod::HttpBasic, None),
        "http" if http == "bearer" => (AuthMethod::HttpBearer, None),
        "http" if http == "mutual" => (AuthMethod::MutualTls, None),
        "http" => (AuthMethod::HttpOther, name(Some(&http), 100)),
        "mutualTLS" => (AuthMethod::MutualTls, None),
        "openIdConnect" => (AuthMethod::OpenidConnect, None),
        "oauth2" => {
            let mut names: Vec<String> = flows.entries().map(|(name, _)| name.to_owned()).collect();
            if names.is_empty() {
                names.extend(scheme.text("flow"));
            }
            (AuthMethod::Oauth2, line(Some(&names.join(", ")), 200))
        }
        _ => return None,
    })
}

/// What the operations of a document need.
pub struct Needs<'s> {
    /// The schemes whose requirements are scopes.
    scoped: HashSet<&'s str>,
}

impl<'s> Needs<'s> {
    pub fn new(schemes: &'s [AuthScheme]) -> Self {
        let scoped = |scheme: &&AuthScheme| matches!(scheme.method, AuthMethod::Oauth2 | AuthMethod::OpenidConnect);
        Self { scoped: schemes.iter().filter(scoped).map(|scheme| scheme.name.as_str()).collect() }
    }

    /// The scopes named by any alternative of a requirement, each once; 100 at most, of the first 1,000 names.
    pub fn scopes<'a>(&self, documents: &Documents<'a>, requirement: Node<'a>) -> Vec<String> {
        let mut scopes: Vec<String> = Vec::new();
        let mut read = 0;
        for alternative in documents.items(requirement) {
            for (scheme, names) in documents.plain(alternative).entries() {
                let scheme = name(Some(scheme), 200).unwrap_or_default();
                if !self.scoped.contains(scheme.as_str()) {
                    continue;
                }
                for scope in documents.items(names) {
                    read += 1;
                    if read > 1000 {
                        return scopes;
                    }
                    let Some(scope) = name(scope.scalar().as_deref(), 300) else { continue };
                    if scopes.len() < 100 && !scopes.contains(&scope) {
                        scopes.push(scope);
                    }
                }
            }
        }
        scopes
    }
}
