//! How many requests anybody gets.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use uuid::Uuid;

use super::{Web, error::ApiError};
use base::error::Error;

type Instant = <DefaultClock as Clock>::Instant;

/// Limits by peer address, and by person or token.
#[derive(Debug)]
pub struct Limits {
    peers: DefaultKeyedRateLimiter<IpAddr>,
    actors: DefaultKeyedRateLimiter<Uuid>,
}

impl Limits {
    /// The same number a minute for each; a quarter of it may come at once.
    pub fn new(per_minute: u32) -> Self {
        let rate = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        let burst = NonZeroU32::new(per_minute / 4).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(rate).allow_burst(burst);
        Self { peers: RateLimiter::keyed(quota), actors: RateLimiter::keyed(quota) }
    }

    /// Counts a request of a person or token.
    pub fn actor(&self, id: Uuid) -> Result<(), Error> {
        self.actors.check_key(&id).map_err(|wait| too_many(&wait))
    }

    fn peer(&self, address: IpAddr) -> Result<(), Error> {
        self.peers.check_key(&address).map_err(|wait| too_many(&wait))
    }

    /// Forgets whoever has not asked for a while.
    pub fn shrink(&self) {
        self.peers.retain_recent();
        self.actors.retain_recent();
    }
}

fn too_many(wait: &governor::NotUntil<Instant>) -> Error {
    let left = wait.wait_time_from(DefaultClock::default().now());
    Error::TooMany(left.as_secs() + 1)
}

/// Counts every request of a peer.
pub async fn per_peer(State(web): State<Web>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    match peer.map(|address| web.limits.peer(address)) {
        Some(Err(error)) => ApiError(error).into_response(),
        _ => next.run(request).await,
    }
}
