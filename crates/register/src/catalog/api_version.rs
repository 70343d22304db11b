//! An API version: a label, its document, and what that says: endpoints, scopes, operations.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{AuthMethod, Lifecycle};
use base::{audit::Record, check::Check, error::Error, text, words};

words! {
    /// What an endpoint is for.
    #[derive(Default)]
    Environment, "/environment" {
        /// Real data.
        Production = "production",
        /// The vendor's sandbox.
        Sandbox = "sandbox",
        /// Staging.
        Staging = "staging",
        /// Test.
        Test = "test",
        /// Development.
        Development = "development",
        /// Nobody has said.
        #[default]
        Unknown = "unknown",
    }
}

words! {
    /// Who says so.
    #[derive(Default)]
    Source, "/source" {
        /// The imported document.
        Import = "import",
        /// A person.
        #[default]
        Person = "person",
    }
}

words! {
    /// Who calls whom in an operation.
    #[derive(Default)]
    OperationDirection, "/direction" {
        /// We call the vendor.
        #[default]
        ToVendor = "to_vendor",
        /// The vendor calls us: a webhook.
        ToUs = "to_us",
    }
}

/// Where the API answers. Host and path come from the URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// As written: absolute, relative, or with `{variables}`.
    pub url: String,
    /// Host in lower case, `*` for each variable label; empty where the URL is relative.
    #[serde(default)]
    pub host_pattern: String,
    /// Path without a slash at the end.
    #[serde(default)]
    pub path_prefix: String,
    /// What it is for.
    #[serde(default)]
    pub environment: Environment,
    /// What the vendor says of it.
    #[serde(default)]
    pub description: Option<String>,
    /// Who says so.
    #[serde(default)]
    pub source: Source,
}

/// A scope that the API offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// As it is sent.
    pub name: String,
    /// What it permits.
    #[serde(default)]
    pub description: Option<String>,
    /// The security scheme that offers it.
    #[serde(default)]
    pub scheme: String,
    /// Who says so.
    #[serde(default)]
    pub source: Source,
}

/// An operation of the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Upper-case HTTP method.
    pub method: String,
    /// Path below the endpoint.
    pub path: String,
    /// The document's operationId.
    #[serde(default)]
    pub operation_id: Option<String>,
    /// What it does.
    #[serde(default)]
    pub summary: Option<String>,
    /// Scopes that it needs.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Whether the vendor wants callers to leave it.
    #[serde(default)]
    pub deprecated: bool,
    /// Who calls whom.
    #[serde(default)]
    pub direction: OperationDirection,
}

/// A security scheme of the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthScheme {
    /// The name that the document gives it.
    pub name: String,
    /// Which way of authenticating it is.
    pub method: AuthMethod,
    /// Where a key goes, which HTTP scheme, or which flows.
    #[serde(default)]
    pub detail: Option<String>,
}

/// What people and imports say of a version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionContent {
    /// The vendor's label; labels have no order of their own.
    pub label: String,
    /// What is new or special.
    #[serde(default)]
    pub description: Option<String>,
    /// Where it is in its life.
    #[serde(default)]
    pub lifecycle: Lifecycle,
    /// Since when it is deprecated.
    #[serde(default)]
    pub deprecated_on: Option<NaiveDate>,
    /// When it is switched off.
    #[serde(default)]
    pub sunset_on: Option<NaiveDate>,
    /// Where it answers.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    /// Scopes it offers.
    #[serde(default)]
    pub scopes: Vec<Scope>,
    /// Operations; they come from documents.
    #[serde(default)]
    pub operations: Vec<Operation>,
    /// Security schemes; they come from documents.
    #[serde(default)]
    pub auth_schemes: Vec<AuthScheme>,
}

impl VersionContent {
    /// Tidies and checks; names every fault.
    pub fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        let mut label = Some(std::mem::take(&mut self.label));
        check.vendor_name("/label", &mut label, 200);
        if label.is_none() {
            check.fault("/label", "This is needed.");
        }
        self.label = label.unwrap_or_default();
        check.optional("/description", &mut self.description, 20_000);
        check.in_order("/sunset_on", self.deprecated_on, self.sunset_on);
        check.at_most("/endpoints", self.endpoints.len(), 500);
        for (n, endpoint) in self.endpoints.iter_mut().enumerate() {
            let at = format!("/endpoints/{n}/url");
            check.required(&at, &mut endpoint.url, 2000);
            match endpoint_of(&endpoint.url) {
                Some((host, path)) => (endpoint.host_pattern, endpoint.path_prefix) = (host, path),
                None => check.fault(&at, "Give a URL or a path, such as https://api.example.com/v1."),
            }
        }
        check.at_most("/scopes", self.scopes.len(), 5000);
        for (n, scope) in self.scopes.iter_mut().enumerate() {
            let mut name = Some(std::mem::take(&mut scope.name));
            check.vendor_name(&format!("/scopes/{n}/name"), &mut name, 500);
            if name.is_none() {
                check.fault(&format!("/scopes/{n}/name"), "This is needed.");
            }
            scope.name = name.unwrap_or_default();
            check.optional(&format!("/scopes/{n}/description"), &mut scope.description, 2000);
        }
        self.check_read_parts(&mut check);
        check.finish()?;
        Ok(self)
    }

    /// What mostly comes from documents: bounded, tidy and without secrets as all else.
    fn check_read_parts(&mut self, check: &mut Check) {
        for (n, endpoint) in self.endpoints.iter_mut().enumerate() {
            check.optional(&format!("/endpoints/{n}/description"), &mut endpoint.description, 1000);
        }
        let mut seen = std::collections::HashSet::new();
        for (n, scope) in self.scopes.iter_mut().enumerate() {
            check.identifier(&format!("/scopes/{n}/scheme"), &scope.scheme, 200);
            if !seen.insert((scope.scheme.clone(), scope.name.clone())) {
                check.fault(&format!("/scopes/{n}/name"), "The same scope is listed twice.");
            }
        }
        check.at_most("/operations", self.operations.len(), 50_000);
        let mut seen = std::collections::HashSet::new();
        for (n, operation) in self.operations.iter_mut().enumerate() {
            let at = format!("/operations/{n}");
            check.identifier(&format!("{at}/method"), &operation.method, 20);
            check.identifier(&format!("{at}/path"), &operation.path, 2000);
            check.vendor_name(&format!("{at}/operation_id"), &mut operation.operation_id, 300);
            check.optional(&format!("{at}/summary"), &mut operation.summary, 500);
            check.at_most(&format!("{at}/scopes"), operation.scopes.len(), 100);
            for (m, scope) in operation.scopes.iter().enumerate() {
                check.identifier(&format!("{at}/scopes/{m}"), scope, 500);
            }
            if !seen.insert((operation.direction, operation.path.clone(), operation.method.clone())) {
                check.fault(&format!("{at}/path"), "The same operation is listed twice.");
            }
        }
        check.at_most("/auth_schemes", self.auth_schemes.len(), 200);
        for (n, scheme) in self.auth_schemes.iter_mut().enumerate() {
            check.identifier(&format!("/auth_schemes/{n}/name"), &scheme.name, 200);
            check.reference(&format!("/auth_schemes/{n}/detail"), &mut scheme.detail, 300);
        }
    }
}

/// Host pattern and path prefix of a server URL: absolute, relative, protocol-relative, templated.
/// `None` where it is neither a URL nor a path.
pub fn endpoint_of(written: &str) -> Option<(String, String)> {
    let plain = replace_variables(written.trim());
    let path_of = |path: &str| {
        let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
        path.to_owned()
    };
    if plain.starts_with('/') && !plain.starts_with("//") {
        return Some((String::new(), path_of(&plain)));
    }
    let rest = match plain.split_once("://") {
        Some((scheme, rest))
            if !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.*".contains(c)) =>
        {
            rest
        }
        Some(_) => return None,
        None => match plain.strip_prefix("//") {
            Some(rest) => rest,
            // A path without its slash, such as `v1`, is relative too.
            None if !plain.is_empty() && !plain.contains([' ', ':']) => {
                return Some((String::new(), path_of(&format!("/{plain}"))));
            }
            None => return None,
        },
    };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit() || c == '*') && !name.is_empty() => name,
        _ => host,
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if host.is_empty() || host.contains(char::is_whitespace) {
        return None;
    }
    Some((host, path_of(path)))
}

/// Each `{variable}` becomes `*`.
fn replace_variables(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let Some(length) = rest[start..].find('}') else { break };
        out.push_str(&rest[..start]);
        out.push('*');
        rest = &rest[start + length + 1..];
    }
    out.push_str(rest);
    out
}

impl Endpoint {
    /// An endpoint as a document writes it.
    pub fn imported(url: String, description: Option<String>) -> Option<Self> {
        let (host_pattern, path_prefix) = endpoint_of(&url)?;
        let words = text::search_text(&[&host_pattern, description.as_deref().unwrap_or_default()]);
        let says = |names: &[&str]| words.split(' ').any(|word| names.contains(&word));
        let environment = if says(&["sandbox"]) {
            Environment::Sandbox
        } else if says(&["staging", "stage", "stg", "uat"]) {
            Environment::Staging
        } else if says(&["test", "testing", "qa"]) {
            Environment::Test
        } else if says(&["dev", "development", "localhost"]) {
            Environment::Development
        } else if says(&["production", "prod", "live"]) || !host_pattern.is_empty() {
            Environment::Production
        } else {
            Environment::Unknown
        };
        Some(Self { url, host_pattern, path_prefix, environment, description, source: Source::Import })
    }

    /// Where the host's URL begins, when it is a plain absolute one.
    pub fn origin(&self) -> Option<Url> {
        Url::parse(&self.url).ok().filter(Url::has_host)
    }
}

/// An API version with its parts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ApiVersion {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// The API's id.
    pub api_id: Uuid,
    /// The label's slug, unique within the API.
    pub slug: String,
    /// The OpenAPI version of the document, such as `3.0.3`.
    pub openapi_version: Option<String>,
    /// SHA-256 of the document that was applied last, in hexadecimal.
    pub document_sha256: Option<String>,
    /// The values that the last import gave, by field; a field that differs now is a person's.
    #[schema(value_type = Object)]
    pub imported: Map<String, Value>,
    /// What people and imports say.
    #[serde(flatten)]
    pub content: VersionContent,
}

impl Record for ApiVersion {
    const KIND: &'static str = "api_version";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_of_every_form_give_host_and_path() {
        let cases = [
            ("https://API.stripe.com/", Some(("api.stripe.com", ""))),
            ("https://{region}.api.example.com:8443/v1/", Some(("*.api.example.com", "/v1"))),
            ("{scheme}://{host}/x", Some(("*", "/x"))),
            ("//api.example.com/v2?x=1", Some(("api.example.com", "/v2"))),
            ("/api/v3", Some(("", "/api/v3"))),
            ("/", Some(("", ""))),
            ("v1", Some(("", "/v1"))),
            ("https:///nohost", None),
            ("not a url", None),
            ("", None),
        ];
        for (written, expected) in cases {
            let expected = expected.map(|(h, p): (&str, &str)| (h.to_owned(), p.to_owned()));
            assert_eq!(endpoint_of(written), expected, "{written}");
        }
    }

    #[test]
    fn an_environment_is_read_from_host_and_description() {
        let of = |url: &str| Endpoint::imported(url.into(), None).expect("a URL").environment;
        assert_eq!(of("https://sandbox.plaid.com"), Environment::Sandbox);
        assert_eq!(of("https://api.plaid.com"), Environment::Production);
        assert_eq!(of("/v1"), Environment::Unknown);
    }
}
