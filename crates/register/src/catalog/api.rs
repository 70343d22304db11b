//! An API: one product of a vendor that we call or that calls us.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Sensitivity;
use base::{audit::Record, check::Check, error::Error, words, words::State};

words! {
    /// How it is spoken to.
    #[derive(Default)]
    Protocol, "/protocol" {
        /// HTTP with resources.
        #[default]
        Rest = "rest",
        /// GraphQL.
        Graphql = "graphql",
        /// gRPC.
        Grpc = "grpc",
        /// SOAP.
        Soap = "soap",
        /// It calls us.
        Webhook = "webhook",
        /// WebSocket.
        Websocket = "websocket",
        /// OData.
        Odata = "odata",
        /// Files over SFTP.
        Sftp = "sftp",
        /// Anything else.
        Other = "other",
    }
}

words! {
    /// Where it is in its life, as its vendor says.
    #[derive(Default)]
    Lifecycle, "/lifecycle" {
        /// Announced.
        Planned = "planned",
        /// Beta.
        Preview = "preview",
        /// Generally available.
        #[default]
        Live = "live",
        /// Works, but should be left.
        Deprecated = "deprecated",
        /// No longer works.
        SwitchedOff = "switched_off",
    }
}

words! {
    /// A way to authenticate.
    AuthMethod, "/auth_methods" {
        /// None at all.
        None = "none",
        /// A key in a header, query or cookie.
        ApiKey = "api_key",
        /// HTTP Basic (RFC 7617).
        HttpBasic = "http_basic",
        /// Bearer token (RFC 6750).
        HttpBearer = "http_bearer",
        /// Another HTTP scheme.
        HttpOther = "http_other",
        /// OAuth 2.0 (RFC 6749).
        Oauth2 = "oauth2",
        /// OpenID Connect.
        OpenidConnect = "openid_connect",
        /// Mutual TLS (RFC 8705).
        MutualTls = "mutual_tls",
    }
}

words! {
    /// A version of TLS.
    TlsVersion, "/tls_minimum" {
        /// TLS 1.0.
        V10 = "1.0",
        /// TLS 1.1.
        V11 = "1.1",
        /// TLS 1.2.
        V12 = "1.2",
        /// TLS 1.3.
        V13 = "1.3",
    }
}

/// What the API itself depends on; one of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// Id or slug of an API.
    #[serde(default)]
    pub api: Option<String>,
    /// Id or slug of a vendor.
    #[serde(default)]
    pub vendor: Option<String>,
}

/// What people and imports say of an API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiContent {
    /// Human slug; made from vendor and name where absent. May change; the old one redirects.
    #[serde(default)]
    pub slug: String,
    /// Id or slug of the vendor. Does not change.
    pub vendor: String,
    /// The product's name.
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub description: Option<String>,
    /// How it is spoken to.
    #[serde(default)]
    pub protocol: Protocol,
    /// The vendor's documentation.
    #[serde(default)]
    pub documentation_url: Option<String>,
    /// Terms of service.
    #[serde(default)]
    pub terms_url: Option<String>,
    /// Licence of the API, such as `Apache 2.0`.
    #[serde(default)]
    pub licence: Option<String>,
    /// The licence's text.
    #[serde(default)]
    pub licence_url: Option<String>,
    /// Whom to ask at the vendor.
    #[serde(default)]
    pub contact_name: Option<String>,
    /// Their e-mail address.
    #[serde(default)]
    pub contact_email: Option<String>,
    /// Their page.
    #[serde(default)]
    pub contact_url: Option<String>,
    /// Where it is in its life.
    #[serde(default)]
    pub lifecycle: Lifecycle,
    /// How a caller proves who it is.
    #[serde(default)]
    pub auth_methods: Vec<AuthMethod>,
    /// The lowest TLS version that the vendor accepts.
    #[serde(default)]
    pub tls_minimum: Option<TlsVersion>,
    /// The most sensitive data that its purpose needs.
    #[serde(default)]
    pub data_sensitivity: Option<Sensitivity>,
    /// The name under which API directories list it, within the provider; imports match by it.
    #[serde(default)]
    pub service_name: Option<String>,
    /// APIs and vendors that it depends on.
    #[serde(default)]
    pub upstreams: Vec<Upstream>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Active or retired.
    #[serde(default)]
    pub state: State,
}

impl ApiContent {
    /// Tidies and checks; names every fault.
    pub fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        check.required("/name", &mut self.name, 200);
        check.required("/vendor", &mut self.vendor, 100);
        let words = format!("{} {}", self.vendor, self.name);
        check.slug("/slug", &mut self.slug, &words, "api");
        check.optional("/description", &mut self.description, 20_000);
        check.url("/documentation_url", &mut self.documentation_url);
        check.url("/terms_url", &mut self.terms_url);
        check.optional("/licence", &mut self.licence, 200);
        check.url("/licence_url", &mut self.licence_url);
        check.optional("/contact_name", &mut self.contact_name, 200);
        check.optional_email("/contact_email", &mut self.contact_email);
        check.url("/contact_url", &mut self.contact_url);
        check.reference("/service_name", &mut self.service_name, 200);
        check.tags("/tags", &mut self.tags);
        self.auth_methods.sort_unstable();
        self.auth_methods.dedup();
        if self.auth_methods.contains(&AuthMethod::None) && self.auth_methods.len() > 1 {
            check.fault("/auth_methods", "'none' stands alone.");
        }
        check.at_most("/upstreams", self.upstreams.len(), 100);
        for (n, upstream) in self.upstreams.iter_mut().enumerate() {
            check.reference(&format!("/upstreams/{n}/api"), &mut upstream.api, 100);
            check.reference(&format!("/upstreams/{n}/vendor"), &mut upstream.vendor, 100);
            if upstream.api.is_some() == upstream.vendor.is_some() {
                check.fault(&format!("/upstreams/{n}"), "Name either an API or a vendor.");
            }
        }
        check.finish()?;
        Ok(self)
    }

    /// Whether it would be another product: then a verification no longer holds.
    pub fn identity_differs(&self, other: &Self) -> bool {
        (&self.name, &self.service_name, self.protocol) != (&other.name, &other.service_name, other.protocol)
    }
}

/// An API with its parts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Api {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// When a reviewer verified it; null while it is unverified.
    pub verified_at: Option<DateTime<Utc>>,
    /// Who verified it.
    pub verified_by: Option<Uuid>,
    /// Who created or edited it; they cannot verify it.
    pub edited_by: Vec<Uuid>,
    /// The vendor's id.
    pub vendor_id: Uuid,
    /// The version that a person named as the current one.
    pub current_version_id: Option<Uuid>,
    /// The API that this one was merged into, and that its slugs lead to.
    pub merged_into_id: Option<Uuid>,
    /// The values that the last import gave, by field; a field that differs now is a person's.
    #[schema(value_type = Object)]
    pub imported: Map<String, Value>,
    /// What people and imports say.
    #[serde(flatten)]
    pub content: ApiContent,
}

impl Record for Api {
    const KIND: &'static str = "api";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}
