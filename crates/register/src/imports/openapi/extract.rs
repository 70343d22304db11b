//! From a document to what the register keeps: tidied, bounded, without secrets.

use std::collections::HashSet;

use super::{
    hosts::Servers,
    node::{Documents, Node, Object},
    notes::Notes,
    refuse,
    security::{self, Needs, children},
};
use crate::catalog::{AuthMethod, Operation, OperationDirection, ops::DocumentImport};
use base::{
    check::Check,
    error::Error,
    secret::{self, Place},
    text,
};

/// Operations of one document at most, and scope names over all of them together.
const MOST_OPERATIONS: usize = 50_000;
const MOST_NEEDED: usize = 500_000;

/// What a document says, from the file that it begins in.
pub fn document(documents: &Documents, root: usize, notes: &mut Notes) -> Result<DocumentImport, Error> {
    let top = documents.root(root).and_then(|root| documents.object(root)).map_err(refuse)?;
    let openapi_version = version(&top)?;
    let info = part(documents, &top, "info")?;
    let titles = [info.text("title"), info.text("x-serviceName"), info.text("x-providerName")];
    let title = titles
        .into_iter()
        .find_map(|title| line(title.as_deref(), 200))
        .ok_or_else(|| refuse("info.title is missing: a document has to say what it describes.".into()))?;
    let label = name(info.text("version").as_deref(), 200).unwrap_or_else(|| {
        notes.add("info.version is empty: it is imported as 'unversioned'.".into());
        "unversioned".into()
    });
    let mut servers = Servers::default();
    if let Some(node) = top.get("servers") {
        servers.add(documents, node, notes);
    }
    let components = children(documents, &top, "components");
    let schemes = if top.get("swagger").is_some() {
        servers.add_swagger(documents, &top, notes);
        part(documents, &top, "securityDefinitions")?
    } else {
        part(documents, &components, "securitySchemes")?
    };
    let (auth_schemes, scopes) = security::schemes(documents, &schemes, notes)?;
    let operations = operations(documents, &top, Needs::new(&auth_schemes), &mut servers, notes)?;
    let contact = children(documents, &info, "contact");
    let license = children(documents, &info, "license");
    let external = children(documents, &top, "externalDocs");
    let mut auth_methods: Vec<AuthMethod> = auth_schemes.iter().map(|scheme| scheme.method).collect();
    auth_methods.sort_unstable();
    auth_methods.dedup();
    let described = info.text("description").or_else(|| info.text("summary"));
    let document = DocumentImport {
        openapi_version,
        provider_name: line(info.text("x-providerName").as_deref(), 200),
        service_name: line(info.text("x-serviceName").as_deref(), 200),
        description: prose(described.as_deref(), 8000, "the description", notes),
        terms_url: servers.link(info.text("termsOfService")),
        contact_name: line(contact.text("name").as_deref(), 200),
        contact_email: email(contact.text("email")),
        contact_url: servers.link(contact.text("url")),
        licence: line(license.text("name").as_deref(), 200),
        licence_url: servers.link(license.text("url")),
        documentation_url: servers.link(external.text("url")),
        document_id: ["$self", "$id", "id"]
            .into_iter()
            .find_map(|key| top.text(key))
            .and_then(|id| name(Some(&id), 500)),
        title,
        label,
        auth_methods,
        auth_schemes,
        scopes,
        operations,
        ..DocumentImport::default()
    };
    let (endpoints, hosts) = servers.finish();
    Ok(DocumentImport { endpoints, hosts, ..document })
}

/// What can be called, and what the vendor calls: paths and webhooks, each operation once.
fn operations<'a>(
    documents: &Documents<'a>,
    top: &Object<'a>,
    needs: Needs<'_>,
    servers: &mut Servers,
    notes: &mut Notes,
) -> Result<Vec<Operation>, Error> {
    let mut reader = Reader {
        documents,
        needs,
        everywhere: Vec::new(),
        servers,
        notes,
        found: Vec::new(),
        seen: HashSet::new(),
        named: 0,
    };
    reader.everywhere = top.get("security").map(|node| reader.needs.scopes(documents, node)).unwrap_or_default();
    reader.paths(&part(documents, top, "paths")?, OperationDirection::ToVendor)?;
    for key in ["webhooks", "x-webhooks"] {
        reader.paths(&part(documents, top, key)?, OperationDirection::ToUs)?;
    }
    Ok(reader.found)
}

/// An object that the register needs: a reference that leads nowhere refuses the document.
fn part<'a>(documents: &Documents<'a>, object: &Object<'a>, key: &str) -> Result<Object<'a>, Error> {
    let Some(node) = object.get(key) else { return Ok(Object::default()) };
    documents.object(node).map_err(|reason| refuse(format!("'{key}': {reason}.")))
}

fn version(top: &Object) -> Result<String, Error> {
    let said = top.text("openapi").or_else(|| top.text("swagger"));
    let known = |version: &str| {
        version == "2.0" || version == "2" || ["3.0", "3.1", "3.2"].iter().any(|known| version.starts_with(known))
    };
    match said {
        Some(version) if known(&version) => Ok(text::clip(&version, 20).to_owned()),
        Some(other) => {
            Err(refuse(format!("This is OpenAPI {}; Muster reads 2.0, 3.0, 3.1 and 3.2.", text::clip(&other, 20))))
        }
        None => {
            Err(refuse("This is not an OpenAPI document: it has neither 'openapi' nor 'swagger' at the top.".into()))
        }
    }
}

/// One line of a name or identifier, white space collapsed, cut at `max` characters. Only what has the form of a
/// vendor's key is blanked: how random it looks says nothing of a path, an id or a scope.
pub fn name(value: Option<&str>, max: usize) -> Option<String> {
    tidy(value?, max, Place::Name).map(|(text, _)| text)
}

/// One line of prose, white space collapsed, cut at `max` characters, secrets blanked.
pub fn line(value: Option<&str>, max: usize) -> Option<String> {
    tidy(value?, max, Place::Prose).map(|(text, _)| text)
}

fn tidy(value: &str, max: usize, place: Place) -> Option<(String, bool)> {
    let words: Vec<&str> =
        value.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let (text, blanked) = secret::blanked(text::clip(&words.join(" "), max), place);
    let text = text::clip(&text, max).to_owned();
    (!text.is_empty()).then_some((text, blanked))
}

/// Prose of several lines, secrets blanked and noted; `what` says what it describes.
pub fn prose(value: Option<&str>, max: usize, what: &str, notes: &mut Notes) -> Option<String> {
    let clean: String = text::clip(value?, max).chars().filter(|c| !c.is_control() || "\n\t".contains(*c)).collect();
    let (text, blanked) = secret::blanked(clean.trim(), Place::Prose);
    if blanked {
        notes.add(format!("Something that looks like a live secret was removed from {what}."));
    }
    let text = text::clip(&text, max).to_owned();
    (!text.is_empty()).then_some(text)
}

fn email(mut value: Option<String>) -> Option<String> {
    let mut check = Check::new();
    check.optional_email("", &mut value);
    check.finish().ok().and(value)
}

/// Reads paths and webhooks.
struct Reader<'r, 'a, 's> {
    documents: &'r Documents<'a>,
    needs: Needs<'s>,
    everywhere: Vec<String>,
    servers: &'r mut Servers,
    notes: &'r mut Notes,
    found: Vec<Operation>,
    seen: HashSet<(OperationDirection, String, String)>,
    named: usize,
}

const METHODS: [&str; 9] = ["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"];

impl<'a> Reader<'_, 'a, '_> {
    fn paths(&mut self, paths: &Object<'a>, direction: OperationDirection) -> Result<(), Error> {
        for (path, node) in paths.entries() {
            // Extensions stand among the paths; a path begins with a slash, which some leave out.
            if path.starts_with("x-") {
                continue;
            }
            let Some(path) = name(Some(path), 2000).filter(|path| path.len() <= 2000) else {
                self.notes.add("A path is longer than 2,000 bytes and was left out.".into());
                continue;
            };
            let leads = |reason| refuse(format!("The path '{}': {reason}.", text::clip(&path, 120)));
            let item = self.documents.object(node).map_err(leads)?;
            if let Some(servers) = item.get("servers") {
                self.servers.add(self.documents, servers, self.notes);
            }
            for (key, operation) in item.entries() {
                if METHODS.contains(&key) {
                    self.operation(&path, &key.to_ascii_uppercase(), operation, direction)?;
                }
            }
            for (method, operation) in children(self.documents, &item, "additionalOperations").entries() {
                let Some(method) = name(Some(method), 20) else { continue };
                self.operation(&path, &method, operation, direction)?;
            }
        }
        Ok(())
    }

    fn operation(
        &mut self,
        path: &str,
        method: &str,
        node: Node<'a>,
        direction: OperationDirection,
    ) -> Result<(), Error> {
        if self.found.len() >= MOST_OPERATIONS {
            self.notes.add(format!("Only the first {MOST_OPERATIONS} operations were read."));
            return Ok(());
        }
        if !self.seen.insert((direction, path.to_owned(), method.to_owned())) {
            return Ok(());
        }
        let leads = |reason| refuse(format!("The operation {method} {}: {reason}.", text::clip(path, 120)));
        let operation = self.documents.object(node).map_err(leads)?;
        if let Some(servers) = operation.get("servers") {
            self.servers.add(self.documents, servers, self.notes);
        }
        let mut scopes = match operation.get("security") {
            Some(own) => self.needs.scopes(self.documents, own),
            None => self.everywhere.clone(),
        };
        self.named += scopes.len();
        if self.named > MOST_NEEDED {
            scopes.clear();
        }
        self.found.push(Operation {
            method: method.to_owned(),
            path: path.to_owned(),
            operation_id: name(operation.text("operationId").as_deref(), 300),
            summary: prose(operation.text("summary").as_deref(), 500, "a summary", self.notes)
                .and_then(|s| line(Some(&s), 500)),
            scopes,
            deprecated: operation.text("deprecated").as_deref() == Some("true"),
            direction,
        });
        Ok(())
    }
}
