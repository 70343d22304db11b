//! The verbs of policy: judging, trying a rule before it is published, exceptions.

mod assemble;
mod exceptions;
mod in_force;
mod judge;
mod lists;
mod pack;
mod preview;
mod risk;
mod seen;
mod settle;
mod worker;

pub use exceptions::{
    decide_exception, exceptions_of, find_exception, get_exceptions, record_endings, remind_endings, request_exception,
    revoke_exception,
};
pub use in_force::RuleCache;
pub use judge::{Judgement, Subject, facts_of, judge, judge_in};
pub use lists::{
    EXCEPTIONS, ExceptionRow, PublicationRow, RISK_MODELS, RULES, VIOLATIONS, ViolationRow, WORKFLOWS, violations_list,
};
pub use pack::{rules_of_pack, seed_rules};
pub use preview::{Fired, Preview, preview};
pub use risk::{
    Overridden, Risk, RiskMoment, follow_vendor, lift_override, model_of_pack, risk_of, risk_of_vendor,
    seed_risk_model, set_override,
};
pub use seen::{find_violation, findings_now, violations_of};
pub use settle::judge_and_settle;
pub use worker::{begin_day, judge_due};
