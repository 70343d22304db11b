//! A policy rule: what it looks for, how grave that is, what follows, and the cases that prove it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Expression, Facts, Judged, Matched, Outcome};
use base::{check::Check, error::Error, words};
use register::publications::{NamedGroup, Publishable};

words! {
    /// How grave a violation is.
    #[derive(Default)]
    Severity, "/severity" {
        /// To be mended when it suits.
        Low = "low",
        /// To be mended.
        #[default]
        Medium = "medium",
        /// To be mended soon.
        High = "high",
        /// To be mended now.
        Critical = "critical",
    }
}

words! {
    /// What follows where it fires.
    #[derive(Default)]
    Mode, "/mode" {
        /// It is not evaluated.
        Off = "off",
        /// It is evaluated; only those who govern see what it finds.
        #[default]
        Shadow = "shadow",
        /// Violations are shown to everybody.
        Warn = "warn",
        /// As warn; and nothing is submitted or goes live that violates it without an exception.
        Block = "block",
    }
}

/// A case that proves a rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleTest {
    /// What it shows.
    pub name: String,
    /// What differs from the sample integration, with which nothing is wrong (RFC 7396).
    #[serde(default)]
    #[schema(value_type = Object)]
    pub facts: Value,
    /// Whether the rule fires.
    pub fires: bool,
}

/// What a governance lead writes of a rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleContent {
    /// Its key, such as `restricted-data-needs-dpa`; made from the title where absent. Does not change.
    #[serde(default)]
    pub key: String,
    /// What it demands, in a line.
    pub title: String,
    /// Why it exists.
    #[serde(default)]
    pub why: Option<String>,
    /// CEL over the facts: true where it is violated.
    pub expression: String,
    /// How grave a violation is.
    #[serde(default)]
    pub severity: Severity,
    /// What follows.
    #[serde(default)]
    pub mode: Mode,
    /// Slugs of the review groups that decide besides where it fires.
    #[serde(default)]
    pub review_groups: Vec<String>,
    /// How it is mended.
    #[serde(default)]
    pub remediation: Option<String>,
    /// Cases that prove it.
    #[serde(default)]
    pub tests: Vec<RuleTest>,
}

/// How a case went.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TestResult {
    /// What it shows.
    pub name: String,
    /// Whether it went as it should.
    pub passed: bool,
    /// What happened.
    pub outcome: String,
}

impl RuleContent {
    /// Runs its cases. Faulty facts fail their case.
    pub fn run_tests(&self) -> Result<Vec<TestResult>, Error> {
        let expression = self.compile()?;
        let run = |test: &RuleTest| {
            let said = match Facts::sample_with(&test.facts) {
                Ok(facts) => expression.judge(&Judged::new(&facts)),
                Err(error) => Outcome::Failed(error.to_string()),
            };
            let (passed, outcome) = match said {
                Outcome::Fires(_) => (test.fires, "It fires.".to_owned()),
                Outcome::Quiet => (!test.fires, "It does not fire.".to_owned()),
                Outcome::Failed(why) => (false, format!("It cannot be evaluated: {why}")),
            };
            TestResult { name: test.name.clone(), passed, outcome }
        };
        Ok(base::foreign::compute(|| self.tests.iter().map(run).collect()))
    }

    /// Its expression, compiled; faults by line and column.
    pub fn compile(&self) -> Result<Expression, Error> {
        Expression::compile(&self.expression).map_err(|faults| faulty("/expression", &faults))
    }
}

/// The faults of an expression as field errors.
pub(super) fn faulty(pointer: &str, faults: &[super::Fault]) -> Error {
    let mut check = Check::new();
    for fault in faults {
        check.fault(pointer, fault.to_string());
    }
    check.finish().err().unwrap_or_else(|| Error::internal("no faults"))
}

/// Checks a key: lower-case words joined by dashes.
pub(super) fn key(check: &mut Check, key: &mut String, title: &str, fallback: &str) {
    *key = key.trim().to_owned();
    check.slug("/key", key, title, fallback);
}

impl Publishable for RuleContent {
    const KIND: &'static str = "policy_rule";
    const NOUN: &'static str = "rule";
    fn key(&self) -> &str {
        &self.key
    }
    fn title(&self) -> &str {
        &self.title
    }
    fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        check.required("/title", &mut self.title, 200);
        key(&mut check, &mut self.key, &self.title, "rule");
        check.optional("/why", &mut self.why, 4000);
        check.optional("/remediation", &mut self.remediation, 4000);
        check.at_most("/review_groups", self.review_groups.len(), 10);
        check.at_most("/tests", self.tests.len(), 50);
        for (n, group) in self.review_groups.iter().enumerate() {
            check.identifier(&format!("/review_groups/{n}"), group, 100);
        }
        self.expression = self.expression.replace("\r\n", "\n").trim().to_owned();
        if let Err(faults) = Expression::compile(&self.expression) {
            for fault in faults {
                check.fault("/expression", fault.to_string());
            }
        }
        for (n, test) in self.tests.iter_mut().enumerate() {
            check.required(&format!("/tests/{n}/name"), &mut test.name, 200);
            if test.facts.is_null() {
                test.facts = Value::Object(serde_json::Map::new());
            }
            if let Err(error) = Facts::sample_with(&test.facts) {
                check.fault(&format!("/tests/{n}/facts"), error.to_string());
            }
        }
        check.finish()?;
        Ok(self)
    }
    fn ready(&self) -> Result<(), Error> {
        let mut check = Check::new();
        if !self.tests.iter().any(|test| test.fires) || !self.tests.iter().any(|test| !test.fires) {
            check.fault("/tests", "Prove it by at least one case in which it fires and one in which it does not.");
        }
        for (n, result) in self.run_tests()?.into_iter().enumerate().filter(|(_, result)| !result.passed) {
            check.fault(&format!("/tests/{n}"), format!("The case '{}' fails: {}", result.name, result.outcome));
        }
        check.finish()
    }
    fn groups(&self) -> Vec<NamedGroup> {
        let named = |(n, slug): (usize, &String)| NamedGroup {
            pointer: format!("/review_groups/{n}"),
            group: slug.clone(),
            approvals: 1,
        };
        self.review_groups.iter().enumerate().map(named).collect()
    }
    fn facets(&self) -> (&'static str, &'static str) {
        (self.mode.key(), self.severity.key())
    }
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// The rule's id.
    pub rule_id: Uuid,
    /// The rule's key.
    pub rule: String,
    /// The version that was evaluated.
    pub version: i32,
    /// What it demands.
    pub title: String,
    /// How grave it is.
    pub severity: Severity,
    /// What follows.
    pub mode: Mode,
    /// The values that made it fire.
    pub matched: Vec<Matched>,
    /// Why it could not be evaluated, where that is what was found.
    pub failure: Option<String>,
    /// The last day of the exception that holds.
    pub excepted_until: Option<chrono::NaiveDate>,
    /// How it is mended.
    pub remediation: Option<String>,
    /// Review groups that decide besides.
    pub review_groups: Vec<String>,
}

impl Finding {
    /// Whether it stops a submission or going live.
    pub fn blocks(&self) -> bool {
        self.mode == Mode::Block && self.excepted_until.is_none()
    }

    /// Whether everybody sees it; the others are for those who govern.
    pub fn is_shown(&self) -> bool {
        matches!(self.mode, Mode::Warn | Mode::Block)
    }
}
