//! `muster apply`: rules, workflows, questionnaires and the risk model as files, so that a team keeps
//! them in git. What differs is shown first; what is written are drafts, which two people publish.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;
use uuid::Uuid;

use super::{Session, complain, say};
use base::{
    audit::{self, Event},
    config::Config,
    db::{Open, WriteTx},
    error::Error,
};
use governance::{
    assessments::QuestionnaireContent,
    policy::{RiskModelContent, RuleContent, WorkflowContent},
};
use register::publications::{Publishable, ops};

/// `muster apply`.
#[derive(Args, Debug)]
pub struct Apply {
    /// Folder with YAML files, or one of them; each names its `kind`: rule, workflow, questionnaire or `risk_model`
    #[arg(short = 'f', long = "file", value_name = "PATH")]
    path: PathBuf,
    /// Write the drafts without asking
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Show what differs and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Write what is in force into the folder instead
    #[arg(long, conflicts_with_all = ["yes", "dry_run"])]
    fetch: bool,
}

/// A file that was read.
struct Read {
    path: PathBuf,
    kind: String,
    content: Value,
}

/// What one file would do.
struct Planned {
    kind: String,
    key: String,
    content: Value,
    /// What is there by this key: its id, and the revision that was compared with.
    seen: Option<(Uuid, i64)>,
    lines: Vec<String>,
}

const KINDS: [&str; 4] = ["rule", "workflow", "questionnaire", "risk_model"];

impl Apply {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let session = Session::open(config).await?;
        let done = if self.fetch { fetch(&session, &self.path).await } else { self.apply(&session).await };
        session.close().await;
        done
    }

    async fn apply(&self, session: &Session) -> anyhow::Result<ExitCode> {
        let (planned, faults) = plan(session, read(&self.path)?).await?;
        for fault in &faults {
            complain(fault);
        }
        if !faults.is_empty() {
            bail!("nothing was written");
        }
        let changes: Vec<&Planned> = planned.iter().filter(|one| one.seen.is_none() || !one.lines.is_empty()).collect();
        for one in &changes {
            say(&format!("{} {} {}", if one.seen.is_none() { "+" } else { "~" }, one.kind, one.key));
            for line in &one.lines {
                say(&format!("    {line}"));
            }
        }
        say(&format!("{} to write, {} as they are", changes.len(), planned.len() - changes.len()));
        if changes.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        if !(self.yes || (!self.dry_run && asked()?)) {
            say("nothing was written");
            // As diff does: something differs.
            return Ok(ExitCode::from(1));
        }
        // All of them or none: a set of files that was written by halves is nobody's governance.
        let mut tx = session.app.db.write(&session.actor).await?;
        let mut events = Vec::new();
        for one in &changes {
            let event =
                write(&mut tx, one).await.with_context(|| format!("{} {}; nothing was written", one.kind, one.key));
            events.extend(event?);
        }
        tx.commit_all(events).await?;
        session.app.forget_counts();
        say(&format!("{} drafts written; propose and publish them on their pages", changes.len()));
        Ok(ExitCode::SUCCESS)
    }
}

/// Whether somebody at a terminal says yes.
fn asked() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    print_prompt()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "yes"))
}

fn print_prompt() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    write!(out, "Write them as drafts? [y/N] ")?;
    Ok(out.flush()?)
}

fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
                found.push(path);
            }
        }
    }
    found.sort();
    if found.is_empty() {
        bail!("no YAML files in {}", path.display());
    }
    Ok(found)
}

fn read(path: &Path) -> anyhow::Result<Vec<Read>> {
    let mut all = Vec::new();
    for path in files(path)? {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut content: Value =
            serde_saphyr::from_str(&text).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        let kind = content.as_object_mut().and_then(|fields| fields.remove("kind"));
        let kind = kind.and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default();
        if !KINDS.contains(&kind.as_str()) {
            bail!("{}: give its kind: {}", path.display(), KINDS.join(", "));
        }
        all.push(Read { path, kind, content });
    }
    Ok(all)
}

/// What the files would do, and what is wrong with them: all of it, before anything is written.
async fn plan(session: &Session, files: Vec<Read>) -> anyhow::Result<(Vec<Planned>, Vec<String>)> {
    let (mut planned, mut faults) = (Vec::new(), Vec::new());
    let mut seen: BTreeMap<(String, String), PathBuf> = BTreeMap::new();
    for file in files {
        let done = match file.kind.as_str() {
            "rule" => compare::<RuleContent>(session, &file).await,
            "workflow" => compare::<WorkflowContent>(session, &file).await,
            "questionnaire" => compare::<QuestionnaireContent>(session, &file).await,
            _ => compare::<RiskModelContent>(session, &file).await,
        };
        match done {
            Ok(one) => {
                let before = seen.insert((one.kind.clone(), one.key.clone()), file.path.clone());
                if let Some(before) = before {
                    faults.push(format!("{}: {} says the same key {}", file.path.display(), before.display(), one.key));
                }
                planned.push(one);
            }
            Err(Error::Invalid(errors)) => {
                let told = errors.as_slice().iter();
                faults.extend(told.map(|e| format!("{}{}: {}", file.path.display(), e.pointer, e.message)));
            }
            Err(other) => return Err(other.into()),
        }
    }
    Ok((planned, faults))
}

async fn compare<C: Publishable>(session: &Session, file: &Read) -> Result<Planned, Error> {
    let content: C = base::json::from_value(file.content.clone())?;
    let content = content.checked()?;
    let known = match ops::find::<C>(&session.app, &session.actor, content.key()).await {
        Ok(known) => Some(known),
        Err(Error::NotFound(_)) => None,
        Err(other) => return Err(other),
    };
    let after = serde_json::to_value(&content).map_err(Error::internal)?;
    let lines = match &known {
        None => Vec::new(),
        Some(known) => {
            let before = serde_json::to_value(known.shown()?).map_err(Error::internal)?;
            audit::diff(&before, &after).iter().map(line).collect()
        }
    };
    let key = content.key().to_owned();
    let seen = known.map(|known| (known.id, known.revision));
    Ok(Planned { kind: file.kind.clone(), key, content: after, seen, lines })
}

/// A change in a line.
fn line(change: &audit::Change) -> String {
    let short = |value: &Value| match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => base::text::clip(text, 120).replace('\n', " "),
        other => base::text::clip(&other.to_string(), 120).to_owned(),
    };
    format!("{}: {} → {}", change.field, short(&change.before), short(&change.after))
}

async fn write(tx: &mut WriteTx<Open>, one: &Planned) -> Result<Option<Event>, Error> {
    match one.kind.as_str() {
        "rule" => draft::<RuleContent>(tx, one).await,
        "workflow" => draft::<WorkflowContent>(tx, one).await,
        "questionnaire" => draft::<QuestionnaireContent>(tx, one).await,
        _ => draft::<RiskModelContent>(tx, one).await,
    }
}

async fn draft<C: Publishable>(tx: &mut WriteTx<Open>, one: &Planned) -> Result<Option<Event>, Error> {
    ops::draft_in::<C>(tx, base::json::from_value(one.content.clone())?, one.seen).await
}

/// Writes what is in force into a folder, one file for each.
async fn fetch(session: &Session, folder: &Path) -> anyhow::Result<ExitCode> {
    let mut count = 0;
    count += files_of::<RuleContent>(session, folder, "rule").await?;
    count += files_of::<WorkflowContent>(session, folder, "workflow").await?;
    count += files_of::<QuestionnaireContent>(session, folder, "questionnaire").await?;
    count += files_of::<RiskModelContent>(session, folder, "risk_model").await?;
    say(&format!("{count} files in {}", folder.display()));
    Ok(ExitCode::SUCCESS)
}

async fn files_of<C: Publishable>(session: &Session, folder: &Path, kind: &str) -> anyhow::Result<usize> {
    let all = ops::in_force::<C>(&mut *session.app.db.read().await?).await?;
    let folder = folder.join(format!("{kind}s"));
    if !all.is_empty() {
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    for (_, _, content) in &all {
        let path = folder.join(format!("{}.yaml", content.key()));
        let text = serde_saphyr::to_string(content)?;
        fs::write(&path, format!("kind: {kind}\n{text}"))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(all.len())
}
