//! Attempts to sign in, counted before they are made: beyond a few each costs a longer wait.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    Origin, secrets,
    store::local::{self, Counted},
};
use base::{app::App, error::Error};

/// Failures of one account from one network before each costs a wait.
const FREE_ACCOUNT: i32 = 5;
/// Failures of one account from all networks together before those wait from which it was never signed in to: so many
/// that no one is kept out by a few wrong attempts of a stranger.
const FREE_EVERYWHERE: i32 = 100;
/// Failures from one address before each costs a wait: several people may share it.
const FREE_ADDRESS: i32 = 20;
/// What an attempt is counted by: the network that tries, the account from that network, and the account from anywhere.
/// By the account alone a stranger could keep its person out for ever.
pub(super) fn tried(account: &str, origin: &Origin) -> Vec<(Counted, Vec<u8>)> {
    let account = account.trim().to_lowercase();
    // Who has one address of IPv6 has a network of them.
    let place = match origin.address {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => format!("{:?}", &address.octets()[..8]),
        None => String::new(),
    };
    let mut all = Vec::new();
    if origin.address.is_some() {
        all.push((Counted::Address, secrets::hash(&format!("address {place}"))));
    }
    all.push((Counted::Account, secrets::hash(&format!("account {account} {place}"))));
    all.push((Counted::Everywhere, secrets::hash(&format!("account {account}"))));
    all
}

/// By what a network is known from which an account was signed in to.
fn known_network(tried: &[(Counted, Vec<u8>)]) -> Option<&[u8]> {
    tried.iter().find(|(kind, _)| matches!(kind, Counted::Account)).map(|(_, key)| key.as_slice())
}

/// Counts an attempt of each before it is made; refuses where one has to wait.
pub(super) async fn attempt(app: &App, tried: &[(Counted, Vec<u8>)], now: DateTime<Utc>) -> Result<(), Error> {
    let mut conn = app.db.housekeeping().await?;
    let known = match known_network(tried) {
        Some(key) => local::is_known_network(&mut conn, key).await?,
        None => false,
    };
    for (kind, key) in tried {
        let free = match kind {
            Counted::Account => FREE_ACCOUNT,
            Counted::Address => FREE_ADDRESS,
            Counted::Everywhere if known => continue,
            Counted::Everywhere => FREE_EVERYWHERE,
        };
        if !local::count_attempt(&mut conn, *kind, key, free, now).await? {
            let until = local::blocked_until(&mut conn, tried).await?.unwrap_or(now);
            return Err(Error::TooMany(u64::try_from((until - now).num_seconds() + 1).unwrap_or(1)));
        }
    }
    Ok(())
}

/// The attempt was none in vain: the account's are forgotten, the address's is given back.
pub(super) async fn succeeded(
    conn: &mut PgConnection,
    tried: &[(Counted, Vec<u8>)],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    for (kind, key) in tried {
        match kind {
            Counted::Account => local::forget_failures(conn, key).await?,
            Counted::Address | Counted::Everywhere => local::give_back(conn, *kind, key, now).await?,
        }
    }
    match known_network(tried) {
        Some(key) => local::know_network(conn, key, now).await,
        None => Ok(()),
    }
}

/// For the log: without whose it was.
pub(super) fn failed() {
    tracing::info!("a sign-in by password or code failed");
}
