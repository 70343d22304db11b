//! Beginning an assessment, and what asks for one.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use uuid::Uuid;

use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::Posted,
    pages::{Shell, faults, faults_at, html, unprocessable, view::EventView},
};
use base::{
    audit,
    error::Error,
    lists::{self, Query},
};
use governance::assessments::{
    Audience, Cause, Demand, NewAssessment, Occurrence, QuestionnaireContent,
    ops::{self, may_assess},
};
use identity::{GroupKind, Permission};
use register::{
    catalog::{self, Vendor},
    publications::{self, Publishable},
};

#[derive(Template)]
#[template(path = "assessments/form.html")]
struct BeginPage {
    shell: Shell,
    new: NewAssessment,
    due_on: String,
    questionnaires: Vec<(String, String, bool)>,
    teams: Vec<(String, String)>,
    vendors: Vec<(String, String)>,
    errors: Vec<(String, String)>,
}

impl BeginPage {
    fn faults(&self, name: &str) -> Vec<&str> {
        faults_at(&self.errors, name)
    }
    fn others(&self) -> Vec<&str> {
        let shown = ["questionnaire", "vendor", "integration", "recipient", "team", "due_on"];
        let of = |pointer: &str| !shown.contains(&pointer.trim_start_matches('/'));
        self.errors.iter().filter(|(pointer, _)| of(pointer)).map(|(_, message)| message.as_str()).collect()
    }
    fn integration(&self) -> &str {
        self.new.integration.as_deref().unwrap_or_default()
    }
    fn recipient(&self) -> &str {
        self.new.recipient.as_deref().unwrap_or_default()
    }
    fn is_team(&self, slug: &str) -> bool {
        self.new.team.as_deref() == Some(slug)
    }
}

async fn page(web: &Web, signed: &Signed, new: NewAssessment) -> Result<BeginPage, Error> {
    let (app, actor) = (&web.app, &signed.actor);
    if !may_assess(actor) {
        actor.require(Permission::VerifyCatalog)?;
    }
    let held = publications::ops::in_force::<QuestionnaireContent>(&mut *app.db.read().await?).await?;
    let spec = identity::ops::groups_list_spec(GroupKind::Team);
    let query = Query::parse(spec, &[("state".into(), "active".into()), ("limit".into(), "500".into())], &[])?;
    let teams = identity::ops::list_groups(app, actor, GroupKind::Team, &query).await?.rows;
    let query = Query::parse(
        &catalog::ops::VENDORS,
        &[("state".into(), "active".into()), ("limit".into(), "500".into())],
        &[],
    )?;
    let vendors = lists::ops::list::<catalog::ops::VendorRow>(app, actor, &catalog::ops::VENDORS, &query).await?.rows;
    Ok(BeginPage {
        shell: Shell::new(web, signed, "/assessments", "New assessment", &Pairs::default()).await?,
        due_on: new.due_on.map(|day| day.to_string()).unwrap_or_default(),
        questionnaires: held
            .into_iter()
            .map(|(_, _, content)| (content.key.clone(), content.title.clone(), content.audience == Audience::Owner))
            .collect(),
        teams: teams.into_iter().map(|team| (team.slug, team.name)).collect(),
        vendors: vendors.into_iter().map(|vendor| (vendor.slug, vendor.name)).collect(),
        new,
        errors: Vec::new(),
    })
}

pub async fn new(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let text = |name: &str| pairs.get(name).map(str::to_owned);
    let mut new = NewAssessment {
        questionnaire: text("questionnaire").unwrap_or_default(),
        vendor: text("vendor").unwrap_or_default(),
        integration: text("integration"),
        carry_over: true,
        demand: text("demand").and_then(|id| id.parse().ok()),
        ..NewAssessment::default()
    };
    if !new.vendor.is_empty() {
        let vendor = catalog::ops::find_vendor(&web.app, &signed.actor, &new.vendor).await?;
        new.recipient = vendor.content.security_contact.filter(|contact| contact.contains('@'));
    }
    html(&page(&web, &signed, new).await?)
}

pub async fn begin(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let text = |name: &str| posted.get(name).unwrap_or_default().trim().to_owned();
    let maybe = |name: &str| Some(text(name)).filter(|text| !text.is_empty());
    let new = NewAssessment {
        questionnaire: text("questionnaire"),
        vendor: text("vendor"),
        integration: maybe("integration"),
        recipient: maybe("recipient"),
        team: maybe("team"),
        due_on: text("due_on").parse().ok(),
        carry_over: posted.get("carry_over").is_some(),
        demand: text("demand").parse().ok(),
    };
    match ops::begin(&web.app, &posted.signed.actor, new.clone()).await {
        Ok(made) => Ok(Redirect::to(&format!("/assessments/{}?note=assessment_begun", made.id)).into_response()),
        Err(error) => {
            let errors = faults(error)?;
            let mut page = page(&web, &posted.signed, new).await?;
            page.errors = errors;
            Ok(unprocessable(html(&page)?))
        }
    }
}

#[derive(Template)]
#[template(path = "assessments/demand.html")]
struct DemandPage {
    shell: Shell,
    demand: Demand,
    vendor: Vendor,
    questionnaire: QuestionnaireContent,
    events: Vec<EventView>,
    may: bool,
    problem: Option<String>,
    typed: String,
}

impl DemandPage {
    fn because(&self) -> String {
        match self.demand.cause {
            Cause::Intake => "An integration of this vendor is one that the questionnaire is meant for.".into(),
            Cause::NewDataClass => format!("Another kind of data flows: {}.", self.demand.reference),
            Cause::NewCountry => format!("Data is processed elsewhere: {}.", self.demand.reference),
            Cause::NewSubProcessor => format!("Another company processes data for it: {}.", self.demand.reference),
            Cause::Incident => format!("Something happened at the vendor: {}.", self.demand.reference),
            Cause::Renewal => "What was concluded ends.".into(),
        }
    }
    fn is_open(&self) -> bool {
        self.demand.state.key() == "open"
    }
}

async fn demand_page(web: &Web, signed: &Signed, id: Uuid, pairs: &Pairs) -> Result<DemandPage, Error> {
    let (app, actor) = (&web.app, &signed.actor);
    let demand = ops::find_demand(app, actor, id).await?;
    let vendor = catalog::ops::find_vendor(app, actor, &demand.vendor_id.to_string()).await?;
    let held =
        publications::ops::find::<QuestionnaireContent>(app, actor, &demand.questionnaire_id.to_string()).await?;
    let questionnaire = held.shown()?.clone();
    let title = format!("{} for {}", questionnaire.title(), vendor.content.name);
    Ok(DemandPage {
        shell: Shell::new(web, signed, "/assessments", title, pairs).await?,
        events: EventView::all(audit::ops::history(app, actor, "assessment_demand", id).await?, app.clock.now()),
        may: may_assess(actor),
        demand,
        vendor,
        questionnaire,
        problem: None,
        typed: String::new(),
    })
}

pub async fn demand(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<Uuid>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    html(&demand_page(&web, &signed, id, &pairs).await?)
}

pub async fn dismiss(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let note = posted.get("note").unwrap_or_default();
    match ops::dismiss(&web.app, &posted.signed.actor, id, posted.revision()?, note).await {
        Ok(_) => Ok(Redirect::to("/assessment-demands?state=open&note=demand_dismissed").into_response()),
        Err(error) => {
            let mut page = demand_page(&web, &posted.signed, id, &Pairs::default()).await?;
            page.problem = Some(faults(error)?.into_iter().map(|(_, message)| message).collect::<Vec<_>>().join(" "));
            page.typed = note.to_owned();
            Ok(unprocessable(html(&page)?))
        }
    }
}

/// Something happened at a vendor: what it was assessed by is wanted anew.
pub async fn report(State(web): State<Web>, posted: Posted) -> Result<Response, PageError> {
    let text = |name: &str| posted.get(name).unwrap_or_default().to_owned();
    let occurrence = Occurrence { vendor: text("vendor"), reference: text("reference") };
    let made = ops::report(&web.app, &posted.signed.actor, occurrence).await?;
    let note = if made.is_empty() { "known" } else { "demanded" };
    Ok(Redirect::to(&format!("/vendors/{}?note={note}", text("vendor"))).into_response())
}
