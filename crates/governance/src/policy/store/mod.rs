//! All SQL of policy. The facts alone read across features.

pub mod exceptions;
pub mod judgements;
pub mod queue;
pub mod risk;
pub mod surroundings;
pub mod violations;
