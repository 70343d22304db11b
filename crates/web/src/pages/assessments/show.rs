//! An assessment's page: where it stands, what was answered, what follows.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Redirect, Response},
};
use chrono::NaiveDate;
use uuid::Uuid;

use super::{assessment_class, verdict_class};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    forms::Posted,
    pages::{
        Shell, faults, html,
        policy::severity_class,
        unprocessable,
        view::{EventView, day},
    },
};
use base::{audit, error::Error};
use governance::assessments::{
    self, Answer, Assessment, AssessmentState, Evidence, Flagged, Question, QuestionnaireContent,
    ops::{self, AssessmentView, Preflight, Sent, may_assess},
};

/// A question with its answer, for the page.
pub struct Line<'a> {
    pub question: &'a Question,
    pub answer: Option<&'a Answer>,
    pub score: Option<i32>,
    pub evidence: Vec<&'a Evidence>,
}

impl Line<'_> {
    fn shown(&self) -> Option<String> {
        Some(self.answer?.value.as_ref()?.shown(self.question))
    }
    fn link(&self) -> Option<String> {
        self.shown().filter(|text| text.starts_with("https://") || text.starts_with("http://"))
    }
    fn is_again(&self) -> bool {
        self.answer.is_some_and(|answer| answer.remark == Some(assessments::Remark::Again))
    }
    fn is_fine(&self) -> bool {
        self.answer.is_some_and(|answer| answer.remark == Some(assessments::Remark::Fine))
    }
}

#[derive(Template)]
#[template(path = "assessments/show.html")]
#[allow(clippy::struct_excessive_bools, reason = "what this person may do, for the template")]
pub struct AssessmentPage {
    shell: Shell,
    view: AssessmentView,
    evidence: Vec<Evidence>,
    checks: Vec<Preflight>,
    events: Vec<EventView>,
    people: Vec<(&'static str, String)>,
    today: NaiveDate,
    last_day: NaiveDate,
    may: bool,
    may_review: bool,
    may_answer: bool,
    mail: bool,
    /// The link, on the answer to what made it and never again.
    pub link: Option<String>,
    pub problems: Vec<(String, String)>,
    pub typed: String,
}

impl AssessmentPage {
    fn one(&self) -> &Assessment {
        &self.view.assessment
    }
    fn content(&self) -> &QuestionnaireContent {
        &self.view.content
    }
    fn standing(&self) -> &'static str {
        self.one().standing(self.today)
    }
    fn class(&self) -> &'static str {
        assessment_class(self.standing())
    }
    fn label(&self, key: &str) -> String {
        base::words::label(key)
    }
    fn is(&self, state: &str) -> bool {
        self.one().state.key() == state
    }
    fn day(&self, date: &NaiveDate) -> String {
        day(*date, self.today)
    }
    fn verdict_class(&self, verdict: &str) -> &'static str {
        verdict_class(verdict)
    }
    fn severity_class(&self, flagged: &Flagged) -> &'static str {
        severity_class(flagged.severity.key())
    }
    fn overdue(&self) -> bool {
        self.one().is_open() && self.one().due_on < self.today
    }
    fn sections(&self) -> Vec<(&str, Vec<Line<'_>>)> {
        let asked = assessments::asked(self.content(), &self.one().answers);
        let line = |question| {
            let question: &Question = question;
            let answer = self.one().answers.get(&question.key);
            let part = self.view.scored.parts.iter().find(|part| part.question == question.key);
            let ids = answer.map(|answer| answer.evidence.as_slice()).unwrap_or_default();
            Line {
                question,
                answer,
                score: part.map(|part| part.score),
                evidence: self.evidence.iter().filter(|one| ids.contains(&one.id)).collect(),
            }
        };
        let of = |section: &'_ governance::assessments::QuestionSection| -> Vec<Line<'_>> {
            let here = asked.iter().filter(|question| section.questions.iter().any(|one| one.key == question.key));
            here.map(|question| line(*question)).collect()
        };
        let all = self.content().sections.iter().map(|section| (section.title.as_str(), of(section)));
        all.filter(|(_, lines)| !lines.is_empty()).collect()
    }
    fn percent(&self) -> usize {
        let progress = self.view.progress;
        (progress.answered * 100).checked_div(progress.asked).unwrap_or(0)
    }
    fn ready(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }
    fn again(&self) -> usize {
        let marked = |answer: &&Answer| answer.remark == Some(assessments::Remark::Again);
        self.one().answers.values().filter(marked).count()
    }
}

/// The page of an assessment.
pub async fn page(web: &Web, signed: &Signed, id: Uuid, pairs: &Pairs) -> Result<AssessmentPage, Error> {
    let (app, actor) = (&web.app, &signed.actor);
    let view = ops::view_assessment(app, actor, id).await?;
    let one = &view.assessment;
    let may = may_assess(actor) && actor.person().is_some();
    let checks =
        if may && one.state == AssessmentState::Draft { ops::preflight(app, actor, id).await? } else { Vec::new() };
    let ids: Vec<Uuid> = one.answers.values().flat_map(|answer| answer.evidence.iter().copied()).collect();
    let mut people = Vec::new();
    for (what, who) in [
        ("Begun by", one.created_by),
        ("Submitted by", one.submitted_by),
        ("Reviewed by", one.reviewed_by),
        ("Concluded by", one.conclusion.as_ref().map(|conclusion| conclusion.by)),
    ] {
        if let Some(name) = identity::ops::names(app, actor, who.as_slice()).await?.pop() {
            people.push((what, name));
        }
    }
    let today = app.today().await?;
    let months = u32::try_from(view.content.valid_months).unwrap_or(12);
    Ok(AssessmentPage {
        shell: Shell::new(web, signed, "/assessments", format!("{}: {}", one.vendor, one.title), pairs).await?,
        evidence: ops::get_evidence(app, actor, &ids).await?,
        events: EventView::all(audit::ops::history(app, actor, "assessment", id).await?, app.clock.now()),
        people,
        checks,
        today,
        last_day: today.checked_add_months(chrono::Months::new(months)).unwrap_or(today),
        may_review: may
            && !actor.is_in_team(one.team_id)
            && actor.person().is_some_and(|me| one.refuse_own(me).is_ok()),
        may,
        may_answer: one.is_open() && one.team_id.is_some() && actor.is_in_team(one.team_id),
        mail: app.config.post.is_some(),
        view,
        link: None,
        problems: Vec::new(),
        typed: String::new(),
    })
}

pub async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<Uuid>,
    pairs: Pairs,
) -> Result<Response, PageError> {
    html(&page(&web, &signed, id, &pairs).await?)
}

/// Goes back with a note, or shows the page again with what is wrong.
pub async fn answered(
    web: &Web,
    posted: &Posted,
    id: Uuid,
    done: Result<Assessment, Error>,
    note: &str,
) -> Result<Response, PageError> {
    match done {
        Ok(_) => Ok(Redirect::to(&format!("/assessments/{id}?note={note}")).into_response()),
        Err(error) => {
            let problems = faults(error)?;
            let mut page = page(web, &posted.signed, id, &Pairs::default()).await?;
            page.problems = problems;
            page.typed = posted.get("reason").unwrap_or_default().to_owned();
            Ok(unprocessable(html(&page)?))
        }
    }
}

/// The page with the link, where no letter takes it: it is shown here and never again.
pub async fn with_link(
    web: &Web,
    posted: &Posted,
    id: Uuid,
    done: Result<Sent, Error>,
    note: &str,
) -> Result<Response, PageError> {
    match done {
        Ok(Sent { link: Some(link), by_mail: false, .. }) => {
            let pairs = Pairs(vec![("note".into(), note.into())]);
            let mut page = page(web, &posted.signed, id, &pairs).await?;
            page.link = Some(link);
            let mut response = html(&page)?;
            response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
            Ok(response)
        }
        Ok(sent) => answered(web, posted, id, Ok(sent.assessment), note).await,
        Err(error) => answered(web, posted, id, Err(error), note).await,
    }
}

pub async fn send(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let done = ops::send(&web.app, &posted.signed.actor, id, posted.revision()?).await;
    with_link(&web, &posted, id, done, "assessment_sent").await
}

pub async fn renew(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let done = ops::renew_link(&web.app, &posted.signed.actor, id, posted.revision()?).await;
    with_link(&web, &posted, id, done, "assessment_sent").await
}

pub async fn remind(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let done = ops::remind(&web.app, &posted.signed.actor, id).await;
    answered(&web, &posted, id, done, "reminded").await
}

pub async fn withdraw(State(web): State<Web>, Path(id): Path<Uuid>, posted: Posted) -> Result<Response, PageError> {
    let done = ops::withdraw(&web.app, &posted.signed.actor, id, posted.revision()?).await;
    answered(&web, &posted, id, done, "assessment_withdrawn").await
}

/// The questions and answers as a workbook.
pub async fn sheet(State(web): State<Web>, signed: Signed, Path(id): Path<Uuid>) -> Result<Response, PageError> {
    let bytes = ops::sheet_for(&web.app, &signed.actor, id).await?;
    Ok(workbook(bytes))
}

/// A workbook to be saved.
pub fn workbook(bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"questions.xlsx\""),
    ];
    (headers, bytes).into_response()
}
