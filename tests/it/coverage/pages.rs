//! Who may open and send what on pages: every route, asked as each role, compared with the table that people read.

use axum::http::StatusCode;

use super::{
    doors::Needs,
    matrix::{Caller, usual},
    page_doors::PAGES,
    routes::{Route, of_pages},
    world::{World, fill, world},
};
use crate::support::{Browser, TestApp};

/// Routes that are nobody's or everybody's: signing in, confirming, leaving; and pages whose address is the key.
const OPEN: &[&str] = &["/sign-in", "/sign-out", "/confirm", "/answer/", "/invitation/", "/styles"];

/// What fills the fields of any form. The revision is one that nothing has: what is allowed stops there.
const FIELDS: &[(&str, &str)] = &[
    ("revision", "999"),
    ("name", "A name"),
    ("title", "A title"),
    ("reason", "A reason"),
    ("why", "A reason"),
    ("body", "A comment"),
    ("note", "A note"),
    ("verdict", "approve"),
    ("decision", "keep"),
    ("content_hash", "00"),
    ("label", "fresh"),
    ("email", "fresh@example.com"),
    ("ends_on", "2027-04-30"),
    ("questionnaire", "vendor-security"),
    ("vendor", "stripe"),
    ("url", "https://trust.example.com"),
    ("expires_in_days", "30"),
    ("scopes.present", "1"),
    ("scopes", "read"),
];

fn routes() -> Vec<Route> {
    let open = |route: &Route| OPEN.iter().any(|open| route.path.starts_with(open));
    of_pages().into_iter().filter(|route| !open(route)).collect()
}

/// Where a route leads in the register that is walked through.
fn address(route: &Route, world: &World) -> String {
    let nil = uuid::Uuid::nil().to_string();
    let own = ["/account/", "/views/", "/imports/", "/group-mappings/", "/risk-overrides/"];
    let path = route
        .path
        .replace("/{kind}/{key}/comments", "/vendors/{key}/comments")
        .replace("/versions/{id}", "/versions/{version}")
        .replace("{provider}", "nobody")
        .replace("{section}", "0")
        .replace("{question}", "tls");
    let path = if own.iter().any(|prefix| path.starts_with(prefix)) || path.contains("/identities/{id}") {
        path.replace("{id}", &nil)
    } else {
        path
    };
    fill(&path, world)
}

async fn ask(browser: &Browser, route: &Route, path: &str) -> StatusCode {
    match route.method {
        "GET" => browser.get(path).await.status,
        _ if ["/imports", "/evidence", "/questionnaires/import"].contains(&route.path.as_str()) => {
            let text =
                format!("--b\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\n{}\r\n--b--\r\n", browser.csrf);
            browser.post_bytes(path, "multipart/form-data; boundary=b", text.into_bytes()).await.status
        }
        _ if route.path.ends_with("/requests") => {
            let fields: Vec<(&str, &str)> = FIELDS.iter().copied().chain([("kind", "change")]).collect();
            browser.post(path, &fields).await.status
        }
        _ => browser.post(path, FIELDS).await.status,
    }
}

/// What the table would have to say for what was seen: written out when the table is.
fn suggested(callers: &[(Caller, Browser)], route: &str, through: &[bool]) -> String {
    use muster::identity::Permission;
    let fits =
        |needs: Needs| callers.iter().zip(through).all(|((caller, _), let_in)| needs.met(caller, route) == *let_in);
    if fits(Needs::Read) {
        return "Read".into();
    }
    for one in Permission::ALL {
        if fits(Needs::Any(vec![one].leak())) {
            return format!("Any(&[{one:?}])");
        }
        if fits(Needs::Own(one)) {
            return format!("Own({one:?})");
        }
    }
    for one in Permission::ALL {
        for two in Permission::ALL {
            if one < two && fits(Needs::Any(vec![one, two].leak())) {
                return format!("Any(&[{one:?}, {two:?}])");
            }
        }
    }
    let names = callers.iter().zip(through).filter(|(_, let_in)| **let_in).map(|((caller, _), _)| caller.name.as_str());
    format!("?? {}", names.collect::<Vec<_>>().join(" | "))
}

#[tokio::test]
async fn every_page_lets_exactly_those_through_whom_the_table_names() {
    let test = TestApp::new().await;
    let world = world(&test).await;
    let mut callers = Vec::new();
    for caller in usual(&test).await {
        let browser = test.sign_in(caller.person.as_ref().expect("a person")).await;
        callers.push((caller, browser));
    }
    let routes = routes();
    let (mut wrong, mut cells) = (Vec::new(), 0);
    for route in &routes {
        let (key, path) = (format!("{} {}", route.method, route.path), address(route, &world));
        let mut through = Vec::new();
        for (caller, browser) in &callers {
            let status = ask(browser, route, &path).await;
            assert!(!status.is_server_error(), "{key} as {}: {status}", caller.name);
            through.push(status != StatusCode::FORBIDDEN);
            cells += 1;
        }
        let Some((_, needs)) = PAGES.iter().find(|(known, _)| *known == key) else {
            wrong.push(format!("    (\"{key}\", {}),", suggested(&callers, &key, &through)));
            continue;
        };
        for ((caller, _), let_in) in callers.iter().zip(&through) {
            if needs.met(caller, &key) != *let_in {
                wrong.push(format!("{key}: {} was {}", caller.name, if *let_in { "let through" } else { "refused" }));
            }
        }
    }
    for (known, _) in PAGES {
        let here = routes.iter().any(|route| format!("{} {}", route.method, route.path) == *known);
        assert!(here, "{known} is no page any more");
    }
    assert!(wrong.is_empty(), "{} of {cells} cells:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cells >= 4500, "only {cells} cells");
}
