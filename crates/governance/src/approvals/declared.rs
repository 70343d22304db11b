//! What approvals declare: their kinds of records, tables, constraints and scheduled work.

use base::feature::{Constraint, Feature, RecordKind, Scheduled, When};

use super::{deciding::LAPSED, ops, tables};

const NOT_BY_THEM: &str =
    "Someone of the stage's group decides who neither asked for it, took part in it, nor owns it or did lately.";

/// What this feature declares.
pub static FEATURE: Feature = Feature {
    records: &[
        RecordKind::of("change_request").named("select title from change_requests where id = e.subject_id").found("select id from change_requests where sort_key = $2").at("requests"),
        RecordKind::of("delegation").named("select f.name || ' to ' || p.name from delegations t join people f on f.id = t.from_id join people p on p.id = t.to_id where t.id = e.subject_id"),
        RecordKind::of("saved_view").named("select name from saved_views where id = e.subject_id"),
    ],
    tables: tables::ALL,
    constraints: &[
        Constraint::conflict("change_requests_one_unclosed", "There is an open request for this integration already."),
        Constraint::conflict("request_decisions_once", "You have decided on this already."),
        Constraint::conflict("request_decisions_on_open_content", "It changed since you looked. Look again, then decide."),
        Constraint::forbidden("request_decisions_not_by_requester", NOT_BY_THEM),
        Constraint::forbidden("request_decisions_not_by_participant", NOT_BY_THEM),
        Constraint::forbidden("request_decisions_not_by_owner", NOT_BY_THEM),
        Constraint::forbidden("request_decisions_by_the_group", NOT_BY_THEM),
        Constraint::forbidden("request_decisions_by_no_token", NOT_BY_THEM),
        Constraint::conflict("change_requests_approved_by_decisions", LAPSED),
        Constraint::conflict("change_requests_bound_reason", "The reason is part of what was decided on. Ask for changes, or withdraw it and ask again."),
        Constraint::conflict("change_requests_applied_when_met", "A condition has to be met before it goes live."),
    ],
    scheduled: &[
        Scheduled { name: "remind of approvals", when: When::EachMinute, run: |app| Box::pin(async { ops::remind(app).await.map(|_| ()) }) },
        Scheduled { name: "remind of conditions", when: When::EachMinute, run: |app| Box::pin(async { ops::remind_conditions(app).await.map(|_| ()) }) },
        Scheduled { name: "recount approvals", when: When::EachMinute, run: |app| Box::pin(async { ops::recount_lapsed(app).await.map(|_| ()) }) },
        Scheduled { name: "escalate approvals", when: When::EachMinute, run: |app| Box::pin(async { ops::escalate(app).await.map(|_| ()) }) },
    ],
    ..Feature::named("approvals")
};
