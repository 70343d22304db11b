//! What campaigns declare: their kinds of records, tables, constraints and scheduled work.

use base::feature::{Constraint, Feature, RecordKind, Scheduled, When};

use super::{ops, tables};

/// What this feature declares.
pub static FEATURE: Feature = Feature {
    records: &[
        RecordKind::of("campaign").named("select title from campaigns where id = e.subject_id").found("select id from campaigns where sort_key = $2").at("campaigns"),
        RecordKind::of("review_item").named("select i.name || ', ' || c.title from review_items t join integrations i on i.id = t.integration_id join campaigns c on c.id = t.campaign_id where t.id = e.subject_id").at("review-items"),
    ],
    tables: tables::ALL,
    constraints: &[
        Constraint::conflict("campaigns_one_after", "Somebody else did this at the same moment. Look again."),
        Constraint::conflict("review_items_one_each", "Somebody else did this at the same moment. Look again."),
    ],
    scheduled: &[
        Scheduled { name: "follow campaigns", when: When::EachMinute, run: |app| Box::pin(async { ops::follow(app).await.map(|_| ()) }) },
    ],
    ..Feature::named("campaigns")
};
