//! `muster serve`.

use std::{
    process::ExitCode,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use anyhow::Context;
use futures_util::FutureExt;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::{oneshot, watch},
    task::JoinHandle,
};

use super::{admin, open_app};
use base::{
    app::App,
    audit,
    config::Config,
    db::{connect::Database, local::Use},
    error::Error,
    feature::{self, When},
};
use web::{Web, server};

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
                "--demo: {} is not a loopback address; anyone there could sign in with a click",
                config.listen
            );
        }
        if self.demo && !(config.is_local() && config.trusted_proxies.is_empty()) {
            anyhow::bail!(
                "--demo: anyone who reaches {} through a proxy could sign in with a click; remove --public-url and --trusted-proxies",
                config.public_url
            );
        }
        config.demo = self.demo;
        run(config).await
    }
}

async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    // Before anything is started: an address that is taken is the likeliest fault.
    let listener =
        TcpListener::bind(config.listen).await.with_context(|| format!("cannot listen on {}", config.listen))?;
    let metrics = TcpListener::bind(config.metrics_listen)
        .await
        .with_context(|| format!("cannot listen on {} for metrics", config.metrics_listen))?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut database = Database::open(&config, Use::Exclusive).await?;
    let database_lost = lost(database.supervise()?);
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
    let code = tokio::select! {
        _ = terminate.recv() => ExitCode::SUCCESS,
        _ = interrupt.recv() => ExitCode::SUCCESS,
        reason = database_lost => {
            tracing::error!(reason, "stopping: without its database Muster can do nothing");
            ExitCode::FAILURE
        }
    };
    let deadline = Instant::now() + server::DRAIN;
    tracing::info!("stopping: running requests may finish");
    web.ready.store(false, Ordering::Relaxed);
    app.stop.request();
    stop.send(true)?;
    finish("background work", jobs, Instant::now() + JOBS_FINISH).await;
    finish("requests", [serving, metrics_server], deadline + Duration::from_secs(1)).await;
    database.close_by(deadline).await;
    Ok(code)
}

/// How long background work may take to finish the item that it is at.
const JOBS_FINISH: Duration = Duration::from_secs(5);

/// Waits for tasks until `deadline`; those that take longer are aborted, and their transactions rolled back.
async fn finish<const N: usize>(what: &str, tasks: [JoinHandle<()>; N], deadline: Instant) {
    for mut task in tasks {
        match tokio::time::timeout_at(deadline.into(), &mut task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "{what} ended with a panic"),
            Err(_) => {
                tracing::warn!("{what} did not finish in time and was aborted");
                task.abort();
            }
        }
    }
}

/// Resolves once the managed server could not be started again; never where there is none.
async fn lost(given_up: Option<oneshot::Receiver<String>>) -> String {
    if let Some(given_up) = given_up
        && let Ok(reason) = given_up.await
    {
        return reason;
    }
    std::future::pending().await
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

/// Does what follows from changes as soon as there are any, and each minute what follows from the time: days that
/// begin, exceptions that end, stages that are overdue.
async fn govern(app: App, mut stopped: watch::Receiver<bool>) {
    let mut looked = None::<Instant>;
    while pause_until(&mut stopped, Duration::from_secs(1), app.db.written()).await {
        if looked.is_none_or(|at| at.elapsed() > Duration::from_mins(1)) {
            looked = Some(Instant::now());
            run_all(&app, When::EachMinute).await;
        }
        run_all(&app, When::AfterChanges).await;
    }
}

/// Runs what the features do at such a time: each by itself, so that one that fails does not hold up the others.
async fn run_all(app: &App, when: When) {
    for work in feature::scheduled(when) {
        task(app, work.name, (work.run)(app)).await;
    }
}

/// Runs one task, unless the process is to stop or the task failed a moment ago; records how it went. A task that
/// panics has failed, and does not end the others.
async fn task<T>(app: &App, name: &'static str, work: impl Future<Output = Result<T, Error>>) {
    if !app.stop.is_requested() && app.background.is_due(name) {
        let outcome = std::panic::AssertUnwindSafe(work).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|_| Err(Error::internal("a panic")));
        app.background.settle_task(name, outcome.map(|_| ()));
    }
}

/// Sends letters.
async fn post(app: App, mut stopped: watch::Receiver<bool>) {
    while pause(&mut stopped, Duration::from_secs(2)).await {
        run_all(&app, When::Sending).await;
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
        run_all(&web.app, When::Cleaning).await;
    }
}
