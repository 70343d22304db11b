//! What an ID token has to be before it counts (OpenID Connect Core 1.0, 3.1.3.7), and what is read from it.

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::{
    AccessToken, AccessTokenHash, ClaimsVerificationError, ClientId, IdTokenVerifier, Nonce, RequestTokenError,
    SignatureVerificationError, StandardErrorResponse, TokenResponse,
    core::{CoreErrorResponseType, CoreJsonWebKey},
};

use super::{
    Demand, Proved, Refusal,
    cache::Known,
    http::HttpError,
    types::{Algorithm, Claims, Info, Relying, Token},
};
use crate::provider::{groups_in, has_too_many_groups};

/// How far clocks may be apart.
const SKEW: TimeDelta = TimeDelta::seconds(60);
/// How old a token may be when it reaches us.
const OLDEST: TimeDelta = TimeDelta::minutes(10);
/// How old a sign-in may be that was to be fresh.
const FRESH: TimeDelta = TimeDelta::minutes(2);

/// Signatures that somebody can check who cannot make them; neither `none` nor any by a shared secret.
const ASYMMETRIC: [Algorithm; 9] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
];

/// Why a token does not count.
pub enum Fault {
    /// No key that we have fits; the provider may have a newer one.
    UnknownKey,
    /// It is refused.
    Refused(Refusal),
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What went wrong at the token endpoint, without what came back: that may hold tokens.
pub fn told(error: &RequestTokenError<HttpError, StandardErrorResponse<CoreErrorResponseType>>) -> String {
    match error {
        RequestTokenError::ServerResponse(said) => {
            let known = [
                "invalid_request",
                "invalid_client",
                "invalid_grant",
                "unauthorized_client",
                "unsupported_grant_type",
                "invalid_scope",
            ];
            let word = said.error().to_string();
            let word = known.into_iter().find(|known| *known == word).unwrap_or("an error of its own");
            format!("the token endpoint refused: {word}")
        }
        RequestTokenError::Request(error) => format!("the token endpoint: {error}"),
        RequestTokenError::Parse(..) => "the token endpoint's answer, or its ID token, cannot be read".into(),
        RequestTokenError::Other(_) => "the token endpoint does not answer as the standard asks".into(),
    }
}

fn within(now: DateTime<Utc>, then: DateTime<Utc>, oldest: TimeDelta) -> Result<(), String> {
    let age = now.signed_duration_since(then);
    if age < -SKEW {
        return Err("it lies in the future".into());
    }
    if age > oldest + SKEW { Err("it is too long ago".into()) } else { Ok(()) }
}

fn verifier(known: &Known, demand: Demand, now: DateTime<Utc>) -> IdTokenVerifier<'_, CoreJsonWebKey> {
    let (provider, metadata) = (&known.provider, &known.metadata);
    let offered = metadata.id_token_signing_alg_values_supported();
    // As of a client without a secret, so that no signature by a shared one is ever taken.
    IdTokenVerifier::new_public_client(
        ClientId::new(provider.client_id.clone()),
        metadata.issuer().clone(),
        metadata.jwks().clone(),
    )
    // Whether others may stand beside us is decided by azp, in `rest`: the token comes straight from the token endpoint
    // and holds our nonce, so that one which names us as the party it was issued to is ours.
    .set_other_audience_verifier_fn(|_| true)
    .set_allowed_algs(ASYMMETRIC.into_iter().filter(|algorithm| offered.contains(algorithm)))
    .set_time_fn(move || now - SKEW)
    .set_issue_time_verifier_fn(move |issued| within(now, issued, OLDEST))
    .set_auth_time_verifier_fn(move |at| match (demand, at) {
        (Demand::Any, None) => Ok(()),
        (Demand::Any, Some(at)) => within(now, at, TimeDelta::days(400)),
        (Demand::Fresh, Some(at)) => within(now, at, FRESH),
        (Demand::Fresh, None) => Err("auth_time is missing although it was asked for".into()),
    })
}

/// Proves the token of an exchange, and reads who it is of.
pub async fn prove<R>(
    known: &Known,
    relying: &Relying,
    exchanged: &R,
    nonce: &Nonce,
    demand: Demand,
    now: DateTime<Utc>,
) -> Result<Proved, Fault>
where
    R: TokenResponse<
            super::types::Others,
            openidconnect::core::CoreGenderClaim,
            openidconnect::core::CoreJweContentEncryptionAlgorithm,
            Algorithm,
            TokenType = openidconnect::core::CoreTokenType,
        >,
{
    let token = exchanged.id_token().ok_or(Refusal::new("no ID token came back"))?;
    let verifier = verifier(known, demand, now);
    let claims = token.claims(&verifier, nonce).map_err(|error| match error {
        ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey) => Fault::UnknownKey,
        other => Fault::Refused(Refusal(format!("ID token: {}", cause(&other)))),
    })?;
    rest(known, claims, now)?;
    access_token(token, claims, exchanged.access_token(), &verifier)?;
    let mut proved = read(known, claims, token);
    let incomplete = proved.email.is_none() || (proved.groups.is_none() && known.provider.groups_claim.is_some());
    if incomplete && known.metadata.userinfo_endpoint().is_some() {
        add(&mut proved, known, userinfo(known, relying, exchanged.access_token(), claims).await?);
    }
    // Who is in no group is often told nothing; more groups than fit are another matter.
    if proved.groups.is_none()
        && known.provider.groups_claim.is_some()
        && !has_too_many_groups(&claims.additional_claims().0)
    {
        proved.groups = Some(Vec::new());
    }
    Ok(proved)
}

/// Which check failed; the library's texts can hold values of the token, so they are not passed on.
fn cause(error: &ClaimsVerificationError) -> &'static str {
    match error {
        ClaimsVerificationError::Expired(_) => "it has expired, or its iat lies in the future or too far back",
        ClaimsVerificationError::InvalidAudience(_) => "it is for another audience",
        ClaimsVerificationError::InvalidAuthContext(_) => "its acr was not asked for",
        ClaimsVerificationError::InvalidAuthTime(_) => "its auth_time is not fresh, missing, or in the future",
        ClaimsVerificationError::InvalidIssuer(_) => "it is of another issuer",
        ClaimsVerificationError::InvalidNonce(_) => "its nonce is not ours",
        ClaimsVerificationError::InvalidSubject(_) => "it is of another subject",
        ClaimsVerificationError::SignatureVerification(inner) => match inner {
            SignatureVerificationError::AmbiguousKeyId(_) => "it does not say by which of several keys it is signed",
            SignatureVerificationError::CryptoError(_) => "its signature is wrong",
            SignatureVerificationError::DisallowedAlg(_) => "it is signed in a way that is not allowed",
            SignatureVerificationError::UnsupportedAlg(_) => "it is signed in a way that is not known",
            SignatureVerificationError::NoSignature => "it has no signature",
            _ => "its signature cannot be checked",
        },
        ClaimsVerificationError::Unsupported(_) => "its header asks for what is not supported",
        _ => "a claim is wrong",
    }
}

/// What the library leaves to its callers: `azp`, `nbf`, the subject's length, the size of RSA keys.
fn rest(known: &Known, claims: &Claims, now: DateTime<Utc>) -> Result<(), Refusal> {
    let ours = |party: &str| party == known.provider.client_id;
    let party = claims.authorized_party().map(|party| party.as_str());
    if party.map_or(claims.audiences().len() > 1, |party| !ours(party)) {
        return Err(Refusal::new("ID token: azp is not us"));
    }
    let others = &claims.additional_claims().0;
    if let Some(begins) = others.get("nbf") {
        let begins = begins.as_i64().ok_or(Refusal::new("ID token: nbf is no time"))?;
        if begins > (now + SKEW).timestamp() {
            return Err(Refusal::new("ID token: nbf lies in the future"));
        }
    }
    let length = claims.subject().len();
    if length == 0 || length > 255 {
        return Err(Refusal::new("ID token: sub is empty or has more than 255 characters"));
    }
    Ok(())
}

fn access_token(
    token: &Token,
    claims: &Claims,
    access: &AccessToken,
    verifier: &IdTokenVerifier<'_, CoreJsonWebKey>,
) -> Result<(), Refusal> {
    let Some(expected) = claims.access_token_hash() else { return Ok(()) };
    let wrong = || Refusal::new("ID token: at_hash does not fit the access token");
    let algorithm = token.signing_alg().map_err(|_| wrong())?;
    let key = token.signing_key(verifier).map_err(|_| wrong())?;
    let actual = AccessTokenHash::from_token(access, algorithm, key).map_err(|_| wrong())?;
    if actual == *expected { Ok(()) } else { Err(wrong()) }
}

fn read(known: &Known, claims: &Claims, token: &Token) -> Proved {
    let groups = |path: &String| groups_in(&claims.additional_claims().0, path);
    Proved {
        issuer: claims.issuer().to_string(),
        subject: claims.subject().to_string(),
        name: claims.name().and_then(|name| name.get(None)).map(|name| name.to_string()),
        email: claims.email().map(|email| email.to_string()),
        email_verified: claims.email_verified().unwrap_or(false),
        groups: known.provider.groups_claim.as_ref().and_then(groups),
        acr: claims.auth_context_ref().map(|acr| acr.to_string()),
        amr: claims.auth_method_refs().into_iter().flatten().map(|amr| amr.to_string()).collect(),
        authenticated_at: claims.auth_time(),
        id_token: token.to_string(),
    }
}

async fn userinfo(known: &Known, relying: &Relying, access: &AccessToken, claims: &Claims) -> Result<Info, Refusal> {
    // The library would panic on a token that is no header value.
    if !access.secret().bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Refusal::new("the access token holds characters that none may hold"));
    }
    let request = relying.user_info(access.clone(), Some(claims.subject().clone()));
    let request = request.map_err(|_| Refusal::new("the provider names no userinfo endpoint"))?;
    request.request_async(&known.http).await.map_err(|error| {
        Refusal::new(match error {
            openidconnect::UserInfoError::ClaimsVerification(_) => "userinfo is of another subject",
            _ => "userinfo cannot be read",
        })
    })
}

fn add(proved: &mut Proved, known: &Known, info: Info) {
    if proved.email.is_none() {
        proved.email = info.email().map(|email| email.to_string());
        proved.email_verified = info.email_verified().unwrap_or(false);
    }
    if proved.name.is_none() {
        proved.name = info.name().and_then(|name| name.get(None)).map(|name| name.to_string());
    }
    if let (None, Some(path)) = (&proved.groups, &known.provider.groups_claim) {
        proved.groups = groups_in(&info.additional_claims().0, path);
    }
}
