//! What moved under a request: then, now, and as it is proposed.

use crate::pages::view::plain;
use base::error::Error;
use governance::approvals::{Request, three_way};
use register::integrations::IntegrationContent;

/// A field that changed in force since the request was written.
pub struct Moved {
    pub label: String,
    /// What the request was written on.
    pub then: String,
    /// What is in force.
    pub now: String,
    /// What the request asks for.
    pub proposed: String,
    /// Whether both changed it, each in its own way.
    pub both: bool,
}

/// The fields of a stale request that moved, those that both changed first.
pub fn moved(request: &Request, live: &IntegrationContent) -> Result<Vec<Moved>, Error> {
    let merged = three_way(&request.base_content, live, &request.content)?;
    let fields = |content| serde_json::to_value(content).map_err(Error::internal);
    let (then, now, proposed) = (fields(&request.base_content)?, fields(live)?, fields(&request.content)?);
    let one = |name: &String, both| Moved {
        label: base::words::label(name),
        then: plain(&then[name]),
        now: plain(&now[name]),
        proposed: plain(&proposed[name]),
        both,
    };
    let both = merged.both.iter().map(|name| one(name, true));
    Ok(both.chain(merged.taken.iter().map(|name| one(name, false))).collect())
}
