//! `muster import`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{Session, complain, found, say};
use base::{config::Config, error::Error, foreign, tables};
use register::{
    catalog::ops::{ApplyOutcome, DocumentImport, Identity, apply_document},
    imports::openapi::{self, Channel},
};

#[derive(Subcommand, Debug)]
pub enum Import {
    /// OpenAPI 2.0 to 3.2 documents, JSON or YAML: files, folders, zip files, or - for standard input
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
    /// The vendor: id, slug, name, alias or domain of one that is here, or the name of a new one
    #[arg(long)]
    vendor: Option<String>,
    /// The API: id, slug or name of one that is here, or the name of a new one
    #[arg(long)]
    api: Option<String>,
    /// The slug of an API that is here, or of the new one
    #[arg(long)]
    api_slug: Option<String>,
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
    #[arg(value_parser = super::table_words())]
    kind: &'static tables::Table,
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
        let sources = collect(&self.paths)?;
        if sources.is_empty() {
            bail!("no OpenAPI documents there: no .json, .yaml or .yml file says 'openapi' or 'swagger' at the top");
        }
        if sources.len() > 1 && (self.api.is_some() || self.api_slug.is_some()) {
            bail!("--api and --api-slug name one API, but there are {} documents", sources.len());
        }
        let session = Session::open(config).await?;
        let begin = Instant::now();
        let count = sources.len();
        let tally = self.import_all(&session, config, sources).await;
        let seconds = begin.elapsed().as_secs_f64();
        session.close().await;
        let tally = tally?;
        for (file, reason) in &tally.refused {
            complain(&format!("{file}: {reason}"));
        }
        if !self.json {
            let rate = tally_rate(count, seconds);
            say(&format!(
                "{count} documents in {seconds:.1} s ({rate:.1}/s): {} new, {} updated, {} unchanged, {} refused",
                tally.created,
                tally.updated,
                tally.unchanged,
                tally.refused.len()
            ));
        }
        Ok(if tally.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
    }

    /// Reads the next documents on other threads while one is being written.
    async fn import_all(&self, session: &Session, config: &Config, sources: Vec<Source>) -> anyhow::Result<Tally> {
        let bar = progress(sources.len());
        let (send, mut receive) = tokio::sync::mpsc::channel(2);
        let limits = config.limits;
        let reader = tokio::spawn(async move {
            let mut ahead = std::collections::VecDeque::new();
            for source in sources {
                ahead.push_back(tokio::task::spawn_blocking(move || read(&source, limits)));
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
        let identity = Identity {
            vendor: self.vendor.clone(),
            api: self.api.clone(),
            api_slug: self.api_slug.clone(),
            published_at: self.published_at,
        };
        let mut tally = Tally::default();
        while let Some(read) = receive.recv().await {
            let (name, document) = read?;
            let found = document.as_ref().ok().filter(|_| self.json).map(found::found);
            let outcome = match document {
                Ok(document) => apply_document(&session.app, &session.actor, &document, &identity).await,
                Err(error) => Err(error),
            };
            self.count(&name, outcome, found, &mut tally)?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        reader.await?;
        Ok(tally)
    }

    fn count(
        &self,
        name: &str,
        outcome: Result<ApplyOutcome, Error>,
        found: Option<Value>,
        tally: &mut Tally,
    ) -> anyhow::Result<()> {
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
                    let line = json!({
                        "file": name, "result": result, "api": outcome.api_slug, "version": outcome.version_slug,
                        "summary": outcome.summary, "warnings": outcome.warnings, "notes": outcome.notes,
                        "found": found,
                    });
                    say(&line.to_string());
                } else {
                    let summary = &outcome.summary;
                    say(&format!(
                        "{name}: {result} {} {} (operations {}, scopes {}, endpoints {})",
                        outcome.api_slug, outcome.version_slug, summary.operations, summary.scopes, summary.endpoints
                    ));
                    for warning in &outcome.warnings {
                        say(&format!("  warning: {warning}"));
                    }
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

/// How long reading one document may take here.
const PATIENCE: Duration = Duration::from_mins(2);

/// One document: a file of its own, or one of a folder whose other files it may refer to.
struct Source {
    /// As it is called in what is printed.
    name: String,
    /// Where it is.
    path: PathBuf,
    /// The folder, and the document's path from it, with slashes.
    folder: Option<(Arc<PathBuf>, String)>,
}

fn read(source: &Source, limits: base::config::ImportLimits) -> (String, Result<DocumentImport, Error>) {
    let deadline = foreign::Deadline::within(PATIENCE);
    let wrong = |error: anyhow::Error| Error::field("/document", format!("{error:#}"));
    let largest = limits.json.max(limits.yaml);
    let document = read_bytes(&source.path, largest).map_err(wrong).and_then(|bytes| {
        let file = source.folder.as_ref().map(|(_, path)| path.clone());
        let file = file.or_else(|| source.path.file_name().map(|name| name.to_string_lossy().into_owned()));
        let file = file.filter(|name| name != "-");
        let alone = openapi::read(bytes.clone(), file.as_deref(), Channel::Cli, &limits, &deadline);
        match (alone, &source.folder) {
            // What it refers to may be beside it.
            (Err(Error::Invalid(faults)), Some((folder, path)))
                if faults.to_string().contains("leaves the document") =>
            {
                let files = parts(folder, path, bytes, largest).map_err(wrong)?;
                openapi::Folder::of_files(files)?.read(path, Channel::Cli, &limits, &deadline)
            }
            (alone, _) => alone,
        }
    });
    (source.name.clone(), document)
}

/// All files of a folder that a document in it may refer to, together within the limit.
fn parts(folder: &Path, path: &str, bytes: Vec<u8>, limit: u64) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut left = limit.saturating_sub(bytes.len() as u64);
    let mut files = vec![(path.to_owned(), bytes)];
    for file in files_below(folder)? {
        let Some(below) = path_below(folder, &file).filter(|below| below != path) else { continue };
        let bytes = read_bytes(&file, left)?;
        left = left.checked_sub(bytes.len() as u64).context("the folder's files are too large together")?;
        files.push((below, bytes));
    }
    Ok(files)
}

fn path_below(folder: &Path, file: &Path) -> Option<String> {
    Some(file.strip_prefix(folder).ok()?.to_str()?.replace('\\', "/"))
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

/// The documents at the paths, in a stable order. In folders only files count that are documents by what they say at
/// the top; the others are what those refer to.
fn collect(paths: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in paths {
        if path == Path::new("-") || path.is_file() {
            sources.push(Source { name: path.display().to_string(), path: path.clone(), folder: None });
            continue;
        }
        let folder = Arc::new(path.clone());
        for file in files_below(path)? {
            let zip = file.extension().is_some_and(|extension| extension == "zip");
            let Some(below) = path_below(path, &file) else { continue };
            if zip || is_document(&file)? {
                let folder = (!zip).then(|| (Arc::clone(&folder), below));
                sources.push(Source { name: file.display().to_string(), path: file, folder });
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

/// The JSON, YAML and zip files below a folder. Links are not followed.
fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            let wanted =
                entry.path().extension().is_some_and(|e| ["json", "yaml", "yml", "zip"].iter().any(|w| e == *w));
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() && wanted {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a file says `openapi` or `swagger` as a key at the top, as far as its first MiB and its text tell: what
/// looks like a document is read, and refused with a reason where it is none.
fn is_document(file: &Path) -> anyhow::Result<bool> {
    let bytes = read_bytes(file, 1 << 20)?;
    let text = String::from_utf8_lossy(&bytes);
    let key = |line: &str| {
        let line = line.trim_start_matches(['\u{feff}', '{', ' ', '\t']);
        ["openapi", "swagger"].iter().any(|word| {
            let bare = line.trim_start_matches(['"', '\'']);
            bare.strip_prefix(word).is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':'))
        })
    };
    let json = text.trim_start_matches('\u{feff}').trim_start().starts_with('{');
    let compact =
        json && ["\"openapi\":", "\"swagger\":", "\"openapi\" :", "\"swagger\" :"].iter().any(|key| text.contains(key));
    let yaml = !json && text.lines().any(|line| !line.starts_with([' ', '\t', '-']) && key(line));
    Ok(compact || yaml)
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
