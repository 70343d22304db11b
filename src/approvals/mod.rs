//! Change requests: what is asked of an integration, who decides, and what was decided. The only
//! way in which governed content comes into force.

mod canonical;
mod decision;
mod merge;
pub mod ops;
mod request;
mod store;
mod view;

pub use canonical::{Binding, bind};
pub use decision::{Decision, NewDecision, Requester, Stage, Verdict};
pub use merge::{Merged, three_way};
pub use request::{Bound, Phase, Request, RequestKind};
pub use view::{SavedView, ViewAudience, ViewContent};
