//! The tables of assessments: what is exported of questionnaires, assessments, demands, findings and evidence.

use super::ops::{self, AssessmentRow, DemandRow, EvidenceRow, FlaggedRow};
use crate::policy::ops::PublicationRow;
use base::tables::{Table, rows};

/// The tables of this feature.
pub static ALL: &[&Table] = &[&QUESTIONNAIRES, &ASSESSMENTS, &DEMANDS, &FINDINGS, &EVIDENCE];

/// Questionnaires; export only.
pub static QUESTIONNAIRES: Table = Table {
    key: "questionnaires",
    command: "questionnaires",
    spec: &ops::QUESTIONNAIRES,
    columns: &["id", "key", "title", "mode", "severity", "version", "standing", "open_violations", "updated_at"],
    derived: &[],
    read: rows::<PublicationRow>,
    import: None,
};

/// Assessments; export only.
pub static ASSESSMENTS: Table = Table {
    key: "assessments",
    command: "assessments",
    spec: &ops::ASSESSMENTS,
    columns: &[
        "id",
        "questionnaire",
        "questionnaire_title",
        "version",
        "vendor",
        "vendor_name",
        "integration",
        "recipient",
        "team_name",
        "standing",
        "overdue",
        "due_on",
        "score",
        "verdict",
        "valid_until",
        "stale_because",
        "open_findings",
        "sent_at",
        "submitted_at",
        "concluded_at",
    ],
    derived: &[],
    read: rows::<AssessmentRow>,
    import: None,
};

/// Assessments that are required; export only.
pub static DEMANDS: Table = Table {
    key: "assessment_demands",
    command: "demands",
    spec: &ops::DEMANDS,
    columns: &[
        "id",
        "questionnaire",
        "vendor",
        "vendor_name",
        "cause",
        "reference",
        "state",
        "note",
        "assessment_id",
        "created_at",
    ],
    derived: &[],
    read: rows::<DemandRow>,
    import: None,
};

/// Findings of assessments; export only.
pub static FINDINGS: Table = Table {
    key: "assessment_findings",
    command: "findings",
    spec: &ops::FINDINGS,
    columns: &[
        "id",
        "vendor",
        "vendor_name",
        "questionnaire",
        "assessment_id",
        "question",
        "answer",
        "severity",
        "finding",
        "remediation",
        "compensating_control",
        "state",
        "note",
        "opened_at",
        "closed_at",
    ],
    derived: &[],
    read: rows::<FlaggedRow>,
    import: None,
};

/// Evidence; export only.
pub static EVIDENCE: Table = Table {
    key: "evidence",
    command: "evidence",
    spec: &ops::EVIDENCE,
    columns: &[
        "id",
        "title",
        "vendor",
        "vendor_name",
        "assessment_id",
        "url",
        "file_name",
        "media_type",
        "size",
        "sha256",
        "certification",
        "valid_until",
        "state",
        "given_by_name",
        "given_at",
    ],
    derived: &[],
    read: rows::<EvidenceRow>,
    import: None,
};
