//! The parts of an integration, and the closed sets of words that describe it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalog::Environment;
use base::{check::Check, words};

words! {
    /// How bad it is for us when it does not work.
    Criticality, "/criticality" {
        /// Nobody notices for days.
        Low = "low",
        /// Work slows down.
        Medium = "medium",
        /// Work stops.
        High = "high",
        /// The organisation stops.
        Critical = "critical",
    }
}

words! {
    /// Who meets it.
    Exposure, "/exposure" {
        /// Our own people.
        Internal = "internal",
        /// Customers.
        CustomerFacing = "customer_facing",
    }
}

words! {
    /// Who opens the connection.
    Initiator, "/initiated_by" {
        /// We call the vendor.
        Us = "us",
        /// The vendor calls us.
        Vendor = "vendor",
        /// Either.
        Both = "both",
    }
}

words! {
    /// Where data goes, seen from us.
    #[derive(Default)]
    FlowDirection, "/direction" {
        /// We send it.
        #[default]
        Sent = "sent",
        /// We receive it.
        Received = "received",
        /// Both.
        Both = "both",
    }
}

words! {
    /// Why personal data may be processed (GDPR, Article 6).
    LegalBasis, "/legal_basis" {
        /// Article 6(1)(a).
        Consent = "consent",
        /// Article 6(1)(b).
        Contract = "contract",
        /// Article 6(1)(c).
        LegalObligation = "legal_obligation",
        /// Article 6(1)(d).
        VitalInterests = "vital_interests",
        /// Article 6(1)(e).
        PublicTask = "public_task",
        /// Article 6(1)(f).
        LegitimateInterests = "legitimate_interests",
        /// No personal data.
        NotPersonal = "not_personal",
    }
}

words! {
    /// What safeguards a transfer to a third country (GDPR, Chapter V).
    TransferSafeguard, "/transfer_safeguard" {
        /// It does not leave the EEA.
        NotNeeded = "not_needed",
        /// Article 45.
        AdequacyDecision = "adequacy_decision",
        /// Article 46(2)(c).
        StandardContractualClauses = "standard_contractual_clauses",
        /// Article 47.
        BindingCorporateRules = "binding_corporate_rules",
        /// Article 49.
        Derogation = "derogation",
        /// None, and one is needed.
        Missing = "missing",
    }
}

words! {
    /// How single fields are protected beyond the channel.
    FieldEncryption, "/field_encryption" {
        /// Not at all.
        None = "none",
        /// Encrypted by us.
        Encrypted = "encrypted",
        /// Replaced by tokens.
        Tokenised = "tokenised",
        /// Hashed.
        Hashed = "hashed",
    }
}

words! {
    /// How we know that an inbound call is the vendor's.
    InboundValidation, "/inbound_validation" {
        /// A signature over the message.
        Signature = "signature",
        /// A secret that both know.
        SharedSecret = "shared_secret",
        /// Known addresses only.
        AddressList = "address_list",
        /// Mutual TLS (RFC 8705).
        MutualTls = "mutual_tls",
        /// Old messages are refused.
        ReplayProtection = "replay_protection",
    }
}

words! {
    /// What is looked at in an inbound message.
    InboundInspection, "/inbound_inspection" {
        /// Its form, by a schema.
        Schema = "schema",
        /// Its size and rate.
        Limits = "limits",
        /// Its content, by a web application firewall.
        Firewall = "firewall",
        /// Files, for malware.
        Malware = "malware",
    }
}

words! {
    /// How the other side of the channel is verified.
    PeerVerification, "/peer_verification" {
        /// By its certificate's chain.
        Certificate = "certificate",
        /// By a pinned key.
        Pinning = "pinning",
        /// Each by the other's certificate.
        MutualTls = "mutual_tls",
    }
}

words! {
    /// What a rate limit counts over.
    RatePeriod, "/rate_limit_per" {
        /// One second.
        Second = "second",
        /// One minute.
        Minute = "minute",
        /// One hour.
        Hour = "hour",
        /// One day.
        Day = "day",
    }
}

/// Its use in one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentUse {
    /// Which environment.
    pub environment: Environment,
    /// URLs that are called there, or call us.
    #[serde(default)]
    pub endpoints: Vec<String>,
    /// Since when it is live there.
    #[serde(default)]
    pub live_since: Option<NaiveDate>,
    /// Since when it is suspended there.
    #[serde(default)]
    pub suspended_on: Option<NaiveDate>,
}

/// What kind of data goes where, and why it may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DataFlow {
    /// Key or id of the data class.
    pub data_class: String,
    /// Seen from us.
    #[serde(default)]
    pub direction: FlowDirection,
    /// Environments in which it flows; none stands for all.
    #[serde(default)]
    pub environments: Vec<Environment>,
    /// Why personal data may flow.
    #[serde(default)]
    pub legal_basis: Option<LegalBasis>,
    /// Countries in which it is kept, by two letters (ISO 3166-1).
    #[serde(default)]
    pub locations: Vec<String>,
    /// What safeguards a transfer out of the EEA.
    #[serde(default)]
    pub transfer_safeguard: Option<TransferSafeguard>,
    /// Days for which the vendor keeps it.
    #[serde(default)]
    pub retention_days: Option<i32>,
    /// How fields are protected.
    #[serde(default)]
    pub field_encryption: Option<FieldEncryption>,
}

/// A scope that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeRequest {
    /// As it is sent.
    pub scope: String,
    /// Why it is needed.
    #[serde(default)]
    pub justification: Option<String>,
}

/// The countries of the European Economic Area, and `EU` for the Union as a whole.
const EEA: [&str; 31] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "EU", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI",
    "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// Whether data kept in these countries leaves the EEA.
pub fn is_outside_eea(locations: &[String]) -> bool {
    locations.iter().any(|country| !EEA.contains(&country.as_str()))
}

impl EnvironmentUse {
    pub(super) fn check(&mut self, check: &mut Check, at: &str) {
        check.at_most(&format!("{at}/endpoints"), self.endpoints.len(), 50);
        for (n, endpoint) in self.endpoints.iter_mut().enumerate() {
            let mut url = Some(std::mem::take(endpoint));
            check.url(&format!("{at}/endpoints/{n}"), &mut url);
            *endpoint = url.unwrap_or_default();
        }
        self.endpoints.retain(|endpoint| !endpoint.is_empty());
        self.endpoints.sort();
        self.endpoints.dedup();
        check.in_order(&format!("{at}/suspended_on"), self.live_since, self.suspended_on);
    }
}

impl DataFlow {
    pub(super) fn check(&mut self, check: &mut Check, at: &str) {
        let mut key = Some(std::mem::take(&mut self.data_class));
        check.reference(&format!("{at}/data_class"), &mut key, 200);
        if key.is_none() {
            check.fault(&format!("{at}/data_class"), "Name a data class, such as user.contact.email.");
        }
        self.data_class = key.unwrap_or_default();
        self.environments.sort_unstable();
        self.environments.dedup();
        check.at_most(&format!("{at}/locations"), self.locations.len(), 50);
        for (n, country) in self.locations.iter_mut().enumerate() {
            let mut code = Some(std::mem::take(country));
            check.country(&format!("{at}/locations/{n}"), &mut code);
            *country = code.unwrap_or_default();
        }
        self.locations.retain(|country| !country.is_empty());
        self.locations.sort();
        self.locations.dedup();
        if self.retention_days.is_some_and(|days| !(0..=36_500).contains(&days)) {
            check.fault(&format!("{at}/retention_days"), "Give days from 0 to 36500.");
        }
    }
}

impl ScopeRequest {
    pub(super) fn check(&mut self, check: &mut Check, at: &str) {
        let mut scope = Some(std::mem::take(&mut self.scope));
        check.reference(&format!("{at}/scope"), &mut scope, 500);
        if scope.is_none() {
            check.fault(&format!("{at}/scope"), "Name a scope.");
        }
        self.scope = scope.unwrap_or_default();
        check.optional(&format!("{at}/justification"), &mut self.justification, 1000);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norway_is_inside_and_the_united_states_are_outside() {
        let of = |codes: &[&str]| is_outside_eea(&codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>());
        assert!(!of(&["IE", "NO", "EU"]) && of(&["IE", "US"]) && of(&["GB"]) && !of(&[]));
    }
}
