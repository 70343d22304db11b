//! A credential: metadata of a key, client, certificate or webhook secret. Never the secret.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{MaximumAge, next_rotation};
use crate::catalog::Environment;
use base::{audit::Record, check::Check, error::Error, secret, words};

words! {
    /// What it is.
    #[derive(Default)]
    CredentialKind, "/kind" {
        /// A key in a header or query.
        #[default]
        ApiKey = "api_key",
        /// An OAuth client with its secret.
        OauthClient = "oauth_client",
        /// An X.509 certificate.
        Certificate = "certificate",
        /// What webhooks are signed with.
        WebhookSecret = "webhook_secret",
        /// An SSH key.
        SshKey = "ssh_key",
        /// A password of a technical user.
        Password = "password",
    }
}

words! {
    /// Where it is in its life. Due and overdue follow from dates at every look.
    #[derive(Default)]
    CredentialState, "/state" {
        /// Not made yet.
        Planned = "planned",
        /// In use.
        #[default]
        Active = "active",
        /// The new one is there, the old one still works.
        Rotating = "rotating",
        /// Somebody else may know it.
        Compromised = "compromised",
        /// No longer works.
        Revoked = "revoked",
    }
}

/// What people say of a credential.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialContent {
    /// Human slug; made from the name where absent.
    #[serde(default)]
    pub slug: String,
    /// Its name, such as `stripe-live`.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub kind: CredentialKind,
    /// Where it is used.
    #[serde(default)]
    pub environment: Environment,
    /// Where the secret is kept, such as `vault:kv/pay/stripe`.
    #[serde(default)]
    pub vault_reference: Option<String>,
    /// SHA-256 (or SHA-1) of it, such as `sha256:9f86…`. Set at first, then by recording a rotation.
    #[serde(default)]
    pub fingerprint: Option<String>,
    /// Id or slug of the team that holds it.
    #[serde(default)]
    pub holder: Option<String>,
    /// The day on which it was made.
    #[serde(default)]
    pub created_on: Option<NaiveDate>,
    /// How old it may become: an ISO 8601 duration of one unit, such as `P90D`, `P6M`, `P1Y`.
    #[serde(default)]
    pub maximum_age: Option<String>,
    /// The day on which the vendor ends it.
    #[serde(default)]
    pub expires_on: Option<NaiveDate>,
    /// Ids or slugs of the integrations that use it.
    #[serde(default)]
    pub integrations: Vec<String>,
    /// What else is to know.
    #[serde(default)]
    pub description: Option<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<String>,
}

impl CredentialContent {
    /// Tidies and checks; names every fault.
    pub fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        check.required("/name", &mut self.name, 200);
        check.slug("/slug", &mut self.slug, &self.name, "credential");
        check.optional("/description", &mut self.description, 4000);
        check.reference("/vault_reference", &mut self.vault_reference, 500);
        if let Some(reference) = &self.vault_reference
            && (!reference.contains([':', '/']) || reference.contains(char::is_whitespace))
        {
            check.fault(
                "/vault_reference",
                "Say where it is kept, such as vault:kv/pay/stripe. Never the secret itself.",
            );
        }
        check.reference("/holder", &mut self.holder, 100);
        self.fingerprint = self.fingerprint.filter(|text| !text.trim().is_empty());
        if let Some(text) = &self.fingerprint {
            match fingerprint(text) {
                Ok(clean) => self.fingerprint = Some(clean),
                Err(message) => check.fault("/fingerprint", message),
            }
        }
        self.maximum_age = self.maximum_age.map(|age| age.trim().to_uppercase()).filter(|age| !age.is_empty());
        if let Some(Err(Error::Invalid(errors))) = self.maximum_age.as_ref().map(|age| age.parse::<MaximumAge>()) {
            for error in errors.as_slice() {
                check.fault(&error.pointer, error.message.clone());
            }
        }
        check.in_order("/expires_on", self.created_on, self.expires_on);
        check.at_most("/integrations", self.integrations.len(), 500);
        for (n, key) in self.integrations.iter_mut().enumerate() {
            let mut reference = Some(std::mem::take(key));
            check.reference(&format!("/integrations/{n}"), &mut reference, 200);
            *key = reference.unwrap_or_default();
        }
        self.integrations.retain(|key| !key.is_empty());
        self.integrations.sort();
        self.integrations.dedup();
        check.tags("/tags", &mut self.tags);
        check.finish()?;
        Ok(self)
    }
}

/// A fingerprint in its one form, `sha256:` or `sha1:` with hexadecimal. Takes that, colons between
/// the bytes, and OpenSSH's `SHA256:` with base64. Bare hexadecimal is refused: it could be the
/// secret itself.
pub fn fingerprint(text: &str) -> Result<String, String> {
    let text = text.trim();
    let advice = "Give a fingerprint, such as sha256: and 64 hexadecimal digits. Never the secret itself.";
    if secret::looks_secret(text, secret::Place::Reference) {
        return Err(secret::ADVICE.into());
    }
    if let Some(base64) = text.strip_prefix("SHA256:") {
        let plain = base64.trim_end_matches('=');
        if let Ok(bytes) = data_encoding::BASE64_NOPAD.decode(plain.as_bytes())
            && bytes.len() == 32
        {
            return Ok(format!("sha256:{}", data_encoding::HEXLOWER.encode(&bytes)));
        }
    }
    let lower = text.to_ascii_lowercase();
    let (named, hex) = match lower.split_once(':') {
        Some((kind @ ("sha256" | "sha1"), rest)) => (Some(kind), rest.to_owned()),
        _ => (None, lower.clone()),
    };
    let coloned = hex.contains(':');
    let digits: String = hex.chars().filter(|c| *c != ':').collect();
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) || (named.is_none() && !coloned) {
        return Err(advice.into());
    }
    match (named, digits.len()) {
        (Some("sha256") | None, 64) => Ok(format!("sha256:{digits}")),
        (Some("sha1") | None, 40) => Ok(format!("sha1:{digits}")),
        _ => Err(advice.into()),
    }
}

/// A rotation to be recorded.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// The new one's fingerprint.
    pub fingerprint: String,
    /// The day; today in the organisation's time zone where absent.
    #[serde(default)]
    pub rotated_on: Option<NaiveDate>,
    /// The day on which the vendor ends the new one, where that changes.
    #[serde(default)]
    pub expires_on: Option<NaiveDate>,
}

/// A credential.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Credential {
    /// Immutable id.
    pub id: Uuid,
    /// Rises with each change.
    pub revision: i64,
    /// When it was noted here.
    pub created_at: DateTime<Utc>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// Where it is in its life.
    pub state: CredentialState,
    /// Why it is compromised or revoked.
    pub state_reason: Option<String>,
    /// When it was last rotated.
    pub rotated_on: Option<NaiveDate>,
    /// The day by which it has to change; derived.
    pub next_rotation_on: Option<NaiveDate>,
    /// The holder's id.
    pub holder_id: Option<Uuid>,
    /// The ids of the integrations.
    pub integration_ids: Vec<Uuid>,
    /// Names of other credentials with the same fingerprint in another environment.
    pub same_fingerprint_elsewhere: Vec<String>,
    /// What people say.
    #[serde(flatten)]
    pub content: CredentialContent,
}

impl Record for Credential {
    const KIND: &'static str = "credential";
    fn id(&self) -> Uuid {
        self.id
    }
    fn revision(&self) -> i64 {
        self.revision
    }
    fn body(&self) -> serde_json::Value {
        let mut body = serde_json::to_value(self).unwrap_or(serde_json::Value::Null);
        if let serde_json::Value::Object(fields) = &mut body {
            fields.remove("same_fingerprint_elsewhere");
            fields.remove("integrations");
        }
        body
    }
}

impl Credential {
    /// Its word on a day: `due` within 30 days of the next rotation, `overdue` after it.
    pub fn standing(&self, today: NaiveDate) -> &'static str {
        match (self.state, self.next_rotation_on) {
            (CredentialState::Active, Some(next)) if next < today => "overdue",
            (CredentialState::Active, Some(next)) if (next - today).num_days() <= 30 => "due",
            (state, _) => state.key(),
        }
    }

    /// The day from which its age counts.
    pub fn since(&self) -> Option<NaiveDate> {
        self.rotated_on.or(self.content.created_on)
    }

    /// With its next rotation computed anew.
    #[must_use]
    pub fn with_dates(mut self) -> Self {
        let maximum = self.content.maximum_age.as_deref().and_then(|age| age.parse().ok());
        self.next_rotation_on = match self.state {
            CredentialState::Planned | CredentialState::Revoked => None,
            _ => next_rotation(self.since(), maximum, self.content.expires_on),
        };
        self
    }

    /// The new one is being brought in; the old one still works.
    pub fn begin_rotation(self, now: DateTime<Utc>) -> Result<Self, Error> {
        match self.state {
            CredentialState::Active => Ok(self.step(CredentialState::Rotating, None, now)),
            other => {
                Err(Error::Conflict(format!("Only an active credential begins to rotate; this is {}.", other.key())))
            }
        }
    }

    /// The new one is in place. Its fingerprint differs from the present one's.
    pub fn rotated(self, rotation: &Rotation, on: NaiveDate, now: DateTime<Utc>) -> Result<Self, Error> {
        if self.state == CredentialState::Revoked {
            return Err(Error::Conflict("It is revoked. Note the new one as a credential of its own.".into()));
        }
        let new = fingerprint(&rotation.fingerprint).map_err(|message| Error::field("/fingerprint", message))?;
        if self.content.fingerprint.as_ref() == Some(&new) {
            return Err(Error::field("/fingerprint", "This is the fingerprint of the old one: nothing was rotated."));
        }
        if self.since().is_some_and(|since| on < since) {
            return Err(Error::field("/rotated_on", "This lies before the last rotation."));
        }
        let mut after = self.step(CredentialState::Active, None, now);
        after.content.created_on = after.content.created_on.or(Some(on));
        after.content.fingerprint = Some(new);
        after.content.expires_on = rotation.expires_on.or(after.content.expires_on.filter(|expires| *expires > on));
        after.rotated_on = Some(on);
        Ok(after.with_dates())
    }

    /// Somebody else may know it.
    pub fn compromised(self, reason: String, now: DateTime<Utc>) -> Result<Self, Error> {
        match self.state {
            CredentialState::Compromised => Err(Error::Conflict("It is marked already.".into())),
            CredentialState::Revoked => Err(Error::Conflict("It is revoked already.".into())),
            _ => Ok(self.step(CredentialState::Compromised, Some(reason), now)),
        }
    }

    /// It no longer works.
    pub fn revoked(self, reason: String, now: DateTime<Utc>) -> Result<Self, Error> {
        if self.state == CredentialState::Revoked {
            return Err(Error::Conflict("It is revoked already.".into()));
        }
        Ok(self.step(CredentialState::Revoked, Some(reason), now).with_dates())
    }

    fn step(self, state: CredentialState, reason: Option<String>, now: DateTime<Utc>) -> Self {
        Self { state, state_reason: reason, revision: self.revision + 1, updated_at: now, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_come_in_one_form_and_secrets_are_refused() {
        let hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        let colons: Vec<&str> = (0..32).map(|n| &hex[n * 2..n * 2 + 2]).collect();
        for text in [
            format!("sha256:{hex}"),
            colons.join(":"),
            format!("SHA256:{}", "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg"),
        ] {
            assert_eq!(fingerprint(&text), Ok(format!("sha256:{hex}")), "{text}");
        }
        let secret = ["sk_live", "_4eC39HqLyjWDarjtT1zdp7dc"].concat();
        for text in [hex, "hello", "sha256:12", "md5:9f86d081884c7d659a2feaa0c55ad015", &secret] {
            assert!(fingerprint(text).is_err(), "{text}");
        }
    }
}
