//! Words that several features share, and how people read them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::Error;

/// Whether a record is in use. Nothing is deleted: things retire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// In use.
    #[default]
    Active,
    /// No longer; still there for those who refer to it.
    Retired,
}

impl State {
    /// The word in database and API.
    pub fn key(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }
}

impl std::str::FromStr for State {
    type Err = Error;
    fn from_str(key: &str) -> Result<Self, Error> {
        match key {
            "active" => Ok(Self::Active),
            "retired" => Ok(Self::Retired),
            other => Err(Error::internal(format!("impossible state {other}"))),
        }
    }
}

/// A key as people read it: `govern_data_classes` becomes `Govern data classes`.
pub fn label(key: &str) -> String {
    let known = [
        ("rest", "REST"),
        ("graphql", "GraphQL"),
        ("grpc", "gRPC"),
        ("soap", "SOAP"),
        ("odata", "OData"),
        ("sftp", "SFTP"),
        ("oauth2", "OAuth 2.0"),
        ("api_key", "API key"),
        ("http_basic", "HTTP Basic"),
        ("http_bearer", "Bearer token"),
        ("http_other", "Other HTTP scheme"),
        ("openid_connect", "OpenID Connect"),
        ("mutual_tls", "Mutual TLS"),
        ("oauth_client", "OAuth client"),
        ("ssh_key", "SSH key"),
        ("saas_to_saas", "SaaS to SaaS"),
        ("standard_contractual_clauses", "Standard contractual clauses"),
        ("outside_eu", "Outside the EU"),
        ("saas", "SaaS"),
        ("gdpr", "GDPR"),
        ("pci_dss", "PCI DSS"),
        ("hipaa", "HIPAA"),
        ("api", "API"),
        ("api_version", "API version"),
        ("cli", "CLI"),
        ("dpa_status", "DPA"),
        ("lei", "LEI"),
        ("fideslang", "fideslang"),
        ("url", "URL"),
        ("tls_minimum", "TLS minimum"),
    ];
    if let Some((_, text)) = known.iter().find(|(word, _)| *word == key) {
        return (*text).to_owned();
    }
    let text = key.replace('_', " ");
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// Declares a closed set of words: an enum with its keys in serde, OpenAPI, SQL and on pages.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $name:ident, $pointer:literal { $($(#[$vmeta:meta])* $variant:ident = $key:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $key)] $variant),+ }
        // By hand: a derive takes the variants' names where the keys come through a macro.
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some(Self::KEYS.iter().copied()))
                    .into()
            }
        }
        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed(stringify!($name))
            }
        }
        impl $name {
            /// Every word of the set.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// Every word's key, in the same order.
            pub const KEYS: &'static [&'static str] = &[$($key),+];
            /// The word in database and API.
            pub fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),+ }
            }
            /// The word as people read it.
            pub fn label(self) -> String {
                $crate::words::label(self.key())
            }
        }
        impl std::str::FromStr for $name {
            type Err = $crate::error::Error;
            fn from_str(key: &str) -> Result<Self, Self::Err> {
                match key {
                    $($key => Ok(Self::$variant),)+
                    other => Err($crate::error::Error::field($pointer, format!("'{other}' is not one of {}.", Self::KEYS.join(", ")))),
                }
            }
        }
    };
}
