//! What assessments declare: their kinds of records, tables, constraints and scheduled work.

use base::feature::{Constraint, Feature, RecordKind, Scheduled, When};

use super::{ops, tables};

/// What this feature declares.
pub static FEATURE: Feature = Feature {
    records: &[
        RecordKind::of("questionnaire").named("select title from publications where id = e.subject_id").at("questionnaires"),
        RecordKind::of("assessment").named("select p.title || ', ' || coalesce(v.name, i.name, '') from assessments t join publications p on p.id = t.questionnaire_id left join vendors v on v.id = t.vendor_id left join integrations i on i.id = t.integration_id where t.id = e.subject_id").at("assessments"),
        RecordKind::of("assessment_demand").named("select p.title || ', ' || v.name from assessment_demands t join publications p on p.id = t.questionnaire_id join vendors v on v.id = t.vendor_id where t.id = e.subject_id").at("assessment-demands"),
        RecordKind::of("assessment_finding").named("select finding from assessment_findings where id = e.subject_id"),
        RecordKind::of("evidence").named("select title from evidence where id = e.subject_id").found("select id from evidence where sort_key = $2"),
    ],
    tables: tables::ALL,
    constraints: &[
        Constraint::forbidden("assessments_by_another", "You gave these answers, or minted the token that did. Someone else reviews them."),
        Constraint::conflict("assessments_one_under_way", "An assessment by this questionnaire is under way already. Finish it, or withdraw it first."),
        Constraint::conflict("assessment_findings_one_each", "Somebody else did this at the same moment. Look again."),
    ],
    scheduled: &[
        Scheduled { name: "start the day of assessments", when: When::EachMinute, run: |app| Box::pin(async { ops::begin_day(app).await.map(|_| ()) }) },
        Scheduled { name: "remind of assessments", when: When::EachMinute, run: |app| Box::pin(async { ops::remind_due(app).await.map(|_| ()) }) },
        Scheduled { name: "follow up vendors", when: When::AfterChanges, run: |app| Box::pin(async { ops::follow_due(app).await.map(|_| ()) }) },
    ],
    housekeeping: &["assessments_due"],
    ..Feature::named("assessments")
};
