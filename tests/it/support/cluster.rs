//! One cluster for the whole test process, migrated once into a template.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use muster::{
    clock::Clock,
    config::{Config, Options},
    db::{
        Db,
        local::{Managed, Use},
        migrate,
    },
    identity::{Actor, Pepper},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};

struct Cluster {
    owner: PgConnectOptions,
    app: PgConnectOptions,
    superuser: PgConnectOptions,
}

static CLUSTER: OnceLock<Cluster> = OnceLock::new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A configuration that touches nothing outside a folder of the test's own.
pub fn config(dir: PathBuf) -> Config {
    let options = Options {
        data_dir: Some(dir),
        requests_per_minute: Some(10_000_000),
        database_connections: Some(6),
        ..Options::default()
    };
    Config::load(options, muster::house::sections).expect("a valid configuration")
}

/// Removes what runs left behind that were killed together with their watchdog: it lies in memory.
fn remove_leftovers(base: &std::path::Path) {
    for entry in std::fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix("muster-test-"));
        if pid.is_some_and(|pid| !std::path::Path::new("/proc").join(pid).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn start() -> Cluster {
    let base = if std::path::Path::new("/dev/shm").is_dir() { PathBuf::from("/dev/shm") } else { std::env::temp_dir() };
    remove_leftovers(&base);
    let dir = base.join(format!("muster-test-{}", std::process::id()));
    let mut config = config(dir.clone());
    config.throwaway = true;
    if let Ok(search) = std::env::var("MUSTER_PG_SEARCH") {
        config.pg_search = search.split(':').filter(|dir| !dir.is_empty()).map(str::to_owned).collect();
    }
    let managed = Managed::start(&config, Use::Exclusive).expect("a managed server");
    // When this process ends, however it ends, its end of the pipe closes.
    let script = format!(
        "read _; kill -QUIT {}; sleep 2; rm -rf '{}'",
        managed.server_pid().expect("started here"),
        dir.display()
    );
    let watchdog = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh");
    std::mem::forget(watchdog);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        managed.prepare().await.expect("roles");
        let (_, binaries) = managed.binaries();
        println!("tests run on PostgreSQL {} in {}", managed.binaries().0, binaries.display());
        migrate::run(&managed.owner(), "muster_app").await.expect("migrated");
        // The taxonomy is part of the template, as it is of every register.
        let db = Db::new(&managed.app(), 2, Clock::system());
        let app = muster::house::app(db.clone(), Clock::system(), config, Pepper::from_key([7; 32]));
        let setup = Actor::job("system:setup", "setup".into());
        muster::catalog::ops::seed_data_classes(&app, &setup).await.expect("seeded");
        muster::policy::ops::seed_rules(&app, &setup).await.expect("seeded");
        muster::policy::ops::seed_risk_model(&app, &setup).await.expect("seeded");
        muster::assessments::ops::seed_questionnaires(&app, &setup).await.expect("seeded");
        db.close().await;
    });
    let cluster = Cluster { owner: managed.owner(), app: managed.app(), superuser: managed.superuser() };
    managed.leave_running();
    cluster
}

/// A database of the test's own: options for the application and for the owner.
pub async fn database() -> (PgConnectOptions, PgConnectOptions) {
    let cluster = tokio::task::spawn_blocking(|| CLUSTER.get_or_init(start)).await.expect("a cluster");
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut conn = PgConnection::connect_with(&cluster.superuser).await.expect("superuser");
    let sql = format!("create database {name} template muster owner muster_owner strategy file_copy");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.expect("cloned");
    conn.close().await.expect("closed");
    (cluster.app.clone().database(&name), cluster.owner.clone().database(&name))
}
