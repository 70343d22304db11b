//! The command line: thin commands that call the same operations as the pages and the API.

mod admin;
mod apply;
mod backup;
mod demo;
mod doctor;
mod export;
mod found;
mod import;
mod serve;
mod token;

use std::{io::Write, process::ExitCode};

use clap::{
    Parser, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};

use crate::house;
use base::{
    app::App,
    clock::Clock,
    config::{Config, LogFormat, Options},
    db::{connect::Database, local::Use},
    feature,
    tables::{Table, Tables},
};
use identity::{Actor, Pepper};

/// Reads a table's word.
fn table_words() -> impl TypedValueParser<Value = &'static Table> {
    feature::declare(house::FEATURES);
    let Tables(all) = feature::tables();
    let known = PossibleValuesParser::new(all.iter().map(|table| table.command));
    known.try_map(move |word| all.iter().copied().find(|table| table.command == word).ok_or("There is no such table."))
}

/// The register of every third-party API that an organisation depends on.
///
/// Without a subcommand, Muster serves its pages and API on a PostgreSQL that it manages itself.
#[derive(Parser, Debug)]
#[command(name = "muster", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Serve the pages and the API (the default)
    Serve(serve::Serve),
    /// Fill an empty register with a believable organisation, to look around in
    Demo,
    /// Bring the database schema up to date
    Migrate,
    /// Import vendors' OpenAPI documents, or tables
    #[command(subcommand)]
    Import(import::Import),
    /// Write a table of the register to standard output
    Export(export::Export),
    /// Write rules, workflows, questionnaires and the risk model from files as drafts, what differs first
    Apply(apply::Apply),
    /// Write the database, the pepper and the configuration to one file, while Muster runs
    Backup(backup::Backup),
    /// Fill an empty data directory from a backup
    Restore(backup::Restore),
    /// API tokens of service accounts
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// One-time sign-in links
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Say what Muster would use, and what is wrong
    Doctor(doctor::Doctor),
}

/// Runs the command line; the process's exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let config = match Config::load(cli.options, crate::house::sections) {
        Ok(config) => config,
        Err(faults) => {
            for fault in faults {
                complain(&fault);
            }
            return ExitCode::FAILURE;
        }
    };
    start_logging(&config);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(run(cli.command.unwrap_or(Command::Serve(serve::Serve::default())), config));
    // Blocking work that goes on past its deadline ends with the process.
    runtime.shutdown_background();
    match ended {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command, config: Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(serve) => serve.run(config).await,
        Command::Demo => demo::run(&config).await,
        Command::Doctor(doctor) => doctor.run(&config).await,
        Command::Migrate => {
            let session = Session::open(&config).await?;
            session.close().await;
            say("the schema is up to date");
            Ok(ExitCode::SUCCESS)
        }
        Command::Import(import) => import.run(&config).await,
        Command::Export(export) => export.run(&config).await,
        Command::Apply(apply) => apply.run(&config).await,
        Command::Backup(backup) => backup.run(&config).await,
        Command::Restore(restore) => restore.run(&config).await,
        Command::Token(token) => token.run(&config).await,
        Command::Admin(admin) => admin.run(&config).await,
    }
}

/// An open register for a command, beside a running server or with one of its own.
struct Session {
    app: App,
    actor: Actor,
    database: Database,
}

impl Session {
    async fn open(config: &Config) -> anyhow::Result<Self> {
        let database = Database::open(config, Use::Beside).await?;
        let app = open_app(config, &database).await?;
        let actor = Actor::cli(os_user(), uuid::Uuid::now_v7().to_string());
        Ok(Self { app, actor, database })
    }

    async fn close(self) {
        self.database.close().await;
    }
}

async fn open_app(config: &Config, database: &Database) -> anyhow::Result<App> {
    let pepper = Pepper::load(&config.pepper_file)?;
    let app = crate::house::app(database.db.clone(), Clock::system(), config.clone(), pepper);
    identity::ops::bind_pepper(&app).await?;
    let seeder = Actor::job("system:setup", uuid::Uuid::now_v7().to_string());
    register::catalog::ops::seed_data_classes(&app, &seeder).await?;
    governance::policy::ops::seed_rules(&app, &seeder).await?;
    governance::policy::ops::seed_risk_model(&app, &seeder).await?;
    governance::assessments::ops::seed_questionnaires(&app, &seeder).await?;
    Ok(app)
}

/// The operating system's user, as the record keeps it: who ran sudo, where somebody did.
fn os_user() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::current()).ok().flatten();
    let name = user.map_or_else(|| nix::unistd::Uid::current().to_string(), |user| user.name);
    match std::env::var("SUDO_USER") {
        Ok(sudo) if !sudo.is_empty() => format!("{name} (for {sudo})"),
        _ => name,
    }
}

fn start_logging(config: &Config) {
    let filter = tracing_subscriber::EnvFilter::try_new(format!("{},sqlx=warn", config.log)).unwrap_or_default();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Human => builder.with_target(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}

/// One line on standard output. A closed pipe ends the output, not the work.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// One line on standard error.
fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "muster: {line}");
}
