//! `muster doctor`: what would be used, and what is wrong.

use std::{process::ExitCode, str::FromStr};

use clap::Args;
use serde::Serialize;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use super::say;
use base::{
    config::Config,
    db::{local, migrate},
};
use identity::oidc;

#[derive(Args, Debug)]
pub struct Doctor {
    /// The findings as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Finding {
    what: &'static str,
    value: String,
    fault: Option<String>,
}

impl Doctor {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let mut findings = vec![
            fine("data directory", config.data_dir.display().to_string()),
            fine("pages and API", format!("{} (public URL {})", config.listen, config.public_url)),
            fine("metrics", config.metrics_listen.to_string()),
            pepper(config),
        ];
        match &config.database_url {
            Some(url) => findings.extend(server(url).await),
            None => findings.extend(managed(config)),
        }
        findings.extend(providers(config).await);
        let wrong = findings.iter().filter(|finding| finding.fault.is_some()).count();
        if self.json {
            say(&serde_json::to_string(&findings)?);
        } else {
            for finding in &findings {
                let mark = if finding.fault.is_some() { "✗" } else { "✓" };
                say(&format!("{mark} {:<16} {}", finding.what, finding.value));
                if let Some(fault) = &finding.fault {
                    say(&format!("  {:<16} {fault}", ""));
                }
            }
        }
        Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Whether each identity provider answers as it should.
async fn providers(config: &Config) -> Vec<Finding> {
    let configured = config.sections.get::<identity::Configuration>().cloned().unwrap_or_default();
    let all = oidc::Providers::new(&configured.providers);
    let mut found = Vec::new();
    for provider in &configured.providers {
        let value = format!("{} ({})", provider.key, provider.issuer);
        let fault = all.known(&provider.key).await.err().map(|refusal| refusal.0);
        found.push(Finding { what: "provider", value, fault });
    }
    found
}

fn fine(what: &'static str, value: String) -> Finding {
    Finding { what, value, fault: None }
}

fn pepper(config: &Config) -> Finding {
    let path = config.pepper_file.display().to_string();
    if !config.pepper_file.exists() {
        return fine("pepper", format!("{path} (made at the first start)"));
    }
    let fault = identity::Pepper::load(&config.pepper_file).err().map(|error| format!("{error:#}"));
    Finding { what: "pepper", value: path, fault }
}

fn managed(config: &Config) -> Vec<Finding> {
    let found = local::candidates(config);
    let value = match found.first() {
        Some(first) => format!("managed here, PostgreSQL {} in {}", first.major, first.dir.display()),
        None => "managed here, fetched as a package at the first start (none is installed)".to_owned(),
    };
    let old = found.first().filter(|first| first.major < 15);
    let fault = old.map(|first| format!("PostgreSQL {} is too old; 15 or newer is needed", first.major));
    vec![Finding { what: "database", value, fault }]
}

async fn server(url: &str) -> Vec<Finding> {
    let options = match PgConnectOptions::from_str(url) {
        Ok(options) => options,
        Err(error) => {
            return vec![Finding { what: "database", value: "DATABASE_URL".into(), fault: Some(error.to_string()) }];
        }
    };
    let place = format!("{}:{}/{}", options.get_host(), options.get_port(), options.get_database().unwrap_or_default());
    let mut conn = match PgConnection::connect_with(&options).await {
        Ok(conn) => conn,
        Err(error) => return vec![Finding { what: "database", value: place, fault: Some(error.to_string()) }],
    };
    let settings: Vec<(String, String)> = sqlx::query_as(
        "select name, setting from pg_settings where name in ('server_version', 'fsync', 'full_page_writes', 'synchronous_commit') order by name",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap_or_default();
    let of = |name: &str| settings.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default();
    let version = of("server_version");
    let major: u32 = version.split('.').next().and_then(|v| v.parse().ok()).unwrap_or(0);
    let off: Vec<&str> =
        ["fsync", "full_page_writes", "synchronous_commit"].into_iter().filter(|name| of(name) == "off").collect();
    let mut findings = vec![
        Finding {
            what: "database",
            value: format!("{place}, PostgreSQL {version}"),
            fault: (major < 15).then(|| "15 or newer is needed".into()),
        },
        Finding {
            what: "durability",
            value: if off.is_empty() { "on".into() } else { format!("{} off", off.join(", ")) },
            fault: (!off.is_empty()).then(|| "answered writes may be lost".into()),
        },
    ];
    // Before the first migration there is no record to guard.
    if let Ok(guarded) = migrate::record_is_guarded(&options).await {
        findings.push(Finding {
            what: "audit guard",
            value: if guarded { "the application role cannot rewrite the record" } else { "not in force" }.into(),
            fault: (!guarded).then(|| "the application connects as an owner: use another role for DATABASE_URL and the owner's as MUSTER_OWNER_DATABASE_URL".into()),
        });
    }
    findings
}
