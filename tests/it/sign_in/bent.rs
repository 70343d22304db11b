//! A provider that bends each message in turn: every bent one is refused, and says why in the log alone.

use muster::identity::{Arrival, PersonContent, Role, oidc::Answer, ops};
use serde_json::{Value, json};

use super::{begun, finished, parameter, reason};
use crate::support::{
    TestApp,
    client::send,
    provider::{Bending, Key, compact, configured, with_providers},
};

/// What bends the header and the claims of a token.
type Bend = Box<dyn FnOnce(&mut Value, &mut Value)>;
/// What signs a token in place of the provider's key.
pub type Signs<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

pub struct Scene {
    pub test: TestApp,
    pub peer: Bending,
    key: Key,
}

impl Scene {
    pub async fn new() -> Self {
        Self::with(None).await
    }

    /// The same where this service account keeps the provider's people here.
    pub async fn with(keeper: Option<&str>) -> Self {
        let (peer, other) = (Bending::start().await, Bending::start().await);
        let key = Key::new("one");
        peer.says(|said| said.keys = vec![key.public()]);
        let (issuer, second) = (peer.issuer(), other.issuer());
        let test = TestApp::configured(|config| {
            let mut peer = configured("peer", &issuer, None);
            peer.scim_account = keeper.map(str::to_owned);
            with_providers(config, vec![peer, configured("other", &second, None)]);
        })
        .await;
        Self { test, peer, key }
    }

    /// Signs in with a token whose header and claims are bent; by `sign` where it is signed otherwise.
    pub async fn bent(
        &self,
        bend: impl FnOnce(&mut Value, &mut Value),
        sign: Option<Signs<'_>>,
    ) -> Result<ops::Arrived, ops::Fault> {
        self.arrive((ops::Purpose::SignIn, None), bend, sign).await
    }

    /// The same for whatever somebody who is signed in came for.
    pub async fn arrive(
        &self,
        (purpose, present): (ops::Purpose, Option<ops::Present<'_>>),
        bend: impl FnOnce(&mut Value, &mut Value),
        sign: Option<Signs<'_>>,
    ) -> Result<ops::Arrived, ops::Fault> {
        let begun = ops::begin_at_provider(&self.test.app, "peer", purpose, present, "/account").await?;
        let (url, browser) = (begun.url, begun.browser);
        let mut claims = self.peer.claims(&parameter(&url, "nonce"), self.test.clock.now());
        let mut header = json!({ "alg": "ES256", "kid": self.key.id, "typ": "JWT" });
        bend(&mut header, &mut claims);
        let own = |text: &[u8]| self.key.sign(text);
        let token = compact(&header, &claims, sign.unwrap_or(&own));
        self.peer
            .says(|said| said.token = json!({ "access_token": "opaque", "token_type": "Bearer", "id_token": token }));
        let answer = Answer { code: Some(uuid::Uuid::new_v4().to_string()), ..Answer::default() };
        let state = parameter(&url, "state");
        let returned = ops::Returned { provider: "peer", state: &state, browser: &browser, answer };
        ops::finish_at_provider(&self.test.app, returned, present, None, Arrival::default()).await
    }

    async fn sessions(&self) -> i64 {
        sqlx::query_scalar("select count(*) from sessions")
            .fetch_one(&mut self.test.owner().await)
            .await
            .expect("counted")
    }
}

#[tokio::test]
async fn every_bent_token_is_refused_with_its_reason_in_the_log() {
    let scene = Scene::new().await;
    let now = scene.test.clock.now().timestamp();
    let claim = |name: &'static str, value: Value| move |_: &mut Value, claims: &mut Value| claims[name] = value;
    let gone = |name: &'static str| {
        move |_: &mut Value, claims: &mut Value| {
            claims.as_object_mut().expect("claims").remove(name);
        }
    };
    let bends: Vec<(&str, Bend)> = vec![
        ("another issuer", Box::new(claim("iss", json!("https://evil.example")))),
        ("another issuer", Box::new(claim("iss", json!(format!("{}/", scene.peer.issuer()))))),
        ("another audience", Box::new(claim("aud", json!("somebody-else")))),
        // Of several audiences the token was issued to one, which has to be us.
        ("azp is not us", Box::new(claim("aud", json!(["muster", "somebody-else"])))),
        (
            "azp is not us",
            Box::new(|_, claims| {
                claims["aud"] = json!(["muster", "somebody-else"]);
                claims["azp"] = json!("somebody-else");
            }),
        ),
        ("azp is not us", Box::new(claim("azp", json!("somebody-else")))),
        ("nonce is not ours", Box::new(claim("nonce", json!("guessed")))),
        ("nonce is not ours", Box::new(gone("nonce"))),
        ("it has expired", Box::new(claim("exp", json!(now - 61)))),
        ("its iat lies in the future or too far back", Box::new(claim("iat", json!(now + 120)))),
        ("its iat lies in the future or too far back", Box::new(claim("iat", json!(now - 3600)))),
        ("auth_time", Box::new(claim("auth_time", json!(now + 3600)))),
        ("nbf lies in the future", Box::new(claim("nbf", json!(now + 120)))),
        ("nbf is no time", Box::new(claim("nbf", json!("tomorrow")))),
        ("sub is empty", Box::new(claim("sub", json!("")))),
        ("more than 255", Box::new(claim("sub", json!("x".repeat(256))))),
        ("cannot be read", Box::new(gone("sub"))),
        ("cannot be read", Box::new(gone("exp"))),
        ("cannot be read", Box::new(gone("iat"))),
        ("another audience|cannot be read", Box::new(gone("aud"))),
        ("another issuer|cannot be read", Box::new(gone("iss"))),
        ("at_hash does not fit", Box::new(claim("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")))),
        ("not supported", Box::new(|header, _| header["crit"] = json!(["b64"]))),
        ("not supported", Box::new(|header, _| header["typ"] = json!("at+jwt"))),
        ("does not have", Box::new(|header, _| header["kid"] = json!("another"))),
        ("not allowed", Box::new(|header, _| header["alg"] = json!("RS256"))),
    ];
    for (wanted, bend) in bends {
        let said = reason(scene.bent(bend, None).await);
        assert!(wanted.split('|').any(|words| said.contains(words)), "{wanted}: {said}");
    }
    assert_eq!(scene.sessions().await, 0);
    // What is right is taken.
    let arrived = scene.bent(|_, _| {}, None).await.expect("signed in");
    assert!(arrived.secret.is_some());
    assert_eq!(scene.sessions().await, 1);
}

#[tokio::test]
async fn no_signature_none_by_a_shared_secret_and_none_that_is_wrong_counts() {
    let scene = Scene::new().await;
    let nothing = |_: &[u8]| Vec::new();
    let said = reason(scene.bent(|header, _| *header = json!({ "alg": "none" }), Some(&nothing)).await);
    assert!(said.contains("no signature") || said.contains("not allowed"), "{said}");
    // HMAC with the public key, in each form in which somebody might feed it; and with our own client id.
    let jwk = scene.key.public().to_string().into_bytes();
    for secret in [scene.key.point(), jwk, b"muster".to_vec()] {
        let hmac = |text: &[u8]| {
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
            ring::hmac::sign(&key, text).as_ref().to_vec()
        };
        for header in [json!({ "alg": "HS256", "kid": "one" }), json!({ "alg": "HS256" })] {
            let said = reason(scene.bent(|bent, _| *bent = header.clone(), Some(&hmac)).await);
            assert!(said.contains("not allowed"), "{said}");
        }
    }
    let other = Key::new("one");
    let forged = |text: &[u8]| other.sign(text);
    let said = reason(scene.bent(|_, _| {}, Some(&forged)).await);
    assert!(said.contains("signature is wrong"), "{said}");
    let cut = |text: &[u8]| scene.key.sign(text)[..32].to_vec();
    let said = reason(scene.bent(|_, _| {}, Some(&cut)).await);
    assert!(said.contains("signature is wrong"), "{said}");
    assert_eq!(scene.sessions().await, 0);
}

#[tokio::test]
async fn a_new_key_is_fetched_once_and_an_unknown_one_does_not_make_us_ask_for_ever() {
    let scene = Scene::new().await;
    scene.bent(|_, _| {}, None).await.expect("signed in");
    let before = scene.peer.0.lock().expect("it").asked_for_keys;
    let newer = Key::new("two");
    let public = newer.public();
    scene.peer.says(|said| said.keys = vec![public]);
    let sign = |text: &[u8]| newer.sign(text);
    scene.bent(|header, _| header["kid"] = json!("two"), Some(&sign)).await.expect("by the new key");
    assert_eq!(scene.peer.0.lock().expect("it").asked_for_keys, before + 1);
    for _ in 0..5 {
        let said = reason(scene.bent(|header, _| header["kid"] = json!("three"), Some(&sign)).await);
        assert!(said.contains("does not have"), "{said}");
    }
    assert_eq!(scene.peer.0.lock().expect("it").asked_for_keys, before + 1, "asked again within seconds");
}

#[tokio::test]
async fn a_state_counts_once_in_the_browser_that_began_it_at_the_provider_that_it_was_begun_with() {
    let scene = Scene::new().await;
    let token = |url: &url::Url| {
        let claims = scene.peer.claims(&parameter(url, "nonce"), scene.test.clock.now());
        let header = json!({ "alg": "ES256", "kid": "one" });
        compact(&header, &claims, |text| scene.key.sign(text))
    };
    let code = || Answer { code: Some(uuid::Uuid::new_v4().to_string()), ..Answer::default() };
    let (url, browser) = begun(&scene.test, "peer").await;
    let state = parameter(&url, "state");
    let id_token = token(&url);
    scene.peer.says(|said| said.token = json!({ "access_token": "x", "token_type": "Bearer", "id_token": id_token }));
    assert!(reason(finished(&scene.test, "peer", ("guessed", &browser), code()).await).starts_with("state"));
    // Another browser's answer uses the state up: nobody tries twice.
    assert!(reason(finished(&scene.test, "peer", (&state, "another"), code()).await).starts_with("state"));
    assert!(reason(finished(&scene.test, "peer", (&state, &browser), code()).await).starts_with("state"));
    // Begun with one provider, answered as another (mix-up).
    let (url, browser) = begun(&scene.test, "peer").await;
    let mixed = finished(&scene.test, "other", (&parameter(&url, "state"), &browser), code()).await;
    assert!(reason(mixed).starts_with("state"));
    // Too late.
    let (url, browser) = begun(&scene.test, "peer").await;
    scene.test.clock.advance(chrono::TimeDelta::minutes(11));
    assert!(
        reason(finished(&scene.test, "peer", (&parameter(&url, "state"), &browser), code()).await).starts_with("state")
    );
    // Once, and no second time; a code no second time either.
    let (url, browser) = begun(&scene.test, "peer").await;
    let state = parameter(&url, "state");
    let id_token = token(&url);
    scene.peer.says(|said| said.token = json!({ "access_token": "x", "token_type": "Bearer", "id_token": id_token }));
    let used = code();
    finished(&scene.test, "peer", (&state, &browser), used.clone()).await.expect("signed in");
    assert!(reason(finished(&scene.test, "peer", (&state, &browser), used.clone()).await).starts_with("state"));
    let (url, browser) = begun(&scene.test, "peer").await;
    let replayed = finished(&scene.test, "peer", (&parameter(&url, "state"), &browser), used).await;
    assert!(reason(replayed).contains("the token endpoint refused: invalid_grant"));
}

#[tokio::test]
async fn an_answer_names_its_provider_and_errors_are_not_echoed() {
    let scene = Scene::new().await;
    scene.peer.says(|said| said.names_itself = true);
    let answered = async |answer: Answer| {
        let (url, browser) = begun(&scene.test, "peer").await;
        reason(finished(&scene.test, "peer", (&parameter(&url, "state"), &browser), answer).await)
    };
    let with = |iss: Option<&str>| Answer { code: Some("c".into()), iss: iss.map(str::to_owned), error: None };
    assert!(answered(with(None)).await.contains("RFC 9207"), "promised and missing");
    assert!(answered(with(Some("https://evil.example"))).await.contains("RFC 9207"));
    let own = scene.peer.issuer();
    let denied = Answer { code: None, iss: Some(own.clone()), error: Some("access_denied".into()) };
    assert_eq!(answered(denied).await, "the provider refused: access_denied");
    let injected = Answer { code: None, iss: Some(own.clone()), error: Some("x\ninjected".into()) };
    assert!(!answered(injected).await.contains("injected"));
    assert_eq!(answered(Answer { iss: Some(own), ..Answer::default() }).await, "no code came back");
}

#[tokio::test]
async fn the_page_tells_an_attacker_nothing_and_leads_nowhere_else() {
    let scene = Scene::new().await;
    let ask = async |path: &str, cookie: &str| {
        send(scene.test.router.clone(), "GET", path, &[("cookie", cookie.into())], Vec::new()).await
    };
    for path in [
        "/sign-in/callback/peer?code=x&state=guessed",
        "/sign-in/callback/peer?error=access_denied&error_description=%3Cscript%3E&state=guessed",
        "/sign-in/callback/peer",
        "/sign-in/callback/nobody?code=x&state=y",
    ] {
        let reply = ask(path, "muster-flow=none").await;
        assert_eq!(reply.status, 400, "{path}");
        let text = reply.text();
        assert!(text.contains("Signing in did not work."), "{text}");
        for leak in ["state", "script", "nonce", "guessed"] {
            assert!(!text.contains(&format!("{leak}:")) && !text.contains("<script>alert"), "{leak}: {text}");
        }
    }
    // Where to go afterwards is one of our own paths.
    for (back, goes) in [
        ("//evil.example", "/?note=welcome"),
        ("https://evil.example", "/?note=welcome"),
        ("/\\evil.example", "/?note=welcome"),
        ("/integrations?q=x", "/integrations?q=x"),
    ] {
        let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("back", back).finish();
        let reply = ask(&format!("/sign-in/with/peer?{query}"), "").await;
        assert_eq!(reply.status, 303);
        let url: url::Url = reply.header("location").parse().expect("the provider's address");
        assert_eq!(parameter(&url, "code_challenge_method"), "S256");
        assert_eq!(parameter(&url, "response_type"), "code");
        let cookie = reply.header("set-cookie").to_owned();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        let cookie = cookie.split(';').next().expect("a cookie").to_owned();
        let claims = scene.peer.claims(&parameter(&url, "nonce"), scene.test.clock.now());
        let token = compact(&json!({ "alg": "ES256", "kid": "one" }), &claims, |text| scene.key.sign(text));
        scene.peer.says(|said| said.token = json!({ "access_token": "x", "token_type": "Bearer", "id_token": token }));
        let state = parameter(&url, "state");
        let twice = ask(&format!("/sign-in/callback/peer?code=a&code=b&state={state}"), &cookie).await;
        assert_eq!(twice.status, 400, "a parameter that comes twice means nothing");
        let reply = ask(&format!("/sign-in/with/peer?{query}"), "").await;
        let url: url::Url = reply.header("location").parse().expect("the provider's address");
        let cookie = reply.header("set-cookie").split(';').next().expect("a cookie").to_owned();
        let claims = scene.peer.claims(&parameter(&url, "nonce"), scene.test.clock.now());
        let token = compact(&json!({ "alg": "ES256", "kid": "one" }), &claims, |text| scene.key.sign(text));
        scene.peer.says(|said| said.token = json!({ "access_token": "x", "token_type": "Bearer", "id_token": token }));
        let code = uuid::Uuid::new_v4();
        let path = format!("/sign-in/callback/peer?code={code}&state={}", parameter(&url, "state"));
        let reply = ask(&path, &cookie).await;
        assert_eq!((reply.status.as_u16(), reply.header("location")), (303, goes), "{}", reply.text());
    }
}

#[tokio::test]
async fn who_somebody_is_follows_issuer_and_subject_and_never_the_address() {
    let scene = Scene::new().await;
    let test = &scene.test;
    let content = PersonContent {
        name: "Ada Admin".into(),
        email: "ada@example.com".into(),
        roles: vec![Role::Admin],
        ..PersonContent::default()
    };
    ops::create_person(&test.app, &test.cli(), content).await.expect("a person");
    // The address of an admin at the provider makes nobody the admin.
    let taken = scene.bent(|_, _| {}, None).await;
    assert!(matches!(&taken, Err(ops::Fault::Told(text)) if text.contains("link this provider")), "{taken:?}");
    scene.bent(|_, claims| claims["email"] = json!("other@example.com"), None).await.expect("a person of their own");
    // The same subject with another address and name is the same person.
    let again = scene.bent(|_, claims| claims["email"] = json!("married@example.com"), None).await;
    again.expect("the same person");
    let people: i64 = sqlx::query_scalar("select count(distinct person_id) from sessions")
        .fetch_one(&mut test.owner().await)
        .await
        .expect("counted");
    assert_eq!(people, 1);
    // A subject cannot be moved to a second account.
    let moved =
        sqlx::query("update identities set person_id = (select id from people where email = 'ada@example.com')")
            .execute(&mut test.owner().await)
            .await;
    assert!(moved.is_err(), "{moved:?}");
    let second = sqlx::query(
        "insert into identities (id, person_id, provider, issuer, subject, created_at, updated_at)
         select gen_random_uuid(), (select id from people where email = 'ada@example.com'), provider, issuer, subject, now(), now()
         from identities",
    )
    .execute(&mut test.owner().await)
    .await;
    assert!(second.is_err(), "{second:?}");
    // Disabled, they are out at once and stay out.
    sqlx::query("update people set state = 'disabled' where email = 'other@example.com'")
        .execute(&mut test.owner().await)
        .await
        .expect("disabled");
    let out = scene.bent(|_, _| {}, None).await;
    assert_eq!(reason(out), "the person is disabled");
    // Userinfo of another subject is refused.
    scene.peer.says(|said| said.userinfo = json!({ "sub": "somebody-else", "groups": ["admins"] }));
    let swapped = scene.bent(
        |_, claims| {
            claims["sub"] = json!("subject-2");
            claims.as_object_mut().expect("claims").remove("groups");
        },
        None,
    );
    assert_eq!(reason(swapped.await), "userinfo is of another subject");
}

#[tokio::test]
async fn a_token_for_several_is_taken_where_it_was_issued_to_us_and_refusals_are_on_record() {
    let scene = Scene::new().await;
    let shared = |_: &mut Value, claims: &mut Value| {
        claims["aud"] = json!(["somebody-else", "muster"]);
        claims["azp"] = json!("muster");
    };
    assert!(scene.bent(shared, None).await.expect("issued to us, for another as well").secret.is_some());
    // Each refusal is on record, once a minute for each reason, without a person that it could be of.
    for (claim, value) in [("azp", "somebody-else"), ("nonce", "guessed"), ("aud", "another"), ("nonce", "guessed")] {
        let bend = move |_: &mut Value, claims: &mut Value| claims[claim] = json!(value);
        reason(scene.bent(bend, None).await);
    }
    let recorded: Vec<(String, String)> = sqlx::query_as(
        "select actor_kind, (select c ->> 'after' from jsonb_array_elements(changes) c where c ->> 'field' = 'reason')
         from audit_events where action = 'sign_in.refused' order by ordinal",
    )
    .fetch_all(&mut scene.test.owner().await)
    .await
    .expect("events");
    let reasons: std::collections::BTreeSet<&String> = recorded.iter().map(|(_, reason)| reason).collect();
    assert_eq!(reasons.len(), recorded.len(), "one reason a minute is one event: {recorded:?}");
    assert_eq!(reasons.len(), 3, "{recorded:?}");
    assert!(recorded.iter().all(|(kind, reason)| kind == "system" && !reason.is_empty()), "{recorded:?}");
}
