//! Fields that grant rights are guarded on the side that loses and on the side that gains, through every door.

use axum::http::StatusCode;
use muster::{
    assessments::{NewAssessment, ops as assessments},
    catalog::{SystemContent, ops as catalog},
    error::Error,
    identity::{
        Arrival, GroupContent, GroupKind, NewToken, Origin, Permission, Person, Role, ServiceAccountContent,
        TokenOwner, ops as people,
    },
    integrations::{CredentialContent, ops as uses},
    tables::{self, Mode, Notation},
};
use serde_json::json;
use uuid::Uuid;

use crate::support::{TestApp, builders};

fn forbidden<T: std::fmt::Debug>(result: Result<T, Error>, words: &str) {
    assert!(matches!(&result, Err(Error::Forbidden(text)) if text.contains(words)), "{words}: {result:?}");
}

async fn team(test: &TestApp, name: &str, members: &[&Person]) -> Uuid {
    let members = members.iter().map(|person| person.id).collect();
    let content = GroupContent { name: name.into(), members, ..GroupContent::default() };
    people::create_group(&test.app, &test.cli(), GroupKind::Team, content).await.expect("a team").id
}

/// A token of a script with these scopes, in a team.
async fn script(test: &TestApp, scopes: &[Permission], team: Uuid) -> String {
    let content = ServiceAccountContent {
        name: format!("script {}", Uuid::new_v4()),
        scopes: scopes.to_vec(),
        team_id: Some(team),
        ..ServiceAccountContent::default()
    };
    let account = people::create_service_account(&test.app, &test.cli(), content).await.expect("an account");
    let new = NewToken { name: "test".into(), scopes: scopes.to_vec(), expires_in_days: 30 };
    let owner = TokenOwner::ServiceAccount(account.id);
    people::mint_token(&test.app, &test.cli(), owner, new).await.expect("a token").bearer.reveal().to_owned()
}

#[tokio::test]
async fn nobody_takes_a_system_or_pushes_one_onto_others() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let outsider = test.person("Otto Outside", &[Role::Requester]).await;
    let growth = team(&test, "Growth", &[&outsider]).await;
    let system = catalog::find_system(&test.app, &test.cli(), "shop").await.expect("a system");
    let taken = SystemContent { team: Some("growth".into()), ..system.content.clone() };
    let both_ways = "goes from one team to another by someone in both";
    for person in [&outsider, &shop.requester] {
        let actor = test.page(person).await;
        forbidden(
            catalog::update_system(&test.app, &actor, system.id, system.revision, taken.clone()).await,
            both_ways,
        );
        let csv = "slug,name,team\nshop,Shop,growth\n";
        let report = tables::import(
            &test.app,
            &actor,
            &muster::catalog::tables::SYSTEMS,
            Notation::Csv,
            csv.as_bytes(),
            Mode::Apply,
        )
        .await;
        let refused = report.map_or_else(|error| error.to_string(), |report| format!("{report:?}"));
        assert!(refused.contains(both_ways), "{refused}");
    }
    let token = script(&test, &[Permission::Read, Permission::EditCatalog], growth).await;
    let path = format!("/api/v1/systems/{}", system.id);
    let patched = test.api("PATCH", &path, &token, &[("if-match", "\"1\"")], Some(json!({ "team": "growth" }))).await;
    assert_eq!(patched.status, StatusCode::FORBIDDEN, "{}", patched.text());
    // Nor is a system made for a team that has not asked for it.
    let pushed = SystemContent { name: "Gift".into(), team: Some("payments".into()), ..SystemContent::default() };
    forbidden(catalog::create_system(&test.app, &test.page(&outsider).await, pushed).await, "You are not in the team");
    let lead = test.person("Lea Lead", &[Role::GovernanceLead]).await;
    catalog::update_system(&test.app, &test.page(&lead).await, system.id, system.revision, taken)
        .await
        .expect("a governance lead moves it");
}

#[tokio::test]
async fn a_credential_is_attached_by_the_teams_of_every_integration_it_names() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let live = builders::active(&test, &shop, "Stripe for Shop").await;
    let outsider = test.person("Otto Outside", &[Role::Requester]).await;
    team(&test, "Growth", &[&outsider]).await;
    let theirs = CredentialContent {
        name: "theirs".into(),
        holder: Some("growth".into()),
        integrations: vec![live.content.slug.clone()],
        ..CredentialContent::default()
    };
    let actor = test.page(&outsider).await;
    let alone = "by that integration's teams alone";
    forbidden(uses::create_credential(&test.app, &actor, theirs.clone()).await, alone);
    let own = CredentialContent { integrations: Vec::new(), ..theirs.clone() };
    let made = uses::create_credential(&test.app, &actor, own).await.expect("their own");
    forbidden(uses::update_credential(&test.app, &actor, made.id, made.revision, theirs.clone()).await, alone);
    // What the owner attached is not detached, nor handed over, by others.
    let mine = CredentialContent { name: "mine".into(), holder: Some("payments".into()), ..theirs };
    let owner = test.page(&shop.requester).await;
    let kept = uses::create_credential(&test.app, &owner, mine.clone()).await.expect("attached");
    let given = CredentialContent { holder: Some("growth".into()), ..mine };
    let moved = uses::update_credential(&test.app, &owner, kept.id, kept.revision, given).await;
    forbidden(moved, "by someone in both teams");
}

#[tokio::test]
async fn a_script_answers_what_its_team_was_sent_and_nothing_that_went_to_a_vendor() {
    let test = TestApp::new().await;
    builders::shop(&test).await;
    let reviewer = test.page(&test.person("Vera Reviewer", &[Role::Reviewer]).await).await;
    let member = test.person("Anna Answers", &[Role::Requester]).await;
    let answerers = team(&test, "Answerers", &[&member]).await;
    let token = script(&test, &[Permission::Read, Permission::Propose], answerers).await;
    let mut content = assessments::questionnaire_of_pack().expect("questions");
    content.key = "owner-check".into();
    content.audience = muster::assessments::Audience::Owner;
    content.chosen_when = None;
    content.sections.truncate(1);
    builders::publish(&test, content.clone()).await;
    let vendor = NewAssessment {
        questionnaire: "vendor-security".into(),
        vendor: "stripe".into(),
        recipient: Some("security@stripe.example".into()),
        ..NewAssessment::default()
    };
    let own = NewAssessment {
        questionnaire: "owner-check".into(),
        recipient: None,
        team: Some("answerers".into()),
        ..vendor.clone()
    };
    let question = content.questions().next().expect("a question").1.key.clone();
    let body = json!({ question: { "note": "In words." } });
    for (new, status) in [(vendor, StatusCode::FORBIDDEN), (own, StatusCode::OK)] {
        let draft = assessments::begin(&test.app, &reviewer, new).await.expect("begun");
        assessments::send(&test.app, &reviewer, draft.id, draft.revision).await.expect("sent");
        let path = format!("/api/v1/assessments/{}", draft.id);
        let reply = test.api("PATCH", &format!("{path}/answers"), &token, &[], Some(body.clone())).await;
        assert_eq!(reply.status, status, "{}", reply.text());
        let handed = test.api("POST", &format!("{path}/submit"), &token, &[], None).await;
        let wanted = if status == StatusCode::OK { StatusCode::UNPROCESSABLE_ENTITY } else { status };
        assert_eq!(handed.status, wanted, "{}", handed.text());
    }
}

#[tokio::test]
async fn a_token_changes_no_address_and_no_members_and_an_admin_no_other_admin() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    let admin = test.person("Ada Admin", &[Role::Admin]).await;
    let second = test.person("Max Mighty", &[Role::Admin]).await;
    let token = test.token(&[Permission::Read, Permission::ManagePeople]).await;
    let path = format!("/api/v1/people/{}", admin.id);
    let body = json!({ "email": "mine@example.com" });
    let reply = test.api("PATCH", &path, &token, &[("if-match", "\"1\"")], Some(body)).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN, "{}", reply.text());
    let mut content = admin.content.clone();
    content.email = "mine@example.com".into();
    let refused = people::update_person(&test.app, &test.page(&second).await, admin.id, admin.revision, content).await;
    forbidden(refused, "changes an admin's e-mail address");
    let group = people::find_group(&test.app, &test.cli(), GroupKind::ReviewGroup, "security").await.expect("a group");
    let path = format!("/api/v1/review-groups/{}", group.id);
    let body = json!({ "members": [] });
    let reply = test.api("PATCH", &path, &token, &[("if-match", "\"1\"")], Some(body)).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN, "{}", reply.text());
    // Not by a person either while it decides on something.
    let requester = test.page(&shop.requester).await;
    let draft = muster::approvals::ops::register(
        &test.app,
        &requester,
        builders::content("Stripe for Shop"),
        uses::Start::AsGiven,
    )
    .await
    .expect("registered")
    .1;
    muster::approvals::ops::submit_request(&test.app, &requester, draft.id, 1, None).await.expect("submitted");
    let empty = GroupContent { members: Vec::new(), ..group.content.clone() };
    let kind = GroupKind::ReviewGroup;
    let refused =
        people::update_group(&test.app, &test.page(&admin).await, kind, group.id, group.revision, empty).await;
    assert!(matches!(&refused, Err(Error::Conflict(text)) if text.contains("still decides on")), "{refused:?}");
}

#[tokio::test]
async fn the_role_of_the_application_rewrites_nothing_that_was_recorded() {
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    builders::active(&test, &shop, "Stripe for Shop").await;
    let mut conn = test.as_app().await;
    for sql in [
        "update audit_origins set os_user = 'nobody'",
        "delete from audit_pending",
        "update audit_pending set ordinal = 0",
        "update change_requests set requested_by = null",
        "delete from past_owners",
        "update owner_moves set moved_at = now()",
        "delete from assessment_participants",
        "delete from request_participants",
    ] {
        let done = sqlx::query(sql).execute(&mut conn).await;
        let Err(sqlx::Error::Database(refused)) = &done else { panic!("{sql}: {done:?}") };
        assert_eq!(refused.code().as_deref(), Some("42501"), "{sql}: {done:?}");
    }
}

#[tokio::test]
async fn a_strangers_wrong_passwords_do_not_keep_someone_out_where_they_have_signed_in() {
    let test = TestApp::new().await;
    let person = test.person("Theo Known", &[Role::Requester]).await;
    let link =
        people::mint_link_for(&test.app, &test.cli(), person.id, people::LinkFor::Invitation).await.expect("one");
    let password = "umbrella tractor violin mud";
    let from = |address: &str| Origin { address: address.parse().ok(), ..Origin::default() };
    people::accept_invitation(
        &test.app,
        &link.secret,
        password.into(),
        Arrival { origin: from("192.0.2.1"), request_id: "test".into() },
    )
    .await
    .expect("accepted");
    let enter = async |password: &str, address: &str| {
        let (origin, email) = (from(address), person.content.email.as_str());
        people::sign_in_by_password(
            &test.app,
            email,
            password.into(),
            None,
            Arrival { origin, request_id: "test".into() },
        )
        .await
    };
    enter(password, "192.0.2.1").await.expect("from home");
    // From many networks, so that no network waits: the account does, but not at home.
    for n in 0..110_u8 {
        let _ = enter("wrong wrong wrong wrong", &format!("198.51.100.{n}")).await;
    }
    let abroad = enter(password, "203.0.113.9").await;
    assert!(matches!(abroad, Err(Error::TooMany(_))), "{abroad:?}");
    enter(password, "192.0.2.1").await.expect("at home still");
}

#[tokio::test]
async fn a_withdrawn_comment_leads_back_into_muster_alone() {
    let test = TestApp::new().await;
    builders::shop(&test).await;
    let browser = test.browser("Carla Comments", &[Role::Requester, Role::Reviewer]).await;
    for (back, wanted) in [("/vendors/stripe", "/vendors/stripe"), ("/\\evil.example", "/"), ("//evil.example", "/")] {
        browser.post("/vendors/stripe/comments", &[("body", "A word.")]).await;
        let id: Uuid = sqlx::query_scalar("select id from comments order by id desc limit 1")
            .fetch_one(&mut test.owner().await)
            .await
            .expect("a comment");
        let reply = browser.post(&format!("/comments/{id}/withdraw"), &[("back", back)]).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.text());
        let location = reply.header("location").to_owned();
        assert!(location.starts_with(wanted) && !location.contains("evil"), "{back}: {location}");
    }
}
