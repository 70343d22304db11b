//! Vendors.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde_json::Value;

use super::{form_page, merging::MergesCard, specs, vendor_choices};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::{FormView, Posted},
    pages::{
        Shell,
        assessments::Assured,
        html,
        list::{self, Cell, Column, Frame, Link},
        policy::RiskCard,
        view::{CommentView, EventView, ago, day, exact},
    },
};
use base::{audit, error::Error, json};
use identity::{Permission, ops as people};
use register::{
    catalog::tables,
    catalog::{Vendor, VendorContent, ops},
};

pub fn router() -> Router<Web> {
    Router::new()
        .route("/vendors", get(index).post(create))
        .route("/vendors/export", get(export))
        .route("/vendors/new", get(new))
        .route("/vendors/{key}", get(show).post(update))
        .route("/vendors/{key}/edit", get(edit))
        .route("/vendors/{key}/verify", post(verify))
        .route("/vendors/{key}/merge", get(super::merging::vendor_form).post(super::merging::merge_vendor))
}

const COLUMNS: &[Column] = &[
    Column { label: "Vendor", class: "" },
    Column { label: "Verified", class: "" },
    Column { label: "Tier", class: "" },
    Column { label: "DPA", class: "" },
    Column { label: "Country", class: "" },
    Column { label: "APIs", class: "num" },
    Column { label: "Changed", class: "" },
];

async fn index(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let mut actions = Vec::new();
    if signed.actor.may(Permission::EditCatalog) {
        actions.push(Link::main("New vendor", "/vendors/new"));
    }
    let frame = Frame {
        title: "Vendors",
        path: "/vendors",
        noun: "vendors",
        columns: COLUMNS,
        actions,
        empty_text: "A vendor comes with its first API document, or by hand.",
    };
    let now = web.app.clock.now();
    list::show(&web, &signed, &pairs, &ops::VENDORS, frame, |row: ops::VendorRow| {
        let dpa = match row.dpa_status.as_str() {
            "signed" => Cell::badge("active", "Signed"),
            "expired" => Cell::badge("over", "Expired"),
            "requested" => Cell::badge("review", "Requested"),
            other => Cell::soft(base::words::label(other), None),
        };
        let about = row.domain.or(row.legal_name);
        vec![
            Cell::name(
                &row.name,
                format!("/vendors/{}", row.slug),
                if row.state == "retired" { Some("retired".into()) } else { about },
            ),
            list::verified(row.verified_at),
            row.tier.map_or_else(|| Cell::soft("–", None), |tier| Cell::text(format!("Tier {tier}"))),
            dpa,
            Cell::text(row.country.unwrap_or_default()),
            Cell::number(row.apis),
            Cell::soft(ago(row.updated_at, now), Some(exact(row.updated_at))),
        ]
    })
    .await
}

async fn export(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::VENDORS, &pairs).await
}

#[derive(Template)]
#[template(path = "catalog/vendor.html")]
#[allow(clippy::struct_excessive_bools, reason = "what this person may do, for the template")]
pub struct VendorPage {
    shell: Shell,
    vendor: Vendor,
    parent: Option<String>,
    apis: Vec<ops::ApiRow>,
    events: Vec<EventView>,
    comments: Vec<CommentView>,
    editors: Vec<String>,
    verifier: Option<String>,
    me: Option<uuid::Uuid>,
    may_edit: bool,
    may_verify: bool,
    may_comment: bool,
    today: chrono::NaiveDate,
    assured: Assured,
    pub card: RiskCard,
    of_vendor: bool,
    merges: MergesCard,
}

impl VendorPage {
    fn due(&self, date: &chrono::NaiveDate) -> String {
        day(*date, self.today)
    }
    fn due_class(&self, date: &chrono::NaiveDate) -> &'static str {
        match (*date - self.today).num_days() {
            ..0 => "over",
            0..60 => "due",
            _ => "active",
        }
    }
    fn path(&self) -> String {
        format!("/vendors/{}", self.vendor.content.slug)
    }
}

async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(key): Path<String>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    let vendor = ops::find_vendor(&web.app, &signed.actor, &key).await?;
    if key != vendor.content.slug {
        return Ok(Redirect::temporary(&format!("/vendors/{}", vendor.content.slug)).into_response());
    }
    html(&page(&web, &signed, vendor, &pairs).await?)
}

/// The page of a vendor.
pub async fn page(web: &Web, signed: &Signed, vendor: Vendor, pairs: &Pairs) -> Result<VendorPage, Error> {
    let (app, actor) = (&web.app, &signed.actor);
    let parent = match vendor.parent_id {
        Some(id) => ops::get_vendors(app, actor, &[id]).await?.pop().map(|parent| parent.content.name),
        None => None,
    };
    let now = app.clock.now();
    let may_edit = actor.may(Permission::EditCatalog);
    let reviewer = actor.may(Permission::VerifyCatalog);
    let mut assured = Assured::load(web, signed, vendor.id, &vendor.content.slug).await?;
    assured.may &= vendor.merged_into_id.is_none();
    Ok(VendorPage {
        apis: ops::vendor_apis(app, actor, &vendor).await?,
        events: EventView::all(audit::ops::history(app, actor, "vendor", vendor.id).await?, now),
        comments: CommentView::all(ops::comments(app, actor, "vendor", vendor.id).await?, now),
        editors: people::names(app, actor, &vendor.edited_by).await?,
        verifier: people::names(app, actor, vendor.verified_by.as_slice()).await?.pop(),
        me: actor.person(),
        merges: MergesCard::of_vendor(web, signed, &vendor).await?,
        may_edit: (may_edit || reviewer) && vendor.merged_into_id.is_none(),
        may_verify: reviewer
            && vendor.verified_at.is_none()
            && vendor.merged_into_id.is_none()
            && actor.person().is_some_and(|me| !vendor.edited_by.contains(&me)),
        may_comment: (may_edit || reviewer) && vendor.merged_into_id.is_none(),
        today: app.today().await?,
        card: RiskCard::of_vendor(web, signed, &vendor.content.slug).await?,
        of_vendor: true,
        assured,
        shell: Shell::new(web, signed, "/vendors", vendor.content.name.clone(), pairs).await?,
        parent,
        vendor,
    })
}

async fn form(web: &Web, signed: &Signed, vendor: Option<&Vendor>, values: Value) -> Result<FormView, Error> {
    let actor = &signed.actor;
    let (action, cancel) = match vendor {
        Some(vendor) => (format!("/vendors/{}", vendor.id), format!("/vendors/{}", vendor.content.slug)),
        None => ("/vendors".into(), "/vendors".into()),
    };
    let mut form =
        FormView::new(&specs::VENDOR, values, action, cancel).offer("parent", vendor_choices(web, actor).await?);
    if !actor.may(Permission::VerifyCatalog) {
        form = form.lock(specs::REVIEWED);
    }
    if !actor.may(Permission::EditCatalog) {
        form = form.lock(specs::DESCRIBED);
    }
    form.likely_path = "/vendors";
    Ok(match vendor {
        Some(vendor) => form.at(vendor.revision),
        None => form.submit("Create vendor").intro("It is unverified until a reviewer verifies it."),
    })
}

fn values(content: &VendorContent) -> Value {
    serde_json::to_value(content).unwrap_or(Value::Null)
}

async fn new(State(web): State<Web>, signed: Signed) -> Result<Response, PageError> {
    signed.actor.require(Permission::EditCatalog)?;
    let form = form(&web, &signed, None, values(&VendorContent::default())).await?;
    form_page(&web, &signed, "/vendors", "New vendor", form).await
}

async fn create(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &posted.signed.actor);
    actor.require(Permission::EditCatalog)?;
    let fields = posted.over(&specs::VENDOR, values(&VendorContent::default()));
    let typed = Value::Object(fields.clone());
    let content = json::content::<VendorContent>(fields).and_then(VendorContent::checked);
    if let Ok(content) = &content
        && posted.get("confirmed") != Some("yes")
    {
        let likely = ops::duplicate_vendors(app, actor, None, content).await?;
        if !likely.is_empty() {
            let mut form = form(&web, &posted.signed, None, typed).await?;
            form.likely = likely;
            return form_page(&web, &posted.signed, "/vendors", "New vendor", form).await;
        }
    }
    let created = match content {
        Ok(content) => ops::create_vendor(app, actor, content).await,
        Err(error) => Err(error),
    };
    match created {
        Ok(vendor) => Ok(Redirect::to(&format!("/vendors/{}?note=created", vendor.content.slug)).into_response()),
        Err(error) => {
            let form = form(&web, &posted.signed, None, typed).await?.refused(error)?;
            form_page(&web, &posted.signed, "/vendors", "New vendor", form).await
        }
    }
}

async fn edit(State(web): State<Web>, signed: Signed, Path(key): Path<String>) -> Result<Response, PageError> {
    if !signed.actor.may(Permission::VerifyCatalog) {
        signed.actor.require(Permission::EditCatalog)?;
    }
    let vendor = ops::find_vendor(&web.app, &signed.actor, &key).await?;
    let form = form(&web, &signed, Some(&vendor), values(&vendor.content)).await?;
    form_page(&web, &signed, "/vendors", &format!("Edit {}", vendor.content.name), form).await
}

async fn update(State(web): State<Web>, Path(key): Path<String>, posted: Posted) -> Result<Response, PageError> {
    let (app, actor) = (&web.app, &posted.signed.actor);
    let vendor = ops::find_vendor(app, actor, &key).await?;
    let fields = posted.over(&specs::VENDOR, values(&vendor.content));
    let typed = Value::Object(fields.clone());
    let revision = posted.revision()?;
    let updated = match json::content(fields) {
        Ok(content) => ops::update_vendor(app, actor, vendor.id, revision, content).await,
        Err(error) => Err(error),
    };
    let title = format!("Edit {}", vendor.content.name);
    match updated {
        Ok(after) => {
            let note = if after.revision == vendor.revision { "unchanged" } else { "saved" };
            Ok(Redirect::to(&format!("/vendors/{}?note={note}", after.content.slug)).into_response())
        }
        Err(Error::Stale { .. }) => {
            let form = form(&web, &posted.signed, Some(&vendor), typed)
                .await?
                .meanwhile(&values(&vendor.content), vendor.revision);
            form_page(&web, &posted.signed, "/vendors", &title, form).await
        }
        Err(error) => {
            let mut form = form(&web, &posted.signed, Some(&vendor), typed).await?.refused(error)?;
            form.revision = Some(revision);
            form_page(&web, &posted.signed, "/vendors", &title, form).await
        }
    }
}

async fn verify(State(web): State<Web>, Path(key): Path<String>, posted: Posted) -> Result<Response, PageError> {
    let actor = &posted.signed.actor;
    let vendor = ops::find_vendor(&web.app, actor, &key).await?;
    let after = ops::verify_vendor(&web.app, actor, vendor.id, posted.revision()?).await?;
    Ok(Redirect::to(&format!("/vendors/{}?note=verified", after.content.slug)).into_response())
}
