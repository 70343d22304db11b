//! Attempts to sign in, counted before they are made: beyond a few each costs a longer wait.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    app::App,
    error::Error,
    identity::{
        Origin, secrets,
        store::local::{self, Counted},
    },
};

/// Failures of one account before each costs a wait.
const FREE_ACCOUNT: i32 = 5;
/// Failures from one address before each costs a wait: several people may share it.
const FREE_ADDRESS: i32 = 20;
/// What an attempt is counted by: the account that is tried, and the network that tries.
pub(super) fn tried(account: &str, origin: &Origin) -> Vec<(Counted, Vec<u8>)> {
    let mut all = vec![(Counted::Account, secrets::hash(&format!("account {}", account.trim().to_lowercase())))];
    // Whoever has one address of IPv6 has a network of them.
    let place = origin.address.map(|address| match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:?}", &address.octets()[..8]),
    });
    all.extend(place.map(|place| (Counted::Address, secrets::hash(&format!("address {place}")))));
    all
}

/// Counts an attempt of each before it is made; refuses where one has to wait.
pub(super) async fn attempt(app: &App, tried: &[(Counted, Vec<u8>)], now: DateTime<Utc>) -> Result<(), Error> {
    let mut conn = app.db.housekeeping().await?;
    for (kind, key) in tried {
        let free = if matches!(kind, Counted::Account) { FREE_ACCOUNT } else { FREE_ADDRESS };
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
            Counted::Address => local::give_back(conn, *kind, key, now).await?,
        }
    }
    Ok(())
}

/// For the log: without whose it was.
pub(super) fn failed() {
    tracing::info!("a sign-in by password or code failed");
}
