//! The facts that rules judge: one integration, and everything around it that is known.
#![allow(clippy::doc_markdown, reason = "these texts are shown to people who write rules")]

use serde_json::Value;

use super::vocabulary::{Field, Name, Term, Ty, facts, names};
use base::error::Error;

facts! {
    /// The integration itself, as it is in force or as it is proposed.
    IntegrationFacts[1] {
        /// Its slug.
        slug: String,
        /// Its name.
        name: String,
        /// Where it is in its life: proposed, active, suspended, deprecated, retired.
        state: String,
        /// What it is for.
        purpose: Option<String>,
        /// What calls it, when, and what happens without it.
        business_logic: Option<String>,
        /// low, medium, high or critical.
        criticality: Option<String>,
        /// internal or customer_facing.
        exposure: Option<String>,
        /// us, vendor or both.
        initiated_by: Option<String>,
        /// unknown, outbound, inbound, outbound_and_inbound or saas_to_saas.
        direction: String,
        /// The highest sensitivity of its data flows: public, internal, confidential, restricted.
        sensitivity: Option<String>,
        /// Environments in which it runs.
        environments: Vec<String>,
        /// URLs that are called or call us, of all environments.
        endpoints: Vec<String>,
        /// Requests that we allow ourselves in each period.
        rate_limit: Option<i64>,
        /// second, minute, hour or day.
        rate_limit_per: Option<String>,
        /// Route through the gateway.
        gateway_route: Option<String>,
        /// How inbound calls are known to be the vendor's.
        inbound_validation: Vec<String>,
        /// What is looked at in inbound messages.
        inbound_inspection: Vec<String>,
        /// The lowest TLS version in use: 1.0, 1.1, 1.2, 1.3.
        tls_minimum: Option<String>,
        /// certificate, pinning or mutual_tls.
        peer_verification: Option<String>,
        /// Minutes for which access tokens hold.
        token_lifetime_minutes: Option<i64>,
        /// What we do when the vendor goes away.
        exit_plan: Option<String>,
        /// Days until its next review; below zero when it is past.
        days_to_review: Option<i64>,
        /// APIs and vendors that it depends on besides.
        upstreams: i64,
        /// Its tags.
        tags: Vec<String>,
    }
}
facts! {
    /// The system that uses the API.
    SystemFacts[1] {
        /// Its slug.
        slug: String,
        /// Its name.
        name: String,
        /// own or saas.
        kind: String,
    }
}
facts! {
    /// A certificate or report of the vendor.
    CertificationFacts[50] {
        /// Its name, such as SOC 2 or ISO 27001.
        name: String,
        /// Days until it ends; below zero when it has ended.
        expires_in_days: Option<i64>,
        /// Whether a link to the evidence is known.
        has_evidence: bool,
    }
}
facts! {
    /// A company that processes data for the vendor.
    SubProcessorFacts[100] {
        /// Its name.
        name: String,
        /// ISO 3166-1 alpha-2.
        country: Option<String>,
    }
}
facts! {
    /// The vendor behind the API.
    VendorFacts[1] {
        /// Its slug.
        slug: String,
        /// Its name.
        name: String,
        /// Country of the seat, ISO 3166-1 alpha-2.
        country: Option<String>,
        /// 1 (most critical) to 4.
        tier: Option<i64>,
        /// Whether a reviewer verified it.
        verified: bool,
        /// Countries where it processes data.
        locations: Vec<String>,
        /// unknown, not_needed, requested, signed or expired.
        dpa_status: String,
        /// Days until the data processing agreement ends; below zero when it has ended.
        dpa_expires_in_days: Option<i64>,
        /// Its certificates and reports.
        certifications: Vec<CertificationFacts>,
        /// Its sub-processors.
        sub_processors: Vec<SubProcessorFacts>,
        /// Where to report a security problem.
        security_contact: Option<String>,
        /// Whom to call in an incident.
        incident_contact: Option<String>,
        /// Its status page.
        status_page: Option<String>,
    }
}
facts! {
    /// The API.
    ApiFacts[1] {
        /// Its slug.
        slug: String,
        /// Its name.
        name: String,
        /// rest, graphql, grpc, soap, webhook, websocket, odata, sftp or other.
        protocol: String,
        /// planned, preview, live, deprecated or switched_off.
        lifecycle: String,
        /// Ways to authenticate: none, api_key, http_basic, http_bearer, http_other, oauth2, openid_connect, mutual_tls.
        auth_methods: Vec<String>,
        /// The lowest TLS version that it takes.
        tls_minimum: Option<String>,
        /// The vendor's documentation.
        documentation_url: Option<String>,
        /// Whether a reviewer verified it.
        verified: bool,
        /// The sensitivity of the data that it is made for.
        data_sensitivity: Option<String>,
    }
}
facts! {
    /// The API version in use.
    VersionFacts[1] {
        /// Its label.
        label: String,
        /// planned, preview, live, deprecated or switched_off.
        lifecycle: String,
        /// Whether a person says that it is the current one.
        is_current: bool,
        /// Whether its OpenAPI document is stored.
        has_document: bool,
        /// Days until its sunset; below zero when it is past.
        sunset_in_days: Option<i64>,
        /// How many scopes it offers.
        scopes_offered: i64,
    }
}
facts! {
    /// A team that owns something.
    OwnerFacts[1] {
        /// Its slug.
        slug: String,
        /// Whether it is in use.
        active: bool,
        /// How many of its people are active.
        members: i64,
    }
}
facts! {
    /// The owners; null where nobody is named.
    OwnersFacts[1] {
        /// The team that answers for it.
        business: Option<OwnerFacts>,
        /// The team that runs it.
        technical: Option<OwnerFacts>,
        /// The team that steps in.
        backup: Option<OwnerFacts>,
    }
}
facts! {
    /// A data flow.
    FlowFacts[100] {
        /// Key of the data class.
        data_class: String,
        /// public, internal, confidential or restricted.
        sensitivity: String,
        /// Regulations that the class falls under: gdpr, pci_dss, hipaa.
        regulations: Vec<String>,
        /// sent, received or both, seen from us.
        direction: String,
        /// Environments in which it flows; none stands for all.
        environments: Vec<String>,
        /// Why personal data may flow (GDPR, Article 6).
        legal_basis: Option<String>,
        /// Countries in which it is kept, ISO 3166-1 alpha-2.
        locations: Vec<String>,
        /// Whether one of these is outside the European Economic Area.
        outside_eea: bool,
        /// What safeguards the transfer; missing where one is needed and none is there.
        transfer_safeguard: Option<String>,
        /// Days for which the vendor keeps it.
        retention_days: Option<i64>,
        /// none, encrypted, tokenised or hashed.
        field_encryption: Option<String>,
    }
}
facts! {
    /// A scope: offered, asked for, approved, granted, used.
    ScopeFacts[300] {
        /// As it is sent.
        scope: String,
        /// Whether the API version offers it.
        offered: bool,
        /// What the vendor says of it.
        description: Option<String>,
        /// Whether the integration asks for it.
        requested: bool,
        /// Whether it was approved.
        approved: bool,
        /// Whether the vendor granted it.
        granted: bool,
        /// Why it is needed.
        justification: Option<String>,
        /// Days since it was last seen in use.
        unused_days: Option<i64>,
    }
}
facts! {
    /// A credential that the integration uses.
    CredentialFacts[50] {
        /// Its name.
        name: String,
        /// api_key, oauth_client, certificate, webhook_secret, ssh_key or password.
        kind: String,
        /// Where it is used.
        environment: String,
        /// planned, active, rotating, compromised or revoked.
        state: String,
        /// Days since it was rotated, else made.
        age_days: Option<i64>,
        /// Days until it has to change; below zero when that is past.
        rotation_in_days: Option<i64>,
        /// Days until the vendor ends it.
        expires_in_days: Option<i64>,
        /// Integrations that use it.
        uses: i64,
        /// Whether a team holds it.
        has_holder: bool,
        /// Whether it is known where it is kept.
        has_vault_reference: bool,
        /// Whether a credential of another environment has the same fingerprint.
        same_elsewhere: bool,
    }
}
facts! {
    /// A concluded assessment of the vendor.
    AssessmentFacts[50] {
        /// Key of the questionnaire.
        questionnaire: String,
        /// ok, conditional or blocker.
        conclusion: String,
        /// Days since it was concluded.
        age_days: i64,
        /// Days for which the conclusion still holds; below zero when it has ended.
        valid_for_days: Option<i64>,
        /// Whether what it was concluded on has changed since.
        stale: bool,
        /// What its answers scored, 0 to 100.
        score: Option<i64>,
        /// Findings that are still open.
        open_findings: i64,
    }
}
facts! {
    /// A granted exception that still holds.
    ExceptionFacts[50] {
        /// Key of the rule.
        rule: String,
        /// Days until it ends.
        ends_in_days: i64,
    }
}
facts! {
    /// A condition of an approval that is not met yet.
    ConditionFacts[50] {
        /// What has to be done.
        text: String,
        /// before_live or after_live.
        timing: String,
        /// Slug of the team that owes it.
        owner: String,
        /// Days until it is due; below zero when it is late.
        due_in_days: i64,
    }
}
facts! {
    /// Everything that a rule may look at.
    Facts[1] {
        /// The day of the judgement, as 2027-01-31, in the organisation's time zone.
        today: String,
        /// What is asked for: register, change, reactivate, deprecate, retire; empty where nothing is.
        request: String,
        /// The integration.
        integration: IntegrationFacts,
        /// The system that uses the API.
        system: SystemFacts,
        /// The vendor.
        vendor: VendorFacts,
        /// The API.
        api: ApiFacts,
        /// The API version; null where none is named.
        version: Option<VersionFacts>,
        /// The owners.
        owners: OwnersFacts,
        /// What data goes where.
        data_flows: Vec<FlowFacts>,
        /// Scopes.
        scopes: Vec<ScopeFacts>,
        /// Credentials.
        credentials: Vec<CredentialFacts>,
        /// Concluded assessments of the vendor, newest first.
        assessments: Vec<AssessmentFacts>,
        /// Exceptions that hold.
        exceptions: Vec<ExceptionFacts>,
        /// Conditions of approvals that are not met yet.
        conditions: Vec<ConditionFacts>,
    }
}

impl Facts {
    /// The names at the top.
    pub fn fields() -> &'static [Field] {
        const TY: Ty = Facts::TY;
        match TY {
            Ty::Object(fields) => fields,
            _ => &[],
        }
    }

    /// Every name that an expression may use.
    pub fn names() -> Vec<Name> {
        names(Self::fields())
    }

    /// Cuts lists that are too long, and names them: such an integration is a finding of its own.
    pub fn capped(mut self) -> (Self, Vec<&'static str>) {
        let mut cut = Vec::new();
        cap(&mut self.data_flows, "data_flows", &mut cut);
        cap(&mut self.scopes, "scopes", &mut cut);
        cap(&mut self.credentials, "credentials", &mut cut);
        cap(&mut self.assessments, "assessments", &mut cut);
        cap(&mut self.exceptions, "exceptions", &mut cut);
        cap(&mut self.conditions, "conditions", &mut cut);
        cap(&mut self.vendor.locations, "vendor.locations", &mut cut);
        cap(&mut self.integration.tags, "integration.tags", &mut cut);
        cap(&mut self.integration.environments, "integration.environments", &mut cut);
        cap(&mut self.vendor.certifications, "vendor.certifications", &mut cut);
        cap(&mut self.vendor.sub_processors, "vendor.sub_processors", &mut cut);
        cap(&mut self.integration.endpoints, "integration.endpoints", &mut cut);
        (self, cut)
    }

    /// The sample integration with which no rule finds fault, changed by a merge patch (RFC 7396).
    /// Refuses names that are no facts.
    pub fn sample_with(patch: &Value) -> Result<Self, Error> {
        let mut sample: Value = serde_json::to_value(Self::sample()?).map_err(Error::internal)?;
        base::json::merge(&mut sample, patch.clone());
        base::json::from_value(sample)
    }

    /// An integration with which nothing is wrong.
    pub fn sample() -> Result<Self, Error> {
        serde_saphyr::from_str(include_str!("sample.yaml")).map_err(Error::internal)
    }
}

fn cap<T: Term>(list: &mut Vec<T>, name: &'static str, cut: &mut Vec<&'static str>) {
    if list.len() > T::CAP {
        list.truncate(T::CAP);
        cut.push(name);
    }
}
