//! Peers to sign in at: a certified provider from npm, and one of ours that says whatever a test wants.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    routing::{get, post},
};
use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use muster::identity::{Provider, ProviderOptions};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

/// A provider as the configuration names it.
pub fn configured(key: &str, issuer: &str, secret: Option<&std::path::Path>) -> Provider {
    let options = ProviderOptions {
        key: key.into(),
        name: Some(format!("The {key}")),
        issuer: issuer.into(),
        client_id: "muster".into(),
        client_secret_file: secret.map(Into::into),
        groups_claim: Some("groups".into()),
        strong_acr: vec!["urn:test:mfa".into()],
        ..ProviderOptions::default()
    };
    Provider::checked(options, 0).expect("a provider")
}

/// The provider from npm, in a process of its own.
pub struct Real {
    process: Child,
    pub issuer: String,
}

impl Real {
    /// Starts it for a base address of ours.
    pub fn start(base: &str, accounts: &Value) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oidc-provider");
        assert!(
            std::path::Path::new(folder).join("node_modules").is_dir(),
            "the provider's package is needed: scripts/test installs it (npm ci in tests/oidc-provider)"
        );
        let asked = json!({
            "secret": "a secret of tests", "accounts": accounts,
            "redirects": [format!("{base}/sign-in/callback/real")], "afterwards": [format!("{base}/sign-in")],
        });
        let mut process = Command::new("node")
            .args(["provider.mjs", &asked.to_string()])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node, 20 or newer, is needed");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let first = lines.next().expect("a line").expect("text");
        let issuer = first.strip_prefix("LISTENING ").expect("an address").to_owned();
        Self { process, issuer }
    }

    /// Changes something there.
    pub async fn control(&self, what: &str, body: Value) {
        let url = format!("{}/control/{what}", self.issuer);
        let answer = reqwest::Client::new().post(url).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), 204);
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A key that signs by ES256.
pub struct Key {
    pub id: &'static str,
    pair: EcdsaKeyPair,
}

impl Key {
    pub fn new(id: &'static str) -> Self {
        let random = ring::rand::SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &random).expect("a key");
        Self { id, pair }
    }

    /// Its public half as a JWK (RFC 7517).
    pub fn public(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id,
            "x": BASE64URL_NOPAD.encode(&point[1..33]), "y": BASE64URL_NOPAD.encode(&point[33..65]) })
    }

    /// The bytes of the point, as somebody might use them for a shared secret.
    pub fn point(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    pub fn sign(&self, text: &[u8]) -> Vec<u8> {
        self.pair.sign(&ring::rand::SystemRandom::new(), text).expect("signed").as_ref().to_vec()
    }
}

/// A JWS in its compact form (RFC 7515).
pub fn compact(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let encoded = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let text = format!("{}.{}", encoded(header), encoded(claims));
    format!("{text}.{}", BASE64URL_NOPAD.encode(&sign(text.as_bytes())))
}

/// What our provider says and was asked.
#[derive(Default)]
pub struct Said {
    pub issuer: String,
    pub keys: Vec<Value>,
    pub token: Value,
    pub userinfo: Value,
    pub names_itself: bool,
    pub asked_for_keys: u32,
    pub codes: Vec<String>,
    pub down: bool,
}

/// Our provider.
#[derive(Clone)]
pub struct Bending(pub Arc<Mutex<Said>>);

impl Bending {
    pub async fn start() -> Self {
        let this = Self(Arc::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        this.0.lock().expect("it").issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route(
                "/me",
                get(|State(this): State<Bending>| async move { Json(this.0.lock().expect("it").userinfo.clone()) }),
            )
            .with_state(this.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        this
    }

    pub fn issuer(&self) -> String {
        self.0.lock().expect("it").issuer.clone()
    }

    /// Changes what it says.
    pub fn says(&self, change: impl FnOnce(&mut Said)) {
        change(&mut self.0.lock().expect("it"));
    }

    /// The claims of a token that is right.
    pub fn claims(&self, nonce: &str, now: DateTime<Utc>) -> Value {
        let at = now.timestamp();
        json!({ "iss": self.issuer(), "aud": "muster", "sub": "subject-1", "iat": at, "exp": at + 300, "nonce": nonce,
            "auth_time": at, "name": "Ada Lovelace", "email": "ada@example.com", "email_verified": true,
            "groups": ["staff"], "amr": ["pwd"] })
    }
}

async fn metadata(State(this): State<Bending>) -> Result<Json<Value>, axum::http::StatusCode> {
    let said = this.0.lock().expect("it");
    if said.down {
        return Err(axum::http::StatusCode::BAD_GATEWAY);
    }
    let at = &said.issuer;
    Ok(Json(
        json!({ "issuer": at, "authorization_endpoint": format!("{at}/authorize"), "token_endpoint": format!("{at}/token"),
        "userinfo_endpoint": format!("{at}/me"), "jwks_uri": format!("{at}/keys"), "response_types_supported": ["code"],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": said.names_itself }),
    ))
}

async fn keys(State(this): State<Bending>) -> Json<Value> {
    let mut said = this.0.lock().expect("it");
    said.asked_for_keys += 1;
    Json(json!({ "keys": said.keys }))
}

async fn token(State(this): State<Bending>, body: Bytes) -> Result<Json<Value>, (axum::http::StatusCode, Json<Value>)> {
    let mut said = this.0.lock().expect("it");
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
    let code = fields.iter().find(|(name, _)| name == "code").map(|(_, code)| code.clone()).unwrap_or_default();
    assert!(fields.iter().any(|(name, value)| name == "code_verifier" && value.len() >= 43), "{fields:?}");
    if said.codes.contains(&code) {
        return Err((axum::http::StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))));
    }
    said.codes.push(code);
    Ok(Json(said.token.clone()))
}

/// Puts identity providers into a configuration.
pub fn with_providers(config: &mut muster::config::Config, providers: Vec<muster::identity::Provider>) {
    config.sections.put(muster::identity::Configuration { providers, group_mappings: Vec::new() });
}
