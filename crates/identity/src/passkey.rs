//! Passkeys (Web Authentication Level 3): both ceremonies, with a user that is verified and a key that is found
//! without a name. This knows the library and neither the database nor pages.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use serde_json::Value;
use url::Url;
use uuid::Uuid;
use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthentication16, DiscoverableAuthenticationServerState,
    DiscoverableCredentialRequestOptions, PublicKeyCredentialCreationOptions, Registration, RegistrationServerState,
    bin::{Decode, Encode},
    request::{
        AsciiDomain, ExtensionInfo, PublicKeyCredentialDescriptor, RpId, TimedCeremony,
        auth::AuthenticationVerificationOptions,
        register::{
            CredProtect, Nickname, PublicKeyCredentialUserEntity, RegistrationVerificationOptions, UserHandle16,
            Username,
        },
    },
    response::{
        AuthTransports, CredentialId,
        register::{CompressedPubKey, DynamicState, StaticState},
    },
};

use base::error::Error;

/// A public key as it is read back.
type StoredKey = CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>;

/// Where passkeys count: a domain, and the origin that pages have.
#[derive(Debug)]
pub struct Site {
    id: RpId,
    origins: Vec<String>,
}

/// A ceremony that was begun: its challenge, until when it holds, and what the second half needs.
#[derive(Debug)]
pub struct Ceremony {
    /// Random; the answer names it.
    pub challenge: [u8; 16],
    /// Five minutes from its beginning.
    pub expires_at: DateTime<Utc>,
    /// For the second half.
    pub state: Vec<u8>,
}

/// A passkey as it is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its id, made by the authenticator.
    pub credential_id: Vec<u8>,
    /// Ways to reach it.
    pub transports: u8,
    /// What stays: its public key.
    pub static_state: Vec<u8>,
    /// What moves: its counter.
    pub dynamic_state: Vec<u8>,
}

/// An answer to a sign-in, before it counts: whom and which passkey it claims.
#[derive(Debug)]
pub struct Claim {
    response: DiscoverableAuthentication16,
    /// The ceremony.
    pub challenge: [u8; 16],
    /// The passkey.
    pub credential_id: Vec<u8>,
    /// The person.
    pub person: Uuid,
}

fn unfit() -> Error {
    Error::Conflict("This passkey does not fit, or it took too long. Begin again.".into())
}

/// Refusals of the library are for the log: their texts can quote what was sent.
fn refused<E: std::fmt::Debug>(what: &'static str) -> impl Fn(E) -> Error {
    move |_| {
        tracing::info!(what, "a passkey was refused");
        unfit()
    }
}

fn handle(person: Uuid) -> UserHandle16 {
    let Ok(handle) = UserHandle16::decode(person.into_bytes());
    handle
}

fn sure<T>(made: Result<T, std::convert::Infallible>) -> T {
    let Ok(value) = made;
    value
}

impl Site {
    /// Of the public URL. Browsers keep passkeys for names alone: `None` where it is an address in numbers.
    pub fn of(public: &Url) -> Option<Self> {
        let domain = public.domain()?;
        let id = RpId::Domain(AsciiDomain::try_from(domain.to_owned()).ok()?);
        Some(Self { id, origins: vec![public.origin().ascii_serialization()] })
    }

    /// Begins to register a passkey of a person; those that they have are not offered again. The options are for
    /// `PublicKeyCredential.parseCreationOptionsFromJSON`.
    pub fn begin_registration(
        &self,
        person: Uuid,
        (email, name): (&str, &str),
        existing: &[Kept],
    ) -> Result<(Ceremony, Value), Error> {
        let id = handle(person);
        let named = Username::try_from(email).or_else(|_| Username::try_from("person")).map_err(refused("name"))?;
        let user = PublicKeyCredentialUserEntity { name: named, id: &id, display_name: Nickname::try_from(name).ok() };
        let known = existing.iter().map(|kept| {
            Ok(PublicKeyCredentialDescriptor {
                id: CredentialId::<Vec<u8>>::decode(kept.credential_id.clone()).map_err(refused("stored id"))?,
                transports: AuthTransports::decode(kept.transports).map_err(refused("stored transports"))?,
            })
        });
        let known = known.collect::<Result<Vec<_>, Error>>()?;
        let mut options = PublicKeyCredentialCreationOptions::passkey(&self.id, user, known);
        // Asked for and not enforced: authenticators without it are fine, since each use verifies its user anyway.
        options.extensions.cred_protect = CredProtect::UserVerificationRequired(ExtensionInfo::AllowDontEnforceValue);
        let (server, client) = options.start_ceremony().map_err(refused("options"))?;
        let ceremony = Ceremony {
            challenge: server.sent_challenge().0.to_le_bytes(),
            expires_at: moment(server.expiration()),
            state: server.encode().map_err(refused("clock"))?,
        };
        let mut options = serde_json::to_value(&client).map_err(Error::internal)?;
        options["rp"]["name"] = "Muster".into();
        Ok((ceremony, options))
    }

    /// The answer to a registration, and the ceremony that it names.
    pub fn read_registration(body: &[u8]) -> Result<(Registration, [u8; 16]), Error> {
        let response = Registration::from_json_relaxed(body).map_err(refused("answer"))?;
        let challenge = response.challenge_relaxed().map_err(refused("challenge"))?.0.to_le_bytes();
        Ok((response, challenge))
    }

    /// Checks the answer to a registration that a person began.
    pub fn finish_registration(&self, person: Uuid, state: &[u8], response: &Registration) -> Result<Kept, Error> {
        let server = RegistrationServerState::<16>::decode(state).map_err(refused("stored state"))?;
        let options = RegistrationVerificationOptions::<'_, '_, String, String> {
            allowed_origins: &self.origins,
            error_on_unsolicited_extensions: false,
            ..Default::default()
        };
        let made = server.verify(&self.id, response, &options).map_err(refused("registration"))?;
        let (id, transports, owner, fixed, moving, _) = made.into_parts();
        if owner != handle(person) {
            return Err(unfit());
        }
        Ok(Kept {
            credential_id: sure(id.encode()).to_vec(),
            transports: sure(transports.encode()),
            static_state: sure(fixed.encode()),
            dynamic_state: sure(moving.encode()).to_vec(),
        })
    }

    /// Begins a sign-in by whatever passkey somebody has here. The options are for
    /// `PublicKeyCredential.parseRequestOptionsFromJSON`.
    pub fn begin_sign_in(&self) -> Result<(Ceremony, Value), Error> {
        let begun = DiscoverableCredentialRequestOptions::passkey(&self.id).start_ceremony();
        let (server, client) = begun.map_err(refused("options"))?;
        let ceremony = Ceremony {
            challenge: server.sent_challenge().0.to_le_bytes(),
            expires_at: moment(server.expiration()),
            state: server.encode().map_err(refused("clock"))?,
        };
        Ok((ceremony, serde_json::to_value(&client).map_err(Error::internal)?))
    }

    /// The answer to a sign-in, and what it claims.
    pub fn read_sign_in(body: &[u8]) -> Result<Claim, Error> {
        let response = DiscoverableAuthentication16::from_json_relaxed(body).map_err(refused("answer"))?;
        let challenge = response.challenge_relaxed().map_err(refused("challenge"))?.0.to_le_bytes();
        let credential_id = response.raw_id().as_ref().to_vec();
        let person = Uuid::from_bytes(sure(response.response().user_handle().encode()));
        Ok(Claim { response, challenge, credential_id, person })
    }

    /// Checks the answer to a sign-in against the passkey as it is kept for a person; its new moving part.
    pub fn finish_sign_in(&self, person: Uuid, state: &[u8], claim: &Claim, kept: &Kept) -> Result<Vec<u8>, Error> {
        let server = DiscoverableAuthenticationServerState::decode(state).map_err(refused("stored state"))?;
        let id = CredentialId::<&[u8]>::decode(kept.credential_id.as_slice()).map_err(refused("stored id"))?;
        let owner = handle(person);
        let fixed = StaticState::<StoredKey>::decode(kept.static_state.as_slice()).map_err(refused("stored key"))?;
        let moving: [u8; 7] = kept.dynamic_state.as_slice().try_into().map_err(refused("stored state"))?;
        let moving = DynamicState::decode(moving).map_err(refused("stored state"))?;
        let mut credential =
            AuthenticatedCredential::new(id, &owner, fixed, moving).map_err(refused("stored passkey"))?;
        let options = AuthenticationVerificationOptions::<'_, '_, String, String> {
            allowed_origins: &self.origins,
            error_on_unsolicited_extensions: false,
            ..Default::default()
        };
        server.verify(&self.id, &claim.response, &mut credential, &options).map_err(refused("sign-in"))?;
        Ok(sure(credential.dynamic_state().encode()).to_vec())
    }
}

fn moment(at: SystemTime) -> DateTime<Utc> {
    DateTime::<Utc>::from(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_need_a_name_and_their_options_verify_the_user() {
        assert!(Site::of(&Url::parse("http://127.0.0.1:8080").expect("a URL")).is_none());
        let site = Site::of(&Url::parse("https://muster.example.com").expect("a URL")).expect("a site");
        let (_, options) =
            site.begin_registration(Uuid::from_u128(7), ("ada@example.com", "Ada Lovelace"), &[]).expect("options");
        assert_eq!(options["rp"]["id"], "muster.example.com");
        assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
        assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
        let (ceremony, options) = site.begin_sign_in().expect("options");
        assert_eq!(options["userVerification"], "required");
        assert_eq!(ceremony.challenge.len(), 16);
        assert!(Site::read_sign_in(b"{}").is_err() && Site::read_registration(b"[]").is_err());
    }
}
