//! Pages of questionnaires, assessments, what is wanted, and evidence.

mod answer;
mod answers;
mod begin;
mod card;
mod evidence;
mod lists;
mod outline;
mod question;
mod questionnaire;
mod review;
mod show;
mod specs;

use axum::{
    Router,
    routing::{get, post},
};

pub use card::Assured;

use self::answer::{OfLink, OfTeam};
use super::{
    policy::{publication, standing_class},
    written,
};
use crate::Web;
use governance::assessments::QuestionnaireContent;

pub fn router() -> Router<Web> {
    Router::new()
        .route("/questionnaires", get(lists::questionnaires).post(written::create::<QuestionnaireContent>))
        .route("/questionnaires/new", get(outline::new).post(outline::create))
        .route("/questionnaires/as-yaml", get(written::new::<QuestionnaireContent>))
        .route("/questionnaires/import", post(questionnaire::import))
        .route("/questionnaires/export", get(lists::export_questionnaires))
        .route(
            "/questionnaires/{key}",
            get(publication::show::<QuestionnaireContent>).post(written::update::<QuestionnaireContent>),
        )
        .route("/questionnaires/{key}/edit", get(outline::show).post(outline::step))
        .route("/questionnaires/{key}/settings", get(outline::settings).post(outline::set))
        .route("/questionnaires/{key}/sections/{section}/new", get(question::new).post(question::create))
        .route("/questionnaires/{key}/questions/{question}", get(question::edit).post(question::update))
        .route("/questionnaires/{key}/as-yaml", get(written::edit::<QuestionnaireContent>))
        .route("/questionnaires/{key}/file", get(written::file::<QuestionnaireContent>))
        .route("/questionnaires/{key}/propose", post(publication::propose::<QuestionnaireContent>))
        .route("/questionnaires/{key}/publish", post(publication::publish::<QuestionnaireContent>))
        .route("/questionnaires/{key}/discard", post(publication::discard::<QuestionnaireContent>))
        .route("/questionnaires/{key}/go-back", post(publication::go_back::<QuestionnaireContent>))
        .route("/assessments", get(lists::assessments).post(begin::begin))
        .route("/assessments/new", get(begin::new))
        .route("/assessments/export", get(lists::export_assessments))
        .route("/assessments/{id}", get(show::show))
        .route("/assessments/{id}/send", post(show::send))
        .route("/assessments/{id}/renew", post(show::renew))
        .route("/assessments/{id}/remind", post(show::remind))
        .route("/assessments/{id}/withdraw", post(show::withdraw))
        .route("/assessments/{id}/sheet", get(show::sheet))
        .route("/assessments/{id}/remarks", post(review::remarks))
        .route("/assessments/{id}/conclude", post(review::conclude))
        .route("/assessments/{id}/answer", get(answer::show::<OfTeam>).post(answer::save::<OfTeam>))
        .route("/assessments/{id}/answer/submit", post(answer::submit::<OfTeam>))
        .route("/assessments/{id}/answer/sheet", post(answer::read_sheet::<OfTeam>))
        .route("/answer/{secret}", get(answer::show::<OfLink>).post(answer::save::<OfLink>))
        .route("/answer/{secret}/submit", post(answer::submit::<OfLink>))
        .route("/answer/{secret}/sheet", get(answer::sheet_of_link).post(answer::read_sheet::<OfLink>))
        .route("/assessment-demands", get(lists::demands).post(begin::report))
        .route("/assessment-demands/export", get(lists::export_demands))
        .route("/assessment-demands/{id}", get(begin::demand))
        .route("/assessment-demands/{id}/dismiss", post(begin::dismiss))
        .route("/assessment-findings", get(lists::findings))
        .route("/assessment-findings/export", get(lists::export_findings))
        .route("/assessment-findings/{id}/close", post(review::close))
        .route("/evidence", get(lists::evidence).post(evidence::add))
        .route("/evidence/new", get(evidence::new))
        .route("/evidence/export", get(lists::export_evidence))
        .route("/evidence/{id}/file", get(evidence::file))
        .route("/evidence/{id}/retire", post(evidence::retire))
}

/// The badge of where an assessment stands.
pub fn assessment_class(standing: &str) -> &'static str {
    match standing {
        "sent" | "answering" | "submitted" | "reviewed" => "review",
        "concluded" => "active",
        "stale" | "ended" => "over",
        _ => "draft",
    }
}

/// The badge of a conclusion.
pub fn verdict_class(verdict: &str) -> &'static str {
    match verdict {
        "ok" => "active",
        "conditional" => "due",
        _ => "over",
    }
}
