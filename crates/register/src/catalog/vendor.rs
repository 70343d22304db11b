//! A vendor: the company behind APIs.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use base::{audit::Record, check::Check, error::Error, text, words, words::State};

words! {
    /// Where the data processing agreement stands.
    #[derive(Default)]
    DpaStatus, "/dpa_status" {
        /// Nobody has said.
        #[default]
        Unknown = "unknown",
        /// The vendor processes no personal data for us.
        NotNeeded = "not_needed",
        /// Asked for.
        Requested = "requested",
        /// Signed.
        Signed = "signed",
        /// Was signed, has ended.
        Expired = "expired",
    }
}

/// An identifier in some register other than the LEI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    /// The register, such as `DUNS` or `HRB`.
    pub scheme: String,
    /// The number in it.
    pub value: String,
}

/// A certificate or report, such as SOC 2 or ISO 27001.
#[derive(Default, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Certification {
    /// What is certified.
    pub name: String,
    /// Its number.
    #[serde(default)]
    pub reference: Option<String>,
    /// First day.
    #[serde(default)]
    pub valid_from: Option<NaiveDate>,
    /// Last day.
    #[serde(default)]
    pub expires_on: Option<NaiveDate>,
    /// Where the evidence is.
    #[serde(default)]
    pub evidence_url: Option<String>,
}

/// A company that processes our data for the vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubProcessor {
    /// The company.
    pub name: String,
    /// ISO 3166-1 alpha-2.
    #[serde(default)]
    pub country: Option<String>,
    /// What it does with the data.
    #[serde(default)]
    pub purpose: Option<String>,
}

/// What people and imports say of a vendor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VendorContent {
    /// Human slug; made from the name where absent. May change; the old one redirects.
    #[serde(default)]
    pub slug: String,
    /// The name people use.
    pub name: String,
    /// The name in the commercial register.
    #[serde(default)]
    pub legal_name: Option<String>,
    /// What the company does for us.
    #[serde(default)]
    pub description: Option<String>,
    /// Legal Entity Identifier (ISO 17442).
    #[serde(default)]
    pub lei: Option<String>,
    /// Other identifiers.
    #[serde(default)]
    pub identifiers: Vec<Identifier>,
    /// Country of the seat, ISO 3166-1 alpha-2.
    #[serde(default)]
    pub country: Option<String>,
    /// The parent company: id or slug of a vendor.
    #[serde(default)]
    pub parent: Option<String>,
    /// The company's site; its registrable domain finds duplicates.
    #[serde(default)]
    pub website: Option<String>,
    /// The name under which API directories list it; imports match by it.
    #[serde(default)]
    pub provider_name: Option<String>,
    /// Where to report a security problem: e-mail address or URL.
    #[serde(default)]
    pub security_contact: Option<String>,
    /// Whom to call in an incident: e-mail address, URL or phone.
    #[serde(default)]
    pub incident_contact: Option<String>,
    /// The vendor's status page.
    #[serde(default)]
    pub status_page: Option<String>,
    /// Other names it goes by: former names, brands, abbreviations. Imports and searches find it by them.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Active or retired.
    #[serde(default)]
    pub state: State,
    /// 1 (most critical) to 4; reviewers only.
    #[serde(default)]
    pub tier: Option<i16>,
    /// Countries where it processes data; reviewers only.
    #[serde(default)]
    pub locations: Vec<String>,
    /// Data processing agreement; reviewers only.
    #[serde(default)]
    pub dpa_status: DpaStatus,
    /// When it was signed; reviewers only.
    #[serde(default)]
    pub dpa_signed_on: Option<NaiveDate>,
    /// When it ends; reviewers only.
    #[serde(default)]
    pub dpa_expires_on: Option<NaiveDate>,
    /// Where it is filed; reviewers only.
    #[serde(default)]
    pub dpa_reference: Option<String>,
    /// Certifications; reviewers only.
    #[serde(default)]
    pub certifications: Vec<Certification>,
    /// Sub-processors; reviewers only.
    #[serde(default)]
    pub sub_processors: Vec<SubProcessor>,
}

impl VendorContent {
    /// Tidies and checks; names every fault.
    pub fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        check.required("/name", &mut self.name, 200);
        check.slug("/slug", &mut self.slug, &self.name, "vendor");
        check.optional("/legal_name", &mut self.legal_name, 300);
        check.optional("/description", &mut self.description, 8000);
        check.lei("/lei", &mut self.lei);
        check.country("/country", &mut self.country);
        check.reference("/parent", &mut self.parent, 100);
        check.url("/website", &mut self.website);
        check.reference("/provider_name", &mut self.provider_name, 200);
        check.reference("/security_contact", &mut self.security_contact, 300);
        check.reference("/incident_contact", &mut self.incident_contact, 300);
        check.url("/status_page", &mut self.status_page);
        check.tags("/tags", &mut self.tags);
        self.aliases.retain(|alias| !alias.trim().is_empty());
        check.at_most("/aliases", self.aliases.len(), 20);
        for (n, alias) in self.aliases.iter_mut().enumerate() {
            let at = format!("/aliases/{n}");
            check.required(&at, alias, 200);
            if alias.contains([',', '|']) {
                check.fault(&at, "An alias has no comma and no vertical bar.");
            }
        }
        self.aliases.sort();
        self.aliases.dedup();
        if self.tier.is_some_and(|tier| !(1..=4).contains(&tier)) {
            check.fault("/tier", "Give a tier from 1 (most critical) to 4.");
        }
        for (n, code) in self.locations.iter_mut().enumerate() {
            let mut country = Some(std::mem::take(code));
            check.country(&format!("/locations/{n}"), &mut country);
            *code = country.unwrap_or_default();
        }
        self.locations.retain(|code| !code.is_empty());
        self.locations.sort();
        self.locations.dedup();
        check.in_order("/dpa_expires_on", self.dpa_signed_on, self.dpa_expires_on);
        check.reference("/dpa_reference", &mut self.dpa_reference, 500);
        self.check_parts(&mut check);
        check.finish()?;
        Ok(self)
    }

    fn check_parts(&mut self, check: &mut Check) {
        check.at_most("/identifiers", self.identifiers.len(), 20);
        for (n, identifier) in self.identifiers.iter_mut().enumerate() {
            check.required(&format!("/identifiers/{n}/scheme"), &mut identifier.scheme, 50);
            check.required(&format!("/identifiers/{n}/value"), &mut identifier.value, 100);
        }
        check.at_most("/certifications", self.certifications.len(), 50);
        for (n, certification) in self.certifications.iter_mut().enumerate() {
            let at = format!("/certifications/{n}");
            check.required(&format!("{at}/name"), &mut certification.name, 200);
            check.reference(&format!("{at}/reference"), &mut certification.reference, 200);
            check.in_order(&format!("{at}/expires_on"), certification.valid_from, certification.expires_on);
            check.url(&format!("{at}/evidence_url"), &mut certification.evidence_url);
        }
        check.at_most("/sub_processors", self.sub_processors.len(), 500);
        for (n, sub) in self.sub_processors.iter_mut().enumerate() {
            let at = format!("/sub_processors/{n}");
            check.required(&format!("{at}/name"), &mut sub.name, 200);
            check.country(&format!("{at}/country"), &mut sub.country);
            check.optional(&format!("{at}/purpose"), &mut sub.purpose, 500);
        }
    }

    /// The registrable domain of the website, else of the provider name.
    pub fn domain(&self) -> Option<String> {
        let host = self
            .website
            .as_deref()
            .and_then(|site| url::Url::parse(site).ok())
            .and_then(|site| site.host_str().map(str::to_owned));
        host.or_else(|| self.provider_name.clone()).as_deref().and_then(text::registrable_domain)
    }

    /// Whether what only reviewers may set differs.
    pub fn review_differs(&self, other: &Self) -> bool {
        self.review_part() != other.review_part()
    }

    /// Whether what everybody else sets differs.
    pub fn description_differs(&self, other: &Self) -> bool {
        let blank = Self::default();
        self.clone().with_review_of(&blank) != other.clone().with_review_of(&blank)
    }

    /// Whether it would be another company: then a verification no longer holds.
    pub fn identity_differs(&self, other: &Self) -> bool {
        (&self.name, &self.legal_name, &self.lei, &self.website, &self.provider_name)
            != (&other.name, &other.legal_name, &other.lei, &other.website, &other.provider_name)
    }

    fn review_part(&self) -> Self {
        Self::default().with_review_of(self)
    }

    fn with_review_of(self, other: &Self) -> Self {
        Self {
            tier: other.tier,
            locations: other.locations.clone(),
            dpa_status: other.dpa_status,
            dpa_signed_on: other.dpa_signed_on,
            dpa_expires_on: other.dpa_expires_on,
            dpa_reference: other.dpa_reference.clone(),
            certifications: other.certifications.clone(),
            sub_processors: other.sub_processors.clone(),
            ..self
        }
    }
}

/// A vendor with its parts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Vendor {
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
    /// The parent's id.
    pub parent_id: Option<Uuid>,
    /// The vendor that this one was merged into, and that its slugs lead to.
    pub merged_into_id: Option<Uuid>,
    /// The values that the last import gave, by field; a field that differs now is a person's.
    #[schema(value_type = Object)]
    pub imported: Map<String, Value>,
    /// What people and imports say.
    #[serde(flatten)]
    pub content: VendorContent,
}

impl Record for Vendor {
    const KIND: &'static str = "vendor";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
}
