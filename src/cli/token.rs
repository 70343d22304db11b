//! `muster token`.

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use super::{Session, complain, say};
use base::{config::Config, error::Error};
use identity::{NewToken, Permission, ServiceAccountContent, TokenOwner, ops};

#[derive(Subcommand, Debug)]
pub enum TokenCommand {
    /// Mint a token of a service account; prints the token alone on standard output
    Create(Create),
}

#[derive(Args, Debug)]
pub struct Create {
    /// What the token is for
    #[arg(long)]
    name: String,
    /// Slug of the service account; made with these scopes where there is none
    #[arg(long)]
    service_account: String,
    /// Scopes, joined by commas, such as `read,edit_catalog`
    #[arg(long, value_delimiter = ',', required = true)]
    scopes: Vec<String>,
    /// How long it holds, in days, such as 30d
    #[arg(long, default_value = "30d")]
    expires: String,
}

impl TokenCommand {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let Self::Create(create) = self;
        let days = create.expires.strip_suffix('d').unwrap_or(&create.expires);
        let expires_in_days = days
            .parse()
            .with_context(|| format!("--expires: '{}' is no number of days, such as 30d", create.expires))?;
        let scopes = create.scopes.iter().map(|s| s.parse()).collect::<Result<Vec<Permission>, Error>>();
        let scopes = scopes.map_err(|error| {
            let known: Vec<&str> = Permission::ALL.iter().map(|p| p.key()).collect();
            anyhow::anyhow!("--scopes: {error} (there are {})", known.join(", "))
        })?;
        let session = Session::open(config).await?;
        let minted = mint(&session, &create, NewToken { name: create.name.clone(), scopes, expires_in_days }).await;
        session.close().await;
        say(minted?.bearer.reveal());
        Ok(ExitCode::SUCCESS)
    }
}

async fn mint(session: &Session, create: &Create, new: NewToken) -> anyhow::Result<ops::MintedToken> {
    let (app, actor) = (&session.app, &session.actor);
    let account = match ops::find_service_account(app, actor, &create.service_account).await {
        Ok(account) => account,
        Err(Error::NotFound(_)) => {
            let content = ServiceAccountContent {
                slug: create.service_account.clone(),
                name: create.service_account.clone(),
                scopes: new.scopes.clone(),
                ..ServiceAccountContent::default()
            };
            complain(&format!("made the service account '{}'", create.service_account));
            ops::create_service_account(app, actor, content).await?
        }
        Err(error) => bail!(error),
    };
    Ok(ops::mint_token(app, actor, TokenOwner::ServiceAccount(account.id), new).await?)
}
