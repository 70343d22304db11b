//! What a rule would do before it is published, with names and links, and as CSV.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};

use super::violations::Found;
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    pages::{Shell, html, view::ago},
};
use base::{error::Error, tables};
use governance::policy::{
    RuleContent,
    ops::{self, Preview},
};
use register::publications::{self, Publishable};

#[derive(Template)]
#[template(path = "policy/preview.html")]
struct PreviewPage {
    shell: Shell,
    key: String,
    title: String,
    preview: Preview,
    now: chrono::DateTime<chrono::Utc>,
}

impl PreviewPage {
    fn values(&self, fired: &ops::Fired) -> Vec<(String, String)> {
        Found::values(&fired.matched)
    }
    fn ago(&self, at: &chrono::DateTime<chrono::Utc>) -> String {
        ago(*at, self.now)
    }
    fn new_ones(&self) -> usize {
        self.preview.fired.iter().filter(|fired| fired.new).count()
    }
}

async fn tried(web: &Web, signed: &Signed, key: &str) -> Result<(String, String, Preview), Error> {
    let found = publications::ops::find::<RuleContent>(&web.app, &signed.actor, key).await?;
    let shown = found.shown()?;
    let preview = ops::preview(&web.app, &signed.actor, Some(found.id), shown).await?;
    Ok((shown.key().to_owned(), shown.title().to_owned(), preview))
}

pub async fn show(State(web): State<Web>, signed: Signed, Path(key): Path<String>) -> Result<Response, PageError> {
    let (key, title, preview) = tried(&web, &signed, &key).await?;
    let shell = Shell::new(&web, &signed, "/rules", format!("Try: {title}"), &Pairs::default()).await?;
    html(&PreviewPage { shell, key, title, preview, now: web.app.clock.now() })
}

pub async fn csv(State(web): State<Web>, signed: Signed, Path(key): Path<String>) -> Result<Response, PageError> {
    let (key, _, preview) = tried(&web, &signed, &key).await?;
    base::audit::ops::exported(&web.app, &signed.actor, "rule_preview", &key, "csv").await?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let columns = ["what", "name", "link", "owner", "new", "values", "failure", "decided_at"];
    writer.write_record(columns).map_err(Error::internal)?;
    let link = |path: &str| web.app.config.public_url.join(path).map_err(Error::internal);
    for fired in &preview.fired {
        let values = serde_json::to_string(&fired.matched).map_err(Error::internal)?;
        let to = link(&format!("integrations/{}", fired.integration))?;
        let cells = [
            "fires",
            &fired.name,
            to.as_str(),
            fired.owner.as_deref().unwrap_or_default(),
            if fired.new { "yes" } else { "no" },
            &values,
            fired.failure.as_deref().unwrap_or_default(),
            "",
        ];
        writer.write_record(cells.map(tables::escape)).map_err(Error::internal)?;
    }
    let past = preview.stopped.iter().map(|one| ("would have stopped", one));
    for (what, one) in past.chain(preview.lacking.iter().map(|one| ("lacks a fact", one))) {
        let (to, at) = (link(&format!("requests/{}", one.request))?, one.at.to_rfc3339());
        let cells = [what, &one.title, to.as_str(), "", "", "", "", &at];
        writer.write_record(cells.map(tables::escape)).map_err(Error::internal)?;
    }
    let bytes = writer.into_inner().map_err(|error| Error::internal(error.error()))?;
    let name = format!("attachment; filename=\"{key}-preview.csv\"");
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)], bytes)
        .into_response())
}
