//! The vendors of the demonstration with their APIs, hosts and scopes, and the systems that use them.

use chrono::{Days, NaiveDate};
use serde::Deserialize;

use super::{Stage, organisation::Cast};
use base::error::Error;
use register::catalog::{
    ApiContent, Certification, DpaStatus, Endpoint, Environment, Scope, Sensitivity, Source, SystemContent, SystemKind,
    VendorContent, VersionContent, ops,
};

#[derive(Deserialize)]
struct VendorFact {
    name: String,
    legal_name: String,
    country: String,
    website: String,
    description: String,
    tier: i16,
    dpa_status: DpaStatus,
    locations: Vec<String>,
    apis: Vec<ApiFact>,
}

#[derive(Deserialize)]
struct ApiFact {
    name: String,
    description: String,
    protocol: register::catalog::Protocol,
    version: String,
    auth_methods: Vec<register::catalog::AuthMethod>,
    hosts: Vec<String>,
    scopes: Vec<(String, String)>,
    sensitivity: Sensitivity,
    uses: Vec<String>,
}

/// An API that is here, and which systems use it.
pub struct ShelfApi {
    pub vendor: String,
    pub slug: String,
    pub name: String,
    pub sensitivity: Sensitivity,
    pub scopes: Vec<String>,
    pub locations: Vec<String>,
    pub webhook: bool,
    pub hosted: bool,
    pub uses: Vec<String>,
}

/// What is there to be used.
pub struct Shelf {
    pub vendors: usize,
    pub systems: usize,
    pub apis: Vec<ShelfApi>,
}

/// Slug, name, team, what for; a vendor's slug for a tenant of ours.
const SYSTEMS: [(&str, &str, &str, &str, Option<&str>); 12] = [
    ("web-shop", "Web shop", "payments", "Where customers buy.", None),
    ("checkout", "Checkout service", "payments", "Takes orders and payments.", None),
    ("messenger", "Messenger", "growth", "Writes to customers by every channel.", None),
    ("accounts", "Accounts", "growth", "Who a customer is, and how they sign in.", None),
    ("ledger", "Ledger", "finance-tools", "Books what happened.", None),
    ("data-warehouse", "Data warehouse", "data", "Events of all applications.", None),
    ("internal-portal", "Internal portal", "platform", "The tools of our people in one place.", None),
    ("ci-runner", "CI runner", "platform", "Builds, tests and ships.", None),
    ("point-of-sale", "Point of sale", "store-operations", "The tills in our stores.", None),
    ("fraud-desk", "Fraud desk", "security-operations", "Looks at orders that look odd.", None),
    ("hubspot-tenant", "HubSpot tenant", "growth", "Customer relations.", Some("hubspot")),
    ("jira-tenant", "Jira tenant", "platform", "Tickets.", Some("atlassian")),
];

fn facts() -> Result<Vec<VendorFact>, Error> {
    serde_json::from_str(include_str!("catalogue.json")).map_err(Error::internal)
}

/// Brings vendors, APIs and systems in.
pub async fn stock(stage: &Stage, cast: &Cast) -> Result<Shelf, Error> {
    let mut shelf = Shelf { vendors: 0, systems: 0, apis: Vec::new() };
    for (n, fact) in facts()?.into_iter().enumerate() {
        let author = cast.of_team(["platform", "growth", "payments", "finance-tools"][n % 4], n);
        let today = stage.clock.now().date_naive();
        let apis = vendor(stage, cast, n, &author, &fact, today).await?;
        shelf.vendors += 1;
        shelf.apis.extend(apis);
        if n % 6 == 5 {
            stage.pass(1).await?;
        }
    }
    for (slug, name, team, description, vendor) in SYSTEMS {
        let content = SystemContent {
            slug: slug.into(),
            name: name.into(),
            description: Some(description.into()),
            kind: if vendor.is_some() { SystemKind::Saas } else { SystemKind::Own },
            team: Some(team.into()),
            vendor: vendor.map(str::to_owned),
            ..SystemContent::default()
        };
        ops::create_system(&stage.app, &cast.of_team(team, 0), content).await?;
        shelf.systems += 1;
    }
    Ok(shelf)
}

async fn vendor(
    stage: &Stage,
    cast: &Cast,
    n: usize,
    author: &identity::Actor,
    fact: &VendorFact,
    today: NaiveDate,
) -> Result<Vec<ShelfApi>, Error> {
    let described = VendorContent {
        name: fact.name.clone(),
        legal_name: Some(fact.legal_name.clone()),
        description: Some(fact.description.clone()),
        country: Some(fact.country.clone()),
        website: Some(fact.website.clone()),
        security_contact: Some(format!("{}/security", fact.website)),
        ..VendorContent::default()
    };
    let made = ops::create_vendor(&stage.app, author, described).await?;
    let in_days = |days: u64| today.checked_add_days(Days::new(days));
    let reviewed = VendorContent {
        tier: Some(fact.tier),
        dpa_status: fact.dpa_status,
        dpa_signed_on: (fact.dpa_status == DpaStatus::Signed).then_some(today),
        dpa_expires_on: in_days(700 + n as u64 * 9).filter(|_| fact.dpa_status == DpaStatus::Signed),
        locations: fact.locations.clone(),
        certifications: vec![Certification {
            name: if fact.tier == 1 { "SOC 2 Type II" } else { "ISO/IEC 27001" }.into(),
            expires_on: in_days(430 + n as u64 * 17),
            ..Certification::default()
        }],
        ..made.content.clone()
    };
    let reviewer = cast.reviewer(n);
    let made = ops::update_vendor(&stage.app, &reviewer, made.id, made.revision, reviewed).await?;
    if n % 7 != 6 {
        ops::verify_vendor(&stage.app, &cast.reviewer(n + 1), made.id, made.revision).await?;
    }
    let mut apis = Vec::new();
    for fact_api in &fact.apis {
        apis.push(api(stage, cast, author, &made.content.slug, fact, fact_api).await?);
    }
    Ok(apis)
}

async fn api(
    stage: &Stage,
    cast: &Cast,
    author: &identity::Actor,
    vendor: &str,
    fact: &VendorFact,
    api: &ApiFact,
) -> Result<ShelfApi, Error> {
    let content = ApiContent {
        vendor: vendor.into(),
        name: api.name.clone(),
        description: Some(api.description.clone()),
        protocol: api.protocol,
        auth_methods: api.auth_methods.clone(),
        data_sensitivity: Some(api.sensitivity),
        tls_minimum: Some(register::catalog::TlsVersion::V12),
        ..ApiContent::default()
    };
    let made = ops::create_api(&stage.app, author, content).await?;
    let endpoint = |url: &String| Endpoint {
        url: url.clone(),
        host_pattern: String::new(),
        path_prefix: String::new(),
        environment: if url.contains("sandbox") || url.contains("-test") {
            Environment::Sandbox
        } else if url.contains("development") {
            Environment::Development
        } else {
            Environment::Production
        },
        description: None,
        source: Source::Person,
    };
    let scope = |(name, description): &(String, String)| Scope {
        name: name.clone(),
        description: Some(description.clone()),
        scheme: String::new(),
        source: Source::Person,
    };
    let version = VersionContent {
        label: api.version.clone(),
        endpoints: api.hosts.iter().map(endpoint).collect(),
        scopes: api.scopes.iter().map(scope).collect(),
        ..VersionContent::default()
    };
    let version = ops::create_version(&stage.app, author, made.id, version).await?;
    ops::set_current_version(&stage.app, author, made.id, made.revision, Some(&version.slug)).await?;
    if fact.tier <= 2 {
        let made = ops::find_api(&stage.app, author, &made.id.to_string()).await?;
        ops::verify_api(&stage.app, &cast.reviewer(fact.name.len()), made.id, made.revision).await?;
    }
    Ok(ShelfApi {
        vendor: made.content.vendor,
        slug: made.content.slug,
        name: made.content.name,
        sensitivity: api.sensitivity,
        scopes: api.scopes.iter().map(|(name, _)| name.clone()).collect(),
        locations: fact.locations.clone(),
        webhook: api.protocol == register::catalog::Protocol::Webhook,
        hosted: api.hosts.iter().any(|host| endpoint(host).environment == Environment::Production),
        uses: api.uses.clone(),
    })
}
