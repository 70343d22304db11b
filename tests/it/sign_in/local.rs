//! Local accounts: invited, signed in by password and code, throttled, reset; and what a fresh sign-in is asked for.

use chrono::TimeDelta;
use data_encoding::BASE32_NOPAD;
use muster::{
    error::Error,
    identity::{
        Actor, Arrival, Origin, Person, Role,
        ops::{self, LinkFor, Step},
    },
    settings,
};

use crate::support::{Browser, TestApp, client::send};

const PASSWORD: &str = "umbrella tractor violin mud";

/// A code of an app at the test's time.
fn code(test: &TestApp, secret: &str) -> String {
    let bytes = BASE32_NOPAD.decode(secret.replace(' ', "").as_bytes()).expect("base 32");
    let totp = totp_rs::Builder::new().with_secret(bytes).build().expect("an app");
    totp.generate(u64::try_from(test.clock.now().timestamp()).expect("after 1970")).to_string()
}

async fn invited(test: &TestApp, person: &Person) -> String {
    let link = ops::mint_link_for(&test.app, &test.cli(), person.id, LinkFor::Invitation).await.expect("a link");
    ops::accept_invitation(&test.app, &link.secret, PASSWORD.into(), Arrival::default()).await.expect("accepted")
}

async fn acting(test: &TestApp, secret: &str) -> Actor {
    let authority = ops::authenticate_session(&test.app, secret).await.expect("a session");
    Actor { authority, via: muster::identity::Via::Page, request_id: "test".into(), origin: Origin::default() }
}

/// The network that people sign in from.
fn from_home() -> Origin {
    Origin { address: "2001:db8::7".parse().ok(), ..Origin::default() }
}

async fn enter(test: &TestApp, email: &str, password: &str) -> Result<Step, Error> {
    ops::sign_in_by_password(
        &test.app,
        email,
        password.into(),
        None,
        Arrival { origin: from_home(), request_id: "test".into() },
    )
    .await
}

fn told(outcome: Result<Step, Error>) -> String {
    outcome.expect_err("refused").to_string()
}

#[tokio::test]
async fn an_invitation_sets_a_password_once_and_a_reset_ends_what_was() {
    let test = TestApp::new().await;
    let person = test.person("Ida Invited", &[Role::Requester]).await;
    let email = person.content.email.clone();
    let unknown = told(enter(&test, "nobody@example.com", PASSWORD).await);
    assert_eq!(told(enter(&test, &email, PASSWORD).await), unknown, "without a password it is the same as unknown");
    let link = ops::mint_link_for(&test.app, &test.cli(), person.id, LinkFor::Invitation).await.expect("a link");
    let from = Arrival::default;
    for weak in ["short", "passwordpassword", "ida invited ida"] {
        let refused = ops::accept_invitation(&test.app, &link.secret, weak.into(), from()).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{weak}: {refused:?}");
    }
    // An invitation is no sign-in link, and a sign-in link no invitation.
    ops::sign_in(&test.app, &link.secret, None, Arrival::default()).await.expect_err("another kind");
    let session = ops::accept_invitation(&test.app, &link.secret, PASSWORD.into(), from()).await.expect("accepted");
    ops::accept_invitation(&test.app, &link.secret, PASSWORD.into(), from()).await.expect_err("used");
    assert!(matches!(enter(&test, &email.to_uppercase(), PASSWORD).await, Ok(Step::Signed(_))));
    assert_eq!(told(enter(&test, &email, "umbrella tractor violin mut").await), unknown);
    let hash: String =
        sqlx::query_scalar("select hash from passwords").fetch_one(&mut test.owner().await).await.expect("kept");
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    let reset = ops::mint_link_for(&test.app, &test.cli(), person.id, LinkFor::Reset).await.expect("a link");
    ops::accept_invitation(&test.app, &reset.secret, "gravel pencil october swan".into(), from()).await.expect("reset");
    assert!(ops::authenticate_session(&test.app, &session).await.is_err(), "sessions from before have ended");
    assert_eq!(told(enter(&test, &email, PASSWORD).await), unknown);
    // The whole kind can be switched off: passwords and open invitations with it.
    let mut set = settings::ops::get(&test.app, &test.cli()).await.expect("settings");
    set.content.local_accounts = settings::LocalAccounts::Closed;
    settings::ops::update(&test.app, &test.cli(), set.revision, set.content).await.expect("closed");
    let closed = enter(&test, &email, "gravel pencil october swan").await;
    assert!(matches!(closed, Err(Error::Forbidden(_))), "{closed:?}");
}

#[tokio::test]
async fn a_code_counts_once_and_a_recovery_code_is_used_up() {
    let test = TestApp::new().await;
    let person = test.person("Cora Code", &[Role::Requester]).await;
    let email = person.content.email.clone();
    let actor = acting(&test, &invited(&test, &person).await).await;
    let (address, secret) = ops::begin_app(&test.app, &actor).await.expect("begun");
    assert!(address.starts_with("otpauth://totp/Muster:"), "{address}");
    assert!(matches!(enter(&test, &email, PASSWORD).await, Ok(Step::Signed(_))), "it counts once it is confirmed");
    ops::confirm_app(&test.app, &actor, "000000").await.expect_err("a guess");
    let codes = ops::confirm_app(&test.app, &actor, &code(&test, &secret)).await.expect("confirmed");
    assert_eq!(codes.len(), 10);
    let sealed: Vec<u8> = sqlx::query_scalar("select secret from authenticator_apps")
        .fetch_one(&mut test.owner().await)
        .await
        .expect("kept");
    let clear = BASE32_NOPAD.decode(secret.replace(' ', "").as_bytes()).expect("base 32");
    assert!(!sealed.windows(clear.len()).any(|part| part == clear), "the secret lies in the clear");
    let halfway = async || match enter(&test, &email, PASSWORD).await {
        Ok(Step::Code(halfway)) => halfway,
        other => panic!("{other:?}"),
    };
    let second = async |halfway: &str, code: &str| {
        ops::sign_in_by_code(&test.app, halfway, code, None, Arrival { origin: from_home(), request_id: "test".into() })
            .await
    };
    let used = code(&test, &secret);
    second(&halfway().await, &used).await.expect_err("the code that confirmed it was used");
    test.clock.advance(TimeDelta::seconds(30));
    let next = code(&test, &secret);
    let signed = second(&halfway().await, &next).await.expect("signed in");
    assert!(acting(&test, &signed).await.authority.session.as_ref().is_some_and(|session| session.strong));
    second(&halfway().await, &next).await.expect_err("a second time");
    second(&halfway().await, &codes[0].to_uppercase()).await.expect("a recovery code");
    second(&halfway().await, &codes[0]).await.expect_err("used up");
    // What was begun is sealed, and ends.
    second("AAAA", &codes[1]).await.expect_err("made up");
    let old = halfway().await;
    test.clock.advance(TimeDelta::minutes(6));
    second(&old, &codes[1]).await.expect_err("too late");
    // Of two who use the same code at once one comes in.
    let (one, two) = (halfway().await, halfway().await);
    let raced = tokio::join!(second(&one, &codes[2]), second(&two, &codes[2]));
    assert_eq!([raced.0.is_ok(), raced.1.is_ok()].iter().filter(|ok| **ok).count(), 1);
}

#[tokio::test]
async fn each_failure_beyond_a_few_costs_a_longer_wait_for_known_and_unknown_alike() {
    let test = TestApp::new().await;
    let person = test.person("Theo Throttled", &[Role::Requester]).await;
    let known = person.content.email.clone();
    invited(&test, &person).await;
    for email in [known.as_str(), "nobody@example.com"] {
        let mut waits = Vec::new();
        for _ in 0..9 {
            match enter(&test, email, "wrong wrong wrong wrong").await {
                Err(Error::Invalid(_)) => {}
                Err(Error::TooMany(seconds)) => {
                    waits.push(seconds);
                    test.clock.advance(TimeDelta::seconds(i64::try_from(seconds).expect("seconds")));
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(waits.len() >= 2 && waits.is_sorted() && waits[0] < waits[waits.len() - 1], "{email}: {waits:?}");
    }
    // Blocked, the right password does not help; after the wait it does, and the count begins anew.
    let blocked = enter(&test, &known, PASSWORD).await;
    if let Err(Error::TooMany(seconds)) = blocked {
        test.clock.advance(TimeDelta::seconds(i64::try_from(seconds).expect("seconds")));
        enter(&test, &known, PASSWORD).await.expect("after the wait");
    }
    enter(&test, &known, "wrong wrong wrong wrong").await.expect_err("wrong");
    assert!(matches!(enter(&test, &known, PASSWORD).await, Ok(Step::Signed(_))), "one failure costs nothing");
}

/// A browser with the cookie of a session.
async fn browser(test: &TestApp, session: &str) -> Browser {
    Browser::with_cookie(test.router.clone(), format!("muster={session}")).await
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one story from its beginning to its end")]
async fn what_needs_a_fresh_sign_in_holds_the_form_and_goes_on_as_it_was_typed() {
    let test = TestApp::new().await;
    let admin = test.person("Ada Admin", &[Role::Admin]).await;
    let session = invited(&test, &admin).await;
    let actor = acting(&test, &session).await;
    let (_, secret) = ops::begin_app(&test.app, &actor).await.expect("begun");
    ops::confirm_app(&test.app, &actor, &code(&test, &secret)).await.expect("confirmed");
    // Who signed in by a password alone cannot demand what they could not do themselves.
    let set = settings::ops::get(&test.app, &actor).await.expect("settings");
    let mut content = set.content.clone();
    content.strong_for = muster::identity::Sensitive::ALL.to_vec();
    let locked = settings::ops::update(&test.app, &actor, set.revision, content.clone()).await;
    assert!(
        matches!(&locked, Err(Error::Invalid(errors)) if errors.as_slice()[0].pointer == "/strong_for"),
        "{locked:?}"
    );
    settings::ops::update(&test.app, &test.cli(), set.revision, content).await.expect("demanded");
    let here = browser(&test, &session).await;
    let form = [("name", "Nora New"), ("email", "nora@example.com"), ("roles", "requester"), ("state", "active")];
    let held = here.post("/people", &form).await;
    assert_eq!(held.status, 303, "{}", held.text());
    let confirm = held.header("location").to_owned();
    assert!(confirm.starts_with("/confirm?form="), "{confirm}");
    let kept: Vec<u8> =
        sqlx::query_scalar("select body from held_forms").fetch_one(&mut test.owner().await).await.expect("held");
    assert!(!String::from_utf8_lossy(&kept).contains("Nora"), "a held form is sealed");
    let page = here.get(&confirm).await.text();
    assert!(page.contains("Code of your authenticator app"), "{page}");
    let form_id = confirm.trim_start_matches("/confirm?form=");
    test.clock.advance(TimeDelta::seconds(30));
    let wrong = here.post("/confirm", &[("form", form_id), ("password", PASSWORD), ("code", "000000")]).await;
    assert_eq!(wrong.status, 422);
    let right = code(&test, &secret);
    let confirmed = here.post("/confirm", &[("form", form_id), ("password", PASSWORD), ("code", &right)]).await;
    assert_eq!(confirmed.header("location"), format!("/confirm/go-on?form={form_id}"), "{}", confirmed.text());
    let cookie = confirmed.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    assert_ne!(cookie, here.cookie, "a confirmed session has a new secret");
    assert_eq!(here.get("/").await.header("location"), "/sign-in", "and the old one is nothing");
    let here = Browser::with_cookie(test.router.clone(), cookie).await;
    let go_on = here.get(&format!("/confirm/go-on?form={form_id}")).await.text();
    assert!(go_on.contains("action=\"/people\"") && go_on.contains("value=\"Nora New\""), "{go_on}");
    let people = async || -> i64 {
        sqlx::query_scalar("select count(*) from people where email = 'nora@example.com'")
            .fetch_one(&mut test.owner().await)
            .await
            .expect("counted")
    };
    assert_eq!(people().await, 0, "nothing is done without the button");
    here.post("/people", &form).await;
    assert_eq!(people().await, 1);
    assert_eq!(
        here.get(&format!("/confirm/go-on?form={form_id}")).await.header("location"),
        "/",
        "a form is there once"
    );
    // After a quarter of an hour it is asked for again; tokens and settings too.
    test.clock.advance(TimeDelta::minutes(16));
    for (path, fields) in [
        ("/people", vec![("name", "X"), ("email", "x@example.com")]),
        ("/account/tokens", vec![("name", "t"), ("scopes", "read"), ("expires_in_days", "30")]),
        ("/group-mappings", vec![("gives", "role:reviewer")]),
    ] {
        let again = here.post(path, &fields).await;
        assert!(again.header("location").starts_with("/confirm?form="), "{path}: {} {}", again.status, again.text());
    }
    // Another session does not get at a held form.
    let other = test.browser("Olga Other", &[Role::Admin]).await;
    let held: uuid::Uuid =
        sqlx::query_scalar("select id from held_forms limit 1").fetch_one(&mut test.owner().await).await.expect("held");
    assert_eq!(other.get(&format!("/confirm/go-on?form={held}")).await.header("location"), "/");
}

#[tokio::test]
async fn whoever_left_the_owning_team_after_the_submission_does_not_decide() {
    let test = TestApp::new().await;
    let shop = crate::support::builders::shop(&test).await;
    let insider = test.person("Lea Leaver", &[Role::Reviewer]).await;
    let mut conn = test.owner().await;
    for sql in [
        "insert into review_group_members (review_group_id, person_id) select id, $1 from review_groups where slug = 'security'",
        "insert into team_members (team_id, person_id) select id, $1 from teams where slug = 'payments'",
    ] {
        sqlx::query(sql).bind(insider.id).execute(&mut conn).await.expect("joined");
    }
    let id = crate::governance::drafted(&test, &shop, "Stripe for Shop").await;
    crate::governance::submit(&test, &shop, id).await.expect("submitted");
    sqlx::query("delete from team_members where person_id = $1")
        .bind(insider.id)
        .execute(&mut conn)
        .await
        .expect("left");
    let tried = crate::governance::decide(&test, &insider, id, muster::approvals::Verdict::Approve).await;
    assert!(matches!(&tried, Err(Error::Forbidden(text)) if text.contains("owns")), "{tried:?}");
    let forced = sqlx::query(
        "insert into request_decisions (id, request_id, position, round, decision, reason, decided_by, content_hash,
             material_hash, decided_via, decided_at)
         select gen_random_uuid(), r.id, 1, r.round, 'approve', 'x', $1, r.content_hash, r.material_hash, 'page', now()
         from change_requests r where r.id = $2",
    )
    .bind(insider.id)
    .bind(id)
    .execute(&mut test.as_app().await)
    .await;
    assert!(forced.is_err_and(|error| error.to_string().contains("owns the integration")), "the database says so too");
}

#[tokio::test]
async fn passkeys_are_offered_where_there_is_a_name_and_bent_answers_are_refused() {
    let test = TestApp::configured(|config| config.public_url = "http://localhost:8080".parse().expect("a URL")).await;
    let begun = send(
        test.router.clone(),
        "POST",
        "/sign-in/passkey/begin",
        &[("sec-fetch-site", "same-origin".into())],
        Vec::new(),
    )
    .await;
    assert_eq!((begun.status.as_u16(), begun.json()["rpId"].as_str()), (200, Some("localhost")), "{}", begun.text());
    let cookie = begun.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    for body in [
        "",
        "{}",
        r#"{"credential":{}}"#,
        r#"{"credential":{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{}}}"#,
    ] {
        let headers = [
            ("sec-fetch-site", "same-origin".into()),
            ("content-type", "application/json".into()),
            ("cookie", cookie.clone()),
        ];
        let reply = send(test.router.clone(), "POST", "/sign-in/passkey", &headers, body.as_bytes().to_vec()).await;
        assert_eq!(reply.status, 409, "{body}: {}", reply.text());
    }
    let plain = TestApp::new().await;
    let begun = send(
        plain.router.clone(),
        "POST",
        "/sign-in/passkey/begin",
        &[("sec-fetch-site", "same-origin".into())],
        Vec::new(),
    )
    .await;
    assert!(begun.json()["problem"].as_str().is_some_and(|text| text.contains("by a name")), "{}", begun.text());
}
