//! Reading assessments.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::assessments::{
    Assessment, Demand, Flagged, Progress, QuestionnaireContent, Score, logic,
    store::{assessments, demands, findings},
};
use base::{app::App, error::Error};
use identity::{Actor, Permission};
use register::publications;

/// An assessment with what follows from its answers.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AssessmentView {
    /// The assessment.
    #[serde(flatten)]
    pub assessment: Assessment,
    /// How far it is answered.
    pub progress: Progress,
    /// What its answers score now, and how that comes about.
    pub scored: Score,
    /// What its answers raised.
    pub findings: Vec<Flagged>,
    /// What is asked.
    pub content: QuestionnaireContent,
}

/// One assessment.
pub async fn find_assessment(app: &App, actor: &Actor, id: Uuid) -> Result<Assessment, Error> {
    actor.require(Permission::Read)?;
    let found = assessments::get_many(&mut *app.db.read().await?, &[id]).await?.pop();
    found.ok_or(Error::NotFound("assessment"))
}

/// The questions that it asks.
pub async fn questions_of(app: &App, actor: &Actor, one: &Assessment) -> Result<QuestionnaireContent, Error> {
    actor.require(Permission::Read)?;
    publications::ops::content_of(&mut *app.db.read().await?, one.questionnaire_id, one.version).await
}

/// One assessment with what follows from its answers.
pub async fn view_assessment(app: &App, actor: &Actor, id: Uuid) -> Result<AssessmentView, Error> {
    let assessment = find_assessment(app, actor, id).await?;
    let content = questions_of(app, actor, &assessment).await?;
    Ok(AssessmentView {
        progress: logic::progress(&content, &assessment.answers),
        scored: logic::score(&content, &assessment.answers),
        findings: findings_of(app, actor, id).await?,
        assessment,
        content,
    })
}

/// The assessments of a vendor, newest first.
pub async fn assessments_of(app: &App, actor: &Actor, vendor: Uuid) -> Result<Vec<Assessment>, Error> {
    actor.require(Permission::Read)?;
    let mut conn = app.db.read().await?;
    let ids = assessments::of_vendor(&mut conn, vendor).await?;
    let mut found = assessments::get_many(&mut conn, &ids).await?;
    found.sort_by_key(|one| ids.iter().position(|id| *id == one.id));
    Ok(found)
}

/// What the answers of an assessment raised.
pub async fn findings_of(app: &App, actor: &Actor, id: Uuid) -> Result<Vec<Flagged>, Error> {
    actor.require(Permission::Read)?;
    findings::of_assessment(&mut *app.db.read().await?, id).await
}

/// One of these.
pub async fn find_finding(app: &App, actor: &Actor, id: Uuid) -> Result<Flagged, Error> {
    actor.require(Permission::Read)?;
    findings::get_many(&mut *app.db.read().await?, &[id]).await?.pop().ok_or(Error::NotFound("finding"))
}

/// The assessments of a vendor that are wanted and not begun.
pub async fn open_demands(app: &App, actor: &Actor, vendor: Uuid) -> Result<Vec<Demand>, Error> {
    actor.require(Permission::Read)?;
    demands::open_of(&mut *app.db.read().await?, vendor).await
}
