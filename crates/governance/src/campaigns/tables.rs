//! The tables of campaigns: what is exported of campaigns and review items.

use super::ops::{self, CampaignRow, ReviewItemRow};
use base::tables::{Table, rows};

/// The tables of this feature.
pub static ALL: &[&Table] = &[&CAMPAIGNS, &REVIEW_ITEMS];

/// Recertification campaigns; export only.
pub static CAMPAIGNS: Table = Table {
    key: "campaigns",
    command: "campaigns",
    spec: &ops::CAMPAIGNS,
    columns: &[
        "id",
        "title",
        "state",
        "starts_on",
        "ends_on",
        "group_name",
        "items",
        "open",
        "launched_at",
        "ended_at",
    ],
    derived: &[],
    read: rows::<CampaignRow>,
    import: None,
};

/// Review items with their evidence; export only.
pub static REVIEW_ITEMS: Table = Table {
    key: "review_items",
    command: "review-items",
    spec: &ops::REVIEW_ITEMS,
    columns: &[
        "id",
        "campaign_id",
        "campaign",
        "integration",
        "integration_name",
        "owner",
        "state",
        "suggestion",
        "findings",
        "reason",
        "own",
        "decided_by_name",
        "decided_at",
        "request_id",
        "escalated_at",
        "evidence",
    ],
    derived: &[],
    read: rows::<ReviewItemRow>,
    import: None,
};
