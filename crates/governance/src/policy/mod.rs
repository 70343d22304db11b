//! Policy rules over an integration and everything around it, the violations they find, the
//! exceptions that are granted for a time, and the risk that a model scores.

mod declared;
mod exception;
mod expression;
mod facts;
pub mod ops;
mod risk;
mod risk_score;
mod rule;
mod store;
pub mod tables;
mod violation;
pub mod vocabulary;
mod workflow;

pub use declared::FEATURE;
pub use exception::{Exception, ExceptionContent, ExceptionState, Grant};
pub use expression::{Brief, Expression, Fault, Judged, LONGEST, Matched, Outcome};
pub use facts::{
    ApiFacts, AssessmentFacts, CertificationFacts, ConditionFacts, CredentialFacts, ExceptionFacts, Facts, FlowFacts,
    IntegrationFacts, OwnerFacts, OwnersFacts, ScopeFacts, SubProcessorFacts, SystemFacts, VendorFacts, VersionFacts,
};
pub use risk::{Band, Compiled, Factor, Level, Mitigation, Part, RiskModelContent, Scored};
pub use risk_score::{NewOverride, Override, OverrideState, RiskScore};
use rule::faulty;
pub use rule::{Finding, Mode, RuleContent, RuleTest, Severity, TestResult};
pub use violation::{Violation, ViolationState};
pub use workflow::{StageContent, WorkflowContent};
