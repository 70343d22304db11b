//! A workflow: the stages through which a change request goes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Expression;
use base::{check::Check, error::Error};
use identity::seats::Twice;
use register::publications::{NamedGroup, Publishable};

/// The kinds of change request, as a workflow names them.
pub const KINDS: [&str; 5] = ["register", "change", "reactivate", "deprecate", "retire"];

/// One stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StageContent {
    /// Its name.
    pub name: String,
    /// Slug of the review group that decides.
    pub review_group: String,
    /// How many approvals it needs.
    #[serde(default = "one")]
    pub approvals: i32,
    /// Working hours after which it is overdue.
    #[serde(default)]
    pub due_hours: Option<i32>,
    /// CEL over the facts: the stage is passed through only where it says true; always where empty.
    #[serde(default)]
    pub condition: Option<String>,
}

fn one() -> i32 {
    1
}

/// What a governance lead writes of a workflow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkflowContent {
    /// Its key; made from the title where absent. Does not change.
    #[serde(default)]
    pub key: String,
    /// What it is called.
    pub title: String,
    /// The kinds of change request that go through it: register, change, reactivate, deprecate, retire.
    pub kinds: Vec<String>,
    /// The stages, in their order.
    pub stages: Vec<StageContent>,
    /// Whether one person may decide in several stages of a request.
    #[serde(default)]
    pub same_person_twice: bool,
    /// Whether it holds; a workflow that is off leaves its kinds to the approving group of the settings.
    #[serde(default = "yes")]
    pub in_use: bool,
}

fn yes() -> bool {
    true
}

impl Publishable for WorkflowContent {
    const KIND: &'static str = "workflow";
    const NOUN: &'static str = "workflow";
    fn key(&self) -> &str {
        &self.key
    }
    fn title(&self) -> &str {
        &self.title
    }
    fn checked(mut self) -> Result<Self, Error> {
        let mut check = Check::new();
        check.required("/title", &mut self.title, 200);
        super::rule::key(&mut check, &mut self.key, &self.title, "workflow");
        self.kinds.sort_by_key(|kind| KINDS.iter().position(|known| known == kind));
        self.kinds.dedup();
        for (n, kind) in self.kinds.iter().enumerate().filter(|(_, kind)| !KINDS.contains(&kind.as_str())) {
            check.fault(&format!("/kinds/{n}"), format!("'{kind}' is no kind of request. Use {}.", KINDS.join(", ")));
        }
        if self.kinds.is_empty() {
            check.fault("/kinds", "Say which kinds of request go through it.");
        }
        if self.stages.is_empty() {
            check.fault("/stages", "A workflow has at least one stage.");
        }
        check.at_most("/stages", self.stages.len(), 10);
        for (n, stage) in self.stages.iter_mut().enumerate() {
            check.required(&format!("/stages/{n}/name"), &mut stage.name, 100);
            check.required(&format!("/stages/{n}/review_group"), &mut stage.review_group, 100);
            if !(1..=20).contains(&stage.approvals) {
                check.fault(&format!("/stages/{n}/approvals"), "Give 1 to 20 approvals.");
            }
            if stage.due_hours.is_some_and(|hours| !(1..=2000).contains(&hours)) {
                check.fault(&format!("/stages/{n}/due_hours"), "Give 1 to 2000 working hours.");
            }
            stage.condition = stage.condition.take().map(|c| c.trim().to_owned()).filter(|c| !c.is_empty());
            if let Some(Err(faults)) = stage.condition.as_deref().map(Expression::compile) {
                for fault in faults {
                    check.fault(&format!("/stages/{n}/condition"), fault.to_string());
                }
            }
        }
        if !self.stages.is_empty() && self.stages.iter().all(|stage| stage.condition.is_some()) {
            check.fault("/stages", "At least one stage has no condition: nothing goes live undecided.");
        }
        check.finish()?;
        Ok(self)
    }
    fn ready(&self) -> Result<(), Error> {
        Ok(())
    }
    fn beside(&self, other: &Self) -> Result<(), Error> {
        let both = self.kinds.iter().position(|kind| other.kinds.contains(kind));
        match both.filter(|_| self.in_use && other.in_use) {
            None => Ok(()),
            Some(n) => Err(Error::field(
                &format!("/kinds/{n}"),
                format!("'{}' is in use for this kind of request. Take the kind away from it first.", other.title),
            )),
        }
    }
    fn groups(&self) -> Vec<NamedGroup> {
        let named = |(n, stage): (usize, &StageContent)| NamedGroup {
            pointer: format!("/stages/{n}/review_group"),
            group: stage.review_group.clone(),
            approvals: usize::try_from(stage.approvals).unwrap_or_default(),
        };
        self.stages.iter().enumerate().map(named).collect()
    }
    fn twice(&self) -> Option<Twice> {
        Some(if self.same_person_twice { Twice::Yes } else { Twice::No })
    }
    fn facets(&self) -> (&'static str, &'static str) {
        (if self.in_use { "in_use" } else { "off" }, "")
    }
}
