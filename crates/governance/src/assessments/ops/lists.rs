//! The lists of questionnaires, assessments, what is wanted, findings and evidence.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use base::lists::{Filter, NAME_AND_TIME, Sort, Spec, Test};

/// The list of questionnaires.
pub static QUESTIONNAIRES: Spec = Spec {
    kind: "questionnaire",
    from: "(select * from publications where kind = 'questionnaire') t",
    columns: "t.id, t.key, t.title, t.mode, t.severity, t.version, t.updated_at, t.revision, 0::int8 as open_violations,
        case when t.proposed_by is not null then 'proposed' when t.draft is not null then 'draft' else 'published' end as standing",
    filters: &[
        Filter::facet("mode", "Answered by", Test::Equals("t.mode")),
        Filter::facet(
            "standing",
            "Stands at",
            Test::Equals(
                "case when t.proposed_by is not null then 'proposed' when t.draft is not null then 'draft' else 'published' end",
            ),
        ),
    ],
    sorts: NAME_AND_TIME,
};

/// Where an assessment stands on a day.
const STANDING: &str = "case when t.state = 'concluded' and t.valid_until < {today} then 'ended' else t.state end";
const OVERDUE: &str = "case when t.state in ('sent', 'answering') and t.due_on < {today} then 'yes' else 'no' end";

/// The list of assessments.
pub static ASSESSMENTS: Spec = Spec {
    kind: "assessment",
    from: "assessments t join publications q on q.id = t.questionnaire_id join vendors v on v.id = t.vendor_id
        left join integrations i on i.id = t.integration_id left join teams o on o.id = t.team_id",
    columns: "t.id, q.key as questionnaire, q.title as questionnaire_title, t.version, v.slug as vendor,
        v.name as vendor_name, i.slug as integration, i.name as integration_name, t.recipient, o.name as team_name,
        t.due_on, t.score, t.verdict, t.valid_until, t.stale_because, t.created_at, t.sent_at, t.submitted_at,
        t.concluded_at, t.updated_at, t.revision,
        (select count(*) from assessment_findings f where f.assessment_id = t.id and f.state = 'open') as open_findings,
        case when t.state = 'concluded' and t.valid_until < {today} then 'ended' else t.state end as standing,
        (t.state in ('sent', 'answering') and t.due_on < {today}) as overdue",
    filters: &[
        Filter::facet("standing", "Stands at", Test::Equals(STANDING)),
        Filter::facet("verdict", "Conclusion", Test::Equals("t.verdict")),
        Filter::facet("questionnaire", "Questionnaire", Test::Named("q.key", "q.title")),
        Filter::facet("vendor", "Vendor", Test::Named("v.slug", "v.name")),
        Filter::plain("overdue", "Overdue", Test::Equals(OVERDUE)),
        Filter::plain("team", "Team", Test::Equals("o.slug")),
        Filter::plain("integration", "Integration", Test::Equals("i.slug")),
        Filter::plain("due_before", "Due before", Test::Before("t.due_on")),
        Filter::plain("ends_before", "Ends before", Test::Before("t.valid_until")),
    ],
    sorts: &[
        Sort { name: "due_on", column: "t.due_on", cast: "date", label: "Due" },
        NAME_AND_TIME[0],
        NAME_AND_TIME[1],
    ],
};

/// An assessment in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct AssessmentRow {
    /// Immutable id.
    pub id: Uuid,
    /// The questionnaire's key.
    pub questionnaire: String,
    /// What it is called.
    pub questionnaire_title: String,
    /// The version that was sent.
    pub version: i32,
    /// The vendor's slug.
    pub vendor: String,
    /// The vendor's name.
    pub vendor_name: String,
    /// Slug of the integration, where it is about one alone.
    pub integration: Option<String>,
    /// Its name.
    pub integration_name: Option<String>,
    /// Where the vendor's link goes.
    pub recipient: Option<String>,
    /// The name of the team that answers.
    pub team_name: Option<String>,
    /// Where it stands today.
    pub standing: String,
    /// Whether answers are overdue.
    pub overdue: bool,
    /// By when it is to be answered.
    pub due_on: NaiveDate,
    /// What it scored, 0 to 100.
    pub score: Option<i32>,
    /// `ok`, `conditional` or `blocker`.
    pub verdict: Option<String>,
    /// The last day on which the conclusion holds.
    pub valid_until: Option<NaiveDate>,
    /// Why it went stale.
    pub stale_because: Option<String>,
    /// Findings that are open.
    pub open_findings: i64,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When it was sent.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it was submitted.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When it was concluded.
    pub concluded_at: Option<DateTime<Utc>>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
}

/// The list of what is wanted.
pub static DEMANDS: Spec = Spec {
    kind: "assessment_demand",
    from: "assessment_demands t join publications q on q.id = t.questionnaire_id join vendors v on v.id = t.vendor_id",
    columns: "t.id, q.key as questionnaire, q.title as questionnaire_title, v.slug as vendor, v.name as vendor_name,
        t.cause, t.reference, t.state, t.note, t.assessment_id, t.created_at, t.updated_at, t.revision",
    filters: &[
        Filter::facet("state", "Stands at", Test::Equals("t.state")),
        Filter::facet("cause", "Because of", Test::Equals("t.cause")),
        Filter::facet("questionnaire", "Questionnaire", Test::Named("q.key", "q.title")),
        Filter::facet("vendor", "Vendor", Test::Named("v.slug", "v.name")),
    ],
    sorts: NAME_AND_TIME,
};

/// What is wanted, in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct DemandRow {
    /// Immutable id.
    pub id: Uuid,
    /// The questionnaire's key.
    pub questionnaire: String,
    /// What it is called.
    pub questionnaire_title: String,
    /// The vendor's slug.
    pub vendor: String,
    /// The vendor's name.
    pub vendor_name: String,
    /// What asks for it.
    pub cause: String,
    /// Which one of its kind.
    pub reference: String,
    /// `open`, `answered` or `dismissed`.
    pub state: String,
    /// Why none is needed.
    pub note: Option<String>,
    /// The assessment that was begun.
    pub assessment_id: Option<Uuid>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
}

/// The list of what answers raised.
pub static FINDINGS: Spec = Spec {
    kind: "assessment_finding",
    from: "(select * from assessment_findings where state <> 'dropped') t join assessments s on s.id = t.assessment_id
        join publications q on q.id = s.questionnaire_id join vendors v on v.id = s.vendor_id",
    columns:
        "t.id, t.assessment_id, t.question, t.answer, t.severity, t.finding, t.remediation, t.compensating_control,
        t.state, t.note, t.opened_at, t.closed_at, v.slug as vendor, v.name as vendor_name,
        q.key as questionnaire, t.updated_at, t.revision",
    filters: &[
        Filter::facet("state", "Stands at", Test::Equals("t.state")),
        Filter::facet("severity", "Severity", Test::Equals("t.severity")),
        Filter::facet("vendor", "Vendor", Test::Named("v.slug", "v.name")),
        Filter::facet("questionnaire", "Questionnaire", Test::Named("q.key", "q.title")),
    ],
    sorts: NAME_AND_TIME,
};

/// What an answer raised, in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct FlaggedRow {
    /// Immutable id.
    pub id: Uuid,
    /// The assessment.
    pub assessment_id: Uuid,
    /// Key of the question.
    pub question: String,
    /// What was answered.
    pub answer: String,
    /// How grave it is.
    pub severity: String,
    /// What was found.
    pub finding: String,
    /// How it is mended.
    pub remediation: Option<String>,
    /// What keeps the risk small.
    pub compensating_control: Option<String>,
    /// `open`, `mended` or `accepted`.
    pub state: String,
    /// What was done, or why it may stay.
    pub note: Option<String>,
    /// The vendor's slug.
    pub vendor: String,
    /// The vendor's name.
    pub vendor_name: String,
    /// The questionnaire's key.
    pub questionnaire: String,
    /// When it was found.
    pub opened_at: DateTime<Utc>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
}

/// The list of evidence.
pub static EVIDENCE: Spec = Spec {
    kind: "evidence",
    from: "evidence t join vendors v on v.id = t.vendor_id left join people p on p.id = t.given_by",
    columns:
        "t.id, t.title, v.slug as vendor, v.name as vendor_name, t.assessment_id, t.url, t.file_name, t.media_type,
        t.size, t.sha256, t.certification, t.valid_until, t.state, p.name as given_by_name, t.given_at, t.updated_at,
        t.revision, (t.valid_until < {today}) as ended",
    filters: &[
        Filter::facet("state", "State", Test::Equals("t.state")),
        Filter::facet("certification", "Proves", Test::Equals("t.certification")),
        Filter::facet("vendor", "Vendor", Test::Named("v.slug", "v.name")),
        Filter::plain("ends_before", "Ends before", Test::Before("t.valid_until")),
    ],
    sorts: NAME_AND_TIME,
};

/// Evidence in a list.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct EvidenceRow {
    /// Immutable id.
    pub id: Uuid,
    /// What it is.
    pub title: String,
    /// The vendor's slug.
    pub vendor: String,
    /// The vendor's name.
    pub vendor_name: String,
    /// The assessment in which it was given.
    pub assessment_id: Option<Uuid>,
    /// Where it can be seen.
    pub url: Option<String>,
    /// Name of the file.
    pub file_name: Option<String>,
    /// Its media type.
    pub media_type: Option<String>,
    /// Its size in bytes.
    pub size: Option<i64>,
    /// SHA-256 of its bytes.
    pub sha256: Option<String>,
    /// The certificate or report that it proves.
    pub certification: Option<String>,
    /// The last day on which it holds.
    pub valid_until: Option<NaiveDate>,
    /// Whether that day is past.
    pub ended: Option<bool>,
    /// Whether it is in use.
    pub state: String,
    /// Who gave it.
    pub given_by_name: Option<String>,
    /// When.
    pub given_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Rises with each change.
    pub revision: i64,
}
