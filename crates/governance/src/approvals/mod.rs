//! Change requests: what is asked of an integration, who decides, and what was decided. The only
//! way in which governed content comes into force.

mod canonical;
mod deciding;
mod decision;
mod declared;
mod delegation;
mod merge;
pub mod ops;
mod request;
mod schema;
mod store;
pub mod tables;
mod view;

pub use canonical::{Asked, Binding, bind};
pub use decision::{Condition, Decision, NewCondition, NewDecision, Requester, Stage, Timing, Verdict};
pub use declared::FEATURE;
pub use delegation::Delegation;
pub use merge::{Merged, three_way};
pub use request::{Bound, Phase, Plan, Request, RequestKind, WorkflowRef};
pub use view::{SavedView, ViewAudience, ViewContent};
