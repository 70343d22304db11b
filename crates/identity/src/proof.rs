//! How somebody proved who they are when a session began, or was confirmed.

/// The way, and how strong it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// `link`, `demo`, `password`, `passkey` or `provider`.
    pub method: &'static str,
    /// Key of the provider, where one vouches.
    pub provider: Option<String>,
    /// The class that it gave.
    pub acr: Option<String>,
    /// Methods (RFC 8176): the provider's, or ours.
    pub amr: Vec<String>,
    /// Whether by more than one factor, or by a passkey.
    pub strong: bool,
    /// When they proved it, where that was before now.
    pub authenticated_at: Option<chrono::DateTime<chrono::Utc>>,
    /// The provider's token, sealed, to sign out there with.
    pub id_token: Option<Vec<u8>>,
}

impl Proof {
    /// By a one-time link.
    pub fn link() -> Self {
        Self { method: "link", ..Self::default() }
    }

    /// By a click, in the demonstration.
    pub fn demo() -> Self {
        Self { method: "demo", ..Self::default() }
    }

    /// By a password alone.
    pub fn password() -> Self {
        Self { method: "password", amr: vec!["pwd".into()], ..Self::default() }
    }

    /// By a password and a code.
    pub fn password_and_code() -> Self {
        Self { strong: true, amr: vec!["pwd".into(), "otp".into(), "mfa".into()], ..Self::password() }
    }

    /// By a passkey that verified its user.
    pub fn passkey() -> Self {
        Self {
            method: "passkey",
            amr: vec!["hwk".into(), "user".into(), "mfa".into()],
            strong: true,
            ..Self::default()
        }
    }
}
