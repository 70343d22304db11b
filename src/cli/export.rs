//! `muster export`.

use std::{io::Write, process::ExitCode};

use clap::{Args, ValueEnum};

use super::Session;
use base::{
    config::Config,
    tables::{self, Table},
};

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Csv,
    Ndjson,
}

#[derive(Args, Debug)]
pub struct Export {
    /// What to write
    #[arg(value_parser = super::table_words())]
    kind: &'static Table,
    /// CSV for spreadsheets, NDJSON without loss
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// A filter as in the page's URL, such as 'state=active&tier=1'
    #[arg(long, default_value = "")]
    filter: String,
}

impl Export {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let session = Session::open(config).await?;
        let notation = match self.format {
            Format::Csv => tables::Notation::Csv,
            Format::Ndjson => tables::Notation::Ndjson,
        };
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(self.filter.as_bytes()).into_owned().collect();
        let result = self.write(&session, notation, &pairs).await;
        session.close().await;
        result?;
        Ok(ExitCode::SUCCESS)
    }

    async fn write(
        &self,
        session: &Session,
        notation: tables::Notation,
        pairs: &[(String, String)],
    ) -> anyhow::Result<()> {
        let mut export = tables::Exporter::begin(
            &session.app,
            &session.actor,
            self.kind,
            notation,
            pairs,
            tables::Layout::default(),
        )
        .await?;
        while let Some(chunk) = export.next_chunk(&session.app, &session.actor).await? {
            std::io::stdout().lock().write_all(&chunk)?;
        }
        Ok(())
    }
}
