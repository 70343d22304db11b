//! Identity providers as they are configured, and what their groups give.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::Role;

/// An OpenID provider as the configuration file names it, in a table `[[providers]]`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderOptions {
    /// Its word in addresses and on record: lower case letters, digits, dashes.
    pub key: String,
    /// What people read on the sign-in page; the key where absent.
    pub name: Option<String>,
    /// The issuer, exactly as the provider writes it in its tokens.
    pub issuer: String,
    /// Our id there.
    pub client_id: String,
    /// File with our secret there; none for a public client.
    pub client_secret_file: Option<PathBuf>,
    /// How the secret is sent: `basic` (the default) or `post`.
    pub client_auth: Option<String>,
    /// Scopes asked for beside `openid`; `profile` and `email` where absent.
    pub scopes: Option<Vec<String>>,
    /// The claim that holds the groups, dots leading inwards; without one no rights come from it.
    pub groups_claim: Option<String>,
    /// Whether somebody unknown becomes a person at their first sign-in [default: true].
    pub create_people: Option<bool>,
    /// Whether an address counts for which the provider does not vouch (`email_verified`) [default: false].
    pub accept_unverified_email: Option<bool>,
    /// Values of `acr` that stand for a strong sign-in.
    #[serde(default)]
    pub strong_acr: Vec<String>,
    /// Values of `amr` (RFC 8176) of which one makes a sign-in strong; `mfa`, `otp`, `hwk`, `swk`, `fpt`, `face`
    /// where absent.
    pub strong_amr: Option<Vec<String>>,
    /// Slug of the service account by which this provider creates and disables people (SCIM).
    pub scim_account: Option<String>,
}

/// What a group of a provider gives, in a table `[[group_mappings]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MappingOptions {
    /// Key of the provider.
    pub provider: String,
    /// The group, exactly as the provider names it.
    pub group: String,
    /// A role.
    pub role: Option<String>,
    /// Slug of a team.
    pub team: Option<String>,
    /// Slug of a review group.
    pub review_group: Option<String>,
}

/// How we prove who we are at the token endpoint (RFC 6749, 2.3).
#[derive(Clone)]
pub enum ClientAuth {
    /// By HTTP Basic.
    Basic(String),
    /// In the body.
    Post(String),
    /// Not at all: a public client, kept safe by PKCE.
    Public,
}

impl std::fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Basic(_) => "Basic(…)",
            Self::Post(_) => "Post(…)",
            Self::Public => "Public",
        })
    }
}

/// A checked provider.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its word.
    pub key: String,
    /// What people read.
    pub name: String,
    /// The issuer.
    pub issuer: String,
    /// Our id there.
    pub client_id: String,
    /// How we prove it.
    pub auth: ClientAuth,
    /// Scopes beside `openid`.
    pub scopes: Vec<String>,
    /// Where the groups are.
    pub groups_claim: Option<String>,
    /// Whether strangers become people.
    pub create_people: bool,
    /// Whether an address counts that is not vouched for.
    pub accept_unverified_email: bool,
    /// Strong values of `acr`.
    pub strong_acr: Vec<String>,
    /// Strong values of `amr`.
    pub strong_amr: Vec<String>,
    /// The service account that provisions its people.
    pub scim_account: Option<String>,
}

/// Whether a host is this very machine: only there a provider may speak without TLS.
fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

impl Provider {
    /// Checks what the file says; every fault names the table and the key.
    pub fn checked(options: ProviderOptions, n: usize) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let place =
            if options.key.is_empty() { format!("providers[{n}]") } else { format!("providers.{}", options.key) };
        let mut fault = |field: &str, text: &str| faults.push(format!("{place}.{field}: {text}"));
        let key_fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if options.key.is_empty() || options.key.len() > 40 || !options.key.chars().all(key_fits) {
            fault("key", "give 1 to 40 lower case letters, digits or dashes");
        }
        match Url::parse(&options.issuer) {
            Err(error) => fault("issuer", &format!("not a URL ({error})")),
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                fault("issuer", "an issuer has neither query nor fragment (OpenID Connect Discovery 1.0)");
            }
            Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) => {}
            Ok(_) => fault("issuer", "it must be https, but on this very machine"),
        }
        if options.client_id.trim().is_empty() {
            fault("client_id", "missing");
        }
        let secret = match options.client_secret_file.as_deref().map(secret) {
            None => None,
            Some(Ok(secret)) => Some(secret),
            Some(Err(text)) => {
                fault("client_secret_file", &text);
                None
            }
        };
        let auth = match (options.client_auth.as_deref(), secret) {
            (None | Some("basic"), Some(secret)) => ClientAuth::Basic(secret),
            (Some("post"), Some(secret)) => ClientAuth::Post(secret),
            (None, None) => ClientAuth::Public,
            (Some("basic" | "post"), None) => {
                fault("client_auth", "it needs client_secret_file beside it");
                ClientAuth::Public
            }
            (Some(other), _) => {
                fault("client_auth", &format!("'{other}' is neither basic nor post"));
                ClientAuth::Public
            }
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        let usual = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
        Ok(Self {
            name: options.name.unwrap_or_else(|| options.key.clone()),
            key: options.key,
            issuer: options.issuer,
            client_id: options.client_id,
            auth,
            scopes: options.scopes.unwrap_or_else(|| usual(&["profile", "email"])),
            groups_claim: options.groups_claim,
            create_people: options.create_people.unwrap_or(true),
            accept_unverified_email: options.accept_unverified_email.unwrap_or(false),
            strong_acr: options.strong_acr,
            strong_amr: options.strong_amr.unwrap_or_else(|| usual(&["mfa", "otp", "hwk", "swk", "fpt", "face"])),
            scim_account: options.scim_account,
        })
    }

    /// Whether a sign-in counts as strong: by its class, else by one of its methods.
    pub fn is_strong(&self, acr: Option<&str>, amr: &[String]) -> bool {
        acr.is_some_and(|acr| self.strong_acr.iter().any(|strong| strong == acr))
            || amr.iter().any(|method| self.strong_amr.contains(method))
    }

    /// Whether endpoints have to be https.
    pub fn needs_tls(&self) -> bool {
        self.issuer.starts_with("https:")
    }
}

fn secret(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let text = text.trim();
    if text.is_empty() { Err(format!("{} is empty", path.display())) } else { Ok(text.to_owned()) }
}

/// What a group gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A role.
    Role(Role),
    /// Membership of a team, by its slug.
    Team(String),
    /// Membership of a review group, by its slug.
    ReviewGroup(String),
}

/// A mapping of the configuration file, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedMapping {
    /// Key of the provider.
    pub provider: String,
    /// The group.
    pub group: String,
    /// What it gives.
    pub target: Target,
}

impl FixedMapping {
    /// Checks what the file says, against the providers that it names.
    pub fn checked(options: MappingOptions, n: usize, providers: &[Provider]) -> Result<Self, String> {
        let place = format!("group_mappings[{n}]");
        if !providers.iter().any(|provider| provider.key == options.provider) {
            return Err(format!("{place}.provider: there is no provider '{}'", options.provider));
        }
        if options.group.is_empty() {
            return Err(format!("{place}.group: missing"));
        }
        let target = match (options.role, options.team, options.review_group) {
            (Some(role), None, None) => {
                Target::Role(role.parse().map_err(|_| format!("{place}.role: '{role}' is not a role"))?)
            }
            (None, Some(team), None) => Target::Team(team),
            (None, None, Some(group)) => Target::ReviewGroup(group),
            _ => return Err(format!("{place}: give one of role, team and review_group")),
        };
        Ok(Self { provider: options.provider, group: options.group, target })
    }
}

/// Whether a provider says that somebody has more groups than fit into a token: then they are unknown.
pub fn has_too_many_groups(claims: &Map<String, Value>) -> bool {
    claims.contains_key("_claim_names") || claims.get("hasgroups").is_some_and(|said| said != &Value::Bool(false))
}

/// The groups in a token's claims: by the claim's whole name, else along its dots. `None` where they are not
/// there, or are no texts.
pub fn groups_in(claims: &Map<String, Value>, path: &str) -> Option<Vec<String>> {
    let found = claims.get(path).or_else(|| {
        let mut names = path.split('.');
        let first = claims.get(names.next()?)?;
        names.try_fold(first, |value, name| value.get(name))
    })?;
    match found {
        Value::String(one) => Some(vec![one.clone()]),
        Value::Array(many) => many.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_fault_of_a_provider_is_named_with_its_place() {
        let options = ProviderOptions {
            key: "Okta!".into(),
            issuer: "http://login.example.com".into(),
            client_auth: Some("jwt".into()),
            client_secret_file: Some("/nowhere/secret".into()),
            ..ProviderOptions::default()
        };
        let faults = Provider::checked(options, 0).expect_err("faults");
        assert_eq!(faults.len(), 5, "{faults:?}");
        assert!(faults.iter().all(|fault| fault.starts_with("providers.Okta!.")), "{faults:?}");
        let local = ProviderOptions {
            key: "local".into(),
            issuer: "http://127.0.0.1:9000".into(),
            client_id: "muster".into(),
            ..ProviderOptions::default()
        };
        let local = Provider::checked(local, 0).expect("fine on this machine");
        assert!(local.is_strong(None, &["pwd".into(), "otp".into()]) && !local.is_strong(Some("mfa"), &["pwd".into()]));
    }

    #[test]
    fn groups_are_found_by_name_and_along_dots_and_unknown_is_not_none() {
        let claims =
            json!({ "groups": ["a", "b"], "realm": { "roles": ["r"] }, "https://x.example/g": "one", "n": [1] });
        let claims = claims.as_object().expect("an object");
        assert_eq!(groups_in(claims, "groups"), Some(vec!["a".into(), "b".into()]));
        assert_eq!(groups_in(claims, "realm.roles"), Some(vec!["r".into()]));
        assert_eq!(groups_in(claims, "https://x.example/g"), Some(vec!["one".into()]));
        assert_eq!((groups_in(claims, "nothing"), groups_in(claims, "n")), (None, None));
    }

    #[test]
    fn a_mapping_gives_one_thing_of_a_known_provider() {
        let one = MappingOptions { provider: "x".into(), group: "g".into(), ..MappingOptions::default() };
        assert!(FixedMapping::checked(one, 0, &[]).is_err());
    }
}
