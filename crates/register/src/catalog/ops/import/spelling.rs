//! How vendors spell themselves, and whose host a host is.

use psl::Type;

use super::DocumentImport;
use crate::catalog::Environment;
use base::text;

/// Names whose spelling no domain shows, by registrable domain.
const SPELLED: &[(&str, &str)] = &[
    ("activecampaign.com", "ActiveCampaign"),
    ("adyen.com", "Adyen"),
    ("amazonaws.com", "Amazon Web Services"),
    ("amadeus.com", "Amadeus"),
    ("atlassian.com", "Atlassian"),
    ("atlassian.net", "Atlassian"),
    ("auth0.com", "Auth0"),
    ("azure.com", "Microsoft Azure"),
    ("bamboohr.com", "BambooHR"),
    ("bigcommerce.com", "BigCommerce"),
    ("circleci.com", "CircleCI"),
    ("clickup.com", "ClickUp"),
    ("datadoghq.com", "Datadog"),
    ("deepl.com", "DeepL"),
    ("digitalocean.com", "DigitalOcean"),
    ("docusign.com", "Docusign"),
    ("docusign.net", "Docusign"),
    ("dropboxapi.com", "Dropbox"),
    ("ebay.com", "eBay"),
    ("elevenlabs.io", "ElevenLabs"),
    ("facebook.com", "Meta"),
    ("github.com", "GitHub"),
    ("gitlab.com", "GitLab"),
    ("googleapis.com", "Google"),
    ("hellosign.com", "HelloSign"),
    ("here.com", "HERE"),
    ("hereapi.com", "HERE"),
    ("hubapi.com", "HubSpot"),
    ("hubspot.com", "HubSpot"),
    ("jetbrains.com", "JetBrains"),
    ("jumpcloud.com", "JumpCloud"),
    ("launchdarkly.com", "LaunchDarkly"),
    ("linkedin.com", "LinkedIn"),
    ("mailchimp.com", "Mailchimp"),
    ("messagebird.com", "MessageBird"),
    ("mongodb.com", "MongoDB"),
    ("myshopify.com", "Shopify"),
    ("newrelic.com", "New Relic"),
    ("nhs.uk", "NHS"),
    ("onelogin.com", "OneLogin"),
    ("openai.com", "OpenAI"),
    ("openstreetmap.org", "OpenStreetMap"),
    ("pagerduty.com", "PagerDuty"),
    ("paypal.com", "PayPal"),
    ("quickbooks.com", "QuickBooks"),
    ("rapid7.com", "Rapid7"),
    ("ringcentral.com", "RingCentral"),
    ("sap.com", "SAP"),
    ("sendgrid.com", "SendGrid"),
    ("service.gov.uk", "GOV.UK"),
    ("service.nhs.uk", "NHS"),
    ("servicenow.com", "ServiceNow"),
    ("snapchat.com", "Snapchat"),
    ("soundcloud.com", "SoundCloud"),
    ("surveymonkey.com", "SurveyMonkey"),
    ("tiktok.com", "TikTok"),
    ("tiktokapis.com", "TikTok"),
    ("travis-ci.com", "Travis CI"),
    ("ups.com", "UPS"),
    ("usps.com", "USPS"),
    ("virustotal.com", "VirusTotal"),
    ("whatsapp.com", "WhatsApp"),
    ("woocommerce.com", "WooCommerce"),
    ("wordpress.com", "WordPress"),
    ("youtube.com", "YouTube"),
    ("zendesk.com", "Zendesk"),
    ("zoom.us", "Zoom"),
];

/// Hosts that platforms make for anyone who publishes something there, beside those of the public suffix list.
const GENERATED: &[&str] = &[
    "apiary-mock.com",
    "apimatic.io",
    "beeceptor.com",
    "mockable.io",
    "ngrok-free.app",
    "ngrok.io",
    "postman-echo.com",
    "pstmn.io",
    "readme.io",
    "stoplight.io",
    "swagger.io",
    "swaggerhub.com",
    "trycloudflare.com",
    "webhook.site",
];

/// Labels of domains that name what is there and not whose it is.
const GENERIC: &[&str] = &["api", "apis", "cloud", "data", "digital", "gateway", "portal", "service", "services"];

/// Parts of a domain's label that name an environment.
const ENVIRONMENTS: &[&str] =
    &["demo", "dev", "int", "preprod", "qa", "sandbox", "sbx", "stage", "staging", "test", "testing", "uat"];

/// Whose API a document describes, as its hosts say.
#[derive(Debug, PartialEq)]
pub struct Domain {
    /// The registrable domain.
    pub name: String,
    /// Whether it is an environment of the vendor's and not where the vendor is at home.
    pub is_environment: bool,
}

/// The registrable domain that the hosts of a document name: live ones first. None of this machine, of example
/// domains or of platforms that make up hosts.
pub fn domain(document: &DocumentImport) -> Option<Domain> {
    let live = |environment: Environment| matches!(environment, Environment::Production | Environment::Unknown);
    let (first, last): (Vec<_>, Vec<_>) = document.hosts.iter().partition(|host| live(host.environment));
    let domains = || first.iter().chain(&last).filter_map(|host| of_host(&host.name));
    let at_home = domains().find(|domain| !is_environment(domain));
    at_home
        .map(|name| Domain { name, is_environment: false })
        .or_else(|| domains().next().map(|name| Domain { name, is_environment: true }))
}

/// The registrable domain of a host that says whose it is.
pub fn of_host(host: &str) -> Option<String> {
    let host = host.trim_matches('.').to_ascii_lowercase();
    let last = host.rsplit('.').next().unwrap_or_default();
    let reserved = ["localhost", "local", "internal", "lan", "home", "corp", "example", "test", "invalid"];
    if !host.contains('.')
        || reserved.contains(&last)
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
    {
        return None;
    }
    let suffix = psl::suffix(host.as_bytes())?;
    let known = |suffix: &psl::Suffix| suffix.is_known();
    if !known(&suffix) {
        return None;
    }
    let domain = text::registrable_domain(&host)?;
    let label = domain.split('.').next().unwrap_or_default();
    let made_up = |name: &str| {
        GENERATED.contains(&name)
            || ["example.com", "example.org", "example.net", "domain.com", "yourdomain.com"].contains(&name)
    };
    if suffix.typ() == Some(Type::Private) {
        // A tenant's host at a platform: one of any tenant is the platform's own API.
        let platform = std::str::from_utf8(suffix.as_bytes()).ok()?;
        return (label == "*" && platform.matches('.').count() == 1 && !made_up(platform)).then(|| platform.to_owned());
    }
    let placeholder = label.contains('*') || label.starts_with("your") || label.starts_with("my-");
    (!placeholder && !made_up(&domain)).then_some(domain)
}

fn is_environment(domain: &str) -> bool {
    let label = domain.split('.').next().unwrap_or_default();
    label.split('-').any(|part| ENVIRONMENTS.contains(&part))
}

/// What a vendor is called: as it is known to spell itself, as the document spells the name that its domain holds,
/// else the domain's label.
pub fn name(domain: &str, document: &DocumentImport) -> String {
    let domain = text::registrable_domain(domain).unwrap_or_else(|| domain.to_owned());
    if let Some((_, name)) = SPELLED.iter().find(|(known, _)| *known == domain) {
        return (*name).to_owned();
    }
    let (label, suffix) = domain.split_once('.').unwrap_or((&domain, ""));
    let outer = suffix.split('.').next().unwrap_or_default();
    if GENERIC.contains(&label) && suffix.contains('.') && !["co", "com", "gov", "org", "ac", "net"].contains(&outer) {
        return if outer.len() <= 4 { outer.to_uppercase() } else { capitalised(outer) };
    }
    let parts: Vec<&str> = label.split(['-', '_']).collect();
    let own: Vec<&str> = parts.iter().copied().filter(|part| !ENVIRONMENTS.contains(part)).collect();
    let words = if own.is_empty() { parts } else { own };
    let bare = words.concat();
    let texts = [Some(document.title.as_str()), document.contact_name.as_deref(), document.provider_name.as_deref()];
    texts
        .into_iter()
        .flatten()
        .find_map(|text| spelled_in(text, &bare))
        .unwrap_or_else(|| capitalised(&words.join(" ")))
}

/// The words of a text that make up a label, as they are written there; only where some letter is a capital.
fn spelled_in(text: &str, bare: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().take(40).collect();
    let folded = |words: &[&str]| -> String {
        text::fold(&words.concat()).chars().filter(char::is_ascii_alphanumeric).collect()
    };
    for start in 0..words.len() {
        for end in start + 1..=words.len().min(start + 4) {
            let found = words[start..end].join(" ");
            let found = found.trim_matches(|c: char| !c.is_alphanumeric() && c != '!').to_owned();
            if folded(&words[start..end]) == bare && found.chars().any(char::is_uppercase) && !found.contains('.') {
                return Some(found);
            }
        }
    }
    None
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Where the name of a vendor may come from when no host says it: its contact, its terms, its title.
pub fn proposal(document: &DocumentImport) -> Option<(String, &'static str)> {
    let host = |url: &Option<String>| {
        let host = url::Url::parse(url.as_deref()?).ok()?.host_str()?.to_owned();
        of_host(&host)
    };
    let address = || document.contact_email.as_deref()?.rsplit_once('@').and_then(|(_, host)| of_host(host));
    let mail = ["gmail.com", "outlook.com", "hotmail.com", "yahoo.com", "proton.me", "icloud.com"];
    let hosting = ["github.com", "gitlab.com", "apache.org", "creativecommons.org", "opensource.org", "swagger.io"];
    let sources = [
        (host(&document.contact_url), "its contact"),
        (address(), "its contact"),
        (host(&document.terms_url), "its terms"),
        (host(&document.documentation_url), "its documentation"),
    ];
    let found = sources.into_iter().find_map(|(domain, from)| {
        let domain = domain.filter(|domain| !mail.contains(&domain.as_str()) && !hosting.contains(&domain.as_str()))?;
        Some((name(&domain, document), from))
    });
    found.or_else(|| {
        let words: Vec<&str> = document.title.split_whitespace().collect();
        let said: Vec<&str> = words
            .into_iter()
            .filter(|word| !["api", "apis", "rest", "the"].contains(&word.to_lowercase().as_str()))
            .collect();
        (!said.is_empty() && said.len() <= 3).then(|| (said.join(" "), "its title"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::ops::Host;

    fn titled(title: &str) -> DocumentImport {
        DocumentImport { title: title.into(), ..DocumentImport::default() }
    }

    #[test]
    fn hosts_that_say_nobody_are_passed_over() {
        for host in [
            "localhost",
            "127.0.0.1",
            "[::1]",
            "10.0.0.8",
            "api.example.com",
            "petstore.swagger.io",
            "virtserver.swaggerhub.com",
            "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
            "acme.herokuapp.com",
            "billing.internal",
            "api.acme.test",
            "*",
            "*.*",
            "your-domain.com",
        ] {
            assert_eq!(of_host(host), None, "{host}");
        }
        assert_eq!(of_host("api.stripe.com").as_deref(), Some("stripe.com"));
        assert_eq!(of_host("*.myshopify.com").as_deref(), Some("myshopify.com"));
        assert_eq!(of_host("api.service.nhs.uk").as_deref(), Some("service.nhs.uk"));
    }

    #[test]
    fn names_are_spelled_as_their_owners_spell_them() {
        assert_eq!(name("hubapi.com", &titled("CRM")), "HubSpot");
        assert_eq!(name("openwidget.com", &titled("OpenWidget API")), "OpenWidget");
        assert_eq!(name("blueharbor.io", &titled("The Blue Harbor booking API")), "Blue Harbor");
        assert_eq!(name("stripe.com", &titled("stripe.com pay")), "Stripe");
        assert_eq!(name("service.nhs.uk", &titled("Demographics")), "NHS");
        assert_eq!(name("acme-qa.com", &titled("Orders")), "Acme");
        assert_eq!(name("b.co.uk", &titled("x")), "B");
    }

    #[test]
    fn an_environment_is_not_where_a_vendor_is_at_home() {
        let host = |name: &str, environment| Host { name: name.into(), environment };
        let mut document = titled("Orders");
        document.hosts =
            vec![host("api.acme-qa.com", Environment::Test), host("api.acme.com", Environment::Production)];
        assert_eq!(domain(&document), Some(Domain { name: "acme.com".into(), is_environment: false }));
        document.hosts.pop();
        assert_eq!(domain(&document), Some(Domain { name: "acme-qa.com".into(), is_environment: true }));
    }

    #[test]
    fn what_no_host_says_is_proposed_from_what_else_there_is() {
        let mut document = titled("Account and Transaction API");
        assert_eq!(proposal(&document), Some(("Account and Transaction".into(), "its title")));
        document.contact_email = Some("desk@bankstandard.org".into());
        assert_eq!(proposal(&document), Some(("Bankstandard".into(), "its contact")));
        document.contact_email = Some("someone@gmail.com".into());
        document.terms_url = Some("https://www.bankstandard.org/terms".into());
        assert_eq!(proposal(&document), Some(("Bankstandard".into(), "its terms")));
    }
}
