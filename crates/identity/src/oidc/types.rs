//! The library's types with what we read besides.

use openidconnect::{
    AdditionalClaims, AdditionalProviderMetadata, Client, EmptyExtraTokenFields, EndSessionUrl, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, IdToken, IdTokenClaims, IdTokenFields, ProviderMetadata, StandardErrorResponse,
    StandardTokenResponse, UserInfoClaims,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreErrorResponseType,
        CoreGenderClaim, CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
        CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreRevocableToken,
        CoreRevocationErrorResponse, CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What of a provider's metadata the library does not name.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Extra {
    /// Where people are signed out (OpenID Connect RP-Initiated Logout 1.0).
    pub end_session_endpoint: Option<EndSessionUrl>,
    /// Whether its answers name it (RFC 9207).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    /// Ways of PKCE (RFC 7636) that it takes.
    pub code_challenge_methods_supported: Option<Vec<String>>,
}
impl AdditionalProviderMetadata for Extra {}

/// Claims that the library does not name: groups, `nbf` and what providers add.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Others(pub Map<String, Value>);
impl AdditionalClaims for Others {}

pub type Algorithm = CoreJwsSigningAlgorithm;
type Encryption = CoreJweContentEncryptionAlgorithm;

/// A provider's metadata with its keys.
pub type Metadata = ProviderMetadata<
    Extra,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    Encryption,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;
/// An ID token as it came.
pub type Token = IdToken<Others, CoreGenderClaim, Encryption, Algorithm>;
/// What it says.
pub type Claims = IdTokenClaims<Others, CoreGenderClaim>;
/// What the userinfo endpoint says.
pub type Info = UserInfoClaims<Others, CoreGenderClaim>;
type Tokens = StandardTokenResponse<
    IdTokenFields<Others, EmptyExtraTokenFields, CoreGenderClaim, Encryption, Algorithm>,
    CoreTokenType,
>;
/// A client of one provider: authorize is known, token and userinfo may be.
pub type Relying = Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    Encryption,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;
