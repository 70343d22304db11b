//! Submitting and deciding, each with its facts, rules, plan and record in one transaction.

use muster::{
    app::App,
    approvals::{NewDecision, Verdict, ops},
    identity::{
        Actor, Authority, GroupContent, GroupKind, Origin, Permissions, Person, PersonContent, Principal, Role, Via,
        ops as people,
    },
    integrations::{IntegrationContent, ops::Start},
};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::timed;

/// Requests that are submitted and decided.
const ROUNDS: usize = 100;

async fn person(app: &App, cli: &Actor, name: &str, role: Role) -> Person {
    let email = format!("{}@bench.example", name.to_lowercase());
    let content = PersonContent { name: name.into(), email, roles: vec![role], ..PersonContent::default() };
    people::create_person(app, cli, content).await.expect("a person")
}

fn acting(person: &Person, teams: Vec<Uuid>) -> Actor {
    let roles = person.content.roles.clone();
    let authority = Authority {
        principal: Principal::Person(person.id),
        name: person.content.name.clone(),
        email: person.content.email.clone(),
        permissions: Permissions::of_roles(&roles),
        roles,
        teams,
        review_groups: Vec::new(),
        token_id: None,
        minted_by: None,
        session: None,
        reading: muster::identity::Reading::default(),
    };
    Actor { authority: authority.into(), via: Via::Page, request_id: "bench".into(), origin: Origin::default() }
}

/// Measures both, and prints them.
pub async fn measure(app: &App, cli: &Actor, conn: &mut PgConnection) {
    let (asks, decides) =
        (person(app, cli, "Asks", Role::Requester).await, person(app, cli, "Decides", Role::Reviewer).await);
    let group =
        |name: &str, who: &Person| GroupContent { name: name.into(), members: vec![who.id], ..GroupContent::default() };
    let team = people::create_group(app, cli, GroupKind::Team, group("Bench", &asks)).await.expect("a team");
    people::create_group(app, cli, GroupKind::ReviewGroup, group("Bench", &decides)).await.expect("a group");
    let (system, api, other): (String, String, String) = sqlx::query_as(
        "select (select slug from systems limit 1), (select slug from apis limit 1), (select slug from teams where slug <> 'bench' limit 1)",
    )
    .fetch_one(conn)
    .await
    .expect("names");
    let (asks, decides) = (acting(&asks, vec![team.id]), acting(&decides, Vec::new()));
    let (mut submits, mut decisions) = (Vec::new(), Vec::new());
    for n in 0..ROUNDS {
        let content: IntegrationContent = serde_json::from_value(json!({
            "name": format!("Bench {n}"), "system": system, "api": api, "purpose": "Takes payments.",
            "business_logic": "Called on checkout.", "business_owner": "bench", "technical_owner": "bench",
            "backup_owner": other, "criticality": "high", "exposure": "internal", "initiated_by": "us",
            "environments": [{ "environment": "production", "endpoints": ["https://api.example.com/v1"] }],
            "data_flows": [{ "data_class": "user.contact.email", "direction": "sent", "legal_basis": "contract",
                "locations": ["IE"], "transfer_safeguard": "not_needed", "retention_days": 365 }],
            "exit_plan": "Another one within weeks.", "rate_limit": 50, "rate_limit_per": "second"
        }))
        .expect("a content");
        let (_, draft) = ops::register(app, &asks, content, Start::AsGiven).await.expect("registered");
        let (time, open) =
            timed(ops::submit_request(app, &asks, draft.id, draft.revision, Some("Needed.".into()))).await;
        submits.push(time);
        let hash = open.expect("submitted").phase.bound().expect("bound").content_hash.clone();
        let (time, done) =
            Box::pin(timed(ops::decide(app, &decides, draft.id, NewDecision::new(Verdict::Approve, "Fine.", hash))))
                .await;
        decisions.push(time);
        assert_eq!(done.expect("decided").phase.key(), "applied");
    }
    for (what, mut each) in [("submit", submits), ("decide and bring into force", decisions)] {
        each.sort_by(f64::total_cmp);
        let (median, most) = (each[each.len() / 2] * 1e3, each[each.len() * 95 / 100] * 1e3);
        println!("{what}: median {median:.1} ms, 95th percentile {most:.1} ms");
    }
}
