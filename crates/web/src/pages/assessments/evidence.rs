//! Adding evidence, and taking its file.

use askama::Template;
use axum::{
    extract::{Multipart, Path, State, multipart::MultipartRejection},
    response::{IntoResponse, Redirect, Response},
};
use uuid::Uuid;

use crate::{
    Web, download,
    error::PageError,
    extract::{Pairs, Signed},
    forms::{Parts, Posted},
    pages::{Shell, faults, faults_at, html, unprocessable},
};
use base::error::Error;
use governance::assessments::{
    EvidenceContent,
    ops::{self, Upload, may_assess},
};
use identity::Permission;
use register::catalog::{self, Vendor};

#[derive(Template)]
#[template(path = "assessments/evidence_form.html")]
struct EvidencePage {
    shell: Shell,
    vendor: Option<Vendor>,
    content: EvidenceContent,
    valid_until: String,
    errors: Vec<(String, String)>,
    most: u64,
}

impl EvidencePage {
    fn faults(&self, name: &str) -> Vec<&str> {
        faults_at(&self.errors, name)
    }
    fn url(&self) -> &str {
        self.content.url.as_deref().unwrap_or_default()
    }
    fn proves(&self, name: &str) -> bool {
        self.content.certification.as_deref() == Some(name)
    }
}

async fn page(web: &Web, signed: &Signed, content: EvidenceContent) -> Result<EvidencePage, Error> {
    let (app, actor) = (&web.app, &signed.actor);
    if !may_assess(actor) {
        actor.require(Permission::VerifyCatalog)?;
    }
    let vendor = match catalog::ops::find_vendor(app, actor, &content.vendor).await {
        Ok(vendor) => Some(vendor),
        Err(Error::NotFound(_)) => None,
        Err(other) => return Err(other),
    };
    Ok(EvidencePage {
        shell: Shell::new(web, signed, "/evidence", "Add evidence", &Pairs::default()).await?,
        vendor,
        valid_until: content.valid_until.map(|day| day.to_string()).unwrap_or_default(),
        content,
        errors: Vec::new(),
        most: app.config.limits.upload >> 20,
    })
}

pub async fn new(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let text = |name: &str| pairs.get(name).map(str::to_owned);
    let content = EvidenceContent {
        vendor: text("vendor").unwrap_or_default(),
        certification: text("certification"),
        title: text("certification").unwrap_or_default(),
        ..EvidenceContent::default()
    };
    html(&page(&web, &signed, content).await?)
}

pub async fn add(
    State(web): State<Web>,
    signed: Signed,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, PageError> {
    let form = form.map_err(|_| Error::Forbidden("Send the form from its page.".into()))?;
    let parts = Parts::signed(&web, &signed, form).await?;
    let text = |name: &str| parts.typed.get(name).unwrap_or_default().trim().to_owned();
    let maybe = |name: &str| Some(text(name)).filter(|text| !text.is_empty());
    let content = EvidenceContent {
        title: text("title"),
        vendor: text("vendor"),
        url: maybe("url"),
        certification: maybe("certification"),
        valid_until: text("valid_until").parse().ok(),
    };
    let file = parts.file();
    let upload = file.as_ref().map(|file| Upload { name: &file.name, bytes: &file.bytes });
    match ops::add_evidence(&web.app, &signed.actor, content.clone(), upload).await {
        Ok(_) => Ok(Redirect::to(&format!("/vendors/{}?note=evidence", content.vendor)).into_response()),
        Err(error) => {
            let errors = faults(error)?;
            let mut page = page(&web, &signed, content).await?;
            page.errors = errors;
            Ok(unprocessable(html(&page)?))
        }
    }
}

pub async fn file(State(web): State<Web>, signed: Signed, Path(id): Path<Uuid>) -> Result<Response, PageError> {
    let (file, bytes) = ops::evidence_file(&web.app, &signed.actor, id).await?;
    Ok(download(&file.name, bytes))
}

pub async fn retire(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    ops::retire_evidence(&web.app, &posted.signed.actor, id, posted.revision()?).await?;
    let back = posted.get("back").filter(|back| back.starts_with("/vendors/")).unwrap_or("/evidence");
    Ok(Redirect::to(&format!("{back}?note=evidence_retired")).into_response())
}
