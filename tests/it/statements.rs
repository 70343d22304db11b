//! How many statements a request sends to PostgreSQL.

use std::{cell::RefCell, fmt::Debug};

use muster::identity::{Permission, Role};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context, prelude::*};

use crate::support::{TestApp, builders};

thread_local! {
    /// What this thread's test has sent, where it listens.
    static SENT: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Writes down the statements of threads that listen. One for the whole process, so that no other
/// test's silence switches it off.
struct Listener;

struct Summary<'a>(&'a mut Vec<String>);

impl Visit for Summary<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "summary" {
            self.0.push(format!("{value:?}"));
        }
    }
}

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            SENT.with_borrow_mut(|sent| {
                if let Some(sent) = sent {
                    event.record(&mut Summary(sent));
                }
            });
        }
    }
}

/// Takes what was sent so far, without what is read once for many requests.
fn take() -> Vec<String> {
    let all = SENT.replace(Some(Vec::new())).unwrap_or_default();
    let cached = ["api_tokens", "sessions", "from installation"];
    all.into_iter().filter(|sql| !cached.iter().any(|word| sql.contains(word))).collect()
}

#[tokio::test]
async fn a_request_sends_few_statements() {
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Listener)).expect("the only one");
    let test = TestApp::new().await;
    let shop = builders::shop(&test).await;
    for n in 0..3 {
        builders::active(&test, &shop, &format!("Integration {n}")).await;
    }
    let token = test.token(&[Permission::Read, Permission::Propose]).await;
    let browser = test.browser("Ada", &[Role::Requester]).await;
    // Authority, time zone and the rail's counts are read for the first time here.
    assert_eq!(test.api("GET", "/api/v1/integrations", &token, &[], None).await.status, 200);
    assert_eq!(browser.get("/integrations").await.status, 200);
    take();

    assert_eq!(test.api("GET", "/api/v1/integrations?state=active", &token, &[], None).await.status, 200);
    let list = take();
    assert!(!list.is_empty() && list.len() <= 3, "{list:#?}");

    assert_eq!(test.api("GET", "/api/v1/integrations/integration-1", &token, &[], None).await.status, 200);
    let one = take();
    assert!(!one.is_empty() && one.len() <= 3, "{one:#?}");

    assert_eq!(browser.get("/integrations?sort=-name").await.status, 200);
    let page = take();
    assert!(!page.is_empty() && page.len() <= 3, "{page:#?}");

    let mut body = builders::integration("shop", "stripe.com pay", "payments");
    body["name"] = "Fresh".into();
    body["version"] = "1".into();
    body["tls_minimum"] = "1.2".into();
    let made = test.api("POST", "/api/v1/integrations", &token, &[], Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let create = take();
    assert!(create.len() > 4 && create.len() <= 8, "{} {create:#?}", create.len());
}
