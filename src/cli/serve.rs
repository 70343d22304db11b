//! `muster serve`.

use std::{process::ExitCode, sync::atomic::Ordering, time::Duration};

use anyhow::Context;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::{admin, open_app};
use crate::{
    app::App,
    approvals, assessments, audit, campaigns,
    config::Config,
    db::{connect::Database, local::Use},
    drafts,
    error::Error,
    identity, mail, policy,
    web::{self, Web, server},
};

/// `muster serve`.
#[derive(clap::Args, Debug, Default)]
pub struct Serve {
    /// Offer the people of the demonstration for sign-in by a click; only on a loopback address
    #[arg(long)]
    demo: bool,
}

impl Serve {
    pub async fn run(self, mut config: Config) -> anyhow::Result<ExitCode> {
        if self.demo && !config.listen.ip().is_loopback() {
            anyhow::bail!(
                "--demo: {} is not a loopback address; anybody there could sign in by a click",
                config.listen
            );
        }
        config.demo = self.demo;
        run(config).await
    }
}

async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let begun = std::time::Instant::now();
    // Before anything is started: an address that is taken is the likeliest fault.
    let listener =
        TcpListener::bind(config.listen).await.with_context(|| format!("cannot listen on {}", config.listen))?;
    let metrics = TcpListener::bind(config.metrics_listen)
        .await
        .with_context(|| format!("cannot listen on {} for metrics", config.metrics_listen))?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let database = Database::open(&config, Use::Exclusive).await?;
    let app = open_app(&config, &database).await?;
    if config.demo && !identity::ops::is_demo(&app).await? {
        database.close().await;
        anyhow::bail!("--demo: this register is not the demonstration's; fill an empty one with muster demo");
    }
    if !config.demo {
        admin::offer_first_link(&app).await?;
    }
    identity::ops::reconcile_groups(&app).await?;
    let recorder = web::install_metrics()?;
    let web = Web::new(app.clone());
    let (stop, stopped) = watch::channel(false);
    let jobs = [
        tokio::spawn(sequence(app.clone(), stopped.clone())),
        tokio::spawn(govern(app.clone(), stopped.clone())),
        tokio::spawn(post(app.clone(), stopped.clone())),
        tokio::spawn(housekeep(web.clone(), recorder.clone(), stopped.clone())),
    ];
    let metrics_server =
        tokio::spawn(server::serve(metrics, web::metrics_router(recorder), 16, until(stopped.clone())));
    tracing::info!(url = %config.public_url, milliseconds = begun.elapsed().as_millis(), "Muster is ready");
    let router = web::router(web.clone());
    let serving = tokio::spawn(server::serve(listener, router, config.http_connections, until(stopped)));
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: running requests may finish");
    web.ready.store(false, Ordering::Relaxed);
    stop.send(true)?;
    serving.await?;
    metrics_server.await?;
    for job in jobs {
        job.await?;
    }
    database.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone means stop as well.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Waits for a while; `false` when it is time to stop.
async fn pause(stopped: &mut watch::Receiver<bool>, time: Duration) -> bool {
    tokio::select! {
        () = tokio::time::sleep(time) => true,
        _ = stopped.wait_for(|stop| *stop) => false,
    }
}

/// Waits for a while, or until something happens; `false` when it is time to stop.
async fn pause_until(stopped: &mut watch::Receiver<bool>, time: Duration, happened: impl Future<Output = ()>) -> bool {
    tokio::select! {
        () = tokio::time::sleep(time) => true,
        () = happened => true,
        _ = stopped.wait_for(|stop| *stop) => false,
    }
}

/// Gives positions to audit events.
async fn sequence(app: App, mut stopped: watch::Receiver<bool>) {
    while pause(&mut stopped, Duration::from_millis(500)).await {
        if let Err(error) = audit::ops::sequence(&app).await {
            tracing::warn!(%error, "audit events could not be placed; trying again");
        }
    }
}

/// Judges what changed, as soon as it has; each minute looks whether a day began, an exception ended, a stage
/// is overdue.
async fn govern(app: App, mut stopped: watch::Receiver<bool>) {
    let mut looked = None::<std::time::Instant>;
    while pause_until(&mut stopped, Duration::from_secs(1), app.db.written()).await {
        if looked.is_none_or(|at| at.elapsed() > Duration::from_mins(1)) {
            looked = Some(std::time::Instant::now());
            if let Err(error) = follow_time(&app).await {
                tracing::warn!(%error, "what time brings could not be recorded; trying again");
            }
        }
        if let Err(error) = assessments::ops::follow_due(&app).await {
            tracing::warn!(%error, "assessments could not be looked at; trying again");
        }
        if let Err(error) = policy::ops::judge_due(&app).await {
            tracing::warn!(%error, "integrations could not be judged; trying again");
        }
    }
}

/// What a new day and passing hours bring.
async fn follow_time(app: &App) -> Result<(), Error> {
    identity::ops::end_roles(app).await?;
    identity::ops::remind_of_ends(app).await?;
    policy::ops::begin_day(app).await?;
    policy::ops::record_endings(app).await?;
    policy::ops::remind_endings(app).await?;
    approvals::ops::remind(app).await?;
    approvals::ops::remind_conditions(app).await?;
    approvals::ops::escalate(app).await?;
    assessments::ops::begin_day(app).await?;
    assessments::ops::remind_due(app).await?;
    campaigns::ops::follow(app).await?;
    Ok(())
}

/// Sends letters.
async fn post(app: App, mut stopped: watch::Receiver<bool>) {
    while pause(&mut stopped, Duration::from_secs(2)).await {
        if let Err(error) = mail::deliver(&app).await {
            tracing::warn!(%error, "letters could not be sent; trying again");
        }
    }
}

/// Removes what has ended.
async fn housekeep(
    web: Web,
    recorder: metrics_exporter_prometheus::PrometheusHandle,
    mut stopped: watch::Receiver<bool>,
) {
    while pause(&mut stopped, Duration::from_mins(1)).await {
        recorder.run_upkeep();
        web.limits.shrink();
        if let Err(error) = identity::ops::housekeep(&web.app).await {
            tracing::warn!(%error, "housekeeping failed; trying again");
        }
        if let Err(error) = drafts::sweep(&web.app).await {
            tracing::warn!(%error, "old drafts could not be removed; trying again");
        }
    }
}
