//! Where an API answers: servers of the document, of its paths and of its operations.

use std::collections::HashSet;

use url::Url;

use super::{
    extract::{name, prose},
    node::{Documents, Node, Object},
    notes::Notes,
};
use crate::catalog::{Endpoint, Environment, ops::Host};

/// Endpoints of one document at most.
const MOST: usize = 500;

/// The servers of a document, gathered from wherever they stand; each once.
#[derive(Default)]
pub struct Servers {
    seen: HashSet<String>,
    endpoints: Vec<Endpoint>,
    hosts: Vec<Host>,
    /// The first server with a host, variables replaced: what relative links are read against.
    base: Option<Url>,
}

impl Servers {
    /// Adds the `servers` of a document, a path or an operation.
    pub fn add<'a>(&mut self, documents: &Documents<'a>, servers: Node<'a>, notes: &mut Notes) {
        for server in documents.items(servers) {
            let Ok(server) = documents.object(server) else { continue };
            let Some(url) = server.text("url") else { continue };
            let described = server.text("description").or_else(|| server.text("name"));
            let description = prose(described.as_deref(), 500, "a server", notes);
            let variables = server.get("variables").map(|node| documents.plain(node)).unwrap_or_default();
            let filled = filled(documents, &url, &variables);
            self.add_url(url, &filled, description, notes);
        }
    }

    /// Adds `host`, `basePath` and `schemes` of OpenAPI 2.0.
    pub fn add_swagger<'a>(&mut self, documents: &Documents<'a>, top: &Object<'a>, notes: &mut Notes) {
        let base = top.text("basePath").filter(|base| base.len() <= 2000).unwrap_or_default();
        let schemes: Vec<String> = top
            .get("schemes")
            .map(|node| documents.items(node).into_iter().take(8).filter_map(Node::scalar).collect())
            .unwrap_or_default();
        let schemes = if schemes.is_empty() { vec!["https".to_owned()] } else { schemes };
        let Some(host) = top.text("host") else {
            if !base.is_empty() {
                self.add_url(base.clone(), &base, None, notes);
            }
            return;
        };
        // Some write a whole URL where the host belongs; its scheme is then meant.
        let slash = if base.is_empty() || base.starts_with('/') { "" } else { "/" };
        if let Some((scheme, host)) = host.split_once("://") {
            let url = format!("{scheme}://{}{slash}{base}", host.trim_end_matches('/'));
            return self.add_url(url.clone(), &url, None, notes);
        }
        for scheme in schemes {
            let url = format!("{scheme}://{}{slash}{base}", host.trim_end_matches('/'));
            self.add_url(url.clone(), &url, None, notes);
        }
    }

    fn add_url(&mut self, written: String, filled: &str, description: Option<String>, notes: &mut Notes) {
        if written.chars().count() > 2000 || self.endpoints.len() >= MOST {
            notes.add("Some servers were left out: they are too many, or their URLs too long.".into());
            return;
        }
        let Some(written) = name(Some(&written), 2000) else { return };
        if !self.seen.insert(written.clone()) {
            return;
        }
        let environment = match Endpoint::imported(filled.to_owned(), description.clone()) {
            Some(plain) => {
                if !plain.host_pattern.is_empty() && !self.hosts.iter().any(|host| host.name == plain.host_pattern) {
                    self.hosts.push(Host { name: plain.host_pattern, environment: plain.environment });
                }
                plain.environment
            }
            None => Environment::Unknown,
        };
        if self.base.is_none() {
            let absolute = if filled.starts_with("//") { format!("https:{filled}") } else { filled.to_owned() };
            self.base = Url::parse(&absolute).ok().filter(Url::has_host);
        }
        match Endpoint::imported(written.clone(), description) {
            Some(endpoint) => self.endpoints.push(Endpoint { environment, ..endpoint }),
            None => notes.add(format!("The server '{}' is not a URL.", base::text::clip(&written, 80))),
        }
    }

    /// A link, read against the first server where it is relative; `None` where it is no link.
    pub fn link(&self, written: Option<String>) -> Option<String> {
        let written = written?;
        let absolute = match (Url::parse(&written), &self.base) {
            (Ok(url), _) => url.to_string(),
            (Err(_), Some(base)) if !written.contains(char::is_whitespace) && written.contains(['/', '.', '#']) => {
                base.join(&written).ok()?.to_string()
            }
            _ => return None,
        };
        // As it was written, where it is whole.
        let mut value = Some(if Url::parse(&written).is_ok() { written } else { absolute });
        let mut check = base::check::Check::new();
        check.url("", &mut value);
        check.finish().ok().and(value)
    }

    /// The endpoints, and the hosts with their variables replaced.
    pub fn finish(self) -> (Vec<Endpoint>, Vec<Host>) {
        (self.endpoints, self.hosts)
    }
}

/// A server's URL with the defaults of its variables.
fn filled<'a>(documents: &Documents<'a>, url: &str, variables: &Object<'a>) -> String {
    let mut filled = url.to_owned();
    for (key, variable) in variables.entries().take(50) {
        let variable = documents.object(variable).unwrap_or_default();
        let first = || {
            let all = documents.items(variable.get("enum")?);
            all.into_iter().find_map(Node::scalar)
        };
        if let Some(value) = variable.text("default").or_else(first)
            && filled.len() < 4000
        {
            filled = filled.replace(&format!("{{{key}}}"), &value);
        }
    }
    filled
}
