//! Who may do what: every endpoint, asked as everybody, compared with the table that people read.

use axum::http::StatusCode;
use muster::identity::{
    GroupContent, GroupKind, NewToken, Permission, Permissions, Person, Role, ServiceAccountContent, TokenOwner, ops,
};

use super::{
    Operation, assessed,
    doors::{DOORS, Needs, UNOWNED},
    operations,
    page_doors::PAGES,
    world::{body, fill, world},
};
use crate::support::TestApp;

/// Whose team owns what is asked about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Owns {
    Yes,
    No,
}

/// Somebody who asks.
pub(super) struct Caller {
    pub name: String,
    pub token: String,
    pub may: Permissions,
    pub owns: Owns,
    pub script: bool,
    /// Whose roles these are; none of a script.
    pub person: Option<Person>,
}

/// A person with these roles and a token of all that they may do; in the team that owns, or in none.
async fn person(test: &TestApp, roles: &[Role], owns: Owns) -> Caller {
    let words: Vec<&str> = roles.iter().map(|role| role.key()).collect();
    let name = format!("{}{}", words.join("+"), if owns == Owns::Yes { ", owner" } else { "" });
    let person = test.person(if name.is_empty() { "reader" } else { &name }, roles).await;
    if owns == Owns::Yes {
        let team = ops::find_group(&test.app, &test.cli(), GroupKind::Team, "payments").await.expect("a team");
        let mut members = team.content.members.clone();
        members.push(person.id);
        let content = GroupContent { members, ..team.content };
        ops::update_group(&test.app, &test.cli(), GroupKind::Team, team.id, team.revision, content)
            .await
            .expect("joined");
    }
    let may = Permissions::of_roles(roles);
    let new = NewToken { name: "matrix".into(), scopes: may.iter().collect(), expires_in_days: 30 };
    let minted = ops::mint_token(&test.app, &test.page(&person).await, TokenOwner::Person(person.id), new).await;
    let token = minted.expect("a token").bearer.reveal().to_owned();
    Caller { name, token, may, owns, script: false, person: Some(person) }
}

/// A script with these scopes; for the team that owns, or for none.
async fn script(test: &TestApp, scopes: &[Permission], owns: Owns) -> Caller {
    let words: Vec<&str> = scopes.iter().map(|scope| scope.key()).collect();
    let name = format!("script {}{}", words.join("+"), if owns == Owns::Yes { ", owner" } else { "" });
    let team = ops::find_group(&test.app, &test.cli(), GroupKind::Team, "payments").await.expect("a team");
    let content = ServiceAccountContent {
        name: name.clone(),
        scopes: scopes.to_vec(),
        team_id: (owns == Owns::Yes).then_some(team.id),
        ..ServiceAccountContent::default()
    };
    let account = ops::create_service_account(&test.app, &test.cli(), content).await.expect("an account");
    let new = NewToken { name: "matrix".into(), scopes: scopes.to_vec(), expires_in_days: 30 };
    let minted = ops::mint_token(&test.app, &test.cli(), TokenOwner::ServiceAccount(account.id), new).await;
    let token = minted.expect("a token").bearer.reveal().to_owned();
    Caller { name, token, may: scopes.iter().copied().collect(), owns, script: true, person: None }
}

/// Every combination of roles, in the team that owns and in none.
async fn people(test: &TestApp) -> Vec<Caller> {
    let mut all = Vec::new();
    for mask in 0..1_usize << Role::ALL.len() {
        let roles: Vec<Role> =
            Role::ALL.into_iter().enumerate().filter(|(n, _)| mask >> n & 1 == 1).map(|(_, role)| role).collect();
        for owns in [Owns::No, Owns::Yes] {
            all.push(person(test, &roles, owns).await);
        }
    }
    all
}

/// The roles alone, and those that stand together in many an organisation; in the team that owns and in none.
pub(super) async fn usual(test: &TestApp) -> Vec<Caller> {
    use Role::{Admin, Auditor, GovernanceLead, Requester, Reviewer};
    let roles: [&[Role]; 10] = [
        &[],
        &[Requester],
        &[Reviewer],
        &[GovernanceLead],
        &[Auditor],
        &[Admin],
        &[Requester, Reviewer],
        &[GovernanceLead, Admin],
        &[Auditor, GovernanceLead],
        &[Auditor, Admin],
    ];
    let mut all = Vec::new();
    for roles in roles {
        for owns in [Owns::No, Owns::Yes] {
            all.push(person(test, roles, owns).await);
        }
    }
    all
}

/// Everybody: people, and scripts with each scope.
async fn callers(test: &TestApp) -> Vec<Caller> {
    let mut all = people(test).await;
    all.extend(scripts(test).await);
    all
}

/// Scripts with each scope; one for the team that owns, and one that has them all.
pub(super) async fn scripts(test: &TestApp) -> Vec<Caller> {
    let mut all = Vec::new();
    for scope in Permission::ALL {
        let mut scopes = vec![Permission::Read, scope];
        scopes.dedup();
        all.push(script(test, &scopes, Owns::No).await);
    }
    let proposes = [Permission::Read, Permission::Propose];
    all.push(script(test, &proposes, Owns::Yes).await);
    all.push(script(test, &Permission::ALL, Owns::No).await);
    all
}

/// What an operation answers somebody.
pub(super) async fn ask(test: &TestApp, operation: &Operation, path: &str, token: &str) -> StatusCode {
    if operation.method == "GET" {
        return test.api("GET", path, token, &[], None).await.status;
    }
    if let Some(bytes) = assessed::bytes(&operation.id) {
        let headers =
            [("authorization", format!("Bearer {token}")), ("content-type", "application/octet-stream".to_owned())];
        return crate::support::client::send(test.router.clone(), &operation.method, path, &headers, bytes)
            .await
            .status;
    }
    // A revision that none has: what is allowed stops there, and the next one finds the same world.
    test.api(&operation.method, path, token, &[("if-match", "\"999\"")], Some(body(&operation.id))).await.status
}

impl Needs {
    /// Whether somebody is let through.
    pub(super) fn met(self, caller: &Caller, id: &str) -> bool {
        let owned = !UNOWNED.contains(&id);
        let any = |all: &[Permission]| all.iter().any(|one| caller.may.contains(*one));
        let reads = caller.may.contains(Permission::Read);
        match self {
            Self::Everyone => true,
            Self::Read => reads,
            Self::Any(all) => any(all),
            Self::Own(right) => {
                let reaches = caller.script || (owned && caller.owns == Owns::Yes) || any(&[Permission::Steward]);
                any(&[right]) && reaches
            }
            Self::Person(all) => !caller.script && any(all),
            Self::PersonOr(all) => !caller.script || any(all),
            Self::Or(right, own) => any(&[right]) || (any(&[own]) && owned && caller.owns == Owns::Yes),
            Self::Nobody | Self::Only(_) => false,
            // An auditor keeps the right to read the record, and no right that comes beside it.
            Self::Writers => {
                !caller.may.contains(Permission::ReadAudit) || any(&[Permission::ManagePeople, Permission::Govern])
            }
        }
    }

    /// As people read it.
    pub(super) fn words(self) -> String {
        let any =
            |all: &[Permission]| all.iter().map(|one| format!("`{}`", one.key())).collect::<Vec<_>>().join(" or ");
        match self {
            Self::Everyone => "any token that holds".into(),
            Self::Read => "`read`".into(),
            Self::Any(all) => any(all),
            Self::Own(right) => format!("{}; a person for what another team owns also `steward`", any(&[right])),
            Self::Person(all) => format!("{}, by a person", any(all)),
            Self::PersonOr(all) => format!("a person, of their own; a script with {}", any(all)),
            Self::Nobody => "no token: a person, signed in on the page".into(),
            Self::Or(right, own) => format!("`{}`; or `{}` for what one's own team owns", right.key(), own.key()),
            Self::Only(whom) => whom.into(),
            Self::Writers => "everybody but auditors".into(),
        }
    }
}

/// The table as people read it.
fn document(operations: &[Operation]) -> String {
    let mut text = String::from(
        "# Who may do what\n\nWritten by `MUSTER_WRITE_DOCS=1 cargo test --test it permissions_that` from `tests/it/coverage/doors.rs`, and compared \
         with what every endpoint says to everybody: each role and some together, owner or not, each scope of a script. \
         A right counts only beside `read`, which every person has.\n\n## What a role brings\n\n| role | rights |\n|---|---|\n",
    );
    for role in Role::ALL {
        let rights: Vec<String> = role.permissions().iter().map(|one| format!("`{}`", one.key())).collect();
        text += &format!("| {} | {} |\n", role.label(), rights.join(", "));
    }
    text += "\nAn auditor reads and never writes, whatever else they are. Pages and the command line call the same operations; \
             what no token does, a person does on a page.\n\n## What an endpoint needs\n\n| endpoint | needs |\n|---|---|\n";
    for operation in operations {
        let needs =
            DOORS.iter().find(|(id, _)| *id == operation.id).map(|(_, needs)| needs.words()).unwrap_or_default();
        text += &format!("| `{} {}` | {needs} |\n", operation.method, operation.path);
    }
    text += "\n## What a page needs\n\nPages answer people alone. The right itself is asked for first; whose record it is, \
             where a form can be read.\n\n| page | needs |\n|---|---|\n";
    for (route, needs) in PAGES {
        text += &format!("| `{route}` | {} |\n", needs.words());
    }
    text
}

#[tokio::test]
async fn the_permissions_that_people_read_are_those_of_the_table() {
    let test = TestApp::new().await;
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/permissions.md");
    let text = document(&operations(&test));
    if std::env::var_os("MUSTER_WRITE_DOCS").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    let held = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(held == text, "docs/permissions.md is not what the table says: MUSTER_WRITE_DOCS=1 writes it");
}

#[tokio::test]
async fn every_endpoint_lets_exactly_those_through_whom_the_table_names() {
    let test = TestApp::new().await;
    let world = world(&test).await;
    let callers = callers(&test).await;
    let operations = operations(&test);
    let mut wrong = Vec::new();
    let mut cells = 0;
    for operation in &operations {
        let Some((id, needs)) = DOORS.iter().find(|(id, _)| *id == operation.id) else {
            wrong.push(format!("{}: no cells", operation.id));
            continue;
        };
        let path = fill(&operation.path, &world);
        for caller in &callers {
            let status = ask(&test, operation, &path, &caller.token).await;
            assert!(!status.is_server_error() && status != StatusCode::UNAUTHORIZED, "{id} {status}");
            cells += 1;
            let through = status != StatusCode::FORBIDDEN;
            if through != needs.met(caller, id) {
                let what = if through { "let through" } else { "refused" };
                wrong.push(format!("{id}: {} was {what} ({status})", caller.name));
            }
        }
    }
    for (id, _) in DOORS {
        assert!(operations.iter().any(|operation| operation.id == *id), "{id} is no endpoint any more");
    }
    assert!(wrong.is_empty(), "{} of {cells} cells:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cells >= 14_000, "only {cells} cells");
}
