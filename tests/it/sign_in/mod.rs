//! Signing in: at a certified provider in a real browser, at one that bends each message, by local accounts and
//! passkeys; and what a fresh sign-in is asked for.

mod bent;
mod groups;
mod local;
mod real;
mod scim;
mod ways;

use muster::identity::{
    Arrival,
    oidc::Answer,
    ops::{self, Arrived, Fault, Purpose, Returned},
};
use url::Url;

use crate::support::TestApp;

/// A parameter of an address.
fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).expect(name)
}

/// A sign-in that was begun: where the browser went, and its secret.
async fn begun(test: &TestApp, provider: &str) -> (Url, String) {
    let begun = ops::begin_at_provider(&test.app, provider, Purpose::SignIn, None, "/").await.expect("begun");
    (begun.url, begun.browser)
}

/// What comes of an answer.
async fn finished(
    test: &TestApp,
    provider: &str,
    (state, browser): (&str, &str),
    answer: Answer,
) -> Result<Arrived, Fault> {
    let returned = Returned { provider, state, browser, answer };
    ops::finish_at_provider(&test.app, returned, None, None, Arrival::default()).await
}

/// The reason of a refusal, as the log has it.
fn reason(outcome: Result<Arrived, Fault>) -> String {
    match outcome {
        Err(Fault::Refused(refusal)) => refusal.0,
        other => panic!("not refused: {other:?}"),
    }
}
