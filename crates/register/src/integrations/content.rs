//! What people say of an integration: the governed content.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Criticality, DataFlow, EnvironmentUse, Exposure, InboundInspection, InboundValidation, Initiator, PeerVerification,
    RatePeriod, ScopeRequest,
};
use crate::catalog::{TlsVersion, Upstream};
use base::{check::Check, error::Error};

/// Whether a change of a field voids approvals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// It does.
    Material,
    /// It does not.
    Immaterial,
}

/// Every field of the content, in the order in which pages show them, with its weight. The one
/// place that says what is material.
pub const FIELDS: &[(&str, Weight)] = &[
    ("slug", Weight::Immaterial),
    ("name", Weight::Material),
    ("system", Weight::Material),
    ("api", Weight::Material),
    ("version", Weight::Material),
    ("data_flows", Weight::Material),
    ("scopes", Weight::Material),
    ("environments", Weight::Material),
    ("purpose", Weight::Material),
    ("business_logic", Weight::Material),
    ("business_owner", Weight::Material),
    ("technical_owner", Weight::Material),
    ("backup_owner", Weight::Material),
    ("criticality", Weight::Material),
    ("exposure", Weight::Material),
    ("initiated_by", Weight::Material),
    ("rate_limit", Weight::Material),
    ("rate_limit_per", Weight::Material),
    ("gateway_route", Weight::Material),
    ("inbound_validation", Weight::Material),
    ("inbound_inspection", Weight::Material),
    ("tls_minimum", Weight::Material),
    ("peer_verification", Weight::Material),
    ("token_lifetime_minutes", Weight::Material),
    ("exit_plan", Weight::Material),
    ("upstreams", Weight::Material),
    ("next_review_on", Weight::Immaterial),
    ("tags", Weight::Immaterial),
];

/// What people say of an integration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IntegrationContent {
    /// Human slug; made from the name where absent. May change; the old one redirects.
    #[serde(default)]
    pub slug: String,
    /// Its name, unique for the same system and API; made from both where absent.
    #[serde(default)]
    pub name: String,
    /// Id, slug or name of the system that uses the API.
    pub system: String,
    /// Id, slug or name of the API.
    pub api: String,
    /// Id or slug of the API version.
    #[serde(default)]
    pub version: Option<String>,
    /// Where it runs.
    #[serde(default)]
    pub environments: Vec<EnvironmentUse>,
    /// What it is for.
    #[serde(default)]
    pub purpose: Option<String>,
    /// What calls it, when, and what happens without it.
    #[serde(default)]
    pub business_logic: Option<String>,
    /// Id or slug of the team that answers for it.
    #[serde(default)]
    pub business_owner: Option<String>,
    /// Id or slug of the team that runs it.
    #[serde(default)]
    pub technical_owner: Option<String>,
    /// Id or slug of the team that steps in.
    #[serde(default)]
    pub backup_owner: Option<String>,
    /// How bad it is when it does not work.
    #[serde(default)]
    pub criticality: Option<Criticality>,
    /// Who meets it.
    #[serde(default)]
    pub exposure: Option<Exposure>,
    /// Who opens the connection.
    #[serde(default)]
    pub initiated_by: Option<Initiator>,
    /// What data goes where.
    #[serde(default)]
    pub data_flows: Vec<DataFlow>,
    /// Scopes asked for.
    #[serde(default)]
    pub scopes: Vec<ScopeRequest>,
    /// Requests that we allow ourselves in each period.
    #[serde(default)]
    pub rate_limit: Option<i32>,
    /// The period.
    #[serde(default)]
    pub rate_limit_per: Option<RatePeriod>,
    /// Route through the gateway.
    #[serde(default)]
    pub gateway_route: Option<String>,
    /// How we know that an inbound call is the vendor's.
    #[serde(default)]
    pub inbound_validation: Vec<InboundValidation>,
    /// What is looked at in inbound messages.
    #[serde(default)]
    pub inbound_inspection: Vec<InboundInspection>,
    /// The lowest TLS version in use.
    #[serde(default)]
    pub tls_minimum: Option<TlsVersion>,
    /// How the other side is verified.
    #[serde(default)]
    pub peer_verification: Option<PeerVerification>,
    /// Minutes for which access tokens hold.
    #[serde(default)]
    pub token_lifetime_minutes: Option<i32>,
    /// What we do when the vendor goes away.
    #[serde(default)]
    pub exit_plan: Option<String>,
    /// APIs and vendors that it depends on besides.
    #[serde(default)]
    pub upstreams: Vec<Upstream>,
    /// When it is looked at again.
    #[serde(default)]
    pub next_review_on: Option<NaiveDate>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<String>,
}

impl IntegrationContent {
    /// Tidies and checks; names every fault. Sets come out sorted.
    pub fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        check.required("/system", &mut self.system, 200);
        check.required("/api", &mut self.api, 200);
        if !self.name.trim().is_empty() {
            check.required("/name", &mut self.name, 200);
        }
        self.slug = self.slug.trim().to_owned();
        if !self.slug.is_empty() {
            check.slug("/slug", &mut self.slug, "", "integration");
        }
        check.reference("/version", &mut self.version, 200);
        check.optional("/purpose", &mut self.purpose, 4000);
        check.optional("/business_logic", &mut self.business_logic, 8000);
        check.reference("/business_owner", &mut self.business_owner, 100);
        check.reference("/technical_owner", &mut self.technical_owner, 100);
        check.reference("/backup_owner", &mut self.backup_owner, 100);
        check.reference("/gateway_route", &mut self.gateway_route, 300);
        check.optional("/exit_plan", &mut self.exit_plan, 4000);
        check.in_order("/next_review_on", None, self.next_review_on);
        check.tags("/tags", &mut self.tags);
        self.check_numbers(&mut check);
        self.check_parts(&mut check);
        check.finish()?;
        Ok(self)
    }

    fn check_numbers(&mut self, check: &mut Check) {
        if self.rate_limit.is_some_and(|limit| limit < 1) {
            check.fault("/rate_limit", "Give a number above 0.");
        }
        if self.rate_limit.is_some() != self.rate_limit_per.is_some() {
            let at = if self.rate_limit.is_some() { "/rate_limit_per" } else { "/rate_limit" };
            check.fault(at, "A rate limit is a number and a period; give both or neither.");
        }
        if self.token_lifetime_minutes.is_some_and(|minutes| !(1..=5_256_000).contains(&minutes)) {
            check.fault("/token_lifetime_minutes", "Give minutes from 1 to 5256000.");
        }
    }

    fn check_parts(&mut self, check: &mut Check) {
        self.inbound_validation.sort_unstable();
        self.inbound_validation.dedup();
        self.inbound_inspection.sort_unstable();
        self.inbound_inspection.dedup();
        check.at_most("/environments", self.environments.len(), 6);
        for (n, environment) in self.environments.iter_mut().enumerate() {
            environment.check(check, &format!("/environments/{n}"));
        }
        check.at_most("/data_flows", self.data_flows.len(), 200);
        for (n, flow) in self.data_flows.iter_mut().enumerate() {
            flow.check(check, &format!("/data_flows/{n}"));
        }
        check.at_most("/scopes", self.scopes.len(), 1000);
        for (n, scope) in self.scopes.iter_mut().enumerate() {
            scope.check(check, &format!("/scopes/{n}"));
        }
        check.at_most("/upstreams", self.upstreams.len(), 100);
        for (n, upstream) in self.upstreams.iter_mut().enumerate() {
            check.reference(&format!("/upstreams/{n}/api"), &mut upstream.api, 100);
            check.reference(&format!("/upstreams/{n}/vendor"), &mut upstream.vendor, 100);
            if upstream.api.is_some() == upstream.vendor.is_some() {
                check.fault(&format!("/upstreams/{n}"), "Name either an API or a vendor.");
            }
        }
        self.refuse_twice(check);
        self.environments.sort_by_key(|environment| environment.environment);
        self.scopes.sort_by(|a, b| a.scope.cmp(&b.scope));
    }

    /// Notes parts that are listed twice.
    fn refuse_twice(&self, check: &mut Check) {
        let mut seen = std::collections::HashSet::new();
        for (n, environment) in self.environments.iter().enumerate() {
            if !seen.insert(environment.environment.key().to_owned()) {
                check.fault(&format!("/environments/{n}/environment"), "The same environment is listed twice.");
            }
        }
        for (n, scope) in self.scopes.iter().enumerate() {
            if !scope.scope.is_empty() && !seen.insert(format!("scope {}", scope.scope)) {
                check.fault(&format!("/scopes/{n}/scope"), "The same scope is listed twice.");
            }
        }
    }

    /// Data flows in the order in which they are kept: class, then direction; the same one twice is
    /// a fault. Called once the classes are known by their keys.
    pub(super) fn order_flows(&mut self) -> Result<(), Error> {
        let mut check = Check::new();
        let mut seen = std::collections::HashSet::new();
        for (n, flow) in self.data_flows.iter().enumerate() {
            if !seen.insert((flow.data_class.clone(), flow.direction)) {
                check.fault(&format!("/data_flows/{n}/data_class"), "This class flows this way already; join the two.");
            }
        }
        check.finish()?;
        self.data_flows.sort_by(|a, b| (&a.data_class, a.direction).cmp(&(&b.data_class, b.direction)));
        Ok(())
    }

    /// The slugs of the teams that own it.
    pub fn owners(&self) -> impl Iterator<Item = &str> {
        [&self.business_owner, &self.technical_owner, &self.backup_owner].into_iter().flatten().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_a_weight() {
        let value = serde_json::to_value(IntegrationContent::default()).expect("JSON");
        let mut fields: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
        let mut weighed: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        fields.sort_unstable();
        weighed.sort_unstable();
        assert_eq!(fields, weighed);
    }

    #[test]
    fn every_fault_of_every_part_is_named() {
        let content: IntegrationContent = serde_json::from_value(serde_json::json!({
            "system": "shop", "api": "stripe", "rate_limit": 5,
            "environments": [{ "environment": "production", "endpoints": ["nowhere"] }, { "environment": "production" }],
            "data_flows": [{ "data_class": "", "locations": ["Germany"] }],
            "scopes": [{ "scope": "a" }, { "scope": "a" }]
        }))
        .expect("a content");
        let Err(Error::Invalid(errors)) = content.checked() else { panic!("faults") };
        let pointers: Vec<&str> = errors.as_slice().iter().map(|error| error.pointer.as_str()).collect();
        for at in [
            "/rate_limit_per",
            "/environments/0/endpoints/0",
            "/environments/1/environment",
            "/data_flows/0/data_class",
            "/data_flows/0/locations/0",
            "/scopes/1/scope",
        ] {
            assert!(pointers.contains(&at), "{at} in {pointers:?}");
        }
    }
}
