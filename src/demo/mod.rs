//! The demonstration: a believable organisation with eighteen months behind it, made through the
//! same operations that people use, with a clock that runs through those months.

mod assessed;
mod catalogue;
mod credentials;
mod life;
mod organisation;
mod recertified;

use chrono::TimeDelta;

use base::{app::App, clock::Clock, error::Error};
use identity::Actor;

/// What was made.
#[derive(Debug, Default)]
pub struct Made {
    /// People.
    pub people: usize,
    /// Teams.
    pub teams: usize,
    /// Vendors.
    pub vendors: usize,
    /// APIs.
    pub apis: usize,
    /// Systems.
    pub systems: usize,
    /// Integrations.
    pub integrations: usize,
    /// Credentials.
    pub credentials: usize,
    /// Assessments.
    pub assessments: usize,
}

/// A register whose clock is ours.
struct Stage {
    app: App,
    clock: Clock,
    cli: Actor,
}

impl Stage {
    /// Lets days pass.
    async fn pass(&self, days: i64) -> Result<(), Error> {
        // Some hours more, so that not everything happens at noon.
        self.advance(TimeDelta::days(days) + TimeDelta::minutes(97)).await
    }

    /// Moves the clock. What happened until now gets its positions first: it holds from now on, not from later on.
    async fn advance(&self, time: TimeDelta) -> Result<(), Error> {
        base::audit::ops::sequence(&self.app).await?;
        self.clock.advance(time);
        Ok(())
    }

    /// The days left until the day that it is.
    fn days_left(&self, until: chrono::DateTime<chrono::Utc>) -> i64 {
        (until - self.clock.now()).num_days()
    }
}

/// Fills an empty register. Refuses one in which anything is.
pub async fn fill(app: &App, actor: &Actor) -> Result<Made, Error> {
    identity::ops::mark_demo(app, actor).await?;
    let now = app.clock.now();
    let clock = Clock::fixed(now - TimeDelta::days(548));
    let app = crate::house::app(
        app.db.at(clock.clone()),
        clock.clone(),
        (*app.config).clone(),
        identity::pepper(app).clone(),
    );
    let stage = Stage { app, clock, cli: actor.clone() };
    let cast = organisation::found(&stage).await?;
    let shelf = catalogue::stock(&stage, &cast).await?;
    let integrations = life::live(&stage, &cast, &shelf, now).await?;
    let assessments = assessed::assess(&stage, &cast, &shelf, now).await?;
    life::lately(&stage, &cast, &integrations, now).await?;
    stage.advance((now - stage.clock.now() - TimeDelta::days(2)).max(TimeDelta::zero())).await?;
    governance::policy::ops::judge_due(&stage.app).await?;
    recertified::recertify(&stage, &cast, &integrations, now).await?;
    stage.advance(now - stage.clock.now() - TimeDelta::minutes(20)).await?;
    let credentials = credentials::note(&stage, &cast, &integrations, now).await?;
    identity::ops::mark_demo_people(&stage.app, &stage.cli).await?;
    Ok(Made {
        people: cast.people.len(),
        teams: cast.teams.len(),
        vendors: shelf.vendors,
        apis: shelf.apis.len(),
        systems: shelf.systems,
        integrations: integrations.len(),
        credentials,
        assessments,
    })
}
