//! `muster demo`.

use std::process::ExitCode;

use super::{Session, say};
use crate::demo;
use base::config::Config;

pub async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let session = Session::open(config).await?;
    let filled = demo::fill(&session.app, &session.actor).await;
    session.close().await;
    let made = filled?;
    say(&format!(
        "{} people in {} teams, {} systems, {} vendors with {} APIs, {} integrations, {} credentials",
        made.people, made.teams, made.systems, made.vendors, made.apis, made.integrations, made.credentials
    ));
    say("now: muster serve --demo");
    Ok(ExitCode::SUCCESS)
}
