//! Numbers across features, for the rail and the home page. Reads only.

mod duties;

use std::{
    sync::{Mutex, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use sqlx::FromRow;

use base::{app::App, error::Error, lists::Count};
use identity::{Actor, Permission};

pub use duties::{Duty, duties};

/// How long the rail's counts are kept.
const KEPT: Duration = Duration::from_secs(30);

/// What the rail counts.
#[derive(Debug, Clone, Copy, Default, FromRow)]
pub struct RailCounts {
    /// Active vendors.
    pub vendors: i64,
    /// Active APIs.
    pub apis: i64,
    /// Active systems.
    pub systems: i64,
    /// Active data classes.
    pub data_classes: i64,
    /// Integrations that have not retired.
    pub integrations: i64,
    /// Credentials that have not been revoked.
    pub credentials: i64,
    /// Change requests that wait for a decision.
    pub open_requests: i64,
    /// Conditions of approvals that bind and are not met.
    pub conditions: i64,
    /// Violations that are open and shown to everybody, excepted ones included.
    pub open_violations: i64,
    /// Exceptions that wait for a decision.
    pub exceptions: i64,
    /// Assessments that are under way, or wanted.
    pub assessments: i64,
    /// Review items that wait for a decision.
    pub review_items: i64,
    /// People who may sign in.
    pub people: i64,
    /// Active vendors that nobody has verified.
    pub unverified_vendors: i64,
    /// Active APIs that nobody has verified.
    pub unverified_apis: i64,
}

impl RailCounts {
    /// A number as people read it.
    pub fn shown(n: &i64) -> Count {
        Count(*n)
    }
}

/// The counts, when they were read, and how often something had changed by then.
#[derive(Debug, Default)]
pub struct RailCache(Mutex<Option<(Instant, u64, RailCounts)>>);

/// The counts, at most 30 s old.
pub async fn rail(app: &App) -> Result<RailCounts, Error> {
    let cache = app.slot::<RailCache>();
    let changed = app.counts_changed.load(Ordering::Relaxed);
    let kept = *cache.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((at, then, counts)) = kept
        && at.elapsed() < KEPT
        && then == changed
    {
        return Ok(counts);
    }
    let begun = Instant::now();
    let counts = sqlx::query_as!(
        RailCounts,
        r#"select
            (select count(*) from (select from vendors where state = 'active' limit 10001) x) as "vendors!",
            (select count(*) from (select from apis where state = 'active' limit 10001) x) as "apis!",
            (select count(*) from (select from systems where state = 'active' limit 10001) x) as "systems!",
            (select count(*) from (select from data_classes where state = 'active' limit 10001) x) as "data_classes!",
            (select count(*) from (select from integrations where state <> 'retired' limit 10001) x) as "integrations!",
            (select count(*) from (select from credentials where state <> 'revoked' limit 10001) x) as "credentials!",
            (select count(*) from (select from change_requests where state = 'open' limit 10001) x) as "open_requests!",
            (select count(*) from (select from conditions_in_force where met_at is null limit 10001) x) as "conditions!",
            (select count(*) from (select from violations where state = 'open' and mode <> 'shadow' limit 10001) x) as "open_violations!",
            (select count(*) from (select from exceptions where state = 'requested' limit 10001) x) as "exceptions!",
            (select count(*) from (select from assessments where state in ('sent', 'answering', 'submitted', 'reviewed')
                union all select from assessment_demands where state = 'open' limit 10001) x) as "assessments!",
            (select count(*) from (select from review_items where state in ('pending', 'escalated') limit 10001) x) as "review_items!",
            (select count(*) from (select from people where state = 'active' limit 10001) x) as "people!",
            (select count(*) from (select from vendors where state = 'active' and verified_at is null limit 10001) x) as "unverified_vendors!",
            (select count(*) from (select from apis where state = 'active' and verified_at is null limit 10001) x) as "unverified_apis!""#
    )
    .fetch_one(&mut *app.db.read().await?)
    .await?;
    *cache.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((begun, changed, counts));
    Ok(counts)
}

/// How long decisions took in a month.
#[derive(Debug, Clone, FromRow)]
pub struct ApprovalTime {
    /// The month, such as `2027-03`.
    pub month: String,
    /// Half of them took at most so many days.
    pub median_days: f64,
    /// How many were decided.
    pub decided: i64,
}

/// Days from submission to the end, by month of the end, for the last 12 months.
pub async fn approval_times(app: &App, actor: &Actor) -> Result<Vec<ApprovalTime>, Error> {
    actor.require(Permission::Read)?;
    let now = app.clock.now();
    let rows = sqlx::query_as!(
        ApprovalTime,
        r#"select to_char(r.closed_at at time zone 'UTC', 'YYYY-MM') as "month!", count(*) as "decided!",
                  percentile_cont(0.5) within group (order by extract(epoch from r.closed_at - r.submitted_at) / 86400) as "median_days!"
           from change_requests r
           where r.state in ('applied', 'rejected') and r.closed_at > $1::timestamptz - interval '12 months'
           group by 1 order by 1"#,
        now
    );
    Ok(rows.fetch_all(&mut *app.db.read().await?).await?)
}
