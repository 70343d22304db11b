//! Rights that come from a provider's groups, beside those that Muster gives.

use muster::identity::{Role, ops};
use serde_json::{Value, json};

use super::bent::Scene;

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one story from its beginning to its end")]
async fn groups_give_rights_and_take_them_away_and_what_muster_gave_stays() {
    let scene = Scene::new().await;
    let test = &scene.test;
    let admin = test.page(&test.person("Anna Admin", &[Role::Admin]).await).await;
    let team = muster::identity::GroupContent { name: "Payments".into(), ..Default::default() };
    let kind = muster::identity::GroupKind::Team;
    ops::create_group(&test.app, &test.cli(), kind, team).await.expect("a team");
    let map = async |group: &str, gives: &str| {
        let new = ops::NewMapping { provider: "peer".into(), group_name: group.into(), gives: gives.into() };
        ops::add_mapping(&test.app, &admin, new).await.expect("mapped")
    };
    map("reviewers", "role:reviewer").await;
    map("payments", "team:payments").await;
    let enter = async |groups: &[&str]| {
        let groups = json!(groups);
        scene.bent(|_, claims| claims["groups"] = groups, None).await.expect("signed in");
    };
    let has = async || -> (Vec<String>, i64) {
        let mut conn = test.owner().await;
        let roles = sqlx::query_scalar("select g.role from role_grants g join people p on p.id = g.person_id where p.email = 'ada@example.com' order by 1")
            .fetch_all(&mut conn)
            .await
            .expect("roles");
        let teams = sqlx::query_scalar(
            "select count(*) from team_members m join people p on p.id = m.person_id where p.email = 'ada@example.com'",
        )
        .fetch_one(&mut conn)
        .await
        .expect("teams");
        (roles, teams)
    };
    enter(&["reviewers", "payments", "unknown"]).await;
    assert_eq!(has().await, (vec!["reviewer".to_owned()], 1));
    let review = ops::access_review(&test.app, &admin).await.expect("a review");
    let why = |right: &str| {
        let held = review.iter().find(|one| one.email == "ada@example.com" && one.title == right).expect("held");
        held.because.join("; ")
    };
    assert_eq!(why("Reviewer"), "through group reviewers of The peer");
    assert_eq!(why("Payments"), "through group payments of The peer");
    assert!(review.iter().any(|one| one.name == "Anna Admin" && one.because == ["granted in Muster"]), "{review:?}");
    let reader = test.page(&test.person("Rita Reader", &[Role::Requester]).await).await;
    ops::access_review(&test.app, &reader).await.expect_err("not for everybody");
    enter(&["payments"]).await;
    assert_eq!(has().await, (vec![], 1), "the group is gone, and so is the right");
    // Granted in Muster as well, it stays when the group goes.
    enter(&["reviewers"]).await;
    sqlx::query("update role_grants set sources = array_append(sources, 'muster') where role = 'reviewer'")
        .execute(&mut test.owner().await)
        .await
        .expect("granted");
    enter(&[]).await;
    assert_eq!(has().await, (vec!["reviewer".to_owned()], 0));
    // A mapping touches whoever is in the group at once, is previewed, and ends with what it gave.
    enter(&["auditors"]).await;
    let new =
        || ops::NewMapping { provider: "peer".into(), group_name: "auditors".into(), gives: "role:auditor".into() };
    let touched = ops::preview_mapping(&test.app, &admin, new()).await.expect("a preview");
    assert_eq!((touched.gain.len(), touched.have.len()), (1, 0));
    assert_eq!(has().await.0, ["reviewer"], "a preview changes nothing");
    let mapping = ops::add_mapping(&test.app, &admin, new()).await.expect("mapped");
    assert_eq!(has().await.0, ["auditor", "reviewer"]);
    ops::retire_mapping(&test.app, &admin, mapping.id).await.expect("taken back");
    assert_eq!(has().await.0, ["reviewer"]);
    // Every change of a right is on record.
    let events: Vec<String> =
        sqlx::query_scalar("select action from audit_events where action like '%regrouped' order by id")
            .fetch_all(&mut test.owner().await)
            .await
            .expect("events");
    assert!(events.len() >= 6, "{events:?}");
    // Who is in no group is told nothing of groups; where there are too many to tell, rights stay.
    map("staff", "role:requester").await;
    enter(&["staff"]).await;
    assert_eq!(has().await.0, ["requester", "reviewer"]);
    scene.peer.says(|said| said.userinfo = json!({ "sub": "subject-1" }));
    let untold = async |more: Option<&str>| {
        let bend = |_: &mut Value, claims: &mut Value| {
            claims.as_object_mut().expect("claims").remove("groups");
            if let Some(name) = more {
                claims[name] = json!({ "groups": "src1" });
            }
        };
        scene.bent(bend, None).await.expect("signed in");
    };
    untold(Some("_claim_names")).await;
    assert_eq!(has().await.0, ["requester", "reviewer"]);
    untold(None).await;
    assert_eq!(has().await.0, ["reviewer"]);
    // A mapping gives nothing to whoever made it, whenever they join the group.
    let ada: uuid::Uuid = sqlx::query_scalar("select id from people where email = 'ada@example.com'")
        .fetch_one(&mut test.owner().await)
        .await
        .expect("a person");
    sqlx::query("update group_mappings set created_by = $1")
        .bind(ada)
        .execute(&mut test.owner().await)
        .await
        .expect("own");
    enter(&["staff"]).await;
    assert_eq!(has().await.0, ["reviewer"]);
}

#[tokio::test]
async fn a_right_can_be_added_beside_another_and_each_ends_with_its_own_source() {
    let scene = Scene::new().await;
    let test = &scene.test;
    let person = test.person("Rosa Roles", &[Role::Requester]).await;
    let mut content = person.content.clone();
    content.roles = vec![Role::Requester, Role::Reviewer];
    let after = ops::update_person(&test.app, &test.cli(), person.id, person.revision, content).await.expect("granted");
    let read = ops::get_person(&test.app, &test.cli(), person.id).await.expect("the person");
    assert_eq!(
        (read.content.roles.clone(), read.content.roles),
        (after.content.roles, vec![Role::Requester, Role::Reviewer])
    );
}
