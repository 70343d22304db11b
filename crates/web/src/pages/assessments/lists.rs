//! The lists of questionnaires, assessments, what is wanted, findings and evidence.

use axum::{extract::State, response::Response};

use super::{assessment_class, standing_class, verdict_class};
use crate::{
    Web,
    error::PageError,
    extract::{Pairs, Signed},
    pages::{
        list::{self, Cell, Column, Frame, Link},
        policy::severity_class,
        view::{ago, day, exact},
    },
};
use base::words::label;
use governance::{
    assessments::ops::{self, AssessmentRow, DemandRow, EvidenceRow, FlaggedRow, may_assess},
    assessments::tables,
    policy::ops::PublicationRow,
};
use identity::Permission;

const fn column(label: &'static str, class: &'static str) -> Column {
    Column { label, class }
}

const QUESTIONNAIRES: &[Column] = &[
    column("Questionnaire", ""),
    column("Answered by", ""),
    column("Version", "num"),
    column("Stands at", ""),
    column("Last change", ""),
];

pub async fn questionnaires(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let actions = if signed.actor.may(Permission::Govern) {
        vec![
            Link::other("From a file", "/questionnaires/as-yaml"),
            Link::main("New questionnaire", "/questionnaires/new"),
        ]
    } else {
        vec![]
    };
    let frame = Frame {
        title: "Questionnaires",
        path: "/questionnaires",
        noun: "questionnaires",
        columns: QUESTIONNAIRES,
        actions,
        empty_text: "A questionnaire says what a vendor or an owner is asked, what an answer scores, and which one is a red flag.",
    };
    let now = web.app.clock.now();
    list::show(&web, &signed, &pairs, &ops::QUESTIONNAIRES, frame, |row: PublicationRow| {
        let version = if row.version == 0 { Cell::soft("–", None) } else { Cell::number(i64::from(row.version)) };
        vec![
            Cell::name(&row.title, format!("/questionnaires/{}", row.key), Some(row.key.clone())),
            Cell::text(if row.mode == "owner" { "A team of ours" } else { "The vendor" }),
            version,
            Cell::badge(standing_class(&row.standing), label(&row.standing)),
            Cell::soft(ago(row.updated_at, now), Some(exact(row.updated_at))),
        ]
    })
    .await
}

pub async fn export_questionnaires(
    State(web): State<Web>,
    signed: Signed,
    pairs: Pairs,
) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::QUESTIONNAIRES, &pairs).await
}

const ASSESSMENTS: &[Column] = &[
    column("Assessment", ""),
    column("Stands at", ""),
    column("Due", ""),
    column("Score", "num"),
    column("Conclusion", ""),
    column("Open findings", "num"),
];

pub async fn assessments(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let mut actions = vec![
        Link::other("Wanted", "/assessment-demands?state=open"),
        Link::other("Findings", "/assessment-findings?state=open"),
    ];
    if may_assess(&signed.actor) {
        actions.push(Link::main("New assessment", "/assessments/new"));
    }
    let frame = Frame {
        title: "Assessments",
        path: "/assessments",
        noun: "assessments",
        columns: ASSESSMENTS,
        actions,
        empty_text: "An assessment sends a questionnaire to a vendor by a link, or to a team of ours.",
    };
    let today = web.app.today().await?;
    list::show(&web, &signed, &pairs, &ops::ASSESSMENTS, frame, |row: AssessmentRow| {
        let open = matches!(row.standing.as_str(), "draft" | "sent" | "answering");
        let due = if !open {
            Cell::soft("–", Some(row.due_on.to_string()))
        } else if row.overdue {
            Cell { title: Some(row.due_on.to_string()), ..Cell::badge("over", day(row.due_on, today)) }
        } else {
            Cell::soft(day(row.due_on, today), Some(row.due_on.to_string()))
        };
        let about: Vec<String> = [Some(row.questionnaire_title), row.integration_name, row.team_name.or(row.recipient)]
            .into_iter()
            .flatten()
            .collect();
        let verdict = match (&row.verdict, row.valid_until) {
            (Some(verdict), Some(until)) => {
                Cell { sub: Some(format!("until {until}")), ..Cell::badge(verdict_class(verdict), label(verdict)) }
            }
            _ => Cell::soft("–", None),
        };
        vec![
            Cell::name(&row.vendor_name, format!("/assessments/{}", row.id), Some(about.join(" · "))),
            Cell { sub: row.stale_because, ..Cell::badge(assessment_class(&row.standing), label(&row.standing)) },
            due,
            row.score
                .map_or_else(|| Cell { td: "num", ..Cell::soft("–", None) }, |score| Cell::number(i64::from(score))),
            verdict,
            Cell::number(row.open_findings),
        ]
    })
    .await
}

pub async fn export_assessments(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::ASSESSMENTS, &pairs).await
}

const DEMANDS: &[Column] = &[
    column("Vendor", ""),
    column("Because of", ""),
    column("Questionnaire", ""),
    column("Stands at", ""),
    column("Since", ""),
];

pub async fn demands(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let frame = Frame {
        title: "Wanted assessments",
        path: "/assessment-demands",
        noun: "wanted assessments",
        columns: DEMANDS,
        actions: vec![Link::other("All assessments", "/assessments")],
        empty_text: "A new data class, a new country, an incident or a conclusion that ends asks for an assessment, once each.",
    };
    let now = web.app.clock.now();
    list::show(&web, &signed, &pairs, &ops::DEMANDS, frame, |row: DemandRow| {
        let because = if row.cause == "renewal" || row.reference.is_empty() { None } else { Some(row.reference) };
        vec![
            Cell::name(&row.vendor_name, format!("/assessment-demands/{}", row.id), row.note),
            Cell { sub: because, ..Cell::text(label(&row.cause)) },
            Cell::text(row.questionnaire_title),
            Cell::badge(if row.state == "open" { "due" } else { "draft" }, label(&row.state)),
            Cell::soft(ago(row.created_at, now), Some(exact(row.created_at))),
        ]
    })
    .await
}

pub async fn export_demands(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::DEMANDS, &pairs).await
}

const FINDINGS: &[Column] = &[
    column("Finding", ""),
    column("Vendor", ""),
    column("Severity", ""),
    column("Stands at", ""),
    column("Answer", ""),
    column("Since", ""),
];

pub async fn findings(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let frame = Frame {
        title: "Findings of assessments",
        path: "/assessment-findings",
        noun: "findings",
        columns: FINDINGS,
        actions: vec![Link::other("All assessments", "/assessments")],
        empty_text: "An answer that is a red flag opens a finding when it is submitted.",
    };
    let now = web.app.clock.now();
    list::show(&web, &signed, &pairs, &ops::FINDINGS, frame, |row: FlaggedRow| {
        let state = if row.state == "open" { "over" } else { "active" };
        vec![
            Cell::name(&row.finding, format!("/assessments/{}#findings", row.assessment_id), row.note),
            Cell::text(row.vendor_name),
            Cell::badge(severity_class(&row.severity), label(&row.severity)),
            Cell::badge(state, label(&row.state)),
            Cell::text(row.answer),
            Cell::soft(ago(row.opened_at, now), Some(exact(row.opened_at))),
        ]
    })
    .await
}

pub async fn export_findings(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::FINDINGS, &pairs).await
}

const EVIDENCE: &[Column] = &[
    column("Evidence", ""),
    column("Vendor", ""),
    column("Proves", ""),
    column("Holds until", ""),
    column("Given", ""),
    column("State", ""),
];

pub async fn evidence(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    let actions = if may_assess(&signed.actor) { vec![Link::main("Add evidence", "/evidence/new")] } else { vec![] };
    let frame = Frame {
        title: "Evidence",
        path: "/evidence",
        noun: "pieces of evidence",
        columns: EVIDENCE,
        actions,
        empty_text: "Links and files that prove certificates and answers; files are kept with the SHA-256 of their bytes.",
    };
    let (now, today) = (web.app.clock.now(), web.app.today().await?);
    list::show(&web, &signed, &pairs, &ops::EVIDENCE, frame, |row: EvidenceRow| {
        let address = row.url.unwrap_or_else(|| format!("/evidence/{}/file", row.id));
        let holds = match row.valid_until {
            Some(until) if row.ended == Some(true) => {
                Cell { title: Some(until.to_string()), ..Cell::badge("over", day(until, today)) }
            }
            Some(until) => Cell::soft(day(until, today), Some(until.to_string())),
            None => Cell::soft("–", None),
        };
        vec![
            Cell::name(&row.title, address, row.file_name),
            Cell::text(row.vendor_name),
            row.certification.map_or_else(|| Cell::soft("–", None), Cell::text),
            holds,
            Cell { sub: row.given_by_name, ..Cell::soft(ago(row.given_at, now), Some(exact(row.given_at))) },
            list::state(&row.state),
        ]
    })
    .await
}

pub async fn export_evidence(State(web): State<Web>, signed: Signed, pairs: Pairs) -> Result<Response, PageError> {
    list::export(&web, &signed.actor, &tables::EVIDENCE, &pairs).await
}
