//! What is known of the providers: their metadata and keys, fetched when they are needed and kept for an hour.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use openidconnect::{DiscoveryError, EndSessionUrl, IssuerUrl, JsonWebKeySet, TokenUrl, UserInfoUrl};

use super::{
    Refusal,
    http::{Http, HttpError},
    types::Metadata,
};
use crate::Provider;

/// How long metadata and keys are kept.
const KEPT: Duration = Duration::from_hours(1);
/// How long they are used while the provider does not answer.
const STALE: Duration = Duration::from_hours(24);
/// How long a provider that did not answer is left alone.
const PAUSE: Duration = Duration::from_secs(10);
/// How often keys are fetched because a token names an unknown one.
const KEYS_PAUSE: Duration = Duration::from_secs(20);

/// A provider with its metadata and keys, ready to be talked to.
#[derive(Clone, Debug)]
pub struct Known {
    /// As it is configured.
    pub provider: Arc<Provider>,
    pub(super) metadata: Arc<Metadata>,
    pub(super) http: Http,
}

#[derive(Debug, Default)]
struct Kept {
    metadata: Option<(Instant, Arc<Metadata>)>,
    failed: Option<(Instant, String)>,
    keys: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    provider: Arc<Provider>,
    http: Option<Http>,
    kept: Mutex<Kept>,
}

impl Entry {
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The providers that are configured.
#[derive(Debug, Default)]
pub struct Providers(Vec<Entry>);

impl Providers {
    /// Of a configuration. Nothing is fetched yet.
    pub fn new(providers: &[Provider]) -> Self {
        let entry = |provider: &Provider| Entry {
            http: Http::new(provider).ok(),
            provider: Arc::new(provider.clone()),
            kept: Mutex::default(),
        };
        Self(providers.iter().map(entry).collect())
    }

    /// Each with whether it answered when it was last asked.
    pub fn all(&self) -> impl Iterator<Item = (&Provider, bool)> {
        self.0.iter().map(|entry| (&*entry.provider, entry.kept().failed.is_none()))
    }

    /// A provider by its key.
    pub fn get(&self, key: &str) -> Option<&Provider> {
        self.0.iter().find(|entry| entry.provider.key == key).map(|entry| &*entry.provider)
    }

    /// A provider with its metadata; fetched where they are over an hour old. While it does not answer, what was
    /// known before is used for a day. The refusal says why.
    pub async fn known(&self, key: &str) -> Result<Known, Refusal> {
        let entry = self.0.iter().find(|entry| entry.provider.key == key);
        let entry = entry.ok_or_else(|| Refusal::new("there is no such provider"))?;
        let http = entry.http.clone().ok_or_else(|| Refusal::new("TLS could not be set up"))?;
        let known =
            |metadata: Arc<Metadata>| Known { provider: Arc::clone(&entry.provider), metadata, http: http.clone() };
        let held = {
            let kept = entry.kept();
            let held = kept.metadata.clone();
            if let Some((at, metadata)) = &held
                && at.elapsed() < KEPT
            {
                return Ok(known(Arc::clone(metadata)));
            }
            if let Some((at, why)) = &kept.failed
                && at.elapsed() < PAUSE
                && held.is_none()
            {
                return Err(Refusal(why.clone()));
            }
            held
        };
        let begun = Instant::now();
        match discover(&http, &entry.provider).await {
            Ok(found) => {
                let found = Arc::new(found);
                *entry.kept() = Kept { metadata: Some((begun, Arc::clone(&found))), failed: None, keys: None };
                Ok(known(found))
            }
            Err(refusal) => {
                tracing::warn!(
                    provider = entry.provider.key,
                    why = refusal.0,
                    "a provider does not answer as it should"
                );
                entry.kept().failed = Some((begun, refusal.0.clone()));
                match held {
                    Some((at, metadata)) if at.elapsed() < STALE => Ok(known(metadata)),
                    _ => Err(refusal),
                }
            }
        }
    }

    /// The same provider with its keys fetched anew, some seconds after the last time at the earliest.
    pub(super) async fn with_fresh_keys(&self, known: &Known) -> Result<Known, Refusal> {
        let entry = self.0.iter().find(|entry| entry.provider.key == known.provider.key);
        let entry = entry.ok_or_else(|| Refusal::new("there is no such provider"))?;
        {
            let mut kept = entry.kept();
            if kept.keys.is_some_and(|at| at.elapsed() < KEYS_PAUSE) {
                let metadata = kept.metadata.as_ref().map(|(_, metadata)| Arc::clone(metadata));
                return Ok(Known {
                    metadata: metadata.unwrap_or_else(|| Arc::clone(&known.metadata)),
                    ..known.clone()
                });
            }
            kept.keys = Some(Instant::now());
        }
        let keys = JsonWebKeySet::fetch_async(known.metadata.jwks_uri(), &known.http)
            .await
            .map_err(|error| Refusal(format!("keys: {}", told(&error))))?;
        let metadata = Arc::new((*known.metadata).clone().set_jwks(keys));
        let mut kept = entry.kept();
        let at = kept.metadata.as_ref().map_or_else(Instant::now, |(at, _)| *at);
        kept.metadata = Some((at, Arc::clone(&metadata)));
        Ok(Known { metadata, ..known.clone() })
    }
}

/// What went wrong, without what came back.
fn told(error: &DiscoveryError<HttpError>) -> String {
    match error {
        DiscoveryError::Request(error) => error.to_string(),
        DiscoveryError::Response(status, ..) => format!("it answered with status {status}"),
        DiscoveryError::Parse(_) => "the answer is not the JSON that the standard asks for".into(),
        DiscoveryError::Validation(_) => "it names another issuer than the one that is configured".into(),
        DiscoveryError::UrlParse(_) => "the issuer is no URL".into(),
        _ => "it does not answer as the standard asks".into(),
    }
}

/// Metadata and keys by OpenID Connect Discovery 1.0, with what we need of them.
async fn discover(http: &Http, provider: &Provider) -> Result<Metadata, Refusal> {
    let issuer = IssuerUrl::new(provider.issuer.clone()).map_err(|_| Refusal::new("the issuer is no URL"))?;
    let found = Metadata::discover_async(issuer, http).await.map_err(|error| Refusal(told(&error)))?;
    let extra = found.additional_metadata();
    let endpoints = [
        Some(found.authorization_endpoint().url()),
        Some(found.jwks_uri().url()),
        found.token_endpoint().map(TokenUrl::url),
        found.userinfo_endpoint().map(UserInfoUrl::url),
        extra.end_session_endpoint.as_ref().map(EndSessionUrl::url),
    ];
    let safe = |url: &&url::Url| url.scheme() == "https" || (url.scheme() == "http" && !provider.needs_tls());
    if !endpoints.iter().flatten().all(safe) {
        return Err(Refusal::new("one of its endpoints is not https"));
    }
    if found.token_endpoint().is_none() {
        return Err(Refusal::new("it names no token endpoint"));
    }
    let ways = extra.code_challenge_methods_supported.as_ref();
    if ways.is_some_and(|ways| !ways.iter().any(|way| way == "S256")) {
        return Err(Refusal::new("it does not take PKCE by S256"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use openidconnect::core::CoreJsonWebKeySet;

    #[test]
    fn keys_of_a_provider_do_not_become_large_in_memory() {
        if !base::foreign::alone() {
            return;
        }
        // No larger answer is read.
        let most = 1 << 20;
        let set = |one: &str| format!("{{\"keys\":[{}{one}]}}", format!("{one},").repeat(most / (one.len() + 1)));
        let small = set(r#"{"kty":"RSA","n":"AQ","e":"AQ"}"#);
        let unknown = set(r#"{"kty":"x"}"#);
        let certificates = set(r#"{"kty":"RSA","n":"AQ","e":"AQ","x5c":["","","","","","","",""]}"#);
        let deep = "{\"keys\":".to_owned() + &"[".repeat(most);
        for (name, json) in [("small", small), ("unknown", unknown), ("certificates", certificates), ("deep", deep)] {
            let begun = std::time::Instant::now();
            let (grown, read) = base::foreign::growth(|| serde_json::from_str::<CoreJsonWebKeySet>(&json).is_ok());
            assert!(grown < 64, "{name}: {} bytes became {grown} MiB ({read})", json.len());
            assert!(begun.elapsed().as_secs() < 5, "{name}: {:?}", begun.elapsed());
        }
    }
}
