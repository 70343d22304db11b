//! The verbs of recertification.

mod decide;
mod find;
mod follow;
mod launch;
mod letters;
mod lists;

pub use decide::{NewReview, decide, keep_all};
pub use find::{ItemView, Standing, find_campaign, find_item, next_item, standing, view_item};
pub use follow::follow;
pub use launch::plan;
pub use lists::{CAMPAIGNS, CampaignRow, REVIEW_ITEMS, ReviewItemRow};
