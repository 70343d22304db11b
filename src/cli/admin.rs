//! `muster admin`.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Session, say};
use base::{app::App, config::Config, error::Error};
use identity::{Actor, Role, ops};

#[derive(Subcommand, Debug)]
pub enum Admin {
    /// Mint a one-time sign-in link, valid for one hour
    Link(Link),
}

#[derive(Args, Debug)]
pub struct Link {
    /// Whom it signs in; an unknown address becomes a person
    email: String,
    /// Name of a new person [default: from the address]
    #[arg(long)]
    name: Option<String>,
    /// Roles of a new person, joined by commas
    #[arg(long, value_delimiter = ',', default_value = "admin,requester")]
    roles: Vec<String>,
    /// The link as JSON
    #[arg(long)]
    json: bool,
}

impl Admin {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let Self::Link(link) = self;
        let roles = link.roles.iter().map(|role| role.parse()).collect::<Result<Vec<Role>, Error>>()?;
        let session = Session::open(config).await?;
        let minted =
            ops::mint_admin_link(&session.app, &session.actor, &link.email, link.name.as_deref(), &roles).await;
        session.close().await;
        let url = url_of(config, &minted?.secret);
        if link.json {
            say(&serde_json::json!({ "email": link.email, "url": url, "expires_in_seconds": 3600 }).to_string());
        } else {
            say(&url);
        }
        Ok(ExitCode::SUCCESS)
    }
}

pub fn url_of(config: &Config, secret: &str) -> String {
    format!("{}sign-in/{secret}", config.public_url)
}

/// At the very first start: a link for the first admin, to the terminal, else to a private file
/// whose name is logged. Never into the log.
pub async fn offer_first_link(app: &App) -> anyhow::Result<()> {
    if !ops::needs_first_admin(app).await? {
        return Ok(());
    }
    let actor = Actor::job("system:setup", uuid::Uuid::now_v7().to_string());
    let roles = [Role::Admin, Role::Requester];
    let minted = ops::mint_admin_link(app, &actor, "admin@localhost.localdomain", Some("First admin"), &roles).await?;
    let url = url_of(&app.config, &minted.secret);
    if std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        say(&format!("\n  Sign in as the first admin (once, within an hour):\n  {url}\n"));
    } else {
        let file = app.config.data_dir.join("first-admin-link");
        base::files::write_private(&file, format!("{url}\n").as_bytes())?;
        tracing::info!(file = %file.display(), "a sign-in link for the first admin is in this file");
    }
    Ok(())
}
