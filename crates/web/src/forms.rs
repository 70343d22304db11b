//! Forms: what a browser posts becomes the same JSON that the API takes, and comes back beside
//! its faults.

mod fields;
mod parts;
mod posted;
mod rows;
mod tree;
mod typed;
mod view;

pub use fields::{Choice, FieldKind, FieldSpec, FormSpec, Section, SubField, choice, column, field};
pub use parts::{Parts, PostedFile};
pub use posted::Posted;
pub use tree::{Tree, TreeNode, tree};
pub use typed::Typed;
pub use view::{FormView, Likely, Their};
