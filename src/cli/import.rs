//! `muster import`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{Session, complain, say};
use crate::{
    catalog::ops::{ApplyOutcome, DocumentImport, Identity, apply_document},
    config::Config,
    error::Error,
    imports::{
        openapi::{self, Door},
        tables::{self, TableKind},
    },
};

#[derive(Subcommand, Debug)]
pub enum Import {
    /// OpenAPI 2.0, 3.0 and 3.1 documents, JSON or YAML: files, folders, or - for standard input
    Openapi(Documents),
    /// A table as CSV or NDJSON, all or nothing
    #[command(alias = "ndjson")]
    Csv(Table),
}

#[derive(Args, Debug)]
pub struct Documents {
    /// Files and folders; - reads one document from standard input
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Id or slug of the vendor, or the name of a new one
    #[arg(long)]
    vendor: Option<String>,
    /// Id or slug of the API, or the name of a new one
    #[arg(long)]
    api: Option<String>,
    /// When the vendor published it (RFC 3339); an older one never takes a newer one's place
    #[arg(long)]
    published_at: Option<DateTime<Utc>>,
    /// One JSON object a document on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub struct Table {
    /// What the rows are
    kind: TableKind,
    /// The file; - for standard input. A name ending in .ndjson is read as NDJSON
    file: PathBuf,
    /// Show every error and change, write nothing
    #[arg(long)]
    dry_run: bool,
    /// The result as JSON on standard output
    #[arg(long)]
    json: bool,
}

impl Import {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        match self {
            Self::Openapi(documents) => documents.run(config).await,
            Self::Csv(table) => table.run(config).await,
        }
    }
}

#[derive(Default)]
struct Tally {
    created: usize,
    updated: usize,
    unchanged: usize,
    refused: Vec<(String, String)>,
}

impl Documents {
    async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let files = collect(&self.paths)?;
        if files.is_empty() {
            bail!("no .json, .yaml or .yml files there");
        }
        if files.len() > 1 && self.api.is_some() {
            bail!("--api names one API, but there are {} documents", files.len());
        }
        let session = Session::open(config).await?;
        let begin = Instant::now();
        let tally = self.import_all(&session, config, &files).await;
        let seconds = begin.elapsed().as_secs_f64();
        session.close().await;
        let tally = tally?;
        for (file, reason) in &tally.refused {
            complain(&format!("{file}: {reason}"));
        }
        if !self.json {
            let rate = tally_rate(files.len(), seconds);
            say(&format!(
                "{} documents in {seconds:.1} s ({rate:.1}/s): {} new, {} updated, {} unchanged, {} refused",
                files.len(),
                tally.created,
                tally.updated,
                tally.unchanged,
                tally.refused.len()
            ));
        }
        Ok(if tally.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
    }

    /// Reads the next documents on other threads while one is being written.
    async fn import_all(&self, session: &Session, config: &Config, files: &[PathBuf]) -> anyhow::Result<Tally> {
        let bar = progress(files.len());
        let (send, mut receive) = tokio::sync::mpsc::channel(2);
        let (list, limits) = (files.to_vec(), config.limits);
        let reader = tokio::spawn(async move {
            let mut ahead = std::collections::VecDeque::new();
            for file in list {
                ahead.push_back(tokio::task::spawn_blocking(move || read(file, limits)));
                if ahead.len() > 2
                    && let Some(task) = ahead.pop_front()
                    && send.send(task.await).await.is_err()
                {
                    return;
                }
            }
            for task in ahead {
                if send.send(task.await).await.is_err() {
                    return;
                }
            }
        });
        let identity = Identity { vendor: self.vendor.clone(), api: self.api.clone(), published_at: self.published_at };
        let mut tally = Tally::default();
        while let Some(read) = receive.recv().await {
            let (name, document) = read?;
            let outcome = match document {
                Ok(document) => apply_document(&session.app, &session.actor, &document, &identity).await,
                Err(error) => Err(error),
            };
            self.count(&name, outcome, &mut tally)?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        reader.await?;
        Ok(tally)
    }

    fn count(&self, name: &str, outcome: Result<ApplyOutcome, Error>, tally: &mut Tally) -> anyhow::Result<()> {
        match outcome {
            Err(Error::Internal(error)) => return Err(error.context(format!("{name}: an internal fault"))),
            Err(error @ Error::Unavailable(_)) => bail!("{name}: {error}"),
            Err(error) => {
                if self.json {
                    say(&json!({ "file": name, "result": "refused", "reason": error.to_string() }).to_string());
                }
                tally.refused.push((name.to_owned(), error.to_string()));
            }
            Ok(outcome) => {
                let created = outcome.records.iter().any(|record| record.action == "create");
                let result = match (outcome.changed, created) {
                    (false, _) => "unchanged",
                    (true, true) => "created",
                    (true, false) => "updated",
                };
                match result {
                    "created" => tally.created += 1,
                    "updated" => tally.updated += 1,
                    _ => tally.unchanged += 1,
                }
                if self.json {
                    say(&json!({ "file": name, "result": result, "api": outcome.api_slug, "version": outcome.version_slug }).to_string());
                }
            }
        }
        Ok(())
    }
}

fn tally_rate(count: usize, seconds: f64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / seconds.max(0.001)
}

fn progress(count: usize) -> ProgressBar {
    let bar = ProgressBar::new(count as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} documents, {per_sec}, {eta} left") {
        bar.set_style(style);
    }
    bar
}

fn read(file: PathBuf, limits: crate::config::ImportLimits) -> (String, Result<DocumentImport, Error>) {
    let name = file.display().to_string();
    let document = read_bytes(&file, limits.json.max(limits.yaml))
        .map_err(|error| Error::field("/document", format!("{error:#}")))
        .and_then(|bytes| openapi::read(&bytes, Door::Cli, &limits));
    (name, document)
}

/// Reads a file or standard input, one byte more than the limit at most.
fn read_bytes(file: &Path, limit: u64) -> anyhow::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(limit + 1).read_to_end(&mut bytes)?;
    } else {
        let file = std::fs::File::open(file).context("cannot be opened")?;
        bytes.reserve_exact(usize::try_from(file.metadata()?.len().min(limit) + 1)?);
        file.take(limit + 1).read_to_end(&mut bytes).context("cannot be read")?;
    }
    Ok(bytes)
}

/// The documents below the paths, in a stable order. Links are not followed.
fn collect(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path == Path::new("-") || path.is_file() {
            files.push(path.clone());
            continue;
        }
        let mut folders = vec![path.clone()];
        while let Some(folder) = folders.pop() {
            let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
            for entry in entries {
                let entry = entry?;
                let kind = entry.file_type()?;
                let document = entry.path().extension().is_some_and(|e| e == "json" || e == "yaml" || e == "yml");
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() && document {
                    files.push(entry.path());
                }
            }
        }
    }
    files.sort();
    Ok(files)
}

impl Table {
    async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let bytes = read_bytes(&self.file, config.limits.json)?;
        let notation = tables::notation(&self.file.to_string_lossy());
        let mode = if self.dry_run { tables::Mode::Preview } else { tables::Mode::Apply };
        let session = Session::open(config).await?;
        let bar = ProgressBar::new_spinner();
        bar.set_message("every row is being tried");
        bar.enable_steady_tick(std::time::Duration::from_millis(100));
        let result = tables::import(&session.app, &session.actor, self.kind, notation, &bytes, mode).await;
        bar.finish_and_clear();
        session.close().await;
        let report = result?;
        if self.json {
            say(&serde_json::to_string(&report)?);
        } else {
            for row in &report.rows {
                for change in &row.changes {
                    say(&format!(
                        "row {}: {} {}: {} → {}",
                        row.row, row.name, change.field, change.before, change.after
                    ));
                }
                for error in &row.errors {
                    complain(&format!("row {}: {}: {}", row.row, error.pointer, error.message));
                }
            }
            say(&format!(
                "{} rows: {} new, {} changed, {} unchanged, {} wrong{}",
                report.rows.len(),
                report.created,
                report.updated,
                report.unchanged,
                report.wrong,
                if report.applied { "" } else { "; nothing was written" }
            ));
        }
        Ok(if report.wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(2) })
    }
}
