//! What policy declares: its kinds of records, tables, constraints and scheduled work.

use base::feature::{Constraint, Feature, RecordKind, Scheduled, When};

use super::{ops, tables};

/// What this feature declares.
pub static FEATURE: Feature = Feature {
    records: &[
        RecordKind::of("policy_rule").named("select title from publications where id = e.subject_id").found("select id from publications where key = lower($1) or sort_key = $2").at("rules"),
        RecordKind::of("workflow").named("select title from publications where id = e.subject_id").at("workflows"),
        RecordKind::of("risk_model").named("select title from publications where id = e.subject_id").at("risk-models"),
        RecordKind::of("violation").named("select p.title || ', ' || i.name from violations t join publications p on p.id = t.rule_id join integrations i on i.id = t.integration_id where t.id = e.subject_id").at("violations"),
        RecordKind::of("exception").named("select p.title || ', ' || i.name from exceptions t join publications p on p.id = t.rule_id join integrations i on i.id = t.integration_id where t.id = e.subject_id").at("exceptions"),
        RecordKind::of("risk_score").named("select coalesce((select name from integrations where id = e.subject_id), (select name from vendors where id = e.subject_id))").at("integrations"),
        RecordKind::of("risk_override").named("select coalesce(i.name, v.name) from risk_overrides t left join integrations i on i.id = t.integration_id left join vendors v on v.id = t.vendor_id where t.id = e.subject_id"),
    ],
    tables: tables::ALL,
    constraints: &[
        Constraint::forbidden("exceptions_by_another", "Someone who did not ask for it decides, signed in on the page."),
        Constraint::forbidden("exceptions_by_another_than_the_minter", "Someone who did not ask for it decides, signed in on the page."),
        Constraint::forbidden("exceptions_by_no_token", "Someone who did not ask for it decides, signed in on the page."),
        Constraint::conflict("exceptions_one_request", "An exception from this rule is asked for already."),
        Constraint::conflict("risk_overrides_integration", "Another override was set meanwhile. Take it back first."),
        Constraint::conflict("risk_overrides_vendor", "Another override was set meanwhile. Take it back first."),
        Constraint::conflict("violations_one_each", "Somebody else did this at the same moment. Look again."),
    ],
    scheduled: &[
        Scheduled { name: "start the day of rules", when: When::EachMinute, run: |app| Box::pin(async { ops::begin_day(app).await.map(|_| ()) }) },
        Scheduled { name: "end exceptions", when: When::EachMinute, run: |app| Box::pin(async { ops::record_endings(app).await.map(|_| ()) }) },
        Scheduled { name: "remind of exceptions", when: When::EachMinute, run: |app| Box::pin(async { ops::remind_endings(app).await.map(|_| ()) }) },
        Scheduled { name: "judge integrations", when: When::AfterChanges, run: |app| Box::pin(async { ops::judge_due(app).await.map(|_| ()) }) },
    ],
    housekeeping: &["judgements", "judgements_due", "installation"],
    ..Feature::named("policy")
};
