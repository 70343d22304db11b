//! Signing in at an OpenID provider: the code flow alone, with PKCE. This knows the protocol and neither the
//! database nor pages; what the library leaves to its callers is checked here, line by line of the standards.

mod cache;
mod http;
mod token;
mod types;

use openidconnect::{
    AuthType, AuthenticationContextClass, AuthorizationCode, ClientId, ClientSecret, CsrfToken, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    core::{CoreAuthPrompt, CoreAuthenticationFlow},
};
use subtle::ConstantTimeEq;
use url::Url;

use super::{ClientAuth, Provider};
pub use cache::{Known, Providers};
use types::{Metadata, Relying};

/// Why a sign-in at a provider was refused: for the log alone, and never with what the provider or the browser
/// sent.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

impl Refusal {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// What is asked of the provider beyond who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Any sign-in that it remembers.
    Any,
    /// A sign-in made now, by a class that counts as strong where some are configured.
    Fresh,
}

/// What has to be kept until the browser comes back.
#[derive(Debug)]
pub struct Pending {
    /// Random, comes back in the address.
    pub state: String,
    /// Random, comes back in the token.
    pub nonce: String,
    /// Proves at the token endpoint that we began (RFC 7636).
    pub verifier: String,
}

/// What comes back in the address (RFC 6749, 4.1.2; RFC 9207).
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The code.
    pub code: Option<String>,
    /// Who answers.
    pub iss: Option<String>,
    /// Why not.
    pub error: Option<String>,
}

/// Who somebody is at the provider, proved.
#[derive(Clone, Debug)]
pub struct Proved {
    /// The issuer.
    pub issuer: String,
    /// The subject: with the issuer, who it is for good.
    pub subject: String,
    /// Their name, where it is told.
    pub name: Option<String>,
    /// Their address, where it is told.
    pub email: Option<String>,
    /// Whether the provider vouches for the address.
    pub email_verified: bool,
    /// Their groups; `None` where they are not told.
    pub groups: Option<Vec<String>>,
    /// The class of the sign-in.
    pub acr: Option<String>,
    /// Its methods (RFC 8176).
    pub amr: Vec<String>,
    /// When they proved themselves there.
    pub authenticated_at: Option<chrono::DateTime<chrono::Utc>>,
    /// The token itself, to sign out with.
    pub id_token: String,
}

fn client(provider: &Provider, metadata: &Metadata, redirect: &Url) -> Relying {
    let (secret, way) = match &provider.auth {
        ClientAuth::Basic(secret) => (Some(ClientSecret::new(secret.clone())), AuthType::BasicAuth),
        ClientAuth::Post(secret) => (Some(ClientSecret::new(secret.clone())), AuthType::RequestBody),
        ClientAuth::Public => (None, AuthType::RequestBody),
    };
    Relying::from_provider_metadata(metadata.clone(), ClientId::new(provider.client_id.clone()), secret)
        .set_redirect_uri(RedirectUrl::from_url(redirect.clone()))
        .set_auth_type(way)
}

/// Where the browser is sent, and what is kept meanwhile.
pub fn begin(known: &Known, redirect: &Url, demand: Demand) -> (Url, Pending) {
    let provider = &known.provider;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let relying = client(provider, &known.metadata, redirect);
    let mut request = relying
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            || CsrfToken::new_random_len(32),
            || Nonce::new_random_len(32),
        )
        .add_scopes(provider.scopes.iter().cloned().map(Scope::new))
        .set_pkce_challenge(challenge);
    if demand == Demand::Fresh {
        request = request.set_max_age(std::time::Duration::ZERO).add_prompt(CoreAuthPrompt::Login);
        for acr in &provider.strong_acr {
            request = request.add_auth_context_value(AuthenticationContextClass::new(acr.clone()));
        }
    }
    let (url, state, nonce) = request.url();
    let pending =
        Pending { state: state.into_secret(), nonce: nonce.secret().clone(), verifier: verifier.into_secret() };
    (url, pending)
}

/// Checks the answer in the address: that it is of the provider that was asked (RFC 9207), and a code.
fn code(known: &Known, answer: Answer) -> Result<AuthorizationCode, Refusal> {
    let promised = known.metadata.additional_metadata().authorization_response_iss_parameter_supported;
    let fits = match &answer.iss {
        Some(iss) => bool::from(iss.as_bytes().ct_eq(known.provider.issuer.as_bytes())),
        None => !promised,
    };
    if !fits {
        return Err(Refusal::new("the answer's iss is not the provider that was asked (RFC 9207)"));
    }
    if let Some(error) = answer.error {
        let known = ["access_denied", "login_required", "interaction_required", "consent_required"];
        let said = known.iter().find(|word| **word == error).copied().unwrap_or("an error of its own");
        return Err(Refusal(format!("the provider refused: {said}")));
    }
    answer.code.filter(|code| !code.is_empty()).map(AuthorizationCode::new).ok_or(Refusal::new("no code came back"))
}

/// Exchanges the code, and proves who it is. Keys that are not known yet are fetched once more.
pub async fn finish(
    providers: &Providers,
    known: Known,
    redirect: &Url,
    (answer, pending): (Answer, Pending),
    demand: Demand,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Proved, Refusal> {
    let code = code(&known, answer)?;
    let relying = client(&known.provider, &known.metadata, redirect);
    let exchanged = relying
        .exchange_code(code)
        .map_err(|_| Refusal::new("the provider names no token endpoint"))?
        .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier))
        .request_async(&known.http)
        .await
        .map_err(|error| Refusal(token::told(&error)))?;
    let nonce = Nonce::new(pending.nonce);
    match token::prove(&known, &relying, &exchanged, &nonce, demand, now).await {
        Err(token::Fault::UnknownKey) => {
            let again = providers.with_fresh_keys(&known).await?;
            let relying = client(&again.provider, &again.metadata, redirect);
            match token::prove(&again, &relying, &exchanged, &nonce, demand, now).await {
                Err(token::Fault::UnknownKey) => Err(Refusal::new("signed with a key that the provider does not have")),
                Err(token::Fault::Refused(refusal)) => Err(refusal),
                Ok(proved) => Ok(proved),
            }
        }
        Err(token::Fault::Refused(refusal)) => Err(refusal),
        Ok(proved) => Ok(proved),
    }
}

/// Where somebody is signed out at the provider (OpenID Connect RP-Initiated Logout 1.0); `None` where it has no
/// such place.
pub fn sign_out_url(known: &Known, id_token: Option<&str>, back: &Url) -> Option<Url> {
    let mut url = known.metadata.additional_metadata().end_session_endpoint.as_ref()?.url().clone();
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("client_id", &known.provider.client_id);
        query.append_pair("post_logout_redirect_uri", back.as_str());
        if let Some(token) = id_token {
            query.append_pair("id_token_hint", token);
        }
    }
    Some(url)
}
