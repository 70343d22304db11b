//! People: roles that end, one's own profile, and what somebody has in hand when they leave.

use chrono::TimeDelta;
use muster::{
    error::Error,
    identity::{PersonContent, PersonState, Role, RoleEnd, ops},
};
use serde_json::json;

use crate::support::{Browser, TestApp, builders};

async fn letters(test: &TestApp) -> Vec<(String, String)> {
    sqlx::query_as("select recipient, subject from mails_due order by id")
        .fetch_all(&mut test.owner().await)
        .await
        .expect("letters")
}

async fn roles(test: &TestApp, browser: &Browser) -> Vec<Role> {
    muster::identity::authorities(&test.app).clear();
    let secret = browser.cookie.split_once('=').expect("a cookie").1;
    ops::authenticate_session(&test.app, secret).await.expect("signed in").roles.clone()
}

#[tokio::test]
async fn a_role_ends_after_its_last_day_whether_or_not_that_is_recorded_yet() {
    let test = TestApp::mailing("smtp://127.0.0.1:9").await;
    let admin = test.browser("Anna Admin", &[Role::Admin]).await;
    let person = test.person("Lena Lent", &[Role::Requester]).await;
    let form = [
        ("revision", "1"),
        ("name", "Lena Lent"),
        ("email", person.content.email.as_str()),
        ("state", "active"),
        ("roles.present", "1"),
        ("roles", "requester"),
        ("roles", "reviewer"),
        ("role_ends.present", "1"),
        ("role_ends.0.role", "reviewer"),
        ("role_ends.0.until_on", "2027-03-10"),
    ];
    let saved = admin.post(&format!("/people/{}", person.id), &form).await;
    assert_eq!(saved.header("location"), format!("/people/{}?note=saved", person.id), "{}", saved.text());
    let page = admin.get(&format!("/people/{}", person.id)).await.text();
    assert!(page.contains("Requester, Reviewer until 10 Mar 2027"), "{page}");
    let browser = test.sign_in(&person).await;
    assert_eq!(roles(&test, &browser).await.len(), 2);
    assert!(browser.get("/account").await.text().contains("Reviewer until 10 Mar 2027"));
    assert_eq!(ops::remind_of_ends(&test.app).await.expect("looked"), 0, "more than a week is left");
    test.clock.advance(TimeDelta::days(3));
    assert_eq!(ops::remind_of_ends(&test.app).await.expect("reminded"), 1);
    assert_eq!(ops::remind_of_ends(&test.app).await.expect("once"), 0);
    assert_eq!(letters(&test).await, [(person.content.email.clone(), "A role of yours ends soon".to_owned())]);
    test.clock.advance(TimeDelta::days(6));
    assert_eq!(ops::end_roles(&test.app).await.expect("looked"), 0, "the last day still counts");
    let browser = test.sign_in(&person).await;
    assert_eq!(roles(&test, &browser).await.len(), 2);
    test.clock.advance(TimeDelta::hours(13));
    let browser = test.sign_in(&person).await;
    assert_eq!(roles(&test, &browser).await, [Role::Requester], "past, and nothing has recorded it yet");
    assert_eq!(ops::end_roles(&test.app).await.expect("ended"), 1);
    assert_eq!(ops::end_roles(&test.app).await.expect("once"), 0);
    let after = ops::get_person(&test.app, &test.cli(), person.id).await.expect("the person");
    assert_eq!((after.content.roles, after.content.role_ends, after.revision), (vec![Role::Requester], vec![], 3));
    assert_eq!(test.last_action().await, "person.role_ended");
    assert_eq!(letters(&test).await[1].1, "Your role has ended");
}

#[tokio::test]
async fn ends_that_make_no_sense_are_refused_with_their_place() {
    let test = TestApp::new().await;
    let person = test.person("Lena Lent", &[Role::Reviewer]).await;
    let ends = |role: Role, day: &str| vec![RoleEnd { role, until_on: day.parse().expect("a day") }];
    let set = async |id: uuid::Uuid, roles: &[Role], role_ends: Vec<RoleEnd>| {
        let known = ops::get_person(&test.app, &test.cli(), id).await.expect("the person");
        let content = PersonContent { roles: roles.to_vec(), role_ends, ..known.content };
        ops::update_person(&test.app, &test.cli(), id, known.revision, content).await
    };
    let pointer = |refused: Result<_, Error>| match refused {
        Err(Error::Invalid(errors)) => errors.as_slice()[0].pointer.clone(),
        other => panic!("not refused: {other:?}"),
    };
    assert_eq!(pointer(set(person.id, &[Role::Reviewer], ends(Role::Admin, "2027-04-01")).await), "/role_ends/0/role");
    let past = set(person.id, &[Role::Reviewer], ends(Role::Reviewer, "2027-02-28")).await;
    assert_eq!(pointer(past), "/role_ends/0/until_on");
    let mut twice = ends(Role::Reviewer, "2027-04-01");
    twice.extend(ends(Role::Reviewer, "2027-05-01"));
    assert_eq!(pointer(set(person.id, &[Role::Reviewer], twice).await), "/role_ends/1/role");
    // What a group of a provider gives ends with the group, and only what Muster gave besides it has an end.
    let sources = async |text: &str| {
        sqlx::query("update role_grants set sources = $2::text[], until_on = null where person_id = $1")
            .bind(person.id)
            .bind(text)
            .execute(&mut test.owner().await)
            .await
            .expect("sourced");
    };
    sources("{provider:peer}").await;
    let foreign = set(person.id, &[Role::Reviewer], ends(Role::Reviewer, "2027-04-01")).await;
    assert_eq!(pointer(foreign), "/role_ends/0/role");
    sources("{provider:peer,muster}").await;
    set(person.id, &[Role::Reviewer], ends(Role::Reviewer, "2027-04-01")).await.expect("lent besides");
    test.clock.advance(TimeDelta::days(60));
    assert_eq!(ops::end_roles(&test.app).await.expect("ended"), 1);
    let kept = ops::get_person(&test.app, &test.cli(), person.id).await.expect("the person");
    assert_eq!(
        (kept.content.roles, kept.content.role_ends.len()),
        (vec![Role::Reviewer], 0),
        "the group still gives it"
    );
    // Somebody has to stay an admin for good, and nobody prolongs their own role.
    let root = test.person("Root", &[Role::Admin]).await;
    let last = set(root.id, &[Role::Admin], ends(Role::Admin, "2027-12-31")).await;
    assert!(matches!(last, Err(Error::Conflict(_))), "{last:?}");
    let lent = test.person("Olga Other", &[Role::Admin]).await;
    let lent = set(lent.id, &[Role::Admin], ends(Role::Admin, "2027-12-31")).await.expect("lent");
    let me = test.page(&lent).await;
    for longer in [Vec::new(), ends(Role::Admin, "2028-12-31")] {
        let content = PersonContent { role_ends: longer, ..lent.content.clone() };
        let own = ops::update_person(&test.app, &me, lent.id, lent.revision, content).await;
        assert!(matches!(own, Err(Error::Forbidden(_))), "{own:?}");
    }
    let content = PersonContent { role_ends: ends(Role::Admin, "2027-06-30"), ..lent.content.clone() };
    ops::update_person(&test.app, &me, lent.id, lent.revision, content).await.expect("shorter is no gain");
}

#[tokio::test]
async fn a_reviewer_on_loan_decides_to_the_last_day_and_lends_nothing_further() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let lend = async |person: &muster::identity::Person, roles: &[Role], role: Role, day: &str| {
        let known = ops::get_person(&test.app, &test.cli(), person.id).await.expect("the person");
        let role_ends = vec![RoleEnd { role, until_on: day.parse().expect("a day") }];
        let content = PersonContent { roles: roles.to_vec(), role_ends, ..known.content };
        ops::update_person(&test.app, &test.cli(), person.id, known.revision, content).await.expect("lent");
    };
    lend(&shop.reviewer, &[Role::Reviewer], Role::Reviewer, "2027-03-10").await;
    let deputy = test.person("Dora Deputy", &[Role::Reviewer]).await;
    let day = |text: &str| text.parse::<chrono::NaiveDate>().expect("a day");
    let me = test.page(&shop.reviewer).await;
    let days = (day("2027-03-01"), day("2027-12-31"));
    muster::approvals::ops::make_delegation(&test.app, &me, deputy.id, days, None).await.expect("delegated");
    let submit = async |name: &str| {
        let id = crate::governance::drafted(&test, &shop, name).await;
        crate::governance::submit(&test, &shop, id).await.map(|_| id)
    };
    let (one, two) = (submit("Stripe A").await.expect("it can be decided"), submit("Stripe B").await.expect("too"));
    crate::governance::decide(&test, &deputy, one, muster::approvals::Verdict::Approve).await.expect("for them");
    test.clock.advance(TimeDelta::days(10));
    let late = crate::governance::decide(&test, &deputy, two, muster::approvals::Verdict::Approve).await;
    assert!(matches!(&late, Err(Error::Forbidden(_))), "a right that has ended is nobody's to stand in for: {late:?}");
    let nobody = submit("Stripe C").await;
    assert!(matches!(&nobody, Err(Error::Conflict(text)) if text.contains("Nobody may decide")), "{nobody:?}");
    // An auditor for a while decides nothing meanwhile.
    lend(&shop.reviewer, &[Role::Reviewer, Role::Auditor], Role::Auditor, "2027-03-20").await;
    let id = crate::governance::drafted(&test, &shop, "Stripe D").await;
    let meanwhile = crate::governance::submit(&test, &shop, id).await;
    assert!(matches!(&meanwhile, Err(Error::Conflict(text)) if text.contains("Nobody may decide")), "{meanwhile:?}");
    test.clock.advance(TimeDelta::days(10));
    crate::governance::submit(&test, &shop, id).await.expect("an auditor no more");
}

#[tokio::test]
async fn pages_look_and_write_moments_as_their_reader_has_set_it() {
    let test = TestApp::new().await;
    let (me, other) = (test.browser("Tara Tokyo", &[Role::Admin]).await, test.browser("Olga Other", &[]).await);
    let vendor = muster::catalog::ops::create_vendor(&test.app, &test.cli(), builders::vendor("Stripe")).await;
    let path = format!("/vendors/{}", vendor.expect("a vendor").content.slug);
    let first = me.get(&path).await.text();
    assert!(first.contains("title=\"1 Mar 2027, 12:00:00 UTC\""), "the organisation's: {first}");
    let wrong = me.post("/account/profile", &[("time_zone", "Mars"), ("language", "en-US"), ("theme", "dark")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text().contains("IANA name") && wrong.text().contains("value=\"Mars\""), "{}", wrong.text());
    let odd = me.post("/account/profile", &[("language", "tlh"), ("theme", "dark")]).await;
    assert_eq!(odd.status, 422);
    let form = [("time_zone", "Asia/Tokyo"), ("language", "en-US"), ("theme", "dark")];
    let saved = me.post("/account/profile", &form).await;
    assert_eq!(saved.header("location"), "/account?note=profile_set", "{}", saved.text());
    assert_eq!(test.last_action().await, "person.preferences_set");
    let page = me.get(&path).await.text();
    assert!(page.contains("<html lang=\"en-US\" data-theme=\"dark\">"), "{page}");
    assert!(page.contains("title=\"Mar 1, 2027, 9:00:00 PM JST\""), "{page}");
    let theirs = other.get(&path).await.text();
    assert!(theirs.contains("<html lang=\"en-GB\" data-theme=\"system\">") && theirs.contains("12:00:00 UTC"));
    let before = test.events().await;
    me.post("/account/profile", &form).await;
    assert_eq!(test.events().await, before, "nothing changed, nothing is recorded");
    me.post("/account/profile", &[("time_zone", ""), ("language", "en-SE"), ("theme", "system")]).await;
    assert!(me.get(&path).await.text().contains("title=\"2027-03-01, 12:00:00 UTC\""));
}

#[tokio::test]
async fn what_somebody_has_in_hand_is_listed_for_whoever_hands_it_over() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe, live").await;
    let id = crate::governance::drafted(&test, &shop, "Stripe for Shop").await;
    let today = test.app.today().await.expect("a day");
    let deputy = test.person("Dora Deputy", &[Role::Reviewer]).await;
    let reviewer = test.page(&shop.reviewer).await;
    muster::approvals::ops::make_delegation(&test.app, &reviewer, deputy.id, (today, today), None)
        .await
        .expect("delegated");
    let (admin, reader) = (test.browser("Anna Admin", &[Role::Admin]).await, test.browser("Rita Reader", &[]).await);
    let path = |person: uuid::Uuid| format!("/people/{person}");
    let page = admin.get(&path(shop.requester.id)).await.text();
    assert!(page.contains("In hand") && page.contains(&format!("/requests/{id}")), "{page}");
    assert!(page.contains("no other active member; owns 2 integrations") && page.contains("Nobody else"), "{page}");
    assert!(!page.contains(&live.id.to_string()), "what is closed is in nobody's hand");
    let seat = admin.get(&path(shop.reviewer.id)).await.text();
    assert!(seat.contains("no other active reviewer") && seat.contains("Dora Deputy"), "{seat}");
    assert!(!reader.get(&path(shop.requester.id)).await.text().contains("id=\"duties\""), "not for everybody");
    assert!(test.sign_in(&shop.requester).await.get(&path(shop.requester.id)).await.text().contains("id=\"duties\""));
    // Disabled: all of it is still there, to be handed over.
    let content = PersonContent { state: PersonState::Disabled, ..shop.requester.content.clone() };
    ops::update_person(&test.app, &test.cli(), shop.requester.id, 1, content).await.expect("disabled");
    let page = admin.get(&path(shop.requester.id)).await.text();
    assert!(page.contains("To be handed over") && page.contains(&format!("/requests/{id}")), "{page}");
    let token = test.token(&[muster::identity::Permission::Read, muster::identity::Permission::ManagePeople]).await;
    let listed =
        test.api("GET", &format!("/api/v1/people/{}/duties", shop.requester.id), &token, &[], None).await.json();
    let kinds: Vec<&str> = listed.as_array().expect("a list").iter().filter_map(|duty| duty["kind"].as_str()).collect();
    assert_eq!(kinds, ["change_request", "team"]);
    assert_eq!(listed[1]["others"], json!(0));
    let nobody = test.api("GET", &format!("/api/v1/people/{}/duties", uuid::Uuid::nil()), &token, &[], None).await;
    assert_eq!(nobody.status, 404);
}

#[tokio::test]
async fn behind_a_proxy_of_ours_each_client_is_its_own() {
    use axum::extract::ConnectInfo;
    use std::net::SocketAddr;
    use tower::ServiceExt;
    let test = TestApp::configured(|config| {
        config.trusted_proxies = vec!["10.0.0.0/8".parse().expect("a network")];
        config.requests_per_minute = 8;
    })
    .await;
    let ask = async |peer: &str, client: &str| {
        let mut request = axum::http::Request::get("/sign-in")
            .header("host", "localhost")
            .header("x-forwarded-for", client)
            .body(axum::body::Body::empty())
            .expect("a request");
        let peer: SocketAddr = format!("{peer}:999").parse().expect("an address");
        request.extensions_mut().insert(ConnectInfo(peer));
        test.router.clone().oneshot(request).await.expect("an answer").status().as_u16()
    };
    for _ in 0..2 {
        assert_eq!(ask("10.0.0.1", "203.0.113.7").await, 200);
    }
    assert_eq!(ask("10.0.0.1", "203.0.113.7").await, 429, "this client has had its share");
    assert_eq!(ask("10.0.0.1", "203.0.113.8").await, 200, "another has not");
    for n in 0..2 {
        assert_eq!(ask("198.51.100.1", &format!("203.0.113.{n}")).await, 200);
    }
    assert_eq!(
        ask("198.51.100.1", "203.0.113.99").await,
        429,
        "whoever is no proxy of ours says nothing by the header"
    );
}
